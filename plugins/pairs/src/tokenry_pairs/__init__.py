"""Image-set pair matching: the same individual, or not.

Importing this package imports neither torch nor pandas: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._config import PairsConfig as PairsConfig
    from ._memory import MemoryNeeds as MemoryNeeds
    from ._memory import memory_needs as memory_needs
    from ._tokenizer import PairsTokenizer as PairsTokenizer
    from ._trainer import PairMatchingTrainer as PairMatchingTrainer
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
    from .evaluation import Match as Match
    from .evaluation import evaluate_pair_matching_model as evaluate_pair_matching_model
    from .evaluation import fit_temperature as fit_temperature
    from .evaluation import match as match
    from .evaluation import pair_metrics as pair_metrics
    from .evaluation import score_blocks as score_blocks
    from .evaluation import score_matrix as score_matrix
    from .evaluation import threshold_at as threshold_at
    from .export import export_onnx as export_onnx
    from .export import export_program as export_program
    from .model import PairMatchingModel as PairMatchingModel
    from .model import ReasoningHead as ReasoningHead
    from .model import SetPoolingModule as SetPoolingModule
    from .model import TokenExtractorBackbone as TokenExtractorBackbone
    from .model import pair_matching_family as pair_matching_family
    from .training import PairMatchingLoss as PairMatchingLoss
    from .training import Stage as Stage
    from .training import TrainingPlan as TrainingPlan
    from .training import train_pair_matching_model as train_pair_matching_model

__version__ = "0.1.0"

_HOMES = {
    "PairsConfig": "_config",
    "MemoryNeeds": "_memory",
    "memory_needs": "_memory",
    "PairsTokenizer": "_tokenizer",
    "PairMatchingTrainer": "_trainer",
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
    "Match": "evaluation",
    "evaluate_pair_matching_model": "evaluation",
    "fit_temperature": "evaluation",
    "match": "evaluation",
    "pair_metrics": "evaluation",
    "score_blocks": "evaluation",
    "score_matrix": "evaluation",
    "threshold_at": "evaluation",
    "export_onnx": "export",
    "export_program": "export",
    "PairMatchingModel": "model",
    "ReasoningHead": "model",
    "SetPoolingModule": "model",
    "TokenExtractorBackbone": "model",
    "pair_matching_family": "model",
    "PairMatchingLoss": "training",
    "Stage": "training",
    "TrainingPlan": "training",
    "train_pair_matching_model": "training",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
