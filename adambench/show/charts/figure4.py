"""Figure 4 of the paper: final cost by learning rate for each β₁ and β₂, with bias correction and without."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adambench import paper
from adambench.curve import Curve
from adambench.execution.plan import Entry
from adambench.judge import reading
from adambench.show.charts.base import PAGE, Form, note, plain
from adambench.show.charts.look import colour
from adambench.show.words import title

LINES = {True: ("with bias correction", colour("adam"), "-", 0.97), False: ("without", colour("nesterov"), "--", 0.92)}


def figure4(entries: Sequence[Entry], curves: Mapping[str, Curve], form: Form = PAGE) -> Figure | None:
    """A panel for each β₁ (rows) and β₂ (columns), ours over the paper's points (dotted, pale), on its axes.

    From the tuning runs of the first problem that names half of the paper's figure 4; None if there is none, or no run.
    """
    members = [entry for entry in entries if entry.problem.figure in paper.GRIDS and entry.grid.rule == "adam"]
    found: dict[tuple[float, float, bool], dict[float, float]] = {}
    for entry in members:
        for setting, cost in entry.searched(curves).items():
            if entry.problem == members[0].problem:
                h = setting.hyperparameters
                found.setdefault((h["beta1"], h["beta2"], h["bias_correction"]), {})[math.log10(h["lr"])] = cost
    if not found:
        return None
    drawn = paper.grid(members[0].problem.figure or "")
    rows, columns = (sorted({key[axis] for key in found}) for axis in (0, 1))
    with form.style():
        figure = form.figure(3.1 * len(columns) + 0.6, 2.4 * len(rows) + 1.1)
        grid = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey=True)
        for beta1, line in zip(rows, grid, strict=True):
            for beta2, axes in zip(columns, line, strict=True):
                for corrected in (False, True):
                    key = (beta1, beta2, corrected)
                    _draw(axes, found.get(key, {}), dict(drawn.get(key, [])), *LINES[corrected])
                axes.set_title(f"$\\beta_1$ = {beta1:g}, $\\beta_2$ = {beta2:g}")
        for axes in grid[-1]:
            axes.set_xlabel("$\\log_{10}\\,\\alpha$")
        for line in grid:
            line[0].set_ylabel("final cost (nats)")
        grid[0][0].plot([], [], "o:", color="#555555", markersize=3.5, alpha=0.6, fillstyle="none", label="the paper")
        grid[0][0].set_ylim(paper.GRID_COST)
        grid[0][0].set_xlim(paper.GRID_RATE)
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(
            handles[::-1],
            labels[::-1],
            loc="outside upper left",
            ncols=3,
            title=plain(title(members[0])),
            alignment="left",
        )
        words = "A line that leaves a panel at the top goes on above it. Cross at the top: diverged. "
        by_correction = {
            corrected: [cost for key, costs in found.items() if key[2] is corrected for cost in costs.values()]
            for corrected in (True, False)
        }
        note(figure, words + reading.corrections(by_correction, paper.GRID_COST[1]), form)
        return figure


def _draw(
    axes: Axes,
    ours: Mapping[float, float],
    theirs: Mapping[float, float],
    label: str,
    colour: str,
    dash: str,
    height: float,
) -> None:
    axes.plot(
        list(theirs),
        list(theirs.values()),
        "o:",
        color=colour,
        markersize=3.5,
        linewidth=1,
        alpha=0.5,
        fillstyle="none",
    )
    rates = sorted(ours)
    costs = [ours[rate] if math.isfinite(ours[rate]) else math.nan for rate in rates]
    axes.plot(rates, costs, f".{dash}", color=colour, label=label)
    lost = [rate for rate in rates if not math.isfinite(ours[rate])]
    axes.plot(lost, [height] * len(lost), "x", color=colour, markersize=5, transform=axes.get_xaxis_transform())
