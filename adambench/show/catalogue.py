"""Everything that a configuration can name, with defaults and meaning, and a rule explained, read off the code."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any

from annotated_types import DocInfo
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from adambench.config.check import hints_of, parted
from adambench.config.names import BUILT_IN, Known
from adambench.config.shown import words
from adambench.docstring import docstring
from adambench.explanation import Worked, parts
from adambench.optimizers import Optimizer
from adambench.schedules import Schedule
from adambench.show.table import Column, Table
from adambench.show.terminal import blocks


@dataclass(frozen=True)
class Item:
    """A name of a registry. fields: name, default, allowed range and meaning of each. curve: a small drawing."""

    kind: str
    name: str
    meaning: str
    fields: Sequence[tuple[str, str, str, str]] = ()
    curve: str = ""


def _field(field: tuple[str, str, str, str]) -> str:
    """`lr = 0.01 (> 0): learning rate α`."""
    name, default, allowed, meaning = field
    return f"`{name}` = {default}" + f" ({allowed})" * bool(allowed) + f": {meaning}" * bool(meaning)


ITEM = [
    Column("name", lambda item: item.name, left=True),
    Column("meaning", lambda item: item.meaning, left=True),
    Column("fields", lambda item: "; ".join(map(_field, item.fields)), left=True),
]
ITEM_DATA = [
    Column("kind", lambda item: item.kind),
    *ITEM[:2],
    Column(
        "fields",
        lambda item: [
            {"name": name, "default": default, "allowed": allowed or None, "meaning": what or None}
            for name, default, allowed, what in item.fields
        ],
    ),
]


def catalogue(known: Known = BUILT_IN) -> list[Table]:
    """A table for each registry."""
    registries: Mapping[str, Mapping[str, Any]] = {
        "optimizers": known.optimizers,
        "models": known.models,
        "schedules": known.schedules,
        "data sets": known.datasets,
    }
    tables = []
    for kind, registry in registries.items():
        items = [
            Item(kind, name, _first(docstring(thing)), list(_fields(thing)) if isinstance(thing, type) else [])
            for name, thing in registry.items()
        ]
        if registry is known.schedules:
            items = [replace(item, curve=curve(registry[item.name]())) for item in items]
        if registry is known.datasets:
            folder = "any folder of four files in MNIST's own format, gzipped or not (Fashion-MNIST, …)"
            items.append(Item(kind, "{idx: FOLDER}", folder))
        tables.append(Table(kind.upper(), ITEM, items, ITEM_DATA, line=_listed))
    return tables


def _listed(item: Item) -> RenderableType:
    """An item for a terminal: a sentence, then a line for each field."""
    heading, rows = Grid.grid(padding=(0, 2)), Grid.grid(padding=(0, 2))
    heading.add_row(Text(item.name, style="bold"), Text(item.meaning))
    if item.curve:
        heading.add_row("", Text(item.curve))
    for field in item.fields:
        rows.add_row(*map(Text, field))
    return Group(
        Padding(heading, (0, 0, 0, 2)),
        *([Padding(rows, (0, 0, 0, 4))] if item.fields else []),
    )


def curve(schedule: Schedule) -> str:
    """The rate over a run of ten epochs of a hundred steps, as a line of blocks; the lowest block is a rate near 0."""
    return blocks(schedule.scale(step, (step + 99) // 100, 1000) for step in range(1, 1001, 25))


def _first(doc: str) -> str:
    """The first sentences of a docstring, on one line."""
    return " ".join(doc.split("\n\n", maxsplit=1)[0].split())


def _fields(cls: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, default, allowed range and meaning of each field of a registered dataclass."""
    defaults: Mapping[str, Any] = {field.name: field.default for field in fields(cls)}
    for name, hint in hints_of(cls).items():
        allowed, meaning = [], ""
        for mark in getattr(hint, "__metadata__", ()):  # a plug-in may have a bare type
            if isinstance(mark, DocInfo):
                meaning = mark.documentation
            elif type(mark).__name__ in SIGNS:
                (bound,) = asdict(mark).values()
                allowed.append(f"{SIGNS[type(mark).__name__]} {bound:g}")
        kind = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
        if typing.get_origin(kind) is typing.Literal:
            allowed = list(typing.get_args(kind))
        elif (found := parted(kind))[1]:
            allowed = [*typing.get_args(found[0]), *(f"{{{name}: …}}" for name in hints_of(found[1]))]
        elif kind is bool:
            allowed = ["true", "false"]
        default: Any = list(defaults[name]) if isinstance(defaults[name], tuple) else defaults[name]
        yield name, str(default).lower() if kind is bool else str(default), ", ".join(allowed), meaning


def explained(name: str, rule: Optimizer, steps: Sequence[Worked]) -> tuple[RenderableType, Table]:
    """A rule's equations and its hyper-parameters here; and a table of steps."""
    first, equations, prose = parts(type(rule))
    prelude = Group(
        Text.assemble((name, "bold"), "  ", first),
        Padding(Text("\n".join(equations)), (1, 0, 1, 4)),
        Text(prose + "\n"),
        Text(words(rule.hyperparameters)),
    )
    symbols = list(steps[0].values)
    squares = next((symbol for symbol in ("ŝ", "n̂") if symbol in symbols), "v̂")
    ratio = "m̂/u" if "u" in symbols else f"m̂/√{squares}"
    columns = [
        Column("t", lambda step: step.t),
        Column("g", lambda step: step.g, figures),
        *(_remembered(symbol) for symbol in symbols),
        *([Column(ratio, lambda step: step.snr, figures, spare=1)] if steps[0].snr is not None else []),
        Column("Δθ", lambda step: step.change, figures),
        Column("θ", lambda step: step.theta, figures),
        *(
            [Column("Δθ uncorrected", lambda s: s.uncorrected, figures, spare=2)]
            if steps[0].uncorrected is not None
            else []
        ),
    ]
    return prelude, Table("", columns, steps)


def compared(rules: Mapping[str, Optimizer], worked: Mapping[str, Sequence[Worked]]) -> Table:
    """The steps of several rules side by side on the same gradients: the change of the weight, and the weight."""
    columns = [Column("t", lambda row: row[0].t), Column("g", lambda row: row[0].g, figures)]
    for place, name in enumerate(rules):
        columns += [_change(name, place), _weight(name, place)]
    settings = [f"{name}: {words(rule.hyperparameters)}" for name, rule in rules.items()]
    return Table("", columns, list(zip(*worked.values(), strict=True)), notes=settings)


def _change(name: str, place: int) -> Column:
    return Column(f"Δθ {name}", lambda row: row[place].change, figures)


def _weight(name: str, place: int) -> Column:
    return Column(f"θ {name}", lambda row: row[place].theta, figures, spare=1)


def _remembered(symbol: str) -> Column:
    return Column(symbol, lambda step: step.values[symbol], figures)


def figures(value: float) -> str:
    """Four of them."""
    return f"{value:.4g}".replace("-", "−")


SIGNS = {"Gt": ">", "Ge": "≥", "Lt": "<", "Le": "≤"}
