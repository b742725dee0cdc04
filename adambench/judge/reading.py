"""What numbers mean, in a sentence computed from them."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from adambench.curve import METRICS, Curve
from adambench.execution.plan import Entry
from adambench.judge.claims import Verdict
from adambench.judge.fairness import Fairness
from adambench.judge.inference import LEVEL, same, tested
from adambench.judge.pairing import Comparison, Pair, both

Numbers = Sequence[float] | npt.NDArray[np.float64]
SMALLEST = 0.01  # % that is written
UNEQUAL = 3  # times as many settings, from which on budgets are worth a word


def ranking(members: Sequence[Entry], curves: Mapping[str, Curve], metric: str) -> str:
    """Which optimizer of a problem ends lowest, by how much, whether that is sure. Empty if there is nothing to say.

    Two optimizers are compared seed by seed: they saw the same minibatches. One that lacks seeds of others is left out.
    """
    finals = {entry.grid.label: entry.finals(curves, metric) for entry in members}
    most = max(map(len, finals.values()), default=0)
    complete = {label: found for label, found in finals.items() if most and len(found) == most}
    if len(complete) < 2 or len(set(map(frozenset, complete.values()))) > 1:
        return ""
    means = {label: sum(found.values()) / len(found) for label, found in complete.items()}
    ranked = sorted((label for label in means if math.isfinite(means[label])), key=means.__getitem__)
    name = METRICS[metric].label
    lost = {
        label: sum(not math.isfinite(v) for v in complete[label].values()) for label in complete if label not in ranked
    }
    told = ", ".join(f"{label}{f' on {n} of {most} seeds' if n < most else ''}" for label, n in lost.items())
    tail = f" Diverged: {told}." if lost else ""
    if not ranked:
        return "Every optimizer diverged." if min(lost.values()) == most else tail.strip()
    if len(ranked) == 1:
        always = min(lost.values()) == most
        return f"Only {ranked[0]} did not diverge." if always else f"Only {ranked[0]} diverged on no seed.{tail}"
    best, second = ranked[:2]
    if same(means[best], means[second]):
        return f"{best} and {second} end at the same {name}.{tail}"
    if most < 2:
        gap = below(means[best], means[second])
        return f"{best} ends {gap} {second}, the next. One seed cannot tell whether that is chance.{tail}"
    pairs = [(complete[best][seed], complete[second][seed]) for seed in complete[best]]
    positive = min(map(min, pairs)) > 0  # else there is no ratio, and the differences have to do
    values = [low / high if positive else low - high for low, high in pairs]
    found, chance = tested(values, positive, "<", (1.0 if positive else 0.0,))
    where = f"95 % interval {_share(found.high)} to {_share(found.low)}, {most} seeds" if positive else f"{most} seeds"
    if found.low == found.high:
        where = f"on each of {most} seeds"
    told = f"{below(found.mean, 1) if positive else below(means[best], means[second])} {second}, the next"
    sure = chance.right < LEVEL
    if positive and found.mean >= 1:  # where a few seeds decide the means
        told, sure = f"lowest in the mean, but seed by seed not below {second}", chance.wrong < LEVEL
    how = "That is more than chance explains" if sure else "Chance could explain that"
    return f"{best} ends {told} ({where}). {how}.{tail}"


def below(low: float, high: float) -> str:
    """`3.8 % below`."""
    if low < 0 or high == 0:  # there is no share of it
        return "below"
    share = 100 * (1 - low / high)
    if share < SMALLEST:
        return f"less than {SMALLEST:g} % below"
    return f"{share:.{2 if share < 0.095 else 1 if share < 9.95 else 0}f} % below"


def _share(ratio: float) -> str:
    """How far a ratio lies below one: `3.8 %`; above it, `−3.8 %`."""
    share = 100 * (1 - ratio)
    places = 2 if SMALLEST <= abs(share) < 0.095 else 1
    return f"{round(share, places) or 0.0:.{places}f} %".replace("-", "−")  # no −0.0


def metrics(verdicts: Sequence[Verdict]) -> str:
    """A word of care where claims of an experiment are about another cost than the one that chose its settings."""
    silent = [v for v in verdicts if not v.searched and not all(use.metric for use in v.claim.quantity.uses)]
    if not silent or (tuned := silent[0].tuned) == "train_loss":
        return ""
    return (
        "without a metric, final(…) is the training cost, but the settings were chosen by "
        f"{METRICS[tuned].label}; final(…, {tuned}) is that."
    )


def biased(verdicts: Iterable[Verdict]) -> str:
    """A word of care where the least or largest of noisy values is judged as one number."""
    found = listed(verdict.claim.id for verdict in verdicts if verdict.biased)
    why = "Noise alone makes the least of several values too low, and the largest too high"
    said = (
        f"{found}: min, max, worst or abs is judged as one number here. {why}: the verdict is surer than it should be."
    )
    return said if found else ""


def windows(verdicts: Sequence[Verdict]) -> str:
    """A word of care where runs are shorter than the windows of `judging`."""
    judging = verdicts[0].judging
    said = [
        f"judging.{key} is {epochs:g} epochs, but the runs of {ids} have fewer: all their epochs were taken."
        for key, epochs, of in (("final", judging.final, {"final"}), ("smooth", judging.smooth, {"epochs", "seconds"}))
        if (ids := listed(v.claim.id for v in verdicts if v.epochs < epochs and of & v.claim.quantity.functions))
    ]
    return " ".join(said)


def clock(verdicts: Iterable[Verdict]) -> str:
    """A word of care where claims are about seconds of runs that were trained in groups of different sizes."""
    found: dict[str, None] = {}
    for verdict in verdicts:
        several = len({problem for problem, _ in verdict.together}) > 1
        names = {f"{label} on {name}" if several else label: n for (name, label), n in verdict.together.items()}
        found[apart(names)] = None
    return " ".join(filter(None, found))


def apart(together: Mapping[str, tuple[int, ...]]) -> str:
    """`shared_seconds` if the groups differ, else empty. An optimizer without runs has no group and does not count."""
    known = {label: sizes for label, sizes in together.items() if sizes}
    return shared_seconds(known) if len(set(known.values())) > 1 else ""


def unequal(verdicts: Iterable[Verdict]) -> str:
    """A word of care where claims compare optimizers of which one was tried with several times as many settings."""
    found: dict[str, dict[int, None]] = {}
    for verdict in verdicts:
        counts = verdict.tried
        if not verdict.searched and counts and max(counts.values()) >= UNEQUAL * min(counts.values()):
            for (_, label), count in counts.items():
                found.setdefault(label, {})[count] = None
    told = ", ".join(f"{label} {' or '.join(f'{count:,}' for count in counts)}" for label, counts in found.items())
    return f"settings tried: {told}. The claims do not correct for that." if told else ""


def bands(seeds: Collection[int], value: str, place: str = "At the end of each line") -> str:
    """What a line and the band around it are. seeds: how many runs the lines have. place: where the final value is."""
    mean = f"{place}: final {value}"
    if max(seeds) < 2:
        return f"{mean}. One seed."
    count = " to ".join(map(str, sorted({min(seeds), max(seeds)})))
    return f"Line: mean of {count} seeds. Band: from the lowest to the highest of them. {mean} ± standard deviation."


def shared_seconds(together: Mapping[str, tuple[int, ...]]) -> str:
    """A warning about CPU seconds of runs that share work; empty if none do. together: by label, `analysis.shared`."""
    groups = sorted(set(together.values()))
    if groups == [(1,)]:
        return ""
    if len(groups) == 1:
        return f"All were trained {_group(groups[0])}, and share work."
    of = {sizes: listed(label for label, own in together.items() if own == sizes) for sizes in groups}
    said = "; ".join(f"{labels} {_group(sizes)}" for sizes, labels in of.items())
    return f"Runs that are trained together share work, so do not compare the seconds of these groups: {said}."


def _group(sizes: tuple[int, ...]) -> str:
    """`alone`, `4 at a time`, `4 to 6 at a time`."""
    return "alone" if sizes == (1,) else f"{' to '.join(map(str, dict.fromkeys([sizes[0], sizes[-1]])))} at a time"


def listed(labels: Iterable[str]) -> str:
    """`adam`, `adam and sgd`, `adam, sgd and adagrad`; of more than six, the first three and how many others."""
    names = list(labels)
    names = names if len(names) < 7 else [*names[:3], f"{len(names) - 3} others"]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def speed(rows: Sequence[Fairness], levels: Sequence[float]) -> str:
    """Which optimizer has the best mean rank, and which reaches the lowest cost level first."""
    ranked = sorted((row for row in rows if not math.isnan(row.rank)), key=lambda row: row.rank)
    if len(ranked) < 2:
        return ""
    top = ranked[0].rank
    words = f"Best mean rank: {listed(row.optimizer for row in ranked if row.rank == top)}, {top:.1f}."
    if not levels:
        return words
    times = {row.optimizer: row.epochs[-1].median for row in rows}
    soonest = min(times.values())
    if not math.isfinite(soonest):
        where = " on most of its seeds" if any(math.isfinite(row.epochs[-1].low) for row in rows) else ""
        return f"{words} None reaches a training cost of {levels[-1]:g}{where}."
    first = [label for label, time in times.items() if time == soonest]
    return f"{words} First at a training cost of {levels[-1]:g}: {listed(first)}, in epoch {soonest:g}."


def beside_paper(ratios: Mapping[str, float]) -> str:
    """How far our costs lie from the paper's. ratios: ours over theirs, by label, at the last epoch that both have."""
    said = [f"{label} {ratio:.2f}" for label, ratio in ratios.items()]
    return f"Our cost over the paper's at the last epoch of both: {', '.join(said)}." if said else ""


