"""Judge claims: the value of a quantity for each seed, the interval of their mean, and a verdict.

A ratio is judged on the scale of its logarithm. A claim that something is lowest (or highest) of several, or each of
several below another, is judged as all its comparisons of two together: the least of noisy rivals is lower than any of
them, by chance alone. The comparisons of an experiment, each counted once, are corrected for their number after Holm
(1979). Those that wait for runs count too: else a verdict would be surer before the experiment is finished than after.
"""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from adambench import paper
from adambench.config.experiment import Claim, Experiment, Judging, Problem
from adambench.config.quantity import EVERY, Quantity
from adambench.curve import Curve, final, reached
from adambench.execution.plan import Entry
from adambench.judge.analysis import Interval, shared
from adambench.judge.comparisons import biased, is_ratio, parts, tree
from adambench.judge.inference import LEVEL, NONE, Evidence, holm, tested

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"
USUAL = Judging()
WAITING = Evidence(math.inf, math.inf)  # for runs that are not finished; counts as one that decides nothing


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with the values from our runs and from the paper's curves."""

    claim: Claim
    values: Mapping[int, float]  # of the quantity, by report seed; of a search, by the first tuning seed
    interval: Interval  # of their mean, or of the comparison of `one` and `rival`; of the search, the value itself
    paper: float | None  # the same quantity computed from the paper's curves, if possible
    verdict: str
    one: str = ""  # of several that the claim is about, and
    rival: str = ""  # of several that it compares with: the two that decide the verdict, or with which it fares worst
    chance: float = math.nan  # p-value of the verdict after Holm; nan if there is none
    judging: Judging = USUAL
    tuned: str = "train_loss"  # the metric that chose the settings
    epochs: int = 0  # of the shortest run that it is about
    seeds: int = 0  # that the runs it is about have in common, also if these are not finished
    biased: bool = False  # whether an extreme of noisy values is judged as one number
    tried: Mapping[tuple[str, str], int] = field(default_factory=dict)  # settings, by problem and label
    together: Mapping[str, int] = field(default_factory=dict)  # runs trained together, by label, if it is about seconds

    @property
    def searched(self) -> bool:
        """Whether the claim is about the search, whose value is that of means over its seeds, without an interval."""
        return self.claim.quantity.search


def verdicts(
    experiment: Experiment,
    entries: Sequence[Entry],
    curves: Mapping[str, Curve],
    together: Mapping[str, int] = MappingProxyType({}),
) -> list[Verdict]:
    """A verdict on every claim of the experiment.

    A claim is judged on the report seeds for which each of its optimizers has a finished run. A claim about the search
    is judged on the tuning runs: there is no interval, and the value alone decides. together: by run id, how many runs
    were trained together.
    """
    judged = [_judged(claim, entries, curves, experiment.judging, together) for claim in experiment.claims]
    told = {key: compared.told for _, found in judged for key, compared in found.items()}
    chances = dict(zip(told, holm([min(1.0, *p) for p in told.values()]), strict=True))  # 1 where there is no test
    tuned = experiment.tuning.metric
    return [replace(_decided(verdict, found, chances), tuned=tuned) for verdict, found in judged]


Test = tuple[str, str, str, tuple[float, ...]]  # problem, comparison, relation, bound: what is tested once


class Compared(NamedTuple):
    """A comparison that a claim makes."""

    one: str
    rival: str
    interval: Interval
    told: Evidence


def _decided(verdict: Verdict, found: Mapping[Test, Compared], chances: Mapping[Test, float]) -> Verdict:
    """Reproduced if all comparisons speak for the claim, contradicted if one speaks against it, each after Holm.

    With the interval and the p-value of the comparison that decides: of those that contradict the claim, or at least
    speak against it, the one with which it fares worst; if none does, the least sure one.
    """
    if not found or any(compared.told is WAITING for compared in found.values()):
        return verdict

    against = [test for test, compared in found.items() if compared.told.wrong < compared.told.right]
    sure = [test for test in against if chances[test] < LEVEL] or against

    def weakness(test: Test) -> tuple[float, float]:
        return 0.0 if sure else chances[test], _excess(verdict.claim, found[test])

    worst = max(sure or found, key=weakness)
    one, rival, interval, told = found[worst]
    said = CONTRADICTED if against else REPRODUCED
    return replace(
        verdict,
        interval=interval,
        one=one,
        rival=rival,
        verdict=said if chances[worst] < LEVEL else INCONCLUSIVE,
        chance=math.nan if told is NONE else chances[worst],
    )


