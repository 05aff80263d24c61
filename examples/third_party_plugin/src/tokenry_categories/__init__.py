"""Tokens of text categories for Tokenry."""

from ._tokenizer import CategoryConfig, CategoryTokenizer

__all__ = ["CategoryConfig", "CategoryTokenizer"]
