"""The search: what the learning rate does, and what the number of settings tried does."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from adambench.curve import METRICS, Curve
from adambench.execution.plan import Entry, by_problem
from adambench.judge import analysis, fairness, reading
from adambench.judge.analysis import Sensitivity
from adambench.judge.fairness import Budget
from adambench.show.charts.base import DIVERGED, PAGE, Form, below, note, panels, short, value_axis
from adambench.show.charts.ends import End, label_ends
from adambench.show.charts.look import looks
from adambench.show.terminal import cost
from adambench.show.words import axis_label, title

WORST = 10.0  # times the best: where the heat map's colours end
MOST_TICKS = 12  # learning rates written on an axis
Looks = Mapping[str, Mapping[str, Any]]


def _metric(entries: Sequence[Entry]) -> str:
    return entries[0].experiment.tuning.metric


def _members(found: Sequence[tuple[Entry, object]]) -> list[Entry]:
    return [entry for entry, _ in found]


def sensitivity(entries: Sequence[Entry], curves: Mapping[str, Curve], form: Form = PAGE) -> Figure | None:
    """Final tuning metric against the learning rate, the chosen one circled, diverged ones as crosses at the top.

    None if no rate was tuned.
    """
    found = {
        title(members[0]): [(entry, line) for entry in members if (line := analysis.sensitivity(entry, curves))]
        for members in by_problem(entries).values()
    }
    styles = looks(entry.grid for entry in entries)
    shown = {name: lines for name, lines in found.items() if lines}

    def draw(axes: Axes, lines: Sequence[tuple[Entry, Sensitivity]]) -> None:
        _draw_sensitivity(axes, lines, styles)
        below(axes, reading.lowest(_members(lines), curves), form)

    figure = panels(shown, draw, form)
    if figure:
        with form.style():
            named = {
                label: line
                for axes in figure.axes
                for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
            }
            columns = math.ceil(len(named) / (figure.get_figheight() / 0.22))
            figure.legend(list(named.values()), list(named), loc="outside right center", ncols=columns)
        note(
            figure,
            "Each rate at the best of the other hyper-parameters. Circle: chosen. Cross at the top: diverged.",
            form,
        )
    return figure


def _draw_sensitivity(axes: Axes, lines: Sequence[tuple[Entry, Sensitivity]], styles: Looks) -> None:
    values: list[float] = []
    for entry, line in lines:
        look = styles[entry.grid.label]
        pairs = list(zip(line.rates, line.finals, strict=True))
        finite = [(rate, value) for rate, value in pairs if math.isfinite(value)]
        lost = [rate for rate, value in pairs if not math.isfinite(value)]
        every = max(1, len(finite) // MOST_TICKS)
        rates, finals = [rate for rate, _ in finite], [value for _, value in finite]
        axes.plot(rates, finals, **look, markevery=every, label=entry.grid.label)
        axes.plot(lost, [0.98] * len(lost), "x", color=look["color"], transform=axes.get_xaxis_transform())
        for rate, value in finite:
            if rate == line.chosen:
                axes.plot(rate, value, "o", markersize=11, fillstyle="none", color=look["color"])
        values += [value for _, value in finite]
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: short(rate)))
    value_axis(axes, values, log=True)
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"final {axis_label(_metric([lines[0][0]]))}, tuning seed")


def budget(entries: Sequence[Entry], curves: Mapping[str, Curve], form: Form = PAGE) -> Figure | None:
    """The best of k settings drawn from a grid, against k: median, quartiles as a band. None if nothing was tuned."""
    styles = looks(entry.grid for entry in entries)
    found = {
        title(members[0]): [
            (entry, line)
            for entry in members
            if (line := fairness.budget(entry, curves)) and math.isfinite(line.median[-1])
        ]
        for members in by_problem(entries).values()
    }
    shown = {name: lines for name, lines in found.items() if lines}

    def draw(axes: Axes, lines: Sequence[tuple[Entry, Budget]]) -> None:
        _draw_budget(axes, lines, styles, form)
        below(axes, reading.budgets(_members(lines), curves), form)

    figure = panels(shown, draw, form, 5.9)
    if figure:
        words = (
            "Line: median of the best of k settings drawn from the grid. Band: its quartiles. In brackets: grid size."
        )
        note(figure, words, form)
    return figure


def _draw_budget(axes: Axes, found: Sequence[tuple[Entry, Budget]], styles: Looks, form: Form) -> None:
    values: list[float] = []
    ends = []
    for entry, line in found:
        look = {key: value for key, value in styles[entry.grid.label].items() if not key.startswith("marker")}
        axes.plot(line.k, _finite(line.median), **look, label=entry.grid.label)
        axes.fill_between(line.k, _finite(line.low), _finite(line.high), color=look["color"], alpha=0.15, linewidth=0)
        axes.plot(line.k[-1], line.median[-1], **styles[entry.grid.label])
        values += [value for value in line.median if math.isfinite(value)]
        ends.append(End(f"{entry.grid.label} ({len(line.k)})  {cost(line.median[-1])}", line.median[-1], look["color"]))
    axes.set_xscale("log")
    value_axis(axes, values, log=True)
    best = min(values)
    if best > 0:  # the axis ends at ten times the best, but every line's end is in it
        ends_at = max(line.median[-1] for _, line in found)
        axes.set_ylim(best * 0.97, max(ends_at, min(max(values), WORST * best)) * 1.05)
    largest = max(len(line.k) for _, line in found)
    ticks = [k for k in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000) if k <= largest]
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("settings tried, k")
    axes.set_ylabel(f"best final {axis_label(_metric([found[0][0]]))}, tuning seed")
    label_ends(axes, ends, form)


def _finite(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


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

    def draw(axes: Axes, rows: Sequence[Row]) -> None:
        meshes.append(_draw_heatmap(axes, rows, curves, form))
        below(axes, reading.widest(_members(rows), curves), form, lines=7)

    figure = panels(shown, draw, form, 6.2, 1.9 + 0.34 * most)
    if figure:
        with form.style():
            bar = figure.colorbar(meshes[0], ax=figure.axes, extend="max", ticks=[1, 1.25, 2, 5, 10], pad=0.02)
            bar.ax.minorticks_off()
            bar.ax.set_yticklabels(["1", "1.25", "2", "5", "10"])
            bar.set_label(f"final {METRICS[_metric(entries)].label},\ntimes the lowest of the panel")
        zero = any(min(finals.values()) == 0 for rows in shown.values() for _, finals in rows)
        words = "The lowest is exactly 0, so all else is off the scale. " if zero else ""
        words += "Circle: chosen. Grey with a cross: diverged. White: not tried. In brackets: stable range in decades."
        note(figure, words, form)
    return figure


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
                axes.plot(middles[rate], row, "x", color="white", markersize=5)
            if rate == getattr(entry.best(curves), "lr", None):
                axes.plot(middles[rate], row, "o", color="black", markersize=7, fillstyle="none", markeredgewidth=1.4)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(edges[0], edges[-1])
    step = math.ceil(len(rates) / MOST_TICKS)
    axes.set_xticks([middles[rate] for rate in rates[::step]], [short(rate) for rate in rates[::step]], rotation=60)
    names = [f"{entry.grid.label} ({fairness.stable(entry, curves)})" for entry, _ in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=form.small)
    axes.grid(visible=False)
    axes.set_xlabel("learning rate")
    return mesh


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
