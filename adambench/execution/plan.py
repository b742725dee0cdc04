"""An experiment to the runs it asks for: every grid on the tuning seed, then the best setting on the report seeds.

A plan depends on the experiment and on the finished curves, never on how or in which order they were trained.
"""

import hashlib
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adambench.config.experiment import Experiment, Grid, Problem, named
from adambench.config.names import origin
from adambench.config.shown import words
from adambench.curve import Curve, final
from adambench.datasets import Dataset
from adambench.datasets.batches import Sampling
from adambench.models import Model
from adambench.optimizers import Optimizer
from adambench.schedules import Schedule
from adambench.training import numerics

LATER = ("inspect", "validation", "train_images", "average", "clip_norm")  # in an id only if they are used
SETTING = ("rule", "hyperparameters", "rule_source")


@dataclass(frozen=True)
class Run:
    """One training of one setting on one problem from one seed."""

    problem: str
    label: str
    phase: str  # tuning or report
    seed: int
    optimizer: Optimizer
    model: Model
    schedule: Schedule
    epochs: int
    batch_size: int
    dataset: str  # sha256
    evaluate_train: bool
    inspect: int = 0  # inspections of the rule per decade of steps
    dataset_source: str = ""  # the SHA-256 of the plug-in that makes the data; empty if none does
    average: float | None = None  # decay of the running mean of the parameters
    clip_norm: float | None = None  # largest norm of a gradient
    validation: int = 0  # training images held back
    sampling: Sampling = "shuffle"
    train_images: int | None = None  # the first of them; all if None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return self.optimizer.hyperparameters

    @property
    def setting(self) -> str:
        """All hyper-parameters in words: `lr=0.001 beta1=0.9 …`."""
        return words(self.hyperparameters)

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """Everything that decides the curve."""
        return {
            "numerics": numerics(self.optimizer, self.schedule),
            "dtype": "float32",
            "dataset": self.dataset,
            "model": named(self.model),
            "rule": origin(self.optimizer).name,
            "hyperparameters": self.hyperparameters,
            "schedule": named(self.schedule),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "evaluate_train": self.evaluate_train,
            **({"sampling": self.sampling} if self.sampling != "shuffle" else {}),
            **{name: value for name in LATER if (value := getattr(self, name))},
            **self.sources,
        }

    @property
    def kind(self) -> Hashable:
        """What decides how long a step takes and how much memory it needs, but for the optimizer."""
        return self.dataset, self.model, self.batch_size, self.validation, self.train_images

    def trained(self, dataset: Dataset) -> int:
        """How many images of its data set it trains on."""
        return (self.train_images or len(dataset.train.labels)) - self.validation

    @property
    def sources(self) -> dict[str, str]:
        """The SHA-256 of each plug-in that the run uses: `rule_source`, `model_source` and so on."""
        found = {"rule": self.optimizer, "model": self.model, "schedule": self.schedule}
        sources = {part: origin(value).source for part, value in found.items()} | {"dataset": self.dataset_source}
        return {f"{part}_source": source for part, source in sources.items() if source}

    @cached_property
    def id(self) -> str:
        """A hash of `numbers`, 16 hexadecimal digits."""
        return _hash(self.numbers)

    @cached_property
    def batches(self) -> str:
        """A hash of `numbers` without the optimizer: the same for runs that see the same minibatches."""
        return _hash({name: value for name, value in self.numbers.items() if name not in SETTING})


