"""Imports point one way: the layers of the design, read off the source."""

import ast
from pathlib import Path

import pytest

import adambench

PACKAGE = Path(adambench.__file__).parent

# From the bottom up. A folder (or a module beside the folders) may import its own modules, and those of layers below.
LAYERS = [
    {"errors", "docstring", "__init__"},
    {"optimizers", "models", "datasets", "schedules", "curve", "writing"},
    {"inspection", "paper"},
    {"setting", "explanation"},
    {"training", "contract", "duties"},
    {"range_test", "reference"},
    {"config"},
    {"execution", "stepwise"},
    {"store"},
    {"judge"},
    {"show", "bench"},
    {"session"},
    {"stored", "watched", "pages"},
    {"api", "cli"},
    {"__main__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
LIBRARIES = {  # where a library may be imported
    "pydantic": {"config/check.py", "config/json_schema.py"},
    "matplotlib": {"show/charts"},
    "rich": {"show"},
    "jinja2": {"show/offline.py"},
    "markupsafe": {"show/offline.py"},
    "typer": {"cli"},
    "distributed": {"execution/engines/dask"},
}


def part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> set[str]:
    """The full names of what a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


FILES = sorted(PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))


def test_every_part_has_a_layer() -> None:
    assert {part(file) for file in FILES} == set(LEVEL)


@every_file
def test_imports_point_down(file: Path) -> None:
    parts = {name.split(".")[1] for name in imported(file) if name.startswith("adambench.")} & set(LEVEL)
    assert all(LEVEL[other] < LEVEL[part(file)] or other == part(file) for other in parts)


@every_file
def test_a_library_stays_where_it_belongs(file: Path) -> None:
    here = str(file.relative_to(PACKAGE))
    for library in {name.split(".")[0] for name in imported(file)} & set(LIBRARIES):
        assert any(here.startswith(place) for place in LIBRARIES[library]), library


@every_file
def test_a_long_module_says_why(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250 or "This module is long because" in text
