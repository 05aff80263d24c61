import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tokenry_core.errors import ConfigError, DataError
from tokenry_dino import DinoPatchConfig, assign_buckets, verify_patches
from tokenry_dino._command import main

OPTIONS = {"depth": 2, "embed_dim": 48, "num_heads": 3}
MODEL = ["--model", "dinov2_vits14", "--weights", "random", "--options", json.dumps(OPTIONS)]
BUCKETS = [(84, 56), (56, 84), (70, 70)]
GIVEN = ["--buckets", "84x56", "56x84", "70x70"]
SHAPES = {"a": (24, 48), "b": (24, 48), "c": (25, 48)}


@pytest.fixture
def folder(tmp_path, picture):
    images = tmp_path / "images"
    images.mkdir()
    for name, size in {"a": (120, 80), "b": (80, 120), "c": (50, 50)}.items():
        (images / f"{name}.png").write_bytes(picture(*size))
    return images


@pytest.fixture
def dataset(folder):
    return assign_buckets(folder, folder.parent / "data.jsonl", buckets=BUCKETS).output


@pytest.fixture
def patches(tmp_path):
    target = tmp_path / "patches"
    target.mkdir()
    for name, shape in SHAPES.items():
        np.save(target / f"{name}.npy", np.zeros(shape, np.float16))
    return target


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def verified(patches, dataset, **options):
    config = DinoPatchConfig(weights="random", options=OPTIONS, buckets=BUCKETS, **options)
    return verify_patches(patches, dataset, config)


def test_assign_buckets_makes_records_from_a_folder(dataset):
    assert lines(dataset) == [
        {"image_id": "a", "image_path": "images/a.png", "aspect_bucket": "84x56"},
        {"image_id": "b", "image_path": "images/b.png", "aspect_bucket": "56x84"},
        {"image_id": "c", "image_path": "images/c.png", "aspect_bucket": "70x70"},
    ]


def test_assign_buckets_keeps_order_fields_and_buckets_that_are_there(folder, capsys):
    records = [
        {"image_path": "images/c.png", "caption": "naïve 日本", "tags": [1, {"x": None}]},
        {"image_path": "images/a.png", "aspect_bucket": "70x70", "score": 0.5},
        {"image_path": "images/b.png"},
    ]
    file = folder.parent / "data.jsonl"
    file.write_text("".join(json.dumps(record) + "\n\n" for record in records))
    before = file.read_bytes()
    assert main(["assign-buckets", str(file), *GIVEN]) == 0
    found = lines(folder.parent / "data.buckets.jsonl")
    assert [{**record, "aspect_bucket": None} for record in found] == [
        {**record, "aspect_bucket": None} for record in records
    ]
    assert [record["aspect_bucket"] for record in found] == ["70x70", "70x70", "56x84"]
    assert file.read_bytes() == before
    assert "70x70        2" in capsys.readouterr().out


def test_assign_buckets_replaces_buckets_when_asked_to(folder):
    file = folder.parent / "data.jsonl"
    file.write_text(json.dumps({"image_path": "images/a.png", "aspect_bucket": "70x70"}))
    output = folder.parent / "new.jsonl"
    main(["assign-buckets", str(file), "--output", str(output), "--reassign", *GIVEN])
    assert lines(output)[0]["aspect_bucket"] == "84x56"


def test_an_image_that_cannot_be_read_gets_no_bucket_and_is_named(folder, capsys):
    (folder / "bad.jpg").write_bytes(b"no image")
    output = folder.parent / "data.jsonl"
    assert main(["assign-buckets", str(folder), "--output", str(output), *GIVEN]) == 1
    assert lines(output)[2] == {
        "image_id": "bad",
        "image_path": "images/bad.jpg",
        "aspect_bucket": None,
    }
    assert "cannot be read: images/bad.jpg: this is no image" in capsys.readouterr().out


