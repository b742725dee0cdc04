"""YAML text -> plain values, with the line on which each of them stands.

Numbers are read as YAML 1.2 has them: PyYAML, which follows YAML 1.1, takes `1e-3` for a string and `no` for false.
Only plain data passes: no tags, no duplicate keys, no aliases that contain themselves or expand without end.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from adambench.errors import AdambenchError

MAX_NODES = 200_000  # values in a file, aliases counted each time they are used

Path = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own attribute)


TAG = "tag:yaml.org,2002:"
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)


class _Dumper(yaml.SafeDumper):
    """Quotes what _Loader would not read as text."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def dump(value: Any) -> str:
    """Plain values as YAML that `parse` reads back as they were."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


@dataclass
class Source:
    """Where values come from, for messages: the file's name and the line of every path in it."""

    name: str
    lines: dict[Path, int] = field(default_factory=dict)
    overridden: dict[Path, str] = field(default_factory=dict)  # paths set on the command line, and how

    def place(self, path: Path) -> tuple[int, str]:
        """Line of the path (or of what is around it) and `file:line`; if on the command line, 0 and what was said."""
        beginnings = [path[:end] for end in range(len(path), -1, -1)]
        for beginning in beginnings:
            if beginning in self.overridden:
                return 0, f"command line, {self.overridden[beginning]}"
        for beginning in beginnings:
            if line := self.lines.get(beginning):
                return line, f"{self.name}:{line}"
        return 0, self.name


def parse(text: str, name: str) -> tuple[Any, Source]:
    """The value of a YAML document and where its parts stand.

    Raises AdambenchError, with file and line, for anything that is not plain, finite YAML.
    """
    source = Source(name)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise AdambenchError(f"{name}{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise AdambenchError(f"{name}: not valid YAML: {error}".splitlines()[0]) from error
    except RecursionError as error:
        raise AdambenchError(f"{name}: nested too deeply") from error
    if node is None:
        raise AdambenchError(f"{name}: is empty", "`adambench init` writes a commented file to start from.")
    return _Values(source).value(node, ()), source


class _Values:
    """Turns composed nodes into values, noting lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.inside: list[yaml.Node] = []  # the nodes around the present one
        self.count = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise self._error(node, f"more than {MAX_NODES:,} values (aliases count each time they are used)")
        if any(node is around for around in self.inside):
            raise self._error(node, "an alias that contains itself")
        self.source.lines.setdefault(path, node.start_mark.line + 1)
        self.inside.append(node)
        result: Any
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            result = self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            result = [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        elif isinstance(node, yaml.ScalarNode):
            result = self._scalar(node)
        else:
            raise self._error(node, f"the tag {node.tag} is not allowed: only plain values are")
        self.inside.pop()
        return result

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, "a key must be a word")
            key = str(key_node.value)  # `1:` and `on:` are names too
            if key in result:
                where = self.source.lines[(*path, key)]
                raise self._error(key_node, f"{dotted((*path, key))}: is given twice, first on line {where}")
            self.source.lines[(*path, key)] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        try:
            return self._number_or_text(node.tag, text)
        except ValueError as error:
            raise self._error(node, f"{text[:40]!r} cannot be read as {node.tag.removeprefix(TAG)}") from error

    @staticmethod
    def _number_or_text(tag: str, text: str) -> Any:
        match tag.removeprefix(TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
            case "float":
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        raise ValueError(tag)

    def _error(self, node: yaml.Node, message: str) -> AdambenchError:
        return AdambenchError(f"{self.source.name}:{node.start_mark.line + 1}: {message}")


def dotted(path: Path) -> str:
    """`("seeds", 0)` as `seeds.0`."""
    return ".".join(map(str, path))
