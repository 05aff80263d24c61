"""From a command line to a subcommand and its exit code.

0: fine; 1: the work failed; 2: the call was wrong. What a command does not need, it does not
import: the subcommand's module is imported when it is called.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from tokenry_core.errors import (
    AmbiguousName,
    BrokenPlugin,
    ConfigError,
    TokenryError,
    UnknownName,
    nearest,
)

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "train": ("_train", "train the tokenizers of a run file"),
    "encode": ("_encode", "encode what a run file says, or go on with it"),
    "report": ("_report", "write one page about a finished run"),
    "list": ("_list", "what is installed, by name"),
    "describe": ("_describe", "one plugin and its options"),
    "schema": ("_schema", "JSON Schema of a run file"),
    "doctor": ("_doctor", "import every plugin, and say what is wrong"),
    "new-plugin": ("_new_plugin", "a working plugin package to start from"),
    "convert": ("_convert", "a tokenizer file of an older program into ours"),
    "inspect": ("_inspect", "what a tokenizer file or a token shard holds"),
}
_WRONG_CALL = (ConfigError, UnknownName, AmbiguousName, BrokenPlugin)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; errors become one message on stderr, `--debug` shows where from."""
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack letters, never the answer
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(args)
    except TokenryError as error:
        if debug:
            raise
        _say(str(error))
        return 2 if isinstance(error, _WRONG_CALL) else 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:  # `tokenry list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError as error:
        if debug:
            raise
        _say(f"there is not enough memory: {error}. A smaller runtime.batch_rows needs less")
        return 1
    except OSError as error:
        if debug:
            raise
        known = error.filename is not None and error.strerror
        _say(f"{os.fsdecode(error.filename)}: {error.strerror}" if known else str(error))
        return 1
    except Exception as error:
        if debug:
            raise
        _say(
            f"{type(error).__name__}: {error}\nThis is a mistake in Tokenry or in a plugin;"
            " --debug shows where. Please report it"
        )
        return 1


def _say(message: str) -> None:
    """Print a message; what a terminal would obey, in a name say, is shown as an escape."""
    safe = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
    print(f"tokenry: {''.join(safe)}", file=sys.stderr)


def _dispatch(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
        return 0 if args else 2
    if args[0] in ("-V", "--version"):
        from tokenry import __version__

        print(f"tokenry {__version__}")
        return 0
    return _command(args[0])(args[1:])


def _command(name: str) -> Callable[[list[str]], int]:
    if name in COMMANDS:
        module = importlib.import_module(f"{__package__}.{COMMANDS[name][0]}")
        return module.main  # type: ignore[no-any-return]
    from tokenry_core._registry import Registry

    plugins: Registry[Callable[[list[str]], int]] = Registry("tokenry.commands")
    try:
        return plugins[name]
    except UnknownName as error:
        from tokenry_core._known import package_for

        if package_for(plugins.group, name):
            raise
        known = [*COMMANDS, *plugins]
        raise UnknownName(
            f'there is no command "{name}"; there are: {", ".join(known)}.{nearest(name, known)}'
        ) from error


def _help() -> str:
    from tokenry_core._registry import Registry

    lines = [f"  {name:12s} {summary}" for name, (_, summary) in COMMANDS.items()]
    lines += [
        f"  {entry.name:12s} part of {entry.distribution}"
        for entry in Registry("tokenry.commands").entries()
        if entry.name not in COMMANDS
    ]
    return "\n".join(
        [
            "usage: tokenry [--debug] COMMAND ...",
            "",
            "Scientific and multimodal data into tokens for transformers.",
            "",
            "commands:",
            *lines,
            "",
            "`tokenry COMMAND --help` tells more; `tokenry --version` which version this is.",
        ]
    )
