"""The page: the template, filled, with its styles, its script and its numbers inside."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from itertools import count
from typing import Any

from adambench.curve import METRICS
from adambench.execution.plan import Entry, by_problem
from adambench.judge import reading, searching
from adambench.judge.analysis import Estimate
from adambench.judge.fairness import Reached, Stable
from adambench.show import findings
from adambench.show.offline import embedded, render
from adambench.show.report import charts, runs
from adambench.show.report.chapter import Chapter
from adambench.show.table import Table, csv, latex, plain
from adambench.show.terminal import plural
from adambench.show.words import dataset_title, selection, title
from adambench.store.files import csv_text

STATIC = resources.files("adambench.show.report") / "static"
SCRIPTS = (
    "dom",
    "plot",
    "lines",
    "search",
    "claims",
    "inside",
    "tables",
    "runs",
    "start",
    "theme",
)  # in the order of use


@dataclass(frozen=True)
class Section:
    """A chapter as the page needs it."""

    name: str
    words: Mapping[str, Any]  # what the template writes
    numbers: Mapping[str, Any]  # what the script draws


def section(chapter: Chapter) -> Section:
    """Everything is computed here, so that `page` does not fail on what a results folder contains."""
    return Section(chapter.name, _words(chapter), plain(_numbers(chapter)))


def page(sections: Sequence[Section], unreadable: Mapping[str, str]) -> str:
    """The text of the page. unreadable: by name, why an experiment has no section."""
    names = [section.name for section in sections]
    return render(
        STATIC,
        "page.html",
        ["page.css"],
        [f"{name}.js" for name in SCRIPTS],
        title=", ".join(names or unreadable),
        count=plural(len(sections), "experiment"),
        namer=(f"t{i}" for i in count()).__next__,
        numbers=embedded([section.numbers for section in sections]),
        chapters=[section.words for section in sections],
        unreadable=unreadable,
    )


def _numbers(chapter: Chapter) -> dict[str, Any]:
    """What the script draws."""
    return {
        "name": chapter.name,
        "config": chapter.config,
        "styles": charts.styles(chapter.entries),
        "claims": _claims(chapter).records,
        "problems": [
            {
                "name": name,
                "title": title(members[0]),
                "convergence": charts.convergence(_ranked(chapter, members), chapter.curves),
                "search": charts.search(members, chapter.curves),
                "inside": charts.inside(chapter, members),
            }
            for name, members in by_problem(chapter.entries).items()
        ],
        "records": runs.embedded(chapter),
    }


def _ranked(chapter: Chapter, members: Sequence[Entry]) -> list[Entry]:
    """The optimizers of a problem in the order of its table."""
    order = [summary.optimizer for _, summary in chapter.rankings[members[0].problem.name].rows]
    return sorted(members, key=lambda entry: order.index(entry.grid.label))


def _words(chapter: Chapter) -> dict[str, Any]:
    """What the template writes."""
    experiment = chapter.experiment
    return {
        "name": chapter.name,
        "experiment": experiment.name,
        "config": chapter.config,
        "dataset": " and ".join(dict.fromkeys(dataset_title(experiment.source(one)) for one in experiment.problems)),
        "selection": selection(chapter.experiment),
        "plugins": [(name, text.decode(errors="replace")) for name, text in chapter.plugins.items()],
        "folders": sorted({experiment.source(one).idx for one in experiment.problems} - {""}),
        "runs": plural(len(chapter.records), "finished run"),
        "claims": _table(_claims(chapter)) if chapter.verdicts else None,
        "provenance": _table(runs.provenance(chapter)),
        "problems": [_problem(chapter, name, members) for name, members in by_problem(chapter.entries).items()],
    }


def _claims(chapter: Chapter) -> Table:
    """The verdict beside the claim, so that it is seen in a narrow window too."""
    table = findings.claims({chapter.name: chapter.verdicts})
    claim, *others, verdict = table.columns
    return replace(table, columns=[claim, verdict, *others])


def _problem(chapter: Chapter, problem: str, members: Sequence[Entry]) -> dict[str, Any]:
    metric = chapter.experiment.tuning.metric
    found = {chapter.name: {problem: chapter.fairness[problem]}}
    searched = any(entry.tuning for entry in members)
    return {
        "name": problem,
        "title": title(members[0]),
        "finding": reading.ranking(members, chapter.curves, metric),
        "metric": METRICS[metric].label,
        "tried": ", ".join(f"{entry.grid.label} {len(entry.grid.settings)}" for entry in members),
        "ranking": _table(chapter.rankings[problem]),
        "bands": _bands(members, chapter),
        "searched": searched,
        "lowest": searching.lowest(members, chapter.curves),
        "widest": searching.widest(members, chapter.curves),
        "budgets": searching.budgets(members, chapter.curves),
        "fairness": [_table(table) for table in findings.fairness(found)],
        "inspected": bool(charts.inside(chapter, members)["runs"]),
    }


def _bands(members: Sequence[Entry], chapter: Chapter) -> str:
    """What the lines and bands of the curves are; empty if there are none."""
    counts = [sum(run.id in chapter.curves for run in entry.report(chapter.curves)) for entry in members]
    known = [count for count in counts if count]
    return reading.bands(known, "value of what is shown", "In the legend") if known else ""


def _table(table: Table) -> dict[str, Any]:
    """A table for people, with the value by which each cell is sorted, and its text as CSV and LaTeX."""
    return {
        "title": table.title,
        "columns": table.columns,
        "rows": [
            list(zip(cells, (key(column.value(row)) for column in table.columns), table.columns, strict=True))
            for cells, row in zip(table.cells, table.rows, strict=True)
        ],
        "notes": table.notes,
        "csv": csv([table]) or csv_text(table.header, table.cells),
        "latex": latex([table]),
    }


def key(value: Any) -> str:
    """The number by which a cell is sorted, empty if it has none: text is sorted as text."""
    number = value
    match value:
        case Estimate(mean=number) | Reached(median=number) | Stable(decades=number):
            pass
    return repr(number) if isinstance(number, int | float) and not math.isnan(number) else ""
