"""Tokens of sound for Tokenry."""

from ._mel import MelBank
from ._tokenizer import AudioConfig, AudioTokenizer

__all__ = ["AudioConfig", "AudioTokenizer", "MelBank"]
