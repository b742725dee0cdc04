"""Verdicts on claims, the fairness of a comparison, and the checks of a plug-in, as tables."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.text import Text

from adambench.judge import reading
from adambench.judge.claims import CONTRADICTED, INCONCLUSIVE, REPRODUCED, Verdict, needed
from adambench.judge.fairness import STABLE, Fairness, Reached
from adambench.reference import Finding
from adambench.show.table import Column, Table
from adambench.show.terminal import cost, plural, seconds
from adambench.show.words import estimate, named

COLOURS = {REPRODUCED: "green", CONTRADICTED: "red", INCONCLUSIVE: "yellow"}
TRIED = (1, 3, 9)  # numbers of settings, of which the best is shown

Judged = tuple[str, Verdict]  # experiment, verdict


def chance(p: float) -> str:
    """A p-value: `0.023`, `< 0.001`; a dash for none."""
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.2g}"


CLAIMS = [
    Column("claim", lambda row: f"{row[1].claim.id}: {row[1].claim.sentence}", left=True),
    Column("experiment", lambda row: ", ".join(filter(None, (row[0], row[1].claim.problem))), left=True),
    Column("quantity", lambda row: row[1].claim.quantity.text, lambda text: f"`{text}`", left=True),
    Column("claimed", lambda row: needed(row[1].claim), left=True),
    Column("here, mean [95 % interval]", lambda row: measured(row[1]), left=True),
    Column("n", lambda row: row[1].interval.n),
    Column("paper's curves", lambda row: row[1].paper, lambda value: "–" if value is None else cost(value)),
    Column("p", lambda row: row[1].chance, chance),
    Column("verdict", lambda row: row[1].verdict, left=True),
]

CLAIMS_DATA = [
    Column("experiment", lambda row: row[0]),
    Column("id", lambda row: row[1].claim.id),
    Column("sentence", lambda row: row[1].claim.sentence),
    Column("problem", lambda row: row[1].claim.problem),
    Column("quantity", lambda row: row[1].claim.quantity.text),
    Column("relation", lambda row: row[1].claim.relation),
    Column("bound", lambda row: row[1].claim.bound),
    Column("values", lambda row: row[1].values),  # by seed
    Column("mean", lambda row: row[1].interval.mean),
    Column("low", lambda row: None if row[1].searched else row[1].interval.low),
    Column("high", lambda row: None if row[1].searched else row[1].interval.high),
    Column("n", lambda row: row[1].interval.n),
    Column("one", lambda row: row[1].one),
    Column("rival", lambda row: row[1].rival),
    Column("p", lambda row: row[1].chance),
    Column("paper", lambda row: row[1].paper),
    Column("verdict", lambda row: row[1].verdict),
]


TRIALS = [
    Column("name", lambda found: found.name, left=True),
    Column("check", lambda found: found.check, left=True),
    Column("result", lambda found: found.said or "ok", left=True),
]
TRIALS_DATA = [*TRIALS, Column("wrong", lambda found: found.wrong)]


def trials(plugin: str, found: Sequence[Finding]) -> Table:
    wrong, skipped = (sum(getattr(finding, what) for finding in found) for what in ("wrong", "skipped"))
    counts = {"passed": len(found) - wrong - skipped, "failed": wrong, "skipped": skipped}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return Table(plugin, TRIALS, found, TRIALS_DATA, [f"{plural(len(found), 'check')}: {told}."])


def claims(judged: Mapping[str, Sequence[Verdict]]) -> Table:
    """judged: by experiment."""
    rows: list[Judged] = [(name, verdict) for name, found in judged.items() for verdict in found]
    verdicts = [verdict.verdict for _, verdict in rows]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in COLOURS if word in verdicts)
    searched = all(verdict.searched for _, verdict in rows)
    note = "" if searched else " (mean over the report seeds with its 95 % interval; verdicts corrected after Holm)"
    total = f"{plural(len(verdicts), 'claim')}: {counts}{note}"
    words = (reading.metrics, reading.biased, reading.windows, reading.clock, reading.unequal)
    others = [f"{name}: {said}" for name, found in judged.items() if found for say in words if (said := say(found))]
    return Table("", CLAIMS, rows, CLAIMS_DATA, [total, *others], _claim)


def measured(verdict: Verdict) -> str:
    """`0.61 [0.55, 0.67]`."""
    interval = verdict.interval
    if interval.n == 0:
        if verdict.searched:
            return "the search is not finished"
        return "no finished runs" if verdict.seeds else "no seed that all its problems have"
    if verdict.searched:
        seeds = "one seed" if interval.n == 1 else f"mean of {interval.n} seeds"
        return f"{cost(interval.mean)} (of the search, {seeds})"
    if interval.n == 1:
        return f"{cost(interval.mean)} (one seed: no interval)"
    compared = f"{verdict.one and f' of {verdict.one}'}{verdict.rival and f' against {verdict.rival}'}"
    if interval.low == interval.high:
        return f"{cost(interval.mean)} (on each of {interval.n} seeds){compared}"
    return f"{cost(interval.mean)} [{cost(interval.low)}, {cost(interval.high)}]{compared}"


def _claim(row: Judged) -> Text:
    """A few lines for a terminal."""
    name, verdict = row
    claim = verdict.claim
    of_the_paper = "" if verdict.paper is None else f"; the paper's curves: {cost(verdict.paper)}"
    return Text.assemble(
        (claim.id, "bold"),
        f" {claim.sentence}: ",
        (verdict.verdict, f"bold {COLOURS[verdict.verdict]}"),
        f"\n   {', '.join(filter(None, (name, claim.problem)))}: {claim.quantity.text}"
        f"\n   = {measured(verdict)}, n {verdict.interval.n}, p {chance(verdict.chance)}; claimed: {needed(claim)}"
        f"{of_the_paper}\n",
    )


Found = Mapping[str, tuple[str, list[float], list[Fairness], str]]
"""By problem: its title, cost levels, a row for each optimizer, and what the search says in a sentence."""


def _best_of(k: int, spare: int) -> Column:
    def read(row: Fairness) -> float:
        return row.budget.median[k - 1] if row.budget and k <= len(row.budget.k) else math.nan

    return Column(f"best of {k}", read, cost, spare=spare)


def _importance(row: Fairness) -> str:
    """`lr 82 %, momentum 10 %`, the most important first."""
    ordered = sorted(row.importance.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in ordered) or "–"


SEARCH = [
    Column("optimizer", lambda row: row.optimizer, left=True),
    Column("settings", lambda row: row.settings),
    Column("diverged", lambda row: row.diverged, spare=1),
    Column("stable decades", lambda row: row.stable if row.budget else "–"),
    *(_best_of(k, spare=9 - i) for i, k in enumerate(TRIED)),
    Column("of all", lambda row: row.tuned if row.budget else math.nan, cost),
    Column("report seeds", lambda row: row.reported, estimate),
    Column("optimism", lambda row: row.optimism, lambda x: f"{x:+.1%}" if math.isfinite(x) else "–", spare=2),
    Column("importance", _importance, left=True, spare=10),
]


def _epochs_to(level: float, place: int) -> Column:
    return Column(f"{level:g}", lambda row: row.epochs[place], lambda found: time_to(found, "{:g}".format))


def _seconds_to(level: float, place: int) -> Column:
    return Column(f"s to {level:g}", lambda row: row.seconds[place], lambda x: time_to(x, seconds), spare=1 + place)


def _speed(levels: Sequence[float]) -> list[Column]:
    return [
        Column("optimizer", lambda row: row.optimizer, left=True),
        Column("mean rank", lambda row: row.rank, lambda rank: "–" if math.isnan(rank) else f"{rank:.1f}"),
        *(_epochs_to(level, place) for place, level in enumerate(levels)),
        *(_seconds_to(level, place) for place, level in enumerate(levels)),
        Column("together", lambda row: _range(row.together), spare=1),
    ]


def fairness(found: Mapping[str, Found]) -> list[Table]:
    """found: by experiment. For each problem, what the search gave and how fast the optimizers are."""
    made = [table for name, problems in found.items() for table in _fairness(name, problems)]
    *others, last = made
    return [*others, replace(last, notes=[*last.notes, *NOTES])]


def _fairness(name: str, problems: Found) -> Iterator[Table]:
    for problem, (title, levels, rows, sentence) in problems.items():
        heading = f"{name}, {named(problem, title)}"
        yield Table(
            f"{heading}; the search", SEARCH, rows, _data(name, problem, levels), [sentence] if sentence else []
        )
        speed = "epochs and CPU seconds to a training cost, median (lowest–highest over the seeds)"
        if rows and rows[0].smooth > 1:
            speed = f"{speed}; the middle of the first {rows[0].smooth} epochs whose mean cost is at or below it"
        first = reading.speed(rows, levels)
        yield Table(f"{heading}; {speed}", _speed(levels), rows, data=(), notes=[first] if first else [])


def _data(name: str, problem: str, levels: Sequence[float]) -> list[Column]:
    """All that is known of an optimizer, for programs."""
    return [
        Column("experiment", lambda _: name),
        Column("problem", lambda _: problem),
        Column("levels", lambda _: levels),
        *(_field(name) for name in Fairness.__annotations__ if name != "importance"),
        Column("importance", lambda row: {name: float(f"{share:.4g}") for name, share in row.importance.items()}),
    ]


def _field(name: str) -> Column:
    return Column(name, lambda row: _plain(getattr(row, name)))


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _range(numbers: Sequence[int]) -> str:
    return "–".join(dict.fromkeys(map(str, [*numbers[:1], *numbers[-1:]]))) or "–"


def time_to(found: Reached, form: Callable[[float], str]) -> str:
    """`12 (11–13)`, `∞`."""
    middle, low, high = (
        "–" if math.isnan(v) else "∞" if math.isinf(v) else form(v) for v in (found.median, found.low, found.high)
    )
    return middle if low == high else f"{middle} ({low}–{high})"


NOTES = (
    "best of k: median of the best of k settings drawn from the grid. optimism: the final value on the report seeds "
    "compared with that on the tuning seeds. A part that is alike for all optimizers comes from the seeds, and not "
    "from the search.",
    "stable decades: width of the range of rates around the best whose final metric is at most "
    f"{STABLE:g} times the best, each rate at the best of the other hyper-parameters; ≥: the range reaches an end of "
    "the grid. ∞: never reached.",
    "importance: share of the variance of the ranked results that a hyper-parameter explains alone; exact on a grid, "
    "estimated from thirds of the drawn values in a random search.",
    "mean rank: mean over the report seeds of the place in the final tuning metric; 1 is the lowest.",
    "together: how many runs were trained together. They share work, so compare seconds only where the numbers are "
    "equal.",
)
