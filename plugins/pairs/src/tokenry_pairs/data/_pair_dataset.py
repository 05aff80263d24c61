"""PairSamplerDataset: pairs of image sets, drawn anew each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tokenry_core.errors import ConfigError, DataError, ShapeError

from ._images import image_tensor, load_image
from ._labels import group_rows
from ._lambda_dataset import GenericLambdaDataset
from ._sampling import Pair, PairRule, sample_pair

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PairSamplerDataset", "collate_pairs"]


class PairSamplerDataset(GenericLambdaDataset):
    """A dataset of pairs of image sets: `set_a`, `set_b` (images, 3, H, W) and `label` 1 or 0.

    Make one with `from_labeled_df`. Which images a pair holds follows from seed, epoch and index
    alone, so that it is the same in any worker; `set_epoch` gives new pairs. The options are
    explained with `PairRule`.
    """

    @staticmethod
    def from_labeled_df(
        df: pd.DataFrame,
        num_pairs: int,
        images_per_set: int | tuple[int, int] = 3,
        positive_ratio: float = 0.5,
        transform: Callable[[Any], Any] | None = None,
        seed: int = 42,
        *,
        singles: str = "negative",
        load: Callable[[Any], Any] = load_image,
    ) -> PairSamplerDataset:
        """Give pairs of the images `x` of a table, whose labels `y` say who is who.

        `load` makes an image of what the column x holds, and `transform` a tensor of the image;
        without one, it becomes (3, H, W) from 0 to 1.
        """
        if num_pairs < 0 or seed < 0:
            raise ConfigError(
                f"num_pairs {num_pairs} and seed {seed} were given; neither can be negative"
            )
        groups = group_rows(df)
        rule = PairRule.of(groups, images_per_set, positive_ratio, singles)
        epoch: Any = torch.zeros((), dtype=torch.int64)
        draw = _Draw(rule, seed, epoch.share_memory_())
        images = _Images(tuple(df["x"]), load, transform or image_tensor)
        return PairSamplerDataset(
            {
                "set_a": _Side(draw, images, 0),
                "set_b": _Side(draw, images, 1),
                "label": _Label(draw),
            },
            num_pairs,
            groups,
            images_per_set,
            positive_ratio,
            transform,
            np.random.default_rng(seed),
        )

    def __init__(
        self,
        lambda_dict: Mapping[str, Callable[[int], Any]],
        length: int,
        label_to_indices: Mapping[Any, Sequence[int]],
        images_per_set: int | tuple[int, int],
        positive_ratio: float,
        transform: Callable[[Any], Any] | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(lambda_dict, length)
        self.label_to_indices = dict(label_to_indices)
        self.images_per_set = images_per_set
        self.positive_ratio = positive_ratio
        self.transform = transform
        self.rng = rng

    @property
    def epoch(self) -> int:
        """The epoch whose pairs are given."""
        return int(self._draw.epoch)

    def set_epoch(self, epoch: int) -> None:
        """Give the pairs of another epoch, in workers that already run as well."""
        if epoch < 0:
            raise ConfigError(f"epoch: {epoch} was given; allowed is a number from 0")
        self._draw.epoch.fill_(epoch)

    def pair(self, index: int) -> Pair:
        """Give the row numbers of a pair's images, without loading any."""
        return self._draw(index)

    @property
    def _draw(self) -> _Draw:
        side: Any = self.lambda_dict["label"]
        if not isinstance(side, _Label):
            raise ConfigError(
                "this dataset was not made by from_labeled_df, and its functions know no epochs"
            )
        return side.draw


@dataclass(frozen=True, eq=False)
class _Draw:
    """Gives the pair at an index. The epoch lies in shared memory: workers see it change."""

    rule: PairRule
    seed: int
    epoch: Tensor

    def __call__(self, index: int) -> Pair:
        return sample_pair(self.seed, int(self.epoch), index, self.rule)


@dataclass(frozen=True, eq=False)
class _Images:
    """Gives the images of some rows as one tensor."""

    values: tuple[Any, ...]
    load: Callable[[Any], Any]
    transform: Callable[[Any], Any]

    def __call__(self, rows: Sequence[int]) -> Tensor:
        tensors = [torch.as_tensor(self.transform(self.load(self.values[row]))) for row in rows]
        shapes = {tuple(one.shape) for one in tensors}
        if len(shapes) > 1:
            raise ShapeError(
                f"images of one set have different shapes: {sorted(shapes)}; give a transform that"
                " brings them to one size, such as ImageTransform"
            )
        return torch.stack(tensors)


@dataclass(frozen=True, eq=False)
class _Side:
    draw: _Draw
    images: _Images
    side: int

    def __call__(self, index: int) -> Tensor:
        rows: Any = self.draw(index)[self.side]
        return self.images(rows.tolist())


@dataclass(frozen=True, eq=False)
class _Label:
    draw: _Draw

    def __call__(self, index: int) -> int:
        return self.draw(index).label


def collate_pairs(samples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Give a batch of pairs whose sets differ in size: padded sets and masks of what is real.

    >>> one, two = torch.ones(1, 3, 2, 2), torch.ones(2, 3, 2, 2)
    >>> batch = collate_pairs([{"set_a": one, "set_b": two, "label": 1},
    ...                        {"set_a": two, "set_b": two, "label": 0}])
    >>> batch["set_a"].shape, batch["mask_a"].tolist(), batch["label"].tolist()
    (torch.Size([2, 2, 3, 2, 2]), [[True, False], [True, True]], [1, 0])
    """
    if not samples:
        raise DataError("an empty batch was given; a batch has at least one pair")
    batch: dict[str, Tensor] = {}
    for side in "ab":
        sets = [sample[f"set_{side}"] for sample in samples]
        sizes = torch.tensor([len(one) for one in sets])
        batch[f"set_{side}"] = torch.nn.utils.rnn.pad_sequence(sets, batch_first=True)
        batch[f"mask_{side}"] = torch.arange(int(sizes.max())) < sizes[:, None]
    batch["label"] = torch.tensor([int(sample["label"]) for sample in samples])
    return batch
