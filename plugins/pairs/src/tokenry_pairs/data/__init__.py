"""Labelled images, and the pairs of image sets that are drawn from them."""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._encoded_labels import (
        GenericXYLambdaAutoLabelEncoderDataset as GenericXYLambdaAutoLabelEncoderDataset,
    )
    from ._images import ImageTransform as ImageTransform
    from ._images import load_image as load_image
    from ._labels import group_rows as group_rows
    from ._lambda_dataset import GenericLambdaDataset as GenericLambdaDataset
    from ._lambda_dataset import GenericPytorchDataset as GenericPytorchDataset
    from ._pair_dataset import PairSamplerDataset as PairSamplerDataset
    from ._pair_dataset import collate_pairs as collate_pairs
    from ._pair_table import (
        create_pair_dataset_from_labeled_df as create_pair_dataset_from_labeled_df,
    )
    from ._pair_table import sample_negative_pair as sample_negative_pair
    from ._pair_table import sample_positive_pair as sample_positive_pair
    from ._read_labels import read_labels as read_labels
    from ._sampling import PairRule as PairRule
    from ._sampling import sample_pair as sample_pair
    from ._source import LabeledImagesConfig as LabeledImagesConfig
    from ._source import LabeledImagesSource as LabeledImagesSource
    from ._split import check_leakage as check_leakage
    from ._split import split_by_identity as split_by_identity

_HOMES = {
    "GenericXYLambdaAutoLabelEncoderDataset": "_encoded_labels",
    "ImageTransform": "_images",
    "load_image": "_images",
    "group_rows": "_labels",
    "GenericLambdaDataset": "_lambda_dataset",
    "GenericPytorchDataset": "_lambda_dataset",
    "PairSamplerDataset": "_pair_dataset",
    "collate_pairs": "_pair_dataset",
    "create_pair_dataset_from_labeled_df": "_pair_table",
    "sample_negative_pair": "_pair_table",
    "sample_positive_pair": "_pair_table",
    "read_labels": "_read_labels",
    "PairRule": "_sampling",
    "sample_pair": "_sampling",
    "LabeledImagesConfig": "_source",
    "LabeledImagesSource": "_source",
    "check_leakage": "_split",
    "split_by_identity": "_split",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
