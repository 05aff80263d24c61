"""The `.npz` format: a zip of `.npy` members, inflated within bounds."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO

from ..errors import LegacyError
from ._budget import PER_STEP, Budget

IS_TORCH = "it is a torch checkpoint: read it with torch.load(path, weights_only=True)"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


def npz_members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Give each array's name and the bytes of its `.npy` member."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
        budget.spend(10 * PER_STEP * len(names))
        _check_names(names)
        for info in archive.infolist():
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise LegacyError("it is compressed in a way that NumPy never uses")
            budget.spend(info.file_size)
            with archive.open(info) as member:
                content = member.read(info.file_size)
                cut = len(content) < info.file_size or member.read(1) != b""
            if cut:
                raise LegacyError(f"its member {info.filename[:80]!r} is not of the declared size")
            yield info.filename.removesuffix(".npy"), content


def _check_names(names: list[str]) -> None:
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        raise LegacyError(IS_TORCH)
    for name in names:
        if not name.endswith(".npy"):
            raise LegacyError(f"its member {name[:80]!r} is no .npy array, so it is no .npz file")
    if len(set(names)) < len(names):
        raise LegacyError("it has two members of the same name")
