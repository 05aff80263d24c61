"""Learned tokens of multi-band image cutouts.

Importing this package does not import torch: every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tokenry_core._lazy import lazy_names

if TYPE_CHECKING:
    from ._config import Ellipse as Ellipse
    from ._config import ImageConfig as ImageConfig
    from ._config import ImageTraining as ImageTraining
    from ._factory import AutoencoderFactory as AutoencoderFactory
    from ._factory import conv_autoencoder as conv_autoencoder
    from ._tokenizer import ImageTokenizer as ImageTokenizer

__version__ = "0.1.0"

_HOMES = {
    "AutoencoderFactory": "_factory",
    "Ellipse": "_config",
    "ImageConfig": "_config",
    "ImageTokenizer": "_tokenizer",
    "ImageTraining": "_config",
    "conv_autoencoder": "_factory",
}
__getattr__, __all__ = lazy_names(__name__, _HOMES)
