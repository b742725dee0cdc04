"""Convergence: a metric along training, alone or over the paper's own curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from adambench import paper
from adambench.curve import METRICS, Curve, value
from adambench.execution.plan import Entry, Run, by_problem
from adambench.judge import analysis, reading
from adambench.judge.analysis import Band, Estimate
from adambench.show.charts.base import GREY, PAGE, Form, below, note, panels
from adambench.show.charts.ends import End, label_ends, room
from adambench.show.charts.look import colour, looks
from adambench.show.charts.ticks import value_axis
from adambench.show.words import axis_label, estimate, title

LOG_FROM = 3  # a range of more than this factor is drawn on a logarithmic axis
MARKS = 6  # markers on a line, so that it is known without its colour
PAPER: dict[str, Any] = {"linestyle": (0, (1, 1)), "linewidth": 1.3, "alpha": 0.55}
X_NAMES = {"epoch": "epoch", "step": "minibatch updates", "seconds": "CPU seconds of training"}


@dataclass(frozen=True)
class Line:
    """One optimizer on one problem."""

    labels: list[str]  # more than one if their curves are the same
    rule: str
    look: Mapping[str, Any]
    band: Band
    final: Estimate
    together: tuple[int, ...]  # in groups of how many its runs were trained
    metric: str

    @property
    def end(self) -> End:
        """`adam  0.2443 ± 0.0007`, what stands at the end of the line."""
        first, *same = self.labels
        name = " = ".join([first, *same] if len(same) < 3 else [first, f"{len(same)} others"])
        final = estimate(self.final, 100 if METRICS[self.metric].percent else 1)
        words = ": diverged" if self.band.diverged else f"  {final}"
        return End(name, words, _last(self.band), self.look)


def convergence(
    entries: Sequence[Entry],
    curves: Mapping[str, Curve],
    metric: str,
    x: str,
    together: Mapping[str, int] = MappingProxyType({}),
    form: Form = PAGE,
) -> Figure | None:
    """A metric along training, a panel for each problem, mean over the report seeds with their range as a band.

    together: by run id, how many runs were trained together. None if nothing measured that metric.
    """
    found = _found(entries, curves, metric, x, together)
    if not found:
        return None
    alike = len({members[0].problem.model for _, members in _shown(entries, found)}) == 1
    values = [number for lines in found.values() for line in lines for number in _numbers(line.band)]
    log = _spans(values)

    def draw(axes: Axes, content: tuple[Sequence[Line], str]) -> None:
        lines, sentence = content
        own = values if alike else [number for line in lines for number in _numbers(line.band)]
        _draw_lines(axes, lines, x)
        value_axis(axes, own, log, METRICS[metric].percent)
        if alike and len(found) > 1 and own:
            axes.set_ylim(*_limits(own, log))
        axes.set_xlabel(X_NAMES[x])
        axes.set_ylabel(axis_label(metric))
        below(axes, sentence, form)
        label_ends(axes, [line.end for line in lines], form)

    figure = panels(
        {
            title(members[0]): (found[name], " ".join(filter(None, [reading.ranking(members, curves, metric), note_])))
            for name, members in _shown(entries, found)
            for note_ in [_shared(found[name]) if x == "seconds" else ""]
        },
        draw,
        form,
        width=5.9,
        height=4.6,
        least=room(max(map(len, found.values())), form),
    )
    if figure:
        seeds = {line.final.n for lines in found.values() for line in lines}
        note(figure, reading.bands(seeds, METRICS[metric].label), form)
    return figure


def _shared(lines: Sequence[Line]) -> str:
    """What to think of the seconds of these lines, if they share work."""
    return reading.shared_seconds({label: line.together for line in lines for label in line.labels})


def beside_paper(entries: Sequence[Entry], curves: Mapping[str, Curve], form: Form = PAGE) -> Figure | None:
    """Training cost of the optimizers that a figure of the paper shows, over its curves (dotted, pale), on its axes.

    The cost goes on below the paper's axis where ours does. None if no problem names a figure of the paper.
    """
    chosen = [
        entry
        for entry in entries
        if (drawn := entry.problem.figure) in paper.FIGURES and drawn and entry.grid.rule in paper.curves(drawn)
    ]
    found = _found(chosen, curves, "train_loss", "epoch", {})
    by_title = {
        title(members[0]): (members[0].problem.figure or "", found[name]) for name, members in _shown(chosen, found)
    }
    figure = panels(by_title, lambda axes, content: _draw_beside_paper(axes, *content, form), form, 5.9)
    if figure:
        note(figure, "Solid or dashed: ours, mean over the report seeds. Dotted, pale: the paper's own curves.", form)
    return figure


def _draw_beside_paper(axes: Axes, name: str, lines: Sequence[Line], form: Form) -> None:
    for rule, curve in paper.curves(name).items():
        x, y = [point.epoch for point in curve], [point.train_loss for point in curve]
        axes.plot(x, y, color=colour(rule), **PAPER)
    _draw_lines(axes, lines, "epoch")
    figure = paper.FIGURES[name]
    low, high = figure.cost
    lowest = min((cost for line in lines for cost in line.band.low if cost > 0), default=low)
    if lowest < low:  # ours leave the paper's picture: a line where it ends
        axes.axhline(low, color="#999999", linestyle=":", linewidth=0.9)
        axes.annotate("the paper's axis ends here", (0.01, low), (0, 2), xycoords=axes.get_yaxis_transform(),
                      textcoords="offset points", fontsize=form.small, color=GREY)  # fmt: skip
        low = 0.9 * lowest
    value_axis(axes, [low, high], figure.log)
    axes.set_xlim(figure.epochs)
    axes.set_ylim(low, high)
    axes.set_xlabel(X_NAMES["epoch"])
    axes.set_ylabel(axis_label("train_loss"))
    below(axes, reading.beside_paper(_over_paper(name, lines)), form)
    label_ends(axes, [line.end for line in lines], form)


def _over_paper(name: str, lines: Sequence[Line]) -> dict[str, float]:
    """Our cost over the paper's by label, at the last epoch that both have."""
    ratios = {}
    for line in lines:
        ours = dict(zip(line.band.x, line.band.mean, strict=True))
        theirs = {point.epoch: point.train_loss for point in paper.curves(name)[line.rule]}
        if both := ours.keys() & theirs.keys():
            ratios[line.labels[0]] = float(ours[max(both)]) / theirs[max(both)]
    return ratios


