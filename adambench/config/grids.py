"""Grids: the settings of an optimizer to try, from the key `optimizers` of a configuration."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from adambench.config.check import Check, hints_of
from adambench.config.drawing import KINDS, Range, draw, range_of
from adambench.config.experiment import Grid
from adambench.config.names import schema
from adambench.config.shown import show
from adambench.config.yamlfile import Path as Where
from adambench.errors import unknown

HIGHEST = 1e300  # end of a logarithmic axis
MAX_SETTINGS = 10_000  # of one optimizer on one problem
PENALTY = "The L2 penalty belongs to the model: model: {name: mlp, l2: 0.01}."
DECOUPLED = "Decoupled decay is a hyper-parameter of sgdw, adamw and other rules."
NOTES = {"weight_decay": f"{DECOUPLED} {PENALTY}", "l2": PENALTY}


@dataclass(frozen=True)
class Draws:
    """A random search: the name of the experiment, and how many settings are drawn for each optimizer."""

    name: str
    count: int


def grid(check: Check, label: str, value: Any, path: Where, draws: Draws | None = None) -> Grid | None:
    """One entry of `optimizers`."""
    values = check.mapping({} if value is None else value, path, "e.g. {lr: 0.001}")
    if values is None or check.name(label, path) is None:
        return None
    rule = values.get("name", label)
    rules = check.known.optimizers
    if "name" not in values and label not in rules:
        like = max((name for name in rules if label.startswith(name)), key=len, default="RULE")
        check.fail(
            path,
            f"{unknown(label, rules)} A label of your own needs the name of its rule: {{name: {like}, …}}"
            + ("." if check.known.plugins else "; a rule of your own needs its file under the key plugins."),
        )
        return None
    if not check.one_of(rule, rules, (*path, "name")):
        return None
    before = len(check.errors)
    given = {key: item for key, item in values.items() if key != "name"}
    kind = schema(rules[rule], given)
    hints = hints_of(kind)
    axes: dict[str, tuple[Any, ...] | Range | None] = {f.name: (f.default,) for f in fields(kind)}
    check.keys(given, path, hints, [name for name, default in axes.items() if default == (None,)], NOTES)
    for key, item in given.items():
        if key in hints:
            hint = Annotated[hints[key], Gt(0)] if key == "lr" else hints[key]  # rates are drawn by their logarithm
            axes[key] = axis(check, item, hint, (*path, key))
    if len(check.errors) > before:
        return None
    found = Grid(label, rule, {}, kind)
    return _drawn(check, found, axes, given, draws, path) if draws else _whole(check, found, axes, path)


def _whole(check: Check, grid: Grid, axes: Mapping[str, Any], path: Where) -> Grid | None:
    """All combinations."""
    if ranges := [name for name, axis in axes.items() if isinstance(axis, Range)]:
        said = "a range is for a random search: add search: {random: 16}. A grid needs a list or logspace."
        check.fail((*path, ranges[0]), said)
        return None
    if (size := math.prod(map(len, axes.values()))) > MAX_SETTINGS:
        check.fail(path, f"must have at most {MAX_SETTINGS:,} settings, found a grid of {size:,}")
        return None
    return replace(grid, axes=axes)


def _drawn(
    check: Check, grid: Grid, axes: Mapping[str, Any], given: Mapping[str, Any], draws: Draws, path: Where
) -> Grid | None:
    """The settings of a random search; the only setting of an optimizer that has nothing to search."""
    searched = {name: given[name] for name, axis in axes.items() if isinstance(axis, Range) or len(axis) > 1}
    if not searched:
        return replace(grid, axes=axes)
    if not any(isinstance(axis, Range) for axis in axes.values()):
        check.fail(path, "a random search needs a range for at least one hyper-parameter, e.g. lr: {log: [1e-5, 1e-1]}")
        return None
    drawn = draw(axes, draws.count, draws.name, grid.label)
    if len(drawn) < draws.count:
        check.fail(path, f"has only {len(drawn)} different settings of four digits, but {draws.count} are to be drawn")
        return None
    values = {name: tuple(dict.fromkeys(column)) for name, column in zip(axes, zip(*drawn, strict=True), strict=True)}
    return replace(grid, axes=values, drawn=tuple(drawn), given=searched)


def axis(check: Check, value: Any, hint: Any, path: Where) -> tuple[Any, ...] | Range | None:
    """The values of one hyper-parameter: one value, a list, `{logspace: [low, high, count]}`, or a range of them."""
    if isinstance(value, dict) and any(kind in value for kind in KINDS):
        return range_of(check, value, hint, path)
    if isinstance(value, dict):
        value = logspace(check, value, path)
    elif not isinstance(value, list):
        value = [value]
    elif not value:
        check.fail(path, "a grid axis needs at least one value, found []")
    points = [check.value(point, hint, (*path, i) if len(value) > 1 else path) for i, point in enumerate(value)]
    repeated = {show(point) for point, times in Counter(points).items() if point is not None and times > 1}
    if repeated:
        check.fail(path, f"{', '.join(sorted(repeated))} is given twice in {show(value)}")
    return tuple(points)


def logspace(check: Check, value: dict[str, Any], path: Where) -> list[float]:
    """Values from low to high that are evenly spaced in the logarithm, rounded to four digits."""
    wrong = [key for key in value if key != "logspace"]
    if wrong or not value:
        said = unknown(wrong[0], ["logspace", *KINDS]) if wrong else "is empty."
        check.fail((*path, *wrong[:1]), f"{said} A list is written [0.1, 0.2].")
        return []
    at = (*path, "logspace")
    parts = value["logspace"]
    if not isinstance(parts, list) or len(parts) != 3:
        check.fail(at, f"must be [low, high, count], e.g. [0.0001, 0.1, 7], found {show(parts)}")
        return []
    before = len(check.errors)
    low, high = (check.value(part, Annotated[float, Gt(0), Le(HIGHEST)], (*at, i)) for i, part in enumerate(parts[:2]))
    count = check.value(parts[2], Annotated[int, Ge(2), Le(MAX_SETTINGS)], (*at, 2))
    if len(check.errors) > before:
        return []
    start, width = math.log10(low), math.log10(high) - math.log10(low)
    return [float(f"{10 ** (start + width * i / (count - 1)):.4g}") for i in range(count)]


def unused(grid: Grid) -> str:
    """Why the momentum that a grid gives would not be used under a schedule that moves it; empty if it gives none."""
    setting = grid.settings[0]
    other = setting.with_decay(0.123).hyperparameters
    for name, value in setting.hyperparameters.items():
        if other[name] != value:
            if name in grid.varied:
                return f"{name} of {grid.label} at every step, so it cannot be a grid axis. Give one value"
            if value != type(setting).__dataclass_fields__[name].default:
                return (
                    f"{name} of {grid.label} at every step, so its value {show(value)} would not be used. Leave it out"
                )
    return ""
