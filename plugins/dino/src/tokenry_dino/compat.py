"""The command line of the script that `tokenry dino` replaces.

`python -m tokenry_dino.compat` takes the place of `python generate_approved_image_dataset.py`, with
the same options: `--pass-filter migrate` makes the dataset and its buckets, `--pass-filter dinov3`
writes the patches. Every other option is that of `tokenry dino encode`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ._assign import assign_buckets
from ._command import main as dino

__all__ = ["PASSES", "main"]

PASSES = {"migrate": None, "dinov3": "dinov3_vitl16"}  # the script's, and their models


def main(argv: Sequence[str]) -> int:
    """Run one pass of the script; gives the exit code.

    Patches go to `derived/PASS_patches` beside the JSONL, as they did.
    """
    parser = argparse.ArgumentParser(
        "python -m tokenry_dino.compat",
        description="Options of generate_approved_image_dataset.py; the others are those of"
        " `tokenry dino encode`.",
        allow_abbrev=False,
    )
    parser.add_argument("--input-dir", required=True, help="the folder of images")
    parser.add_argument("--output-jsonl", required=True, help="the dataset")
    parser.add_argument("--pass-filter", required=True, choices=PASSES, help="what to do")
    args, others = parser.parse_known_args(list(argv))
    model = PASSES[args.pass_filter]
    if model is None:
        print(f"written: {assign_buckets(args.input_dir, args.output_jsonl).output}")
        return 0
    folder = Path(args.output_jsonl).parent / "derived" / f"{args.pass_filter}_patches"
    given = ["--input-dir", args.input_dir, "--output-jsonl", args.output_jsonl]
    return dino(["encode", *given, "--output-dir", str(folder), "--model", model, *others])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
