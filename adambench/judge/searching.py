"""What a search says, in a sentence computed from it: budgets, the ranges of good rates, and which best is lowest."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import groupby

from adambench.curve import Curve
from adambench.execution.plan import Entry
from adambench.judge.analysis import by_rate
from adambench.judge.fairness import STABLE, budget, stable
from adambench.judge.inference import same
from adambench.judge.reading import below, listed

MOST_SPANS = 4  # of settings tried, that a sentence lists


def lowest(members: Sequence[Entry], curves: Mapping[str, Curve]) -> str:
    """Which optimizer the search took lowest, and how far below the next. Empty unless two were searched."""
    found = {entry.grid.label: min(rates.values()) for entry in members if (rates := by_rate(entry, curves))}
    if len(found) < 2:
        return ""
    best, second = sorted(found, key=found.__getitem__)[:2]
    if not math.isfinite(found[best]):
        return "Every setting diverged."
    if same(found[best], found[second]):
        return f"The best of {best} and of {second} are equal."
    seeds = members[0].experiment.tuning.every
    how = "one seed" if len(seeds) == 1 else f"mean of {len(seeds)} seeds"
    return f"The best of {best} is {below(found[best], found[second])} that of {second}, the next ({how})."


def widest(members: Sequence[Entry], curves: Mapping[str, Curve]) -> str:
    """Which optimizers have the widest and the narrowest range of rates about as good as their best."""
    found = {entry.grid.label: stable(entry, curves) for entry in members}
    ranges = {label: range_ for label, range_ in found.items() if not math.isnan(range_.decades)}
    if len(ranges) < 2:
        return ""
    most, least = (max(ranges.values(), key=astuple), min(ranges.values(), key=astuple))
    said = [listed(label for label, range_ in ranges.items() if range_ == end) for end in (most, least)]
    if not most.decades:
        return f"No optimizer has a rate beside its best whose cost is at most {STABLE:g} times as high."
    if most.decades == least.decades:
        return f"All stable ranges are {'at least ' if most.open else ''}{least.decades:.1f} decades wide."
    return f"Widest stable range: {said[0]}, {most} decades; narrowest: {said[1]}, {least}."


def budgets(members: Sequence[Entry], curves: Mapping[str, Curve]) -> str:
    """Which optimizer has the lowest median for which k settings tried. Empty unless two were searched to the end."""
    found = {entry.grid.label: line.median for entry in members if (line := budget(entry, curves))}
    if len(found) < 2:
        return ""
    if not math.isfinite(min(line[-1] for line in found.values())):
        return "Every setting diverged."

    def lowest_at(k: int) -> str:
        medians = {label: line[k - 1] for label, line in found.items()}
        return listed(label for label, median in medians.items() if median == min(medians.values()))

    common = min(map(len, found.values()))  # more settings than these, not all have tried
    return f"Lowest median: {spans([lowest_at(k + 1) for k in range(common)])}."


def spans(lowest: Sequence[str]) -> str:
    """Who is lowest for which k: `adam for k = 1, sgd for k = 2 to 9`. lowest: who is, for k = 1, 2, 3."""
    said, first = [], 1
    for who, times in groupby(lowest):
        last = first + len(list(times)) - 1
        said.append(f"{who} for k = {first}" + (f" to {last}" if last > first else ""))
        first = last + 1
    if len(said) > MOST_SPANS:
        said[1:-1] = [f"{len(said) - 2} changes between"]
    return ", ".join(said)


def search(members: Sequence[Entry], curves: Mapping[str, Curve]) -> str:
    """What the search says: the budgets, for each number of settings tried the lowest, and the ranges of good rates."""
    return " ".join(filter(None, (tried(members), budgets(members, curves), widest(members, curves))))


def tried(members: Sequence[Entry]) -> str:
    """How many settings each optimizer was tried with, and on how many seeds. Empty unless one of several was searched.

    One that has a single setting was not searched: it is a budget of 1.
    """
    found = {entry.grid.label: len(entry.grid.settings) for entry in members}
    if len(found) < 2 or max(found.values()) < 2:
        return ""
    seeds = members[0].experiment.tuning.every
    on = f", each on {len(seeds)} seeds" if len(seeds) > 1 else ""
    if len(set(found.values())) == 1:
        return f"Equal budgets: {next(iter(found.values())):,} settings for each optimizer{on}."
    counts = ", ".join(f"{label} {count:,}" for label, count in found.items())
    fixed = " One that has a single setting was not searched." if min(found.values()) == 1 else ""
    return f"Budgets differ. Settings{on}: {counts}.{fixed}"
