"""What `train` and `encode` have in common: their arguments, and how they end."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..runs import EncodeSummary, TrainSummary

__all__ = ["run_parser", "shown"]


def run_parser(command: str, description: str) -> argparse.ArgumentParser:
    """Give the arguments of a command that takes a run file; SIGTERM then stops like Ctrl-C."""
    parser = argparse.ArgumentParser(f"tokenry {command}", description=description)
    parser.add_argument("run", type=Path, help="a run file: YAML, TOML or JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    signal.signal(signal.SIGTERM, _terminate)
    return parser


def shown(summary: EncodeSummary | TrainSummary, args: argparse.Namespace) -> int:
    """Print the summary as asked for, and give the exit code."""
    if args.json:
        numbers = {k: v for k, v in vars(summary).items() if k != "sink"}
        print(json.dumps({**numbers, "exit_code": summary.exit_code}))
    elif not args.quiet:
        print(summary)
    return summary.exit_code


def _terminate(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
