"""The cost along a rising learning rate, for `adambench lr-find`."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adambench.config.experiment import Grid
from adambench.range_test import Sweep
from adambench.show.charts.base import PAGE, Form, note, panels
from adambench.show.charts.ends import End, label_ends, room
from adambench.show.charts.look import looks
from adambench.show.charts.ticks import plain_ticks, short, value_axis

NOTE = (
    "Smoothed cost of the minibatches while the learning rate rises at each step. Circle: where it falls fastest, "
    "which is suggested; its rate is beside the name. Cross at the top: where the test ended because the cost exploded."
)


def rates(found: Mapping[str, Mapping[str, Sweep]], grids: Mapping[str, Grid], form: Form = PAGE) -> Figure | None:
    """found: by name of a problem and by label. grids: by label."""
    styles = looks(grids.values())

    def draw(axes: Axes, sweeps: Mapping[str, Sweep]) -> None:
        ends = []
        exploded = [label for label, sweep in sweeps.items() if sweep.exploded]
        for label, sweep in sweeps.items():
            look = {key: value for key, value in styles[label].items() if not key.startswith("marker")}
            axes.plot(sweep.rates, sweep.smooth, **look, label=label)
            place = [i for i, rate in enumerate(sweep.rates) if rate == sweep.steepest]
            axes.plot(sweep.rates[place], sweep.smooth[place], "o", markersize=9, fillstyle="none", color=look["color"])
            if sweep.exploded:
                height = 0.98 - 0.03 * exploded.index(label)  # tests often end at the same rate
                axes.plot(sweep.rates[-1:], [height], "x", color=look["color"], transform=axes.get_xaxis_transform())
            ends.append(End(label, f"  {short(sweep.steepest)}", float(sweep.smooth[-1]), look))
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, [float(rate) for sweep in sweeps.values() for rate in sweep.rates])
        value_axis(axes, [float(cost) for sweep in sweeps.values() for cost in sweep.smooth], log=True)
        starts = max(float(sweep.smooth[0]) for sweep in sweeps.values())
        axes.set_ylim(top=1.5 * starts)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("cost of a minibatch (nats)")
        label_ends(axes, ends, form)

    figure = panels(found, draw, form, 5.9, least=room(max(map(len, found.values()), default=0), form))
    if figure:
        note(figure, NOTE, form)
    return figure
