"""Tokens as torch datasets, map-style and iterable, with a collate for ragged fields."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from tokenry_core import Spec, TokenBatch

from ._shard import read_shard

if TYPE_CHECKING:
    from ._open import TokenFolder

__all__ = ["Collate", "TokenDataset", "TokenStream"]

Sample = dict[str, Any]
_KEPT = 8  # shards in memory, and shards whose rows are mixed


class TokenDataset(Dataset[Sample]):
    """One sample a row: a dict of tensors by field name, and the row's `id`.

    Shards are read when one of their rows is asked for, and a few are kept.
    """

    def __init__(self, folder: TokenFolder) -> None:
        self.folder = folder
        self._shards: OrderedDict[int, TokenBatch] = OrderedDict()

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, index: int) -> Sample:
        rows = len(self)
        if not -rows <= index < rows:
            raise IndexError(f"row {index} was asked for; there are {rows}")
        index %= rows
        number = int(np.searchsorted(self.folder.starts, index, side="right")) - 1
        return sample(self._shard(number), index - int(self.folder.starts[number]))

    def _shard(self, number: int) -> TokenBatch:
        if number not in self._shards:
            self._shards[number] = read_shard(self.folder.shards[number])
            if len(self._shards) > _KEPT:
                self._shards.popitem(last=False)
        self._shards.move_to_end(number)
        return self._shards[number]

    def __getstate__(self) -> Mapping[str, Any]:
        return {**self.__dict__, "_shards": OrderedDict()}


class TokenStream(IterableDataset[Sample]):
    """Samples one after another; each row comes exactly once over all ranks and workers.

    The rows are divided evenly, without duplicates for padding, so ranks may differ by one sample.
    Ranks are those of `torch.distributed` where it is initialised, or `rank` and `ranks`.
    """

    def __init__(
        self,
        folder: TokenFolder,
        *,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        self.folder, self.shuffle, self.seed = folder, shuffle, seed
        self.rank, self.ranks, self.epoch = rank, ranks, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch, the same on every rank."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Sample]:
        part, parts = self._part()
        total = len(self.folder)
        mine = list(_between(self._order(), total * part // parts, total * (part + 1) // parts))
        if not self.shuffle:
            for number, start, stop in mine:
                batch = read_shard(self.folder.shards[number])
                yield from (sample(batch, row) for row in range(start, stop))
            return
        random = np.random.default_rng([self.seed, self.epoch, part])
        for i in range(0, len(mine), _KEPT):
            rows = [
                (batch, row)
                for number, start, stop in mine[i : i + _KEPT]
                for batch in [read_shard(self.folder.shards[number])]
                for row in range(start, stop)
            ]
            for place in random.permutation(len(rows)):
                yield sample(*rows[place])

    def _order(self) -> list[tuple[int, int]]:
        """Shards (number, rows) in this epoch's order, the same for everyone."""
        shards = [(i, int(b - a)) for i, (a, b) in enumerate(pairwise(self.folder.starts))]
        if not self.shuffle:
            return shards
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(shards))
        return [shards[i] for i in order]

    def _part(self) -> tuple[int, int]:
        rank, ranks = self.rank, self.ranks
        if rank is None or ranks is None:
            distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
            rank = torch.distributed.get_rank() if distributed else 0
            ranks = torch.distributed.get_world_size() if distributed else 1
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        return rank * workers + worker, ranks * workers


def sample(batch: TokenBatch, row: int) -> Sample:
    """Give one row as a dict of tensors."""
    out: Sample = {"id": batch.ids[row].as_py()}
    for spec in batch.spec.fields:
        values, indptr = batch.fields[spec.name]
        value = values[row] if indptr is None else values[indptr[row] : indptr[row + 1]]
        discrete = spec.kind == "discrete"
        out[spec.name] = torch.from_numpy(np.array(value, np.int64 if discrete else None))
    return out


class Collate:
    """Makes a batch of samples: fields are stacked, ragged ones padded with a mask beside them.

    A ragged field NAME comes with NAME_mask (True where there is a value); discrete fields are
    padded with their missing id, dense ones with zero.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __call__(self, samples: Sequence[Sample]) -> Sample:
        """Give the batch."""
        out: Sample = {"id": [one["id"] for one in samples]}
        for spec in self.spec.fields:
            values = [one[spec.name] for one in samples]
            if not spec.ragged:
                out[spec.name] = torch.stack(values)
                continue
            lengths = torch.tensor([len(value) for value in values])
            pad = spec.codes if spec.kind == "discrete" else 0.0
            out[spec.name] = torch.nn.utils.rnn.pad_sequence(values, True, pad)
            out[f"{spec.name}_mask"] = torch.arange(int(lengths.max())) < lengths[:, None]
        return out


def _between(
    shards: Sequence[tuple[int, int]], first: int, last: int
) -> Iterator[tuple[int, int, int]]:
    """Give the parts (shard, start, stop) that hold the samples first to last."""
    position = 0
    for number, rows in shards:
        start, stop = max(first - position, 0), min(last - position, rows)
        if start < stop:
            yield number, start, stop
        position += rows
