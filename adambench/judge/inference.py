"""Whether chance explains a number: Student's t test of a few values, and Holm's correction for many tests."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from adambench.judge.analysis import Estimate, Interval, logarithm, two_sided

ROUNDING = 1e-6  # ratios that are nearer to a bound than this are at it: float32 has seven digits
LEVEL = 0.05  # of a verdict: the chance of at least one false verdict in an experiment


class Evidence(NamedTuple):
    """Two-sided p-values: how easily chance gives such values if the truth is at the bound, on its other side."""

    right: float  # for the claim; 1 if the mean is on the wrong side
    wrong: float  # against it; 1 if the mean is on the right side


NONE = Evidence(math.nan, math.nan)  # where there is no test


def evidence(values: Sequence[float], relation: str, bound: Sequence[float]) -> Evidence:
    """Of values, one a seed, for and against the claim that their true mean has a relation to a bound.

    relation: <, <=, >, >= or between, which needs both ends of the bound. NONE for fewer than two values, or if some
    are infinite and others are not. Student's t test. Equal values, as whole epochs may be, and infinite ones have no
    spread, and the sign test has to do: all n lie on one side of a bound by chance in 2 of 2ⁿ cases.
    """
    found, n = Estimate.of(values), len(values)
    mean = found.mean
    if n < 2 or math.isnan(mean) or (math.isinf(mean) and len(set(values)) > 1):
        return NONE
    spread = 0.0 if math.isinf(mean) else found.sd / math.sqrt(n)

    def chance(limit: float) -> float:
        if mean == limit:
            return 1.0
        if not spread:
            return 2.0 ** (1 - n)
        return two_sided((mean - limit) / spread, n - 1)

    chances = [chance(limit) for limit in bound]
    if relation == "between":
        low, high = bound
        if low <= mean <= high:
            return Evidence(max(chances), 1.0)
        return Evidence(1.0, chances[0] if mean < low else chances[1])
    (limit,) = bound
    holds = {"<": mean < limit, "<=": mean <= limit, ">": mean > limit, ">=": mean >= limit}[relation]
    return Evidence(chances[0], 1.0) if holds else Evidence(1.0, chances[0])


def tested(values: Sequence[float], ratio: bool, relation: str, bound: Sequence[float]) -> tuple[Interval, Evidence]:
    """The interval of the mean of values, one a seed, and the evidence that it has a relation to a bound.

    ratio: of what cannot be negative. It is judged by its logarithm, which is −∞ at zero: a ratio and its inverse are
    then judged alike, also where one of the two has diverged. A value that differs from a bound, or from the first
    value, by rounding is that.
    """
    log = ratio and not any(value < 0 for value in values) and min(bound) > 0
    scale = logarithm if log else float
    known = (*bound, *values[:1])
    judged = [next((one for one in known if same(value, one)), value) for value in values]
    told = evidence([scale(value) for value in judged], relation, [scale(limit) for limit in bound])
    return Interval.of(judged, log), told


def same(one: float, other: float) -> bool:
    """Whether two values differ by no more than rounding."""
    return math.isclose(one, other, rel_tol=ROUNDING)


def holm(chances: Sequence[float]) -> list[float]:
    """p-values, each so large that all below LEVEL are false together with at most that chance (Holm 1979)."""
    adjusted, largest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = largest
    return adjusted
