"""What a configuration may hold: values of a YAML file -> Experiment, with every mistake noted at its place."""

import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_args

from annotated_types import Ge, Gt, Le

from adambench import quantity
from adambench.check import Check, hints_of, show
from adambench.datasets import DATASETS
from adambench.errors import unknown
from adambench.experiment import (
    RELATIONS,
    Claim,
    Count,
    DataSource,
    Evaluate,
    Experiment,
    Grid,
    Inspect,
    Metric,
    Problem,
    Seed,
    Tuning,
)
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS
from adambench.paper import FIGURES, GRIDS
from adambench.quantity import Quantity
from adambench.schedules import SCHEDULES
from adambench.yamlfile import Path as Where

MAX_SETTINGS = 10_000  # of one optimizer on one problem


class Schema(Check):
    """The checks that are particular to an experiment."""

    def seeds(self, value: Any, tuning: Tuning | None, path: Where) -> tuple[int, ...] | None:
        seeds = self.value(value, tuple[Seed, ...], path)
        if seeds is None:
            return None
        if not seeds:
            self.fail(path, "must hold at least one seed")
        if len(set(seeds)) < len(seeds):
            self.fail(path, f"a seed stands twice in {show(value)}")
        if tuning and tuning.seed in seeds:
            self.fail(path, f"{tuning.seed} is the seed of tuning; a report run must have another")
        return tuple(seeds)

    def grid(self, label: str, value: Any, path: Where) -> Grid | None:
        """One entry of `optimizers`."""
        values = self.mapping({} if value is None else value, path, "hyper-parameters")
        if values is None or self.name(label, path) is None:
            return None
        rule = values.get("name", label)
        if not isinstance(rule, str) or rule not in OPTIMIZERS:
            at = (*path, "name") if "name" in values else path
            own = "" if "name" in values else " A label of your own needs `name: RULE`."
            self.fail(at, unknown(str(rule), OPTIMIZERS) + own)
            return None
        before = len(self.errors)
        hints = hints_of(OPTIMIZERS[rule])
        given = {key: item for key, item in values.items() if key != "name"}
        self.keys(given, path, hints)
        axes = {f.name: (f.default,) for f in fields(OPTIMIZERS[rule])}
        for key, item in given.items():
            if key in hints:
                axes[key] = self.axis(item, hints[key], (*path, key))
        if len(self.errors) > before:
            return None
        if (size := math.prod(map(len, axes.values()))) > MAX_SETTINGS:
            self.fail(path, f"a grid of {size:,} settings; at most {MAX_SETTINGS:,} are allowed")
            return None
        return Grid(label, rule, axes)

    def claim(self, value: Any, problems: Mapping[str, Problem], path: Where) -> Claim | None:
        """One item of `claims`."""
        values = self.mapping(value, path, "id, sentence, quantity, relation, bound")
        if values is None:
            return None
        needed = ["id", "sentence", "quantity", "relation", "bound"]
        before = len(self.errors)
        self.keys(values, path, [*needed, "problem"], needed if len(problems) == 1 else [*needed, "problem"])
        if len(self.errors) > before:
            return None
        id_ = self.name(values["id"], (*path, "id"))
        name = values.get("problem", next(iter(problems)))
        if not isinstance(name, str) or name not in problems:
            self.fail((*path, "problem"), unknown(str(name), problems))
        sentence, text = (self.value(values[key], str, (*path, key)) for key in ("sentence", "quantity"))
        relation = values["relation"]
        if relation not in RELATIONS:
            self.fail((*path, "relation"), unknown(str(relation), RELATIONS))
        pair = relation == "between"
        bound = self.value(values["bound"], tuple[float, float] if pair else float, (*path, "bound"))
        if len(self.errors) > before or id_ is None:
            return None
        if pair and bound[0] >= bound[1]:
            self.fail((*path, "bound"), f"must be [low, high], found {show(bound)}")
        try:
            found = quantity.parse(text, get_args(Metric))
        except ValueError as error:
            self.fail((*path, "quantity"), str(error))
            return None
        grids = {grid.label: grid for grid in problems[name].grids}
        for label in sorted(found.labels - set(grids)):
            self.fail((*path, "quantity"), f"{label}: {unknown(label, grids)}")
        if not found.labels:
            self.fail((*path, "quantity"), "names no optimizer")
        if "test_error" in found.metrics and not problems[name].model.labels:
            self.fail((*path, "quantity"), f"{name} gives no labels, so there is no test_error")
        if len(self.errors) == before:
            self.search(found, grids, (*path, "quantity"))
        return Claim(id_, sentence, name, found, relation, tuple(bound) if pair else (bound,))

    def search(self, found: Quantity, grids: Mapping[str, Grid], path: Where) -> None:
        """Whether there is a search, and the grids have what a quantity about it holds to and compares."""
        for label in sorted(found.labels if found.search else ()):
            if not grids[label].varied:
                self.fail(path, f"{label} has one setting, so there is no search of it; give it a grid")
        for held in found.held:
            for label in held.labels:
                values = grids[label].axes.get(held.name)
                if values is None:
                    self.fail(
                        path,
                        f"{held.name}: {label} has no such hyper-parameter: {unknown(held.name, grids[label].axes)}",
                    )
                elif held.value not in values:
                    told = f"{held.name}={show(held.value)}: not in the grid of {label}"
                    self.fail(path, f"{told}: {', '.join(map(show, values))}")
        for one, other in found.gaps:
            varied = {*grids[one].varied, *grids[other].varied}
            if any(grids[one].axes.get(axis) != grids[other].axes.get(axis) for axis in varied):
                self.fail(
                    path, f"gap({one}, {other}): their grids differ; every setting of one needs its like in the other"
                )

    def axis(self, value: Any, hint: Any, path: Where) -> tuple[Any, ...]:
        """The values of one hyper-parameter: a single one, a list, or `{logspace: [low, high, count]}`."""
        if isinstance(value, dict):
            value = self.logspace(value, path)
        elif not isinstance(value, list):
            value = [value]
        elif not value:
            self.fail(path, "a grid axis needs at least one value, found []")
        points = [self.value(point, hint, (*path, i) if len(value) > 1 else path) for i, point in enumerate(value)]
        repeated = {show(point) for point, times in Counter(points).items() if point is not None and times > 1}
        if repeated:
            self.fail(path, f"{', '.join(sorted(repeated))} stands twice")
        return tuple(points)

    def logspace(self, value: dict[str, Any], path: Where) -> list[float]:
        """Count values from low to high, evenly spaced in the logarithm, rounded to four digits."""
        self.keys(value, path, ["logspace"], ["logspace"])
        at = (*path, "logspace")
        parts = value.get("logspace")
        if not isinstance(parts, list) or len(parts) != 3:
            self.fail(at, f"must be [low, high, count], found {show(parts)}")
            return []
        before = len(self.errors)
        low, high = (self.value(part, Annotated[float, Gt(0)], (*at, i)) for i, part in enumerate(parts[:2]))
        count = self.value(parts[2], Annotated[int, Ge(2), Le(MAX_SETTINGS)], (*at, 2))
        if len(self.errors) > before:
            return []
        start, width = math.log10(low), math.log10(high) - math.log10(low)
        return [float(f"{10 ** (start + width * i / (count - 1)):.4g}") for i in range(count)]


