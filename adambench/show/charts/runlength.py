"""Over all problems at once: performance profiles, and ECDFs of run lengths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from adambench.curve import METRICS, Curve
from adambench.execution.plan import Entry
from adambench.judge import reading, runlength
from adambench.judge.analysis import Band
from adambench.judge.runlength import Lengths
from adambench.show.charts.base import PAGE, Form, below, note, panels
from adambench.show.charts.convergence import MARKS
from adambench.show.charts.ends import End, label_ends, room
from adambench.show.charts.look import looks
from adambench.show.charts.ticks import plain_ticks
from adambench.show.terminal import plural

SHARED = (
    "Runs that were trained together share work: compare the seconds of those only that were trained in equal numbers, "
    "which `adambench fairness` tells."
)
UNITS = {"epoch": "epochs", "step": "minibatch updates", "seconds": "CPU seconds of training"}


@dataclass(frozen=True)
class _Kind:
    """title and start: in words, the chart and what stands at its left end. axis: of x, with a place for the unit."""

    title: str
    lines: Callable[[Lengths], Mapping[str, Band]]
    axis: str
    start: str


KINDS = {
    "profile": _Kind(
        "Performance profile",
        runlength.profile,
        "run length over that of the fastest, τ ({})",
        "Fastest on most targets",
    ),
    "ecdf": _Kind("ECDF of run lengths", runlength.ecdf, "run length ({})", "Most targets reached at the left end"),
}


def run_lengths(
    kind: str,
    entries: Sequence[Entry],
    curves: Mapping[str, Curve],
    metric: str = "train_loss",
    unit: str = "epoch",
    together: Mapping[str, int] = MappingProxyType({}),
    form: Form = PAGE,
) -> Figure | None:
    """The share of targets that each optimizer reached, against the run length.

    kind: profile, where the run length is that over the fastest optimizer's, τ; or ecdf. together: by run id, how many
    runs were trained together. None as for `runlength.lengths`.
    """
    found = runlength.lengths(entries, curves, metric, unit)
    if not found:
        return None
    chart, styles = KINDS[kind], looks(entry.grid for entry in entries)
    name = entries[0].experiment.name
    count = f"{plural(len(found.problems), 'problem')}, {found.targets} targets"
    title = f"{chart.title} of {name}: {count} of {METRICS[metric].label}"

    def draw(axes: Axes, content: Mapping[str, Band]) -> None:
        for place, (label, line) in enumerate(content.items()):
            _draw_steps(axes, line, {**styles[label], "label": label}, place / len(content))
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, axes.get_xlim())
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=None))
        axes.set_xlabel(chart.axis.format(UNITS[unit]))
        axes.set_ylabel("targets reached (%)")
        below(axes, reached(content, chart.start), form)
        ends = {label: float(line.mean[-1]) for label, line in content.items()}
        label_ends(
            axes,
            [End(label, f"  {100 * end:.0f} %", end, styles[label]) for label, end in ends.items()],
            form,
        )

    lines = chart.lines(found)
    figure = panels({title: lines}, draw, form, 7.2, 4.6, room(len(lines), form))
    if figure:
        said = [targets(found)]
        groups = {together.get(run.id, 1) for entry in entries for run in entry.report(curves)}
        if unit == "seconds" and groups != {1}:
            said.append(SHARED)
        note(figure, " ".join(filter(None, said)), form)
    return figure


def _draw_steps(axes: Axes, line: Band, look: Mapping[str, Any], shift: float) -> None:
    """A step function with its band, on to the end of the axis. shift: from 0 to 1, of the markers along the line."""
    end = line.x[-1] * max(1.02, (line.x[-1] / line.x[0]) ** 0.02)
    x, mean, low, high = (
        np.append(part, last)
        for part, last in zip(
            (line.x, line.mean, line.low, line.high), (end, line.mean[-1], line.low[-1], line.high[-1]), strict=True
        )
    )
    every = max(1, len(x) // MARKS)
    axes.plot(x, mean, **look, drawstyle="steps-post", markevery=(int(shift * every), every))
    axes.fill_between(x, low, high, step="post", color=look["color"], alpha=0.15, linewidth=0)
    axes.set_xlim(x[0], end)


def reached(lines: Mapping[str, Band], start: str) -> str:
    """Which optimizer reached most targets at the start, and which most and fewest at all.

    lines: shares, by label. start: what the first of them are, in words.
    """
    first, last = ({label: float(line.mean[i]) for label, line in lines.items()} for i in (0, -1))
    said = [
        f"{words}: {reading.listed(label for label, share in shares.items() if share == end)}, {100 * end:.0f} %"
        for words, shares, end in (
            (start, first, max(first.values())),
            ("Most reached in the end", last, max(last.values())),
            ("fewest", last, min(last.values())),
        )
    ]
    return f"{said[0]}. {said[1]}; {said[2]}." if max(first.values()) else f"{said[1]}; {said[2]}."


def targets(found: Lengths) -> str:
    """What a target is, what line and band are, and which optimizers are missing."""
    count, n = found.targets // len(found.problems), len(found.seeds)
    said = [
        f"Targets: on each problem {count} levels of the {METRICS[found.metric].label}, by equal factors from the "
        "median after the first epoch to the best final one of any run. A target that is never reached counts too.",
        f"Line: mean of {n} seeds. Band: from the lowest to the highest of them." if n > 1 else "One seed.",
        f"Not on every problem: {', '.join(found.left_out)}." if found.left_out else "",
    ]
    return " ".join(filter(None, said))
