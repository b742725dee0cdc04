"""Numbers on the axes of all charts: where they stand, and how they are written."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

FEWEST_TICKS = 3  # on a logarithmic axis


def value_axis(axes: Axes, values: Sequence[float], log: bool, percent: bool = False) -> None:
    """The vertical axis: linear, or logarithmic with plain numbers. Zeros have a place below the rest.

    percent: the values are shares of one, and are written in per cent.
    """
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    numbers = Numbers(100 if percent else 1)
    if percent:
        axes.yaxis.set_major_formatter(numbers)
    if not log or not positive:
        return
    if any(value == 0 for value in values):
        axes.set_yscale("symlog", linthresh=min(positive), linscale=0.4)
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(numbers)
        axes.set_ylim(bottom=0)
        return
    axes.set_yscale("log")
    plain_ticks(axes.yaxis, positive)
    axes.yaxis.set_major_formatter(numbers)


def plain_ticks(axis: Axis, positive: Sequence[float]) -> None:
    """Plain numbers on a logarithmic axis, as many as its range needs. No values: the powers of ten."""
    spread = max(positive) / min(positive) if len(positive) else math.inf
    if spread < 1000:
        axis.set_major_locator(Places(spread))
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(Numbers())


class Places(LogLocator):
    """Where numbers stand on a logarithmic axis: at 1, 2 and 5, or closer, so that there are at least three."""

    def __init__(self, spread: float) -> None:
        super().__init__(subs=(1, 1.5, 2, 3, 4, 5, 7) if spread < 10 else (1, 2, 5))

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = sorted((vmin, vmax))
        found = super().tick_values(vmin, vmax)
        if sum(low <= place <= high for place in found) >= FEWEST_TICKS:
            return found
        return MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)


class Numbers(Formatter):
    """`short` numbers, with as many figures as tell neighbours apart and show equal steps as equal."""

    def __init__(self, factor: float = 1) -> None:
        self.factor = factor

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002  # as matplotlib has it
        return short(self.factor * value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        numbers = [self.factor * value for value in values]
        steps = [abs(b - a) for a, b in itertools.pairwise(numbers) if a != b]
        exact = 0.01 * min(steps, default=math.inf)
        for figures in range(3, 9):
            words = [short(number, figures) for number in numbers]
            if all(abs(float(word) - number) <= exact for word, number in zip(words, numbers, strict=True)):
                break
        return words


def short(value: float, figures: int = 3) -> str:
    """A number for an axis: 0.5, 3e-4, 3.2e-4, 200; three figures at most, or more if asked for."""
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    if 1e-2 <= abs(value) < 1e4:
        return f"{value:.0f}" if abs(value) >= 100 and figures == 3 else f"{value:.{figures}g}"
    mantissa, exponent = f"{value:.{figures - 2}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
