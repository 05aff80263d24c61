"""A check is only left out with a reason, and the kit says what it needs."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import pytest

from tokenry_core.testing import (
    BrokenPromise,
    DataSourceTests,
    EngineTests,
    ModelTests,
    SinkTests,
    TokenizerTests,
)

KITS = [TokenizerTests, DataSourceTests, SinkTests, EngineTests, ModelTests]


def test_deleted_check_without_reason_is_reported():
    with pytest.raises(BrokenPromise, match="Mine leaves out or replaces test_same_bytes_twice"):

        class Mine(TokenizerTests):
            test_same_bytes_twice = None


def test_replaced_check_without_reason_is_reported():
    with pytest.raises(BrokenPromise, match=r'reasons = \{"test_is_a_tokenizer": "..."\}'):

        class Mine(TokenizerTests):
            def test_is_a_tokenizer(self, case): ...


def test_check_replaced_by_a_mixin_is_reported():
    class Quiet:
        def test_is_a_sink(self, case): ...

    with pytest.raises(BrokenPromise, match="test_is_a_sink"):

        class Mine(Quiet, SinkTests): ...


def test_empty_reason_is_none():
    with pytest.raises(BrokenPromise, match="without a reason"):

        class Mine(TokenizerTests):
            reasons: ClassVar = {"test_same_bytes_twice": " "}
            test_same_bytes_twice = None


def test_reason_allows_and_is_inherited():
    class Mine(TokenizerTests):
        reasons: ClassVar = {"test_same_bytes_twice": "the hardware adds noise, see its manual"}
        test_same_bytes_twice = None

    class Yours(Mine):
        reasons: ClassVar = {"test_is_a_tokenizer": "it is a proxy of one"}
        test_is_a_tokenizer = None

    assert Yours.test_same_bytes_twice is None


def test_reason_without_a_left_out_check_is_reported():
    with pytest.raises(BrokenPromise, match=r"reasons for test_same_byte, .*is the name right"):

        class Mine(TokenizerTests):
            reasons: ClassVar = {"test_same_byte": "a typing error"}


def test_checks_of_ones_own_are_welcome():
    class Mine(TokenizerTests):
        def test_colours_are_pretty(self, case): ...

    assert Mine.reasons == {}


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.__name__)
def test_kits_are_not_collected_themselves(kit):
    assert not kit.__name__.startswith("Test")


def test_kit_without_its_fixture_says_what_to_do(tmp_path):
    names = [kit.__name__ for kit in KITS]
    classes = "".join(f"class TestOwn{name}({name}): ...\n" for name in names)
    test = tmp_path / "test_own.py"
    test.write_text(f"from tokenry_core.testing import {', '.join(names)}\n{classes}")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "--rootdir", tmp_path, test]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    for name in names:
        assert f"TestOwn{name} lacks the fixture `case`: define it" in done.stdout


def test_importing_without_pytest_says_what_to_install():
    code = "import sys; sys.modules['pytest'] = None; import tokenry_core.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "tokenry-core[testing]"' in done.stderr
