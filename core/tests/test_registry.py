from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from threading import Barrier, Thread

import pytest

from tokenry_core import Registry, configure_plugins
from tokenry_core.errors import (
    AmbiguousName,
    BrokenPlugin,
    IncompatiblePlugin,
    TokenryError,
    UnknownName,
)


@pytest.fixture
def things() -> Registry[object]:
    return Registry("fake.things")


def test_group_without_entries_is_an_empty_mapping(things):
    assert list(things) == []
    assert len(things) == 0
    assert repr(things) == "Registry('fake.things': nothing)"


def test_names_are_listed_in_order_and_families_apart(install, things):
    install("good")
    assert list(things) == ["alpha", "extra", "module", "nested"]
    assert len(things) == 4
    assert things.families() == ["fam/…"]
    assert "fam/…" in repr(things)


def test_indexing_gives_the_object(install, things):
    install("good")
    import fake_good

    assert things["alpha"] is fake_good.Alpha
    assert things["nested"] is fake_good.Nested.Inner
    assert things["extra"] is fake_good.Alpha
    assert things["module"] is fake_good


def test_in_knows_names_members_and_nothing_else(install, things):
    install("good")
    assert "alpha" in things
    assert "fake-good:alpha" in things
    assert "Fake_Good:alpha" in things
    assert "fam/whatever" in things
    assert "fam" not in things
    assert "fam/" not in things
    assert "beta" not in things
    assert "other:alpha" not in things
    assert 3 not in things


def test_registry_cannot_be_assigned_to(things):
    with pytest.raises(TypeError):
        things["alpha"] = object()


def test_two_registries_of_a_group_share_what_is_loaded(install, things):
    install("good")
    assert Registry("fake.things")["fam/one"] is things["fam/one"]


def test_get_gives_the_default_for_an_unknown_name_only(install, things):
    install("good", "broken")
    assert things.get("beta", 7) == 7
    assert things.get("fam/three") is None
    assert things.get("alpha") is things["alpha"]
    with pytest.raises(BrokenPlugin):
        things.get("key-error", 7)
    install("twin")
    with pytest.raises(AmbiguousName):
        things.get("fam/two", 7)


class TestUnknownNames:
    def test_unknown_name_lists_what_there_is_and_the_nearest(self, install, things):
        install("good")
        with pytest.raises(UnknownName) as caught:
            things["alpa"]
        assert str(caught.value) == (
            '"alpa" is not in fake.things; there are: alpha, extra, module, nested, fam/….'
            ' Did you mean "alpha"?'
        )
        assert isinstance(caught.value, LookupError)

    def test_misspelt_family_suggests_the_family(self, install, things):
        install("good")
        with pytest.raises(UnknownName, match=r'Did you mean "fam/…"\?'):
            things["fan/one"]

    def test_unknown_name_of_ours_says_what_to_install(self, install, monkeypatch):
        monkeypatch.setattr(sys, "path", [])
        install("twin")
        for group, name, package in (
            ("tokenry.tokenizers", "scalar", "tokenry-scalar"),
            ("tokenry.models", "timm/vit_small", "tokenry-dino"),
            ("tokenry.engines", "ray", "tokenry-ray"),
            ("tokenry.tokenizers", "tokenry-scalar:scalar", "tokenry-scalar"),
        ):
            with pytest.raises(UnknownName, match=f"pip install {package}"):
                Registry(group)[name]

    def test_nothing_is_imported_to_say_so(self, install, things):
        install("good", "broken")
        with pytest.raises(UnknownName):
            things["beta"]
        assert not [name for name in sys.modules if name.startswith("fake_")]

    def test_distribution_that_does_not_provide_a_name_is_told_who_does(self, install, things):
        install("good")
        with pytest.raises(UnknownName, match=r'"elsewhere" provides no "alpha".*fake-good 1.0'):
            things["elsewhere:alpha"]

    def test_member_that_a_family_does_not_have_is_the_familys_to_refuse(self, install, things):
        install("good")
        with pytest.raises(UnknownName, match="the fake family has no 'three'"):
            things["fam/three"]

    @pytest.mark.parametrize("name", ["", ":", "/", "fam/", ":alpha", "fam", "fam/*:x", "a" * 9999])
    def test_odd_names_are_unknown_rather_than_a_crash(self, install, things, name):
        install("good")
        with pytest.raises(UnknownName):
            things[name]


