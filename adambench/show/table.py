"""Every table of the product, and every format in which one is printed: text, Markdown, CSV, JSON, LaTeX, HTML.

A `Table` has rows of any kind and columns that know how to read and to write them. A new format is one function from
tables to a string, and a line of RENDERERS.
"""

import json as json_library
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from adambench.errors import neutral
from adambench.store.files import csv_text, json_value


@dataclass(frozen=True)
class Column:
    """One column. value: reads it off a row; write: how people read that value."""

    name: str
    value: Callable[[Any], Any]
    write: Callable[[Any], str] = str
    left: bool = False  # words are aligned to the left, numbers to the right
    spare: int = 0  # columns that a narrow terminal leaves out; the highest number goes first, 0 never
    drawn: bool = False  # with blocks, which LaTeX does not have


@dataclass(frozen=True)
class Table:
    """columns: as people read them. data: as programs do (CSV, JSON), if that differs; empty: only for people."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    data: Sequence[Column] | None = None
    notes: Sequence[str] = ()  # sentences below the table
    line: Callable[[Any], Any] | None = None  # a row written out on a terminal, where a grid would be too wide

    @property
    def header(self) -> list[str]:
        return [_word(column.name) for column in self.columns]

    @property
    def cells(self) -> list[list[str]]:
        """The rows as people read them."""
        return [[_word(column.write(column.value(row))) for column in self.columns] for row in self.rows]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as programs read them: numbers that are not finite are null, and so is an empty word."""
        columns = self.columns if self.data is None else self.data

        def value(column: Column, row: Any) -> Any:
            found = column.value(row)
            return None if isinstance(found, str) and not found else plain(found)

        return [{column.name: value(column, row) for column in columns} for row in self.rows] if columns else []


def text(tables: Sequence[Table]) -> str:
    """For a terminal, as wide as it is: headings fold, spare columns give way, words fold; numbers never do.

    For a file or a pipe everything, in lines as long as they are.
    """
    from adambench.show.grid import grid  # noqa: PLC0415  # rich is slow to import
    from adambench.show.terminal import captured, console  # noqa: PLC0415

    out = console()
    parts: list[str] = []
    for table in tables:
        parts += ["\n"] if parts and table.title else []
        if not table.line:
            parts.append(grid(table, out))
        else:
            parts += [captured(out, f"{table.title}\n", style="bold", markup=False)] if table.title else []
            parts += [captured(out, table.line(row), soft_wrap=not out.is_terminal) for row in table.rows]
        parts += [captured(out, note, markup=False, soft_wrap=not out.is_terminal) for note in table.notes]
    return "".join(parts)


def markdown(tables: Sequence[Table]) -> str:
    return "\n".join(_markdown_title(table) + markdown_table(table) + _paragraphs(table.notes) for table in tables)


def _markdown_title(table: Table) -> str:
    return f"**{_inert(table.title)}**\n\n" if table.title else ""


