"""Given curves, such as the paper's, under those of the settings that come nearest to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from adambench.judge.match import Fit, Match
from adambench.show.charts.base import PAGE, Form, below, note, panels
from adambench.show.charts.convergence import LOG_FROM
from adambench.show.charts.ends import End, label_ends
from adambench.show.charts.look import look, places
from adambench.show.charts.ticks import value_axis
from adambench.show.matching import explained, heading, percent, place, sentence, setting

SHOWN, MOST = 3, 6  # fits of a curve: as a rule, and at most
BELOW = 20.0  # times below the curve: where the axis ends, if ours go so low


def matching(
    found: Sequence[Match], titles: Mapping[str, str], nearest: int = SHOWN, form: Form = PAGE
) -> Figure | None:
    """A panel for each curve that has a fit: the curve as a broad pale line, the nearest settings over it.

    titles: a line on what each problem is, by its place. nearest: how many settings; at most MOST are drawn.
    """
    shown = min(nearest, MOST)
    order = places(fit.candidate.rule for match in found for fit in match.fits)
    several = len({fit.candidate.experiment for match in found for fit in match.fits}) > 1

    def end(match: Match, fit: Fit, value: float, look: Mapping[str, Any]) -> End:
        name = place(fit) if several else fit.candidate.problem
        return End(name, f"\n{setting(match, fit)}: {percent(fit.rms)}", value, look)

    def draw(axes: Axes, match: Match) -> None:
        target, ends = match.target, []
        low, high = float(target.costs.min()), float(target.costs.max())
        lowest = low / 1.25
        axes.plot(target.epochs, target.costs, color="#999999", linewidth=4.5, alpha=0.45, solid_capstyle="butt")
        for i, fit in enumerate(match.fits[:shown]):
            style = {**look(order[fit.candidate.rule], i), "marker": ""}
            costs = np.exp(np.mean(np.log(fit.candidate.costs), axis=0))
            costs = costs[: int(target.epochs[-1])]
            axes.plot(np.arange(1, len(costs) + 1), costs, **style)
            ends.append(end(match, fit, float(costs[-1]), style))
            lowest = min(lowest, float(costs.min()))
        lowest = max(lowest, low / BELOW)
        value_axis(axes, [lowest, high], log=high > LOG_FROM * lowest)
        axes.set_ylim(lowest / 1.1, high * 1.15)
        axes.set_xlim(0, float(target.epochs[-1]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("training cost (nats)")
        below(axes, sentence(match), form)
        label_ends(axes, ends, form)

    figure = panels({heading(match.target.name): match for match in found if match.fits}, draw, form, 5.9)
    if figure:
        how = "Broad, grey: the given curve. Thin: the nearest settings, mean over their runs, with the rms distance."
        note(figure, "\n".join([how, *explained(found, shown, titles)]), form)
    return figure
