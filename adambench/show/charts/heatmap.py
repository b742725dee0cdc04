"""The heat map of a search: optimizer by learning rate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from adambench.curve import METRICS, Curve
from adambench.execution.plan import Entry, by_problem
from adambench.judge import analysis, fairness, searching
from adambench.show.charts.base import (
    DIVERGED,
    LETTER,
    MOST_LETTERS,
    MOST_TICKS,
    PAGE,
    Form,
    below,
    folded,
    letters,
    note,
    panel_width,
    panels,
    shortened,
)
from adambench.show.charts.ticks import short
from adambench.show.words import title

RANGE = 9  # letters of a stable range in brackets
WORST = 10.0  # times the best: where the colours end

Row = tuple[Entry, Mapping[float, float]]  # final tuning metric by rate


def heatmap(entries: Sequence[Entry], curves: Mapping[str, Curve], form: Form = PAGE) -> Figure | None:
    """Optimizer by learning rate: final tuning metric over the best of all, crosses where it diverged.

    None if no rate was tuned.
    """
    found = {
        title(members[0]): [
            (entry, finals)
            for entry in members
            if len(finals := analysis.by_rate(entry, curves)) > 1 and math.isfinite(min(finals.values()))
        ]
        for members in by_problem(entries).values()
    }
    shown = {name: rows for name, rows in found.items() if rows}
    most = max(map(len, shown.values()), default=0)
    meshes: list[QuadMesh] = []
    longest = max((len(name) for rows in shown.values() for name in _names(rows, form)), default=0)
    names = form.scale * LETTER * (longest + RANGE) + 0.2  # inches that the names of the rows take

    def draw(axes: Axes, rows: Sequence[Row]) -> None:
        meshes.append(_draw_heatmap(axes, rows, curves, form))
        below(axes, searching.widest([entry for entry, _ in rows], curves), form, 7, 0.92 * (panel_width(axes) - names))

    height = 1.3 + form.scale * (1.1 + 0.34 * most)
    width = 6.2 + form.scale * LETTER * max(0, longest - 12)
    figure = panels(shown, draw, form, width, height, height, max(1.4, names))
    if figure:
        with form.style():
            place: Any = {"location": "top", "aspect": 30, "anchor": (0, 0)}
            place["shrink"] = min(0.9, 5 / figure.get_figwidth())
            place["pad"] = 0.4 * form.scale / height
            room = min(place["shrink"] * figure.get_figwidth(), figure.get_figwidth() - names)
            ticks = [1, 1.25, 2, 5, 10] if room > 4 * form.scale else [1, 2, 5, 10]
            bar = figure.colorbar(meshes[0], ax=figure.axes, extend="max", ticks=ticks, **place)
            bar.ax.minorticks_off()
            bar.ax.set_xticklabels([f"{tick:g}" for tick in ticks])
            words = f"final {METRICS[entries[0].experiment.tuning.metric].label}, times the lowest of the panel"
            bar.set_label(folded(words, room, form), fontsize=form.small, loc="left")
        zero = any(min(finals.values()) == 0 for rows in shown.values() for _, finals in rows)
        words = "The lowest is exactly 0, so all else is off the scale. " if zero else ""
        words += "Circle: chosen. Grey with a cross: diverged. White: not tried. In brackets: stable range in decades."
        note(figure, words, form)
    return figure


def _names(rows: Sequence[Row], form: Form) -> list[str]:
    most = MOST_LETTERS if form.width is None else letters(form.width, form)
    return shortened([entry.grid.label for entry, _ in rows], most)


def _draw_heatmap(axes: Axes, rows: Sequence[Row], curves: Mapping[str, Curve], form: Form) -> QuadMesh:
    """Columns lie at the logarithm of their rate, each as wide as half the way to its neighbours."""
    rates = sorted({rate for _, finals in rows for rate in finals})
    lowest = min(value for _, finals in rows for value in finals.values())
    edges = _edges(np.log10(rates))
    middles = {rate: (edges[i] + edges[i + 1]) / 2 for i, rate in enumerate(rates)}
    cells = np.array([[_times(finals.get(rate, math.nan), lowest) for rate in rates] for _, finals in rows])
    mesh = axes.pcolormesh(
        edges, np.arange(len(rows) + 1) - 0.5, np.ma.masked_invalid(cells), cmap="viridis_r", norm=LogNorm(1, WORST)
    )
    for row, (entry, finals) in enumerate(rows):
        for column, rate in enumerate(rates):
            if math.isinf(finals.get(rate, 0)):
                axes.fill_between(edges[column : column + 2], row - 0.5, row + 0.5, color=DIVERGED, linewidth=0)
                axes.plot(middles[rate], row, "x", color="white", markersize=5, clip_on=False)
            if rate == getattr(entry.best(curves), "lr", None):
                circle: Any = {"markersize": 7, "fillstyle": "none", "markeredgewidth": 1.4}
                edge = [withStroke(linewidth=3, foreground="white")]  # on a dark cell
                axes.plot(middles[rate], row, "o", color="black", clip_on=False, **circle, path_effects=edge)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(edges[0], edges[-1])
    ticks = _apart(list(middles.values()), 0.92 * (edges[-1] - edges[0]) / MOST_TICKS)  # 1, 3, 10 are not quite even
    axes.set_xticks(ticks, [short(rate) for rate in rates if middles[rate] in ticks], rotation=60)
    named = zip(_names(rows, form), rows, strict=True)
    names = [f"{name} ({fairness.stable(entry, curves)})" for name, (entry, _) in named]
    axes.set_yticks(range(len(rows)), names, fontsize=form.small)
    axes.grid(visible=False)
    axes.set_xlabel("learning rate")
    return mesh


def _apart(places: Sequence[float], least: float) -> list[float]:
    """Those of the rising places that are at least so far from the one before."""
    chosen: list[float] = []
    for place in places:
        if not chosen or place >= chosen[-1] + least:
            chosen.append(place)
    return chosen


def _times(value: float, lowest: float) -> float:
    """How many times the lowest; if the lowest is zero, zero is once and all else is beyond the worst."""
    if not math.isfinite(value):
        return math.nan
    if lowest > 0:
        return value / lowest
    return 1.0 if value == lowest else 10 * WORST


def _edges(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    middles = (places[1:] + places[:-1]) / 2
    first, last = places[0] - (middles[0] - places[0]), places[-1] + (places[-1] - middles[-1])
    return np.concatenate([[first], middles, [last]])
