"""How things look in a terminal: its width, numbers, durations."""

import math
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, RenderableType

BLOCKS = "▁▂▃▄▅▆▇█"


def console(wide: int = 160, stream: TextIO | None = None) -> Console:
    """A terminal as wide as it is; a file or pipe so wide as is asked for, and without control codes.

    stream: standard output if None.

    What counts is what is there: FORCE_COLOR makes no terminal of a pipe, and TERM=dumb is one without control codes.
    A notebook gets the lines of a file, in one output; rich would give each line an output of its own there.
    """
    there = (stream or sys.stdout).isatty()
    if there and os.environ.get("TERM") != "dumb":
        return Console(file=stream, highlight=False, emoji=False)
    width = None if there else wide
    plain: dict[str, Any] = dict.fromkeys(("force_terminal", "force_interactive", "force_jupyter"), False)
    return Console(file=stream, highlight=False, emoji=False, width=width, color_system=None, **plain)


def captured(out: Console, item: RenderableType, **how: Any) -> str:
    """What printing an item writes."""
    with out.capture() as capture:
        out.print(item, **how)
    return capture.get()


def duration(seconds: float) -> str:
    """`45 s`, `2 min 30 s`, `8 min`, `2 h 10 min`: one or two figures, as an estimate deserves."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 295:
        minutes, tens = divmod(round(seconds / 10), 6)
        return f"{minutes} min {tens}0 s" if tens else f"{minutes} min"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 90 else f"{hours} h {rest} min" if rest else f"{hours} h"


def seconds(value: float) -> str:
    """With one place, as much as is worth knowing; two figures below a tenth: `12.3`, `0.0041`."""
    return f"{value:.1f}" if value >= 0.1 or not value else f"{value:.2g}"


def blocks(heights: Iterable[float]) -> str:
    """A small curve: a block for each height, the lowest for 0 and the tallest for 1 and more."""
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * min(1.0, float(height)))] for height in heights)


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def cost(value: float) -> str:
    """Four figures: 0.2603, 0.01234, 3.2e-05, 1695. A dash for no value."""
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:#.4g}".rstrip(".") if 1e-4 <= abs(value) < 1e4 else f"{value:.3g}"
