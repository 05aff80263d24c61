"""Saved, loaded, pickled or restored, a tokenizer stays the same."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from tokenry_core import SupportsState, fingerprint
from tokenry_core._config import plain

from ._compare import expect_same
from ._promises import broken, expect, promised
from ._tokenizer_case import TokenizerCase

__all__ = ["StateChecks", "identity"]


class StateChecks:
    """Checks of what is kept of a tokenizer."""

    def test_pickles_untrained_and_trained(self, case: TokenizerCase) -> None:
        promise = "a tokenizer travels to other processes: it pickles, trained or not"
        with promised(promise, "Tokenizer"):
            pickle.loads(pickle.dumps(case.fresh()))  # noqa: S301 (our own bytes)
            again = pickle.loads(pickle.dumps(case.fitted))  # noqa: S301
        with promised(promise, "Tokenizer"):
            tokens = again.encode(case.batch)
        expect_same(case.tokens, tokens, promise, "Tokenizer", to_the_bit=True)
        _expect_equal(identity(case.fitted), identity(again), promise)

    def test_restoring_the_state_gives_the_tokenizer(self, case: TokenizerCase) -> None:
        if not case.has(SupportsState):
            return
        promise = "restore(config, state()) gives the tokenizer again"
        state = {name: np.array(array) for name, array in case.fitted.state().items()}
        with promised(promise, "SupportsState"):
            again = type(case.fitted).restore(case.fitted.config, state)
            tokens = again.encode(case.batch)
        expect_same(case.tokens, tokens, promise, "SupportsState", to_the_bit=True)
        theirs = again.state()
        expect(set(theirs) == set(state), promise, f"{set(state)}, {set(theirs)}", "SupportsState")
        for name, array in state.items():
            other = theirs[name]
            same = array.dtype == other.dtype and array.tobytes() == other.tobytes()
            expect(same, promise, f'the array "{name}" changed', "SupportsState")
        _expect_equal(identity(case.fitted), identity(again), promise)

    def test_loading_what_was_saved_gives_the_tokenizer(
        self, case: TokenizerCase, tmp_path: Path
    ) -> None:
        if not hasattr(case.fitted, "save"):
            return
        promise = "load(save(path)) gives the tokenizer again"
        read = "BaseTokenizer.save"
        with promised(promise, read):
            path = case.fitted.save(tmp_path / "tokenizer.safetensors")
            again = type(case.fitted).load(path)
        _expect_equal(identity(case.fitted), identity(again), promise)
        expect(again == case.fitted, promise, f"{again} != {case.fitted}", read)
        same = again.config == case.fitted.config
        expect(same, promise, f"{case.fitted.config} became {again.config}", read)
        with promised(promise, read):
            tokens = again.encode(case.batch)
        expect_same(case.tokens, tokens, promise, read, to_the_bit=True)

    def test_saving_twice_gives_identical_files(self, case: TokenizerCase, tmp_path: Path) -> None:
        if not hasattr(case.fitted, "save"):
            return
        promise = "saving the same tokenizer again gives the same bytes"
        with promised(promise, "BaseTokenizer.save"):
            first = case.fitted.save(tmp_path / "first.safetensors")
            again = type(case.fitted).load(first)
            others = [
                case.fitted.save(tmp_path / "second.safetensors"),
                again.save(tmp_path / "third.safetensors"),
            ]
        for other, what in zip(others, ("saved again", "loaded and saved"), strict=True):
            same = first.read_bytes() == other.read_bytes()
            expect(same, promise, f"another file when {what}", "BaseTokenizer.save")

    def test_fingerprint_is_stable(self, case: TokenizerCase) -> None:
        promise = "the fingerprint depends on plugin, encoding, configuration and state alone"
        before = identity(case.fitted)
        _expect_equal(before, identity(case.fitted), promise)
        case.fitted.encode(case.batch)
        _expect_equal(before, identity(case.fitted), "encoding does not change a tokenizer")
        _expect_equal(before, identity(case.trained()), f"{promise}; training repeats")


def identity(tokenizer: Any) -> str:
    """Give a tokenizer's fingerprint, whether or not it has that property."""
    if hasattr(tokenizer, "fingerprint"):
        return str(tokenizer.fingerprint)
    state = tokenizer.state() if isinstance(tokenizer, SupportsState) else {}
    return fingerprint(tokenizer.name, tokenizer.encoding, plain(tokenizer.config), state)


def _expect_equal(expected: str, found: str, promise: str) -> None:
    if expected != found:
        broken(promise, f"fingerprint {expected[:12]} became {found[:12]}", "fingerprint")
