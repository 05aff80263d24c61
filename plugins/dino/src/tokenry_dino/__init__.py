"""Patch embeddings of whole images from vision transformers.

Importing this package imports neither torch nor timm: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._assign import Assigned as Assigned
    from ._assign import assign_buckets as assign_buckets
    from ._backbone import Backbone as Backbone
    from ._backbone import Features as Features
    from ._backbone import TimmBackbone as TimmBackbone
    from ._buckets import DEFAULT_BUCKETS as DEFAULT_BUCKETS
    from ._buckets import Bucket as Bucket
    from ._buckets import assign_bucket as assign_bucket
    from ._buckets import bucket_input_size as bucket_input_size
    from ._buckets import parse_bucket as parse_bucket
    from ._config import DinoPatchConfig as DinoPatchConfig
    from ._dataset import PatchDataset as PatchDataset
    from ._dataset import PatchSample as PatchSample
    from ._dataset import collate_packed as collate_packed
    from ._dataset import collate_padded as collate_padded
    from ._decode import decode_image as decode_image
    from ._family import TimmFactory as TimmFactory
    from ._family import TimmFamily as TimmFamily
    from ._family import timm_family as timm_family
    from ._records import SUFFIXES as SUFFIXES
    from ._shards import add_to_shards as add_to_shards
    from ._sink_npy import NpyConfig as NpyConfig
    from ._sink_npy import NpySink as NpySink
    from ._sink_webdataset import WebDatasetConfig as WebDatasetConfig
    from ._sink_webdataset import WebDatasetSink as WebDatasetSink
    from ._source import ImagesConfig as ImagesConfig
    from ._source import ImagesSource as ImagesSource
    from ._tokenizer import DinoPatchTokenizer as DinoPatchTokenizer
    from ._verify import Verification as Verification
    from ._verify import verify_patches as verify_patches
    from ._weights import seeded as seeded
    from ._weights import weights_digest as weights_digest

__version__ = "0.1.0"

_HOMES = {
    "Assigned": "_assign",
    "assign_buckets": "_assign",
    "Backbone": "_backbone",
    "Features": "_backbone",
    "TimmBackbone": "_backbone",
    "DEFAULT_BUCKETS": "_buckets",
    "Bucket": "_buckets",
    "assign_bucket": "_buckets",
    "bucket_input_size": "_buckets",
    "parse_bucket": "_buckets",
    "DinoPatchConfig": "_config",
    "PatchDataset": "_dataset",
    "PatchSample": "_dataset",
    "collate_packed": "_dataset",
    "collate_padded": "_dataset",
    "decode_image": "_decode",
    "TimmFactory": "_family",
    "TimmFamily": "_family",
    "timm_family": "_family",
    "SUFFIXES": "_records",
    "add_to_shards": "_shards",
    "NpyConfig": "_sink_npy",
    "NpySink": "_sink_npy",
    "WebDatasetConfig": "_sink_webdataset",
    "WebDatasetSink": "_sink_webdataset",
    "ImagesConfig": "_source",
    "ImagesSource": "_source",
    "DinoPatchTokenizer": "_tokenizer",
    "Verification": "_verify",
    "verify_patches": "_verify",
    "seeded": "_weights",
    "weights_digest": "_weights",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
