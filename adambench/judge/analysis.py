"""Summarise curves: the best settings, means and spreads over seeds, sensitivity to the rate."""

import functools
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adambench.config.drawing import KINDS
from adambench.config.experiment import Problem
from adambench.curve import COMPARED, METRICS, Curve, value
from adambench.execution.plan import Entry, Run, by_problem
from adambench.optimizers import Optimizer


@dataclass(frozen=True)
class Estimate:
    """Mean and sample standard deviation of n values. sd is nan for n < 2. mean is infinite if any run diverged."""

    mean: float
    sd: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        n = len(values)
        if n == 0:
            return cls(math.nan, math.nan, 0)
        if len(set(values)) == 1:
            return cls(values[0], 0.0 if n > 1 and math.isfinite(values[0]) else math.nan, n)
        mean = (math.fsum if all(map(math.isfinite, values)) else sum)(values) / n
        if not math.isfinite(mean) or n < 2:
            return cls(mean, math.nan, n)
        deviations = [value - mean for value in values]
        try:
            squares = math.fsum(deviation**2 for deviation in deviations)
        except OverflowError:
            squares = 0.0
        if not squares:  # of values below 1e-162 too
            return cls(mean, math.hypot(*deviations) / math.sqrt(n - 1), n)
        return cls(mean, math.sqrt(squares / (n - 1)), n)


def two_sided(t: float, df: int) -> float:
    """P(|T| > |t|) for Student's t with df ≥ 1 degrees of freedom: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4."""
    angle = math.atan(abs(t) / math.sqrt(df))
    odd, square = df % 2, math.cos(angle) ** 2
    term = total = math.cos(angle) if odd else 1.0
    for k in range(2 + odd, df - 1, 2):
        term *= (k - 1) / k * square
        total += term
    inside = math.sin(angle) * (total if df > 1 else 0.0)
    return max(0.0, 1 - (2 / math.pi * (angle + inside) if odd else inside))


@functools.cache
def student(df: int) -> float:
    """The |t| that chance exceeds in 5 % of cases: the inverse of `two_sided`."""
    low, high = 1.95, 12.75  # for many degrees of freedom, and more than for one
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, df) > 0.05 else (low, middle)
    return high


@dataclass(frozen=True)
class Interval:
    """The mean of n values, and the 95 % confidence interval of the true mean: mean ± t·sd/√n.

    The interval is −∞ to ∞ for n < 2, or if some values are infinite. If all values are the same infinity, low and
    high are that infinity. Of ratios, it is 0 to ∞ in these cases, and zero counts as infinite.
    """

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float], log: bool = False) -> "Interval":
        """log: of values not below zero, the geometric mean and its interval, as is right for ratios."""
        if log:
            found = cls.of([logarithm(value) for value in values])
            return cls(_exp(found.mean), _exp(found.low), _exp(found.high), found.n)
        estimate = Estimate.of(values)
        mean, n = estimate.mean, estimate.n
        if n < 2 or math.isnan(mean):
            return cls(mean, -math.inf, math.inf, n)
        if math.isinf(mean):
            return cls(mean, mean, mean, n) if len(set(values)) == 1 else cls(mean, -math.inf, math.inf, n)
        half = student(n - 1) * estimate.sd / math.sqrt(n)
        return cls(mean, mean - half, mean + half, n)


def shared(entry: Entry, curves: Mapping[str, Curve], together: Mapping[str, int]) -> tuple[int, ...]:
    """In groups of how many runs an optimizer's report runs were trained, themselves included: each size once, rising.

    together: that number of each run, by id. Empty if none of them is known.
    """
    return tuple(sorted({together[run.id] for run in entry.report(curves) if run.id in together}))


def logarithm(x: float) -> float:
    """−∞ at zero."""
    return math.log(x) if x else -math.inf


def _exp(x: float) -> float:
    """Infinite where the result is too large for a float."""
    return math.inf if x > math.log(sys.float_info.max) else math.exp(x)


@dataclass(frozen=True)
class Summary:
    """A summary of the report runs of one optimizer on one problem."""

    problem: str
    optimizer: str
    rule: str
    setting: Optimizer | None  # the best one; None while tuning is not complete
    varied: Mapping[str, Any]  # its values of the hyper-parameters that the grid varied
    settings_tried: int
    edge: Sequence[str]  # hyper-parameters that are the lowest or highest value tried: see `_edge`
    seeds: int  # planned
    epochs: int
    finals: Mapping[str, Estimate]  # of each metric in COMPARED
    seconds: Estimate
    diverged: Sequence[int]  # the epochs in which report runs diverged
    validation: int  # training images held back

    @property
    def status(self) -> str:
        if self.diverged:
            return "diverged"
        return "finished" if self.seconds.n == self.seeds else f"{self.seconds.n} of {self.seeds} runs"


