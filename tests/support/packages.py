"""Packages as a stranger has them: built as wheels, and installed elsewhere than in this clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check")


def run(*command: object, cwd: Path | None = None, site: Path | None = None) -> str:
    """Give what a command prints; `site` is all that it has on its path beside its own packages."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if site is not None:
        env["PYTHONPATH"] = str(site)
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    parts = [str(part) for part in command]
    done = subprocess.run(parts, cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{parts}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(package: Path, folder: Path) -> Path:
    """Build a package's wheel into a folder, and give the wheel."""
    before = set(folder.glob("*.whl"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, package)
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def install(package: Path, site: Path) -> None:
    """Install a wheel or a package's folder alone into a folder, to be had on the path."""
    alone = ("--no-deps", "--no-index", "--no-build-isolation", "--upgrade")
    run(*PIP, *alone, "--target", site, package)
