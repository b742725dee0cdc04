"""One table in six formats: the output of each renderer for the same rows."""

import csv as csv_library
import io
import json as json_library
import math
import re
import sys

import pytest

from adambench.show.table import RENDERERS, Column, Table, csv, html, json, latex, latex_text, markdown, text

COLUMNS = [
    Column("name", lambda row: row["name"], left=True),
    Column("cost", lambda row: row["cost"], lambda value: f"{value:.2f}"),
]
ROWS = [
    {"name": "a|b & [red]c", "cost": 0.125, "more": {"n": 3, "levels": [1, 2]}},
    {"name": "α", "cost": math.inf, "more": {}},
]
TABLE = Table("Costs, 100 %", COLUMNS, ROWS, notes=["One note."])


def test_markdown() -> None:
    assert markdown([TABLE]) == (
        "**Costs, 100 %**\n\n| name | cost |\n| --- | --- |\n| a\\|b & [red]c | 0.12 |\n| α | inf |\n\nOne note.\n"
    )


def test_csv_and_json_hold_the_values_and_not_the_words() -> None:
    assert csv([TABLE]) == "name,cost\na|b & [red]c,0.125\nα,\n"
    assert json_library.loads(json([TABLE])) == [{"name": "a|b & [red]c", "cost": 0.125}, {"name": "α", "cost": None}]


def test_programs_can_get_other_columns_or_none() -> None:
    data = [Column("more", lambda row: row["more"])]
    table = Table("", COLUMNS, ROWS[:1], data)
    assert json_library.loads(json([table, Table("", COLUMNS, ROWS, data=())])) == [
        {"more": {"n": 3, "levels": [1, 2]}}
    ]
    assert csv([table]) == "more.n,more.levels\n3,1 2\n"


def test_csv_has_one_header_for_all_rows() -> None:
    other = Table("", [Column("x", lambda row: row), Column("name", str)], [{"y": 1}, None, {"z": [1, 2]}, []])
    first, *rows = csv_library.reader(io.StringIO(csv([TABLE, other])))
    assert first == ["name", "cost", "x.y", "x.z"]
    assert rows[1:] == [
        ["α", "", "", ""],
        ["{'y': 1}", "", "1", ""],
        ["None", "", "", ""],
        ["{'z': [1, 2]}", "", "", "1 2"],
        ["[]", "", "", ""],
    ]
    assert csv([Table("", [], [], data=())]) == ""


def test_html_escapes_every_word() -> None:
    evil = "<script>alert('x')</script>"
    made = html([Table(evil, [Column(evil, lambda row: row, left=True)], [evil, "a & b"], notes=[evil])])
    assert "<script" not in made
    assert made.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") == 4
    assert '<td style="text-align: left">a &amp; b</td>' in made
    assert "<p>One note.</p>" in html([TABLE])


def test_words_between_backticks_are_code() -> None:
    table = Table("", [Column("a", str, left=True)], ["`f(x_1) < 1`", "a ` alone"])
    assert r"\texttt{f(x\_1) $<$ 1}" in latex([table])
    assert r"a \textasciigrave{} alone" in latex([table])
    assert r"\caption" not in latex([table])  # no title
    assert "<code>f(x_1) &lt; 1</code>" in html([table])
    assert markdown([table]).startswith("| a |")
    assert "| `f(x_1) < 1` |" in markdown([table])


