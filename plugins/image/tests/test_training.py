"""The loop: phases, validation, early stopping, interruption and resumption."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tokenry_core import ArrowSource, ParquetSource, Session, open_source
from tokenry_core.errors import DataError, NotTrained
from tokenry_image import ImageTokenizer
from tokenry_image._columns import table_of
from tokenry_image._rows import Place, Stack, TrainingRows, _Least

SIZE = 8


def photos(rows=40, seed=0):
    """Smooth images, which an autoencoder can learn something of."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    slopes = rng.normal(size=(rows, 1, 3, 1, 1))
    return (slopes[:, :, 0] + slopes[:, :, 1] * x + slopes[:, :, 2] * y).astype(np.float32)


def tiny(quantizer="fsq", training=(), **options):
    return ImageTokenizer(
        **{
            "cutout_size": SIZE,
            "bands": ["R"],
            "codebook_size": 16,
            "quantizer": quantizer,
            "options": {"width": 8, "blocks": 1},
            "training": {
                "steps": 12,
                "batch_size": 8,
                "evaluate_every": 4,
                "checkpoint_every": 3,
                "validation": 0.2,
                **dict(training),
            },
            **options,
        }
    )


def same(a, b):
    return a.state().keys() == b.state().keys() and all(
        np.array_equal(a.state()[name], b.state()[name]) for name in a.state()
    )


class Stop:
    """Says stop after some steps."""

    def __init__(self, steps):
        self.left = steps

    def __call__(self):
        self.left -= 1
        return self.left == 0


def events():
    told = []
    return told, lambda name, values: told.append((name, dict(values)))


@pytest.mark.parametrize("quantizer", ["fsq", "kmeans", "vq"])
def test_stopped_training_goes_on_to_equal_weights(tmp_path, quantizer):
    undisturbed = tiny(quantizer).train(photos())
    with pytest.raises(NotTrained, match="stopped after step 8"):
        tiny(quantizer).train(photos(), Session(workdir=tmp_path, stop=Stop(8)))
    told, event = events()
    again = tiny(quantizer).train(photos(), Session(workdir=tmp_path, event=event))
    assert same(again, undisturbed)
    assert [values["step"] for name, values in told if name == "validation"] == [12]


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from pathlib import Path
from test_training import photos, tiny
from tokenry_core import Session
steps = iter(range(1, 100))
def stop():
    if next(steps) == 10:
        os.kill(os.getpid(), signal.SIGKILL)
