from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from tokenry_core import (
    ArtifactHeader,
    fingerprint,
    load,
    read_artifact,
    read_header,
    write_artifact,
)
from tokenry_core._config import canonical_json
from tokenry_core.errors import ArtifactError, ConfigError

STATE = {"edges": np.linspace(0, 1, 5, dtype=np.float32), "counts": np.arange(3, dtype=np.int64)}


def header_for(state=STATE, **values) -> ArtifactHeader:
    config = values.pop("config", {"n_bins": 8})
    return ArtifactHeader(
        **{
            "plugin": "fake-alpha",
            "distribution": "fake-good",
            "version": "1.0",
            "contract": 1,
            "encoding": 1,
            "config": config,
            "vocabulary": {"alpha": 8},
            "training": {"digest": "d", "rows": 3},
            "fingerprint": fingerprint("fake-alpha", 1, config, state),
            **values,
        }
    )


def forge(path: Path, text: str, tensors: bytes | None = None) -> Path:
    """Write a file around any header text, with the digest that it claims when it has one."""
    data = save_tensors(STATE, metadata={"tokenry": text}) if tensors is None else tensors
    zeros, digest = b"0" * 64, hashlib.sha256(data).hexdigest().encode()
    path.write_bytes(data.replace(zeros, digest, 1))
    return path


def with_header(path: Path, **values) -> Path:
    """Write a whole artifact whose header says something else."""
    plain = {**json.loads(canonical_json(header_for())), **values}
    return forge(path, json.dumps({key: v for key, v in plain.items() if v is not ...}))


@pytest.fixture
def artifact(tmp_path) -> Path:
    return write_artifact(tmp_path / "a.safetensors", header_for(), STATE)


