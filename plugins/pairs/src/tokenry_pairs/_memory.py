"""memory_needs: what an image and a pair cost, so that a batch can be chosen."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tokenry_core.errors import ConfigError

from .model import PairMatchingModel

__all__ = ["MemoryNeeds", "memory_needs"]

_ADAM = 3  # a gradient and two moments beside each weight that learns


class MemoryNeeds(NamedTuple):
    """Bytes that a model needs: at all times, for each image, and for each pair beside its images.

    >>> needs = MemoryNeeds(weights=400 << 20, image=10 << 20, pair=1 << 20, images_per_set=3)
    >>> print(needs)
    weights 400.0 MiB, image 10.0 MiB, pair 1.0 MiB; 61.0 MiB for a pair with its 2 x 3 images
    >>> needs.pairs_in(1 << 30)
    10
    """

    weights: int
    image: int
    pair: int
    images_per_set: int

    @property
    def whole_pair(self) -> int:
        """Bytes of a pair and its images."""
        return self.pair + 2 * self.images_per_set * self.image

    def pairs_in(self, memory: int) -> int:
        """Give the number of pairs of a batch that fits."""
        return max(0, memory - self.weights) // max(1, self.whole_pair)

    def __str__(self) -> str:
        sizes = (self.weights, self.image, self.pair, self.whole_pair)
        weights, image, pair, whole = (f"{size / (1 << 20):.1f} MiB" for size in sizes)
        return (
            f"weights {weights}, image {image}, pair {pair}; {whole} for a pair with its"
            f" 2 x {self.images_per_set} images"
        )


def memory_needs(
    model: PairMatchingModel, images_per_set: int = 3, *, training: bool = False
) -> MemoryNeeds:
    """Measure the memory of tensors at its peak, on small batches; printing it gives a summary.

    With `training`, gradients are computed, and the weights count with their gradients and the
    two moments of Adam. Work space inside an operator is not seen.
    """
    if images_per_set < 1:
        raise ConfigError(f"images_per_set: {images_per_set} was given; allowed is at least 1")
    learning = [one for one in model.parameters() if one.requires_grad] if training else []
    weights = _bytes(model.state_dict()) + _ADAM * sum(map(_size, learning))
    sample = next(model.parameters())
    shape = (3, *model.backbone.image_size)
    count, dim = model.backbone.get_num_tokens(), model.backbone.get_token_dim()

    def images(number: int) -> Tensor:
        return model.tokens(sample.new_zeros(number, *shape))

    def pairs(number: int) -> Tensor:
        tokens = sample.new_zeros(2 * number, images_per_set, count, dim)
        a, b = model.embed_tokens(tokens).chunk(2)
        logits: Tensor = model.head(a, b)
        return logits

    frozen = not any(one.requires_grad for one in model.backbone.parameters())
    return MemoryNeeds(
        weights,
        _slope(images, model, training and not frozen),
        _slope(pairs, model, training),
        images_per_set,
    )


def _slope(job: Callable[[int], Tensor], model: PairMatchingModel, training: bool) -> int:
    """Give the bytes of one more item."""
    return max(0, _peak(job, 4, model, training) - _peak(job, 2, model, training)) // 2


def _peak(
    job: Callable[[int], Tensor], number: int, model: PairMatchingModel, training: bool
) -> int:
    before = {name: one.grad for name, one in model.named_parameters()}
    live = _Live()
    with torch.set_grad_enabled(training), live:
        out = job(number)
        if out.requires_grad:
            out.sum().backward()  # type: ignore[no-untyped-call]
    for name, one in model.named_parameters():
        one.grad = before[name]
    return live.peak


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that are made within, and alive at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operator, and look at what it made."""
        for given in tree_leaves((args, kwargs)):
            if isinstance(given, Tensor):  # a new one was there before: what is made is known
                self._known.add(given.untyped_storage())
        out = func(*args, **(kwargs or {}))
        for made in tree_leaves(out):
            if isinstance(made, Tensor):
                self._count(made.untyped_storage())
        return out

    def _count(self, storage: Any) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.now -= size


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(map(_size, tensors.values()))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
