"""What numbers mean, in a sentence computed from them."""

import math
from collections.abc import Collection, Mapping, Sequence

from adambench.curve import METRICS, Curve, final
from adambench.judge.analysis import Interval
from adambench.run.plan import Entry


def ranking(members: Sequence[Entry], curves: Mapping[str, Curve], metric: str) -> str:
    """Which optimizer of a problem ends lowest, by how much, whether that is sure. Empty if there is nothing to say.

    Two optimizers are compared seed by seed: they saw the same minibatches.
    """
    finals = {
        entry.grid.label: {run.seed: final(curves[run.id], metric) for run in entry.report(curves) if run.id in curves}
        for entry in members
    }
    complete = {label: found for label, found in finals.items() if found}
    if len(complete) < 2:
        return ""
    means = {label: sum(found.values()) / len(found) for label, found in complete.items()}
    ranked = sorted((label for label in means if math.isfinite(means[label])), key=means.__getitem__)
    name = METRICS[metric].label
    lost = [label for label in complete if label not in ranked]
    tail = f" Diverged: {', '.join(lost)}." if lost else ""
    if not ranked:
        return "Every optimizer diverged."
    if len(ranked) == 1:
        return f"Only {ranked[0]} did not diverge."
    best, second = ranked[:2]
    if means[best] == means[second]:
        return f"{best} and {second} end at the same {name}.{tail}"
    gap = _gap(means[best], means[second])
    seeds = sorted(complete[best].keys() & complete[second].keys())
    if len(seeds) < 2:
        return f"{best} ends {gap} {second}, the next. One seed cannot tell whether that is chance.{tail}"
    interval = Interval.of([complete[best][seed] - complete[second][seed] for seed in seeds])
    how = "That is more than chance explains" if interval.high < 0 else "Chance could explain that"
    return f"{best} ends {gap} {second}, the next. {how} (95 % interval, {len(seeds)} seeds).{tail}"


def _gap(low: float, high: float) -> str:
    """`3.8 % below`."""
    if high == 0:
        return "below"
    share = 1 - low / high
    return f"{100 * share:.1f} % below" if share < 0.0995 else f"{100 * share:.0f} % below"


def bands(seeds: Collection[int], metric: str) -> str:
    """What a line and the band around it are. seeds: how many runs the lines have."""
    mean = f"At the end of each line: final {METRICS[metric].label}"
    if max(seeds) < 2:
        return f"{mean}. One seed."
    count = " to ".join(map(str, sorted({min(seeds), max(seeds)})))
    return f"Line: mean of {count} seeds. Band: from the lowest to the highest of them. {mean} ± standard deviation."


def shared_seconds(groups: Sequence[int]) -> str:
    """A warning about CPU seconds of runs that share work."""
    numbers = ", ".join(map(str, groups))
    return f"Runs were trained in groups of {numbers} and share work: compare seconds only where the numbers are equal."
