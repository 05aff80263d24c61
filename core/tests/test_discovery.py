from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tokenry_core import _discovery
from tokenry_core._discovery import discover, normalized, rediscover

LONG_AGO = 1_600_000_000


def make(site: Path, name: str, version: str = "1.0", points: str | None = "one = pkg:One") -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if points is not None:
        (folder / "entry_points.txt").write_text(f"[fake.things]\n{points}\n")
    return folder


def age(folder: Path) -> None:
    """Set every time stamp back, as after a while in which nothing happened."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TOKENRY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def site(tmp_path, monkeypatch, cache):
    """An installation of its own, the only one on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    rediscover()
    yield folder
    monkeypatch.undo()
    rediscover()


@pytest.fixture
def scans(monkeypatch) -> list[int]:
    """One entry for each time that metadata is read."""
    done: list[int] = []
    scan = _discovery._scanned

    def counted() -> tuple[_discovery.Entry, ...]:
        done.append(1)
        return scan()

    monkeypatch.setattr(_discovery, "_scanned", counted)
    return done


def names() -> list[str]:
    """Look as a new process would."""
    rediscover()
    importlib.metadata.FastPath.__new__.cache_clear()
    return [entry.name for entry in discover()]


class TestWhatIsFound:
    def test_entry_says_where_it_comes_from(self, site):
        make(site, "Fake_One", "2.0")
        (entry,) = discover()
        assert (entry.group, entry.name, entry.value) == ("fake.things", "one", "pkg:One")
        assert str(entry) == "fake-one 2.0 (pkg:One)"

    def test_scripts_are_left_out(self, install):
        install("good")
        assert not [e for e in discover() if e.group.endswith("_scripts")]

    def test_nothing_installed_is_nothing_found(self, site):
        assert discover() == ()

    def test_found_once_in_a_process(self, site, scans):
        for _ in range(3):
            discover()
        assert len(scans) == 1

    def test_odd_metadata_hides_nothing_of_others(self, install):
        install("weird", "good")
        found = {entry.name: entry for entry in discover() if entry.group == "fake.things"}
        assert {"nameless", "no-metadata", "latin", "alpha", "indented"} <= set(found)
        assert found["nameless"].distribution == "fake-nameless"
        assert found["no-metadata"].version == "1.0"

    def test_what_cannot_be_decoded_is_left_out(self, install):
        install("weird")
        assert "garbled" not in {entry.name for entry in discover()}

    def test_what_an_uninstall_left_behind_is_left_out(self, install):
        install("weird", "good")
        assert "leftover" not in {entry.name for entry in discover()}
        assert "alpha" in {entry.name for entry in discover()}

    def test_lines_before_a_group_and_comments_are_left_out(self, install):
        install("weird")
        mine = [entry for entry in discover() if entry.distribution == "fake-lines"]
        assert {entry.group for entry in mine} == {"fake.things"}
        assert not [entry for entry in mine if entry.name[:1] in "#;" or entry.name == "orphan"]

    def test_name_given_twice_by_one_distribution_is_its_first(self, install):
        install("weird")
        twice = [entry.value for entry in discover() if entry.name == "twice"]
        assert twice == ["fake_weird:Thing"]

    def test_older_kinds_of_metadata_count(self, site):
        folder = site / "fake_egg.egg-info"
        folder.mkdir()
        (folder / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: Fake.Egg\nVersion: 3.1\n")
        (folder / "entry_points.txt").write_text("[fake.things]\negg = pkg:Egg\n")
        (entry,) = discover()
        assert (entry.distribution, entry.version) == ("fake-egg", "3.1")

    def test_egg_without_a_name_is_left_out(self, site):
        folder = site / "fake.egg-info"
        folder.mkdir()
        (folder / "PKG-INFO").write_text("Metadata-Version: 1.0\n")
        (folder / "entry_points.txt").write_text("[fake.things]\negg = pkg:Egg\n")
        make(site, "fake_one")
        assert names() == ["one"]

    def test_folder_in_place_of_a_file_is_left_out(self, site):
        (make(site, "fake_odd", points=None) / "entry_points.txt").mkdir()
        make(site, "fake_one")
        assert names() == ["one"]

    def test_order_is_that_of_the_path(self, site, tmp_path, monkeypatch):
        make(site, "fake_one", "1.0", "one = first:One")
        other = tmp_path / "other"
        make(other, "Fake.One", "2.0", "one = second:One\ntwo = second:Two")
        monkeypatch.setattr(sys, "path", [str(site), str(other)])
        assert names() == ["one"]
        monkeypatch.setattr(sys, "path", [str(other), str(site)])
        assert names() == ["one", "two"]

    @pytest.mark.parametrize(
        "odd", ["", "nowhere", "zipped.zip", "a\0b", Path("as-a-path"), 3, None]
    )
    def test_odd_folders_on_the_path_do_no_harm(self, site, monkeypatch, odd):
        make(site, "fake_one")
        monkeypatch.setattr(sys, "path", [*sys.path, odd])
        if odd is None or odd == 3 or odd == "a\0b":  # what importlib itself would stumble over
            assert _discovery._cached() is None
            assert _discovery._folders()[-1][1] is None
        else:
            assert names() == ["one"]


class TestCache:
    def test_unchanged_installation_is_read_once(self, site, scans, cache):
        make(site, "fake_one")
        age(site)
        assert [names() for _ in range(3)] == [["one"]] * 3
        assert len(scans) == 1
        assert len(list(cache.iterdir())) == 1

    def test_cached_entries_are_those_that_were_found(self, site):
        make(site, "fake_one", "2.0", "one = pkg:One [extra]\nfam/* = pkg:family\nodd name = é")
        age(site)
        found = discover()
        rediscover()
        assert _discovery._cached() == found == discover()

    def test_nothing_installed_is_cached_too(self, site, scans):
        age(site)
        assert names() == names() == []
        assert len(scans) == 1

    @pytest.mark.parametrize("aged", [False, True])
    def test_new_distribution_is_seen(self, site, aged):
        make(site, "fake_one")
        age(site)
        assert names() == ["one"]
        make(site, "fake_two", points="two = pkg:Two")
        if aged:  # as in an image whose files all have one date
            age(site)
        assert sorted(names()) == ["one", "two"]

    def test_removed_distribution_is_gone(self, site):
        folder = make(site, "fake_one")
        make(site, "fake_two", points="two = pkg:Two")
        age(site)
        assert sorted(names()) == ["one", "two"]
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        assert names() == ["two"]

    @pytest.mark.parametrize("edit", ["write", "replace", "same size and date"])
    def test_edited_entry_points_are_seen(self, site, edit):
        file = make(site, "fake_one") / "entry_points.txt"
        age(site)
        assert names() == ["one"]
        text = "[fake.things]\nuno = pkg:One\n"
        if edit == "replace":
            (site.parent / "new").write_text(text)
            (site.parent / "new").replace(file)
        else:
            file.write_text(text)
        if edit == "same size and date":
            os.utime(file, (LONG_AGO, LONG_AGO))
        assert names() == ["uno"]

    @pytest.mark.parametrize("had_points", [True, False])
    def test_entry_points_that_come_or_go_are_seen(self, site, had_points):
        folder = make(site, "fake_one", points="one = pkg:One" if had_points else None)
        age(site)
        assert names() == (["one"] if had_points else [])
        if had_points:
            (folder / "entry_points.txt").unlink()
        else:
            (folder / "entry_points.txt").write_text("[fake.things]\none = pkg:One\n")
        assert names() == ([] if had_points else ["one"])

    def test_other_path_has_a_cache_of_its_own(self, site, tmp_path, monkeypatch, cache):
        make(site, "fake_one")
        make(tmp_path / "other", "fake_two", points="two = pkg:Two")
        age(tmp_path)
        assert names() == ["one"]
        monkeypatch.setattr(sys, "path", [str(tmp_path / "other")])
        assert names() == ["two"]
        assert len(list(cache.iterdir())) == 2

    def test_relative_folder_means_another_place_elsewhere(self, site, tmp_path, monkeypatch):
        for number in ("one", "two"):
            make(tmp_path / number, "fake_same", points=f"{number} = pkg:Thing")
        age(tmp_path)
        monkeypatch.setattr(sys, "path", [""])
        for number in ("one", "two", "one"):
            monkeypatch.chdir(tmp_path / number)
            assert names() == [number]

    def test_change_while_reading_makes_the_cache_stale(self, site, monkeypatch):
        make(site, "fake_one")
        age(site)
        points = _discovery._points

        def slow(text: str):
            if not (site / "fake_two-1.0.dist-info").exists():
                age(make(site, "fake_two", points="two = pkg:Two"))
                os.utime(site, (LONG_AGO, LONG_AGO))
            return points(text)

        monkeypatch.setattr(_discovery, "_points", slow)
        assert names() == ["one"]
        monkeypatch.setattr(_discovery, "_points", points)
        assert sorted(names()) == ["one", "two"]

    def test_installation_of_this_very_moment_is_not_trusted_yet(self, site, cache):
        make(site, "fake_one")
        assert names() == ["one"]
        assert not cache.exists()

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe\x00",
            b'{"folders": []}',
            b"[" * 100_000,
            lambda good: good[: len(good) // 2],
            lambda good: good.replace(b'"one"', b"1"),
            lambda good: good.replace(b'"one"', b'"one", "more"'),
            lambda good: json.dumps({**json.loads(good), "files": []}).encode(),
            lambda good: json.dumps({**json.loads(good), "entries": 3}).encode(),
            lambda good: json.dumps({**json.loads(good), "entries": [3]}).encode(),
        ],
    )
    def test_corrupt_cache_only_costs_time(self, site, cache, content):
        make(site, "fake_one")
        age(site)
        assert names() == ["one"]
        (file,) = cache.iterdir()
        good = file.read_bytes()
        file.write_bytes(content(good) if callable(content) else content)
        assert names() == ["one"]
        assert file.read_bytes() == good

    def test_place_that_cannot_be_written_only_costs_time(self, site, tmp_path, monkeypatch):
        make(site, "fake_one")
        age(site)
        (tmp_path / "file").write_text("")
        for place in (tmp_path / "file" / "cache", "/proc/no/such/place", "a" * 5000):
            monkeypatch.setenv("TOKENRY_CACHE_DIR", str(place))
            assert names() == ["one"]

    @pytest.mark.parametrize("failing", ["makedirs", "replace"])
    def test_refused_write_only_costs_time(self, site, cache, monkeypatch, failing):
        make(site, "fake_one")
        age(site)

        def refuse(*args: object, **options: object) -> None:
            raise PermissionError(13, "read-only")

        monkeypatch.setattr(f"tokenry_core._discovery.os.{failing}", refuse)
        assert names() == ["one"]
        assert not cache.exists() or not list(cache.iterdir())

    def test_user_without_a_home_gets_no_folder_in_the_working_directory(
        self, site, tmp_path, monkeypatch
    ):
        make(site, "fake_one")
        age(site)
        monkeypatch.chdir(tmp_path)
        for name in ("TOKENRY_CACHE_DIR", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("os.path.expanduser", lambda path: path)
        assert names() == ["one"]
        assert not (tmp_path / "~").exists()

    def test_threads_that_write_at_once_leave_one_good_file(self, site, cache):
        make(site, "fake_one")
        age(site)
        start = Barrier(8)

        def scan() -> None:
            start.wait()
            _discovery._scanned()

        threads = [Thread(target=scan) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(cache.iterdir())) == 1
        cached = _discovery._cached()
        assert cached is not None
        assert [entry.name for entry in cached] == ["one"]

    def test_processes_that_write_at_once_leave_one_good_file(self, tmp_path, fixtures):
        code = (
            "from tokenry_core import _discovery as d\n"
            "assert [e for e in d.discover() if e.group == 'fake.things']\n"
            "print(d._cached() == d.discover())"
        )
        path = str(fixtures / "good")
        env = {**os.environ, "PYTHONPATH": path, "TOKENRY_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-P", "-c", code]
        running = [
            subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(6)
        ]
        assert [process.communicate()[0].strip() for process in running] == ["True"] * 6
        assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("A_B", "a-b"), ("a.-_b", "a-b"), ("a---b", "a-b"), ("ab", "ab"), ("A.B_c-D", "a-b-c-d")],
)
def test_names_of_distributions_have_one_spelling(name, expected):
    assert normalized(name) == expected


def test_fixtures_are_whole(install: Callable[..., None], fixtures: Path):
    """A rule of an ignore file, or a careless clean-up, would empty the tests above."""
    found = sorted(path.parent.name for path in fixtures.glob("*/*/entry_points.txt"))
    assert found == [
        "Fake.Good-0.9.dist-info",
        "fake_broken-1.0.dist-info",
        "fake_contracts-1.0.dist-info",
        "fake_garbled-1.0.dist-info",
        "fake_good-1.0.dist-info",
        "fake_latin-1.0.dist-info",
        "fake_lines-1.0.dist-info",
        "fake_nameless-1.0.dist-info",
        "fake_no_metadata-1.0.dist-info",
        "fake_slow-1.0.dist-info",
        "fake_twin-2.0.dist-info",
        "~ake_good-1.0.dist-info",
    ]
