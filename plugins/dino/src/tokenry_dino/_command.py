"""`tokenry dino`: buckets, encoding, verification and pictures from the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenry_core import build_config
from tokenry_core.errors import ConfigError

from ._buckets import DEFAULT_BUCKETS, Bucket, parse_bucket
from ._config import DinoPatchConfig

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Run one of the subcommands; gives the exit code."""
    args = _parser().parse_args(list(argv))
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tokenry dino", description="Patch embeddings of images.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _assign_parser(commands)
    _encode_parser(commands)
    _verify_parser(commands)
    _show_parser(commands)
    _add_parser(commands)
    return parser


def _assign_parser(commands: Any) -> None:
    parser = commands.add_parser("assign-buckets", help="give every image its aspect bucket")
    parser.add_argument("dataset", help="a folder of images, or a JSONL with image_path")
    parser.add_argument("--output", help="the new JSONL; default: NAME.buckets.jsonl")
    parser.add_argument("--reassign", action="store_true", help="replace buckets that are there")
    _add_buckets(parser)
    parser.set_defaults(run=_assign)


def _encode_parser(commands: Any) -> None:
    parser = commands.add_parser("encode", help="write the patches of a folder of images")
    parser.add_argument("--input-dir", required=True, help="the folder of images")
    parser.add_argument(
        "--output-jsonl", required=True, help="the dataset; made from the folder if not there"
    )
    parser.add_argument("--output-dir", help="default: derived/MODEL_patches beside the JSONL")
    parser.add_argument("--sink", choices=("npy", "webdataset", "parquet"), default="npy")
    parser.add_argument("--move-aside", action="store_true", help="keep older patches elsewhere")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=64, help="images at a time")
    parser.add_argument("--threads", type=int, help="default: all there are")
    parser.add_argument("--verbose", action="store_true")
    _add_model(parser)
    _add_buckets(parser)
    parser.set_defaults(run=_encode)


def _verify_parser(commands: Any) -> None:
    parser = commands.add_parser("verify", help="compare a folder of patches with its dataset")
    parser.add_argument("folder", help="the folder of .npy files")
    parser.add_argument("--dataset", required=True, help="a JSONL, or the folder of images")
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16")
    _add_model(parser, "default: what the artifact beside the folder says")
    _add_buckets(parser)
    parser.set_defaults(run=_verify)


def _show_parser(commands: Any) -> None:
    parser = commands.add_parser("show", help="a picture of an image's patches")
    parser.add_argument("image")
    parser.add_argument("--output", help="the PNG; default: NAME.patches.png here")
    parser.add_argument("--device", default="cpu")
    _add_model(parser)
    _add_buckets(parser)
    parser.set_defaults(run=_show)


def _add_parser(commands: Any) -> None:
    parser = commands.add_parser("add-to-shards", help="add patches to WebDataset shards")
    parser.add_argument("shards", nargs="+", help="the .tar files; they are not changed")
    parser.add_argument("--patches", required=True, help="the folder of .npy files")
    parser.add_argument("--output", required=True, help="the folder for the new shards")
    parser.set_defaults(run=_add)


def _add_model(parser: Any, default: str = "default: dinov2_vits14") -> None:
    parser.add_argument("--model", help=f"as dinov3_vitl16 or timm/NAME; {default}")
    parser.add_argument("--weights", help="pretrained, random, or a file; default: pretrained")
    parser.add_argument("--options", help='of the model, as JSON: {"depth": 2}')
    parser.add_argument("--fit", choices=("resize", "cover"))


def _add_buckets(parser: Any) -> None:
    parser.add_argument("--buckets", nargs="+", type=_bucket, metavar="WxH", help="own buckets")


def _bucket(text: str) -> Bucket:
    try:
        return parse_bucket(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def tokenizer_options(args: argparse.Namespace) -> dict[str, Any]:
    """Give the options of the tokenizer that the command line names."""
    given = {name: getattr(args, name) for name in ("model", "weights", "fit", "buckets")}
    options = {name: value for name, value in given.items() if value is not None}
    if args.options is not None:
        try:
            options["options"] = json.loads(args.options)
        except ValueError as error:
            raise ConfigError(f"--options: {args.options} is no JSON: {error}") from None
    return options


def _assign(args: argparse.Namespace) -> int:
    from ._assign import assign_buckets

    source = Path(args.dataset)
    output = args.output or source.with_name(f"{source.stem}.buckets.jsonl")
    found = assign_buckets(
        source, output, buckets=args.buckets or DEFAULT_BUCKETS, reassign=args.reassign
    )
    for bucket, count in sorted(found.buckets.items(), key=lambda item: -item[1]):
        print(f"{bucket:>12s} {count:8d}")
    for path, reason in found.unreadable.items():
        print(f"cannot be read: {path}: {reason}")
    print(f"written: {found.output}")
    return int(bool(found.unreadable))


def _encode(args: argparse.Namespace) -> int:
    from ._encode_command import encode_images

    return encode_images(args, tokenizer_options(args))


def _verify(args: argparse.Namespace) -> int:
    from ._verify import verify_patches

    options = tokenizer_options(args)
    config = None
    if args.model is not None:
        config = build_config(DinoPatchConfig, {**options, "dtype": args.dtype})
    found = verify_patches(args.folder, args.dataset, config)
    print(found)
    return found.exit_code


def _show(args: argparse.Namespace) -> int:
    from ._show import show_image

    source = Path(args.image)
    output = Path(args.output or f"{source.stem}.patches.png")
    show_image(source, output, args.device, tokenizer_options(args))
    print(f"written: {output}")
    return 0


def _add(args: argparse.Namespace) -> int:
    from ._shards import add_to_shards

    for path in add_to_shards(args.shards, args.patches, args.output):
        print(f"written: {path}")
    return 0
