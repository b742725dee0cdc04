"""Judge a claim: the value of its quantity for each seed, the interval of their mean, and a verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adambench import paper
from adambench.config.experiment import Claim, Experiment, Problem
from adambench.config.quantity import Quantity
from adambench.curve import Curve, final, reached
from adambench.execution.plan import Entry
from adambench.judge.analysis import Interval

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with the values from our runs and from the paper's curves."""

    claim: Claim
    values: Mapping[int, float]  # of the quantity, by report seed; by tuning seed if the claim is about the search
    interval: Interval  # of their mean; if the claim is about the search, low and high equal the value
    paper: float | None  # the same quantity computed from the paper's curves, if possible
    verdict: str

    @property
    def searched(self) -> bool:
        """Whether the claim is about the search, which has one seed and so no interval."""
        return self.claim.quantity.search


def verdicts(experiment: Experiment, entries: Sequence[Entry], curves: Mapping[str, Curve]) -> list[Verdict]:
    """A verdict on every claim of the experiment.

    A claim is judged on the report seeds for which each of its optimizers has a finished run. A claim about the search
    is judged on the tuning runs. They have one seed, so there is no interval and the value alone decides.
    """
    return [_verdict(claim, entries, curves) for claim in experiment.claims]


def _verdict(claim: Claim, entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Verdict:
    members = {e.grid.label: e for e in entries if e.problem.name == claim.problem}
    concerned = {label: members[label] for label in sorted(claim.quantity.labels)}
    problem = next(iter(concerned.values())).problem
    if claim.quantity.search:
        values = _searched(claim.quantity, concerned, curves)
        value = next(iter(values.values()), math.nan)
        interval = Interval(value, value, value, len(values))
    else:
        values = _reported(claim.quantity, concerned, curves)
        interval = Interval.of(list(values.values()))
    return Verdict(claim, values, interval, _of_the_paper(claim, problem), verdict(claim, interval))


def _reported(quantity: Quantity, entries: Mapping[str, Entry], curves: Mapping[str, Curve]) -> dict[int, float]:
    """The quantity by report seed, for the seeds on which every optimizer has a finished run."""
    by_seed: dict[int, dict[str, Curve]] = {}
    for label, entry in entries.items():
        for run in entry.report(curves):
            if run.id in curves:
                by_seed.setdefault(run.seed, {})[label] = curves[run.id]
    return {seed: value(quantity, found) for seed, found in sorted(by_seed.items()) if len(found) == len(entries)}


def value(quantity: Quantity, curves: Mapping[str, Curve]) -> float:
    """The value of a quantity about report runs. curves: one per optimizer, by label."""
    return quantity.value(
        {
            "final": lambda label, metric="train_loss": final(curves[label], metric),
            "epochs": lambda label, level, metric="train_loss": reached(curves[label], "epoch", level, metric),
            "seconds": lambda label, level, metric="train_loss": reached(curves[label], "seconds", level, metric),
        }
    )


def _searched(quantity: Quantity, entries: Mapping[str, Entry], curves: Mapping[str, Curve]) -> dict[int, float]:
    """The quantity by tuning seed. There is only one such seed. Empty while a tuning run is missing."""
    some = next(iter(entries.values())).experiment
    finals: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for label, entry in entries.items():
        if not entry.tuning or any(run.id not in curves for run in entry.tuning):
            return {}
        finals[label] = [(run.hyperparameters, final(curves[run.id], some.tuning.metric)) for run in entry.tuning]

    def held(label: str, given: Mapping[str, Any]) -> list[tuple[dict[str, Any], float]]:
        """The settings that have the given hyper-parameters."""
        return [(setting, cost) for setting, cost in finals[label] if given.items() <= setting.items()]

    def best(label: str, /, **given: Any) -> float:
        """The lowest final value of the tuning metric."""
        return min(cost for _, cost in held(label, given))

    def limit(label: str, level: float, /, **given: Any) -> float:
        """The lowest rate that exceeds every rate whose final value is at or below a level; infinite if none does."""
        if math.isnan(level):
            return math.nan
        settings = held(label, given)
        good = [setting["lr"] for setting, cost in settings if cost <= level]
        return min((s["lr"] for s, _ in settings if not good or s["lr"] > max(good)), default=math.inf)

    def gap(label: str, other: str, /, **given: Any) -> float:
        """The largest excess over the other label's setting with the same grid values; zero if both diverged."""
        axes = entries[label].grid.varied
        there = {tuple(setting[axis] for axis in axes): cost for setting, cost in held(other, given)}
        pairs = [(cost, there[tuple(setting[axis] for axis in axes)]) for setting, cost in held(label, given)]
        return max(0.0 if mine == yours else mine - yours for mine, yours in pairs)

    return {some.tuning.seed: quantity.value({"best": best, "limit": limit, "gap": gap})}


def _of_the_paper(claim: Claim, problem: Problem) -> float | None:
    """The value from the paper's curves, or None if they do not give it.

    They show only the training cost by epoch, with one curve per rule. There is no value for a claim about the search,
    because figure 4 does not show points above its axes.
    """
    quantity = claim.quantity
    if quantity.search or "seconds" in quantity.functions or quantity.metrics - {"train_loss"}:
        return None
    drawn = paper.curves(problem.figure) if problem.figure in paper.FIGURES and problem.figure else {}
    grids = [grid for grid in problem.grids if grid.label in quantity.labels]
    rules = [grid.rule for grid in grids if grid.rule in drawn and grid.axes.get("bias_correction") != (False,)]
    if len(set(rules)) < len(grids):
        return None
    return value(quantity, {grid.label: drawn[grid.rule] for grid in grids})


def verdict(claim: Claim, interval: Interval) -> str:
    """Reproduced if the whole interval is on the right side of the bound, contradicted if on the wrong side."""
    low, high = interval.low, interval.high
    if math.isnan(low) or math.isnan(high):
        return INCONCLUSIVE
    match claim.relation, claim.bound:
        case "<", (bound,):
            right, wrong = high < bound, low >= bound
        case "<=", (bound,):
            right, wrong = high <= bound, low > bound
        case ">", (bound,):
            right, wrong = low > bound, high <= bound
        case ">=", (bound,):
            right, wrong = low >= bound, high < bound
        case _, (lowest, highest):
            right, wrong = lowest <= low and high <= highest, high < lowest or low > highest
    return REPRODUCED if right else CONTRADICTED if wrong else INCONCLUSIVE


def needed(claim: Claim) -> str:
    """The values that the claim allows, for example `<= 0.7` or `0.95 to 1.05`."""
    if claim.relation == "between":
        return f"{claim.bound[0]:g} to {claim.bound[1]:g}"
    return f"{claim.relation} {claim.bound[0]:g}"
