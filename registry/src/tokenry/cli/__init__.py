"""The `tokenry` command. Each subcommand is a module with `main(argv) -> int`, as in a plugin's."""

from ._main import main

__all__ = ["main"]
