"""Plug-ins: Python files with optimizers, schedules, models and data sets of the user's own.

A plug-in is one file, identified by the SHA-256 of its source. `execute` and `registries` execute it; `recorded`, for
the configurations in results folders, does not.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, doc

from adambench.config import modules
from adambench.config.check import Check
from adambench.config.names import BUILT_IN, KINDS, Known, Plugin, Recorded
from adambench.config.paths import expanded
from adambench.config.shown import plain, show
from adambench.config.yamlfile import Path as Where
from adambench.errors import AdambenchError

MAX_BYTES = 2**20
Defaults = dict[str, dict[str, Any]]
Number = Annotated[float, Ge(-modules.LARGEST), Le(modules.LARGEST)]


@dataclass(frozen=True)
class Entry:
    """An item of `plugins`. `run` writes all keys, so that a stored configuration can be read without the file."""

    name: Annotated[str, doc("a file, relative to the YAML file, or an installed module")]
    sha256: Annotated[str, doc("what the source must have")] = ""
    optimizers: Annotated[Defaults | None, doc("what it defines, with the defaults")] = None
    schedules: Annotated[Defaults | None, doc("the same")] = None
    models: Annotated[Defaults | None, doc("the same")] = None
    datasets: Annotated[Defaults | None, doc("the same")] = None


def recorded(check: Check, value: Any, folder: Path) -> Known:  # noqa: ARG001  # the same signature as `execute`
    """The registries for a stored configuration. Nothing is executed, and no name is unknown."""
    found = []
    for path, entry in _entries(check, value):
        for rule, defaults in (entry.optimizers or {}).items():
            for name, default in defaults.items():
                check.value(default, bool | Number | None, (*path, "optimizers", rule, name))
        defines = {kind: names for kind in KINDS if (names := getattr(entry, kind))}
        found.append(Plugin(entry.name, entry.sha256, defines))
    registries = {kind: Recorded(kind, getattr(BUILT_IN, kind), found) for kind in KINDS}
    return Known(**registries, plugins=tuple(found))


def execute(check: Check, value: Any, folder: Path) -> Known:
    """The registries with what the plug-ins of a configuration define."""
    known = BUILT_IN
    for path, entry in _entries(check, value):
        try:
            known = _with(known, entry, folder)
        except AdambenchError as error:
            for line in error.message.splitlines():
                check.fail(path, line)
    return known


def registries(names: Sequence[str]) -> Known:
    """The registries with what plug-ins named on the command line define. Raises AdambenchError."""
    known = BUILT_IN
    for name in names:
        known = _with(known, Entry(name), Path())
    return known


def references(plugin: Plugin) -> Mapping[str, Any]:
    """By optimizer, what an executed plug-in names as its reference."""
    return modules.load(plugin.source or b"", plugin.name)["references"]


def _entries(check: Check, value: Any) -> Iterator[tuple[Where, Entry]]:
    if not isinstance(value, list):
        example = value if isinstance(value, str) else "my_rules.py"
        check.fail(("plugins",), f"must be a list, e.g. [{example}], found {show(value)}")
        return
    for i, item in enumerate(value):
        path: Where = ("plugins", i)
        given = check.mapping({"name": item} if isinstance(item, str) else item, path, "name, sha256")
        if given is not None and (entry := check.instance(Entry, given, path)):
            yield path, entry


def _read(name: str, folder: Path) -> tuple[str, bytes]:
    """The file of a plug-in, for messages, and its source. name: a path that ends in .py, or a module."""
    hint = "A plug-in is a file that ends in .py, or an installed module, for example my_package.my_rules."
    if name.endswith(".py"):
        file = str(folder / expanded(name))
    else:
        try:
            spec = importlib.util.find_spec(name) if all(map(str.isidentifier, name.split("."))) else None
        except (ImportError, ValueError) as error:
            raise AdambenchError(f"{name}: cannot be found: {error}. {hint}") from error
        except (Exception, SystemExit) as error:  # its package is executed
            raise AdambenchError(f"{name}: its package fails: {type(error).__name__}: {error}") from error
        if spec is None or not (spec.origin or "").endswith(".py"):
            raise AdambenchError(f"{name}: no such file or installed module. {hint}")
        file = str(spec.origin)
    try:
        with open(file, "rb") as stream:  # noqa: PTH123  # a path with a null byte is a ValueError here
            source = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        there = sorted(path.name for path in Path(file).parent.glob("*.py"))
        raise AdambenchError(f"{file}: no such file; Python files there: {', '.join(there[:6]) or 'none'}") from error
    except (OSError, ValueError) as error:
        raise AdambenchError(f"{file}: cannot be read: {getattr(error, 'strerror', error)}") from error
    if len(source) > MAX_BYTES:
        raise AdambenchError(f"{file}: larger than 1 MiB, so it is not a plug-in")
    return file, source


def _with(known: Known, entry: Entry, folder: Path) -> Known:
    """The registries with those of one more plug-in, which is executed."""
    file, source = _read(entry.name, folder)
    sha256 = hashlib.sha256(source).hexdigest()
    if entry.sha256 not in ("", sha256):
        raise AdambenchError(
            f"{file}: is not the plug-in that is named here (found sha256 {sha256[:12]}…, expected "
            f"{entry.sha256[:12]}…). Remove the key sha256 to use this file."
        )
    defined = {kind: modules.load(source, file)[kind] for kind in KINDS}
    if inside := _own_imports(entry.name, source):
        raise AdambenchError(f"{file}:{inside}: imports another module of its package, but a plug-in is one file")
    for kind, names in defined.items():
        for name in names.keys() & getattr(known, kind).keys():
            raise AdambenchError(f"{file}: {kind.upper()}.{name}: another plug-in has this name")
    defines = {kind: {name: _defaults(names[name]) for name in names} for kind, names in defined.items() if names}
    merged = {kind: {**getattr(known, kind), **names} for kind, names in defined.items()}
    return replace(known, **merged, plugins=(*known.plugins, Plugin(entry.name, sha256, defines, source)))


def _own_imports(name: str, source: bytes) -> int:
    """The line on which an installed module imports from its own package, whose text its hash does not cover; or 0."""
    package = "" if name.endswith(".py") else name.partition(".")[0]
    for node in ast.walk(ast.parse(source)):
        words = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        words += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if package and any(word.partition(".")[0] == package for word in words):
            return int(node.lineno)  # type: ignore[attr-defined]  # both kinds of node have it
    return 0


def _defaults(thing: Any) -> dict[str, Any]:
    """The fields of a class with their defaults; none of a function."""
    if not isinstance(thing, type):
        return {}
    return {field.name: plain(field.default) for field in fields(thing)}
