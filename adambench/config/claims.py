"""Claims: sentences about the runs, from the key `claims` of a configuration."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from adambench.config import quantity
from adambench.config.check import NAME, Check
from adambench.config.experiment import RELATIONS, Claim, Grid, Problem
from adambench.config.quantity import EVERY, OWN, Quantity, Use
from adambench.config.shown import show
from adambench.config.yamlfile import Path as Where
from adambench.curve import COMPARED, METRICS
from adambench.errors import unknown


def claims(check: Check, value: Any, problems: Mapping[str, Problem]) -> tuple[Claim, ...]:
    if not isinstance(value, list):
        check.fail(("claims",), f"must be a list of claims, each with id, sentence, quantity, …; found {show(value)}")
        return ()
    for i, item in enumerate(value):
        if isinstance(item, dict) and isinstance(id_ := item.get("id"), str) and NAME.fullmatch(id_):
            check.source.items["claims", i] = id_
    stated = [found for i, item in enumerate(value) if (found := claim(check, item, problems, ("claims", i)))]
    for id_, times in Counter(found.id for found in stated).items():
        if times > 1:
            check.fail(("claims",), f"{id_} is the id of {times} claims; each claim needs its own id")
    return tuple(stated)


def claim(check: Check, value: Any, problems: Mapping[str, Problem], path: Where) -> Claim | None:
    """One item of `claims`."""
    values = check.mapping(value, path, "id, sentence, quantity, relation, bound")
    if values is None:
        return None
    needed = ["id", "sentence", "quantity", "relation", "bound"]
    before = len(check.errors)
    check.keys(values, path, [*needed, "problem"], needed)
    if len(check.errors) > before:
        return None
    id_ = check.name(values["id"], (*path, "id"))
    name = values.get("problem", next(iter(problems)) if len(problems) == 1 else OWN)
    if name != OWN or "problem" in values:
        check.one_of(name, problems, (*path, "problem"))
    sentence, text = (check.value(values[key], str, (*path, key)) for key in ("sentence", "quantity"))
    relation = values["relation"]
    note = "Write '>' in quotes: without them it begins a text of several lines in YAML." if relation == "" else ""
    check.one_of(relation, RELATIONS, (*path, "relation"), note)
    pair = relation == "between"
    bound = check.value(values["bound"], tuple[float, float] if pair else float, (*path, "bound"))
    if len(check.errors) > before or id_ is None:
        return None
    if pair and bound[0] >= bound[1]:
        check.fail((*path, "bound"), f"must be [low, high] with low below high, found {show(bound)}")
    try:
        found = quantity.parse(text, COMPARED)
    except ValueError as error:
        check.fail((*path, "quantity"), str(error))
        return None
    if name == OWN and any(use.problem == OWN for use in found.uses):
        check.fail(path, f"problem is missing. Allowed: {', '.join([*needed, 'problem'])}.")
        return None
    if not found.labels:
        label = next(iter(problems.values())).grids[0].label
        check.fail((*path, "quantity"), f"must name an optimizer, e.g. final({label}), found {show(text)}")
    for use in sorted(found.uses):
        if use.problem not in (OWN, EVERY, *problems):
            check.fail((*path, "quantity"), f"problem={use.problem}: {unknown(use.problem, problems)}")
            continue
        for place in problems if use.problem == EVERY else [use.problem or name]:
            _use(check, use, problems[place], (*path, "quantity"))
    if len(check.errors) == before and found.search:
        search(check, found, {grid.label: grid for grid in problems[name].grids}, (*path, "quantity"))
    return Claim(id_, sentence, name, found, relation, tuple(bound) if pair else (bound,))


def _use(check: Check, use: Use, problem: Problem, path: Where) -> None:
    """Check that a problem has the optimizer and the metric."""
    name, labels = problem.name, [grid.label for grid in problem.grids]
    if use.label not in labels:
        causes: tuple[Where, ...] = (("optimizers",), ("problems", name), ("problems", name, "optimizers"))
        on = f" on {name}" if use.problem != OWN else ""
        check.fail(path, f"{use.label}{on}: {unknown(use.label, labels)}", *causes)
    metric = METRICS.get(use.metric)
    if metric and metric.needs_labels and not problem.model.labels:
        model = ("problems", name, "model", "name")
        check.fail(path, f"the model of {name} gives no labels, so there is no {use.metric}", model)
    if metric and metric.held_back and not problem.validation:
        check.fail(path, f"{name} holds back no images (validation), so there is no {use.metric}")


def search(check: Check, found: Quantity, grids: Mapping[str, Grid], path: Where) -> None:
    """Check that the optimizers were searched, and that their grids have the values that the quantity needs."""
    for label in sorted(found.labels):
        if not grids[label].varied:
            check.fail(path, f"{label} has one setting, so it is not searched; give it a grid, e.g. lr: [0.01, 0.1]")
    for label, given in ((label, held.given) for held in found.held for label in held.labels):
        grid, before = grids[label], len(check.errors)
        for name, value in given:
            values = grid.axes.get(name)
            if values is None:
                check.fail(path, f"{name}: {unknown(name, grid.axes)}")
            elif value not in values:
                said = f"{name}={show(value)} is not in the grid of {label}"
                check.fail(path, f"{said}. Allowed: {', '.join(map(show, values))}.")
        drawn = [dict(zip(grid.axes, point, strict=True)).items() for point in grid.drawn]
        if drawn and len(check.errors) == before and not any(set(given) <= setting for setting in drawn):
            told = " ".join(f"{name}={show(value)}" for name, value in given)
            check.fail(path, f"{told}: no setting that the random search drew for {label} has these values together")
    for one, other in found.gaps:
        varied = {*grids[one].varied, *grids[other].varied}
        if any(grids[one].axes.get(axis) != grids[other].axes.get(axis) for axis in varied):
            check.fail(
                path, f"gap({one}, {other}): the grids differ; each setting of one must also be a setting of the other"
            )
