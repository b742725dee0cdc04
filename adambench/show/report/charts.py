"""The numbers that the page draws, as JSON can hold them.

They come from the same functions of `judge` as the charts of `plot`. Costs along training are rounded to DIGITS, and
long lines are thinned; tables are not.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adambench import paper
from adambench.config.shown import words
from adambench.curve import METRICS, Curve
from adambench.execution.plan import Entry
from adambench.inspection import QUANTILES
from adambench.judge import analysis, fairness
from adambench.optimizers import Optimizer
from adambench.show.charts.convergence import was_measured
from adambench.show.charts.look import looks, on_dark
from adambench.show.report.chapter import Chapter
from adambench.show.words import axis_label, estimate
from adambench.store.records import Record

DIGITS = 6  # of a cost along training
MOST_POINTS = 400  # of a line
MOST_ROWS = 24  # of the heat map, for each optimizer
QUANTITIES = {
    "snr": "signal-to-noise ratio mean / scale",
    "step": "effective step |Δθ| / α",
    "scale": "scale: what the gradient is divided by",
    "mean": "mean of gradients, its size",
    "grad": "gradient |g|",
}
Json = dict[str, Any]


def rounded(number: float, digits: int = DIGITS) -> float | None:
    """None for a number that is not finite."""
    return float(f"{number:.{digits}g}") if math.isfinite(number) else None


def thinned(count: int, most: int) -> list[int]:
    """The places of at most so many points of a line, evenly spaced, with the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def early(count: int, most: int) -> list[int]:
    """The same, closer to each other at the beginning, where a curve falls: spaced evenly in the logarithm."""
    return sorted({round(count ** (i / (most - 1))) - 1 for i in range(most)}) if count > most else [*range(count)]


def styles(entries: Sequence[Entry]) -> Json:
    """By label: the colour on white and on black, the dash and the marker of its line, as in `plot`."""
    return {
        label: {
            "color": look["color"],
            "dark": on_dark(look["color"]),
            "dash": [] if look["linestyle"] == "-" else list(look["linestyle"][1]),
            "marker": look["marker"],
        }
        for label, look in looks(entry.grid for entry in entries).items()
    }


def convergence(members: Sequence[Entry], curves: Mapping[str, Curve]) -> Json:
    """Every metric that was measured, along training: mean over the report seeds, lowest and highest.

    The first is the one that ranks the optimizers, with which the chart opens.
    """
    series = [line for entry in members if (line := _line(entry, curves))]
    ranking = dict.fromkeys([members[0].experiment.tuning.metric, *METRICS])
    names = [name for name in ranking if any(name in line["y"] for line in series)]
    figure = members[0].problem.figure
    drawn = paper.curves(figure) if figure in paper.FIGURES and figure else {}
    return {
        "series": series,
        "metrics": {name: {"label": axis_label(name), "percent": METRICS[name].percent} for name in names},
        "paper": {rule: [[point.epoch, point.train_loss] for point in curve] for rule, curve in drawn.items()},
    }


def _line(entry: Entry, curves: Mapping[str, Curve]) -> Json | None:
    runs = [run for run in entry.report(curves) if run.id in curves]
    if not runs:
        return None
    known = [curves[run.id] for run in runs]
    measured = [name for name in METRICS if all(was_measured(*pair, name) for pair in zip(runs, known, strict=True))]
    if not any(evaluation.penalty for curve in known for evaluation in curve):
        measured = [name for name in measured if name != "penalty"]
    bands = {name: analysis.band(runs, curves, name, "epoch") for name in measured}
    shown = thinned(max((len(band.mean) for band in bands.values()), default=0), MOST_POINTS)
    finals = {name: analysis.Estimate.of(list(entry.finals(curves, name).values())) for name in measured}
    return {
        "label": entry.grid.label,
        "rule": entry.grid.rule,
        "n": len(runs),
        "diverged": any(curve[-1].diverged for curve in known),
        "x": {x: _few(analysis.band(runs, curves, "train_loss", x).x, shown) for x in ("epoch", "step", "seconds")},
        "y": {
            name: {part: _few(getattr(band, part), shown) for part in ("mean", "low", "high")}
            for name, band in bands.items()
        },
        "final": {name: estimate(found, 100 if METRICS[name].percent else 1) for name, found in finals.items()},
    }


