"""Image-set pair matching: the same individual, or not.

Importing this package imports neither torch nor pandas: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from .data import GenericLambdaDataset as GenericLambdaDataset
    from .data import GenericPytorchDataset as GenericPytorchDataset
    from .data import (
        GenericXYLambdaAutoLabelEncoderDataset as GenericXYLambdaAutoLabelEncoderDataset,
    )
    from .data import ImageTransform as ImageTransform
    from .data import LabeledImagesSource as LabeledImagesSource
    from .data import PairSamplerDataset as PairSamplerDataset
    from .data import check_leakage as check_leakage
    from .data import collate_pairs as collate_pairs
    from .data import create_pair_dataset_from_labeled_df as create_pair_dataset_from_labeled_df
    from .data import load_image as load_image
    from .data import read_labels as read_labels
    from .data import sample_negative_pair as sample_negative_pair
    from .data import sample_positive_pair as sample_positive_pair
    from .data import split_by_identity as split_by_identity
    from .model import PairMatchingModel as PairMatchingModel
    from .model import ReasoningHead as ReasoningHead
    from .model import SetPoolingModule as SetPoolingModule
    from .model import TokenExtractorBackbone as TokenExtractorBackbone
    from .model import pair_matching_family as pair_matching_family

__version__ = "0.1.0"

_HOMES = {
    "GenericLambdaDataset": "data",
    "GenericPytorchDataset": "data",
    "GenericXYLambdaAutoLabelEncoderDataset": "data",
    "ImageTransform": "data",
    "LabeledImagesSource": "data",
    "PairSamplerDataset": "data",
    "check_leakage": "data",
    "collate_pairs": "data",
    "create_pair_dataset_from_labeled_df": "data",
    "load_image": "data",
    "read_labels": "data",
    "sample_negative_pair": "data",
    "sample_positive_pair": "data",
    "split_by_identity": "data",
    "PairMatchingModel": "model",
    "ReasoningHead": "model",
    "SetPoolingModule": "model",
    "TokenExtractorBackbone": "model",
    "pair_matching_family": "model",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
