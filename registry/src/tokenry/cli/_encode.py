"""`tokenry encode RUN`: from a run file to token shards."""

from __future__ import annotations

from collections.abc import Sequence

from tokenry_core.errors import ConfigError

from ._run import run_parser, shown

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Encode, or go on where an interrupted run stopped."""
    parser = run_parser("encode", "Encode what a run file says, or go on where it stopped.")
    parser.add_argument("--overwrite", action="store_true", help="remove what is there; start anew")
    args = parser.parse_args(argv)
    from ..config import load_config
    from ..runs import encode

    config = load_config(args.run)
    if "path" not in config.sink.options:
        raise ConfigError(
            f'sink: "{config.sink.name}" keeps the tokens in memory, which ends with this command;'
            " use it from Python, or give a sink with a path"
        )
    return shown(encode(config, overwrite=args.overwrite, progress=not args.quiet), args)