def _hash(numbers: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Entry:
    """One optimizer on one problem: the tuning runs of its grid and the report runs of its best setting."""

    experiment: Experiment
    problem: Problem
    grid: Grid

    @cached_property
    def trials(self) -> dict[Optimizer, list[Run]]:
        """Each setting of the grid on the tuning seeds, in their order."""
        epochs, seeds = self.experiment.tuning.epochs or self.problem.epochs, self.experiment.tuning.every
        return {
            setting: [self._run("tuning", seed, setting, epochs) for seed in seeds] for setting in self.grid.settings
        }

    @cached_property
    def candidates(self) -> list[Run]:
        """All trials."""
        return [run for runs in self.trials.values() for run in runs]

    @property
    def tuning(self) -> list[Run]:
        """The candidates; no run if there is only one setting."""
        return self.candidates if len(self.trials) > 1 else []

    def searched(self, curves: Mapping[str, Curve]) -> dict[Optimizer, float]:
        """Of each setting whose tuning runs are finished, the final value of the tuning metric: a mean over the seeds.

        Infinite if a run diverged. Empty if there is only one setting.
        """
        metric, finals = self.experiment.tuning.metric, {}
        for setting, runs in self.trials.items() if self.tuning else ():
            if all(run.id in curves for run in runs):
                finals[setting] = sum(final(curves[run.id], metric) for run in runs) / len(runs)
        return finals

    def best(self, curves: Mapping[str, Curve]) -> Optimizer | None:
        """The setting with the lowest final value of the tuning metric; None while a tuning run is missing.

        If all diverged, it is the one that lasted longest; of equals, the first in the grid.
        """
        if not self.tuning:
            return next(iter(self.trials))
        finals = self.searched(curves)
        return self._lowest(finals, curves) if len(finals) == len(self.trials) else None

    def report(self, curves: Mapping[str, Curve]) -> list[Run]:
        """A run of the best setting for each report seed; no run while the best setting is not known."""
        setting = self.best(curves)
        return self._report(setting) if setting else []

    def outlook(self, curves: Mapping[str, Curve]) -> list[Run]:
        """All tuning and report runs. While the best setting is not known, the best so far takes its place."""
        known = self.searched(curves) or dict.fromkeys(self.trials, math.inf)
        return self.tuning + (self.report(curves) or self._report(self._lowest(known, curves)))

    def final(self, curve: Curve, metric: str) -> float:
        """The final value of a report run."""
        return final(curve, metric, self.experiment.judging.final)

    def finals(self, curves: Mapping[str, Curve], metric: str) -> dict[int, float]:
        """The final values of the finished report runs, by seed."""
        return {run.seed: self.final(curves[run.id], metric) for run in self.report(curves) if run.id in curves}

    def _lowest(self, finals: Mapping[Optimizer, float], curves: Mapping[str, Curve]) -> Optimizer:
        def rank(setting: Optimizer) -> tuple[float, int]:
            return finals[setting], -sum(len(curves.get(run.id, ())) for run in self.trials[setting])

        return min(finals, key=rank)

    def _report(self, setting: Optimizer) -> list[Run]:
        if setting not in self._reports:
            seeds, epochs = self.problem.seeds, self.problem.epochs
            self._reports[setting] = [self._run("report", seed, setting, epochs) for seed in seeds]
        return self._reports[setting]

    @cached_property
    def _reports(self) -> dict[Optimizer, list[Run]]:
        """By setting, so that no run is made twice and no id is computed twice."""
        return {}

    def _run(self, phase: str, seed: int, setting: Optimizer, epochs: int) -> Run:
        return Run(
            problem=self.problem.name,
            label=self.grid.label,
            phase=phase,
            seed=seed,
            optimizer=setting,
            model=self.problem.model,
            schedule=self.problem.schedule,
            epochs=epochs,
            batch_size=self.problem.batch_size,
            dataset=self.experiment.source(self.problem).sha256,
            evaluate_train=self.experiment.evaluate.train,
            inspect=self.experiment.inspect.points if self._inspected(phase, seed) else 0,
            dataset_source=self.experiment.source(self.problem).plugin,
            average=self.problem.average,
            clip_norm=self.problem.clip_norm,
            validation=self.problem.validation,
            sampling=self.problem.sampling,
            train_images=self.problem.train_images,
        )

    def _inspected(self, phase: str, seed: int) -> bool:
        """Whether it is the report run of the first seed, and its optimizer is named by `inspect`."""
        return (
            phase == "report"
            and seed == self.problem.seeds[0]
            and self.grid.label in self.experiment.inspect.optimizers
        )


def entries(experiment: Experiment) -> list[Entry]:
    """Every optimizer on every problem, in the order of the file."""
    return [Entry(experiment, problem, grid) for problem in experiment.problems for grid in problem.grids]


def by_problem(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The entries of each problem, in the order of the file."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.problem.name, []).append(entry)
    return grouped


def runs(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> list[Run]:
    """Every run that can be named so far: all tuning runs, then the report runs of each grid whose tuning is complete.

    curves: of the finished runs, by id. The list grows as runs finish; `Unfolding` follows it run by run.
    """
    tuning = [run for entry in entries for run in entry.tuning]
    return tuning + [run for entry in entries for run in entry.report(curves)]
