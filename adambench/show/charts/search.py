"""The search: what the learning rate does, and what the number of settings tried does."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from adambench.curve import METRICS, Curve
from adambench.judge import analysis, fairness
from adambench.judge.analysis import Sensitivity
from adambench.judge.fairness import Budget
from adambench.run.plan import Entry, by_problem
from adambench.show.charts.base import STYLE, log_axis, panels, style

WORST = 10.0  # times the best: where the heat map's colours end


def sensitivity(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """Final tuning metric against the learning rate, the chosen one circled, diverged ones as crosses at the top.

    None if no rate was tuned.
    """
    found = {
        name: [(entry, line) for entry in members if (line := analysis.sensitivity(entry, curves))]
        for name, members in by_problem(entries).items()
    }
    figure = panels(found, _draw_sensitivity)
    if figure:
        named = {
            label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        with rc_context(STYLE):
            figure.legend(list(named.values()), list(named), loc="outside right upper")
    return figure


def _draw_sensitivity(axes: Axes, lines: Sequence[tuple[Entry, Sensitivity]]) -> None:
    values: list[float] = []
    for entry, line in lines:
        look = style(entry)
        pairs = list(zip(line.rates, line.finals, strict=True))
        finite = [(rate, value) for rate, value in pairs if math.isfinite(value)]
        lost = [rate for rate, value in pairs if not math.isfinite(value)]
        axes.plot(
            [rate for rate, _ in finite], [value for _, value in finite], **look, marker=".", label=entry.grid.label
        )
        axes.plot(lost, [0.98] * len(lost), "x", color=look["color"], transform=axes.get_xaxis_transform())
        chosen = [(rate, value) for rate, value in finite if rate == line.chosen]
        for rate, value in chosen:
            axes.plot(rate, value, "o", markersize=9, fillstyle="none", color=look["color"])
        values += [value for _, value in finite]
    axes.set_xscale("log")
    if values:
        log_axis(axes, values)
    axes.set_xlabel("learning rate (circle: chosen; cross at the top: diverged)")
    metric = lines[0][0].experiment.tuning.metric
    axes.set_ylabel(f"final {METRICS[metric].label} on the tuning seed")


def budget(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """The best of k settings drawn from a grid, against k: median, quartiles as a band. None if nothing was tuned."""
    return panels(
        {
            name: [
                (entry, found)
                for entry in members
                if (found := fairness.budget(entry, curves)) and 0 < found.median[-1] < math.inf
            ]
            for name, members in by_problem(entries).items()
        },
        _draw_budget,
    )


def _draw_budget(axes: Axes, found: Sequence[tuple[Entry, Budget]]) -> None:
    values: list[float] = []
    for entry, line in sorted(found, key=lambda item: -item[1].median[-1]):
        look = style(entry)
        axes.plot(line.k, _finite(line.median), **look, label=f"{entry.grid.label} ({len(line.k)})")
        axes.fill_between(line.k, _finite(line.low), _finite(line.high), color=look["color"], alpha=0.15, linewidth=0)
        values += [value for value in line.median if math.isfinite(value)]
    axes.set_xscale("log")
    log_axis(axes, values)
    best = min(values)
    axes.set_ylim(best * 0.97, min(max(values), WORST * best) * 1.05)
    ticks = [k for k in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500) if k <= max(len(line.k) for _, line in found)]
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.legend()
    axes.set_xlabel("settings tried, drawn from the grid (in brackets: its size)")
    axes.set_ylabel(f"best final {METRICS[found[0][0].experiment.tuning.metric].label}, tuning seed")


def _finite(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def heatmap(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """Optimizer by learning rate: final tuning metric over the best of all, crosses where it diverged.

    None if no rate was tuned.
    """
    return panels(
        {
            name: [
                (entry, finals)
                for entry in members
                if len(finals := analysis.by_rate(entry, curves)) > 1 and 0 < min(finals.values()) < math.inf
            ]
            for name, members in by_problem(entries).items()
        },
        lambda axes, rows: _draw_heatmap(axes, rows, curves),
        width=6.4,
    )


def _draw_heatmap(axes: Axes, rows: Sequence[tuple[Entry, Mapping[float, float]]], curves: Mapping[str, Curve]) -> None:
    rates = sorted({rate for _, finals in rows for rate in finals})
    cells = np.array([[finals.get(rate, math.nan) for rate in rates] for _, finals in rows])
    cells[~np.isfinite(cells)] = math.nan
    image = axes.imshow(
        cells / np.nanmin(cells), cmap="viridis_r", norm=LogNorm(1, WORST), aspect="auto", interpolation="nearest"
    )
    for row, (entry, finals) in enumerate(rows):
        chosen = getattr(entry.best(curves), "lr", None)
        for rate, value in finals.items():
            if not math.isfinite(value):
                axes.plot(rates.index(rate), row, "x", color="#444444", markersize=6)
            if rate == chosen:
                axes.plot(rates.index(rate), row, "o", color="white", markersize=7, fillstyle="none")
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates], rotation=60)
    names = [f"{entry.grid.label}\n{fairness.stable(entry, curves)} decades" for entry, _ in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.grid(visible=False)
    axes.set_xlabel("learning rate (circle: chosen; cross: diverged)")
    assert axes.figure
    bar = axes.figure.colorbar(image, ax=axes, extend="max", ticks=[1, 1.25, 2, 5, 10])
    bar.ax.minorticks_off()
    bar.ax.set_yticklabels(["1", "1.25", "2", "5", "10"])
    bar.set_label("final tuning metric, times the lowest of all")