class TestRoundTrip:
    def test_header_and_state_come_back(self, artifact):
        header, state = read_artifact(artifact)
        assert replace(header, file_sha256="0" * 64) == header_for()
        assert {name: array.tolist() for name, array in state.items()} == {
            name: array.tolist() for name, array in STATE.items()
        }
        assert read_header(artifact) == header

    def test_file_is_one_that_safetensors_reads(self, artifact):
        assert set(load_tensors(artifact.read_bytes())) == set(STATE)

    def test_folders_are_made_and_no_partial_file_is_left(self, tmp_path):
        path = write_artifact(str(tmp_path / "new" / "er" / "a.safetensors"), header_for(), STATE)
        assert [one.name for one in path.parent.iterdir()] == ["a.safetensors"]

    def test_empty_state_is_an_artifact(self, tmp_path):
        path = write_artifact(tmp_path / "a", header_for({}), {})
        assert read_artifact(path)[1] == {}

    @given(
        array=hnp.arrays(
            dtype=st.one_of(
                hnp.boolean_dtypes(),
                hnp.integer_dtypes(endianness="?"),
                hnp.unsigned_integer_dtypes(endianness="?"),
                hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
            ),
            shape=hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=4),
        ),
        fortran=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_any_plain_array_comes_back_exactly(self, tmp_path_factory, array, fortran):
        given_ = np.asfortranarray(array) if fortran and array.ndim else array
        state = {"x": given_[::-1] if given_.ndim and given_.shape[0] > 1 else given_}
        path = write_artifact(tmp_path_factory.getbasetemp() / "a", header_for(state), state)
        found = read_artifact(path)[1]["x"]
        assert found.shape == state["x"].shape
        assert found.dtype == state["x"].dtype.newbyteorder("=")
        assert found.tobytes() == state["x"].astype(found.dtype).tobytes()

    def test_callers_arrays_are_left_alone(self, tmp_path):
        given_ = np.arange(4, dtype=">i4")
        write_artifact(tmp_path / "a", header_for({"x": given_}), {"x": given_})
        assert given_.dtype == ">i4"
        assert given_.tolist() == [0, 1, 2, 3]

    def test_configuration_may_hold_what_looks_like_a_digest(self, tmp_path):
        for config in (
            {"file_sha256": "0" * 64},
            {"file_sha256": "a" * 64, "text": '"file_sha256":"' + "0" * 64 + '"'},
            MappingProxyType({"é": ["\u2028", '"', "\\", "\0"]}),
        ):
            header = header_for(config=config)
            found, _ = read_artifact(write_artifact(tmp_path / "a", header, STATE))
            assert found.config == config

    def test_configuration_that_is_not_json_is_refused(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot be stored as JSON"):
            header_for(config={"x": float("nan")})


class TestFingerprint:
    def test_every_part_counts(self):
        base = ("scalar", 1, {"n": 1}, STATE)
        others = [
            ("scalar2", 1, {"n": 1}, STATE),
            ("scalar", 2, {"n": 1}, STATE),
            ("scalar", 1, {"n": 2}, STATE),
            ("scalar", 1, {"n": 1.0}, STATE),
            ("scalar", 1, {"n": 1}, {"edges": STATE["edges"]}),
            ("scalar", 1, {"n": 1}, {**STATE, "edges": STATE["edges"].astype(np.float64)}),
            ("scalar", 1, {"n": 1}, {**STATE, "edges": STATE["edges"][:, None]}),
            ("scalar", 1, {"n": 1}, {**STATE, "edges": -STATE["edges"]}),
            ("scalar", 1, {"n": 1}, {"edge": STATE["edges"], "counts": STATE["counts"]}),
        ]
        assert len({fingerprint(*parts) for parts in [base, *others]}) == 1 + len(others)

    def test_order_layout_and_byte_order_do_not_count(self):
        state = {"a": np.arange(6, dtype=">i8").reshape(2, 3).T, "b": np.zeros(2)}
        same = {"b": np.zeros(4)[::2], "a": np.ascontiguousarray(state["a"]).astype("<i8")}
        assert fingerprint("p", 1, {"x": 1, "y": 2}, state) == fingerprint(
            "p", 1, {"y": 2, "x": 1}, same
        )

    def test_boundaries_between_parts_count(self):
        a = {"a": np.frombuffer(b"xy", np.uint8), "b": np.frombuffer(b"z", np.uint8)}
        b = {"a": np.frombuffer(b"x", np.uint8), "b": np.frombuffer(b"yz", np.uint8)}
        assert fingerprint("p", 1, {}, a) != fingerprint("p", 1, {}, b)
        assert fingerprint("p1", 1, {}, {}) != fingerprint("p", 11, {}, {})

    def test_value_is_the_one_it_always_was(self):
        """Files in the world hold it: it may only change with the format."""
        state = {"edges": np.array([0.5, 1.5], np.float32), "n": np.array(3, np.int64)}
        assert fingerprint("scalar", 1, {"n_bins": 8, "columns": ["g", "r"]}, state) == GOLDEN


GOLDEN = "490d91fe634e6bd439177636c74373112ab9019cae354944b7275a73c21d424d"


class TestDamage:
    def test_every_changed_byte_is_noticed(self, artifact):
        good = artifact.read_bytes()
        for position in range(len(good)):
            for mask in (0x01, 0x20):
                bad = bytearray(good)
                bad[position] ^= mask
                artifact.write_bytes(bad)
                with pytest.raises(ArtifactError):
                    read_artifact(artifact)

    def test_every_changed_byte_is_noticed_by_load(self, install, tmp_path):
        install("good")
        import fake_good

        path = fake_good.Alpha(codes=4).train({"id": [1, 2]}).save(tmp_path / "a")
        good = path.read_bytes()
        assert load(path).config.codes == 4
        for position in range(len(good)):
            bad = bytearray(good)
            bad[position] ^= 0x01
            path.write_bytes(bad)
            with pytest.raises(ArtifactError, match="^" + str(path).replace(".", r"\.")):
                load(path)

    def test_every_truncation_is_noticed(self, artifact):
        good = artifact.read_bytes()
        for length in range(len(good)):
            artifact.write_bytes(good[:length])
            with pytest.raises(ArtifactError):
                read_artifact(artifact)

    def test_appended_byte_is_noticed(self, artifact):
        artifact.write_bytes(artifact.read_bytes() + b"\0")
        with pytest.raises(ArtifactError, match="a byte changed after writing"):
            read_artifact(artifact)

    def test_changed_tensor_is_told_as_a_changed_byte(self, artifact):
        artifact.write_bytes(artifact.read_bytes()[:-1] + b"\1")
        with pytest.raises(ArtifactError, match=r"a\.safetensors: .*a byte changed after writing"):
            read_artifact(artifact)
        read_header(artifact)  # which does not look at tensors

    @pytest.mark.parametrize("length", [0, 1, 7])
    def test_file_shorter_than_its_length_field_is_truncated(self, tmp_path, length):
        (tmp_path / "a").write_bytes(b"\1" * length)
        with pytest.raises(ArtifactError, match=f"truncated.*has {length} in all"):
            read_header(tmp_path / "a")

    def test_truncated_header_is_told(self, artifact):
        artifact.write_bytes(artifact.read_bytes()[:100])
        for read in (read_header, read_artifact):
            with pytest.raises(ArtifactError, match=r"it is truncated.*and has 100 in all"):
                read(artifact)

    def test_huge_declared_header_is_refused_unread(self, artifact):
        with open(artifact, "r+b") as file:
            file.write((1 << 62).to_bytes(8, "little"))
        with pytest.raises(ArtifactError, match=f"declares a header of {1 << 62} bytes"):
            read_artifact(artifact)

    def test_huge_header_in_a_huge_file_is_refused_unread(self, artifact):
        size = 200_000_000
        os.truncate(artifact, size)  # sparse: it takes no room
        with open(artifact, "r+b") as file:
            file.write((size - 8).to_bytes(8, "little"))
        with pytest.raises(ArtifactError, match="at most 100000000 are allowed"):
            read_header(artifact)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"{", "is not JSON"),
            (b"\xff\xfe", "is not JSON"),
            (b"[" * 100_000, "is not JSON"),
            (b"1" * 10_000, "is not JSON"),
            (b"[]", "no artifact of Tokenry"),
            (b"3", "no artifact of Tokenry"),
            (b"{}", "no artifact of Tokenry"),
            (b'{"__metadata__": {}}', "no artifact of Tokenry"),
            (b'{"__metadata__": 3}', "not"),
            (b'{"__metadata__": {"tokenry": "{"}}', "is not JSON"),
            (b'{"__metadata__": {"tokenry": 3}}', "is not JSON"),
            (b'{"__metadata__": {"tokenry": "[1]"}}', "is not JSON"),
            (b'{"__metadata__": {"tokenry": "{}"}}', "format None"),
        ],
    )
    def test_header_that_is_something_else_is_told(self, tmp_path, text, reason):
        (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text)
        for read in (read_header, read_artifact):
            with pytest.raises(ArtifactError, match=reason):
                read(tmp_path / "a")

    def test_other_safetensors_file_is_no_artifact(self, tmp_path):
        (tmp_path / "a").write_bytes(save_tensors(STATE))
        with pytest.raises(ArtifactError, match="a safetensors file, but no artifact of Tokenry"):
            read_artifact(tmp_path / "a")

    @pytest.mark.parametrize("what", ["absent", "folder"])
    def test_what_cannot_be_opened_is_an_artifact_error(self, tmp_path, what):
        (tmp_path / "folder").mkdir()
        with pytest.raises(ArtifactError, match=f"{what}: (No such file|Is a directory)"):
            read_artifact(tmp_path / what)