def test_assign_buckets_never_writes_over_a_file(folder):
    output = folder.parent / "data.jsonl"
    output.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        assign_buckets(folder, output)
    assert output.read_text() == "mine"


def test_assign_buckets_leaves_nothing_half_written(folder):
    file = folder.parent / "data.jsonl"
    file.write_text(json.dumps({"image_path": "images/a.png"}) + "\n{")
    with pytest.raises(DataError, match=r"data.jsonl:2: this is no JSON"):
        assign_buckets(file, folder.parent / "new.jsonl")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["data.jsonl", "images"]


def test_relative_paths_are_not_moved_to_another_folder(folder, tmp_path):
    file = folder.parent / "data.jsonl"
    file.write_text(json.dumps({"image_path": "images/a.png"}))
    with pytest.raises(ConfigError, match="same folder"):
        assign_buckets(file, tmp_path / "elsewhere" / "new.jsonl")


def test_verify_prints_the_table_of_buckets(patches, dataset, capsys):
    args = ["verify", str(patches), "--dataset", str(dataset), *MODEL, *GIVEN]
    assert main(args) == 0
    out = capsys.readouterr().out
    assert "84x56        1       4x6       (24, 48)        2,304" in out
    assert "every image has its patches" in out


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda file: file.unlink(), "there is no a.npy"),
        (lambda file: file.write_bytes(file.read_bytes()[:100]), "no whole .npy file"),
        (lambda file: file.write_bytes(b""), "no whole .npy file"),
        (lambda file: np.save(file, np.zeros((25, 48), np.float16)), "its bucket 84x56 has"),
        (lambda file: np.save(file, np.zeros((24, 48), np.float32)), "expected is float16"),
        (lambda file: np.save(file, np.full((24, 48), np.nan, np.float16)), "not finite"),
        (lambda file: np.save(file, np.zeros((196, 48), np.float16)), "centre crop.*regenerate"),
        (lambda file: file.write_bytes(file.read_bytes() + b"more"), "has 4 bytes behind"),
    ],
    ids=["gone", "truncated", "empty", "shape", "dtype", "not a number", "old crop", "too long"],
)
def test_verify_finds_what_is_wrong(patches, dataset, change, why):
    change(patches / "a.npy")
    found = verified(patches, dataset)
    assert found.exit_code == 1
    assert len(found.problems) == 1

    assert re.search(f"^a: .*{why}", found.problems[0])


def test_verify_names_files_of_no_image_without_failing(patches, dataset):
    np.save(patches / "z.npy", np.zeros((24, 48), np.float16))
    found = verified(patches, dataset)
    assert found.exit_code == 0
    assert found.strangers == ["z.npy"]
    assert "1 files are of no image of the dataset: z.npy" in str(found)


def test_verify_asks_for_the_model_when_nothing_says_it(patches, dataset):
    with pytest.raises(ConfigError, match="--model"):
        verify_patches(patches, dataset)


def test_verify_reads_the_model_from_the_artifact_beside_the_folder(patches, dataset, small):
    small(options=OPTIONS, dtype="float16").save(f"{patches}.safetensors")
    assert verify_patches(patches, dataset).exit_code == 0


def test_show_writes_a_picture_of_image_and_patches(folder, tmp_path):
    output = tmp_path / "a.png"
    main(["show", str(folder / "a.png"), "--output", str(output), *MODEL, *GIVEN])
    assert Image.open(io.BytesIO(output.read_bytes())).size == (84 + 8 + 84, 56)


def test_a_bucket_that_is_none_is_a_wrong_call(folder, capsys):
    with pytest.raises(SystemExit):
        main(["assign-buckets", str(folder), "--buckets", "wide"])
    assert "WIDTHxHEIGHT" in capsys.readouterr().err


def test_options_that_are_no_json_are_refused(folder):
    with pytest.raises(ConfigError, match="no JSON"):
        main(["show", str(folder / "a.png"), "--options", "depth=2"])
