"""Everything that a configuration can name, with defaults and meaning, and a rule explained, read off the code."""

import typing
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from annotated_types import DocInfo
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from adambench.check import hints_of
from adambench.datasets import DATASETS
from adambench.explanation import Worked, parts
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.plan import words
from adambench.schedules import SCHEDULES
from adambench.terminal import grid


def catalogue() -> Iterator[Text | Padding]:
    """For each name a line, and one for each of its fields: default, what is allowed, what it is."""
    for title, registry in (("OPTIMIZERS", OPTIMIZERS), ("MODELS", MODELS), ("SCHEDULES", SCHEDULES)):
        yield Text(f"\n{title}", style="bold")
        for name, cls in registry.items():
            yield from _entry(name, cls.__doc__)
            rows = Table.grid(padding=(0, 2))
            for line in _fields(cls):
                rows.add_row(*map(Text, line))
            if rows.row_count:
                yield Padding(rows, (0, 0, 0, 4))
    yield Text("\nDATA SETS", style="bold")
    for name, load in DATASETS.items():
        yield from _entry(name, load.__doc__)
    yield from _entry(
        "{idx: FOLDER}", "any folder of four files in MNIST's own format, gzipped or not (Fashion-MNIST, …)"
    )


def _entry(name: str, doc: str | None) -> Iterator[Text]:
    yield Text.assemble("  ", (name, "bold"), "  ", " ".join((doc or "").split("\n\n")[0].split()))


def _fields(cls: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, default, allowed range and meaning of each field of a registered dataclass."""
    hints = hints_of(cls)
    for field in fields(cls):
        allowed, meaning = [], ""
        for mark in hints[field.name].__metadata__:
            if isinstance(mark, DocInfo):
                meaning = mark.documentation
            else:
                (bound,) = asdict(mark).values()
                allowed.append(f"{SIGNS[type(mark).__name__]} {bound:g}")
        kind = typing.get_args(hints[field.name])[0]
        if typing.get_origin(kind) is typing.Literal:
            allowed = list(typing.get_args(kind))
        elif kind is bool:
            allowed = ["true", "false"]
        default: Any = list(field.default) if isinstance(field.default, tuple) else field.default
        yield field.name, str(default).lower() if kind is bool else str(default), ", ".join(allowed), meaning


def explained(name: str, rule: Optimizer, steps: Sequence[Worked]) -> Iterator[Text | Table | Padding]:
    """A rule's equations, its hyper-parameters here, and a table of steps."""
    first, equations, prose = parts(type(rule))
    yield Text.assemble((name, "bold"), "  ", first)
    yield Padding(Text("\n".join(equations)), (1, 0, 1, 4))
    yield Text(prose + "\n")
    yield Text(words(rule.hyperparameters))
    symbols = list(steps[0].values)
    ratio = ["m̂/u" if "u" in symbols else "m̂/√v̂"] if steps[0].snr is not None else []
    shadow = ["Δθ uncorrected"] if steps[0].uncorrected is not None else []
    rows = [
        [str(step.t), *(figures(value) for value in (step.g, *step.values.values()))]
        + [figures(value) for value in (step.snr, step.change, step.theta, step.uncorrected) if value is not None]
        for step in steps
    ]
    yield grid("", ["t", "g", *symbols, *ratio, "Δθ", "θ", *shadow], rows)


def figures(value: float) -> str:
    """Four of them."""
    return f"{value:.4g}".replace("-", "−")


SIGNS = {"Gt": ">", "Ge": "≥", "Lt": "<", "Le": "≤"}
