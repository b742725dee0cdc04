"""Whether the comparison is fair: the tuning budget of each optimizer, the effect of the search, and the speed.

Everything is computed from finished runs. Nothing is trained.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from adambench.curve import FINAL, Curve, final, reached, value
from adambench.execution.plan import Entry
from adambench.judge.analysis import Estimate, by_rate
from adambench.judge.importance import importance, ranks
from adambench.judge.inference import same

STABLE = 1.25  # a rate is in the stable range if its final cost is at most this many times the best of its optimizer
LEVELS = 3  # number of cost levels
LADDER = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]  # round numbers to which levels are rounded up


@dataclass(frozen=True)
class Budget:
    """The best of k settings drawn from a grid without replacement: exact median and quartiles over all draws."""

    k: Sequence[int]  # from 1 to the size of the grid
    median: Sequence[float]
    low: Sequence[float]  # first quartile
    high: Sequence[float]  # third quartile


def budget(entry: Entry, curves: Mapping[str, Curve]) -> Budget | None:
    """The budget curve of an optimizer. None while a tuning run is missing, or if there is nothing to tune."""
    finals = sorted(entry.searched(curves).values())
    if not entry.tuning or len(finals) < len(entry.trials):
        return None
    ks = range(1, len(finals) + 1)
    low, middle, high = ([_best_of(finals, k, share) for k in ks] for share in (0.25, 0.5, 0.75))
    return Budget(ks, middle, low, high)


def _best_of(finals: Sequence[float], k: int, share: float) -> float:
    """A quantile of the minimum of k out of n sorted values. It exceeds the i-th with probability C(n−i, k)/C(n, k)."""
    n = len(finals)
    return finals[bisect_left(range(1, n), True, key=lambda i: _at_most(n, k, i, share))]


def _at_most(n: int, k: int, i: int, share: float) -> bool:
    """Whether the lowest of k out of n is at most the i-th with at least that probability: 1 − C(n−i, k)/C(n, k).

    By logarithms, which are right to 1e-10 for the largest grid; exactly where they cannot tell.
    """
    if k > n - i:
        return True
    log = math.lgamma(n - i + 1) - math.lgamma(n - i - k + 1) - math.lgamma(n + 1) + math.lgamma(n - k + 1)
    excess = 1 - math.exp(log) - share
    return excess > 0 if abs(excess) > 1e-9 else 1 - math.comb(n - i, k) / math.comb(n, k) >= share


@dataclass(frozen=True)
class Fairness:
    """The fairness measures of one optimizer on one problem."""

    optimizer: str
    settings: int  # tried
    budget: Budget | None
    stable: "Stable"
    diverged: int  # number of settings of which a tuning run diverged
    tuned: float  # final tuning metric of the best setting on the tuning seeds; nan if none was tuned
    reported: Estimate  # the same metric on the report seeds
    optimism: float  # reported/tuned − 1; nan if tuning runs or their windows were shorter
    rank: float  # mean rank by the tuning metric over the report seeds, 1 is lowest; nan if there is no common seed
    epochs: Sequence["Reached"]  # for each of `levels`
    seconds: Sequence["Reached"]
    smooth: int  # epochs that are averaged in these
    together: Sequence[int]  # group sizes in which its report runs were trained; compare seconds only if they are equal
    importance: Mapping[str, float]  # of each hyper-parameter that was varied, from 0 to 1


@dataclass(frozen=True)
class Stable:
    """The width of the range of rates that are about as good as the best."""

    decades: float
    open: bool  # it ends at the lowest or highest rate of the grid, so it may extend further

    def __str__(self) -> str:
        """`2.0` or `≥ 2.0`; a dash if there is no range."""
        return "–" if math.isnan(self.decades) else f"{'≥ ' if self.open else ''}{self.decades:.1f}"


@dataclass(frozen=True)
class Reached:
    """When report runs reached a cost level: median, earliest and latest over the seeds; infinite means never."""

    median: float
    low: float
    high: float


def fairness(
    entries: Sequence[Entry], curves: Mapping[str, Curve], together: Mapping[str, int]
) -> tuple[list[float], list[Fairness]]:
    """The cost levels of one problem, and the fairness measures of its optimizers, with the best mean rank first.

    entries: those of the problem. together: by run id, how many runs were trained together.
    """
    marks = levels([curves[run.id] for entry in entries for run in entry.report(curves) if run.id in curves])
    mean_ranks = _ranks(entries, curves)
    rows = [_fairness(entry, curves, together, marks, mean_ranks[entry.grid.label]) for entry in entries]
    return marks, sorted(rows, key=lambda row: math.inf if math.isnan(row.rank) else row.rank)


def _fairness(
    entry: Entry, curves: Mapping[str, Curve], together: Mapping[str, int], marks: Sequence[float], rank: float
) -> Fairness:
    ids = [run.id for run in entry.report(curves) if run.id in curves]
    known = [curves[id_] for id_ in ids]
    metric = entry.experiment.tuning.metric
    best, smooth = entry.best(curves), entry.experiment.judging.smooth
    tuned = entry.searched(curves).get(best, math.nan) if best else math.nan
    reported = Estimate.of([entry.final(curve, metric) for curve in known])
    alike = entry.experiment.tuning.epochs in (None, entry.problem.epochs) and entry.experiment.judging.final == FINAL
    return Fairness(
        optimizer=entry.grid.label,
        settings=len(entry.trials),
        budget=budget(entry, curves),
        stable=stable(entry, curves),
        diverged=sum(
            any(curves[run.id][-1].diverged for run in runs if run.id in curves) for runs in entry.trials.values()
        ),
        tuned=tuned,
        reported=reported,
        optimism=reported.mean / tuned - 1 if alike and tuned and math.isfinite(tuned) else math.nan,
        rank=rank,
        epochs=[_over_seeds(known, "epoch", mark, smooth) for mark in marks],
        seconds=[_over_seeds(known, "seconds", mark, smooth) for mark in marks],
        smooth=smooth,
        together=sorted({together[id_] for id_ in ids}),
        importance=importance(entry, curves),
    )


def stable(entry: Entry, curves: Mapping[str, Curve]) -> Stable:
    """The range of adjacent rates around the best whose final metric is at most STABLE times the best one.

    Each rate is represented by the best of the other hyper-parameters. The range has zero decades if it holds only the
    best rate. It has nan decades if there are fewer than two rates or all diverged.
    """
    finals = by_rate(entry, curves)
    rates = sorted(finals)
    if len(rates) < 2 or not math.isfinite(min(finals.values())):
        return Stable(math.nan, False)
    best = min(rates, key=finals.__getitem__)
    low = high = rates.index(best)
    while low > 0 and finals[rates[low - 1]] <= STABLE * finals[best]:
        low -= 1
    while high + 1 < len(rates) and finals[rates[high + 1]] <= STABLE * finals[best]:
        high += 1
    return Stable(math.log10(rates[high] / rates[low]), low == 0 or high == len(rates) - 1)


def levels(curves: Sequence[Curve]) -> list[float]:
    """Round costs between the best final cost and the median cost after the first epoch, in descending order."""
    start, found = _start(curves, "train_loss"), spaced(curves, LEVELS)
    rounded = ((_round_up(level), float(f"{level:.3g}"), level) for level in found)
    return sorted({next(one for one in some if some[-1] <= one < start) for some in rounded}, reverse=True)


def spaced(curves: Sequence[Curve], count: int, metric: str = "train_loss") -> list[float]:
    """So many values of a metric, falling by equal factors from the median after the first epoch to the best final one.

    Neither end is among them. Empty if there is nothing in between.
    """
    finals = [found for curve in curves if math.isfinite(found := final(curve, metric))]
    high = _start(curves, metric)
    if not finals or not 0 < min(finals) < high:
        return []
    low = min(finals)
    step = (high / low) ** (1 / (count + 0.2))  # so that the lowest is slightly above the best
    return [high / step**i for i in range(1, count + 1)]


def _start(curves: Sequence[Curve], metric: str) -> float:
    """The median after the first epoch; nan if no value is finite."""
    starts = [found for curve in curves if math.isfinite(found := value(curve[0], metric))]
    return median(starts) if starts else math.nan


def _round_up(value: float) -> float:
    scale = 10 ** math.floor(math.log10(value))
    return float(f"{next((rung for rung in LADDER if rung * scale >= value), 10.0) * scale:.6g}")


def _over_seeds(curves: Sequence[Curve], unit: Literal["epoch", "seconds"], level: float, smooth: int) -> Reached:
    times = [reached(curve, unit, level, smooth=smooth) for curve in curves]
    return Reached(median(times), min(times), max(times)) if times else Reached(math.nan, math.nan, math.nan)


def _ties(values: Sequence[float]) -> list[float]:
    """Values that are the same, but for what rounding makes of different orders of a sum, as equal numbers."""
    found, order = list(values), sorted(range(len(values)), key=values.__getitem__)
    for low, high in pairwise(order):
        if same(found[low], found[high]):
            found[high] = found[low]
    return found


def _ranks(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> dict[str, float]:
    """The mean rank of each optimizer over the seeds that all have. Equal values share the mean of their ranks."""
    metric = entries[0].experiment.tuning.metric
    finals = {entry.grid.label: entry.finals(curves, metric) for entry in entries}
    seeds = set.intersection(*(set(found) for found in finals.values()))
    if not seeds:
        return dict.fromkeys(finals, math.nan)
    by_seed = [ranks(_ties([found[seed] for found in finals.values()])) for seed in seeds]
    return {label: sum(own) / len(seeds) for label, own in zip(finals, zip(*by_seed, strict=True), strict=True)}
