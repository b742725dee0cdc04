"""Numbers -> matplotlib figures that look like the paper's. No file is read or written here."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from adambench import __version__, analysis
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Entry

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
    "legend.frameon": False,
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
LOG_FROM = 5  # a range of more than this factor is drawn on a logarithmic axis


def panels(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The entries by problem: a panel each."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.problem.name, []).append(entry)
    return grouped


def convergence(entries: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str) -> Figure | None:
    """A metric along training, a panel a problem, mean over the report seeds with their range as a band.

    None if nothing measured that metric.
    """

    def draw(axes: Axes, members: Sequence[Entry]) -> bool:
        bands = {}
        for entry in members:
            runs = [run for run in entry.report(curves) if run.id in curves]
            if all(getattr(curves[run.id][0], metric) is not None for run in runs):
                bands[entry.grid.label] = analysis.band(runs, curves, metric, x)
        drawn = []
        for entry, style in zip(members, styles(members), strict=True):
            band = bands.get(entry.grid.label)
            if band is None:
                if any(run.id in curves for run in entry.report(curves)):
                    axes.plot([], [], **style, label=f"{entry.grid.label} (diverged)")
                continue
            (line,) = axes.plot(band.x, band.mean, **style, label=entry.grid.label)
            axes.fill_between(band.x, band.low, band.high, color=style["color"], alpha=0.18, linewidth=0)
            if band.diverged:
                axes.plot(band.x[-1], band.mean[-1], marker="x", color=style["color"], markersize=7)
                line.set_label(f"{entry.grid.label} (diverged)")
            drawn.append((float(band.mean[-1]), line))
        if not drawn:
            return False
        shown = [band for band in bands.values() if band]
        values = [value for band in shown for value in (*band.low, *band.high)]
        percent = metric.endswith("error")
        _log_if_wide(axes, [value for value in values if value > 0], percent)
        if x == "epoch":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, labels = axes.get_legend_handles_labels()
        last: dict[Any, float] = {line: value for value, line in drawn}
        order = sorted(range(len(handles)), key=lambda i: last.get(handles[i], math.inf), reverse=True)
        axes.legend([handles[i] for i in order], [labels[i] for i in order])
        axes.set_xlabel(X_NAMES[x])
        axes.set_ylabel(Y_NAMES[metric])
        return True

    return _figure(panels(entries), draw)


def sensitivity(entries: Sequence[Entry], curves: Mapping[str, Curve]) -> Figure | None:
    """Final tuning metric against the learning rate, the chosen one circled, diverged ones as crosses at the top."""

    def draw(axes: Axes, members: Sequence[Entry]) -> bool:
        lines = []
        for entry, style in zip(members, styles(members), strict=True):
            found = analysis.sensitivity(entry, curves)
            if found is None:
                continue
            finite = [(rate, value) for rate, value in zip(found.rates, found.finals, strict=True) if value < math.inf]
            lost = [rate for rate, value in zip(found.rates, found.finals, strict=True) if value == math.inf]
            axes.plot(*zip(*finite, strict=True) if finite else ([], []), **style, marker=".", label=entry.grid.label)
            axes.plot(lost, [0.98] * len(lost), "x", color=style["color"], transform=axes.get_xaxis_transform())
            for rate, value in finite:
                if rate == found.chosen:
                    axes.plot(rate, value, "o", markersize=9, fillstyle="none", color=style["color"])
            lines += [value for _, value in finite]
        if not lines:
            return False
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain_log_ticks(axes, lines)
        axes.legend()
        axes.set_xlabel("learning rate (circle: chosen, cross at the top: diverged)")
        axes.set_ylabel(f"final {Y_NAMES[members[0].experiment.tuning.metric]}, tuning seed")
        return True

    return _figure(panels(entries), draw)


def styles(members: Sequence[Entry]) -> list[dict[str, Any]]:
    """Colour by rule; labels of one rule differ in their dashes."""
    seen: dict[str, int] = {}
    found = []
    for entry in members:
        rule = entry.grid.rule
        index = seen[rule] = seen.get(rule, -1) + 1
        found.append({"color": COLOURS[rule], "linestyle": DASHES[index % len(DASHES)]})
    return found


def save(figure: Figure, kind: str, title: str) -> bytes:
    """The figure as a png, svg or pdf file. The same figure gives the same bytes: no date is kept."""
    metadata = {
        "png": {"Title": title, "Software": f"adambench {__version__}"},
        "svg": {"Title": title, "Creator": f"adambench {__version__}", "Date": None},
        "pdf": {"Title": title, "Creator": f"adambench {__version__}", "CreationDate": None},
    }
    file = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(file, format=kind, metadata=metadata[kind])
    return file.getvalue()


def _figure(grouped: Mapping[str, Sequence[Entry]], draw: Callable[[Axes, Sequence[Entry]], bool]) -> Figure | None:
    """A panel for each problem that `draw` has something for, side by side; None if it has nothing for any."""
    with rc_context(STYLE):
        figure = Figure(layout="constrained")
        kept = 0
        for name, members in grouped.items():
            axes = figure.add_subplot(1, len(grouped), kept + 1)
            axes.set_title(name)
            if draw(axes, members):
                kept += 1
            else:
                axes.remove()
        if not kept:
            return None
        for index, axes in enumerate(figure.axes):
            axes.set_subplotspec(figure.add_gridspec(1, kept)[index])
        figure.set_size_inches(5.4 * kept, 4.2)
        return figure


def _log_if_wide(axes: Axes, values: Sequence[float], percent: bool) -> None:
    if values and max(values) > LOG_FROM * min(values):
        axes.set_yscale("log")
        _plain_log_ticks(axes, values)
    if percent:
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        if axes.get_yscale() == "log":
            axes.yaxis.set_minor_formatter(NullFormatter())


def _plain_log_ticks(axes: Axes, values: Sequence[float]) -> None:
    """0.1, 0.2, 0.5, 1 and not 10⁻¹ alone, where the axis spans few decades."""
    if max(values) < 1000 * min(values):
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
