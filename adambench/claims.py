"""Whether the runs bear out a claim: its quantity seed by seed, an interval for its mean, and a verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from adambench import paper
from adambench.analysis import Interval
from adambench.experiment import MEASURES, Claim, Experiment, Problem
from adambench.plan import Curve, Entry, final
from adambench.quantity import Measure, Quantity

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """What the report runs say of a claim, and what the paper's own curves say."""

    claim: Claim
    values: Mapping[int, float]  # of the quantity, by seed
    interval: Interval
    paper: float | None  # the same quantity of the paper's curves, if they have it
    verdict: str


def judge(experiment: Experiment, entries: Sequence[Entry], curves: Mapping[str, Curve]) -> list[Verdict]:
    """Every claim of the experiment, on those report seeds of which every optimizer in it has a finished run."""
    return [_judge(claim, _problem(experiment, claim), entries, curves) for claim in experiment.claims]


def _problem(experiment: Experiment, claim: Claim) -> Problem:
    return next(problem for problem in experiment.problems if problem.name == claim.problem)


def _judge(claim: Claim, problem: Problem, entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Verdict:
    by_seed: dict[int, dict[str, Curve]] = {seed: {} for seed in problem.seeds}
    for entry in entries:
        if entry.problem == problem and entry.grid.label in claim.quantity.labels:
            for run in entry.report(curves):
                if run.id in curves:
                    by_seed[run.seed][entry.grid.label] = curves[run.id]
    whole = {seed: found for seed, found in by_seed.items() if set(found) == claim.quantity.labels}
    values = {seed: value(claim.quantity, found) for seed, found in whole.items()}
    interval = Interval.of(list(values.values()))
    return Verdict(claim, values, interval, _of_the_paper(claim, problem), verdict(claim, interval))


def value(quantity: Quantity, curves: Mapping[str, Curve]) -> float:
    """The quantity of one curve for each optimizer, by label."""
    measures: dict[str, Measure] = {
        "final": _final,
        "epochs": partial(_until, "epoch"),
        "seconds": partial(_until, "seconds"),
    }
    assert set(measures) == set(MEASURES)
    return quantity.value({name: lambda label, *rest, f=f: f(curves[label], *rest) for name, f in measures.items()})


def _final(curve: Curve, metric: str = "train_loss") -> float:
    return final(curve, metric)


def _until(what: str, curve: Curve, level: float, metric: str = "train_loss") -> float:
    """The epoch or CPU seconds at whose end the metric was first at or below a level; infinite if never."""
    return next((float(getattr(e, what)) for e in curve if getattr(e, metric) <= level), math.inf)


def _of_the_paper(claim: Claim, problem: Problem) -> float | None:
    """The paper's figures have no CPU seconds and no metric but the training cost."""
    quantity = claim.quantity
    if not problem.figure or "seconds" in quantity.functions or quantity.words - {"train_loss"}:
        return None
    drawn = paper.curves(problem.figure)
    rules = {grid.label: grid.rule for grid in problem.grids if grid.label in quantity.labels}
    if not set(rules.values()) <= set(drawn):
        return None
    return value(quantity, {label: drawn[rule] for label, rule in rules.items()})


def verdict(claim: Claim, interval: Interval) -> str:
    """Reproduced if the whole interval is on the right side of the bound, contradicted if all is on the wrong one."""
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
    """`<= 0.7`, `0.95 to 1.05`."""
    if claim.relation == "between":
        return f"{claim.bound[0]:g} to {claim.bound[1]:g}"
    return f"{claim.relation} {claim.bound[0]:g}"
