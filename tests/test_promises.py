"""What the documentation promises is held by tests that exist, and by these."""

import ast
import re
from pathlib import Path

import pytest

from tokenry.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
SOURCES = [
    path
    for folder in ("core", "registry", "plugins")
    for path in (ROOT / folder).rglob("src/**/*.py")
]
# Calls that run what a file holds.
FORBIDDEN = re.compile(
    r"(pickle|cPickle|dill|cloudpickle|joblib|pd|pandas)\.(load|loads|Unpickler|read_pickle)"
    r"|yaml\.(unsafe_load|full_load)|marshal\.loads?|shelve\.open|eval|exec"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_is_there(page):
    for path, name in re.findall(r"`([\w/]+\.py)::(test_\w+)`", page.read_text(encoding="utf-8")):
        assert re.search(rf"def {name}\(", (ROOT / path).read_text(encoding="utf-8")), (path, name)


def test_no_file_is_unpickled_or_evaluated():
    assert len(SOURCES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)[:80]}"
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and runs_code(call)
        # Workers of a cluster get their tasks from the process that started them, not from files.
        and not (
            path.is_relative_to(ROOT / "plugins/ray") and "cloudpickle.loads" in ast.unparse(call)
        )
    ]
    assert found == [], "\n".join(found)


def runs_code(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if call.args and "pickle.dumps" in ast.unparse(call.args[0]):
        return False  # there and back, as on the way to a worker
    if name == "torch.load":
        return given.get("weights_only") != "True"
    if name in ("np.load", "numpy.load"):
        return given.get("allow_pickle", "False") != "False"
    return FORBIDDEN.fullmatch(name) is not None


@pytest.mark.parametrize(
    "code",
    [
        "pickle.load(f)",
        "torch.load(p)",
        "np.load(p, allow_pickle=True)",
        "joblib.load(p)",
        "eval(x)",
    ],
)
def test_such_calls_are_recognised(code):
    call = ast.parse(code).body[0].value
    assert runs_code(call)


def test_messages_cannot_command_a_terminal(tmp_path, capsys):
    assert main(["inspect", "\x1b]0;owned\x07.parquet\u202e"]) == 2
    said = capsys.readouterr().err
    assert "\\x1b]0;owned\\x07.parquet\\u202e" in said
    assert "\x1b" not in said