class TestForgery:
    """Files that are whole, with a digest that fits, but say what they must not."""

    def test_forge_makes_files_that_are_read(self, tmp_path):
        assert read_artifact(with_header(tmp_path / "a"))[0].plugin == "fake-alpha"

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"format": 2}, "it has artifact format 2; .* reads format 1"),
            ({"format": ...}, "it has artifact format None"),
            ({"format": "1"}, "it has artifact format 1"),
            ({"plugin": ...}, "plugin: missing"),
            ({"plugin": 3}, "plugin: 3 was given; allowed is a string"),
            ({"contract": "1"}, "contract: '1' is a string; allowed is a whole number"),
            ({"contract": True}, "contract: True was given"),
            ({"config": []}, "config: .* allowed is a mapping"),
            ({"vocabulary": {"alpha": "many"}}, r"vocabulary\.alpha: 'many' is a string"),
            ({"file_sha256": 3}, "file_sha256: 3 was given"),
            ({"file_sha256": "short"}, "does not match its digest"),
            ({"file_sha256": ""}, "does not match its digest"),
            ({"surprise": 1}, "surprise: unknown key"),
            ({"fingerprint": "f" * 64}, "fingerprint does not match"),
            ({"plugin": "other"}, "fingerprint does not match"),
            ({"encoding": 2}, "fingerprint does not match"),
            ({"config": {"n_bins": 9}}, "fingerprint does not match"),
        ],
    )
    def test_header_that_does_not_fit_is_refused(self, tmp_path, values, reason):
        with pytest.raises(ArtifactError, match=reason):
            read_artifact(with_header(tmp_path / "a", **values))

    @pytest.mark.parametrize(
        ("kind", "size"), [("BF16", 2), ("F8_E4M3", 1), ("C64", 8), ("F4", None), ("nonsense", 4)]
    )
    def test_tensors_of_other_types_are_refused(self, tmp_path, kind, size):
        length = 2 * size if size else 1
        parts = {
            "__metadata__": {"tokenry": canonical_json(header_for())},
            "x": {"dtype": kind, "shape": [2], "data_offsets": [0, length]},
        }
        text = json.dumps(parts).encode()
        data = len(text).to_bytes(8, "little") + text + b"\0" * length
        with pytest.raises(ArtifactError, match=r"tensors (of type|cannot be read)"):
            read_artifact(forge(tmp_path / "a", "", data))

    @pytest.mark.parametrize("offsets", [[0, 1 << 40], [-1, 4], [8, 0], [0, 0], ["0", "8"]])
    def test_tensors_outside_the_file_are_refused(self, tmp_path, offsets):
        parts = {
            "__metadata__": {"tokenry": canonical_json(header_for())},
            "x": {"dtype": "F32", "shape": [2], "data_offsets": offsets},
        }
        text = json.dumps(parts).encode()
        data = len(text).to_bytes(8, "little") + text + b"\0" * 8
        with pytest.raises(ArtifactError, match="tensors cannot be read"):
            read_artifact(forge(tmp_path / "a", "", data))


