"""A table on a terminal, as wide as that is, or in a pipe."""

import sys
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from rich import box, markup
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid

from adambench.show.table import Table
from adambench.show.terminal import captured, console

WIDEST = 10_000  # columns of a pipe, for which no table is too wide


def grid(table: Table, out: Console) -> str:
    """Columns side by side. A terminal that is too narrow for them gets each row written out instead."""
    cells = table.cells
    there = sys.stdout.isatty()  # also one without control codes, which rich takes for none
    room = out.width if there else WIDEST

    def drawn(shown: Sequence[int], folded: bool) -> tuple[Grid, Measurement]:
        made = Grid(box=box.SIMPLE_HEAD)
        for i in shown:
            column = table.columns[i]
            name = column.name.replace(" ", "\n") if folded and not column.left else column.name
            texts = [*name.split("\n"), *(line[i] for line in cells)]  # words fold between them, numbers nowhere
            least = max(cell_len(part) for text in texts for part in (text.split(" ") if column.left else [text]))
            side: Any = {"justify": "left"} if column.left else {"justify": "right", "no_wrap": True}
            made.add_column(markup.escape(name), min_width=least, **side)
        for line in cells:
            made.add_row(*(markup.escape(line[i]) for i in shown))
        return made, Measurement.get(out, out.options.update(max_width=WIDEST), made)

    shown = list(range(len(table.columns)))
    made, needed = drawn(shown, folded=False)
    if folded := needed.maximum > room:
        made, needed = drawn(shown, folded)
    while needed.maximum > room and (spare := [i for i in shown if table.columns[i].spare]):
        shown.remove(max(spare, key=lambda i: table.columns[i].spare))
        made, needed = drawn(shown, folded)
    title = captured(out, table.title, style="bold", markup=False, soft_wrap=not out.is_terminal)
    title = title if table.title else ""
    if needed.minimum > room and cells:
        return title + "".join(_written_out(table.header, line, room) for line in cells)
    wide = out if there else console(max(out.width, needed.maximum))
    left_out = ", ".join(column.name for i, column in enumerate(table.columns) if i not in shown)
    note = captured(out, f"Not shown, for lack of width: {left_out}.", style="dim", markup=False)
    return title + captured(wide, made) + (note if left_out else "")


def _written_out(header: Sequence[str], line: Sequence[str], width: int) -> str:
    """A row as `name value; name value`, folded to a width, with an empty line below."""
    words = "; ".join(f"{name} {cell}".strip() for name, cell in zip(header, line, strict=True))
    whole: Any = {"break_long_words": False, "break_on_hyphens": False}
    return fill(words, width, initial_indent="  ", subsequent_indent="    ", **whole) + "\n\n"
