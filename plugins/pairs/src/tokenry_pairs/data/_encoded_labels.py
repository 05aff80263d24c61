"""GenericXYLambdaAutoLabelEncoderDataset: labels of any kind become numbers from 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.preprocessing import LabelEncoder

from ._lambda_dataset import GenericLambdaDataset
from ._loaders import Column, Item

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GenericXYLambdaAutoLabelEncoderDataset"]


class GenericXYLambdaAutoLabelEncoderDataset(GenericLambdaDataset):
    """A dataset of inputs `x` and labels `y`, numbered in their sorted order.

    Labels are loaded once, when the dataset is made.

    >>> names = ["dog", "cat", "dog"]
    >>> pets = GenericXYLambdaAutoLabelEncoderDataset(lambda i: i, names.__getitem__, 3)
    >>> pets[0], pets.get_number_of_classes(), pets.get_original_y_from_index(0)
    ({'x': 0, 'y': 1}, 2, 'dog')
    """

    def __init__(
        self,
        x_loader_lambda: Callable[[int], Any],
        y_loader_lambda: Callable[[int], Any],
        length: int,
    ) -> None:
        self.original_y_lambda = y_loader_lambda
        self._original = [y_loader_lambda(index) for index in range(length)]
        self.y_label_encoder = LabelEncoder()
        self._encoded = [int(y) for y in self.y_label_encoder.fit_transform(self._original)]
        super().__init__({"x": x_loader_lambda, "y": Item(self._encoded)}, length)

    @staticmethod
    def from_df(df: pd.DataFrame) -> GenericXYLambdaAutoLabelEncoderDataset:
        """Give the dataset of a table with the columns x and y."""
        return GenericXYLambdaAutoLabelEncoderDataset(Column(df, "x"), Column(df, "y"), len(df))

    def get_number_of_classes(self) -> int:
        """Give the number of different labels."""
        return len(self.y_label_encoder.classes_)

    def get_y_list_with_encoded_labels(self) -> list[int]:
        """Give every row's number."""
        return list(self._encoded)

    def get_original_y_list(self) -> list[Any]:
        """Give every row's label as it was."""
        return list(self._original)

    def get_original_y_from_index(self, index: int) -> Any:
        """Give one row's label as it was."""
        return self._original[index]
