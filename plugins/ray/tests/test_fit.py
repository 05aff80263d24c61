"""Training loops in Ray Train."""

import sys
from pathlib import Path

import pytest
from ray_loops import Loop

from tokenry_core import ArrowSource, Session, train
from tokenry_core.errors import ConfigError, DataError
from tokenry_ray import RayEngine, _fit

ROWS = {"id": range(10), "x": range(10)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
def test_loop_whose_worker_is_killed_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = []
    session = Session(workdir=Path("loop"), event=lambda *event: told.append(event))
    tokenizer = Loop(killed_at=3)
    data = train(tokenizer, ArrowSource(ROWS), session, fit=RayEngine(retries=1).fit)
    assert tokenizer.state()["total"].tolist() == [5 * 45]
    assert data.rows == 10
    assert (tmp_path / "loop" / "log").read_text().splitlines() == ["from 0", "from 3"]
    assert ("step 2", {"total": 90}) in told
    assert ("step 5", {"total": 225}) in told


def test_error_of_a_loop_is_raised_as_it_is_and_not_tried_again(monkeypatch):
    calls = []

    def trained(order, *rest):
        calls.append(rest)
        return _fit._loop({"order": order})

    monkeypatch.setattr(_fit, "_trained", trained)
    with pytest.raises(DataError, match="no rows to my liking"):
        RayEngine().fit(Loop(fails=True), ArrowSource(ROWS), Session())
    assert len(calls) == 1


def test_events_of_a_kind_are_told_a_few_times_a_second():
    told = []
    with _fit._heard(lambda *event: told.append(event)) as tell:
        for step in range(500):
            tell("step", {"step": step})
        tell("end", {})
    assert told[0] == ("step", {"step": 0})
    assert told[-1] == ("end", {})
    assert len(told) < 50


def test_ray_train_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.train", None)
    with pytest.raises(ConfigError, match=r'pip install "tokenry-ray\[train\]"'):
        RayEngine().fit(Loop(), ArrowSource(ROWS), Session())
