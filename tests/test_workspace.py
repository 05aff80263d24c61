"""The workspace's own invariants."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [ROOT / "core", ROOT / "registry", *sorted((ROOT / "plugins").iterdir())]
PACKAGES.append(ROOT / "tests" / "benchmarks")
PACKAGES = [package for package in PACKAGES if (package / "pyproject.toml").exists()]
each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)


def manifest(package: Path) -> dict:
    return tomllib.loads((package / "pyproject.toml").read_text())


def module(package: Path) -> Path:
    return next(path for path in (package / "src").iterdir() if (path / "__init__.py").exists())


def test_all_packages_have_one_version():
    versions = {package.name: manifest(package)["project"]["version"] for package in PACKAGES}
    assert len(set(versions.values())) == 1, versions


def test_packages_ask_for_each_other_in_lockstep():
    version = manifest(ROOT / "core")["project"]["version"]
    for package in PACKAGES:
        for needed in manifest(package)["project"]["dependencies"]:
            if needed.startswith("tokenry"):
                assert needed.endswith(f"=={version}"), (package.name, needed)


@each_package
def test_version_in_code_is_the_packages_version(package):
    source = (module(package) / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"', source, re.M)
    if found:
        assert found[1] == manifest(package)["project"]["version"]


@each_package
def test_package_is_typed(package):
    assert (module(package) / "py.typed").exists()


@each_package
def test_leaf_holds_no_tool_settings_but_its_build(package):
    assert set(manifest(package).get("tool", {})) <= {"hatch"}


@each_package
def test_test_folders_are_no_packages(package):
    assert not list((package / "tests").rglob("__init__.py"))


@each_package
def test_every_package_is_installed_for_contributors(package):
    listed = (ROOT / "requirements-dev.txt").read_text()
    assert re.search(rf"^-e {re.escape(str(package.relative_to(ROOT)))}(\[|$)", listed, re.M)


def test_no_committed_file_names_a_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    pattern = re.compile(r"(?<![\w.:/-])/(?:home|root|opt|farm)/\w")
    suffixes = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ""}
    for name in files.stdout.splitlines():
        path = ROOT / name
        if path.suffix in suffixes and path.is_file() and path != Path(__file__):
            text = path.read_text(errors="ignore")
            assert not pattern.search(text), f"{name} names a path of a machine"


def imported(path: Path, package: str) -> set[str]:
    """Top-level and relative imports of a module, as absolute dotted names."""
    out = set()
    tree = ast.parse(path.read_text())
    parts = package.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else []
            out.add(".".join([*base, *((node.module or "").split(".") if node.module else [])]))
    return out


def imports_of(package: Path) -> set[str]:
    top = module(package)
    found = set()
    for path in top.rglob("*.py"):
        inside = ".".join(path.relative_to(top.parent).parent.parts)
        found |= imported(path, inside)
    return found


SIBLINGS = {module(package).name for package in PACKAGES}
ALLOWED = {
    "core": {"tokenry_core"},
    "registry": {"tokenry_core", "tokenry"},
    "pairs": {"tokenry_core", "tokenry_dino", "tokenry_pairs"},
    "ray": {"tokenry_core", "tokenry", "tokenry_ray"},
    "benchmarks": {"tokenry_core", "tokenry_benchmarks"},
}


@each_package
def test_imports_go_in_one_direction(package):
    allowed = ALLOWED.get(package.name, {"tokenry_core", module(package).name})
    used = {name.partition(".")[0] for name in imports_of(package)} & SIBLINGS
    assert used <= allowed


# Inside tokenry: cli -> runs, report -> config -> registry; report may read what runs wrote.
LAYERS = {
    "registry": set(),
    "config": {"registry"},
    "runs": {"config", "registry"},
    "report": {"runs", "config", "registry"},
    "cli": {"report", "runs", "config", "registry"},
}


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_tokenry_import_downwards_only(layer):
    folder = ROOT / "registry" / "src" / "tokenry" / layer
    for path in folder.rglob("*.py"):
        inside = ".".join(path.relative_to(folder.parent.parent).parent.parts)
        for name in imported(path, inside):
            parts = name.split(".")
            if parts[0] == "tokenry" and len(parts) > 1 and parts[1] in LAYERS:
                assert parts[1] in LAYERS[layer] | {layer}, f"{path.name} imports {name}"