class TestFamilies:
    def test_member_is_asked_for_once(self, install, things):
        install("good")
        assert things["fam/one"].__name__ == "one"
        assert things["fam/one"] is things["fam/one"]

    def test_member_names_may_hold_slashes(self, install, things):
        install("good")
        with pytest.raises(UnknownName, match="'a/b'"):
            things["fam/a/b"]

    def test_family_that_is_none_is_broken(self, install, things):
        install("broken")
        with pytest.raises(BrokenPlugin, match=r"has no member\(name\) and members\(\)"):
            things["no-family/x"]

    def test_key_error_of_a_family_is_no_unknown_name(self, install, things):
        install("good")
        with pytest.raises(BrokenPlugin, match=r"KeyError: 'what the plugin looked for'") as caught:
            things["fam/key-error"]
        assert isinstance(caught.value.__cause__, KeyError)
        assert not isinstance(caught.value, KeyError)

    def test_member_that_follows_another_contract_is_refused(self, install, things):
        install("good")
        with pytest.raises(IncompatiblePlugin, match="contract 99"):
            things["fam/newer"]


class TestDuplicates:
    def test_disputed_name_names_both_and_the_ways_out(self, install, things):
        install("good", "twin")
        with pytest.raises(AmbiguousName) as caught:
            things["alpha"]
        assert str(caught.value) == (
            '"alpha" is claimed by fake-good 1.0 (fake_good:Alpha) and fake-twin 2.0'
            ' (fake_twin:Alpha) in fake.things; say "fake-good:alpha" or "fake-twin:alpha",'
            " or choose in the configuration: plugins: {choose: {alpha: fake-good}}"
        )

    def test_disputed_name_is_listed_once(self, install, things):
        install("good", "twin")
        assert [name for name in things if name == "alpha"] == ["alpha"]
        assert "alpha" in things

    def test_dispute_leaves_other_names_alone(self, install, things):
        install("good", "twin")
        assert things["alone"].__module__ == "fake_twin"

    @pytest.mark.parametrize("spelling", ["fake-twin", "fake_twin", "Fake.Twin"])
    def test_distribution_in_front_decides(self, install, things, spelling):
        install("good", "twin")
        assert things[f"{spelling}:alpha"].__module__ == "fake_twin"
        assert things["fake-good:alpha"].__module__ == "fake_good"

    def test_configuration_decides(self, install, things):
        install("good", "twin")
        configure_plugins(choose={"alpha": "Fake_Twin"})
        assert things["alpha"].__module__ == "fake_twin"
        configure_plugins(choose={"alpha": "fake-good"})
        assert things["alpha"].__module__ == "fake_good"
        configure_plugins()
        with pytest.raises(AmbiguousName):
            things["alpha"]

    @pytest.mark.parametrize("key", ["fam", "fam/*"])
    def test_configuration_decides_for_a_family(self, install, things, key):
        install("good", "twin")
        with pytest.raises(AmbiguousName, match=r"choose: \{fam: fake-good\}"):
            things["fam/one"]
        configure_plugins(choose={key: "fake-twin"})
        assert things["fam/one"].__module__ == "fake_twin"
        assert things["fake-good:fam/one"].__name__ == "one"

    def test_choice_of_a_distribution_that_does_not_claim_the_name_is_told(self, install, things):
        install("good", "twin")
        configure_plugins(choose={"alpha": "elsewhere"})
        with pytest.raises(AmbiguousName, match='chooses "elsewhere", which does not provide it'):
            things["alpha"]

    def test_choice_says_nothing_about_a_name_that_nobody_disputes(self, install, things):
        install("good")
        configure_plugins(choose={"alpha": "fake-twin"})
        assert things["alpha"].__module__ == "fake_good"

    def test_blocking_one_of_two_settles_it(self, install, things):
        install("good", "twin")
        configure_plugins(disable=["fake-good"])
        assert things["alpha"].__module__ == "fake_twin"
        with pytest.raises(UnknownName, match="blocked by the configuration"):
            things["fake-good:alpha"]

    def test_distribution_found_twice_on_the_path_counts_once(self, install, things):
        install("good", "older_copy")
        assert [str(e) for e in things.entries() if e.name == "alpha"] == [
            "fake-good 1.0 (fake_good:Alpha)"
        ]
        assert "old" not in things
        assert things["alpha"].__module__ == "fake_good"

    def test_first_copy_on_the_path_is_the_one_that_counts(self, install, things):
        install("older_copy", "good")
        assert list(things) == ["alpha", "old"]