def corrections(finals: Mapping[bool, Sequence[float]], top: float) -> str:
    """What bias correction does. finals: final costs with it and without; top: costs above are off the axis."""
    said = [
        f"{name}, lowest {min(costs):.4g}, {sum(not cost <= top for cost in costs)} of {len(costs)} settings above "
        f"{top:g} or diverged"
        for corrected, name in ((True, "With bias correction"), (False, "without"))
        if (costs := finals.get(corrected))
    ]
    return "; ".join(said) + "." if said else ""


def snr(label: str, steps: Numbers, medians: Numbers) -> str:
    """How the signal-to-noise ratio falls. medians: over the parameters, at each of the steps, (n,) both."""
    first, last = (f"{medians[i]:.2g} at step {steps[i]:g}" for i in (0, -1))
    return f"{label}: median signal-to-noise ratio {first}, {last}."


def comparison(found: Comparison) -> list[str]:
    """Which optimizers of the first experiment end lower or higher than those of the second; then what weakens that."""
    one, other = found.names if found.names[0] != found.names[1] else ("The first", "the second")
    name = METRICS[found.metric].label
    groups = {
        f"{one} ends at a lower {name} than {other}": [p for p in found.pairs if p.decided and p.interval.mean < 1],
        f"{one} ends at a higher {name} than {other}": [p for p in found.pairs if p.decided and p.interval.mean > 1],
        "Chance could explain the difference": [p for p in found.pairs if p.chance >= LEVEL],
        "Equal": [p for p in found.pairs if p.equal],
        "No test, for lack of seeds or of values that are finite": [
            p for p in found.pairs if math.isnan(p.chance) and not p.equal
        ],
    }
    said = [f"{words}: {_by_problem(pairs)}." for words, pairs in groups.items() if pairs]
    if keys := dict.fromkeys(key for pair in found.pairs for key in pair.differs if key != "seeds"):
        said.append(f"The protocols differ in {listed(keys)}. A ratio shows the effect of that too.")
    if any(mine.settings_tried != theirs.settings_tried for mine, theirs in (pair.summaries for pair in found.pairs)):
        said.append("The budgets differ: the column tried has the number of settings of each search.")
    return said


def _by_problem(pairs: Sequence[Pair]) -> str:
    """`on step mine = adam (1.5 % below), sgd (3.0 % below); on constant adam (0.2 % below)`."""
    problems = dict.fromkeys(pair.problem for pair in pairs)
    members = {problem: ", ".join(_pair(pair) for pair in pairs if pair.problem == problem) for problem in problems}
    return "; ".join(f"on {both(problem)} {said}" for problem, said in members.items())


def _pair(pair: Pair) -> str:
    """`mine = adam (1.5 % below)`."""
    mean = pair.interval.mean
    if pair.equal or not math.isfinite(mean):
        return both(pair.label)
    return f"{both(pair.label)} ({abs(100 * (mean - 1)):.1f} % {'below' if mean < 1 else 'above'})"
