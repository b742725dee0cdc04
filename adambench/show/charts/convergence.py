"""Convergence: a metric along training, alone or over the paper's own curves."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from adambench import paper
from adambench.curve import METRICS, Curve, value
from adambench.judge import analysis
from adambench.judge.analysis import Band
from adambench.run.plan import Entry, by_problem
from adambench.show.charts.base import COLOURS, X_NAMES, log_axis, panels, style

LOG_FROM = 3  # a range of more than this factor is drawn on a logarithmic axis


def convergence(entries: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str) -> Figure | None:
    """A metric along training, a panel a problem, mean over the report seeds with their range as a band.

    None if nothing measured that metric.
    """
    return panels(
        {name: _bands(members, curves, metric, x) for name, members in by_problem(entries).items()},
        lambda axes, bands: _draw_bands(axes, bands, metric, x),
    )


def beside_paper(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """Training cost of the optimizers that a figure of the paper shows, over its curves (dashed, pale), on its axes.

    The cost goes on below the paper's axis where ours does. None if no problem names a figure of the paper.
    """
    found = {}
    for name, members in by_problem(entries).items():
        if (drawn := members[0].problem.figure) in paper.FIGURES and drawn:
            shown = [entry for entry in members if entry.grid.rule in paper.curves(drawn)]
            found[name] = _bands(shown, curves, "train_loss", "epoch")
    return panels(found, _draw_beside_paper)


def _draw_beside_paper(axes: Axes, bands: Sequence[tuple[Entry, Band]]) -> None:
    name = bands[0][0].problem.figure or ""
    for rule, curve in paper.curves(name).items():
        x, y = [point.epoch for point in curve], [point.train_loss for point in curve]
        axes.plot(x, y, color=COLOURS[rule], linestyle=(0, (4, 1.6)), linewidth=1.3, alpha=0.5)
    _draw_bands(axes, bands, "train_loss", "epoch")
    figure = paper.FIGURES[name]
    low, high = figure.cost
    lowest = min((cost for _, band in bands for cost in band.low if cost > 0), default=low)
    if lowest < low:  # ours leave the paper's picture: a line where it ends
        axes.axhline(low, color="#999999", linestyle=":", linewidth=0.9)
        low = 0.9 * lowest
    if figure.log:
        log_axis(axes, (low, high))
    else:
        axes.set_yscale("linear")
    axes.set_xlim(figure.epochs)
    axes.set_ylim(low, high)
    lines, labels = axes.get_legend_handles_labels()
    dashes = Line2D([], [], color="#555555", linestyle=(0, (4, 1.6)), linewidth=1.3, alpha=0.6)
    axes.legend([*lines, dashes], [*labels, f"the paper, figure {name}"], ncols=2)


def _bands(members: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str) -> list[tuple[Entry, Band]]:
    """What there is to draw of a metric, the line that ends highest first: the order of the legend."""
    found = []
    for entry in members:
        runs = [run for run in entry.report(curves) if run.id in curves]
        if runs and all(_measured(curves[run.id], metric) for run in runs):
            found.append((entry, analysis.band(runs, curves, metric, x)))
    return sorted(found, key=lambda item: -item[1].mean[-1] if len(item[1].mean) else -math.inf)


def _measured(curve: Curve, metric: str) -> bool:
    return not math.isnan(value(curve[0], metric)) or (curve[0].diverged and METRICS[metric].compares)


def _draw_bands(axes: Axes, bands: Sequence[tuple[Entry, Band]], metric: str, x: str) -> None:
    for entry, band in bands:
        look = style(entry)
        label = entry.grid.label + (" (diverged)" if band.diverged else "")
        axes.plot(band.x, band.mean, **look, label=label)
        axes.fill_between(band.x, band.low, band.high, color=look["color"], alpha=0.18, linewidth=0)
        if band.diverged:
            axes.plot(band.x[-1:], band.mean[-1:], "x", color=look["color"], markersize=7)
    values = [value for _, band in bands for value in (*band.low, *band.high) if value > 0]
    if values and max(values) > LOG_FROM * min(values):
        log_axis(axes, values)
    if METRICS[metric].percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    if x == "epoch":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    axes.set_xlabel(X_NAMES[x])
    axes.set_ylabel(METRICS[metric].label)