def experiment(value: Any, check: Schema, folder: Path) -> Experiment | None:
    keys = ["name", "dataset", "seeds", "tuning", "evaluate", "problems", "optimizers", "inspect", "claims"]
    values = check.mapping(value, (), "name, dataset, problems, …")
    if values is None:
        return None
    check.keys(values, (), keys, ["name", "dataset", "problems"])
    name = check.name(values["name"], ("name",)) if "name" in values else None
    dataset = _dataset(values["dataset"], check, folder) if "dataset" in values else None
    tuning = check.instance(
        Tuning, check.mapping(values.get("tuning", {}), ("tuning",), "seed, metric, epochs") or {}, ("tuning",)
    )
    evaluate = check.instance(
        Evaluate, check.mapping(values.get("evaluate", {}), ("evaluate",), "train") or {}, ("evaluate",)
    )
    seeds = check.seeds(values["seeds"], tuning, ("seeds",)) if "seeds" in values else None
    shared = check.mapping(values.get("optimizers", {}), ("optimizers",), "label: hyper-parameters") or {}
    grids = {label: check.grid(label, item, ("optimizers", label)) for label, item in shared.items()}
    given = check.mapping(values.get("problems", {}), ("problems",), "name: problem") or {}
    if "problems" in values and not given:
        check.fail(("problems",), "must hold at least one problem")
    problems = [
        _problem(label, item, check, seeds if "seeds" in values else MISSING, tuning, grids)
        for label, item in given.items()
    ]
    if check.errors or name is None or dataset is None or tuning is None or evaluate is None:
        return None
    inspect = check.instance(
        Inspect, check.mapping(values.get("inspect", {}), ("inspect",), "optimizers, points") or {}, ("inspect",)
    )
    labels = list(dict.fromkeys(grid.label for problem in problems if problem for grid in problem.grids))
    for i, label in enumerate(inspect.optimizers if inspect else ()):
        if label not in labels:
            check.fail(("inspect", "optimizers", i), unknown(label, labels))
    claims = _claims(values.get("claims", []), check, {problem.name: problem for problem in problems if problem})
    return Experiment(
        name, dataset, tuning, evaluate, tuple(problem for problem in problems if problem), claims, inspect or Inspect()
    )


