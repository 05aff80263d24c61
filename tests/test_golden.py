"""Files of released versions load, encode and read as they did; see tests/golden/README.md."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

import tokenry
from tokenry_core import TokenBatch
from tokenry_core.testing._compare import expect_same

GOLDEN = Path(__file__).resolve().parent / "golden"
FOLDERS = sorted(path.parent for path in GOLDEN.glob("*/*/expected.json"))
each_folder = pytest.mark.parametrize(
    "folder", FOLDERS, ids=lambda folder: folder.relative_to(GOLDEN).as_posix()
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def load(artifact: Path, folder: Path):
    """Load an artifact; weights that it does not hold lie in the folder."""
    weights = folder / "weights.safetensors"
    return tokenry.load(artifact, **({"weights": weights} if weights.exists() else {}))


def golden(folder: Path):
    """Load the artifact of a folder."""
    return load(folder / f"{folder.name}.safetensors", folder)


def encode(tokenizer, folder: Path) -> TokenBatch:
    """Encode the input."""
    if not (folder / "photos").exists():
        return tokenizer.encode(folder / "rows.parquet")
    given = tokenry.open_tokens(folder / "tokens").manifest["source"]
    return tokenizer.encode(
        tokenry.sources["images"](path=str(folder / "photos"), buckets=given["buckets"])
    )


def test_every_plugin_of_the_first_version_has_its_folder():
    there = {folder.name for folder in FOLDERS if folder.parent.name == "0.1"}
    ours = {
        "scalar",
        "spectrum",
        "patch2d",
        "patch2d_pairs",
        "dino",
        "image",
        "image_kmeans",
        "pairs",
    }
    assert there >= ours


def test_no_golden_file_was_ever_changed():
    listed = dict(
        reversed(line.split("  ")) for line in (GOLDEN / "SHA256SUMS").read_text().splitlines()
    )
    there = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    found = {path.relative_to(GOLDEN).as_posix(): sha256(path.read_bytes()) for path in there}
    assert found == listed


@each_folder
def test_shards_read_as_they_did(folder):
    tokens = tokenry.open_tokens(folder / "tokens").load()
    for key, expected in json.loads((folder / "expected.json").read_text()).items():
        array = np.ascontiguousarray(tokens[key])
        found = {"dtype": str(array.dtype), "shape": str(array.shape)}
        assert {**found, "sha256": sha256(array.tobytes())} == expected, key


@each_folder
def test_artifact_is_the_one_that_made_the_shards(folder):
    made_by = tokenry.open_tokens(folder / "tokens").tokenizers[folder.name]
    tokenizer = golden(folder)
    assert (tokenizer.name, tokenizer.fingerprint) == (made_by["name"], made_by["fingerprint"])


@each_folder
def test_artifact_encodes_as_it_did(folder):
    expected = tokenry.open_tokens(folder / "tokens").load()
    expect_same(expected, encode(golden(folder), folder), "tokens never change", "BaseTokenizer")


@each_folder
def test_artifact_is_saved_and_loaded_again(folder, tmp_path):
    first = golden(folder)
    assert load(first.save(tmp_path / "again.safetensors"), folder) == first


@pytest.mark.parametrize("folder", sorted(GOLDEN.glob("*/dino")), ids=lambda f: f.parent.name)
def test_patches_in_files_and_tars_are_those_of_the_run(folder):
    tokens = tokenry.open_tokens(folder / "tokens").load()
    in_tars = {}
    for shard in sorted((folder / "webdataset").glob("*.tar")):
        with tarfile.open(shard) as tar:
            in_tars |= {m.name: tar.extractfile(m).read() for m in tar}
    flat, indptr = tokens["dino_patches_flat"], tokens["dino_patches_indptr"]
    for row, name in enumerate(tokens["ids"]):
        patches = flat[indptr[row] : indptr[row + 1]]
        assert np.array_equal(np.load(folder / "npy" / f"{name}.npy"), patches)
        in_tar = np.load(io.BytesIO(in_tars[f"{name}.dino_patches.npy"]))
        assert np.array_equal(in_tar, patches)
        assert json.loads(in_tars[f"{name}.json"])["image_id"] == name