class TestUnsafeStates:
    @pytest.mark.parametrize(
        "array",
        [
            np.array([object()]),
            np.array(["text"]),
            np.array([b"bytes"]),
            np.array([1j]),
            np.array(["2020-01-01"], "M8[D]"),
            np.zeros(2, [("a", "i4"), ("b", "f4")]),
            np.zeros(2, "V4"),
            np.zeros(2, np.longdouble),
        ],
        ids=lambda array: str(array.dtype),
    )
    def test_unsafe_dtype_is_refused_by_name(self, tmp_path, array):
        with pytest.raises(ArtifactError, match=r"\"bad\" is .*; an artifact holds bool"):
            write_artifact(tmp_path / "a", header_for(), {"bad": array})
        with pytest.raises(ArtifactError, match='state "bad" is'):
            fingerprint("p", 1, {}, {"bad": array})
        assert list(tmp_path.iterdir()) == []

    def test_name_that_the_format_reserves_is_refused(self, tmp_path):
        with pytest.raises(ArtifactError, match="__metadata__"):
            write_artifact(tmp_path / "a", header_for(), {"__metadata__": np.zeros(1)})


class TestInterruptedWrites:
    @pytest.mark.parametrize("failing", ["os.fsync", "os.replace"])
    @pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
    def test_interrupted_write_leaves_the_old_file(self, artifact, monkeypatch, failing, error):
        before = artifact.read_bytes()

        def fail(*args: object) -> None:
            raise error

        monkeypatch.setattr(f"tokenry_core._artifact.{failing}", fail)
        with pytest.raises(type(error)):
            write_artifact(artifact, header_for(version="2.0"), STATE)
        assert artifact.read_bytes() == before
        assert [one.name for one in artifact.parent.iterdir()] == [artifact.name]

    def test_killed_writer_leaves_the_old_file(self, artifact):
        code = f"""
            import os
            from tokenry_core import _artifact as a
            header, state = a.read_artifact({str(artifact)!r})
            a.os.replace = lambda *args: os._exit(9)
            a.write_artifact({str(artifact)!r}, header, state)
        """
        before = artifact.read_bytes()
        assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)]).returncode == 9
        assert artifact.read_bytes() == before
        left = [one.name for one in artifact.parent.iterdir() if one != artifact]
        assert all(name.endswith(".partial") for name in left)


