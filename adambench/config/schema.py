"""What a configuration may hold: turns the values of a YAML file into an experiment and notes every mistake."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, replace
from pathlib import Path
from typing import Any, TypeVar

from adambench.config import claims, grids, places
from adambench.config.check import Check, hints_of
from adambench.config.experiment import (
    Average,
    Count,
    DataSource,
    Evaluate,
    Experiment,
    Grid,
    Inspect,
    Judging,
    Norm,
    Problem,
    Search,
    Seed,
    Title,
    Tuning,
)
from adambench.config.grids import Draws
from adambench.config.names import Known
from adambench.config.paths import absolute
from adambench.config.shown import show
from adambench.config.yamlfile import Path as Where
from adambench.curve import METRICS
from adambench.datasets.batches import Sampling
from adambench.paper import FIGURES, GRIDS

T = TypeVar("T")
Registries = Callable[[Check, Any, Path], Known]  # of the key `plugins`


def experiment(value: Any, check: Check, folder: Path, registries: Registries) -> Experiment | None:
    """registries: what makes, of the key `plugins`, all that the configuration can name."""
    keys = ["name", "dataset", "seeds", "tuning", "validation", "evaluate", "problems", "optimizers", "inspect"]
    keys += ["claims", "plugins", "judging", "search"]
    values = check.mapping(value, (), "name, dataset, problems, …")
    if values is None:
        return None
    own = _own_datasets(values.get("problems"))
    required = ["name", "problems"] if own else ["name", "dataset", "problems"]
    check.keys(values, (), keys, required, elsewhere=places.in_an_experiment(check.known))
    before = len(check.errors)
    check.known = registries(check, values.get("plugins", []), folder)
    if len(check.errors) > before:
        return None  # the names of a plug-in that cannot be used would all be unknown
    name = check.name(values["name"], ("name",)) if "name" in values else None
    dataset = _dataset(values["dataset"], check, folder, ("dataset",)) if "dataset" in values else None
    tuning = _tuning(check, values)
    search = _part(check, values, "search", Search) if "search" in values else None
    draws = None
    if "search" in values:  # a mistake in it must not make mistakes of all ranges
        draws = Draws(name or "", search.random if search else 2)
    evaluate = _part(check, values, "evaluate", Evaluate)
    seeds = _seeds(check, values["seeds"], tuning, ("seeds",)) if "seeds" in values else None
    validation = check.value(values["validation"], Count, ("validation",)) if "validation" in values else 0
    shared = check.mapping(values.get("optimizers", {}), ("optimizers",), "e.g. {adam: {lr: 0.001}}")
    common: dict[str, Grid | None] | None = None
    if shared is not None:
        common = {label: grids.grid(check, label, item, ("optimizers", label), draws) for label, item in shared.items()}
    given = (
        check.mapping(values.get("problems", {}), ("problems",), "e.g. {mlp: {model: mlp, epochs: 5, batch_size: 128}}")
        or {}
    )
    if values.get("problems") == {}:
        check.fail(("problems",), f"must hold at least one problem, found {show(values['problems'])}")
    problems = [
        _problem(label, item, check, seeds if "seeds" in values else MISSING, tuning, common, validation, draws, folder)
        for label, item in given.items()
    ]
    whole = tuple(problem for problem in problems if problem)
    if dataset is None and own:
        dataset = next((problem.dataset for problem in whole), None)
    inspect, judging = _part(check, values, "inspect", Inspect), _part(check, values, "judging", Judging)
    if not whole or len(whole) < len(problems):
        return None  # what a wrong problem holds would be missing to claims and `inspect`
    labels = list(dict.fromkeys(grid.label for problem in whole for grid in problem.grids))
    for i, label in enumerate(inspect.optimizers if inspect else ()):
        check.one_of(label, labels, ("inspect", "optimizers", i), cause=("optimizers",))
    stated = claims.claims(check, values.get("claims", []), {problem.name: problem for problem in whole})
    if check.errors or not (name and dataset and tuning and evaluate and inspect and judging):
        return None
    return Experiment(name, dataset, tuning, evaluate, whole, stated, inspect, check.known.plugins, judging, search)


def _own_datasets(problems: Any) -> bool:
    """Whether every problem has a data set of its own, so that the experiment needs none."""
    found = list(problems.values()) if isinstance(problems, dict) else []
    return bool(found) and all(isinstance(problem, dict) and "dataset" in problem for problem in found)


def _part(check: Check, values: Mapping[str, Any], key: str, cls: Callable[..., T]) -> T | None:
    """What a key of the experiment holds, or a mapping without keys if it is not there."""
    given = check.mapping(values.get(key, {}), (key,), ", ".join(hints_of(cls)))
    return None if given is None else check.instance(cls, given, (key,))


def _tuning(check: Check, values: Mapping[str, Any]) -> Tuning | None:
    path: Where = ("tuning", "seeds")
    tuning, given = _part(check, values, "tuning", Tuning), values.get("tuning")
    if not isinstance(given, dict):
        return tuning
    if "seeds" in given and "seed" in given:
        check.fail(path, "give either seed or seeds, found both")
    if (seeds := given.get("seeds")) == []:
        check.fail(path, "must hold at least one seed, e.g. [0, 1, 2], found []")
    if tuning and len(set(tuning.seeds)) < len(tuning.seeds):
        check.fail(path, f"duplicate seed in {show(seeds)}")
    return tuning


def _problem(
    name: str,
    value: Any,
    check: Check,
    seeds: Any,
    tuning: Tuning | None,
    common: Mapping[str, Grid | None] | None,
    validation: int | None,
    draws: Draws | None,
    folder: Path,
) -> Problem | None:
    path: Where = ("problems", name)
    before = len(check.errors)
    values = check.mapping(value, path, "model, epochs, batch_size, …")
    if values is None or check.name(name, path) is None:
        return None
    elsewhere = places.in_a_problem(check.known)
    check.keys(values, path, places.PROBLEM, ["model", "epochs", "batch_size"], elsewhere=elsewhere)
    model = check.choice(values["model"], check.known.models, (*path, "model")) if "model" in values else None
    schedule = check.choice(values.get("schedule", "constant"), check.known.schedules, (*path, "schedule"))
    epochs = check.value(values["epochs"], Count, (*path, "epochs")) if "epochs" in values else None
    batch_size = check.value(values["batch_size"], Count, (*path, "batch_size")) if "batch_size" in values else None
    if "seeds" in values:
        seeds = _seeds(check, values["seeds"], tuning, (*path, "seeds"))
    elif seeds is MISSING:
        check.fail(path, "seeds is missing, here and for the whole experiment, e.g. seeds: [1, 2, 3]")
    figure = values.get("figure")
    if figure is not None:
        check.one_of(figure, [*FIGURES, *GRIDS], (*path, "figure"), "These are the figures of the paper.")
    title = check.value(values["title"], Title, (*path, "title")) if "title" in values else None
    average = check.value(values["average"], Average, (*path, "average")) if "average" in values else None
    clip_norm = check.value(values["clip_norm"], Norm, (*path, "clip_norm")) if "clip_norm" in values else None
    if "validation" in values:
        validation = check.value(values["validation"], Count, (*path, "validation"))
    if validation == 0 and tuning and METRICS[tuning.metric].held_back:
        check.fail(
            path,
            f"holds back no images, so tuning.metric cannot be {tuning.metric}. Add for example validation: 10000, "
            "here or for the whole experiment.",
            ("tuning", "metric"),
        )
    sampling = check.value(values.get("sampling", "shuffle"), Sampling, (*path, "sampling"))
    images = check.value(values.get("train_images"), Count | None, (*path, "train_images"))
    dataset = _dataset(values["dataset"], check, folder, (*path, "dataset")) if "dataset" in values else None
    if model and not model.labels and tuning and METRICS[tuning.metric].needs_labels:
        check.fail(
            (*path, "model"), f"gives no labels, so tuning.metric cannot be {tuning.metric}", ("tuning", "metric")
        )
    own = check.mapping(values.get("optimizers", {}), (*path, "optimizers"), "e.g. {adam: {lr: 0.001}}") or {}
    compared = {
        **(common or {}),
        **{label: grids.grid(check, label, item, (*path, "optimizers", label), draws) for label, item in own.items()},
    }
    if not compared and common is not None:
        check.fail(
            path,
            "no optimizers, here or for the whole experiment. Add at least one, e.g. optimizers: {adam: {lr: 0.001}}.",
            ("optimizers",),
        )
    if schedule and schedule.decay(1, 1) is not None:
        for found in filter(None, compared.values()):
            if reason := grids.unused(found):
                way = f"moves {reason}, or set cycle_momentum: false."
                check.fail((*path, "schedule"), way, ("optimizers", found.label))
    settings = tuple(grid for grid in compared.values() if grid)
    sound = len(check.errors) == before and settings and len(settings) == len(compared)
    if not (sound and model and schedule and epochs and batch_size and seeds):
        return None
    return Problem(
        *(name, model, schedule, epochs, batch_size, seeds, settings, figure, title),
        *(average, clip_norm, validation or 0, sampling, images, dataset),
    )


def _dataset(value: Any, check: Check, folder: Path, path: Where) -> DataSource | None:
    values = {"name": value} if isinstance(value, str) else value
    known = check.known.datasets
    source = None
    if isinstance(values, dict):
        before = len(check.errors)
        check.keys(values, path, ["name", "idx", "sha256"])
        if len(check.errors) > before or (source := check.instance(DataSource, values, path)) is None:
            return None
    if source is None or bool(source.name) == bool(source.idx):
        check.fail(path, f"must be one of {', '.join(known)}, or {{idx: FOLDER}}, found {show(value)}")
    elif source.name:
        own = source.name if "/" in source.name else "FOLDER"
        check.one_of(source.name, known, path, f"For your own images write {{idx: {own}}}.")
    elif (place := absolute(source.idx, folder)) is None:
        check.fail((*path, "idx"), f"must be the path of a folder, found {show(source.idx)}")
    else:
        return DataSource("", place, source.sha256)
    return source and replace(source, plugin=check.known.source("datasets", source.name))


def _seeds(check: Check, value: Any, tuning: Tuning | None, path: Where) -> tuple[int, ...] | None:
    seeds = check.value(value, tuple[Seed, ...], path)
    if seeds is None:
        return None
    if not seeds:
        check.fail(path, "must hold at least one seed, e.g. [1, 2, 3], found []")
    if len(set(seeds)) < len(seeds):
        check.fail(path, f"duplicate seed in {show(value)}")
    for seed in tuning.every if tuning else ():
        if seed in seeds:
            what = "the" if tuning and len(tuning.every) == 1 else "a"
            check.fail(
                path,
                f"{seed} is {what} tuning seed; report runs need other seeds, found {show(value)}",
                ("tuning", "seed"),
                ("tuning", "seeds"),
            )
    return tuple(seeds)
