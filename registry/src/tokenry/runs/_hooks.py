"""Listening to runs: entry points of the group tokenry.hooks, called through pluggy.

A listener is a module or object with any of the functions below, each marked with
`tokenry.runs.hookimpl`. One that fails is reported and does not stop the run.
"""

from __future__ import annotations

import warnings
from typing import Any

import pluggy

from tokenry_core import Registry
from tokenry_core.errors import TokenryError

__all__ = ["Hooks", "hookimpl"]

hookspec = pluggy.HookspecMarker("tokenry")
hookimpl = pluggy.HookimplMarker("tokenry")


class HookSpecs:
    """What a listener may listen to."""

    @hookspec
    def run_started(self, run: Any, fragments: int) -> None:
        """Listen to the start: the checked configuration, and how many fragments are to do."""

    @hookspec
    def fragment_done(self, run: Any, result: Any) -> None:
        """Listen to each fragment that is finished or quarantined."""

    @hookspec
    def run_finished(self, run: Any, summary: Any) -> None:
        """Listen to the end."""

    @hookspec
    def run_failed(self, run: Any, error: BaseException) -> None:
        """Listen to what ended the run before its end."""


class Hooks:
    """The installed listeners."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("tokenry")
        self._manager.add_hookspecs(HookSpecs)
        registry: Registry[Any] = Registry("tokenry.hooks")
        for name in registry:
            try:
                self._manager.register(registry[name], name)
            except (TokenryError, pluggy.PluginValidationError) as error:
                warnings.warn(f'the hook "{name}" does not listen: {error}', stacklevel=2)

    def call(self, event: str, **values: Any) -> None:
        """Tell every listener."""
        try:
            getattr(self._manager.hook, event)(**values)
        except Exception as error:
            # A listener is somebody's addition; it must not cost anybody a run.
            warnings.warn(f"a hook failed in {event}: {error}", RuntimeWarning, stacklevel=2)
