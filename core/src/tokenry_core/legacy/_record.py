"""The inert stand-in for everything a pickle holds that is neither an array nor plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Record:
    """What a pickle says about an object, kept as data: nothing is imported, nothing is called.

    `name` is the class or function, `args` what it would have been called with, `state` what would
    have become its attributes, and `items` what would have been appended to it or set in it (a
    subclass of list or dict). A class or function that is only mentioned has no args: None.

    >>> record = Record("sklearn.cluster._kmeans.KMeans", (), {"n_clusters": 8})
    >>> record
    <Record of sklearn.cluster._kmeans.KMeans: state of 1>
    >>> record.state["n_clusters"]
    8
    """

    name: str
    args: tuple[object, ...] | None = None
    state: object = None
    items: list[object] | dict[object, object] | None = None

    def __repr__(self) -> str:
        # Sizes only: what a record holds may be huge, or hold the record itself.
        sizes = []
        for part in ("args", "state", "items"):
            value = getattr(self, part)
            if isinstance(value, (tuple, list, dict)) and value:
                sizes.append(f"{part} of {len(value)}")
            elif part == "state" and value is not None:
                sizes.append(f"state of type {type(value).__name__}")
        return f"<Record of {self.name}{': ' if sizes else ''}{', '.join(sizes)}>"


def is_mention(value: object, *names: str) -> bool:
    """Say whether a value is the bare mention of a class or function, of one of these names."""
    return (
        isinstance(value, Record)
        and value.args is None
        and value.state is None
        and (not names or value.name in names)
    )


def fill(record: Record, *, state: object = None, items: object = None) -> None:
    """Complete a record while its file is being read; afterwards it never changes."""
    if state is not None:
        object.__setattr__(record, "state", state)
    if items is not None:
        object.__setattr__(record, "items", items)
