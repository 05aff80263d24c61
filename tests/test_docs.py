"""The documentation is true: blocks of code and commands run, links lead somewhere, names exist.

A page becomes one program: Python blocks as they are, blocks with a title or `# NAME` as files,
commands of Tokenry with the output that is shown, and what hides in `<!-- setup ... -->`.
"""

import os
import re
import subprocess
import sys
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import pytest
from packages import ROOT, install

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
BLOCK = re.compile(
    r'^```(?P<language>[\w-]+)( title="(?P<title>[^"]+)")?\n(?P<code>.*?)^```$'
    r"|^<!-- setup\n(?P<setup>.*?)^-->$",
    re.M | re.S,
)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def program_of(page: Path) -> str:
    """Give a page as one Python program in which every line has the number that it has there."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 2)
    lines[0] = "from test_docs import shell as _shell, write as _write"
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start()) + 1
        language, code = block["language"], block["code"]
        if block["setup"] is not None:
            language, code = "python", block["setup"]
        if block["title"]:
            lines[first] = f"_write({block['title']!r}, {code!r})"
        elif language == "python":
            own = code.split("\n")
            lines[first : first + len(own)] = own
        elif language in ("yaml", "toml", "json") and (name := re.match(r"# (\S+)\n", code)):
            lines[first] = f"_write({name[1]!r}, {code!r})"
        elif language in ("console", "sh"):
            for command, expected in commands_of(code):
                lines[first] += f"_shell({command!r}, {expected!r});"
    return "\n".join(lines)


def commands_of(code: str) -> list[tuple[str, str]]:
    """Give the commands of Tokenry in a block, each with the output that is printed below it.

    A block whose commands have no prompt shows no output.
    """
    if "$ " not in code:
        return [(line, "") for line in code.splitlines() if line.startswith("tokenry ")]
    parts = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", code, re.M)
    return [(command, out) for command, out in parts if command.startswith("tokenry ")]


def write(name: str, text: str) -> None:
    """Write a file that a page shows."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def shell(command: str, expected: str) -> None:
    """Run a command of a page; what the page shows of its output has to be in it."""
    done = subprocess.run(
        command,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    output = done.stdout
    assert done.returncode == 0, f"{command}\n{output}"
    wanted, found = plain(expected), plain(output)
    parts = [re.escape(part.strip()) for part in wanted.split("...")]
    assert re.search(".*?".join(parts), found), f"{command}\n{output}"


def install_package(folder: str) -> None:
    """Install a package that a page wrote, for the rest of the page."""
    site = Path("site").absolute()
    install(Path(folder).absolute(), site)
    if str(site) not in sys.path:
        sys.path.insert(0, str(site))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(site), os.environ["PYTHONPATH"]])


def try_package(folder: str) -> None:
    """Install a package that a page wrote, and run its tests."""
    install_package(folder)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def plain(text: str) -> str:
    """Give a text without what differs between versions of Python and widths of terminals."""
    text = re.sub(r"(-\w) [A-Z]+, (--\w+)", r"\1, \2", text)
    return re.sub(r"\s+", "", text)


def environment() -> dict[str, str]:
    """Give the environment of a user, in whose path are no plugins for tests."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COLUMNS")}
    plugins = (ROOT / "examples").glob("*/src")
    path = [Path(sys.executable).parent, kept.get("PATH", "")]
    return kept | {
        "PATH": os.pathsep.join(map(str, path)),
        "PYTHONPATH": os.pathsep.join(
            map(str, [ROOT / "tests", ROOT / "tests" / "support", *plugins])
        ),
        "NO_COLOR": "1",
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if BLOCK.search(p.read_text())], ids=name_of)
def test_page_runs_as_printed(page, tmp_path):
    script = tmp_path / f"page_{page.stem}.py"  # not the name of a module that it imports
    script.write_text(program_of(page), encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    command = [sys.executable, "-W", "error", script]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_page
def test_links_lead_somewhere(page):
    text = re.sub(
        r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    for target in re.findall(r"\]\(([^)\s]+)\)|href=\"([^\"]+)\"", text):
        target = "".join(target)
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors_of(found), f"{page.name}: {target}"


def anchors_of(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    ours = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}
    return ours | set(re.findall(r"^::: (\S+)$", text, re.M))


def documented() -> dict[str, object]:
    """Give what reference pages are about, by the names that they use."""
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").glob("*.md")]
    names = [name for page in pages for name in re.findall(r"^::: (\S+)$", page, re.M)]
    return {name: resolve(name) for name in names}


def resolve(name: str) -> object:
    """Give a module, or an attribute of one."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(import_module(module), attribute)


@pytest.mark.parametrize(
    "module", ["tokenry", "tokenry_core", "tokenry_core.errors", "tokenry_core.tokens"]
)
def test_every_public_name_stands_on_a_reference_page(module):
    there = documented()
    objects = {id(found) for found in there.values()}  # which may have a second, shorter name
    public = {f"{module}.{name}" for name in import_module(module).__all__}
    assert {n for n in public if n not in there and id(resolve(n)) not in objects} == set()


def test_what_stands_on_a_reference_page_says_what_it_is():
    silent = {n for n, found in documented().items() if callable(found) and not getdoc(found)}
    assert silent == set()


def test_every_key_of_a_run_file_is_explained():
    from dataclasses import fields

    from tokenry.config import PluginsConfig, RunFile, TrainingConfig
    from tokenry_core import Runtime

    text = (ROOT / "docs" / "run-files.md").read_text(encoding="utf-8")
    for prefix, cls in (
        ("", RunFile),
        ("training.", TrainingConfig),
        ("runtime.", Runtime),
        ("plugins.", PluginsConfig),
    ):
        for field in fields(cls):
            assert f"`{prefix}{field.name}`" in text, f"{prefix}{field.name}"


def test_every_command_is_explained():
    from tokenry.cli._main import COMMANDS

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"$ tokenry {command} --help" in text
