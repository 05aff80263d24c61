"""GenericLambdaDataset: a dataset of functions, and the datasets that are built on it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex

from torch.utils.data import Dataset

from tokenry_core.errors import ShapeError, TokenryError, UnknownName, nearest

from ._loaders import Column, Composed, Item, LoaderError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GenericLambdaDataset", "GenericPytorchDataset", "UnequalLengths"]

Loader = Callable[[int], Any]


class UnequalLengths(ShapeError, AssertionError):
    """Two lists that belong together differ in length."""


class GenericLambdaDataset(Dataset[dict[str, Any]]):
    """A dataset whose samples are made by one function of the index for each key.

    It can be sent to a worker process whenever its functions can.

    >>> squares = GenericLambdaDataset({"x": lambda i: i, "y": lambda i: i * i}, length=4)
    >>> squares[3]
    {'x': 3, 'y': 9}
    >>> squares.extend_lambda_dict({"y": str})
    >>> squares.get_value_from_key_and_index("y", 3)
    '9'
    """

    def __init__(self, lambda_dict: Mapping[str, Loader], length: int) -> None:
        if not isinstance(lambda_dict, Mapping):
            raise TypeError("lambda_dict must be a dictionary.")
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise ValueError("length must be a non-negative integer.")
        self.lambda_dict = dict(lambda_dict)
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        """Give the sample at an index: every key with its function's value."""
        return {key: self.get_value_from_key_and_index(key, index) for key in self.lambda_dict}

    def get_value_from_key_and_index(self, key: str, index: SupportsIndex) -> Any:
        """Give one value of one sample; the other functions are not called."""
        position = operator.index(index)
        if not 0 <= position < self.length:
            raise IndexError(f"Index {index} is out of range for dataset of length {self.length}")
        loader = self._loader(key)
        try:
            return loader(position)
        except TokenryError:  # says itself what is wrong, and where
            raise
        except Exception as error:
            raise LoaderError(
                f"Error calling lambda function for key '{key}' at index {index}: {error}"
            ) from error

    def extend_lambda_dict(self, functions: Mapping[str, Callable[[Any], Any]]) -> None:
        """Put a function after those of some keys: it gets their value and gives the new one."""
        extended = {key: Composed(self._loader(key), after) for key, after in functions.items()}
        self.lambda_dict.update(extended)

    def _loader(self, key: str) -> Loader:
        if key not in self.lambda_dict:
            known = ", ".join(self.lambda_dict) or "none"
            raise UnknownName(
                f'the dataset has no key "{key}"; there are: {known}.'
                f"{nearest(key, self.lambda_dict)}"
            )
        return self.lambda_dict[key]

    @staticmethod
    def list_to_lambda_loader(values: list[Any]) -> Loader:
        """Give a function that gives the value at an index."""
        return Item(values)

    @staticmethod
    def from_dataframe(
        df: pd.DataFrame,
        transforms: Mapping[str, Callable[[Any], Any]] | None = None,
        auto_tensorize: bool = False,
    ) -> GenericLambdaDataset:
        """Give a dataset of a table's rows, with functions for the values of some columns.

        >>> import pandas as pd
        >>> rows = pd.DataFrame({"x": [1, 2], "y": ["cat", "dog"]})
        >>> GenericLambdaDataset.from_dataframe(rows, {"y": len})[1]["y"]
        3
        """
        return GenericLambdaDataset(_columns(df, transforms, auto_tensorize), len(df))

    @staticmethod
    def from_list(data_list: list[Any], key: str = "x") -> GenericLambdaDataset:
        """Give a dataset with the values of a list under one key."""
        return GenericLambdaDataset({key: Item(data_list)}, len(data_list))

    @staticmethod
    def from_xy_lists(x_list: list[Any], y_list: list[Any]) -> GenericLambdaDataset:
        """Give a dataset with inputs as `x` and labels as `y`."""
        if len(x_list) != len(y_list):
            raise UnequalLengths(
                f"x_list and y_list must have same length; {len(x_list)} and {len(y_list)} were"
                " given"
            )
        return GenericLambdaDataset({"x": Item(x_list), "y": Item(y_list)}, len(x_list))


class GenericPytorchDataset(GenericLambdaDataset):
    """A dataset of a table's rows, every value a tensor.

    Args:
        df: The table; each column is a key.
        transforms: Functions of some columns' values. A column without one keeps its value,
            which has to be something that torch can take.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"x": [0.5, 1.5], "y": [7, 8]})
    >>> GenericPytorchDataset(rows, {"x": lambda value: 2 * value})[1]
    {'x': tensor(3., dtype=torch.float64), 'y': tensor(8)}

    """

    def __init__(
        self, df: pd.DataFrame, transforms: Mapping[str, Callable[[Any], Any]] | None = None
    ) -> None:
        super().__init__(_columns(df, transforms, tensorize=True), len(df))
        self.df = df
        self.transforms = dict(transforms or {})
        self.columns = df.columns


def _columns(
    df: pd.DataFrame, transforms: Mapping[str, Callable[[Any], Any]] | None, tensorize: bool
) -> dict[str, Loader]:
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise TypeError("df must be a pandas DataFrame.")
    transforms = transforms or {}
    foreign = [key for key in transforms if key not in df.columns]
    if foreign:
        known = ", ".join(map(str, df.columns)) or "none"
        raise UnknownName(
            f'transforms: the table has no column "{foreign[0]}"; there are: {known}.'
            f"{nearest(foreign[0], map(str, df.columns))}"
        )
    return {name: Column(df, name, transforms.get(name), tensorize) for name in df.columns}