def test_latex_is_booktabs_and_no_text_is_a_command() -> None:
    made = latex([TABLE])
    assert r"\caption{Costs, 100 \%}" in made
    assert r"a|b \& [red]c & 0.12 \\" in made
    assert r"$\alpha$ & inf \\" in made
    assert all(made.count(rule) == 1 for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert r"\begin{tabular}{lr}" in made
    evil = Table(r"\input{x}", [Column("$", lambda row: row, left=True)], [r"\write18{rm} ~^<_>"])
    assert r"\textbackslash{}input\{x\}" in latex([evil])
    assert r"\write" not in latex([evil])
    assert latex_text("-19.8, two-step 3-5") == "$-$19.8, two-step 3-5"
    assert latex_text("α/√step, √α") == r"$\alpha$/$\sqrt{\mathrm{step}}$, $\sqrt{}$$\alpha$"


def test_latex_has_hats_and_no_blocks() -> None:
    assert latex_text("ε̂, m̂/√v̂") == r"$\hat{\varepsilon}$, $\hat{m}$/$\sqrt{}$$\hat{v}$"
    table = Table("", [Column("curve", lambda _: "█▇▁", drawn=True), Column("n", str)], [1])
    assert "█" in text([table])
    assert all(letter.isascii() for letter in latex([table]))


def test_no_words_are_null_for_programs() -> None:
    assert json_library.loads(json([Table("", [Column("edge", str)], ["", "lr"])])) == [{"edge": None}, {"edge": "lr"}]


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))


def test_a_narrow_terminal_cuts_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 40)
    columns = [Column(f"column {k}", lambda row: row) for k in range(9)]
    assert text([Table("", columns, ["0.123456"])]).count("0.123456") == 9


def test_rows_that_fit_no_grid_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No word is cut, no column is left out, and no line is wider than the terminal."""
    terminal(monkeypatch, 30)
    words = Column("optimizer", lambda _: "schedule_free_adamw", left=True)
    said = text([Table("", [words, *(Column(f"column {k}", lambda _: "0.123 ± 0.004") for k in range(4))], [0, 1])])
    assert " ".join(said.split()).count("optimizer schedule_free_adamw; column 0 0.123 ± 0.004; column 1 0.123") == 2
    assert max(map(len, said.splitlines())) <= 30


def test_a_terminal_without_codes_is_as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 40)
    monkeypatch.setenv("TERM", "dumb")
    said = text([Table("", [Column(f"column {k}", lambda row: row, spare=k) for k in range(9)], ["0.123456"])])
    assert "Not shown, for lack of width: " in said
    assert max(map(len, said.splitlines())) <= 40


def test_no_word_becomes_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands between two colons is a name for an emoji to rich."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    table = Table("net 784:100:10", [Column(":on:", str)], [":x:"], notes=[":a:"])
    told = RENDERERS["text"]([table])
    assert all(word in told for word in ("784:100:10", ":on:", ":x:", ":a:"))


def test_words_fold_but_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 44)
    columns = [Column("setting", lambda _: "lr=0.001 momentum=0.995 decay=0.1", left=True), Column("cost", str)]
    said = text([Table("", [columns[0], *[columns[1]] * 3], ["0.1234"])])
    assert "momentum=0.995" in said
    assert said.count("0.1234") == 3


def test_spare_columns_are_dropped_first_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 36)
    columns = [Column("rule", lambda _: "adam", left=True), *(Column(f"column {k}", str, spare=k) for k in range(5))]
    said = " ".join(re.sub(r"\x1b\[\d*m", "", text([Table("", columns, ["0.12"])])).split())
    assert said.endswith("adam 0.12 0.12 0.12 Not shown, for lack of width: column 3, column 4.")


def test_a_pipe_gets_every_column_on_one_line_and_no_codes() -> None:
    columns = [Column(f"column {k}", lambda row: row, spare=k) for k in range(9)]
    said = text([Table("Title [red]", columns, ["0.123456"])])
    assert "\x1b" not in said
    assert "Title [red]" in said
    assert max(line.count("0.123456") for line in said.splitlines()) == 9
    wide = text([Table("", [Column(f"column {k}", lambda row: row, spare=k) for k in range(30)], ["0.123456"])])
    assert max(line.count("0.123456") for line in wide.splitlines()) == 30


def test_every_format_has_a_renderer() -> None:
    assert list(RENDERERS) == ["text", "markdown", "csv", "json", "latex", "html"]


def test_lists_of_numbers_in_csv_are_numbers() -> None:
    """Also if the first is negative: only text can be a formula."""
    columns = [Column("bound", lambda row: row[0]), Column("words", lambda row: row[1])]
    told = csv([Table("", columns, [([-6.0, -3.0], ["-a", "b"])], columns)])
    assert told == "bound,words\n-6.0 -3.0,'-a b\n"