def _claims(value: Any, check: Schema, problems: Mapping[str, Problem]) -> tuple[Claim, ...]:
    if not isinstance(value, list):
        check.fail(("claims",), f"must be a list, found {show(value)}")
        return ()
    claims = [claim for i, item in enumerate(value) if (claim := check.claim(item, problems, ("claims", i)))]
    for id_, times in Counter(claim.id for claim in claims).items():
        if times > 1:
            check.fail(("claims",), f"{id_} stands {times} times; every claim needs an id of its own")
    return tuple(claims)


def _problem(
    name: str, value: Any, check: Schema, seeds: Any, tuning: Tuning | None, grids: Mapping[str, Grid | None]
) -> Problem | None:
    path: Where = ("problems", name)
    values = check.mapping(value, path, "model, epochs, batch_size, …")
    if values is None or check.name(name, path) is None:
        return None
    keys = ["model", "epochs", "batch_size", "schedule", "seeds", "optimizers", "figure"]
    check.keys(values, path, keys, ["model", "epochs", "batch_size"])
    model = check.choice(values["model"], MODELS, (*path, "model")) if "model" in values else None
    schedule = check.choice(values.get("schedule", "constant"), SCHEDULES, (*path, "schedule"))
    epochs = check.value(values["epochs"], Count, (*path, "epochs")) if "epochs" in values else None
    batch_size = check.value(values["batch_size"], Count, (*path, "batch_size")) if "batch_size" in values else None
    if "seeds" in values:
        seeds = check.seeds(values["seeds"], tuning, (*path, "seeds"))
    elif seeds is MISSING:
        check.fail(path, "seeds is missing, here and for the whole experiment.")
    figure = values.get("figure")
    if figure is not None and (not isinstance(figure, str) or figure not in {**FIGURES, **GRIDS}):
        check.fail((*path, "figure"), f"no figure of the paper: {unknown(str(figure), [*FIGURES, *GRIDS])}")
    if model and not model.labels and tuning and tuning.metric == "test_error":
        check.fail((*path, "model"), "gives no labels, so tuning.metric cannot be test_error")
    own = check.mapping(values.get("optimizers", {}), (*path, "optimizers"), "label: hyper-parameters") or {}
    grids = {**grids, **{label: check.grid(label, item, (*path, "optimizers", label)) for label, item in own.items()}}
    if not grids:
        check.fail(path, "no optimizers, here or for the whole experiment.")
    if model is None or schedule is None or epochs is None or batch_size is None or check.errors:
        return None
    settings = tuple(grid for grid in grids.values() if grid)
    return Problem(name, model, schedule, epochs, batch_size, seeds, settings, figure)


def _dataset(value: Any, check: Schema, folder: Path) -> DataSource | None:
    path: Where = ("dataset",)
    values = check.mapping({"name": value} if isinstance(value, str) else value, path, "idx: path/to/folder")
    source = check.instance(DataSource, values, path) if values is not None else None
    if source is None:
        return None
    if bool(source.name) == bool(source.idx):
        check.fail(path, f"must be one of {', '.join(DATASETS)}, or {{idx: path/to/folder}}")
    elif source.name and source.name not in DATASETS:
        check.fail(path, unknown(source.name, DATASETS) + " A folder of your own is {idx: path/to/folder}.")
    elif "\0" in source.idx:
        check.fail((*path, "idx"), f"not a path: {show(source.idx)}")
    elif source.idx:
        return DataSource("", os.path.abspath(folder / source.idx), source.sha256)  # noqa: PTH100  # asks no file
    return source