def _few(numbers: Any, shown: Iterable[int]) -> list[float | None]:
    return [rounded(float(numbers[i])) for i in shown]


def search(members: Sequence[Entry], curves: Mapping[str, Curve]) -> Json:
    """The tuning runs: by rate, by all that the grid varied, and by the number of settings tried."""
    metric = members[0].experiment.tuning.metric
    found = {entry.grid.label: line for entry in members if (line := analysis.sensitivity(entry, curves))}
    budgets = {entry.grid.label: tried for entry in members if (tried := fairness.budget(entry, curves))}
    return {
        "metric": {"label": axis_label(metric), "percent": METRICS[metric].percent},
        "sensitivity": [
            {"label": label, "x": list(line.rates), "y": list(map(rounded, line.finals)), "chosen": line.chosen}
            for label, line in found.items()
        ],
        "budget": [
            {"label": label, "x": list(line.k)}
            | {part: list(map(rounded, getattr(line, part))) for part in ("median", "low", "high")}
            for label, line in budgets.items()
        ],
        "rows": [row for entry in members for row in heat(entry, curves)],
        "left_out": sum(max(0, _rows(entry) - MOST_ROWS) for entry in members),
    }


def _rows(entry: Entry) -> int:
    return len({_others(entry, setting) for setting in entry.trials}) if entry.tuning else 0


def _others(entry: Entry, setting: Optimizer) -> str:
    """What the grid varied besides the rate: `momentum=0.9`."""
    return words({name: setting.hyperparameters[name] for name in entry.grid.varied if name != "lr"})


def heat(entry: Entry, curves: Mapping[str, Curve]) -> list[Json]:
    """A row for each combination of the other hyper-parameters: [rate, id, final], the lowest MOST_ROWS of them.

    The id is that of the run on the first tuning seed.
    """
    best = entry.best(curves)
    rows: dict[str, list[list[Any]]] = {}
    for setting, cost in entry.searched(curves).items():
        cell = [setting.hyperparameters["lr"], entry.trials[setting][0].id, rounded(cost), setting == best]
        rows.setdefault(_others(entry, setting), []).append(cell)

    def lowest(name: str) -> float:
        return min(math.inf if cell[2] is None else cell[2] for cell in rows[name])

    kept = set(sorted(rows, key=lowest)[:MOST_ROWS])
    return [{"label": entry.grid.label, "others": name, "cells": cells} for name, cells in rows.items() if name in kept]


def inside(chapter: Chapter, members: Sequence[Entry]) -> Json:
    """What was seen inside the optimizers: by label and part, the quantiles of each quantity along the steps."""
    inspected = {
        entry.grid.label: record
        for entry in members
        for run in entry.report(chapter.curves)
        if (record := chapter.records.get(run.id)) and record.data.get("inside")
    }
    return {
        "runs": [{"label": label, "parts": _parts(record)} for label, record in inspected.items()],
        "quantiles": QUANTILES,
        "quantities": QUANTITIES,
    }


def _parts(record: Record) -> Json:
    columns: Mapping[str, Sequence[Any]] = record.data["inside"]
    found: Json = {}
    for part in dict.fromkeys(columns["part"]):
        places = thinned_places([i for i, name in enumerate(columns["part"]) if name == part])
        seen = [name for name in QUANTITIES if f"{name}_50" in columns]
        found[part] = {"steps": [columns["step"][i] for i in places]} | {
            name: [[columns[f"{name}_{percent}"][i] for i in places] for percent in QUANTILES] for name in seen
        }
    return found


def thinned_places(places: Sequence[int]) -> list[int]:
    return [places[i] for i in thinned(len(places), MOST_POINTS)]
