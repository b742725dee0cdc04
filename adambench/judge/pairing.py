"""Compare two experiments: each optimizer of one with one of the other, on the same data set, seed by seed.

A final value of the first is divided by that of the second for each seed that both have. The mean of these ratios, its
interval and its test are those of claims. What differs in the protocols is told, because a ratio is then not that of
the optimizers alone. Nothing is compared if the data set or the model is another one.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adambench.config.experiment import Experiment, Problem, named
from adambench.config.names import origin
from adambench.curve import METRICS, Curve
from adambench.errors import AdambenchError, unknown
from adambench.execution.plan import Entry, by_problem
from adambench.judge.analysis import Estimate, Interval, Summary, summarise
from adambench.judge.inference import LEVEL, NONE, holm, same, tested
from adambench.models import Model
from adambench.schedules import Schedule

Names = tuple[str, str]  # in the first experiment, in the second
PAIRS = "--pair MINE=THEIRS compares two optimizers, --problem MINE=THEIRS two problems."


@dataclass(frozen=True)
class Side:
    """An experiment with the curves of its finished runs, by id. name: in headings and sentences."""

    name: str
    entries: Sequence[Entry]
    curves: Mapping[str, Curve]

    @property
    def experiment(self) -> Experiment:
        return self.entries[0].experiment


@dataclass(frozen=True)
class Pair:
    """An optimizer of the first experiment beside one of the second, on a problem of each."""

    problem: Names
    label: Names
    finals: tuple[Estimate, Estimate]  # over the seeds that both have
    ratios: Mapping[int, float]  # first/second, by seed
    interval: Interval  # of the ratio
    chance: float  # p-value of a ratio other than 1, after Holm over all pairs; nan if there is no test
    summaries: tuple[Summary, Summary]  # the settings that won, and of how many
    equal: bool  # the final values are but for rounding, as they are to the bit if setting and protocol are
    differs: Mapping[str, Names]  # what differs in the protocols: by key of the configuration, both values

    @property
    def decided(self) -> bool:
        return self.chance < LEVEL


@dataclass(frozen=True)
class Comparison:
    """Two experiments, compared."""

    names: Names
    metric: str
    pairs: Sequence[Pair]
    left_out: Sequence[str]  # why something was not compared


def compare(
    one: Side,
    other: Side,
    metric: str | None = None,
    labels: Sequence[Names] = (),
    problems: Sequence[Names] = (),
) -> Comparison:
    """Every optimizer of the first experiment beside that of the second with the same label, on problems of one name.

    metric: by default that of tuning, or the training cost if they are tuned by different ones. labels, problems: which
    to compare besides, though their names differ. Of an experiment beside itself (with the same entries), only these.
    Raises AdambenchError if there is nothing to compare.
    """
    alone = one.entries is other.entries
    if alone and not (labels or problems):
        raise AdambenchError(f"{one.name} and {other.name}: the same experiment twice", PAIRS)
    mine, theirs = by_problem(one.entries), by_problem(other.entries)
    _check("--problem", problems, list(mine), list(theirs))
    _check("--pair", labels, *([entry.grid.label for entry in side.entries] for side in (one, other)))
    if metric and metric not in METRICS:
        raise AdambenchError(f"{metric}: {unknown(metric, METRICS)}")
    chosen = {side.experiment.tuning.metric for side in (one, other)}
    metric = metric or (chosen.pop() if len(chosen) == 1 else "train_loss")
    pairs: list[Pair] = []
    left_out: list[str] = []
    for names in _matched(mine, theirs, problems):
        where = both(names)
        first, second = ({e.grid.label: e for e in members} for members in (mine[names[0]], theirs[names[1]]))
        if reason := _incomparable(mine[names[0]][0], theirs[names[1]][0]):
            left_out.append(f"{where}: {reason}")
            continue
        matched = _matched(first, second, labels)
        if alone and names[0] == names[1]:
            matched = [label for label in matched if label[0] != label[1]]
        elif not matched:
            left_out.append(f"{where}: optimizers: no common label, found {_listed(first)} and {_listed(second)}")
        for label in matched:
            match _pair((one, other), (first[label[0]], second[label[1]]), metric):
                case Pair() as pair:
                    pairs.append(pair)
                case reason:
                    left_out.append(f"{where}, {both(label)}: {reason}")
    if not pairs:
        twice = "the same experiment twice, and no two different optimizers or problems are named"
        none = twice if alone else f"problems: no common name, found {_listed(mine)} and {_listed(theirs)}"
        raise AdambenchError(
            "\n".join([f"{one.name} and {other.name}: nothing to compare", *(left_out or [none])]),
            f"For other names: {PAIRS}",
        )
    return Comparison((one.name, other.name), metric, _corrected(pairs), left_out)


def both(names: Names) -> str:
    """`adam`, or `mine = adam` where the names differ."""
    return " = ".join(dict.fromkeys(names))


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def _check(kind: str, given: Sequence[Names], *known: Sequence[str]) -> None:
    for names in given:
        for name, there in zip(names, known, strict=True):
            if name not in there:
                raise AdambenchError(f"{kind} {'='.join(names)}: {name}: {unknown(name, dict.fromkeys(there))}")


def _matched(mine: Collection[str], theirs: Collection[str], given: Sequence[Names]) -> list[Names]:
    """The given pairs, as far as they are here, then the names that both have."""
    here = [names for names in given if names[0] in mine and names[1] in theirs]
    return list(dict.fromkeys([*here, *((name, name) for name in mine if name in theirs)]))


def _incomparable(one: Entry, other: Entry) -> str:
    """Why costs on these problems cannot be compared at all: the key that differs. Empty if they can."""
    data = tuple(entry.experiment.source(entry.problem).sha256[:12] for entry in (one, other))
    if data[0] != data[1]:
        return f"dataset: another one (sha256 {data[0]}…, {data[1]}…)"
    models = tuple(origin(entry.problem.model).name for entry in (one, other))
    return f"model: another one ({models[0]}, {models[1]})" if models[0] != models[1] else ""


def _pair(sides: tuple[Side, Side], entries: tuple[Entry, Entry], metric: str) -> Pair | str:
    """The comparison, not yet corrected; or the reason why there is none."""
    found = [entry.finals(side.curves, metric) for side, entry in zip(sides, entries, strict=True)]
    for side, finals in zip(sides, found, strict=True):
        if not finals:
            return f"{side.name}: no finished report run"
        if any(map(math.isnan, finals.values())):
            return f"{side.name}: {metric}: not measured"
        if min(finals.values()) < 0:
            return f"{side.name}: {metric}: below zero, where a ratio says nothing"
    seeds = sorted(found[0].keys() & found[1].keys())
    if not seeds:
        return f"seeds: none in common, found {_listed(found[0])} and {_listed(found[1])}"
    one, other = entries
    ratios = {seed: _ratio(found[0][seed], found[1][seed]) for seed in seeds}
    interval, told = tested(list(ratios.values()), True, "<", (1.0,))
    equal = all(same(found[0][seed], found[1][seed]) for seed in seeds)
    return Pair(
        problem=(one.problem.name, other.problem.name),
        label=(one.grid.label, other.grid.label),
        finals=(Estimate.of([found[0][seed] for seed in seeds]), Estimate.of([found[1][seed] for seed in seeds])),
        ratios=ratios,
        interval=interval,
        chance=math.nan if equal or told is NONE else min(told),
        summaries=(_summary(sides[0], one), _summary(sides[1], other)),
        equal=equal,
        differs=_differences(one, other),
    )


def _ratio(one: float, other: float) -> float:
    """Nan if both diverged, or both are zero and there is no ratio."""
    if one == other:
        return 1.0 if math.isfinite(one) and one else math.nan
    return one / other if other else math.inf


def _summary(side: Side, entry: Entry) -> Summary:
    ((summary,),) = summarise([entry], side.curves).values()
    return summary


def _corrected(pairs: Sequence[Pair]) -> list[Pair]:
    """The p-values after Holm, over all pairs that have one."""
    asked = [pair.chance for pair in pairs if not math.isnan(pair.chance)]
    corrected = iter(holm(asked))
    return [pair if math.isnan(pair.chance) else replace(pair, chance=next(corrected)) for pair in pairs]


def _differences(one: Entry, other: Entry) -> dict[str, Names]:
    """By key of the configuration, what differs in the protocols, and in the rule that has the same label."""
    mine, theirs = (_protocol(entry.experiment, entry.problem) for entry in (one, other))
    if one.grid.label == other.grid.label:
        mine["rule"], theirs["rule"] = _rule(one), _rule(other)
    return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


def _protocol(experiment: Experiment, problem: Problem) -> dict[str, str]:
    """Everything but the optimizer that decides final values, by key, as a person reads it."""
    tuning = experiment.tuning
    return {
        "model": _words(problem.model),
        "schedule": _words(problem.schedule),
        "epochs": str(problem.epochs),
        "batch_size": str(problem.batch_size),
        "seeds": _listed(problem.seeds),
        "validation": str(problem.validation),
        "train_images": str(problem.train_images or "all"),
        "sampling": problem.sampling,
        "average": str(problem.average or "none"),
        "clip_norm": str(problem.clip_norm or "none"),
        "tuning.metric": tuning.metric,
        "tuning.seeds": _listed(tuning.every),
        "tuning.epochs": str(tuning.epochs or "as many as a report run"),
        "judging.final": f"{experiment.judging.final:g}",
    }


def _words(value: Model | Schedule) -> str:
    """`name=inverse_sqrt per=step`."""
    return " ".join(f"{key}={item}" for key, item in named(value).items())


def _rule(entry: Entry) -> str:
    """Its name, and the beginning of the SHA-256 of its plug-in if it has one: an edited rule is another rule."""
    found = origin(entry.grid.settings[0])
    return f"{found.name} {found.source[:12]}".strip()
