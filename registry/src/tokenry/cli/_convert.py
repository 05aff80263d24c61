"""`tokenry convert LEGACY OUT --plugin NAME`: old files into artifacts, nothing unpickled."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tokenry_core.errors import ConfigError, LegacyError

from ..registry import tokenizers

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Read a file that the scripts of old wrote, and save it as an artifact."""
    parser = argparse.ArgumentParser(
        "tokenry convert",
        description="Convert a tokenizer file of an older program. Nothing in it is executed.",
    )
    parser.add_argument("legacy", type=Path, help="the old file")
    parser.add_argument("out", type=Path, help="NAME.safetensors")
    parser.add_argument("--plugin", required=True, help="the tokenizer that it is for")
    args = parser.parse_args(argv)
    if args.out.suffix != ".safetensors":
        raise ConfigError(f'"{args.out}": a tokenizer is saved as NAME.safetensors')
    cls = tokenizers[args.plugin]
    if not hasattr(cls, "from_legacy"):
        able = [name for name in tokenizers if hasattr(tokenizers[name], "from_legacy")]
        raise ConfigError(
            f'the tokenizer "{args.plugin}" reads no older files; these do: {", ".join(able)}'
        )
    if args.legacy.suffix == args.out.suffix:
        raise ConfigError(f"{args.legacy} is an artifact already; `tokenry inspect` shows it")
    try:
        tokenizer = cls.from_legacy(args.legacy)
    except LegacyError as error:
        if not args.legacy.is_file():
            raise
        raise LegacyError(
            f"{error}. What can be converted is what older scripts wrote: .npz, .npy, .pkl, .joblib"
        ) from error
    print(tokenizer.save(args.out))
    return 0
