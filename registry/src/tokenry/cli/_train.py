"""`tokenry train RUN`: from a run file to trained tokenizers."""

from __future__ import annotations

from collections.abc import Sequence

from ._run import run_parser, shown

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Train every tokenizer of the run file that is trainable."""
    args = run_parser("train", "Train the tokenizers of a run file.").parse_args(argv)
    from ..runs import train

    return shown(train(args.run, progress=not args.quiet), args)