def _excess(claim: Claim, compared: Compared) -> float:
    """The larger, the worse for the claim."""
    return compared.interval.mean if claim.relation.startswith("<") else -compared.interval.mean


def _judged(
    claim: Claim, entries: Sequence[Entry], curves: Mapping[str, Curve], judging: Judging, together: Mapping[str, int]
) -> tuple[Verdict, dict[Test, Compared]]:
    """A verdict that is not yet decided, unless the claim is about the search; and the evidence of its comparisons."""
    members = {(e.problem.name, e.grid.label): e for e in entries}
    problems = list(dict.fromkeys(name for name, _ in members))
    concerned = {
        (name, use.label): members[name, use.label]
        for use in sorted(claim.quantity.uses)
        for name in (problems if use.problem == EVERY else [use.problem or claim.problem])
    }
    drawn = _of_the_paper(claim, next(iter(concerned.values())).problem, judging)
    if claim.quantity.search:
        values = _searched(claim.quantity, {label: entry for (_, label), entry in concerned.items()}, curves)
        value = next(iter(values.values()), math.nan)
        searched = next(iter(concerned.values())).experiment.tuning.every
        interval = Interval(value, value, value, len(searched) if values else 0)
        return Verdict(claim, values, interval, drawn, verdict(claim, interval)), {}
    found: dict[Test, Compared] = {}
    seeds = set.intersection(*(set(entry.problem.seeds) for entry in concerned.values()))
    made = parts(claim, problems)
    for one, rival, part in made:
        known = _reported(part, claim.problem, concerned, curves, judging)
        interval, told = tested(list(known.values()), is_ratio(part), claim.relation, claim.bound)
        finished = len(known) == len(seeds)  # else one could stop at the verdict one likes
        test = (claim.problem, ast.unparse(tree(part)), claim.relation, claim.bound)
        found[test] = Compared(one, rival, interval, told if finished else WAITING)
    worst = max(found.values(), key=lambda compared: _excess(claim, compared))
    groups = {label: shared(entry, curves, together) for (_, label), entry in concerned.items()}
    undecided = Verdict(
        claim,
        _reported(claim.quantity, claim.problem, concerned, curves, judging),
        worst.interval,
        drawn,
        INCONCLUSIVE,
        worst.one,
        worst.rival,
        judging=judging,
        epochs=min(entry.problem.epochs for entry in concerned.values()),
        seeds=len(seeds),
        biased=any(biased(part, problems) for _, _, part in made),
        tried={place: len(entry.grid.settings) for place, entry in concerned.items()},
        together=groups if "seconds" in claim.quantity.functions else {},
    )
    return undecided, found


Place = tuple[str, str]  # problem, label


def _reported(
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


def _searched(quantity: Quantity, entries: Mapping[str, Entry], curves: Mapping[str, Curve]) -> dict[int, float]:
    """The quantity, of means over the tuning seeds, by the first of these. Empty while a tuning run is missing."""
    some = next(iter(entries.values())).experiment
    finals: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for label, entry in entries.items():
        searched = entry.searched(curves)
        if not entry.tuning or len(searched) < len(entry.trials):
            return {}
        finals[label] = [(setting.hyperparameters, value) for setting, value in searched.items()]

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


def _of_the_paper(claim: Claim, problem: Problem, judging: Judging) -> float | None:
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


def verdict(claim: Claim, interval: Interval) -> str:
    """Of a search: reproduced if the value is on the right side of the bound, contradicted if on the wrong side."""
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
