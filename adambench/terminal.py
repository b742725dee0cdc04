"""How things look in a terminal: width, numbers, durations, plain tables."""

import math
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table


def console() -> Console:
    """A terminal as wide as it is; a file or pipe wide enough that no table wraps, and without control codes."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160, color_system=None)


def tell(items: Iterable[RenderableType]) -> None:
    """Print one after the other. A table that would have numbers cut off goes beyond the terminal's width instead."""
    out = console()
    for item in items:
        if isinstance(item, Table):
            needed = Measurement.get(out, out.options.update(max_width=1000), item)
            wide = Console(highlight=False, width=needed.maximum) if needed.minimum > out.width else out
            wide.print(item)
        else:
            out.print(item, soft_wrap=isinstance(item, str))


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 10 min`: one or two figures, as an estimate deserves."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def cost(value: float) -> str:
    """Four figures: 0.2603, 0.01234, 3.2e-05, 1695."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:#.4g}".rstrip(".") if 1e-4 <= abs(value) < 1e4 else f"{value:.3g}"


def grid(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[str] = ()) -> Table:
    """A table; columns of words stand to the left, the others, of numbers, to the right."""
    shown = Table(title=escape(title) or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in header:
        shown.add_column(name, justify="left" if name in words else "right")
    for row in rows:
        shown.add_row(*map(escape, row))
    return shown
