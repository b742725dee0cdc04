"""How long optimizers take over many problems and targets at once: performance profiles and ECDFs of run lengths.

The run length t[s, p] of optimizer s is the first epoch (or its steps or CPU seconds) at whose end it was at or below
target p; infinite if it never was. A target is a problem with one of TARGETS levels of a metric, which fall by equal
factors from the median after the first epoch to the best final value of any run on the problem.

- Performance profile (Dolan and Moré 2002, Benchmarking optimization software with performance profiles, section 2):
  r[s, p] = t[s, p] / min over s of t[s, p], and ρ_s(τ) = the share of all p with r[s, p] ≤ τ. Dahl et al. (2023,
  Benchmarking neural network training algorithms) score AlgoPerf by it, with one target for each workload.
- ECDF of run lengths, as COCO draws it (Hansen et al. 2016, COCO: performance assessment): F_s(x) = the share of all p
  with t[s, p] ≤ x. COCO estimates what restarts would give; there are no restarts here.

A target that an optimizer does not reach counts in the share: its curve stays below 1. Both are computed for each seed;
the mean over the seeds is the share of all pairs of a target and a seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench.curve import Curve, reached
from adambench.execution.plan import Entry, by_problem
from adambench.judge.analysis import Band
from adambench.judge.fairness import spaced

TARGETS = 20  # for each problem
SHORTEST = 1e-6  # a clock may tell no time at all of an epoch of a few steps
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lengths:
    """The run lengths of each optimizer: (seeds, targets of all problems), > 0; infinite where it never came there.

    left_out: optimizers that do not have finished runs on every problem.
    """

    times: Mapping[str, Numbers]  # by label
    seeds: Sequence[int]  # those that all optimizers have on all problems
    problems: Sequence[str]
    metric: str = "train_loss"
    unit: str = "epoch"
    left_out: Sequence[str] = ()

    @property
    def targets(self) -> int:
        """Of all problems."""
        return int(next(iter(self.times.values())).shape[1])


def lengths(
    entries: Sequence[Entry], curves: Mapping[str, Curve], metric: str = "train_loss", unit: str = "epoch"
) -> Lengths | None:
    """Of the report runs, on the problems that have the metric.

    None for fewer than two optimizers on all of these problems, for no seed that all of them have, or if none reached
    a target.
    """
    found = {name: _finished(members, curves) for name, members in by_problem(entries).items()}
    targets = {
        name: levels
        for name, optimizers in found.items()
        if (levels := spaced([curve for seeds in optimizers.values() for curve in seeds.values()], TARGETS, metric))
    }
    every = dict.fromkeys(label for name in targets for label in found[name])
    labels = [label for label in every if all(label in found[name] for name in targets)]
    if len(labels) < 2:
        return None
    seeds = sorted(set.intersection(*(set(found[name][label]) for name in targets for label in labels)))
    if not seeds:
        return None
    smooth = entries[0].experiment.judging.smooth

    def of(label: str, seed: int) -> list[float]:
        return [
            max(reached(found[name][label][seed], unit, level, metric, smooth), SHORTEST)
            for name, levels in targets.items()
            for level in levels
        ]

    times = {label: np.array([of(label, seed) for seed in seeds]) for label in labels}
    if not any(np.isfinite(own).any() for own in times.values()):
        return None
    return Lengths(times, seeds, list(targets), metric, unit, [label for label in every if label not in labels])


def _finished(members: Sequence[Entry], curves: Mapping[str, Curve]) -> dict[str, dict[int, Curve]]:
    """The curves of the report runs, by label and seed; labels without any left out."""
    found = {
        entry.grid.label: {run.seed: curves[run.id] for run in entry.report(curves) if run.id in curves}
        for entry in members
    }
    return {label: seeds for label, seeds in found.items() if seeds}


def ratios(times: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """r[s, p]: each run length over the shortest of any optimizer; infinite for a target that none reached."""
    best = np.min(list(times.values()), axis=0)
    solved = np.isfinite(best)
    return {label: np.divide(own, best, out=np.full_like(own, np.inf), where=solved) for label, own in times.items()}


def shares(values: Mapping[str, Numbers]) -> dict[str, Band]:
    """By label, the share of values at or below x, at every x where it rises for one of them: a step function.

    values: (seeds, targets). The mean, the lowest and the highest share over the seeds.
    """
    everything = np.concatenate([own.ravel() for own in values.values()])
    x = np.unique(everything[np.isfinite(everything)])
    found = {}
    for label, own in values.items():
        by_seed: Any = np.array([np.searchsorted(np.sort(row), x, side="right") / len(row) for row in own])
        found[label] = Band(x, by_seed.mean(axis=0), by_seed.min(axis=0), by_seed.max(axis=0), diverged=False)
    return found


def profile(found: Lengths) -> dict[str, Band]:
    """ρ_s(τ) of every optimizer. The first τ is 1, where the share is that of the targets it reached first."""
    return shares(ratios(found.times))


def ecdf(found: Lengths) -> dict[str, Band]:
    """F_s(x) of every optimizer, from the shortest run length of any."""
    return shares(found.times)
