"""How much each hyper-parameter matters in a search: the share of the variance of the results that it explains alone.

The results are ranked first, so that a setting that diverged is simply the last, whatever the scale of the costs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from adambench.curve import Curve
from adambench.execution.plan import Entry

PARTS = 3  # of the values of a range: the lowest, the middle and the highest drawn


def importance(entry: Entry, curves: Mapping[str, Curve]) -> dict[str, float]:
    """By hyper-parameter that was varied, from 0 to 1; empty while a run is missing, or if all results are equal.

    On a grid it is the exact main effect of the functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014):
    the variance of the mean rank over the values, each mean over all values of the others. What is left of 1 is
    interaction. Of a random search it is estimated: the variance between thirds of the drawn values, less what chance
    would give (ε², at least 0).
    """
    finals = entry.searched(curves)
    if not entry.tuning or len(finals) < len(entry.trials):
        return {}
    ranked = ranks(list(finals.values()))
    if len(set(ranked)) == 1:
        return {}
    found = {}
    for name in entry.grid.varied:
        values = [setting.hyperparameters[name] for setting in finals]
        if entry.grid.drawn:
            found[name] = _epsilon_squared(_thirds(values), ranked)
        else:
            found[name] = _explained(values, ranked)[0]
    return found


def ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of their ranks."""
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered, 1)))}
    last = {value: place for place, value in enumerate(ordered, 1)}
    return [(first[value] + last[value]) / 2 for value in values]


def _thirds(values: Sequence[float]) -> list[float]:
    """For each value, which third of the drawn values it is in; the value itself if there are only so few."""
    distinct = sorted(set(values))
    if len(distinct) <= PARTS:
        return list(values)
    return [float(distinct.index(value) * PARTS // len(distinct)) for value in values]


def _explained(groups: Sequence[float], ranks: Sequence[float]) -> tuple[float, int]:
    """The share of the variance of the ranks that lies between the groups, and the number of groups."""
    mean = sum(ranks) / len(ranks)
    members: dict[float, list[float]] = defaultdict(list)
    for group, rank in zip(groups, ranks, strict=True):
        members[group].append(rank)
    between = sum(len(own) * (sum(own) / len(own) - mean) ** 2 for own in members.values())
    return between / sum((rank - mean) ** 2 for rank in ranks), len(members)


def _epsilon_squared(groups: Sequence[float], ranks: Sequence[float]) -> float:
    explained, count = _explained(groups, ranks)
    n = len(ranks)
    return max(0.0, 1 - (1 - explained) * (n - 1) / (n - count)) if n > count else 0.0
