"""What a dataset calls with an index: objects, because a lambda cannot go to a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenry_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Column", "Composed", "Item", "LoaderError"]


class LoaderError(DataError, RuntimeError):
    """A value of a dataset could not be loaded or transformed."""


@dataclass(frozen=True)
class Item:
    """Gives the value at an index of a list."""

    values: Sequence[Any]

    def __call__(self, index: int) -> Any:
        """Give the value."""
        return self.values[index]


@dataclass(frozen=True)
class Composed:
    """Gives what the second function makes of the first one's value."""

    first: Callable[[int], Any]
    second: Callable[[Any], Any]

    def __call__(self, index: int) -> Any:
        """Give the value."""
        return self.second(self.first(index))


@dataclass(frozen=True, eq=False)
class Column:
    """Gives the value of a column, transformed, and as a tensor on request.

    The column alone is read: a whole row of a DataFrame would turn whole numbers into floats
    wherever another column holds floats.
    """

    df: pd.DataFrame
    column: Any
    transform: Callable[[Any], Any] | None = None
    tensorize: bool = False

    def __call__(self, index: int) -> Any:
        """Give the value."""
        value = self.df[self.column].iloc[index]
        if self.transform is not None:
            try:
                value = self.transform(value)
            except Exception as error:
                raise LoaderError(
                    f"Error applying transform to column '{self.column}' at index {index}: {error}"
                ) from error
        return self._tensor(value, index) if self.tensorize else value

    def _tensor(self, value: Any, index: int) -> Any:
        import torch

        if isinstance(value, torch.Tensor):
            return value
        try:
            return torch.tensor(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise LoaderError(
                f"column '{self.column}' at index {index}: a {type(value).__name__} cannot become a"
                f" tensor ({error}); give the column a transform"
            ) from error
