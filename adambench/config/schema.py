"""What a configuration may hold: the values of a YAML file to an experiment, with every mistake noted at its place."""

import os
from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from adambench.config import claims, grids
from adambench.config.check import Check, show
from adambench.config.experiment import (
    Count,
    DataSource,
    Evaluate,
    Experiment,
    Grid,
    Inspect,
    Problem,
    Seed,
    Title,
    Tuning,
)
from adambench.config.yamlfile import Path as Where
from adambench.curve import METRICS
from adambench.datasets import DATASETS
from adambench.errors import unknown
from adambench.models import MODELS
from adambench.paper import FIGURES, GRIDS
from adambench.schedules import SCHEDULES


def experiment(value: Any, check: Check, folder: Path) -> Experiment | None:
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
    seeds = _seeds(check, values["seeds"], tuning, ("seeds",)) if "seeds" in values else None
    shared = check.mapping(values.get("optimizers", {}), ("optimizers",), "label: hyper-parameters") or {}
    common = {label: grids.grid(check, label, item, ("optimizers", label)) for label, item in shared.items()}
    given = check.mapping(values.get("problems", {}), ("problems",), "name: problem") or {}
    if "problems" in values and not given:
        check.fail(("problems",), "must hold at least one problem")
    problems = [
        _problem(label, item, check, seeds if "seeds" in values else MISSING, tuning, common)
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
    stated = claims.claims(check, values.get("claims", []), {problem.name: problem for problem in problems if problem})
    return Experiment(
        name, dataset, tuning, evaluate, tuple(problem for problem in problems if problem), stated, inspect or Inspect()
    )


def _problem(
    name: str, value: Any, check: Check, seeds: Any, tuning: Tuning | None, common: Mapping[str, Grid | None]
) -> Problem | None:
    path: Where = ("problems", name)
    values = check.mapping(value, path, "model, epochs, batch_size, …")
    if values is None or check.name(name, path) is None:
        return None
    keys = ["model", "epochs", "batch_size", "schedule", "seeds", "optimizers", "figure", "title"]
    check.keys(values, path, keys, ["model", "epochs", "batch_size"])
    model = check.choice(values["model"], MODELS, (*path, "model")) if "model" in values else None
    schedule = check.choice(values.get("schedule", "constant"), SCHEDULES, (*path, "schedule"))
    epochs = check.value(values["epochs"], Count, (*path, "epochs")) if "epochs" in values else None
    batch_size = check.value(values["batch_size"], Count, (*path, "batch_size")) if "batch_size" in values else None
    if "seeds" in values:
        seeds = _seeds(check, values["seeds"], tuning, (*path, "seeds"))
    elif seeds is MISSING:
        check.fail(path, "seeds is missing, here and for the whole experiment.")
    figure = values.get("figure")
    if figure is not None and (not isinstance(figure, str) or figure not in {**FIGURES, **GRIDS}):
        check.fail((*path, "figure"), f"no figure of the paper: {unknown(str(figure), [*FIGURES, *GRIDS])}")
    title = check.value(values["title"], Title, (*path, "title")) if "title" in values else None
    if model and not model.labels and tuning and METRICS[tuning.metric].needs_labels:
        check.fail((*path, "model"), f"gives no labels, so tuning.metric cannot be {tuning.metric}")
    own = check.mapping(values.get("optimizers", {}), (*path, "optimizers"), "label: hyper-parameters") or {}
    compared = {
        **common,
        **{label: grids.grid(check, label, item, (*path, "optimizers", label)) for label, item in own.items()},
    }
    if not compared:
        check.fail(path, "no optimizers, here or for the whole experiment.")
    if model is None or schedule is None or epochs is None or batch_size is None or check.errors:
        return None
    settings = tuple(grid for grid in compared.values() if grid)
    return Problem(name, model, schedule, epochs, batch_size, seeds, settings, figure, title)


def _dataset(value: Any, check: Check, folder: Path) -> DataSource | None:
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


def _seeds(check: Check, value: Any, tuning: Tuning | None, path: Where) -> tuple[int, ...] | None:
    seeds = check.value(value, tuple[Seed, ...], path)
    if seeds is None:
        return None
    if not seeds:
        check.fail(path, "must hold at least one seed")
    if len(set(seeds)) < len(seeds):
        check.fail(path, f"duplicate seed in {show(value)}")
    if tuning and tuning.seed in seeds:
        check.fail(path, f"{tuning.seed} is the seed of tuning; a report run must have another")
    return tuple(seeds)
