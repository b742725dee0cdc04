"""Everything that a configuration can name, with defaults and meaning, read off the code itself."""

import typing
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from annotated_types import DocInfo
from rich import box
from rich.markup import escape
from rich.table import Table

from adambench.datasets import DATASETS
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS
from adambench.schedules import SCHEDULES


def catalogue() -> Iterator[Table]:
    """A table for each registry."""
    for title, registry in (("optimizers", OPTIMIZERS), ("models", MODELS), ("schedules", SCHEDULES)):
        shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for name in ("name", "meaning", "field", "default", "allowed", "what it is"):
            shown.add_column(name, no_wrap=name not in ("meaning", "what it is"))
        for name, cls in registry.items():
            lines = list(_fields(cls)) or [("", "", "", "")]
            meaning = (cls.__doc__ or "").split("\n\n")[0]
            for index, line in enumerate(lines):
                start = ("", "") if index else (name, meaning)
                shown.add_row(*map(escape, (*start, *line)))
        yield shown
    shown = Table(title="data sets", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    shown.add_column("name")
    shown.add_column("meaning")
    for name, load in DATASETS.items():
        shown.add_row(name, (load.__doc__ or "").split("\n\n")[0])
    shown.add_row("{idx: FOLDER}", "Any folder of four files in MNIST's own format, gzipped or not (Fashion-MNIST, …).")
    yield shown


def _fields(cls: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, default, allowed range and meaning of each field of a registered dataclass."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        allowed, meaning = [], ""
        for mark in hints[field.name].__metadata__:
            if isinstance(mark, DocInfo):
                meaning = mark.documentation
            else:
                sign, bound = _bound(mark)
                allowed.append(f"{sign} {bound:g}")
        kind = typing.get_args(hints[field.name])[0]
        if typing.get_origin(kind) is typing.Literal:
            allowed = list(typing.get_args(kind))
        elif kind is bool:
            allowed = ["true", "false"]
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        yield field.name, default, ", ".join(allowed), meaning


def _bound(mark: Any) -> tuple[str, float]:
    """Gt(0) as (">", 0)."""
    (bound,) = asdict(mark).values()
    return {"Gt": ">", "Ge": "≥", "Lt": "<", "Le": "≤"}[type(mark).__name__], bound
