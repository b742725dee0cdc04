"""YAML text to plain values, with the line of each of them.

Numbers are read as in YAML 1.2. PyYAML follows YAML 1.1, which reads `1e-3` as text and `no` as false. Only plain data
is accepted: no tags but YAML's own, no merge keys, no duplicate keys, no aliases that contain themselves or expand
without end.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from adambench.config import syntax
from adambench.errors import AdambenchError, neutral

MAX_NODES = 200_000  # values in a file; an alias counts each time it is used
MAX_MARKS = 50_000  # commas, lines and brackets in a file, which tell how long it takes to read: some seconds
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing"}  # YAML's tags

Path = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of the core schema of YAML 1.2."""

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
    """Puts text in quotes that _Loader would not read as text, and writes what occurs twice twice."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, _: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        quotes = '"' if syntax.invisible(data[:1] + data[-1:]) else None
        return self.represent_scalar(f"{TAG}str", data, style=quotes)


_Dumper.add_representer(str, _Dumper.represent_str)


def dump(value: Any) -> str:
    """Plain values as YAML; `parse` gives the same values back."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


@dataclass
class Source:
    """Where values come from, for messages.

    name: the file, or `command line, KEY=VALUE`, which has no lines. lines: of every path; starts: of a value that
    begins on another line than its key. items: names of list items that have one. overridden: paths set on the command
    line, with the words that set them.
    """

    name: str
    numbered: bool = True
    lines: dict[Path, int] = field(default_factory=dict)
    starts: dict[Path, int] = field(default_factory=dict)
    items: dict[Path, str] = field(default_factory=dict)
    overridden: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path, causes: Iterable[Path] = ()) -> tuple[int, str]:
        """The line of the path, or of what contains it, and `file:line`; 0 and the override if one is to blame.

        An override is to blame if it set the path or what contains it, if it brought the path into being, or if it set
        one of the causes: other paths that the mistake depends on.
        """
        override = self._override(path)
        for inner, words in self.overridden.items():
            if path not in self.lines and inner[: len(path)] == path:
                override = override or words
        for cause in causes:
            override = override or self._override(cause)
        if override:
            return 0, f"command line, {override}"
        return next(
            ((line, self.at(line)) for part in beginnings(path) if (line := self.lines.get(part))), (0, self.name)
        )

    def _override(self, path: Path) -> str:
        return next((self.overridden[part] for part in beginnings(path) if part in self.overridden), "")

    def at(self, line: int | None) -> str:
        return f"{self.name}:{line}" if line and self.numbered else self.name

    def words(self, path: Path) -> str:
        """`("seeds", 1)` as `seeds: 2nd value`, and `("claims", 0, "bound")` as `claims.A1.bound`."""
        text = ""
        for i, part in enumerate(path):
            item = self.items.get(path[: i + 1])
            if isinstance(part, int) and item is None:
                text += f": {ordinal(part + 1)} value"
            else:
                after_item = i > 0 and isinstance(path[i - 1], int) and path[:i] not in self.items
                text += f"{': ' if after_item else '.' if text else ''}{item or part}"
        return text


def beginnings(path: Path) -> list[Path]:
    """The path and what contains it, from the inside out."""
    return [path[:end] for end in range(len(path), -1, -1)]


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def parse(text: str, name: str, numbered: bool = True) -> tuple[Any, Source]:
    """The value of a YAML document, and where its parts are. numbered: messages give the line.

    Raises AdambenchError, with file and line, for anything that is not plain, finite YAML.
    """
    source = Source(name, numbered)
    if (marks := sum(map(text.count, ",\n[{"))) > MAX_MARKS:
        raise AdambenchError(f"{name}: has {marks:,} commas, lines and brackets; at most {MAX_MARKS:,} are allowed")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line, message = syntax.explained(error, text)
        raise AdambenchError(f"{source.at(line)}: {message}") from error
    except yaml.reader.ReaderError as error:
        line, message = syntax.unprintable(error, text)
        raise AdambenchError(f"{source.at(line)}: {message}") from error
    except RecursionError as error:
        raise AdambenchError(f"{name}: nested too deeply") from error
    except (ValueError, OverflowError) as error:  # of numbers in escapes and directives that are too large for Python
        raise AdambenchError(f"{name}: cannot be read as YAML: {error}") from error
    if node is None:
        raise AdambenchError(f"{name}: is empty", "`adambench init` writes a commented file to start from.")
    return _Values(source).value(node, ()), source


class _Values:
    """Turns composed nodes into values and notes their lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.inside: list[yaml.Node] = []  # the nodes that contain the current one
        self.count = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise self._error(node, f"more than {MAX_NODES:,} values (aliases count each time they are used)")
        if any(node is around for around in self.inside):
            raise self._error(node, "an alias that contains itself")
        line = node.start_mark.line + 1
        if self.source.lines.setdefault(path, line) != line:
            self.source.starts[path] = line
        self.inside.append(node)
        result: Any
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            result = self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            result = [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        elif isinstance(node, yaml.ScalarNode):
            result = self._scalar(node)
        else:
            raise self._tag(node)
        self.inside.pop()
        return result

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, "a key must be a word, found a list or a mapping")
            key = str(key_node.value)  # `1:` and `on:` are names too
            if character := syntax.invisible(key) or next((c for c in key if neutral(c) != c), ""):
                raise self._error(key_node, f"a key contains {syntax.corrected(character)}")
            if key == "<<":
                raise self._error(key_node, "merge keys (<<) are not supported; write the keys out")
            if key in result:
                first = f", first on line {self.source.lines[(*path, key)]}" if self.source.numbered else ""
                raise self._error(key_node, f"{self.source.words((*path, key))}: is given twice{first}")
            self.source.lines[(*path, key)] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(TAG)
        if kind != "str" and kind not in KINDS:
            raise self._tag(node)
        if (harmless := neutral(text)) != text:
            character = next(c for c, shown in zip(text, harmless, strict=True) if c != shown)
            raise self._error(node, f"a value contains {syntax.named(character)}; remove it")
        if not node.style and (character := syntax.invisible(text[:1] + text[-1:])):
            raise self._error(node, f"a value begins or ends with {syntax.corrected(character)}")
        try:
            return self._number_or_text(node.tag, text)
        except ValueError as error:
            raise self._error(node, f"{text[:40]!r} cannot be read as {KINDS[kind]}") from error

    @staticmethod
    def _number_or_text(tag: str, text: str) -> Any:
        match tag.removeprefix(TAG):
            case "str":
                return text
            case "null" if text.lower() in ("", "~", "null"):
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int":
                return int(str(int(text, 0))) if text.startswith(("0o", "0x")) else int(text)  # at most 4,300 digits
            case "float":
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        raise ValueError(tag)

    def _tag(self, node: yaml.Node) -> AdambenchError:
        tag = node.tag.replace(TAG, "!!")
        return self._error(node, f"the tag {tag} is not allowed; write plain values without tags")

    def _error(self, node: yaml.Node, message: str) -> AdambenchError:
        return AdambenchError(f"{self.source.at(node.start_mark.line + 1)}: {message}")
