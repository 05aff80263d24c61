"""ModelTests: what every model factory promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ._kit import Kit
from ._promises import expect, named, promised, shown

__all__ = ["ModelCase", "ModelTests"]

_READ = "ModelFactory"


def _forward(module: Any, inputs: Any) -> Any:
    return module(inputs)


@dataclass
class ModelCase:
    """A model factory, options that make a small model, and an input for it.

    `inputs` makes a batch from a torch generator; the default is two images of three channels
    and `size`. `run` calls the module where that is more than `module(inputs)`.
    """

    factory: Any
    config: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (28, 42)
    inputs: Callable[[Any], Any] | None = None
    run: Callable[[Any, Any], Any] = _forward

    def module(self) -> Any:
        """Give a new module, in evaluation mode, with the weights of seed 0."""
        import torch

        with promised("the factory makes a module of its options", _READ):
            torch.manual_seed(0)
            return self.factory(**self.config).eval()

    def batch(self) -> Any:
        """Give the same inputs each time."""
        import torch

        generator = torch.Generator().manual_seed(1)
        if self.inputs is not None:
            return self.inputs(generator)
        return torch.rand(2, 3, *self.size, generator=generator)

    def output(self, module: Any, inputs: Any) -> Any:
        """Give what the module makes of the inputs."""
        import torch

        with promised("the module takes its inputs", _READ), torch.no_grad():
            return self.run(module, inputs)


class ModelTests(Kit):
    """Checks a model factory; a subclass gives the fixture `case`."""

    @pytest.fixture
    def case(self) -> ModelCase:
        """The factory: `return ModelCase(my_factory, {"depth": 2}, size=(28, 42))`."""
        raise NotImplementedError(
            f"{type(self).__qualname__} lacks the fixture `case`: define it, and let it return a"
            " tokenry_core.testing.ModelCase"
        )

    def test_has_a_kind(self, case: ModelCase) -> None:
        kind = getattr(case.factory, "kind", None)
        good = isinstance(kind, str) and kind.strip() and callable(case.factory)
        promise = 'a factory is callable and has a kind, such as "backbone"'
        expect(good, promise, f"kind is {kind!r}", _READ)

    def test_makes_a_module(self, case: ModelCase) -> None:
        import torch

        module = case.module()
        expect(isinstance(module, torch.nn.Module), "a torch.nn.Module", shown(module), _READ)

    def test_token_dim_and_num_tokens_agree_with_the_output(self, case: ModelCase) -> None:
        module = case.module()
        if case.factory.kind != "backbone" and not hasattr(module, "token_dim"):
            return
        promise = "a backbone's output is (images, num_tokens(height, width), token_dim)"
        with promised(promise, _READ):
            dim, count = int(module.token_dim), int(module.num_tokens(*case.size))
        inputs = case.batch()
        shape = tuple(case.output(module, inputs).shape)
        expect(shape == (len(inputs), count, dim), promise, f"{shape}, not {(count, dim)}", _READ)

    def test_same_output_twice(self, case: ModelCase) -> None:
        module = case.module()
        first, second = (case.output(module, case.batch()) for _ in range(2))
        promise = "in evaluation mode, the same inputs give the same output"
        expect(_equal(first, second), promise, "the outputs differ", _READ)

    def test_inputs_are_not_changed(self, case: ModelCase) -> None:
        module, inputs = case.module(), case.batch()
        case.output(module, inputs)
        expect(_equal(inputs, case.batch()), "inputs are never changed", "they were", _READ)

    def test_weights_move_to_another_module(self, case: ModelCase) -> None:
        import torch

        promise = "state_dict holds all that decides the output"
        module = case.module()
        with promised(promise, _READ):
            torch.manual_seed(7)
            other = case.factory(**case.config).eval()
            other.load_state_dict(module.state_dict())
        same = _equal(case.output(module, case.batch()), case.output(other, case.batch()))
        expect(same, promise, "another output", _READ)

    def test_unknown_options_are_refused(self, case: ModelCase) -> None:
        promise = "an unknown option is an error that names it"
        try:
            case.factory(**case.config, no_such_option=1)
        except (TypeError, ValueError) as error:
            expect("no_such_option" in str(error), promise, str(error), _READ)
        except Exception as error:
            expect(False, promise, named(error), _READ)
        else:
            expect(False, promise, "no error at all", _READ)


def _equal(a: Any, b: Any) -> bool:
    import torch

    if isinstance(a, torch.Tensor):
        return bool(torch.equal(a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)
