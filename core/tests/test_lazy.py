from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tokenry_core

SOURCE = Path(tokenry_core.__file__)

PACKAGE = """
from tokenry_core._lazy import lazy_names
homes = {"b": "_b", "a": "_a", "broken": "_broken", "gone": "_a"}
__getattr__, __all__ = lazy_names(__name__, homes)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules, imported afresh."""
    folder = tmp_path / "fake_lazy"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "_a.py").write_text("a = object()")
    (folder / "_b.py").write_text("from fake_lazy import a\nb = [a]")
    (folder / "_broken.py").write_text("raise KeyError('a reason')")
    monkeypatch.syspath_prepend(str(tmp_path))
    import fake_lazy

    yield fake_lazy
    for name in [name for name in sys.modules if name.startswith("fake_lazy")]:
        del sys.modules[name]


def test_importing_the_package_imports_no_module(package):
    assert not [name for name in sys.modules if name.startswith("fake_lazy.")]


def test_name_is_imported_when_first_used_and_kept(package):
    assert package.a is package.a
    assert "fake_lazy._a" in sys.modules
    assert "fake_lazy._b" not in sys.modules
    assert vars(package)["a"] is package.a


def test_modules_may_use_names_of_their_package(package):
    assert package.b == [package.a]


def test_from_import_and_star_import_work(package):
    names: dict[str, object] = {}
    exec("from fake_lazy import a, b", names)
    assert names["b"] == [names["a"]]


def test_all_is_sorted(package):
    assert package.__all__ == ["a", "b", "broken", "gone"]


def test_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=r"module 'fake_lazy' has no attribute 'c'"):
        package.c
    assert not hasattr(package, "c")
    with pytest.raises(ImportError, match="cannot import name 'c'"):
        exec("from fake_lazy import c")


def test_error_inside_a_module_is_not_hidden(package):
    with pytest.raises(KeyError, match="a reason"):
        package.broken


def test_name_that_its_module_lacks_is_told(package):
    with pytest.raises(AttributeError, match=r"'fake_lazy\._a' has no attribute 'gone'"):
        package.gone


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCE.parent.rglob("__init__.py") if "lazy_names(" in path.read_text()],
    ids=lambda path: path.parent.name,
)
def test_type_checkers_see_the_names_that_are_there(path):
    tree = ast.parse(path.read_text())
    checked = {
        alias.name: node.module.removeprefix(".")
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    assert checked == homes


def test_every_public_name_is_there():
    for name in tokenry_core.__all__:
        assert getattr(tokenry_core, name) is not None


def test_importing_core_imports_nothing_heavy(tmp_path):
    code = (
        "import sys, tokenry_core, tokenry_core.errors\n"
        "from tokenry_core import Registry, configure_plugins, build_config\n"
    )
    code += (
        "heavy = 'numpy pyarrow torch numba sklearn timm ray pandas fsspec safetensors'.split()\n"
        "assert not set(heavy) & set(sys.modules), set(heavy) & set(sys.modules)"
    )
    env = {**os.environ, "TOKENRY_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