def summarise(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> dict[str, list[Summary]]:
    """For each problem, the summaries of its optimizers, with the lowest final tuning metric first."""
    table = {name: [_summary(entry, curves) for entry in members] for name, members in by_problem(entries).items()}
    for summaries in table.values():
        summaries.sort(key=lambda summary: _nan_last(summary.finals[entries[0].experiment.tuning.metric].mean))
    return table


def _nan_last(value: float) -> tuple[bool, float]:
    return math.isnan(value), value


def _summary(entry: Entry, curves: Mapping[str, Curve]) -> Summary:
    setting = entry.best(curves)
    known = [curves[run.id] for run in entry.report(curves) if run.id in curves]
    return Summary(
        problem=entry.problem.name,
        optimizer=entry.grid.label,
        rule=entry.grid.rule,
        setting=setting,
        varied={name: getattr(setting, name) for name in entry.grid.varied} if setting else {},
        settings_tried=len(entry.grid.settings),
        edge=_edge(entry, setting) if setting and known else [],
        seeds=len(entry.problem.seeds),
        epochs=entry.problem.epochs,
        finals={
            metric: Estimate.of(
                [entry.final(curve, metric) for curve in known] if measures(entry.problem, metric) else []
            )
            for metric in COMPARED
        },
        seconds=Estimate.of([curve[-1].seconds for curve in known]),
        diverged=[curve[-1].epoch for curve in known if curve[-1].diverged],
        validation=entry.problem.validation,
    )


def measures(of: Problem | Run, metric: str) -> bool:
    """Whether runs have a metric of COMPARED, also those that diverge before its first value: it is infinite then."""
    facts = METRICS[metric]
    return facts.compares and (of.validation > 0 or not facts.held_back) and (of.model.labels or not facts.needs_labels)


def _edge(entry: Entry, setting: Optimizer) -> list[str]:
    """Hyper-parameters that are the lowest or highest value tried, so that the best may lie outside the grid.

    Two values of anything but the rate are a comparison, not the ends of a range, so they do not count. Nor do numbers
    that were drawn from a range, of which some are always the lowest and the highest.
    """
    return [
        name
        for name, values in entry.grid.axes.items()
        if len(values) > (1 if name == "lr" else 2)
        and getattr(setting, name) in (min(values), max(values))
        and not (isinstance(given := entry.grid.given.get(name), Mapping) and given.keys() & set(KINDS))
    ]


@dataclass(frozen=True)
class Band:
    """A metric along the report runs of one optimizer: mean, lowest and highest over the seeds, at each epoch."""

    x: np.ndarray[Any, np.dtype[np.float64]]
    mean: np.ndarray[Any, np.dtype[np.float64]]
    low: np.ndarray[Any, np.dtype[np.float64]]
    high: np.ndarray[Any, np.dtype[np.float64]]
    diverged: bool  # a run diverged; the band ends with the shortest run


def band(runs: Sequence[Run], curves: Mapping[str, Curve], metric: str, x: str) -> Band:
    """The band of finished runs. It is empty if one of them diverged in its first epoch."""
    known = [curves[run.id] for run in runs]
    finite = [[evaluation for evaluation in curve if not evaluation.diverged] for curve in known]
    length = min(map(len, finite))
    values = np.array([[value(evaluation, metric) for evaluation in curve[:length]] for curve in finite])
    along = np.array([[getattr(evaluation, x) for evaluation in curve[:length]] for curve in finite]).mean(axis=0)
    diverged = any(curve[-1].diverged for curve in known)
    return Band(along, values.mean(axis=0), values.min(axis=0), values.max(axis=0), diverged)


@dataclass(frozen=True)
class Sensitivity:
    """The final tuning metric for each rate, with the other hyper-parameters at their best; infinite if diverged."""

    rates: Sequence[float]
    finals: Sequence[float]
    chosen: float | None


def sensitivity(entry: Entry, curves: Mapping[str, Curve]) -> Sensitivity | None:
    """The sensitivity to the rate, or None if fewer than two rates have a finished tuning run."""
    finals = by_rate(entry, curves)
    if len(finals) < 2:
        return None
    rates = sorted(finals)
    return Sensitivity(rates, [finals[rate] for rate in rates], getattr(entry.best(curves), "lr", None))


def by_rate(entry: Entry, curves: Mapping[str, Curve]) -> dict[float, float]:
    """The final tuning metric by rate, with the other hyper-parameters at their best; infinite if diverged."""
    finals: dict[float, float] = {}
    for setting, cost in entry.searched(curves).items():
        lr = setting.hyperparameters["lr"]
        finals[lr] = min(finals.get(lr, math.inf), cost)
    return finals
