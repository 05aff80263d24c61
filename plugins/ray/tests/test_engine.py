"""The engine: what the kit promises of every one, and what Ray adds."""

import time

import pytest
from ray_tasks import Add, AddOnce, Large, Loading, Once, Sleep, where

from tokenry_core import Died, Engine, SupportsTraining
from tokenry_core.errors import ConfigError
from tokenry_core.testing import EngineCase, EngineTests
from tokenry_ray import RayConfig, RayEngine, _engine


class TestRayEngine(EngineTests):
    @pytest.fixture
    def case(self):
        return EngineCase(RayEngine(workers=2, retries=1))


def test_engine_trains_too():
    assert isinstance(RayEngine(), Engine)
    assert isinstance(RayEngine(), SupportsTraining)


def test_as_many_workers_as_the_cluster_has_room_for():
    assert RayEngine().workers == 2
    assert RayEngine(cpus_per_worker=0.5).workers == 4
    assert RayEngine(workers=1).workers == 1


def test_need_that_no_cluster_meets_is_said_at_once():
    class OnGpu(Loading):
        device = "cuda:0"

    with pytest.raises(ConfigError, match="needs 1 CPU and 1 GPU, and the whole cluster has 2 CPU"):
        list(RayEngine().map(OnGpu(), [1]))
    with pytest.raises(ConfigError, match="needs 3 CPU"):
        list(RayEngine(cpus_per_worker=3).map(abs, [1]))


def test_share_of_a_gpu_is_asked_for_where_the_device_is_one():
    assert RayEngine().config.needs("cpu") == {"num_cpus": 1}
    assert RayEngine().config.needs("cuda") == {"num_cpus": 1, "num_gpus": 1}
    assert RayEngine(gpus_per_worker=0.25).config.needs("cuda:0")["num_gpus"] == 0.25
    assert "num_gpus" not in RayEngine(gpus_per_worker=0.25).config.needs("cpu")


@pytest.mark.parametrize("workers", [1, 2])
def test_heavy_task_is_loaded_once_in_each_of_its_actors(workers):
    results = [r for _, r in RayEngine(workers=workers).map(Loading(heavy=True), range(12))]
    processes = {pid for pid, _, _ in results}
    assert len(processes) <= workers
    assert {loads for _, loads, _ in results} == {1}
    assert max(calls for _, _, calls in results) >= 12 / workers


def test_no_more_actors_than_items_are_made(monkeypatch):
    made = []
    make_actors = _engine.make_actors
    monkeypatch.setattr(
        _engine,
        "make_actors",
        lambda *args, **rest: made.append(args[1]) or make_actors(*args, **rest),
    )
    list(RayEngine(workers=2).map(Loading(heavy=True), [1]))
    assert made == [1]


def test_without_items_nothing_is_started():
    assert list(RayEngine(address="host-that-is-not-there:1").map(abs, [])) == []


def test_light_task_is_loaded_once_in_a_worker_that_is_used_again():
    results = [r for _, r in RayEngine(workers=1).map(Loading(), range(12))]
    loads: dict[int, set[int]] = {}
    for pid, count, _ in results:
        loads.setdefault(pid, set()).add(count)
    assert all(len(counts) == 1 for counts in loads.values())


@pytest.mark.parametrize("heavy", [False, True], ids=["task", "actor"])
def test_item_of_a_lost_worker_is_tried_again(tmp_path, heavy):
    task = Once(tmp_path, [1, 4], heavy)
    assert dict(RayEngine().map(task, range(6))) == {i: i * 2 for i in range(6)}


@pytest.mark.parametrize("heavy", [False, True], ids=["task", "actor"])
def test_without_retries_a_lost_item_is_lost_alone(tmp_path, heavy):
    found = dict(RayEngine(retries=0).map(Once(tmp_path, [2], heavy), range(6)))
    assert found.pop(2) == Died()
    assert found == {i: i * 2 for i in (0, 1, 3, 4, 5)}


def test_work_is_done_where_the_driver_is(tmp_path, monkeypatch):
    engine = RayEngine(workers=1)
    monkeypatch.chdir(tmp_path)
    assert dict(engine.map(where, [1])) == {1: str(tmp_path)}
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert dict(engine.map(where, [1])) == {1: str(tmp_path / "below")}


def test_folder_that_a_worker_does_not_see_is_named(tmp_path, monkeypatch):
    import tokenry_ray._worker as worker

    monkeypatch.setattr(worker.os, "getcwd", lambda: str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match=r"elsewhere, .* is not to be seen on .* same path"):
        list(RayEngine(workers=1).map(where, [1]))


def test_few_items_are_taken_ahead_of_the_results(tmp_path):
    taken = []
    for done, _ in enumerate(RayEngine(workers=2).map(Large(tmp_path), _noted(range(60), taken))):
        assert len(taken) <= done + 1 + 4
    assert len(taken) == 60


def test_object_store_stays_bounded(tmp_path, ray_session):
    """Results of three times the size of the store pass through it, and none is put on disk."""
    for _ in RayEngine(workers=2).map(Large(tmp_path), range(300)):
        pass
    assert not [path for path in ray_session.rglob("*spilled*/*") if path.is_file()]


def test_what_nobody_waits_for_is_ended(tmp_path):
    results = RayEngine(workers=2).map(Sleep(tmp_path), [0, 60, 61, 62, 63])
    assert next(results) == (0, None)
    while len(begun := sorted(tmp_path.glob("*.begun"))) < 3:
        time.sleep(0.02)
    results.close()
    assert dict(RayEngine(workers=2).map(abs, [1, 2, 3])) == {1: 1, 2: 2, 3: 3}
    assert sorted(tmp_path.glob("*.begun")) == begun
    assert not list(tmp_path.glob("6*.ended"))


def test_options_are_checked_as_those_of_every_plugin():
    with pytest.raises(ConfigError, match="workers"):
        RayEngine(workers=0)
    with pytest.raises(ConfigError, match=r"worker.*did you mean.*workers|workers"):
        RayEngine(worker=2)
    assert RayEngine(RayConfig(retries=0)).config.retries == 0


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_results_are_merged_into_one(count):
    done = []
    task = Add()
    total = RayEngine().reduce(task, range(count), task.merge, done.append)
    assert total.tolist() == [sum(range(count)), count]
    assert sorted(done) == list(range(count))


def test_merged_result_can_be_written_to():
    task = Add()
    total = RayEngine().reduce(task, range(4), task.merge)
    total += 1


def test_pass_whose_worker_is_lost_is_made_again(tmp_path):
    task = AddOnce(tmp_path, 3)
    total = RayEngine().reduce(task, range(6), task.merge)
    assert total.tolist() == [15, 6]


def test_pass_that_always_loses_a_worker_ends(tmp_path):
    task = AddOnce(tmp_path, 3)
    assert RayEngine(retries=0).reduce(task, range(6), task.merge) == Died()


def test_error_of_a_pass_is_raised_as_it_is():
    task = Add()
    with pytest.raises(ValueError, match="inhomogeneous") as raised:
        RayEngine().reduce(task, [1, [1]], task.merge)
    assert type(raised.value) is ValueError


def test_passes_are_made_by_the_same_actors():
    engine, task = RayEngine(), Add()
    engine.reduce(task, range(4), task.merge)
    keepers = list(engine._keepers)
    assert engine.reduce(task, range(3), task.merge).tolist() == [3, 3]
    assert engine._keepers == keepers
    assert len(keepers) == 2


def _noted(items, taken):
    for item in items:
        taken.append(item)
        yield item
