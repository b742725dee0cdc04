"""Which recorded settings come nearest to given curves, such as the paper's.

A curve that fits is evidence of how it was made, not proof: `Match.chance` says how often a wrong setting fits as well.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from adambench.config.shown import words
from adambench.curve import Curve, value
from adambench.execution.plan import Entry, Run

Numbers = npt.NDArray[np.float64]
BESIDE = ("seed", "epochs", "evaluate_train", "inspect", "average")  # do not make another setting of a run
SHIFTS = np.arange(-40, 41) / 4  # in epochs: those that are tried


@dataclass(frozen=True)
class Target:
    """A curve to match. rule: only settings of this rule are compared; all settings if None."""

    name: str
    epochs: Numbers = field(repr=False)  # rising, from 1
    costs: Numbers = field(repr=False)  # > 0
    rule: str | None = None

    @classmethod
    def of(cls, name: str, curve: Curve, rule: str | None = None) -> "Target":
        epochs, costs = (np.array([getattr(e, key) for e in curve], float) for key in ("epoch", "train_loss"))
        return cls(name, epochs, costs, rule)


@dataclass(frozen=True)
class Candidate:
    """The finished runs of one setting on one problem, all of the same length."""

    experiment: str
    problem: str
    rule: str
    setting: str
    recipe: str = field(repr=False)  # what decides the curve, but for the seed and the length
    costs: tuple[Numbers, ...] = field(repr=False)  # of each run, from epoch 1
    runs: tuple[str, ...] = field(repr=False)  # their ids

    @property
    def length(self) -> int:
        return len(self.costs[0])


@dataclass(frozen=True)
class Fit:
    """How near the runs of a candidate come to a target, over the epochs that both have. Means over the runs.

    rms, mean: of the residual, ln(ours/target). residual_jitter, jitter: of the residual, and of ours, from epoch to
    epoch. shift: how many epochs the target is behind ours where it fits best.
    """

    candidate: Candidate
    epochs: int
    rms: float
    mean: float
    residual_jitter: float
    jitter: float
    shift: float


@dataclass(frozen=True)
class Match:
    """The fits of a target, the nearest first.

    jitter: of the target. compared: how many settings were, each counted once, whatever the length of its runs and the
    experiment that has them. chance: of the settings compared, the share to which another one comes as near as the
    nearest comes to the target. So often would the nearest fit be a wrong setting, if the target were made by one like
    these that is not among them. Nan if fewer than two were compared.
    """

    target: Target
    fits: Sequence[Fit]
    jitter: float
    compared: int
    chance: float


def candidates(
    experiment: str, entries: Iterable[Entry], curves: dict[str, Curve], tuned: bool = False
) -> list[Candidate]:
    """Every setting with a finished tuning or report run whose cost stayed finite and above zero.

    tuned: only those that the search chose, in their report runs.
    """
    found: dict[tuple[str, str, str, str, int], dict[str, Numbers]] = {}
    for entry in entries:
        for run in [*([] if tuned else entry.tuning), *entry.report(curves)]:
            if run.id in curves:
                costs = np.array([value(evaluation, "train_loss") for evaluation in curves[run.id]])
                if np.isfinite(costs).all() and (costs > 0).all():
                    found.setdefault(_kind(entry, run), {})[run.id] = costs
    return [
        Candidate(experiment, problem, rule, setting, recipe, tuple(runs.values()), tuple(runs))
        for (problem, rule, setting, recipe, _), runs in found.items()
    ]


def _kind(entry: Entry, run: Run) -> tuple[str, str, str, str, int]:
    """Problem, rule, setting, recipe and length. A setting is its rate, what was varied, and what is no default."""
    given, plain = run.hyperparameters, {f.name: f.default for f in fields(run.optimizer)}
    told = {"lr", *entry.grid.varied, *(name for name in given if given[name] != plain[name])}
    setting = words({name: number for name, number in given.items() if name in told})
    recipe = json.dumps({name: number for name, number in run.numbers.items() if name not in BESIDE}, sort_keys=True)
    return entry.problem.name, entry.grid.rule, setting, recipe, run.epochs


def match(target: Target, found: Sequence[Candidate]) -> Match:
    """How near each candidate comes to the target."""
    own: dict[tuple[str, ...], Candidate] = {}  # what several experiments have, only of the first
    for candidate in found:
        if target.rule in (None, candidate.rule):
            own.setdefault(candidate.runs, candidate)
    fits = sorted((fit for candidate in own.values() if (fit := _fit(target, candidate))), key=lambda fit: fit.rms)
    compared = len({fit.candidate.recipe for fit in fits})
    return Match(target, fits, jitter(np.log(target.costs)), compared, _chance(target, fits))


def jitter(logs: Numbers) -> float:
    """The standard deviation of a noise, independent from epoch to epoch, on a smooth curve; nan below three epochs.

    From second differences, whose standard deviation is √6 times that of the noise; from those of the second half,
    because many curves begin with a bend.
    """
    return _rms(np.diff(logs[len(logs) // 2 :] if len(logs) > 5 else logs, 2)) / math.sqrt(6)


def _fit(target: Target, candidate: Candidate) -> Fit | None:
    """None if they have fewer than three epochs in common."""
    common = target.epochs <= candidate.length
    if common.sum() < 3:
        return None
    epochs, logs = target.epochs[common], np.log(target.costs[common])
    own = np.arange(1, candidate.length + 1)
    residuals = [np.interp(epochs, own, np.log(costs)) - logs for costs in candidate.costs]
    ours = np.mean([np.log(costs) for costs in candidate.costs], axis=0)
    return Fit(
        candidate,
        len(epochs),
        rms=float(np.mean([_rms(residual) for residual in residuals])),
        mean=float(np.mean(residuals)),
        residual_jitter=float(np.mean([jitter(residual) for residual in residuals])),
        jitter=float(np.mean([jitter(np.log(costs)) for costs in candidate.costs])),
        shift=_shift(epochs, logs, own, ours),
    )


def _rms(residual: Numbers) -> float:
    return math.sqrt(float(np.mean(residual**2))) if len(residual) else math.nan


def _shift(epochs: Numbers, logs: Numbers, own: npt.NDArray[np.int_], ours: Numbers) -> float:
    """Of SHIFTS, the one with the lowest rms; of equals, the smallest. At least half the epochs must overlap."""
    best, lowest = 0.0, math.inf
    for shift in sorted(SHIFTS.tolist(), key=abs):
        moved = epochs - shift
        inside = (moved >= 1) & (moved <= own[-1])
        if 2 * inside.sum() >= len(epochs):
            rms = _rms(np.interp(moved[inside], own, ours) - logs[inside])
            if rms < lowest:
                best, lowest = shift, rms
    return best


def _chance(target: Target, fits: Sequence[Fit]) -> float:
    """See `Match.chance`. Compared over the epochs of the nearest fit, the first run of each setting that has them."""
    epochs = target.epochs[: fits[0].epochs] if fits else target.epochs
    long = [fit.candidate for fit in fits if fit.candidate.length >= epochs[-1]]
    runs = {one.recipe: one.costs[0] for one in reversed(long)}  # of each setting the nearest
    logs = np.array([np.interp(epochs, np.arange(1, len(costs) + 1), np.log(costs)) for costs in runs.values()])
    if len(logs) < 2:
        return math.nan
    nearest = [np.sort(np.sqrt(((logs - own) ** 2).mean(axis=1)))[1] for own in logs]  # [0] is the setting itself
    return float(np.mean(np.array(nearest) <= fits[0].rms))
