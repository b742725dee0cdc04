"""Values against the annotations of dataclass fields."""

import functools
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

from adambench.config.yamlfile import Path, Source, dotted
from adambench.errors import unknown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,63}")  # what can be a file's name anywhere

T = TypeVar("T")


class Check:
    """Collects what is wrong. Each method returns the checked value, or None after noting a mistake."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[tuple[int, str]] = []  # line, message

    def fail(self, path: Path, message: str) -> None:
        line, place = self.source.place(path)
        at = f"{dotted(path)}: " if path else ""
        self.errors.append((line, f"{place}: {at}{message}"))

    def message(self) -> str:
        """All mistakes in the order of the file, one a line, each once."""
        ordered = sorted(self.errors, key=lambda error: error[0])
        return "\n".join(dict.fromkeys(message for _, message in ordered))

    def mapping(self, value: Any, path: Path, what: str) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        self.fail(path, f"must be a mapping ({what}), found {show(value)}")
        return None

    def keys(self, values: Mapping[str, Any], path: Path, allowed: Iterable[str], required: Iterable[str] = ()) -> None:
        allowed = list(allowed)
        for key in values:
            if key not in allowed:
                self.fail((*path, key), unknown(key, allowed))
        for key in required:
            if key not in values:
                self.fail(path, f"{key} is missing. Allowed: {', '.join(allowed)}.")

    def name(self, name: Any, path: Path) -> str | None:
        if isinstance(name, str) and NAME.fullmatch(name):
            return name
        self.fail(path, f"must be a name of at most 64 letters, digits, _, + or -, found {show(name)}")
        return None

    def value(self, value: Any, hint: Any, path: Path) -> Any:
        """A single value against a field's annotation, by pydantic."""
        try:
            return _adapter(hint).validate_python(tuple(value) if isinstance(value, list) else value)
        except ValidationError as errors:
            for error in errors.errors():
                wanted = error["msg"].replace("Input should be", "must be").removesuffix(" instance")
                wanted = wanted.replace("a valid tuple", "a list")
                tail = error["loc"] if isinstance(value, list) else ()
                self.fail((*path, *tail), f"{wanted}, found {show(error['input'])}")
            return None

    def instance(self, cls: Callable[..., T], values: Mapping[str, Any], path: Path) -> T | None:
        """An instance of a dataclass, every field against its annotation."""
        before = len(self.errors)
        hints = hints_of(cls)
        required = [field.name for field in fields(cast(Any, cls)) if field.default is MISSING]
        self.keys(values, path, hints, required)
        checked = {key: self.value(value, hints[key], (*path, key)) for key, value in values.items() if key in hints}
        return cls(**checked) if len(self.errors) == before else None

    def choice(self, value: Any, registry: Mapping[str, Callable[..., T]], path: Path) -> T | None:
        """`name` or `{name: …, field: value, …}` as an instance of the registry's class of that name."""
        values = self.mapping({"name": value} if isinstance(value, str) else value, path, "with a name")
        if values is None:
            return None
        name = values.get("name")
        if not isinstance(name, str) or name not in registry:
            self.fail(
                (*path, "name"),
                unknown(str(name), registry) if "name" in values else f"is missing. Allowed: {', '.join(registry)}.",
            )
            return None
        return self.instance(registry[name], {key: item for key, item in values.items() if key != "name"}, path)


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint, config=ConfigDict(strict=True, allow_inf_nan=False))


@functools.cache
def hints_of(cls: Any) -> dict[str, Any]:
    """A dataclass's fields with their annotations, constraints and all, in order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in fields(cls)}


def show(value: Any) -> str:
    """A value as a message shows it: in YAML's words, and short."""
    words = {None: "nothing", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    if isinstance(value, tuple):
        text = repr(list(value))
    return text if len(text) <= 60 else text[:57] + "..."
