"""Runs on Ray end with the bytes that runs of the local engine end with."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogs import contents
from PIL import Image

import tokenry
from tokenry_core import tensor_column

LOCAL = {"name": "local", "mode": "serial"}
RAY = {f"{n} workers": {"name": "ray", "workers": n, "retries": 1} for n in (1, 2)}
on_ray = pytest.mark.parametrize("engine", RAY.values(), ids=RAY)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data, where relative paths start."""
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    yield folder
    patch.undo()


def write(folder, table, files, rows):
    folder.mkdir()
    for i in range(files):
        pq.write_table(table.slice(i * rows, rows), folder / f"part{i}.parquet", row_group_size=20)


@pytest.fixture(scope="module")
def catalog(place):
    """Numbers and spectra, 240 rows in 12 fragments, some of them missing."""
    random = np.random.default_rng(0)
    magnitudes = random.normal(19, 2, (2, 240)).astype(np.float32)
    magnitudes[:, ::7] = np.nan
    lengths = random.integers(0, 12, 240)
    lists = pa.list_(pa.float32())
    table = pa.table(
        {
            "source_id": np.arange(240) + 2**60,
            "mag_r": magnitudes[0],
            "mag_g": magnitudes[1],
            "desi_flux_b": pa.array([random.normal(size=n).tolist() for n in lengths], lists),
            "desi_ivar_b": pa.array([random.gamma(2, size=n).tolist() for n in lengths], lists),
        }
    )
    write(place / "catalog", table, 3, 80)
    tokenizers = {
        "scalar": {"n_bins": 16, "scalar_columns": ["mag_r", "mag_g"]},
        "spectrum": {"codebook_size": 8, "groups": ["desi_b"]},
    }
    return run("catalog", tokenizers)


@pytest.fixture(scope="module")
def cutouts(place):
    """Images in two bands, 24 rows in 6 fragments, one of them missing."""
    images = np.random.default_rng(1).normal(size=(24, 2, 16, 16)).astype(np.float32)
    columns = {"id": np.arange(24), "image": tensor_column(images)}
    columns |= {f"splus_cut_{band}": tensor_column(images[:, i]) for i, band in enumerate("RG")}
    write(place / "cutouts", pa.table(columns), 6, 4)
    return "cutouts"


@pytest.fixture(scope="module")
def images(place):
    """Eight pictures of two sizes."""
    random = np.random.default_rng(2)
    (place / "images").mkdir()
    for i, (height, width) in enumerate([(84, 56), (56, 84)] * 4):
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{i}.png")
    buckets = [[84, 56], [56, 84]]
    return {"name": "images", "path": "images", "buckets": buckets, "fragment_images": 2}


def run(path, tokenizers, **parts):
    return {
        "source": {"name": "parquet", "path": path, "fragment_bytes": 1000},
        "tokenizers": tokenizers,
        "sink": {"name": "parquet", "path": "tokens"},
        "runtime": {"threads": 1},
        **parts,
    }


def encoded(run, engine, into):
    """Encode into a folder of its own; give its summary and what it promises to repeat."""
    path = f"{into}-{engine['name']}-{engine.get('workers')}"
    sink = {**run["sink"], "path": path}
    summary = tokenry.encode({**run, "engine": engine, "sink": sink}, overwrite=True)
    return summary, contents(Path(path))


def trained(run, engine):
    folder = f"artifacts-{engine['name']}-{engine.get('workers')}"
    summary = tokenry.train({**run, "engine": engine, "artifacts": folder})
    return {key: Path(path).read_bytes() for key, path in summary.artifacts.items()}


@pytest.fixture(scope="module")
def by_local(catalog):
    """The artifacts that the local engine trains."""
    return trained(catalog, LOCAL)


@on_ray
def test_training_gives_the_same_artifacts(catalog, by_local, engine):
    assert trained(catalog, engine) == by_local


@on_ray
def test_scalar_and_spectrum_tokens_are_the_same(catalog, by_local, engine):
    run = {**catalog, "artifacts": "artifacts-local-None"}
    expected, files = encoded(run, LOCAL, "catalog-tokens")
    summary, found = encoded(run, engine, "catalog-tokens")
    assert found == files
    assert len(files) > 12
    assert (summary.rows_out, summary.counts) == (expected.rows_out, expected.counts)


@on_ray
def test_patches_are_the_same(cutouts, engine):
    patches = {"patch2d": {"shape": [2, 16, 16], "patch_size": 4}}
    files = encoded(run(cutouts, patches), LOCAL, "patches")[1]
    assert encoded(run(cutouts, patches), engine, "patches")[1] == files


@on_ray
def test_features_of_a_model_are_the_same(images, engine):
    small = {"depth": 2, "embed_dim": 48, "num_heads": 3}
    dino = {"name": "dino-patch", "weights": "random", "options": small}
    features = run("images", {"dino": dino}, source=images)
    files = encoded(features, LOCAL, "features")[1]
    assert encoded(features, engine, "features")[1] == files


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
def test_loop_in_ray_train_gives_the_same_artifact(cutouts):
    training = {"steps": 6, "batch_size": 4, "evaluate_every": 2, "validation": 0.2}
    image = {
        "cutout_size": 16,
        "bands": ["R", "G"],
        "codebook_size": 16,
        "options": {"width": 8, "blocks": 1},
        "training": training,
    }
    images = run("cutouts", {"image": image})
    assert trained(images, RAY["1 workers"]) == trained(images, LOCAL)
    tokens = {**images, "artifacts": "artifacts-local-None"}
    files = encoded(tokens, LOCAL, "images")[1]
    assert encoded(tokens, RAY["2 workers"], "images")[1] == files
