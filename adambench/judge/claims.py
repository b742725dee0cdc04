"""Judge claims: the value of a quantity for each seed, the interval of their mean, and a verdict.

A ratio is judged on the scale of its logarithm. A claim that something is lowest (or highest) of several, or each of
several below another, is judged as all its comparisons of two together: the least of noisy rivals is lower than any of
them, by chance alone. The comparisons of an experiment, each counted once, are corrected for their number after Holm
(1979). Those that wait for runs count too: else a verdict would be surer before the experiment is finished than after.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from adambench.config.experiment import Claim, Experiment, Judging
from adambench.config.quantity import EVERY, Quantity
from adambench.curve import Curve
from adambench.execution.plan import Entry
from adambench.judge.analysis import Interval, shared
from adambench.judge.comparisons import Key, biased, is_ratio, key, parts
from adambench.judge.inference import LEVEL, NONE, Evidence, holm, tested
from adambench.judge.values import USUAL, Place, of_the_paper, reported, searched

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"
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
    tried: Mapping[Place, int] = field(default_factory=dict)  # settings
    together: Mapping[Place, tuple[int, ...]] = field(default_factory=dict)  # sizes of groups, if it is about seconds

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
    told = {test: compared.told for _, found in judged for test, compared in found.items()}
    chances = dict(zip(told, holm([min(1.0, *p) for p in told.values()]), strict=True))  # 1 where there is no test
    tuned = experiment.tuning.metric
    return [replace(_decided(verdict, found, chances), tuned=tuned) for verdict, found in judged]


class Compared(NamedTuple):
    """A comparison that a claim makes."""

    one: str
    rival: str
    interval: Interval
    told: Evidence


def _decided(verdict: Verdict, found: Mapping[Key, Compared], chances: Mapping[Key, float]) -> Verdict:
    """Reproduced if all comparisons speak for the claim, contradicted if one speaks against it, each after Holm.

    With the interval and the p-value of the comparison that decides: of those that contradict the claim, or at least
    speak against it, the one with which it fares worst; if none does, the least sure one.
    """
    if not found or any(compared.told is WAITING for compared in found.values()):
        return verdict

    against = [test for test, compared in found.items() if compared.told.wrong < compared.told.right]
    sure = [test for test in against if chances[test] < LEVEL] or against

    def weakness(test: Key) -> tuple[float, float]:
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
) -> tuple[Verdict, dict[Key, Compared]]:
    """A verdict that is not yet decided, unless the claim is about the search; and the evidence of its comparisons."""
    members = {(e.problem.name, e.grid.label): e for e in entries}
    problems = list(dict.fromkeys(name for name, _ in members))

    def used(quantity: Quantity) -> dict[Place, Entry]:
        return {
            (name, use.label): members[name, use.label]
            for use in sorted(quantity.uses)
            for name in (problems if use.problem == EVERY else [use.problem or claim.problem])
        }

    concerned = used(claim.quantity)
    drawn = of_the_paper(claim, next(iter(concerned.values())).problem, judging)
    if claim.quantity.search:
        values = searched(claim.quantity, {label: entry for (_, label), entry in concerned.items()}, curves)
        value = next(iter(values.values()), math.nan)
        every = next(iter(concerned.values())).experiment.tuning.every
        interval = Interval(value, value, value, len(every) if values else 0)
        return Verdict(claim, values, interval, drawn, verdict(claim, interval)), {}
    found: dict[Key, Compared] = {}
    made = parts(claim, problems)
    for part in made:
        own = used(part.quantity)
        known = reported(part.quantity, claim.problem, own, curves, judging)
        interval, told = tested(list(known.values()), is_ratio(part.quantity), claim.relation, claim.bound)
        finished = len(known) == len(_seeds(own))  # else one could stop at the verdict one likes
        found[key(part, claim)] = Compared(part.one, part.rival, interval, told if finished else WAITING)
    worst = max(found.values(), key=lambda compared: _excess(claim, compared))
    groups = {place: shared(entry, curves, together) for place, entry in concerned.items()}
    undecided = Verdict(
        claim,
        reported(claim.quantity, claim.problem, concerned, curves, judging),
        worst.interval,
        drawn,
        INCONCLUSIVE,
        worst.one,
        worst.rival,
        judging=judging,
        epochs=min(entry.problem.epochs for entry in concerned.values()),
        seeds=len(_seeds(concerned)),
        biased=any(biased(part.quantity, problems) for part in made),
        tried={place: len(entry.grid.settings) for place, entry in concerned.items()},
        together=groups if "seconds" in claim.quantity.functions else {},
    )
    return undecided, found


def _seeds(concerned: Mapping[Place, Entry]) -> set[int]:
    """The report seeds that all of them have."""
    return set.intersection(*(set(entry.problem.seeds) for entry in concerned.values()))


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
