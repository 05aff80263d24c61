"""Every public name is used by a test, an example in a docstring or a block of the documentation.

A name counts as used where it stands as itself, after an import or behind its module; that it is
imported alone, or mentioned in a text, does not count.
"""

import ast
import doctest
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(ROOT.glob("*/src")) + sorted(ROOT.glob("plugins/*/src"))
Use = tuple[str, str]  # module, name

pytestmark = pytest.mark.slow


def packages() -> list[str]:
    """Give every package and module that says what is public in it."""
    found = []
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            module = path.parent if path.name == "__init__.py" else path.with_suffix("")
            name = ".".join(module.relative_to(source).parts)
            if "._" not in name and "__all__" in path.read_text(encoding="utf-8"):
                found.append(name)
    return found


def programs() -> Iterator[tuple[str, str]]:
    """Give what is run by tests, each with the module in whose names it runs."""
    for folder in (ROOT, *(source.parent for source in SOURCES)):
        for path in (folder / "tests").rglob("*.py"):
            if "benchmarks" not in path.parts:
                yield "", path.read_text(encoding="utf-8")
    for page in (*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"):
        blocks = re.findall(
            r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S
        )
        yield "", "\n".join(blocks)
    for source in SOURCES:
        for path in source.rglob("*.py"):
            parts = path.relative_to(source).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield module, "\n".join(examples(path.read_text(encoding="utf-8")))


def examples(text: str) -> Iterator[str]:
    """Give the examples in the docstrings of a module."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)) if ">>>" in text else ():
        if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
            yield from (one.source for one in doctest.DocTestParser().get_examples(docstring))


def uses(program: str, module: str) -> Iterator[Use]:
    """Give each name that a program uses, with the module that it takes it from."""
    tree = ast.parse(program)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {
                a.asname or a.name.partition(".")[0]: a.asname and a.name for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        dotted = chain(node)
        if dotted is None:
            continue
        root, _, rest = dotted.partition(".")
        known = imported[root] or root if root in imported else f"{module}.{root}"
        where, _, name = f"{known}.{rest}".rstrip(".").rpartition(".")
        yield where, name


def chain(node: ast.AST) -> str | None:
    """Give `a.b.c` for a name or an attribute of names."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and (before := chain(node.value)):
        return f"{before}.{node.attr}"
    return None


@cache
def used() -> set[Use]:
    return {use for module, program in programs() for use in uses(program, module)}


@cache
def objects_by_name() -> dict[str, list[object]]:
    """Give what each used name stands for, wherever it was taken from."""
    found: dict[str, list[object]] = {}
    for module, name in used():
        if module.startswith("tokenry"):
            try:
                found.setdefault(name, []).append(getattr(import_module(module), name))
            except (ImportError, AttributeError):
                continue  # a method, or a name of a doctest itself
    return found


@pytest.mark.parametrize("package", packages())
def test_every_public_name_is_used(package):
    module = import_module(package)
    public = {name: getattr(module, name) for name in module.__all__}
    unused = [
        name
        for name, value in public.items()
        if not any(value is found for found in objects_by_name().get(name, []))
    ]
    assert not unused, f"{package}: write a test or an example that uses {', '.join(unused)}"
