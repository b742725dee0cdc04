"""Labels at the ends of lines, so that no legend is needed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from adambench.show.charts.base import LINE, Form, letters, panel_width, shortened

INK = "#222222"  # of words: the colours of lines are too pale for small type


@dataclass(frozen=True)
class End:
    """What is written at the end of a line."""

    name: str  # or several; shortened if they are long
    words: str  # what follows
    value: float  # where the line ends; infinite or nan: at the top
    look: Mapping[str, Any]  # of the line: colour, dash and perhaps a marker


def room(most: int, form: Form) -> float:
    """Inches of height that a panel with so many labels needs. Without any, its vertical axis has room for its name."""
    return 0.3 + _around(form) + form.scale * max(2.3, LINE * most)


def _around(form: Form) -> float:
    """Inches of height that title, axis and sentences take; in narrow figures and larger type they have more lines."""
    return form.scale * (0.8 + 0.8 * form.scale * max(1.0, 5.9 / (form.width or 5.9)))


def label_ends(axes: Axes, ends: Sequence[End], form: Form) -> None:
    """Write at the right of a panel what its lines are, at the height where they end, without covering each other.

    Limits and scale of the axes must be set. Thin lines lead from where a line ends to a piece of it, and to its words.
    """
    figure = axes.figure
    assert figure
    if not ends:
        return
    tall = figure.get_figheight() / _rows(axes)  # type: ignore[union-attr]
    lines = max(1 + (end.name + end.words).count("\n") for end in ends)
    gap = form.scale * LINE * lines / max(0.5, tall - _around(form))
    low, high = axes.get_ylim()
    transform = axes.yaxis.get_transform()
    bottom, top = (transform.transform(np.array([limit])).item() for limit in (low, high))

    def height(value: float) -> float:
        inside = min(max(value, low), high) if math.isfinite(value) else high
        place = (transform.transform(np.array([inside])).item() - bottom) / (top - bottom)
        return place if math.isfinite(place) else 0.0

    ordered = sorted(ends, key=lambda end: height(end.value))
    places = spread_out([height(end.value) for end in ordered], gap)
    names = shortened([end.name for end in ordered], letters(panel_width(axes), form))
    for end, name, place in zip(ordered, names, places, strict=True):
        beside: Any = {"transform": axes.transAxes, "clip_on": False, "label": "_end"}
        axes.plot([1.0, 1.02], [height(end.value), place], color=end.look["color"], linewidth=0.7, **beside)
        axes.plot([1.02, 1.06, 1.1], [place] * 3, **{**end.look, "markevery": [1]}, **beside)
        look: Any = {"va": "center", "color": INK, "fontsize": form.small}
        axes.annotate(name + end.words, (1.12, place), xycoords="axes fraction", **look)


def _rows(axes: Axes) -> int:
    spec = axes.get_subplotspec()
    return spec.get_gridspec().nrows if spec else 1


def spread_out(wanted: Sequence[float], gap: float) -> list[float]:
    """Places near those wanted (in rising order), at least a gap apart, as near the range 0 to 1 as they fit."""
    groups: list[list[float]] = []  # centre, number
    for place in wanted:
        groups.append([place, 1.0])
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            (one, n), (two, m) = groups[-2:]
            groups[-2:] = [[(one * n + two * m) / (n + m), n + m]]
        half = (groups[-1][1] - 1) * gap / 2
        groups[-1][0] = max(half, min(groups[-1][0], max(half, 1 - half)))
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            (one, n), (two, m) = groups[-2:]
            centre, half = (one * n + two * m) / (n + m), (n + m - 1) * gap / 2
            groups[-2:] = [[max(half, min(centre, max(half, 1 - half))), n + m]]
    return [centre + (i - (n - 1) / 2) * gap for centre, n in groups for i in range(int(n))]


def _touch(lower: Sequence[float], upper: Sequence[float], gap: float) -> bool:
    (one, n), (two, m) = lower, upper
    return two - one < gap * (n + m) / 2 - 1e-9
