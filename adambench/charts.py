"""Numbers -> matplotlib figures that look like the paper's. No file is read or written here."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

from adambench import analysis
from adambench.analysis import Band, Sensitivity
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Entry, by_problem

T = TypeVar("T")

# One colour a rule, everywhere; the registry's order. A rule beyond the list starts it again.
PALETTE = ["#7f7f7f", "#b5a642", "#2ca02c", "#1f77b4", "#17a2b8", "#8e63ce", "#d62728", "#e377c2", "#ff7f0e"]
COLOURS = {rule: PALETTE[index % len(PALETTE)] for index, rule in enumerate(OPTIMIZERS)}
DASHES = ["-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5))]  # labels of the same rule, one after the other

STYLE: Any = {
    "font.size": 10,
    "font.family": "serif",
    "font.serif": ["DejaVu Serif"],
    "mathtext.fontset": "dejavuserif",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "legend.fontsize": 9,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "svg.hashsalt": "adambench",  # the same numbers give the same file
}

Y_NAMES = {
    "train_loss": "training cost",
    "test_loss": "test cost",
    "test_error": "test error",
    "full_train_loss": "cost on the training set, dropout off",
    "full_train_error": "error on the training set, dropout off",
    "penalty": "L2 term",
}
X_NAMES = {"epoch": "iterations over entire dataset", "step": "minibatch updates", "seconds": "CPU seconds of training"}
LOG_FROM = 3  # a range of more than this factor is drawn on a logarithmic axis


def convergence(entries: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str) -> Figure | None:
    """A metric along training, a panel a problem, mean over the report seeds with their range as a band.

    None if nothing measured that metric.
    """
    return _figure(
        {name: _bands(members, curves, metric, x) for name, members in by_problem(entries).items()},
        lambda axes, bands: _draw_bands(axes, bands, metric, x),
    )


def sensitivity(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """Final tuning metric against the learning rate, the chosen one circled, diverged ones as crosses at the top.

    None if no rate was tuned.
    """
    found = {
        name: [(entry, line) for entry in members if (line := analysis.sensitivity(entry, curves))]
        for name, members in by_problem(entries).items()
    }
    figure = _figure(found, _draw_sensitivity)
    if figure:
        named = {
            label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        with rc_context(STYLE):
            figure.legend(list(named.values()), list(named), loc="outside right upper")
    return figure


def growth(numbers: Mapping[str, Mapping[int, float]]) -> Figure:
    """How a step of Adam grows with hidden units, batch size and settings, and the runs an hour with jobs."""
    with rc_context(STYLE):
        figure = Figure(figsize=(3.4 * len(numbers), 3.2), layout="constrained")
        for axes, (name, found) in zip(
            figure.subplots(1, len(numbers), squeeze=False)[0], numbers.items(), strict=True
        ):
            scale, unit = (1, "MLP runs an hour") if name == "jobs" else (1e3, "ms a step")
            values = [scale * value for value in found.values()]
            axes.loglog(list(found), values, "o-", color=COLOURS["adam"])
            _log(axes, values)
            axes.set_xticks(list(found), [str(size) for size in found], rotation=45 if max(found) > 999 else 0)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(name)
            axes.set_ylabel(unit + (" and setting" if name.startswith("settings") else ""))
        return figure


def _bands(members: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str) -> list[tuple[Entry, Band]]:
    """What there is to draw of a metric, the line that ends highest first: the order of the legend."""
    found = []
    for entry in members:
        runs = [run for run in entry.report(curves) if run.id in curves]
        if runs and all(getattr(curves[run.id][0], metric) is not None for run in runs):
            found.append((entry, analysis.band(runs, curves, metric, x)))
    return sorted(found, key=lambda item: -item[1].mean[-1] if len(item[1].mean) else -math.inf)


def _draw_bands(axes: Axes, bands: Sequence[tuple[Entry, Band]], metric: str, x: str) -> None:
    for entry, band in bands:
        style = _style(entry)
        label = entry.grid.label + (" (diverged)" if band.diverged else "")
        axes.plot(band.x, band.mean, **style, label=label)
        axes.fill_between(band.x, band.low, band.high, color=style["color"], alpha=0.18, linewidth=0)
        if band.diverged:
            axes.plot(band.x[-1:], band.mean[-1:], "x", color=style["color"], markersize=7)
    values = [value for _, band in bands for value in (*band.low, *band.high) if value > 0]
    if values and max(values) > LOG_FROM * min(values):
        _log(axes, values)
    if metric.endswith("error"):
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    if x == "epoch":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    axes.set_xlabel(X_NAMES[x])
    axes.set_ylabel(Y_NAMES[metric])


def _draw_sensitivity(axes: Axes, lines: Sequence[tuple[Entry, Sensitivity]]) -> None:
    values: list[float] = []
    for entry, line in lines:
        style = _style(entry)
        pairs = list(zip(line.rates, line.finals, strict=True))
        finite = [(rate, value) for rate, value in pairs if math.isfinite(value)]
        lost = [rate for rate, value in pairs if not math.isfinite(value)]
        axes.plot(
            [rate for rate, _ in finite], [value for _, value in finite], **style, marker=".", label=entry.grid.label
        )
        axes.plot(lost, [0.98] * len(lost), "x", color=style["color"], transform=axes.get_xaxis_transform())
        chosen = [(rate, value) for rate, value in finite if rate == line.chosen]
        for rate, value in chosen:
            axes.plot(rate, value, "o", markersize=9, fillstyle="none", color=style["color"])
        values += [value for _, value in finite]
    axes.set_xscale("log")
    if values:
        _log(axes, values)
    axes.set_xlabel("learning rate (circle: chosen; cross at the top: diverged)")
    metric = lines[0][0].experiment.tuning.metric
    axes.set_ylabel(f"final {Y_NAMES[metric]} on the tuning seed")


def _style(entry: Entry) -> dict[str, Any]:
    """Colour by rule; labels of one rule on one problem differ in their dashes."""
    same = [grid.label for grid in entry.problem.grids if grid.rule == entry.grid.rule]
    return {"color": COLOURS[entry.grid.rule], "linestyle": DASHES[same.index(entry.grid.label) % len(DASHES)]}


def save(figure: Figure, kind: str, origin: str) -> bytes:
    """The figure as a png, svg or pdf file, with its origin in the metadata.

    The same figure gives the same bytes: no date is kept.
    """
    metadata = {
        "png": {"Description": origin},
        "svg": {"Description": origin, "Date": None},
        "pdf": {"Subject": origin, "CreationDate": None},
    }
    file = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(file, format=kind, metadata=metadata[kind])
    return file.getvalue()


def _figure(panels: Mapping[str, Sequence[T]], draw: Callable[[Axes, Sequence[T]], None]) -> Figure | None:
    """A panel for each problem that there is something to draw of, side by side; None if there is none."""
    shown = {name: content for name, content in panels.items() if content}
    if not shown:
        return None
    with rc_context(STYLE):
        figure = Figure(figsize=(5.4 * len(shown), 4.2), layout="constrained")
        for axes, (name, content) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
            draw(axes, content)
            axes.set_title(name)
        return figure


def _log(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic y axis; where it spans few decades, with 0.1, 0.2, 0.5, 1 and not the powers of ten alone."""
    axes.set_yscale("log")
    if max(values) < 1000 * min(values):
        narrow = max(values) < 10 * min(values)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7) if narrow else (1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