def _found(
    entries: Sequence[Entry], curves: Mapping[str, Curve], metric: str, x: str, together: Mapping[str, int]
) -> dict[str, list[Line]]:
    """By problem, the lines to draw; problems without any left out."""
    styles = looks(entry.grid for entry in entries)
    found: dict[str, list[Line]] = {}
    for name, members in by_problem(entries).items():
        lines: list[Line] = []
        for entry in members:
            runs = [run for run in entry.report(curves) if run.id in curves]
            if not runs or not all(was_measured(run, curves[run.id], metric) for run in runs):
                continue
            band = analysis.band(runs, curves, metric, x)
            same = next((line for line in lines if _same(line.band, band)), None)
            if same:
                same.labels.append(entry.grid.label)
                continue
            final = Estimate.of([entry.final(curves[run.id], metric) for run in runs])
            shared = analysis.shared(entry, curves, together) or (1,)
            lines.append(
                Line([entry.grid.label], entry.grid.rule, styles[entry.grid.label], band, final, shared, metric)
            )
        if any(line.band.diverged or _numbers(line.band) for line in lines):
            found[name] = lines
    everything = [number for lines in found.values() for line in lines for number in _numbers(line.band)]
    nothing = metric == "penalty" and not any(everything)
    return {} if nothing else found


def _shown(entries: Sequence[Entry], found: Mapping[str, object]) -> list[tuple[str, list[Entry]]]:
    return [(name, members) for name, members in by_problem(entries).items() if name in found]


def was_measured(run: Run, curve: Curve, metric: str) -> bool:
    """Whether a run measured it. One that diverged in its first epoch has no value, but would have had these."""
    return not math.isnan(value(curve[0], metric)) or (curve[0].diverged and analysis.measures(run, metric))


def _same(one: Band, other: Band) -> bool:
    return len(one.mean) > 0 and np.array_equal(one.mean, other.mean) and np.array_equal(one.x, other.x)


def _numbers(band: Band) -> list[float]:
    return [float(number) for number in (*band.low, *band.high)]


def _spans(values: Sequence[float]) -> bool:
    """Whether a logarithmic axis shows more."""
    positive = [number for number in values if number > 0]
    return bool(positive) and max(positive) > LOG_FROM * min(positive)


def _limits(values: Sequence[float], log: bool) -> tuple[float, float]:
    """One range for panels that are to be compared."""
    low, high = min(values), max(values)
    if log and low > 0:
        room = (high / low) ** 0.04 if high > low else 1.1
        return low / room, high * room
    room = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return (low if log else low - room), high + room


def _last(band: Band) -> float:
    return math.inf if band.diverged or not len(band.mean) else float(band.mean[-1])


def _draw_lines(axes: Axes, lines: Sequence[Line], x: str) -> None:
    for place, line in enumerate(lines):
        band, look = line.band, dict(line.look)
        if len(band.mean) > 1:
            every = max(1, (len(band.mean) - 1) // MARKS)
            look["markevery"] = (place * every // max(1, len(lines)), every)
        axes.plot(band.x, band.mean, **look, label=line.labels[0])
        if len(band.x) > 1:
            axes.fill_between(band.x, band.low, band.high, color=look["color"], alpha=0.15, linewidth=0)
        else:  # a band would have no width
            axes.vlines(band.x, band.low, band.high, color=look["color"], alpha=0.3, linewidth=4)
        if band.diverged:
            axes.plot(band.x[-1:], band.mean[-1:], "x", color=look["color"], markersize=8, markeredgewidth=2)
    if x != "seconds":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if all(len(line.band.x) <= 1 for line in lines):  # a single epoch, in the middle
        ends = [float(line.band.x[0]) for line in lines if len(line.band.x)]
        axes.set_xlim(0, 2 * max(ends, default=1.0))
        if x != "seconds":
            axes.set_xticks([round(end) for end in sorted(set(ends))])
