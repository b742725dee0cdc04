"""Checks values against the annotations of dataclass fields."""

import functools
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails

from adambench.config.names import BUILT_IN, schema
from adambench.config.shown import plain, show
from adambench.config.yamlfile import Path, Source
from adambench.errors import unknown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,63}")  # valid as a file name on every system
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
WORDING = {  # pydantic's kind of error: what is allowed
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} values",
    "too_long": "must have at most {max_length} values",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
WRONG_LENGTH = ("missing", "too_short", "too_long")  # kinds that are about a whole list
EXAMPLES = {  # of the lists that a key may hold
    "seeds": "[1, 2, 3]",
    "hidden": "[1000, 1000]",
    "optimizers": "[adam, nesterov]",
    "bound": "[0.9, 1.1]",
    "drops": "[0.5, 0.75]",
    "momentum": "[0.95, 0.85, 0.95]",
}

T = TypeVar("T")


class Check:
    """Collects mistakes. What returns a value returns the checked one, or None if it found a mistake.

    known: what the configuration can name.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.known = BUILT_IN
        self.errors: list[tuple[int, str]] = []  # line, message

    def fail(self, path: Path, message: str, *causes: Path) -> None:
        """Note a mistake. causes: other paths that it depends on, of which one may have been overridden."""
        line, place = self.source.place(path, causes)
        at = f"{self.source.words(path)}: " if path else ""
        self.errors.append((line, f"{place}: {at}{message}"))

    def message(self) -> str:
        """All mistakes in the order of the file, one per line, without repetitions."""
        ordered = sorted(self.errors, key=lambda error: error[0])
        return "\n".join(dict.fromkeys(message for _, message in ordered))

    def mapping(self, value: Any, path: Path, what: str) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        first = value.partition(" ")[0] if isinstance(value, str) else ""
        if first and first in what.split(", ") and not self.source.place(path)[1].startswith("command line"):
            line = self.source.starts.get(path) or self.source.place(path)[0]
            place = f"{self.source.at(line)}: {self.source.words(path)}: "
            self.errors.append((line, f"{place}a colon is missing after {first}, found {show(value)}"))
            return None
        deeper = ". Indent its keys further than itself." if value is None else ""
        self.fail(path, f"must be a mapping ({what}), found {show(value)}{deeper}")
        return None

    def one_of(self, value: Any, allowed: Collection[str], path: Path, note: str = "", cause: Path = ()) -> bool:
        """Whether a value is one of the allowed words. note: what else can be done."""
        if isinstance(value, str) and value in allowed:
            return True
        self.fail(
            path, f"{show(value)} is {unknown(str(value), allowed)}{note and ' ' + note}", *([cause] if cause else [])
        )
        return False

    def keys(
        self,
        values: Mapping[str, Any],
        path: Path,
        allowed: Iterable[str],
        required: Iterable[str] = (),
        notes: Mapping[str, str] = MappingProxyType({}),
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Check the keys of a mapping.

        notes: what else to say about certain unknown keys. elsewhere: as of `unknown`.
        """
        allowed = list(allowed)
        for key in values:
            if key not in allowed:
                note = notes.get(key, "")
                if (split := re.match(r"([\w.+-]+?)(: ?| )\S", key)) and split.group(1) in allowed:
                    note = f"{'A space' if split.group(2) == ':' else 'A colon'} is missing after {split.group(1)}."
                self.fail((*path, key), f"{unknown(key, allowed, elsewhere)}{note and ' ' + note}")
        for key in required:
            if key not in values:
                self.fail(path, f"{key} is missing. Allowed: {', '.join(allowed)}.")

    def name(self, name: Any, path: Path) -> str | None:
        if isinstance(name, str) and NAME.fullmatch(name):
            return name
        allowed = "at most 64 letters, digits, _, + or -, starting with a letter or digit"
        quotes = ". Put it in quotes." if isinstance(name, bool | int | float) and NAME.fullmatch(str(name)) else ""
        self.fail(path, f"must be a name of {allowed}, found {show(name)}{quotes}")
        return None

    def value(self, value: Any, hint: Any, path: Path) -> Any:
        """A single value against a field's annotation, by pydantic. A mapping becomes the dataclass that it allows."""
        plain, nested = parted(hint)
        if nested and isinstance(value, dict):
            return self.instance(nested, value, path)
        if nested and value not in typing.get_args(plain):
            form = f"Or {{{', '.join(f'{name}: …' for name in hints_of(nested))}}}"
            self.one_of(value, typing.get_args(plain), path, f"{form}.")
            return None
        try:
            return _adapter(hint).validate_python(tuple(value) if isinstance(value, list) else value)
        except ValidationError as errors:
            for error in errors.errors():
                self._refuse(error, value, hint, path)
            return None

    def _refuse(self, error: ErrorDetails, value: Any, hint: Any, path: Path) -> None:
        """Note one of pydantic's errors."""
        kind, found, limits = error["type"], error["input"], error.get("ctx", {})
        bare = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        parts = typing.get_args(bare) if typing.get_origin(bare) is tuple else (...,)
        if kind in WRONG_LENGTH and isinstance(value, list) and ... not in parts:
            self.fail(path, f"must be a list of {len(parts)} values{_example(path)}, found {show(value)}")
            return
        if isinstance(value, list):
            path = (*path, *(part for part in error["loc"] if isinstance(part, int)))
        if kind == "literal_error" and (names := re.findall(r"'([^']*)'", limits["expected"])):
            self.one_of(found, names, path)
            return
        wanted = WORDING.get(kind) or error["msg"].replace("Input should be", "must be").replace("String", "text")
        wanted = wanted.format(**{name: _plain(limit) for name, limit in limits.items()}) if kind in WORDING else wanted
        if kind == "tuple_type":
            wanted += _example(path)
        quoted = kind in ("int_type", "float_type") and isinstance(found, str) and NUMBER.fullmatch(found)
        self.fail(path, f"{wanted}, found {show(found)}{'. Remove the quotes.' if quoted else ''}")

    def instance(self, cls: Callable[..., T], values: Mapping[str, Any], path: Path) -> T | None:
        """An instance of a dataclass whose fields fit their annotations."""
        before = len(self.errors)
        hints = hints_of(cls)
        required = [field.name for field in fields(cast(Any, cls)) if field.default is MISSING]
        self.keys(values, path, hints, required)
        checked = {key: self.value(value, hints[key], (*path, key)) for key, value in values.items() if key in hints}
        return cls(**checked) if len(self.errors) == before else None

    def defaults(self, cls: Any, path: Path) -> None:
        """Check that a dataclass can be a schema: each field has a default that fits its annotation."""
        try:
            hints = hints_of(cls)
            for one in fields(cls):
                at, default = (*path, one.name), one.default
                if default is MISSING:
                    self.fail(at, "needs a default")
                else:
                    self.value(plain(default), hints[one.name], at)
        except (NameError, TypeError, AttributeError, PydanticUserError) as error:
            self.fail(path, f"has an annotation that cannot be checked: {str(error).splitlines()[0]}")

    def choice(self, value: Any, registry: Mapping[str, Any], path: Path) -> Any:
        """An instance of a class in the registry, from `name` or `{name: …, field: value, …}`."""
        values = self.mapping({"name": value} if isinstance(value, str) else value, path, "with a name")
        if values is None:
            return None
        name = values.get("name")
        if "name" not in values:
            self.fail(path, f"name is missing. Allowed: {', '.join(registry)}.")
            return None
        if not self.one_of(name, registry, path if isinstance(value, str) else (*path, "name")):
            return None
        given = {key: item for key, item in values.items() if key != "name"}
        return self.instance(schema(registry[str(name)], given), given, path)


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint, config=STRICT)


