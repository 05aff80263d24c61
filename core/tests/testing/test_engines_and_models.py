"""Engines and models that keep their promises pass; each that breaks one is caught."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tokenry_core import Died
from tokenry_core.testing import (
    BrokenPromise,
    EngineCase,
    EngineTests,
    ModelCase,
    ModelTests,
)

HERE = os.getpid()


class Serial:
    """In this process, one after the other."""

    def map(self, task, items):
        for item in items:
            yield item, task(item)


class Threads:
    """In threads of this process."""

    def map(self, task, items):
        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(lambda item: (item, task(item)), item) for item in items]:
                yield future.result()


class Forks:
    """A process for every item."""

    def map(self, task, items):
        for item in items:
            yield item, self.result(task, item)

    def result(self, task, item):
        context = multiprocessing.get_context("spawn" if os.name == "nt" else "fork")
        receiver, sender = context.Pipe(False)
        worker = context.Process(target=_work, args=(task, item, sender))
        worker.start()
        sender.close()
        try:
            good, result = receiver.recv()
        except EOFError:
            worker.join()
            return self.lost(worker.exitcode)
        worker.join()
        if not good:
            raise result
        return result

    def lost(self, code):
        return Died(f"its process ended with code {code}")


def _work(task, item, sender):
    try:
        sender.send((True, task(item)))
    except Exception as error:
        sender.send((False, error))


class TestSerial(EngineTests):
    @pytest.fixture
    def case(self):
        return EngineCase(Serial())


class TestThreads(EngineTests):
    @pytest.fixture
    def case(self):
        return EngineCase(Threads())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
class TestForks(EngineTests):
    @pytest.fixture
    def case(self):
        return EngineCase(Forks())


class Repeats(Serial):
    def map(self, task, items):
        items = list(items)
        return super().map(task, items + items[:1])


class Mixes(Serial):
    def map(self, task, items):
        for item in items:
            yield item, task(item if isinstance(item, list) else 0)


class ByItem(Serial):
    def map(self, task, items):
        yield from {item: task(item) for item in items}.items()


class NeedsItems(Serial):
    def map(self, task, items):
        items = list(items)
        items[0]
        return super().map(task, items)


class StaysBroken(Serial):
    """After an error, or when it was left, it does nothing more."""

    used = False

    def map(self, task, items):
        if not self.used:
            self.used = True
            yield from super().map(task, items)


class SkipsNone(Serial):
    def map(self, task, items):
        return ((item, result) for item, result in super().map(task, items) if result)


class SwallowsErrors(Serial):
    def map(self, task, items):
        for item in items:
            try:
                yield item, task(item)
            except ZeroDivisionError as error:
                yield item, error


class OnlyOnce(Serial):
    used = False

    def map(self, task, items):
        assert not self.used
        self.used = True
        yield from super().map(task, items)


class LosesItems(Forks):
    def map(self, task, items):
        return ((i, r) for i, r in super().map(task, items) if not isinstance(r, Died))


class RaisesForTheDead(Forks):
    def lost(self, code):
        raise RuntimeError("a worker died")


class SaysNothing(Forks):
    def lost(self, code):
        return Died("")


WRONG_ENGINES = [
    (Repeats, "test_every_item_is_mapped_once"),
    (Mixes, "test_every_item_is_mapped_once"),
    (ByItem, "test_equal_and_unhashable_items_are_items_each"),
    (NeedsItems, "test_no_items_give_no_results"),
    (SkipsNone, "test_results_may_be_none_and_large"),
    (SwallowsErrors, "test_errors_of_the_task_are_raised"),
    (StaysBroken, "test_stopping_early_is_allowed"),
    (StaysBroken, "test_errors_of_the_task_are_raised"),
    (OnlyOnce, "test_stopping_early_is_allowed"),
    (dict, "test_is_an_engine"),
]


@pytest.mark.parametrize(("engine", "name"), WRONG_ENGINES)
def test_wrong_engine_is_caught(engine, name):
    with pytest.raises(BrokenPromise, match="promised: "):
        getattr(EngineTests(), name)(EngineCase(engine()))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("engine", [LosesItems, RaisesForTheDead, SaysNothing])
def test_engine_that_hides_lost_workers_is_caught(engine):
    with pytest.raises(BrokenPromise, match="whose worker is lost gives Died"):
        EngineTests().test_lost_workers_lose_their_item_alone(EngineCase(engine()), "exit")


class Patches(torch.nn.Module):
    """A linear backbone of patches of 14 pixels."""

    def __init__(self, dim=4):
        super().__init__()
        self.token_dim = dim
        self.project = torch.nn.Conv2d(3, dim, 14, 14)
        self.drop = torch.nn.Dropout(0.5)

    def num_tokens(self, height, width):
        return (height // 14) * (width // 14)

    def forward(self, images):
        return self.drop(self.project(images)).flatten(2).mT


class Factory:
    kind = "backbone"
    module = Patches

    def __call__(self, **config):
        return self.module(**config)


class TestBackbone(ModelTests):
    @pytest.fixture
    def case(self):
        return ModelCase(Factory(), {"dim": 6})


class TestAnotherKind(ModelTests):
    @pytest.fixture
    def case(self):
        class Linear(Factory):
            kind = "autoencoder"
            module = torch.nn.Linear

        return ModelCase(
            Linear(),
            {"in_features": 3, "out_features": 2},
            inputs=lambda generator: {"x": torch.rand(5, 3, generator=generator)},
            run=lambda module, inputs: (module(inputs["x"]), {"n": 1}),
        )


class Miscounts(Patches):
    def num_tokens(self, height, width):
        return super().num_tokens(height, width) + 1


class Noisy(Patches):
    def forward(self, images):
        return super().forward(images) + torch.rand(1)


class InPlace(Patches):
    def forward(self, images):
        return super().forward(images.mul_(2))


class Hides(Patches):
    def __init__(self, dim=4):
        super().__init__(dim)
        self.shift = torch.rand(1)

    def forward(self, images):
        return super().forward(images) + self.shift


class TakesAnything(Patches):
    def __init__(self, **config):
        super().__init__()


class NamesNoOption(Patches):
    def __init__(self, **config):
        if config:
            raise ValueError("an option is unknown")
        super().__init__()


class BreaksOnOptions(Patches):
    def __init__(self, **config):
        super().__init__()
        if config:
            raise RuntimeError("no")


class NoModule:
    def eval(self):
        return self


WRONG_MODELS = [
    (Miscounts, "test_token_dim_and_num_tokens_agree_with_the_output"),
    (Noisy, "test_same_output_twice"),
    (InPlace, "test_inputs_are_not_changed"),
    (Hides, "test_weights_move_to_another_module"),
    (TakesAnything, "test_unknown_options_are_refused"),
    (NamesNoOption, "test_unknown_options_are_refused"),
    (NoModule, "test_makes_a_module"),
    (BreaksOnOptions, "test_unknown_options_are_refused"),
]


@pytest.mark.parametrize(("module", "name"), WRONG_MODELS)
def test_wrong_model_is_caught(module, name):
    factory = Factory()
    factory.module = module
    with pytest.raises(BrokenPromise, match="promised: "):
        getattr(ModelTests(), name)(ModelCase(factory))


def test_factory_without_kind_is_caught():
    with pytest.raises(BrokenPromise, match="has a kind"):
        ModelTests().test_has_a_kind(ModelCase(Patches))
