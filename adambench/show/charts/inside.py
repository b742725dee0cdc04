"""What happens inside a rule while it trains: signal-to-noise ratio, effective step, scale and bias correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adambench.curve import METRICS, Curve
from adambench.inspection import QUANTILES, WHOLE
from adambench.run.plan import Run
from adambench.show.charts.base import COLOURS, STYLE

BELOW = 100.0  # times below the lowest median: where the axis ends
SECOND = "#444444"  # for a second setting of the same rule


@dataclass(frozen=True)
class Inspected:
    """A run that was inspected. columns: as `inspection.inspect` names them."""

    run: Run
    rule: str
    curve: Curve
    columns: Mapping[str, Sequence[Any]]

    def part(self, name: str) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """The columns of one part of the parameters, as numbers; without those that the rule has not."""
        chosen = [i for i, part in enumerate(self.columns["part"]) if part == name]
        return {
            key: np.array([float(values[i]) for i in chosen])
            for key, values in self.columns.items()
            if key != "part" and all(values[i] is not None for i in chosen)
        }


PANELS = {
    "snr": "signal-to-noise ratio\n$|\\hat m|\\,/\\sqrt{\\hat v}$",
    "step": "effective step\n$|\\Delta\\theta|\\,/\\,\\alpha$",
    "scale": "scale\n$\\sqrt{\\hat v}$, $u$ or $\\sqrt{s}$",
}


def inside(runs: Sequence[Inspected]) -> Figure:
    """Panels that share the axis of steps, for one run or two over each other: cost, quantiles over the parameters.

    Quantiles: the median as a line, half of the parameters in the band; for one run, nine tenths in a pale one.
    """
    tables = [run.part(WHOLE) for run in runs]
    shown = [name for name in PANELS if any(f"{name}_50" in table for table in tables)]
    corrected = any(f"correction{i}" in table for table in tables for i in (1, 2))
    rows = 1 + len(shown) + corrected
    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 1.85 * rows + 0.5), layout="constrained")
        grid = list(figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0])
        colours = _colours(runs)
        for run, colour in zip(runs, colours, strict=True):
            known = [evaluation for evaluation in run.curve if not evaluation.diverged]
            costs = [evaluation.train_loss for evaluation in known]
            grid[0].plot([e.step for e in known], costs, ".-", color=colour, label=run.run.label)
        grid[0].set_yscale("log")
        grid[0].set_ylabel(METRICS["train_loss"].label)
        grid[0].legend()
        for name, axes in zip(shown, grid[1:], strict=False):
            having = [(table, colour) for table, colour in zip(tables, colours, strict=True) if f"{name}_50" in table]
            medians = np.concatenate([table[f"{name}_50"] for table, _ in having])
            bottom = min(medians[np.isfinite(medians) & (medians > 0)], default=1e-3) / BELOW
            for table, colour in having:
                _quantiles(axes, table, name, colour, bottom, outer=len(runs) == 1)
            axes.set_ylabel(PANELS[name])
            axes.set_yscale("log")
            axes.set_ylim(bottom=bottom)
            if name == "step":
                axes.axhline(1, color="#999999", linewidth=0.9, linestyle="--", zorder=1)
                axes.annotate("α", (1, 1), (4, -4), xycoords=axes.get_yaxis_transform(), textcoords="offset points")
        if corrected:
            _corrections(grid[-1], tables, colours)
        for axes in grid:
            axes.set_xscale("log")
        grid[-1].set_xlabel("minibatch updates")
        return figure


def _quantiles(axes: Axes, table: Mapping[str, Any], name: str, colour: str, bottom: float, outer: bool) -> None:
    """What is below the bottom is drawn there: a logarithmic axis has no zero, and some pixels are never on."""
    lowest, low, middle, high, highest = (np.maximum(table[f"{name}_{percent}"], bottom) for percent in QUANTILES)
    if outer:
        axes.fill_between(table["step"], lowest, highest, color=colour, alpha=0.13, linewidth=0)
    axes.fill_between(table["step"], low, high, color=colour, alpha=0.22, linewidth=0)
    axes.plot(table["step"], middle, color=colour)


def _corrections(axes: Axes, tables: Sequence[Mapping[str, Any]], colours: Sequence[str]) -> None:
    for table, colour in zip(tables, colours, strict=True):
        for i, line in ((1, "-"), (2, "--")):
            if f"correction{i}" in table:
                axes.plot(table["step"], table[f"correction{i}"], line, color=colour)
    for i, line in ((1, "-"), (2, "--")):
        axes.plot([], [], line, color="#555555", label=f"$1-\\beta_{i}^t$")
    axes.set_ylabel("correction factors")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="lower right")


def _colours(runs: Sequence[Inspected]) -> list[str]:
    first, *others = runs
    return [COLOURS[first.rule], *(SECOND if run.rule == first.rule else COLOURS[run.rule] for run in others)]