def shape(name: str, hints: Mapping[str, Any], optional: Collection[str] = (), closed: bool = False) -> type[BaseModel]:
    """The type of a mapping whose values are checked all at once. closed: no other keys."""
    fields: Any = {key: (hint, None if key in optional else ...) for key, hint in hints.items()}
    return create_model(name, __config__=ConfigDict(**STRICT, extra="forbid" if closed else "ignore"), **fields)


def fits(shape: type[BaseModel], value: Any) -> bool:
    """Whether a mapping has that shape, in a fraction of the time that its values take one by one."""
    try:
        shape.model_validate(value)
    except ValidationError:
        return False
    return True


@functools.cache
def parted(hint: Any) -> tuple[Any, Any]:
    """`Literal[…] | Dataclass` in its two parts; the hint and None if it has no dataclass."""
    bare = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
    if typing.get_origin(bare) in (types.UnionType, typing.Union):
        *others, last = typing.get_args(bare)
        if is_dataclass(last):
            return others[0], last
    return hint, None


@functools.cache
def hints_of(cls: Any) -> dict[str, Any]:
    """The fields of a dataclass in order, keyword-only ones last, with their annotations and constraints."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in sorted(fields(cls), key=lambda f: bool(f.kw_only))}


def _plain(limit: Any) -> str:
    """A limit of a number: `0`, `0.9999`, `10,000`."""
    return f"{limit:,.10g}" if isinstance(limit, int | float) else str(limit)


def _example(path: Path) -> str:
    return f", e.g. {EXAMPLES[str(path[-1])]}" if path and path[-1] in EXAMPLES else ""