class TestBroken:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("absent-module", "ModuleNotFoundError: No module named 'fake_absent'"),
            ("absent-attribute", "AttributeError: .*has no attribute 'Absent'"),
            ("key-error", "KeyError: 'no such key'"),
            ("import-error", "ModuleNotFoundError: .*fake_package_that_nobody_has"),
            ("exits", "SystemExit: usage: fake"),
        ],
    )
    def test_plugin_that_cannot_be_imported_says_why(self, install, things, name, reason):
        install("broken")
        with pytest.raises(BrokenPlugin, match=reason) as caught:
            things[name]
        assert f'the plugin "{name}" of fake-broken 1.0' in str(caught.value)
        assert isinstance(caught.value, ImportError)
        assert caught.value.__cause__ is not None

    def test_broken_plugin_breaks_nothing_but_itself(self, install, things):
        install("broken", "good")
        for name in ("absent-module", "key-error", "exits"):
            with pytest.raises(BrokenPlugin):
                things[name]
        assert things["sound"].__name__ == "Thing"
        assert things["alpha"].__name__ == "Alpha"
        assert "key-error" in things

    def test_key_error_of_a_constructor_stays_what_it_is(self, install, things):
        install("broken")
        with pytest.raises(KeyError, match="raised by the constructor") as caught:
            things["unhappy"]()
        assert not isinstance(caught.value, TokenryError)

    @pytest.mark.parametrize("name", ["no-value", "empty", "prose", "dotted", "trailing"])
    def test_malformed_entry_point_says_what_form_it_should_have(self, install, things, name):
        install("weird")
        assert name in things
        with pytest.raises(BrokenPlugin, match='not of the form "package'):
            things[name]

    @pytest.mark.parametrize("name", ["My Tokenizer", "../escape", "UPPER"])
    def test_invalid_name_is_ignored_and_says_so_when_asked_for(self, install, things, name):
        install("weird")
        assert name not in things
        assert name not in list(things)
        with pytest.raises(UnknownName):
            things[name]

    def test_invalid_names_are_still_among_the_claims(self, install, things):
        install("weird")
        assert {"My Tokenizer", "UPPER", "a/b/*"} <= {e.name for e in things.claims()}
        with pytest.raises(UnknownName, match="is ignored: a name is lowercase"):
            things["UPPER"]


class TestBlocked:
    @pytest.mark.parametrize(
        "blocked", ["fake-good", "Fake_Good", "alpha", "x, alpha ,y", "*", "fake-twin,*"]
    )
    def test_environment_blocks_by_distribution_by_name_and_all(
        self, install, things, monkeypatch, blocked
    ):
        install("good")
        monkeypatch.setenv("TOKENRY_DISABLE_PLUGINS", blocked)
        assert "alpha" not in things
        assert "alpha" not in list(things)
        with pytest.raises(UnknownName) as caught:
            things["alpha"]
        assert str(caught.value) == (
            '"alpha" of fake-good 1.0 (fake_good:Alpha) is blocked by the environment variable'
            " TOKENRY_DISABLE_PLUGINS"
        )

    @pytest.mark.parametrize("empty", ["", " ", ",", " , "])
    def test_empty_variable_blocks_nothing(self, install, things, monkeypatch, empty):
        install("good")
        monkeypatch.setenv("TOKENRY_DISABLE_PLUGINS", empty)
        assert len(things) == 4

    @pytest.mark.parametrize("blocked", ["fam", "fam/*"])
    def test_family_is_blocked_with_its_members(self, install, things, monkeypatch, blocked):
        install("good")
        monkeypatch.setenv("TOKENRY_DISABLE_PLUGINS", blocked)
        assert things.families() == []
        with pytest.raises(UnknownName, match="is blocked by"):
            things["fam/one"]

    def test_star_spares_what_is_part_of_tokenry(self, install, monkeypatch):
        install("good")
        monkeypatch.setenv("TOKENRY_DISABLE_PLUGINS", "*")
        from tokenry_core._discovery import Entry
        from tokenry_core._policy import blocked_by

        assert not blocked_by(Entry("tokenry.tokenizers", "scalar", "x:X", "tokenry-scalar", "1"))
        assert blocked_by(Entry("tokenry.tokenizers", "scalar", "x:X", "tokenry-scalarr", "1"))

    @pytest.mark.parametrize("disable", [["fake-good"], ("alpha",), "alpha", {"*"}])
    def test_configuration_blocks(self, install, things, disable):
        install("good")
        configure_plugins(disable=disable)
        with pytest.raises(UnknownName, match="is blocked by the configuration"):
            things["alpha"]

    def test_configuration_blocks_what_was_loaded_before(self, install, things):
        install("good")
        assert things["alpha"]
        configure_plugins(disable=["alpha"])
        with pytest.raises(UnknownName, match="blocked"):
            things["alpha"]
        configure_plugins()
        assert things["alpha"]

    def test_blocked_plugins_are_never_imported(self, install, things):
        install("broken")
        configure_plugins(disable=["fake-broken"])
        for name in ("sound", "key-error", "fake-broken:sound"):
            with pytest.raises(UnknownName, match="blocked"):
                things[name]
        assert "fake_broken" not in sys.modules


