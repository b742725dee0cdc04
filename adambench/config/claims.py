"""Claims: sentences about the runs, from the `claims` of a configuration."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from adambench.config import quantity
from adambench.config.check import Check, show
from adambench.config.experiment import RELATIONS, Claim, Grid, Problem
from adambench.config.quantity import Quantity
from adambench.config.yamlfile import Path as Where
from adambench.curve import COMPARED, METRICS
from adambench.errors import unknown


def claims(check: Check, value: Any, problems: Mapping[str, Problem]) -> tuple[Claim, ...]:
    if not isinstance(value, list):
        check.fail(("claims",), f"must be a list, found {show(value)}")
        return ()
    stated = [found for i, item in enumerate(value) if (found := claim(check, item, problems, ("claims", i)))]
    for id_, times in Counter(found.id for found in stated).items():
        if times > 1:
            check.fail(("claims",), f"{id_} is the id of {times} claims; every claim needs an id of its own")
    return tuple(stated)


def claim(check: Check, value: Any, problems: Mapping[str, Problem], path: Where) -> Claim | None:
    """One item of `claims`."""
    values = check.mapping(value, path, "id, sentence, quantity, relation, bound")
    if values is None:
        return None
    needed = ["id", "sentence", "quantity", "relation", "bound"]
    before = len(check.errors)
    check.keys(values, path, [*needed, "problem"], needed if len(problems) == 1 else [*needed, "problem"])
    if len(check.errors) > before:
        return None
    id_ = check.name(values["id"], (*path, "id"))
    name = values.get("problem", next(iter(problems)))
    if not isinstance(name, str) or name not in problems:
        check.fail((*path, "problem"), unknown(str(name), problems))
    sentence, text = (check.value(values[key], str, (*path, key)) for key in ("sentence", "quantity"))
    relation = values["relation"]
    if relation not in RELATIONS:
        check.fail((*path, "relation"), unknown(str(relation), RELATIONS))
    pair = relation == "between"
    bound = check.value(values["bound"], tuple[float, float] if pair else float, (*path, "bound"))
    if len(check.errors) > before or id_ is None:
        return None
    if pair and bound[0] >= bound[1]:
        check.fail((*path, "bound"), f"must be [low, high], found {show(bound)}")
    try:
        found = quantity.parse(text, COMPARED)
    except ValueError as error:
        check.fail((*path, "quantity"), str(error))
        return None
    grids = {grid.label: grid for grid in problems[name].grids}
    for label in sorted(found.labels - set(grids)):
        check.fail((*path, "quantity"), f"{label}: {unknown(label, grids)}")
    if not found.labels:
        check.fail((*path, "quantity"), "names no optimizer")
    for metric in sorted(found.metrics):
        if METRICS[metric].needs_labels and not problems[name].model.labels:
            check.fail((*path, "quantity"), f"{name} gives no labels, so there is no {metric}")
    if len(check.errors) == before:
        search(check, found, grids, (*path, "quantity"))
    return Claim(id_, sentence, name, found, relation, tuple(bound) if pair else (bound,))


def search(check: Check, found: Quantity, grids: Mapping[str, Grid], path: Where) -> None:
    """Check that there is a search, and that the grids have what a quantity about it holds fixed and compares."""
    for label in sorted(found.labels if found.search else ()):
        if not grids[label].varied:
            check.fail(path, f"{label} has one setting, so there is no search of it; give it a grid")
    for held in found.held:
        for label in held.labels:
            values = grids[label].axes.get(held.name)
            if values is None:
                check.fail(
                    path,
                    f"{held.name}: {label} has no such hyper-parameter: {unknown(held.name, grids[label].axes)}",
                )
            elif held.value not in values:
                told = f"{held.name}={show(held.value)}: not in the grid of {label}"
                check.fail(path, f"{told}: {', '.join(map(show, values))}")
    for one, other in found.gaps:
        varied = {*grids[one].varied, *grids[other].varied}
        if any(grids[one].axes.get(axis) != grids[other].axes.get(axis) for axis in varied):
            check.fail(
                path, f"gap({one}, {other}): their grids differ; every setting of one needs its like in the other"
            )
