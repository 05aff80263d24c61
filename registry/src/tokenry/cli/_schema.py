"""`tokenry schema`: JSON Schema of a run file, so that an editor completes it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print the schema, with the options of every installed plugin."""
    parser = argparse.ArgumentParser(
        "tokenry schema", description="Print the JSON Schema of a run file."
    )
    parser.parse_args(argv)
    from ..config import run_schema

    print(json.dumps(run_schema(), indent=2))
    return 0
