"""`tokenry dino encode`: one command from a folder of images to a folder of patches."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenry_core.errors import ConfigError

from ._assign import assign_buckets
from ._buckets import DEFAULT_BUCKETS
from ._tokenizer import DinoPatchTokenizer

__all__ = ["encode_images"]

JOURNAL = "journal.jsonl"


def encode_images(args: argparse.Namespace, options: Mapping[str, Any]) -> int:
    """Encode a folder of images, or go on where it was interrupted; gives the exit code."""
    dataset = Path(args.output_jsonl)
    if not dataset.exists():
        assign_buckets(args.input_dir, dataset, buckets=args.buckets or DEFAULT_BUCKETS)
    tokenizer = DinoPatchTokenizer(**options)
    model = tokenizer.config.model.replace("/", "-")
    folder = Path(args.output_dir or dataset.parent / "derived" / f"{model}_patches")
    if args.move_aside:
        _move_aside(folder)
    _refuse_strangers(folder)
    run = {
        "source": {"name": "images", "path": os.fspath(dataset)},
        "tokenizers": {"dino": {"name": "dino-patch", **options}},
        "sink": {"name": args.sink, "path": os.fspath(folder)},
        "engine": {"name": "local", "mode": "serial"},
        "runtime": {
            "device": args.device,
            "batch_rows": args.batch_size,
            "threads": args.threads or os.cpu_count() or 1,
        },
    }
    # A command is called by Tokenry itself, so that its runs are there; this package does not
    # depend on them otherwise.
    encode = importlib.import_module("tokenry").encode
    try:
        summary = encode(run, progress=args.verbose)
    except ConfigError as error:
        raise ConfigError(
            f"{error}. Patches of different models, sizes or fits are not to be mixed: regenerate"
            " all, and keep the older ones elsewhere with --move-aside"
        ) from None
    print(summary)
    halved = summary.counts.get("dino.dino_batches_halved", 0)
    if halved:
        print(
            f"memory ran out {halved} times and batches were halved: the last bits of embeddings"
            " may differ from those of another run; a smaller --batch-size avoids it"
        )
    tokenizer.save(f"{folder}.safetensors")
    print(f"written: {folder}")
    if args.sink == "npy":
        print(f"verify with: tokenry dino verify {folder} --dataset {dataset}")
    return int(summary.exit_code)


def _move_aside(folder: Path) -> None:
    if not folder.exists():
        return
    number = 1
    while (target := folder.with_name(f"{folder.name}_OLD_{number}")).exists():
        number += 1
    folder.rename(target)
    artifact = Path(f"{folder}.safetensors")
    if artifact.exists():
        artifact.rename(f"{target}.safetensors")
    print(f"moved aside: {target}")


def _refuse_strangers(folder: Path) -> None:
    if folder.is_dir() and not (folder / JOURNAL).exists() and any(folder.glob("*.npy")):
        raise ConfigError(
            f"{folder} holds patches that no run of Tokenry made. Old and new patches are not to be"
            " mixed: regenerate all, and keep the older ones elsewhere with --move-aside"
        )
