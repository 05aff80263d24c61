"""`tokenry encode RUN`: from a run file to token shards."""

from __future__ import annotations

from collections.abc import Sequence

from ._run import run_parser, shown

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Encode, or go on where an interrupted run stopped."""
    parser = run_parser("encode", "Encode what a run file says, or go on where it stopped.")
    parser.add_argument("--overwrite", action="store_true", help="remove what is there; start anew")
    args = parser.parse_args(argv)
    from ..runs import encode

    return shown(encode(args.run, overwrite=args.overwrite, progress=not args.quiet), args)
