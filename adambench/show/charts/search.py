"""The search: what the learning rate does, and what the number of settings tried does."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from adambench.curve import Curve
from adambench.execution.plan import Entry, by_problem
from adambench.judge import analysis, fairness, searching
from adambench.judge.analysis import Sensitivity
from adambench.judge.fairness import Budget
from adambench.show.charts.base import LETTER, MOST_TICKS, PAGE, ROW, Form, below, note, panels
from adambench.show.charts.ends import End, label_ends, room
from adambench.show.charts.look import looks
from adambench.show.charts.ticks import plain_ticks, value_axis
from adambench.show.terminal import cost
from adambench.show.words import axis_label, title

WORST = 10.0  # times the best: where the axis of the best of k ends
FAR = 100.0  # times the best of the worst optimizer: where the axis of rates ends at the latest
LEGEND, HANDLE = 0.18, 0.65  # inches of a row of the legend, and of a line with the room around it
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
        below(axes, searching.lowest(_members(lines), curves), form)

    labels = {entry.grid.label for lines in shown.values() for entry, _ in lines}
    widest = form.scale * (HANDLE + LETTER * max(map(len, labels), default=0))
    columns = max(1, int((form.width or 5.9 * min(ROW, len(shown))) / widest))
    legend = form.scale * LEGEND * math.ceil(len(labels) / columns)
    figure = panels(shown, draw, form, 5.9, 4.2 + legend, room(0, form) + legend)
    if figure:
        with form.style():
            named = {
                label: line
                for axes in figure.axes
                for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
            }
            figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=columns)
        note(
            figure,
            "Each rate at the best of the other hyper-parameters. Circle: chosen. Cross at the top: diverged. "
            "A line that leaves at the top goes on above.",
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
    plain_ticks(axes.xaxis, [rate for _, line in lines for rate in line.rates])
    value_axis(axes, values, log=True)
    lowest = [min(filter(math.isfinite, line.finals), default=math.inf) for _, line in lines]
    best, top = min(lowest), FAR * max(filter(math.isfinite, lowest), default=0)
    if 0 < best < math.inf and max(values) > top:  # one rate that blew up would flatten all other lines
        axes.set_ylim(best * 0.9, top)
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"final {axis_label(_metric([lines[0][0]]))}, {_seeds(lines[0][0])}")


def _seeds(entry: Entry) -> str:
    return "tuning seed" if len(entry.experiment.tuning.every) == 1 else "mean over the tuning seeds"


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
        below(axes, searching.budgets(_members(lines), curves), form)

    most = max(map(len, shown.values()), default=0)
    figure = panels(shown, draw, form, 5.9, least=room(most, form))
    if figure:
        words = (
            "Line: median of the best of k settings drawn from the grid. Band: its quartiles. In brackets: grid size."
        )
        if any(len({len(line.k) for _, line in lines}) > 1 for lines in shown.values()):
            words += " A dotted line goes on from the end of a smaller grid."
        note(figure, words, form)
    return figure


def _draw_budget(axes: Axes, found: Sequence[tuple[Entry, Budget]], styles: Looks, form: Form) -> None:
    values: list[float] = []
    ends = []
    largest = max(len(line.k) for _, line in found)
    for entry, line in found:
        look = {key: value for key, value in styles[entry.grid.label].items() if not key.startswith("marker")}
        axes.plot(line.k, _finite(line.median), **look, label=entry.grid.label)
        axes.fill_between(line.k, _finite(line.low), _finite(line.high), color=look["color"], alpha=0.15, linewidth=0)
        axes.plot(line.k[-1], line.median[-1], **styles[entry.grid.label])
        if len(line.k) < largest:
            axes.plot(
                [line.k[-1], largest], [line.median[-1]] * 2, ":", color=look["color"], linewidth=0.7, label="_end"
            )
        values += [value for value in line.median if math.isfinite(value)]
        words = f" ({len(line.k)})  {cost(line.median[-1])}"
        ends.append(End(entry.grid.label, words, line.median[-1], styles[entry.grid.label]))
    axes.set_xscale("log")
    value_axis(axes, values, log=True)
    best = min(values)
    if best > 0:  # the axis ends at ten times the best, but every line's end is in it
        ends_at = max(line.median[-1] for _, line in found)
        axes.set_ylim(best * 0.97, max(ends_at, min(max(values), WORST * best)) * 1.05)
    ticks = [k for k in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000) if k <= largest]
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("settings tried, k")
    axes.set_ylabel(f"best final {axis_label(_metric([found[0][0]]))}, {_seeds(found[0][0])}")
    label_ends(axes, ends, form)


def _finite(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]
