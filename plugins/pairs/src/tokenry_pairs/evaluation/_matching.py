"""Who is it? Sets of photos against a gallery of known individuals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tokenry_core import Array
from tokenry_core.errors import ConfigError, DataError

from ..data._images import image_list
from ..model import PairMatchingModel
from ._blocks import score_matrix
from ._metrics import probabilities
from ._vectors import set_vectors

__all__ = ["Candidate", "Evidence", "Match", "match"]

Sets = Mapping[Any, Sequence[Any]]


class Candidate(NamedTuple):
    """An individual of the gallery, and the probability that the query shows it."""

    label: Any
    probability: float


class Evidence(NamedTuple):
    """One image of the query beside one of the gallery, compared alone."""

    query_image: Any
    gallery_image: Any
    probability: float


@dataclass(frozen=True)
class Match:
    """What a query was found to be.

    `label` is the best candidate's, or None where even that one is below the threshold: unknown.
    `ranking` has the most likely individuals first; `evidence` the pairs of images that speak most
    for the first of them.
    """

    query: Any
    label: Any
    ranking: tuple[Candidate, ...]
    evidence: tuple[Evidence, ...]

    @property
    def known(self) -> bool:
        """Whether the query was recognised."""
        return self.label is not None


def match(
    model: PairMatchingModel,
    gallery: Sets,
    queries: Sets | Sequence[Sequence[Any]],
    *,
    threshold: float = -np.inf,
    temperature: float = 1.0,
    top: int = 5,
    evidence: int = 3,
    transform: Callable[[Any], Any] | None = None,
) -> list[Match]:
    """Rank the individuals of a gallery for each query, a set of images.

    `gallery` has the images of each individual by its label; `queries` are named sets, or a list
    of sets; an image is whatever `load_image` takes. A best candidate below the logit `threshold`
    (see `threshold_at`) is not recognised.
    """
    named = _named(queries)
    if not gallery:
        raise DataError("an empty gallery was given; give the images of at least one individual")
    if None in gallery:
        raise DataError("gallery: None was given as a label; it stands for an unknown individual")
    if top < 1 or evidence < 0:
        raise ConfigError(
            f"top {top} and evidence {evidence} were given; allowed are at least 1 and 0"
        )
    people = {label: image_list(own, f"gallery[{label!r}]") for label, own in gallery.items()}
    labels = list(people)
    known = set_vectors(model, list(people.values()), transform=transform)
    asked = set_vectors(model, list(named.values()), transform=transform)
    logits = score_matrix(model, asked.sets, known.sets)
    found = []
    for row, (name, images) in enumerate(named.items()):
        best = np.argsort(-logits[row], kind="stable")[:top]
        likely = probabilities(logits[row, best], temperature)
        first = labels[best[0]]
        alone = score_matrix(model, asked.images[row], known.images[best[0]])
        ranking = (Candidate(labels[n], float(p)) for n, p in zip(best, likely, strict=True))
        found.append(
            Match(
                name,
                first if logits[row, best[0]] >= threshold else None,
                tuple(ranking),
                _deciding(alone, images, people[first], evidence, temperature),
            )
        )
    return found


def _deciding(
    logits: Array, query: Sequence[Any], gallery: Sequence[Any], count: int, temperature: float
) -> tuple[Evidence, ...]:
    """Give the pairs of images with the highest scores."""
    order = np.argsort(-logits, axis=None, kind="stable")[:count]
    likely = probabilities(logits, temperature)
    return tuple(
        Evidence(query[a], gallery[b], float(likely[a, b]))
        for a, b in zip(*np.unravel_index(order, logits.shape), strict=True)
    )


def _named(queries: Sets | Sequence[Sequence[Any]]) -> dict[Any, list[Any]]:
    if not isinstance(queries, Mapping | Iterable):
        raise DataError(f"queries: {queries!r:.60} was given; allowed are named sets, or a list")
    if not isinstance(queries, Mapping):
        queries = dict(enumerate(queries))
    return {name: image_list(own, f"queries[{name!r}]") for name, own in queries.items()}
