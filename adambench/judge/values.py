"""The value of a claim's quantity: from report runs seed by seed, from a search, and from the paper's curves."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from adambench import paper
from adambench.config.experiment import Claim, Judging, Problem
from adambench.config.quantity import Quantity
from adambench.curve import Curve, final, reached
from adambench.execution.plan import Entry

USUAL = Judging()
Place = tuple[str, str]  # problem, label


def reported(
    quantity: Quantity, own: str, entries: Mapping[Place, Entry], curves: Mapping[str, Curve], judging: Judging
) -> dict[int, float]:
    """The quantity by report seed, for the seeds on which every optimizer has a finished run on its problem.

    own: the problem of the claim.
    """
    by_seed: dict[int, dict[str, dict[str, Curve]]] = {}
    for (problem, label), entry in entries.items():
        for run in entry.report(curves):
            if run.id in curves:
                by_seed.setdefault(run.seed, {}).setdefault(problem, {})[label] = curves[run.id]
    return {
        seed: value(quantity, found.get(own, {}), judging, found)
        for seed, found in sorted(by_seed.items())
        if sum(map(len, found.values())) == len(entries)
    }


def value(
    quantity: Quantity,
    curves: Mapping[str, Curve],
    judging: Judging = USUAL,
    problems: Mapping[str, Mapping[str, Curve]] = MappingProxyType({}),
) -> float:
    """The value of a quantity about report runs. curves: one per optimizer, by label; problems: such, by problem."""

    def of(label: str, problem: str) -> Curve:
        return (problems[problem] if problem else curves)[label]

    def final_(label: str, metric: str = "train_loss", problem: str = "") -> float:
        return final(of(label, problem), metric, judging.final)

    def epochs(label: str, level: float, metric: str = "train_loss", problem: str = "") -> float:
        return reached(of(label, problem), "epoch", level, metric, judging.smooth)

    def seconds(label: str, level: float, metric: str = "train_loss", problem: str = "") -> float:
        return reached(of(label, problem), "seconds", level, metric, judging.smooth)

    return quantity.value({"final": final_, "epochs": epochs, "seconds": seconds}, list(problems))


def searched(quantity: Quantity, entries: Mapping[str, Entry], curves: Mapping[str, Curve]) -> dict[int, float]:
    """The quantity, of means over the tuning seeds, by the first of these. Empty while a tuning run is missing."""
    some = next(iter(entries.values())).experiment
    finals: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for label, entry in entries.items():
        known = entry.searched(curves)
        if not entry.tuning or len(known) < len(entry.trials):
            return {}
        finals[label] = [(setting.hyperparameters, cost) for setting, cost in known.items()]

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

    return {some.tuning.every[0]: quantity.value({"best": best, "limit": limit, "gap": gap})}


def of_the_paper(claim: Claim, problem: Problem, judging: Judging) -> float | None:
    """The value from the paper's curves, or None if they do not give it.

    They show only the training cost by epoch, with one curve per rule. There is no value for a claim about the search,
    because figure 4 does not show points above its axes.
    """
    quantity = claim.quantity
    if any(use.problem for use in quantity.uses):
        return None
    if quantity.search or "seconds" in quantity.functions or quantity.metrics - {"train_loss"}:
        return None
    drawn = paper.curves(problem.figure) if problem.figure in paper.FIGURES and problem.figure else {}
    grids = [grid for grid in problem.grids if grid.label in quantity.labels]
    rules = [grid.rule for grid in grids if grid.rule in drawn and grid.axes.get("bias_correction") != (False,)]
    if len(set(rules)) < len(grids):
        return None
    return value(quantity, {grid.label: drawn[grid.rule] for grid in grids}, judging)
