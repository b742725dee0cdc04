"""What `adambench bench --growth` found."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from adambench.show.charts.base import PAGE, Form
from adambench.show.charts.look import colour
from adambench.show.charts.ticks import value_axis


def growth(numbers: Mapping[str, Mapping[int, float]], form: Form = PAGE) -> Figure:
    """How a step of Adam grows with hidden units, batch size and settings, runs an hour with jobs, and planning."""
    with form.style():
        figure = form.figure(3.4 * len(numbers), 3.2)
        panels = figure.subplots(1, len(numbers), squeeze=False)[0]
        for axes, (name, found) in zip(panels, numbers.items(), strict=True):
            scale, unit = (1, "MLP runs of 100 steps an hour") if name == "jobs" else (1e3, "ms a step")
            unit = "ms a run, training left out" if name.startswith("runs") else unit
            values = [scale * value for value in found.values()]
            axes.set_xscale("log")
            axes.plot(list(found), values, "o-", color=colour("adam"))
            value_axis(axes, values, log=True)
            axes.set_xticks(list(found), [str(size) for size in found], rotation=45 if max(found) > 999 else 0)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(name)
            axes.set_ylabel(unit + (" and setting" if name.startswith("settings") else ""))
        return figure