class TestContracts:
    @pytest.mark.parametrize(
        ("name", "version", "advice"),
        [
            ("newer", "99", "upgrade tokenry-core"),
            ("older", "0", "upgrade fake-contracts"),
            ("worded", "'latest'", "upgrade fake-contracts"),
        ],
    )
    def test_other_contract_is_refused_with_what_to_upgrade(
        self, install, things, name, version, advice
    ):
        install("contracts")
        with pytest.raises(IncompatiblePlugin) as caught:
            things[name]
        assert str(caught.value) == (
            f'the plugin "{name}" of fake-contracts 1.0 (fake_contracts:{name.title()}) follows'
            f" contract {version}; this tokenry-core knows contract 1: {advice}"
        )
        assert isinstance(caught.value, TypeError)

    def test_object_that_names_no_contract_is_not_judged(self, install, things):
        install("contracts")
        assert things["silent"].__name__ == "Silent"


def test_refresh_sees_what_came_and_went(install, things, monkeypatch, fixtures):
    install("good")
    assert things["alpha"].__module__ == "fake_good"
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not p.endswith("good")])
    monkeypatch.syspath_prepend(str(fixtures / "twin"))
    assert things["alpha"].__module__ == "fake_good"
    things.refresh()
    assert things["alpha"].__module__ == "fake_twin"
    assert "nested" not in things


def test_refresh_sees_modules_that_came_within_a_tick_of_the_clock(
    install, things, monkeypatch, tmp_path
):
    install()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert importlib.util.find_spec("fake_new") is None  # which remembers what the folder holds
    before = tmp_path.stat()
    (tmp_path / "fake_new.py").write_text("Thing = 3")
    (tmp_path / "fake_new-1.0.dist-info").mkdir()
    (tmp_path / "fake_new-1.0.dist-info" / "entry_points.txt").write_text(
        "[fake.things]\nnew = fake_new:Thing"
    )
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    things.refresh()
    assert things["new"] == 3


def test_threads_that_ask_at_once_get_one_object_from_one_import(
    install, things, monkeypatch, tmp_path
):
    install("slow")
    monkeypatch.setenv("FAKE_IMPORTS", str(tmp_path / "imports"))
    start, found = Barrier(32), []

    def ask() -> None:
        start.wait()
        found.append(things["slow"])

    threads = [Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 32
    assert len(set(map(id, found))) == 1
    assert (tmp_path / "imports").read_text() == "imported\n"


def test_threads_that_ask_for_a_member_get_one_object(install, things):
    install("good")
    start, found = Barrier(8), []

    def ask() -> None:
        start.wait()
        found.append(things["fam/one"])

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_loaded_name_is_looked_up_without_looking_at_entries(install, things, monkeypatch):
    install("good")
    found = things["alpha"]

    def fail(*args: object) -> None:
        raise AssertionError("a loaded name was searched for")

    for name in ("discover", "blocked_by", "chosen"):
        monkeypatch.setattr(f"tokenry_core._registry.{name}", fail)
    assert all(things["alpha"] is found for _ in range(1000))


def test_looking_around_imports_no_plugin_and_nothing_heavy(fixtures, tmp_path):
    code = """
        import sys
        from tokenry_core import Registry
        things = Registry("fake.things")
        assert "alpha" in things and "fam/one" in things and "beta" not in things
        assert len(things) == len(list(things)) == 11, list(things)
        for group in ("tokenizers", "sources", "models", "sinks", "engines", "commands"):
            registry = Registry(f"tokenry.{group}")
            list(registry), len(registry), registry.families(), repr(registry)
            try:
                registry["no-such-name"]
            except LookupError:
                pass
        heavy = "numpy pyarrow torch numba sklearn timm ray pandas fsspec safetensors".split()
        found = [m for m in sys.modules if m.partition(".")[0] in heavy or m.startswith("fake_")]
        assert not found, found
    """
    path = os.pathsep.join(str(fixtures / name) for name in ("good", "broken"))
    env = {**os.environ, "PYTHONPATH": path, "TOKENRY_CACHE_DIR": str(tmp_path)}
    for _ in ("cold", "from the cache"):
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=env, check=True)
