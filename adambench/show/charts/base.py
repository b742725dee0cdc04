"""What all figures share: size and type, panels side by side, axes, files."""

import io
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

T = TypeVar("T")

GREY = "#666666"
DIVERGED = "#9a9a9a"
LINE = 0.158  # inches that a line of small type takes
LETTER = 0.072  # inches that a letter of it takes
ROW = 2  # panels side by side
MOST_LETTERS = 24  # of a name beside a panel, so that the panel keeps its width
MOST_TICKS = 12  # about as many learning rates are written on an axis, and marked on a line

# Complete, so that nothing of the user's own style gets in; "backend" decides nothing here, as no window is opened.
DEFAULTS: dict[str, Any] = {
    key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")
}
STYLE: dict[str, Any] = {
    "font.size": 9,
    "font.family": "serif",
    "font.serif": ["DejaVu Serif"],
    "mathtext.fontset": "dejavuserif",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "pdf.fonttype": 42,  # real text, which the checks of journals ask for
    "svg.fonttype": "none",
    "svg.hashsalt": "adambench",  # the same numbers give the same file
}


@dataclass(frozen=True)
class Form:
    """For what a figure is made. width: of the whole figure in inches, to print it as it is; slide: larger type."""

    width: float | None = None
    slide: bool = False

    @property
    def scale(self) -> float:
        """Of all type, and of the room that it takes."""
        return 1.5 if self.slide else 1.0

    @contextmanager
    def style(self) -> Iterator[None]:
        """Matplotlib's defaults with our style, whatever the user has set."""
        sized = ("font.size", "axes.titlesize", "axes.titlepad", "legend.fontsize")
        sizes = {key: STYLE[key] * self.scale for key in sized}
        lines = {"lines.linewidth": STYLE["lines.linewidth"] * (1.4 if self.slide else 1)}
        everything: Any = {**DEFAULTS, **STYLE, **sizes, **lines}
        with matplotlib.rc_context(everything), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+")  # a box in the picture says that the font lacks a character
            yield

    @property
    def small(self) -> float:
        """Points of the smallest type."""
        return 8.0 * self.scale

    def figure(self, width: float, height: float) -> "Chart":
        """An empty figure: as large as given, or shrunk to the width that was asked for."""
        wide = self.width or width
        tall = height if wide >= width else max(2.6, height * (0.35 + 0.65 * wide / width))
        return Chart(figsize=(wide, tall), layout="constrained")


class Chart(Figure):
    """A figure that a notebook shows, also where matplotlib's own way to show figures was not set up."""

    def _repr_png_(self) -> bytes:
        return save(self, "png", "adambench")


PAGE = Form()


def save(figure: Figure, kind: str, origin: str, form: Form = PAGE) -> bytes:
    """The figure as a png, svg or pdf file, with its origin in the metadata.

    The same figure gives the same bytes: no date is kept.
    """
    metadata = {
        "png": {"Description": origin},
        "svg": {"Description": origin, "Date": None},
        "pdf": {"Subject": origin, "CreationDate": None},
    }
    file = io.BytesIO()
    with form.style():
        figure.savefig(file, format=kind, metadata=metadata[kind])
    return file.getvalue()


def panels(
    contents: Mapping[str, T],
    draw: Callable[[Axes, T], None],
    form: Form,
    width: float = 5.4,
    height: float = 4.2,
    least: float = 0.0,
    beside: float = 1.4,
) -> Figure | None:
    """A panel for each item under its title, two in a row, as many as are legible on a page; None if there is no item.

    If the figure is narrower than its panels need, they stand one below the other, and are less tall.
    least: inches of height that a panel needs all the same. beside: inches of its width beside its axes.
    """
    if not contents:
        return None
    with form.style():
        most = ROW if form.width is None else max(1, int(form.width / (0.6 * width)))
        columns = min(len(contents), most)
        rows = math.ceil(len(contents) / columns)
        figure = form.figure(width * columns, height * rows)
        figure.set_figheight(max(figure.get_figheight(), least * rows))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, content) in zip(grid, contents.items(), strict=False):
            axes.set_title(wrapped(title, axes, columns, 1.25 * form.small, beside))
            draw(axes, content)
        for axes in grid[len(contents) :]:
            axes.set_axis_off()
        return figure


def wrapped(words: str, axes: Axes, columns: int, points: float, beside: float) -> str:
    """Words folded to the width of a panel's axes."""
    figure = axes.figure
    assert figure
    inches = figure.get_figwidth() / columns - beside  # type: ignore[union-attr]
    return plain(textwrap.fill(words, max(24, int(inches * 72 / (0.58 * points)))))


def plain(words: str) -> str:
    """Words of the user's, in which a dollar begins no formula."""
    return words.replace("$", r"\$")


def panel_width(axes: Any) -> float:
    """Inches of a panel's width, with what is written beside its axes."""
    return float(axes.figure.get_figwidth() / axes.get_subplotspec().get_gridspec().ncols)


def letters(inches: float, form: Form) -> int:
    """How many letters of a name beside a panel so wide leave its axes most of the width."""
    return min(MOST_LETTERS, max(12, int(8 * (inches / form.scale - 2))))


def shortened(names: Sequence[str], most: int) -> list[str]:
    """Of each word that has more than so many letters, the beginning and the end; whole names if two would be alike."""

    def short(word: str) -> str:
        return word if len(word) <= most else f"{word[: most // 2]}…{word[most // 2 + 1 - most :]}"

    found = [" ".join(map(short, name.split(" "))) for name in names]
    return found if len(set(found)) == len(set(names)) else list(names)


def below(axes: Axes, words: str, form: Form, lines: float = 4.4, inches: float = 0) -> None:
    """A sentence below a panel, in small grey type, so many lines of it below the axis.

    inches: of its width; 0: that of axes whose names and labels take the usual room.
    """
    inches = inches or 0.9 * axes.bbox.width / axes.figure.dpi
    folded = textwrap.fill(_held(words), max(12, int(inches * 72 / (0.5 * form.small))))
    place: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top"}
    axes.annotate(plain(folded), (0, 0), (0, -lines * form.small), fontsize=form.small, color=GREY, **place)


def note(figure: Figure, words: str, form: Form) -> None:
    """Sentences below a figure, in small grey type; each line of them is folded on its own."""
    lines = [folded(line, figure.get_figwidth(), form) for line in words.splitlines()]
    with form.style():
        figure.supxlabel("\n".join(lines), fontsize=form.small, color=GREY)


def folded(words: str, inches: float, form: Form) -> str:
    """Words in small type, in lines of this width at most."""
    return plain(textwrap.fill(_held(words), int(inches * 72 / (0.55 * form.small))))


def _held(words: str) -> str:
    """Words in which a number and its % stay on one line."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", words)
