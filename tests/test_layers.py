"""Imports point one way: the layers of the design, read off the source."""

import ast
from pathlib import Path

import pytest

import adambench

PACKAGE = Path(adambench.__file__).parent

# From the bottom up. A module may import those of the layers below its own, and errors.
LAYERS = [
    {"optimizers", "schedules", "datasets", "models", "yamlfile", "quantity", "provenance", "lock", "terminal"},
    {"inspection", "check", "rivals"},
    {"experiment", "training"},
    {"paper"},
    {"schema", "explanation"},
    {"plan", "config"},
    {"workers", "results", "analysis", "catalogue"},
    {"execution", "fairness", "claims", "report", "progress", "verification"},
    {"charts", "findings"},
    {"session", "bench"},
    {"cli"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}


def modules() -> dict[Path, str]:
    """Every source file and the module or subpackage that it belongs to."""
    return {file: file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in PACKAGE.rglob("*.py")}


def imported(file: Path) -> set[str]:
    """What a file imports of this package, deferred imports too."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names if name.startswith("adambench.")]
    return {part[1] for part in parts if (PACKAGE / part[1]).is_dir() or (PACKAGE / f"{part[1]}.py").is_file()}


def test_every_module_has_a_layer() -> None:
    assert set(modules().values()) == {*LEVEL, "errors", "__init__", "__main__"}


@pytest.mark.parametrize("file", [file for file, module in modules().items() if module in LEVEL], ids=str)
def test_imports_point_down(file: Path) -> None:
    module = modules()[file]
    allowed = {below for below, level in LEVEL.items() if level < LEVEL[module]} | {module, "errors"}
    assert imported(file) <= allowed


def test_pydantic_is_imported_by_one_module() -> None:
    users = [file.name for file in PACKAGE.rglob("*.py") if "pydantic import" in file.read_text(encoding="utf-8")]
    assert users == ["check.py"]


def test_matplotlib_and_rich_stay_above() -> None:
    for library, users in (
        (
            "matplotlib",
            {"__init__.py", "base.py", "convergence.py", "figure4.py", "growth.py", "inside.py", "search.py"},
        ),
        ("rich", {"report.py", "findings.py", "progress.py", "catalogue.py", "terminal.py"}),
        ("typer", {"cli.py"}),
    ):
        found = {
            f.name
            for f in PACKAGE.rglob("*.py")
            if f"from {library}" in f.read_text() or f"import {library}" in f.read_text()
        }
        assert found == users
