"""Files made to do harm: nothing they name is ever imported or called."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import subprocess
import sys
import textwrap
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest

from tokenry_core.errors import LegacyError
from tokenry_core.legacy import Record, read_legacy


class Call:
    """Pickles as a call of a function with arguments."""

    def __init__(
        self, function: Callable[..., object], *args: object, state: object = None
    ) -> None:
        self.parts = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> tuple[object, ...]:
        return self.parts


def attacks(marker: Path) -> dict[str, object]:
    touch = f"open({str(marker)!r}, 'w').close()"
    shell = f"touch {marker}"
    inner = pickle.dumps(Call(os.system, shell))
    return {
        "eval": Call(eval, f"__import__('os').system({shell!r})"),
        "exec": Call(exec, touch),
        "system": Call(os.system, shell),
        "popen": Call(subprocess.Popen, ["touch", str(marker)]),
        "open": Call(open, str(marker), "w"),
        "getattr": Call(getattr, "a", "b"),
        "loads": Call(pickle.loads, inner),
        "numpy-load": Call(np.load, str(marker)),
        "numpy-save": Call(np.save, str(marker), 1),
        "joblib-load": Call(joblib.load, str(marker)),
        "import": Call(__import__, "antigravity"),
        "state": Call(eval, touch, state={"a": 1}),
        "in-key": {Call(exec, touch): 1},
        "in-set-of-args": Call(frozenset, [Call(exec, touch)]),
        "as-dtype": Call(np.dtype, Call(exec, touch)),
        "as-complex": Call(complex, Call(exec, touch), 1.0),
        "as-bytearray": Call(bytearray, Call(exec, touch)),
    }


WAYS: dict[str, Callable[[object, Path], None]] = {
    **{
        f"pickle-{protocol}": lambda value, path, p=protocol: path.write_bytes(
            pickle.dumps(value, p)
        )
        for protocol in range(6)
    },
    "in-dict": lambda value, path: path.write_bytes(pickle.dumps({"a": [value]})),
    "npy": lambda value, path: path.write_bytes(object_npy(value)),
    "npz": lambda value, path: path.write_bytes(npz(x=object_npy(value))),
    "joblib": lambda value, path: path.write_bytes(dumped(value)),
    "joblib-zlib": lambda value, path: path.write_bytes(dumped(value, 3)),
    "joblib-objects": lambda value, path: path.write_bytes(dumped(objects(value))),
}


def objects(value: object) -> np.ndarray:
    array = np.empty(1, dtype=object)
    array[0] = value
    return array


def object_npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, objects(value))
    return stream.getvalue()


def dumped(value: object, compress: int = 0) -> bytes:
    stream = io.BytesIO()
    joblib.dump(value, stream, compress=compress)
    return stream.getvalue()


def npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", attacks(Path("x")))
def test_calls_are_never_made(tmp_path, flatten, attack, way):
    marker = tmp_path / "marker"
    WAYS[way](attacks(marker)[attack], tmp_path / "hostile")
    held = flatten(read_legacy(tmp_path / "hostile"))
    assert not marker.exists()
    assert any(isinstance(item, Record) for item in held)


def test_the_attacks_would_work_on_a_trusting_reader(tmp_path):
    marker = tmp_path / "marker"
    for name in ("eval", "exec", "system", "open", "loads", "in-set-of-args"):
        value = attacks(marker)[name]
        with contextlib.suppress(AttributeError):
            pickle.loads(pickle.dumps(value)).close()
        assert marker.exists(), name
        marker.unlink()


HAND_WRITTEN = {
    "inst": b"(S'touch MARKER'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nX\x0c\x00\x00\x00touch MARKERo.",
    "global-reduce": b"cos\nsystem\n(S'touch MARKER'\ntR.",
    "stack-global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch MARKER\x85R.",
    "newobj": b"\x80\x02cos\nsystem\nX\x0c\x00\x00\x00touch MARKER\x85\x81.",
    "newobj-ex": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch MARKER\x85}\x92.",
    "dotted": b"\x80\x04\x8c\x08builtins\x8c\x0d__import__.os\x93.",
    "reconstructor": b"ccopyreg\n_reconstructor\n(cos\nsystem\ncbuiltins\nobject\nNtR.",
    "build-setstate": b"cos\nsystem\n(tR}(X\x0c\x00\x00\x00__setstate__cos\nsystem\nub.",
    "call-of-a-call": b"cbuiltins\neval\n(S'1'\ntR(S'2'\ntR.",
    "partial": b"cfunctools\npartial\n(cos\nsystem\nS'touch MARKER'\ntR(tR.",
    "defaultdict": b"ccollections\ndefaultdict\n(cos\nsystem\ntR.",
    "ndarray-setstate": b"cnumpy\nndarray.__setstate__\n(cnumpy\nndarray\n(tRtR.",
    "subclass": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(I0\ntS'b'\ntR"
        b"(I1\n(I1\ntNI00\nS''\ntb."
    ),
}


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_no_opcode_makes_a_call(tmp_path, save, name):
    marker = str(tmp_path / "m")
    data = HAND_WRITTEN[name].replace(b"touch MARKER", f"touch {marker}"[:12].encode())
    found = read_legacy(save(data))
    assert found == {} or isinstance(found["value"], Record)
    assert not Path(marker).exists()


def test_reading_hostile_files_imports_and_runs_nothing(tmp_path):
    """The interpreter's own audit events tell: no import, no code, no process, no other file."""
    marker = tmp_path / "marker"
    for number, value in enumerate(attacks(marker).values()):
        for way, write in WAYS.items():
            write(value, tmp_path / f"{number}-{way}.bin")
    for way, write in WAYS.items():
        write(b"harmless", tmp_path / f"{way}.warm")  # codecs and zlib are imported on first use
    program = """
        import sys
        from pathlib import Path
        from tokenry_core.legacy import read_legacy

        folder = Path(sys.argv[1])
        for path in folder.glob("*.warm"):
            read_legacy(path)
        paths = sorted(folder.glob("*.bin"))
        seen, watching = set(), True

        def watch(event, args):
            if watching and event not in ("builtins.id", "object.__getattr__"):
                if event == "compile" and args[0].startswith(b"{'descr'"):
                    return  # the header of a .npy file, parsed as a literal
                seen.add((event, str(args)[:200]) if event != "open" else (event, args[0]))

        sys.addaudithook(watch)
        for path in paths:
            read_legacy(path)
        watching = False
        print(sorted(seen - {("open", str(path)) for path in paths}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"Pabc\n.", "persistent ids.*torch.load"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "persistent ids"),
        (b"\x80\x02\x82\x01.", "extension codes"),
        (b"\x80\x02\x83\x01\x00.", "extension codes"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "extension codes"),
        (b"\x80\x05\x97.", "buffers outside"),
        (b"\x80\x04h\x05.", "memo entry 5"),
        (b"\x80\x04]]R.", "calls a list"),
        (b"\x80\x04]}b.", "sets the state of a list"),
        (b"\x80\x04}Na.", "appends to a dict"),
        (b"\x80\x04]NNs.", "sets items in a list"),
        (b"\x80\x04](N\x90.", "adds members to a list"),
        (b"cos\nsystem\n}b.", "sets the state of a Record"),
        (b"\x80\x04NN.", "before its parts are put together"),
        (b"\x80\x04\x85.", "takes more from its stack"),
        (b"\x80\x04N\x8c\x01a\x93.", "names a class by something that is no text"),
        (b"c" + b"a" * 2000 + b"\nb\n.", "names a class by 2,001 characters"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_data_is_refused_and_said(save, data, why):
    with pytest.raises(LegacyError, match=rf"x\.pkl: .*{why}"):
        read_legacy(save(data))


DTYPE_F8 = b"cnumpy\ndtype\n(S'f8'\nI00\nI01\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
FRESH = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"


def array_pickle(shape: bytes, raw: bytes, dtype: bytes = DTYPE_F8) -> bytes:
    return FRESH + b"(I1\n" + shape + dtype + b"I00\n" + raw + b"tb."


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (b"(I1000000000000\nt", "8,000,000,000,000 in all, but holds 8"),
        (b"(I-1\nt", "a shape that is not"),
        (b"(I1\nI-1\nt", "a shape that is not"),
        (b"(L" + b"9" * 60 + b"L\nt", "a shape that is not"),
        (b"(F1.0\nt", "a shape that is not"),
        (b"(" + b"I1\n" * 65 + b"t", "a shape that is not"),
        (b"(I0\nI4611686018427387904\nI9\nt", "holds 8 bytes for an array of 0|damaged"),
        (b"N", "a shape that is not"),
    ],
    ids=["huge", "negative", "mixed", "above-int64", "float", "65d", "overflow", "none"],
)
def test_absurd_shapes_are_refused(save, shape, why):
    with pytest.raises(LegacyError, match=why):
        read_legacy(save(array_pickle(shape, b"S'12345678'\n")))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (b"O", "raw addresses"),
        (b"O8", "raw addresses"),
        (b"f8,f8", "dtype 'f8,f8'"),
        (b"numpy.float64", "dtype 'numpy.float64'"),
        (b"S99999999999", "dtype"),
        (b"V0", "holds 8 bytes for an array of 0"),
        (b"M8[ns", "dtype"),
    ],
    ids=repr,
)
def test_hostile_dtypes_are_refused(save, code, why):
    dtype = DTYPE_F8.replace(b"f8", code)
    with pytest.raises(LegacyError, match=why):
        read_legacy(save(array_pickle(b"(I1\nt", b"S'12345678'\n", dtype)))


def test_array_that_is_built_twice_is_refused(save):
    data = array_pickle(b"(I1\nt", b"S'12345678'\n")
    assert read_legacy(save(data))["value"].shape == (1,)
    with pytest.raises(LegacyError, match="sets the state of a ndarray"):
        read_legacy(save(data[:-1] + b"}b."))


@pytest.mark.parametrize("code", [b"T", b"B", b"X", b"\x8d", b"\x8e", b"\x96", b"\x8b"], ids=repr)
def test_declared_lengths_above_the_file_allocate_nothing(save, code):
    size = 8 if code >= b"\x8d" else 4
    path = save(b"\x80\x05" + code + b"\xff" * (size - 1) + b"\x7f" + b"abc.")
    tracemalloc.start()
    try:
        with pytest.raises(LegacyError):
            read_legacy(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def shared(times: int) -> bytes:
    """Nest a value in pairs of itself: n steps stand for 2**n parts."""
    return b"q\x00h\x00\x86" * times


def test_shared_tuples_as_keys_are_refused_in_time(save):
    key = b"N" + shared(60)
    for data in (b"}" + key + b"Ns.", b"\x8f(" + key + b"\x90.", b"(" + key + b"\x91."):
        with pytest.raises(LegacyError, match="a key of more than 1,000 parts"):
            read_legacy(save(b"\x80\x04" + data))


def test_shared_containers_are_read_in_time(save):
    found = read_legacy(save(b"\x80\x04N" + shared(200) + b"."))["value"]
    assert isinstance(found, tuple)


def test_deep_nesting_is_read_or_refused(save):
    for data in (b"N" + b"\x85" * 200_000, b"]" * 200_000 + b"a" * 199_999):
        assert read_legacy(save(b"\x80\x04" + data + b"."))


def test_deeply_nested_arrays_are_refused(save):
    value: object = None
    for _ in range(60):
        value = objects(value)
    with pytest.raises(LegacyError, match="nests arrays more than 50 deep"):
        read_legacy(save(pickle.dumps(value)))


def test_shared_arrays_in_arrays_are_read_in_time(save):
    value: object = None
    for _ in range(40):
        array = np.empty(2, dtype=object)
        array[0] = array[1] = value
        value = array
    assert read_legacy(save(pickle.dumps(value)))["value"].shape == (2,)


def test_colliding_keys_are_refused_in_time(save, monkeypatch):
    """Multiples of 2**61 - 1 all have the hash 0: n of them in a dict cost n * n comparisons."""
    keys = b"".join(
        b"\x8a\x0a" + (k * (2**61 - 1)).to_bytes(10, "little") + b"N" for k in range(1, 2001)
    )
    path = save(b"\x80\x04}(" + keys + b"u.")
    assert len(read_legacy(path)["value"]) == 2000
    monkeypatch.setattr("tokenry_core.legacy._budget.KEY_WORK", 1_000_000)
    with pytest.raises(LegacyError, match="too many keys that are not text"):
        read_legacy(path)


@pytest.mark.parametrize(
    ("data", "cap"),
    [
        (b"\x80\x04(" + b"\x8f" * 20_000 + b"t.", 2_000_000),
        (b"\x80\x04(" + b"]" * 100_000 + b"t.", 2_000_000),
        (
            b"\x80\x02"
            + text("a" * 10_000)
            + b"q\x000("
            + b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR" * 1000
            + b"t.",
            2_000_000,
        ),
        (
            b"\x80\x02](" + b"N" * 5_000 + b"eq\x000(" + b"cbuiltins\nset\n(h\x00tR" * 1000 + b"t.",
            2_000_000,
        ),
    ],
    ids=["sets", "lists", "encoded-copies", "set-copies"],
)
def test_small_files_cannot_ask_for_much_memory(save, data, cap):
    with pytest.raises(LegacyError, match="more than 2,000,000 bytes of memory"):
        read_legacy(save(data), max_bytes=cap)


def test_zip_bomb_stops_at_the_cap(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abc":
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + bytes(30_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    with pytest.raises(LegacyError, match="more than 20,000,000 bytes"):
        read_legacy(tmp_path / "a.npz", max_bytes=20_000_000)


def test_zip_member_that_declares_another_size_is_refused(tmp_path, save):
    stream = npz(a=object_npy({"a": 1}))
    size = len(object_npy({"a": 1})).to_bytes(4, "little")
    assert stream.count(size * 2)
    for other in (b"\x10\x00\x00\x00", b"\xff\xff\x00\x00"):
        with pytest.raises(LegacyError):
            read_legacy(save(stream.replace(size * 2, size + other)))


def test_zip_with_two_members_of_one_name_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", object_npy(1))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", object_npy(2))
    with pytest.raises(LegacyError, match="two members of the same name"):
        read_legacy(tmp_path / "a.npz")


def test_zip_compressions_that_numpy_never_uses_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", object_npy(1))
    with pytest.raises(LegacyError, match="never uses"):
        read_legacy(tmp_path / "a.npz")


def header(described: str) -> bytes:
    line = described.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,)}", "damaged"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000,)}", "in all, but holds"),
        ("{'descr': '|V0', 'fortran_order': False, 'shape': (9000000000,)}", "in all, but holds"),
        ("{'descr': ('<f8', (2147483647,)), 'fortran_order': 0, 'shape': ()}", "damaged|holds"),
        ("{'descr': ('|V0', (99999999,)), 'fortran_order': 0, 'shape': ()}", "damaged"),
        ("{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}", "damaged"),
        ("{'descr': 'f8,f8', 'fortran_order': False, 'shape': ()}", "'f8,f8'"),
        ("{'descr': [('a',)], 'fortran_order': False, 'shape': ()}", r"no \(name, dtype\)"),
        ("{'descr': 5, 'fortran_order': False, 'shape': ()}", "describes no dtype"),
        ("{'descr': '<f8', 'shape': ()}", "does not give"),
        ("(" * 110, "damaged"),
        ("[" * 50 + "'<f8'" + "]" * 50, "does not give"),
    ],
    ids=lambda value: value[:40],
)
def test_hostile_npy_headers_are_refused(save, described, why):
    with pytest.raises(LegacyError, match=why):
        read_legacy(save(header(described) + bytes(8), "x.npy"))