def markdown_table(table: Table) -> str:
    """The table alone, without its title and notes."""
    lines = [table.header, ["---"] * len(table.header), *table.cells]
    return "".join("| " + " | ".join(_inert(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _paragraphs(notes: Sequence[str]) -> str:
    return "".join(f"\n{_inert(note)}\n" for note in notes)


def _inert(words: str) -> str:
    """Words in which Markdown sees no HTML and no link."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", words).replace("](", "]\\(")


def csv(tables: Sequence[Table]) -> str:
    """One table: the columns of all rows, in the order in which they appear. What a row does not have is empty."""
    rows = [_flat(row) for table in tables for row in table.records]
    columns = dict.fromkeys(name for row in rows for name in row)
    groups = {name[:end] for name in columns for end, character in enumerate(name) if character == "."}
    # {"a": None} or {"a": []} beside {"a": {"b": 1}} is no column
    header = [name for name in columns if name not in groups or any(row.get(name) not in (None, "") for row in rows)]
    return csv_text(header, [[row.get(name) for name in header] for row in rows]) if header else ""


def json(tables: Sequence[Table]) -> str:
    """A list with an object for each row of all tables."""
    return json_library.dumps([row for table in tables for row in table.records], indent=2) + "\n"


def latex(tables: Sequence[Table]) -> str:
    r"""For a paper: `tabular` with the rules of booktabs (`\usepackage{booktabs}`)."""
    return "\n".join(map(_latex_table, tables))


def _latex_table(table: Table) -> str:
    table = replace(table, columns=[column for column in table.columns if not column.drawn])
    alignment = "".join("l" if column.left else "r" for column in table.columns)
    header, *lines = [" & ".join(map(latex_text, line)) + r" \\" for line in (table.header, *table.cells)]
    rules = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", header, r"\midrule", *lines, r"\bottomrule"]
    caption = [rf"\caption{{{latex_text(table.title)}}}"] if table.title else []
    around = [r"\begin{table}", r"\centering", *caption, *rules, r"\end{tabular}"]
    notes = [rf"\par\smallskip\footnotesize {latex_text(note)}" for note in table.notes]
    return "\n".join([*around, *notes, r"\end{table}"]) + "\n"


def html(tables: Sequence[Table]) -> str:
    """For a web page or a notebook: plain tables without style, with every word escaped."""
    return "".join(map(_html_table, tables))


def _html_table(table: Table) -> str:
    sides = ['style="text-align: left"' if column.left else 'style="text-align: right"' for column in table.columns]

    def line(tag: str, cells: Sequence[str]) -> str:
        inner = (f"<{tag} {side}>{html_text(cell)}</{tag}>" for side, cell in zip(sides, cells, strict=True))
        return f"<tr>{''.join(inner)}</tr>\n"

    caption = f"<caption>{html_text(table.title)}</caption>\n" if table.title else ""
    body = "".join(line("td", cells) for cells in table.cells)
    notes = "".join(f"<p>{html_text(note)}</p>\n" for note in table.notes)
    return f"<table>\n{caption}<thead>{line('th', table.header)}</thead>\n<tbody>{body}</tbody>\n</table>\n{notes}"


def html_text(words: str) -> str:
    """Words as a browser shows them, those between backticks as code; nothing in them is a tag."""
    return CODE.sub(r"<code>\1</code>", escape(words))


CODE = re.compile("`([^`]*)`")
HAT = re.compile("(?:\\$([^$]+)\\$|(\\w))\u0302")
LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$"},
    **{"±": r"$\pm$", "∞": r"$\infty$", "−": "$-$", "–": "--", "≥": r"$\ge$", "≤": r"$\le$", "×": r"$\times$"},
    **{"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "ε": r"$\varepsilon$", "θ": r"$\theta$", "λ": r"$\lambda$"},
    **{"μ": r"$\mu$", "ρ": r"$\rho$", "η": r"$\eta$", "Δ": r"$\Delta$", "√": r"$\sqrt{}$", "·": r"$\cdot$"},
    **{"←": r"$\leftarrow$", "₁": "$_1$", "₂": "$_2$", "²": "$^2$", "…": r"\dots{}"},
}


def latex_text(words: str) -> str:
    """Words as LaTeX prints them, those between backticks as code; nothing in them is a command."""
    words = re.sub(r"(?<![\w)])-(?=\d)", "−", words)  # a minus sign and no hyphen
    rooted = re.split("√([A-Za-z]+)(?!\u0302)", words)  # the words under a root are at the odd places
    parts = ["".join(LATEX.get(character, character) for character in part) for part in rooted]
    parts[1::2] = [rf"$\sqrt{{\mathrm{{{part}}}}}$" for part in parts[1::2]]
    escaped = re.sub(HAT, lambda found: rf"$\hat{{{found[1] or found[2]}}}$", "".join(parts))
    return CODE.sub(r"\\texttt{\1}", escaped).replace("`", r"\textasciigrave{}")


RENDERERS: Mapping[str, Callable[[Sequence[Table]], str]] = {
    renderer.__name__: renderer for renderer in (text, markdown, csv, json, latex, html)
}


def plain(value: Any) -> Any:
    """What JSON can hold: null for a number that is not finite, at any depth."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple | range) else json_value(value)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a column for each number: {"a": {"b": [1, 2]}} as {"a.b": "1 2"}."""
    return dict(_leaves(row, ""))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and not any(isinstance(item, Mapping) for item in value):
        joined = neutral(" ".join("" if item is None else str(item) for item in value))
        yield name, _no_formula(joined) if any(isinstance(item, str) for item in value) else joined
    elif isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, _no_formula(neutral(value)) if isinstance(value, str) else value


def _no_formula(text: str) -> str:
    """Text that a spreadsheet would compute gets an apostrophe in front, which makes it text there."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _word(text: str) -> str:
    """What stands in a cell: on one line, and nothing that a terminal obeys."""
    return neutral(text).replace("\n", " ")