class TestTokenizers:
    """The same, through a plugin as a third party would write it."""

    @pytest.fixture
    def alpha(self, install):
        install("good")
        import fake_good

        return fake_good.Alpha(codes=4).train({"id": [1, 2, 3]})

    def test_load_finds_the_plugin_and_gives_equal_tokens(self, alpha, tmp_path):
        loaded = load(alpha.save(tmp_path / "a.safetensors"), batch_rows=7)
        assert loaded == alpha
        assert loaded.runtime.batch_rows == 7
        rows = {"id": [5, 6, 7, 8, 9]}
        assert loaded.encode(rows)["alpha"].tolist() == alpha.encode(rows)["alpha"].tolist()

    def test_header_says_who_made_it(self, alpha, tmp_path):
        header = read_header(alpha.save(tmp_path / "a"))
        assert (header.distribution, header.version) == ("fake-good", "1.0")
        assert header.vocabulary == {"alpha": 4}
        assert header.training["rows"] == 3
        assert header.fingerprint == alpha.fingerprint

    def test_saving_twice_gives_identical_files(self, alpha, tmp_path):
        first, second = (alpha.save(tmp_path / name).read_bytes() for name in "ab")
        assert first == second
        assert load(tmp_path / "a").save(tmp_path / "c").read_bytes() == first

    def test_processes_with_other_hash_seeds_write_identical_files(self, fixtures, tmp_path):
        code = """
            import sys
            import fake_good
            fake_good.Alpha(codes=4).train({"id": [1, 2, 3]}).save(sys.argv[1])
        """
        files = []
        for seed in ("1", "2"):
            env = {**os.environ, "PYTHONPATH": str(fixtures / "good"), "PYTHONHASHSEED": seed}
            env["TOKENRY_CACHE_DIR"] = str(tmp_path / "cache")
            command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / seed)]
            subprocess.run(command, env=env, check=True)
            files.append((tmp_path / seed).read_bytes())
        assert files[0] == files[1]

    def test_unknown_plugin_says_who_made_the_file(self, alpha, tmp_path, monkeypatch):
        path = alpha.save(tmp_path / "a")
        monkeypatch.setattr(sys, "path", [p for p in sys.path if not p.endswith("good")])
        from tokenry_core._discovery import rediscover

        rediscover()
        with pytest.raises(ArtifactError) as caught:
            load(path)
        assert str(caught.value).startswith(
            f'{path}: it was made by fake-good 1.0: "fake-alpha" is not in tokenry.tokenizers'
        )

    def test_blocked_plugin_is_told(self, alpha, tmp_path, monkeypatch):
        path = alpha.save(tmp_path / "a")
        from tokenry_core import configure_plugins

        configure_plugins(disable=["fake-good"])
        with pytest.raises(ArtifactError, match="is blocked by the configuration"):
            load(path)

    @pytest.mark.parametrize(("what", "attribute"), [("contract", 2), ("encoding", 5)])
    def test_other_version_is_refused_with_what_to_install(
        self, alpha, tmp_path, monkeypatch, what, attribute
    ):
        path = alpha.save(tmp_path / "a")
        cls = type(alpha)
        monkeypatch.setattr(cls, what, attribute)
        message = rf"it has {what} version 1, .*\"fake-alpha\" has {attribute}.* fake-good 1\.0"
        with pytest.raises(ArtifactError, match=message):
            cls.load(path)

    def test_other_plugins_class_refuses_the_file(self, alpha, tmp_path):
        path = alpha.save(tmp_path / "a")
        other = type("Other", (type(alpha),), {"name": "other"})
        with pytest.raises(ArtifactError, match='belongs to the plugin "fake-alpha", not to "oth'):
            other.load(path)

    def test_new_option_with_a_default_changes_no_old_artifact(self, alpha, tmp_path):
        path = alpha.save(tmp_path / "a")

        @dataclass(frozen=True)
        class NewConfig:
            codes: int = 8
            added: float = 0.5

        newer = type("Newer", (type(alpha),), {"Config": NewConfig, "__module__": "fake_good"})
        loaded = newer.load(path)
        assert loaded.config == NewConfig(4, 0.5)
        assert loaded.fingerprint == alpha.fingerprint
        assert loaded.save(tmp_path / "b").read_bytes() == path.read_bytes()

    def test_option_that_is_gone_is_told_with_the_file(self, alpha, tmp_path):
        path = alpha.save(tmp_path / "a")

        @dataclass(frozen=True)
        class NewConfig:
            n_codes: int = 8

        newer = type("Newer", (type(alpha),), {"Config": NewConfig})
        with pytest.raises(ConfigError, match=rf"{path}: config\.codes: unknown key.*\"n_codes\""):
            newer.load(path)
