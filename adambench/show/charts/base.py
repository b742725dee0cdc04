"""What all figures share: colours, type, panels side by side, logarithmic axes, and files of them."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from adambench.optimizers import OPTIMIZERS
from adambench.run.plan import Entry

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

X_NAMES = {"epoch": "iterations over entire dataset", "step": "minibatch updates", "seconds": "CPU seconds of training"}


def style(entry: Entry) -> dict[str, Any]:
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


def panels(
    contents: Mapping[str, Sequence[T]], draw: Callable[[Axes, Sequence[T]], None], width: float = 5.4
) -> Figure | None:
    """A panel for each problem that there is something to draw of, side by side; None if there is none."""
    shown = {name: content for name, content in contents.items() if content}
    if not shown:
        return None
    with rc_context(STYLE):
        figure = Figure(figsize=(width * len(shown), 4.2), layout="constrained")
        for axes, (name, content) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
            draw(axes, content)
            axes.set_title(name)
        return figure


def log_axis(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic y axis; where it spans few decades, with 0.1, 0.2, 0.5, 1 and not the powers of ten alone."""
    axes.set_yscale("log")
    if max(values) < 1000 * min(values):
        narrow = max(values) < 10 * min(values)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7) if narrow else (1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
