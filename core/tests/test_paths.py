from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core._paths import expand, open_input, relative_names
from tokenry_core.errors import DataError


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder with files of several kinds, some hidden, some deep."""
    for name in ("b.parquet", "a.parquet", "sub/c.parquet", "sub/deep/d.parquet", "notes.txt"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"x")
    for name in (".hidden.parquet", ".cache/e.parquet"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"x")
    return tmp_path / "data"


@pytest.fixture
def memory():
    """An empty remote file system."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    yield fs
    fs.store.clear()


def names(found: list[str], folder: Path) -> list[str]:
    return [Path(path).relative_to(folder).as_posix() for path in found]


ALL = ["a.parquet", "b.parquet", "sub/c.parquet", "sub/deep/d.parquet"]


class TestLocal:
    def test_file_is_itself(self, data):
        assert names(expand(data / "a.parquet"), data) == ["a.parquet"]
        assert names(expand(str(data / "notes.txt")), data) == ["notes.txt"]

    def test_folder_is_every_file_below_that_is_not_hidden(self, data):
        assert names(expand(data), data) == ALL
        assert names(expand(f"{data}/"), data) == ALL
        assert names(expand(data, ".txt"), data) == ["notes.txt"]

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("*.parquet", ALL[:2]),
            ("**/*.parquet", ALL),
            ("[b-z]*.parquet", ["b.parquet"]),
            ("sub/?.parquet", ["sub/c.parquet"]),
            ("*", [*ALL[:2], "notes.txt"]),
        ],
    )
    def test_glob_is_the_files_that_match(self, data, pattern, expected):
        assert names(expand(str(data / pattern)), data) == expected

    def test_list_is_all_of_its_parts_sorted_and_once(self, data):
        parts = [data / "sub", str(data / "b.parquet"), str(data / "*.parquet"), data / "sub/deep"]
        assert names(expand(parts), data) == ALL
        assert names(expand(tuple(reversed(parts))), data) == ALL

    def test_one_file_spelled_twice_is_one_file(self, data, monkeypatch):
        monkeypatch.chdir(data)
        spellings = ["a.parquet", "./a.parquet", str(data / "a.parquet"), "sub/../a.parquet"]
        assert expand(spellings) == ["a.parquet"]

    def test_order_is_by_place_not_by_spelling(self, data, monkeypatch):
        monkeypatch.chdir(data / "sub")
        found = expand(["c.parquet", str(data / "a.parquet"), "../b.parquet"])
        assert found == [str(data / "a.parquet"), "../b.parquet", "c.parquet"]

    def test_links_are_followed(self, data, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "z.parquet").write_bytes(b"x")
        (data / "linked").symlink_to(tmp_path / "elsewhere")
        assert names(expand(data), data) == [*ALL[:2], "linked/z.parquet", *ALL[2:]]

    def test_file_reached_by_two_links_is_read_once(self, data, tmp_path):
        (tmp_path / "z.parquet").write_bytes(b"x")
        (data / "y.parquet").symlink_to(tmp_path / "z.parquet")
        (data / "sub" / "y2.parquet").symlink_to(tmp_path / "z.parquet")
        (data / "self").symlink_to(data)
        assert names(expand(data), data) == [*ALL, "y.parquet"]

    def test_dangling_link_is_no_file(self, data):
        (data / "gone.parquet").symlink_to(data / "nowhere")
        assert names(expand(data), data) == ALL

    def test_folder_called_like_a_file_is_its_files(self, data):
        (data / "table.parquet").mkdir()
        for part in ("part-0.parquet", "part-1.parquet", "_SUCCESS"):
            (data / "table.parquet" / part).write_bytes(b"x")
        expected = ["table.parquet/part-0.parquet", "table.parquet/part-1.parquet"]
        assert names(expand(data / "table.parquet"), data) == expected
        assert names(expand(str(data / "t*.parquet")), data) == expected
        assert names(expand(str(data / "*.parquet")), data) == [*ALL[:2], *expected]
        assert names(expand(data), data) == [*ALL, *expected]

    def test_names_that_look_like_patterns_are_names_first(self, tmp_path):
        folder = tmp_path / "run[1]"
        folder.mkdir()
        (folder / "x*.parquet").write_bytes(b"x")
        (folder / "x1.parquet").write_bytes(b"x")
        assert names(expand(str(folder / "x*.parquet")), folder) == ["x*.parquet"]
        assert names(expand(folder), folder) == ["x*.parquet", "x1.parquet"]

    def test_home_is_expanded(self, data, monkeypatch):
        monkeypatch.setenv("HOME", str(data))
        assert names(expand("~/a.parquet"), data) == ["a.parquet"]

    @pytest.mark.parametrize("path", ["absent.parquet", "absent/", ""])
    def test_what_does_not_exist_is_told(self, data, monkeypatch, path):
        monkeypatch.chdir(data)
        with pytest.raises(DataError, match=f'"{path}" does not exist; give a file, a folder or'):
            expand(path)

    @pytest.mark.parametrize("path", ["*.fits", "sub/*/x*.parquet", "empty"])
    def test_what_matches_nothing_is_told(self, data, monkeypatch, path):
        (data / "empty").mkdir()
        monkeypatch.chdir(data)
        with pytest.raises(DataError, match=r"no files match .*; give a file, a fo"):
            expand(path)

    def test_empty_list_matches_nothing(self):
        with pytest.raises(DataError, match="no files match"):
            expand([])

    def test_file_is_opened_for_reading(self, data):
        with open_input(str(data / "a.parquet")) as file:
            assert file.read() == b"x"
        with pytest.raises(OSError, match="No such file"):
            open_input(str(data / "absent"))


