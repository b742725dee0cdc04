"""What happens inside a rule while it trains: signal-to-noise ratio, effective step, scale and bias correction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adambench.curve import Curve
from adambench.execution.plan import Run
from adambench.inspection import QUANTILES, WHOLE
from adambench.judge import reading
from adambench.optimizers import OPTIMIZERS
from adambench.show.charts.base import GREY, PAGE, Form, note, plain
from adambench.show.charts.look import colour, shade
from adambench.show.charts.ticks import plain_ticks, value_axis
from adambench.show.words import axis_label

BELOW = 100.0  # times below the lowest median: where the axis ends
DASHES = ("-", "--")  # of two runs over each other
ALIKE = 0.05  # medians that differ by less than this share are the same curve


@dataclass(frozen=True)
class Inspected:
    """A run that was inspected. columns: as `inspection.inspect` names them."""

    run: Run
    rule: str
    curve: Curve
    columns: Mapping[str, Sequence[Any]]
    title: str = ""  # of the problem
    beside: Sequence[str] = ()  # the rules of the experiment, which decide its colour if it is not built in

    def part(self, name: str) -> Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """The columns of one part of the parameters, as numbers; without those that the rule does not have."""
        chosen = [i for i, part in enumerate(self.columns["part"]) if part == name]
        return {
            key: np.array([float(values[i]) for i in chosen])
            for key, values in self.columns.items()
            if key != "part" and all(values[i] is not None for i in chosen)
        }


SCALES = {  # of rules whose divisor is not corrected by 1 − β₂ᵗ
    "adamax": "u",
    "adagrad": "\\sqrt{s}",
    "adadelta": "\\sqrt{v}",
    "rmsprop": "\\sqrt{v}",
    "adan": "\\sqrt{\\hat n}",
}
LETTERS = {"adabelief": "s", "yogi": "s"}  # of the mean under the root; v of the others


def _corrects(run: Inspected) -> bool:
    return run.run.hyperparameters.get("bias_correction") is not False


def _scale(runs: Sequence[Inspected]) -> str:
    """What the rules divide by: √v̂ for Adam, √v without its bias correction, u for AdaMax, √s for AdaGrad.

    Of a plug-in's rule it is not known.
    """

    def symbol(run: Inspected) -> str:
        mean = LETTERS.get(run.rule, "v")
        return SCALES.get(run.rule, f"\\sqrt{{\\hat {mean}}}" if _corrects(run) else f"\\sqrt{{{mean}}}")

    return _symbols(runs, symbol, "\\mathrm{divisor}")


def _mean(runs: Sequence[Inspected]) -> str:
    return _symbols(runs, lambda run: "|\\hat m|" if _corrects(run) else "|m|", "|\\mathrm{mean}|")


def _symbols(runs: Sequence[Inspected], symbol: Callable[[Inspected], str], unknown: str) -> str:
    """Each once. unknown: of the rules of plug-ins."""
    found = dict.fromkeys(symbol(run) if run.rule in OPTIMIZERS else unknown for run in runs)
    return ", ".join(f"${symbol}$" for symbol in found)


def inside(runs: Sequence[Inspected], form: Form = PAGE) -> Figure:
    """Panels that share the axis of steps, for one run or two over each other: cost, quantiles over the parameters.

    Quantiles: the median as a line, half of the parameters in the band; for one run, nine tenths in a pale one.
    Where the effective step is the signal-to-noise ratio, as for Adam, one panel shows both.
    """
    tables = [run.part(WHOLE) for run in runs]
    divisor = _scale([run for run, table in zip(runs, tables, strict=True) if _seen(table, "scale")])
    ratio = f"{_mean(runs)}$\\,/\\,${divisor}"
    panels = {
        "snr": f"signal-to-noise ratio\n{ratio}",
        "step": "effective step\n$|\\Delta\\theta|\\,/\\,\\alpha$",
        "scale": f"scale\n{divisor}",
    }
    if all(map(_same, tables)):
        panels["snr"] = f"signal-to-noise ratio\n= effective step\n{ratio}"
        del panels["step"]
    shown = [name for name in panels if any(_seen(table, name) for table in tables)]
    corrections = [_corrected(run, table) for run, table in zip(runs, tables, strict=True)]
    corrected = any(corrections)
    rows = 1 + len(shown) + corrected
    with form.style():
        figure = form.figure(6.4, 1.75 * rows + 0.7)
        grid = list(figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0])
        colours = _colours(runs)
        for run, line, dash in zip(runs, colours, DASHES, strict=False):
            known = [evaluation for evaluation in run.curve if not evaluation.diverged]
            losses = [evaluation.train_loss for evaluation in known]
            grid[0].plot([e.step for e in known], losses, f"o{dash}", markersize=3, color=line, label=run.run.label)
        costs = [evaluation.train_loss for run in runs for evaluation in run.curve if not evaluation.diverged]
        value_axis(grid[0], costs, log=True)
        grid[0].set_ylabel(axis_label("train_loss"))
        figure.legend(loc="outside upper left", ncols=3, title=plain(runs[0].title), alignment="left")
        for name, axes in zip(shown, grid[1:], strict=False):
            having = [one for one in zip(tables, colours, DASHES, strict=False) if _seen(one[0], name)]
            medians = np.concatenate([table[f"{name}_50"] for table, *_ in having])
            bottom = min(medians[np.isfinite(medians) & (medians > 0)], default=1e-3) / BELOW
            for table, line, dash in having:
                _quantiles(axes, table, name, line, bottom, None if len(runs) == 1 else dash)
            axes.set_ylabel(panels[name])
            axes.set_yscale("log")
            plain_ticks(axes.yaxis, [])
            axes.set_ylim(bottom=bottom)
            if name == "step" or "step" not in panels:
                _alpha(axes, name, form)
        if corrected:
            _draw_corrections(grid[-1], tables, corrections, colours)
        for axes in grid:
            axes.set_xscale("log")
            plain_ticks(axes.xaxis, list(tables[0]["step"]))
        grid[-1].set_xlabel("minibatch updates")
        words = "Line: median over all parameters. "
        if len(runs) == 1:
            words += "Dark band: the middle half of them. Pale band: the middle nine tenths. "
        else:
            words += "Between the thin lines of the same colour and dash: the middle half of them. "
        readings = (
            reading.snr(run.run.label, table["step"], table["snr_50"])
            for run, table in zip(runs, tables, strict=True)
            if _seen(table, "snr")
        )
        note(figure, words + " ".join(readings), form)
        return figure


def _seen(table: Mapping[str, Any], name: str) -> bool:
    return f"{name}_50" in table and bool(np.nanmax(table[f"{name}_95"], initial=0) > 0)


def _same(table: Mapping[str, Any]) -> bool:
    """Whether the effective step is the signal-to-noise ratio."""
    if "snr_50" not in table or "step_50" not in table:
        return False
    one, other = table["snr_50"], table["step_50"]
    return bool(np.all(np.abs(one - other) <= ALIKE * np.maximum(one, other)))


def _alpha(axes: Axes, name: str, form: Form) -> None:
    """A line where a weight moves by α."""
    low, high = axes.get_ylim()
    if name == "scale" or not low < 1 < 3 * high:
        return
    axes.axhline(1, color="#999999", linewidth=0.9, linestyle="--", zorder=1)
    axes.annotate("a step of α", (1, 1), (-2, -9), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                  ha="right", color=GREY, fontsize=form.small)  # fmt: skip


def _quantiles(axes: Axes, table: Mapping[str, Any], name: str, colour: str, bottom: float, dash: str | None) -> None:
    """dash: of one run beside another, whose bands overlap, so that they have thin edges instead of outer bands.

    What is below the bottom is drawn there: a logarithmic axis has no zero, and some pixels are never on.
    """
    lowest, low, middle, high, highest = (np.maximum(table[f"{name}_{percent}"], bottom) for percent in QUANTILES)
    steps = table["step"]
    if dash is None:
        axes.fill_between(steps, lowest, highest, color=colour, alpha=0.13, linewidth=0)
        axes.fill_between(steps, low, high, color=colour, alpha=0.22, linewidth=0)
    else:
        axes.fill_between(steps, low, high, color=colour, alpha=0.09, linewidth=0)
        for edge in (low, high):
            axes.plot(steps, edge, dash, color=colour, linewidth=0.6)
    axes.plot(steps, middle, dash or "-", color=colour)


def _corrected(run: Inspected, table: Mapping[str, Any]) -> list[int]:
    """The moments whose bias a rule corrects: the second only if its scale is known to be one, unlike AdaMax's."""
    known = run.rule in OPTIMIZERS and run.rule not in SCALES
    corrected = [(1, "mean_50" in table), (2, "scale_50" in table and known)]
    return [i for i, has in corrected if has and _corrects(run) and f"correction{i}" in table]


def _draw_corrections(
    axes: Axes, tables: Sequence[Mapping[str, Any]], which: Sequence[Sequence[int]], colours: Sequence[str]
) -> None:
    dashes = {1: "-", 2: ":"}
    for table, numbers, line in zip(tables, which, colours, strict=True):
        for i in numbers:
            axes.plot(table["step"], table[f"correction{i}"], dashes[i], color=line)
    for i in sorted({i for numbers in which for i in numbers}):
        axes.plot([], [], dashes[i], color="#555555", label=f"$1-\\beta_{i}^t$")
    axes.set_ylabel("correction\nfactors")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _colours(runs: Sequence[Inspected]) -> list[str]:
    """The colour of each rule; a second run of the same rule gets that of its second variant."""
    first, *colours = (colour(run.rule, run.beside or [one.rule for one in runs]) for run in runs)
    return [first, *(shade(first, 2) if other == first else other for other in colours)]
