"""Verdicts on claims, and the fairness of a comparison, in words: for a terminal, as markdown, as JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from adambench.claims import CONTRADICTED, INCONCLUSIVE, REPRODUCED, Verdict, needed
from adambench.fairness import STABLE, Fairness, Reached
from adambench.report import estimate, markdown_table
from adambench.results import json_value
from adambench.terminal import cost, grid, plural

Found = Mapping[str, tuple[list[float], list[Fairness]]]  # by problem: cost levels, and a row an optimizer
COLOURS = {REPRODUCED: "green", CONTRADICTED: "red", INCONCLUSIVE: "yellow"}
TRIED = (1, 3, 9)  # settings, of which the best is told


def value(number: float) -> str:
    """Four figures; a dash for no value."""
    return cost(number) if math.isfinite(number) else "–" if math.isnan(number) else "∞" if number > 0 else "−∞"


def measured(verdict: Verdict) -> str:
    """`0.61 [0.55, 0.67]`."""
    interval = verdict.interval
    if interval.n == 0:
        return "the search is not finished" if verdict.searched else "no finished runs"
    if verdict.searched:
        return f"{value(interval.mean)} (of the search, one seed)"
    if interval.n == 1:
        return f"{value(interval.mean)} (one seed: no interval)"
    return f"{value(interval.mean)} [{value(interval.low)}, {value(interval.high)}]"


def claims(judged: Mapping[str, Sequence[Verdict]]) -> Iterator[Text]:
    """A few lines for each claim, then how many there are of each verdict."""
    for name, found in judged.items():
        for verdict in found:
            claim = verdict.claim
            colour = f"bold {COLOURS[verdict.verdict]}"
            yield Text.assemble((claim.id, "bold"), f" {claim.sentence}: ", (verdict.verdict, colour))
            of_the_paper = "" if verdict.paper is None else f"; the paper's curves: {value(verdict.paper)}"
            yield Text(
                f"   {name}, {claim.problem}: {claim.quantity.text}\n"
                f"   = {measured(verdict)}, n {verdict.interval.n}; claimed: {needed(claim)}{of_the_paper}"
            )
    verdicts = [verdict.verdict for found in judged.values() for verdict in found]
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in COLOURS if word in verdicts)
    searched = all(verdict.searched for found in judged.values() for verdict in found)
    note = "" if searched else " (mean over report seeds, 95 % interval)"
    yield Text(f"\n{plural(len(verdicts), 'claim')}: {counts}{note}")


def claims_markdown(judged: Mapping[str, Sequence[Verdict]]) -> str:
    header = [
        "claim",
        "experiment",
        "quantity",
        "claimed",
        "here, mean [95 % interval]",
        "n",
        "paper's curves",
        "verdict",
    ]
    rows = [
        [
            *(f"{v.claim.id}: {v.claim.sentence}", f"{name}, {v.claim.problem}", f"`{v.claim.quantity.text}`"),
            *(needed(v.claim), measured(v), str(v.interval.n), "–" if v.paper is None else value(v.paper), v.verdict),
        ]
        for name, found in judged.items()
        for v in found
    ]
    return markdown_table(header, rows)


def claims_json(judged: Mapping[str, Sequence[Verdict]]) -> list[dict[str, Any]]:
    return [
        {
            "experiment": name,
            "id": verdict.claim.id,
            "sentence": verdict.claim.sentence,
            "problem": verdict.claim.problem,
            "quantity": verdict.claim.quantity.text,
            "relation": verdict.claim.relation,
            "bound": list(verdict.claim.bound),
            "values": {str(seed): json_value(number) for seed, number in verdict.values.items()},
            "mean": json_value(verdict.interval.mean),
            "low": None if verdict.searched else json_value(verdict.interval.low),
            "high": None if verdict.searched else json_value(verdict.interval.high),
            "n": verdict.interval.n,
            "paper": json_value(verdict.paper),
            "verdict": verdict.verdict,
        }
        for name, found in judged.items()
        for verdict in found
    ]


Lines = tuple[str, list[str], list[list[str]]]  # title, header, rows


def fairness_tables(name: str, problems: Found) -> Iterator[Lines]:
    """Of an experiment, for each problem, what the search gave and how fast the optimizers are."""
    for problem, (levels, rows) in problems.items():
        yield (
            f"{name}, {problem}: the search",
            [
                *("optimizer", "settings", "diverged", "stable decades"),
                *(f"best of {k}" for k in TRIED),
                *("of all", "report seeds", "optimism"),
            ],
            [
                [
                    *(row.optimizer, str(row.settings), str(row.diverged), "–"),
                    *(["–"] * (len(TRIED) + 1)),
                    *(estimate(row.reported), "–"),
                ]
                if row.budget is None
                else [
                    *(row.optimizer, str(row.settings), str(row.diverged), str(row.stable)),
                    *(cost(row.budget.median[k - 1]) if k <= len(row.budget.k) else "–" for k in TRIED),
                    *(cost(row.tuned), estimate(row.reported)),
                    "–" if math.isnan(row.optimism) else f"{row.optimism:+.1%}",
                ]
                for row in rows
            ],
        )
        yield (
            f"{name}, {problem}: epochs and CPU seconds to a training cost, median (lowest–highest over the seeds)",
            [
                *("optimizer", "mean rank", *(f"{level:g}" for level in levels)),
                *(*(f"s to {level:g}" for level in levels), "together"),
            ],
            [
                [
                    row.optimizer,
                    "–" if math.isnan(row.rank) else f"{row.rank:.1f}",
                    *(time_to(found, "g") for found in row.epochs),
                    *(time_to(found, ".1f") for found in row.seconds),
                    "–".join(dict.fromkeys(map(str, [*row.together[:1], *row.together[-1:]]))) or "–",
                ]
                for row in rows
            ],
        )


def time_to(found: Reached, form: str) -> str:
    """`12 (11–13)`, `∞`."""
    middle, low, high = (
        "–" if math.isnan(v) else "∞" if math.isinf(v) else f"{v:{form}}" for v in (found.median, found.low, found.high)
    )
    return middle if low == high else f"{middle} ({low}–{high})"


NOTES = (
    "best of k: median of the best of k settings drawn from the grid. optimism: report seeds over the tuning seed.\n"
    f"stable decades: the rates around the best whose final metric is at most {STABLE:g} times it, each rate at the\n"
    "best of the other hyper-parameters; ≥: up to an end of the grid. ∞: never reached.\n"
    "mean rank: of its places in the final tuning metric, over the report seeds; 1 is the lowest.\n"
    "together: runs trained together share work; seconds of unequal numbers do not compare."
)


def fairness(found: Mapping[str, Found]) -> Iterator[Table | str]:
    for name, problems in found.items():
        for title, header, rows in fairness_tables(name, problems):
            yield grid(title, header, rows, words=["optimizer"])
    yield NOTES


def fairness_markdown(found: Mapping[str, Found]) -> str:
    parts = [
        f"**{title}**\n\n{markdown_table(header, rows)}"
        for name, problems in found.items()
        for title, header, rows in fairness_tables(name, problems)
    ]
    return "\n".join([*parts, NOTES + "\n"])


def fairness_json(found: Mapping[str, Found]) -> list[dict[str, Any]]:
    return [
        {"experiment": name, "problem": problem, "levels": levels, **_plain(asdict(row))}
        for name, problems in found.items()
        for problem, (levels, rows) in problems.items()
        for row in rows
    ]


def _plain(item: Any) -> Any:
    """With null for what is not finite, at any depth."""
    if isinstance(item, Mapping):
        return {key: _plain(value) for key, value in item.items()}
    return [_plain(value) for value in item] if isinstance(item, list | tuple | range) else json_value(item)