tiny(sys.argv[3]).train(photos(), Session(workdir=Path(sys.argv[2]), stop=stop))
"""


@pytest.mark.slow
@pytest.mark.parametrize("quantizer", ["fsq", "vq"])
def test_killed_training_goes_on_to_equal_weights(tmp_path, quantizer):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", KILLED, here, str(tmp_path), quantizer]
    process = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert list(tmp_path.glob("checkpoint-*.safetensors"))
    told, event = events()
    again = tiny(quantizer).train(photos(), Session(workdir=tmp_path, event=event))
    assert same(again, tiny(quantizer).train(photos()))
    assert [v["step"] for name, v in told if name == "checkpoint"] == [12, 12]  # from step 9 on


def test_finished_training_is_not_repeated(tmp_path):
    first = tiny().train(photos(), Session(workdir=tmp_path))
    told, event = events()
    again = tiny().train(photos(), Session(workdir=tmp_path, event=event))
    assert same(first, again)
    assert "step" not in {name for name, _ in told}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"options": {"width": 16, "blocks": 1}}, id="another network"),
        pytest.param({"codebook_size": 25}, id="another codebook"),
    ],
)
def test_checkpoint_of_another_training_is_not_taken(tmp_path, other):
    tiny().train(photos(), Session(workdir=tmp_path))
    expected = tiny(**other).train(photos())
    assert same(tiny(**other).train(photos(), Session(workdir=tmp_path)), expected)
    assert len(list(tmp_path.glob("checkpoint-*.safetensors"))) == 2


def test_damaged_checkpoint_is_not_taken(tmp_path):
    expected = tiny().train(photos(), Session(workdir=tmp_path))
    (path,) = tmp_path.glob("checkpoint-*.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    assert same(tiny().train(photos(), Session(workdir=tmp_path)), expected)


def test_stopped_without_a_work_directory_says_that_nothing_is_kept():
    with pytest.raises(NotTrained, match="nothing of it is kept"):
        tiny().train(photos(), Session(stop=Stop(2)))


def test_training_ends_when_validation_gets_no_better():
    told, event = events()
    training = {"steps": 60, "patience": 2, "learning_rate": 1e-12, "evaluate_every": 2}
    tiny(training=training).train(photos(), Session(event=event))
    assert max(values["step"] for name, values in told if name == "validation") < 60


def test_training_makes_reconstructions_better():
    told, event = events()
    training = {"steps": 150, "batch_size": 16, "evaluate_every": 50, "learning_rate": 3e-3}
    tiny("vq", training).train(photos(200), Session(event=event))
    losses = [values["loss"] for name, values in told if name == "validation"]
    assert losses[-1] < 0.9 * losses[0]


def test_minutes_are_a_budget():
    told, event = events()
    training = {"minutes": 0.01}
    tiny(training=training).train(photos(), Session(event=event))
    assert told[-1][0] == "validation"


def test_order_of_rows_and_fragments_does_not_matter():
    table = table_of(photos(), tiny().config).append_column("id", [list(range(40))])
    order = np.random.default_rng(1).permutation(40)
    expected = tiny().train(table)
    found = tiny().train(ArrowSource(table.take(order), id="id", fragment_rows=7))
    assert same(expected, found)


def test_seed_changes_the_result():
    assert not same(tiny().train(photos()), tiny().train(photos(), Session(seed=1)))


def test_stream_holds_no_more_than_the_configured_memory():
    config = tiny(training={"memory": 1 << 20}).config
    images = np.repeat(photos(50), 200, 0)  # 2.4 MiB
    source = ArrowSource(table_of(images, config), fragment_rows=3000)
    rows = TrainingRows(source, config, 0)
    sizes = [len(chunk.keys) for chunk in rows._chunks(0)]
    assert len(sizes) > 1
    assert max(sizes) <= (1 << 20) / (4 * SIZE**2)
    assert sum(sizes) + sum(len(part[1].keys) for i in range(4) for part in rows._read(i)) == 10_000


def test_stream_goes_on_where_it_was():
    config = tiny(training={"memory": 1 << 20, "batch_size": 512}).config
    source = ArrowSource(table_of(np.repeat(photos(50), 200, 0), config), fragment_rows=3000)
    stream = TrainingRows(source, config, 0).batches(Place())
    first = [next(stream) for _ in range(30)]
    assert first[17][0].epoch < first[-1][0].epoch
    again = TrainingRows(source, config, 0).batches(first[17][0])
    for (place, stack), (other_place, other) in zip(first[18:], again, strict=False):
        assert place == other_place
        assert np.array_equal(stack.keys, other.keys)


def test_sample_does_not_depend_on_order_or_division():
    keys = np.arange(60).astype(np.uint64)
    rows = Stack(np.arange(60.0).reshape(60, 1, 1, 1), None, keys)
    samples = []
    for order, division in ((np.arange(60), 60), (np.random.default_rng(0).permutation(60), 7)):
        least = _Least(9)
        for start in range(0, 60, division):
            least.add(rows.take(order[start : start + division]))
        samples.append(least.stack())
    assert np.array_equal(samples[0].keys, samples[1].keys)
    assert np.array_equal(samples[0].images, samples[1].images)


def test_absent_bands_do_not_enter_the_scale():
    red = photos(40)[:, 0] + 1000
    rows = {"splus_cut_R": [None if i % 3 else row.ravel() for i, row in enumerate(red)]}
    rows["splus_cut_G"] = list(photos(40)[:, 0].reshape(40, -1))
    trained = tiny(bands=["R", "G"], absent_band="mask").train(rows)
    assert abs(trained.state()["offset"][0] - 1000) < 3
    assert trained.state()["scale"][0] < 5


def test_every_epoch_has_another_order():
    rows = TrainingRows(open_source(table_of(photos(), tiny().config)), tiny().config, 0)
    stream = rows.batches(Place())
    keys = [set(next(stream)[1].keys.tolist()) for _ in range(12)]
    assert len({frozenset(k) for k in keys}) > 6


def test_no_image_to_train_on_says_why():
    images = np.full((10, 1, SIZE, SIZE), np.nan)
    with pytest.raises(DataError, match="none of 10 rows has an image"):
        tiny().train(images)


def test_other_size_than_configured_is_refused_in_training():
    with pytest.raises(DataError, match="16 x 16 pixels; cutout_size is 8"):
        tiny().train(np.zeros((10, 1, 16, 16)))


def test_trains_from_parquet_files(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(table_of(photos(), tiny().config), tmp_path / "a.parquet")
    trained = tiny().train(ParquetSource(path=str(tmp_path)))
    assert trained.training.rows == 40


def test_page_of_the_training_is_written(tmp_path):
    tiny().train(photos(), Session(workdir=tmp_path))
    page = (tmp_path / "training.html").read_text()
    assert page.count("<svg") == 4
    assert "of 16 codes are used; their perplexity is" in page
    assert [entry["step"] for entry in json.loads((tmp_path / "training.json").read_text())]


def test_random_numbers_of_the_caller_are_left_alone():
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tiny().train(photos())
    assert torch.equal(torch.rand(3), expected)
