"""Rules on one two-dimensional valley, for `adambench explain --plot`."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from adambench.config.names import origin
from adambench.config.shown import words
from adambench.explanation import CURVATURE, START, descend
from adambench.optimizers import Optimizer
from adambench.show.charts.base import PAGE, Form
from adambench.show.charts.look import look, places
from adambench.show.charts.ticks import short


def valley(rules: Mapping[str, Optimizer], steps: int, form: Form = PAGE) -> Figure:
    """The paths of rules down f(x, y) = ½(x² + 20·y²), every step computed by the rule itself; and f along the way."""
    with form.style():
        figure = form.figure(10.0, 4.2)
        map_, costs = figure.subplots(1, 2)
        x, y = np.meshgrid(np.linspace(-1.3, 1.3, 200), np.linspace(-0.8, 0.8, 200))
        f = (CURVATURE[0] * x**2 + CURVATURE[1] * y**2) / 2
        map_.contour(x, y, f, levels=np.geomspace(0.005, 8, 12), colors="#c8c8c8", linewidths=0.7)
        order = places(origin(rule).name for rule in rules.values())
        for label, rule in rules.items():
            style = look(order[origin(rule).name])
            path = descend(rule, np.zeros((steps, 2))).path
            map_.plot(
                *np.clip(path, -9, 9).T,
                **style,
                markevery=max(1, steps // 12),
                label=f"{label}: {words(rule.hyperparameters)}",
            )
            values = (path**2 @ CURVATURE) / 2
            costs.plot(range(steps + 1), values, **style, markevery=max(1, steps // 8))
        map_.plot(0, 0, "+", color="black", markersize=10)
        map_.plot(*START, "o", color="black", markersize=4)
        map_.set_xlim(-1.3, 1.3)
        map_.set_ylim(-0.8, 0.8)
        map_.set_xlabel("x")
        map_.set_ylabel("y")
        map_.set_title("paths down f(x, y) = ½(x² + 20·y²), from the dot to the cross")
        map_.grid(visible=False)
        costs.set_yscale("log")
        costs.yaxis.set_major_formatter(lambda value, _: short(value))
        costs.set_xlabel("step")
        costs.set_ylabel("f(x, y)")
        costs.set_title("how far down")
        figure.legend(loc="outside lower left", ncols=1)
        return figure