class TestRemote:
    @pytest.fixture
    def bucket(self, memory) -> str:
        for name in (*ALL, "notes.txt", ".hidden.parquet", ".cache/e.parquet"):
            memory.pipe(f"/bucket/{name}", b"x")
        return "memory://bucket"

    def test_file_folder_and_glob_mean_what_they_mean_locally(self, bucket):
        every = [f"{bucket}/{name}" for name in ALL]
        assert expand(f"{bucket}/a.parquet") == every[:1]
        assert expand(bucket) == every
        assert expand(f"{bucket}/") == every
        assert expand(f"{bucket}/*.parquet") == every[:2]
        assert expand([f"{bucket}/sub", f"{bucket}/a.parquet", bucket]) == every

    def test_what_was_found_can_be_opened(self, bucket):
        for url in expand(bucket):
            with open_input(url) as file:
                assert file.read() == b"x"

    def test_local_files_have_urls_too(self, data):
        every = [f"file://{data}/{name}" for name in ALL]
        assert expand(f"file://{data}") == every
        assert expand(f"file://{data}/*.parquet") == every[:2]
        with open_input(every[0]) as file:
            assert file.read() == b"x"

    @pytest.mark.parametrize("url", ["no-such-protocol://x", "no-such-protocol://x/*.parquet"])
    def test_unknown_protocol_is_told(self, url):
        with pytest.raises(DataError, match=r"cannot be opened: Protocol not known"):
            expand(url)

    def test_glob_that_matches_nothing_is_told(self, bucket):
        with pytest.raises(DataError, match="no files match"):
            expand(f"{bucket}/*.fits")


class TestRelativeNames:
    @pytest.mark.parametrize(
        ("paths", "expected"),
        [
            ([], []),
            (["data/x.parquet"], ["x.parquet"]),
            (["memory://bucket/x.parquet"], ["x.parquet"]),
            (["d/x", "d/y"], ["x", "y"]),
            (["d/a/x", "d/b/x"], ["a/x", "b/x"]),
            (["d/ab/x", "d/ac/x"], ["ab/x", "ac/x"]),
            (["d/x", "d/x/y"], ["x", "x/y"]),
            (["memory://a/x", "memory://b/x"], ["a/x", "b/x"]),
            (["s3://a/x", "gs://a/x"], ["s3:/a/x", "gs:/a/x"]),
            (["/d/x", "memory://d/x"], ["d/x", "memory:/d/x"]),
        ],
    )
    def test_names_are_seen_from_what_is_common(self, paths, expected):
        assert relative_names(paths) == expected

    def test_working_directory_does_not_matter(self, tmp_path, monkeypatch):
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            monkeypatch.chdir(tmp_path / folder)
            assert relative_names(["a/x", "b/x"]) == ["a/x", "b/x"]
            assert relative_names([f"{tmp_path}/{folder}/a/x", "b/x"]) == ["a/x", "b/x"]

    @given(
        st.lists(
            st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join),
            min_size=1,
            max_size=6,
            unique=True,
        ),
        st.sampled_from(["", "/", "memory://", "x/y/"]),
    )
    def test_different_files_have_different_names(self, paths, start):
        found = relative_names([start + path for path in paths])
        assert len(set(found)) == len(paths)
        for path, name in zip(paths, found, strict=True):
            assert name
            assert not name.startswith("/")
            assert ("/" + start + path).endswith("/" + name)


def test_paths_of_any_kind_mean_the_same(data):
    for path in (str(data), data, [str(data)], (data,), os.fspath(data) + os.sep):
        assert names(expand(path), data) == ALL


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1:9/x.parquet", "abc://x", "github://x", "zip://x::y"]
)
def test_url_that_cannot_be_opened_says_which(url):
    with pytest.raises(DataError, match=f'"{url}" cannot be'):
        expand(url)
