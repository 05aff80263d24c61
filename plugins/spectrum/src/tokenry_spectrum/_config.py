"""Options of the spectrum tokenizer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, cast

from annotated_types import Ge, Gt, Le

from tokenry_core import Registry, build_config, with_doc
from tokenry_core._words import placed
from tokenry_core.errors import ConfigError
from tokenry_spectrum._presets import PRESETS, preset
from tokenry_spectrum.codebook._start import Start
from tokenry_spectrum.kinds import Group, Kind

KINDS: Registry[type[Kind[Any]]] = Registry("tokenry_spectrum.kinds")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class SpectrumConfig:
    """Options of the `spectrum` tokenizer."""

    codebook_size: Annotated[int, Ge(2), Le(1 << 20)] = with_doc(
        "codes of each group; the id codebook_size means missing", 2048
    )
    max_features_per_group: Annotated[int, Ge(1)] = with_doc(
        "points of a group that training uses, at most", 2_000_000
    )
    max_rows_per_file: Annotated[int, Ge(1)] = with_doc(
        "rows of a file that training uses, at most", 5000
    )
    max_points_per_row: Annotated[int, Ge(1)] = with_doc(
        "points of a row that training uses, at most", 2000
    )
    groups: tuple[str | Mapping[str, Any], ...] = with_doc(
        f"what to tokenize: names ({', '.join(PRESETS)}) or mappings with name, kind and the"
        " options of the kind; default: every ztf_mag_X that has a ztf_magerr_X",
        (),
    )
    rng_seed: Annotated[int, Ge(0)] = with_doc("of the sample and of the start", 0)
    start: Start = with_doc("where K-means begins", "k-means++")
    tolerance: Annotated[float, Gt(0), Le(1)] = with_doc(
        "K-means ends when the inertia falls by less than this share", 1e-4
    )
    max_iterations: Annotated[int, Ge(1)] = with_doc("of K-means, at most", 100)
    codebook_from: str | None = with_doc(
        "artifact whose codebooks are where training begins, instead", None
    )

    def __post_init__(self) -> None:
        groups = tuple(_group(given, f"groups[{i}]") for i, given in enumerate(self.groups))
        names = [group.name for group in groups]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f'groups: the name "{name}" is given twice; each needs its own')
        object.__setattr__(self, "groups", groups)

    @property
    def definitions(self) -> tuple[Group, ...]:
        """The groups, each with the options of its kind."""
        return cast("tuple[Group, ...]", self.groups)


def _group(given: Any, path: str) -> Group:
    if isinstance(given, Group):
        return given
    if isinstance(given, str):
        with placed(path):
            given = preset(given)
    kind = given.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"{path}.kind: missing; give one of {', '.join(KINDS)}")
    with placed(f"{path}.kind"):
        cls = KINDS[kind]
    group = build_config(cls.Config, given, path)
    if not _NAME.fullmatch(group.name):
        raise ConfigError(
            f"{path}.name: {group.name!r}; allowed are letters, digits and _, a letter first"
        )
    return group


@cache
def kind_of(group: Group) -> Kind[Any]:
    """Give the kind that reads a group."""
    return KINDS[group.kind](group)
