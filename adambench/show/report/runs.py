"""Each run's record as the page keeps it, and what all records of an experiment have in common."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from adambench.curve import FINAL, final
from adambench.execution.plan import runs as planned
from adambench.show.report.chapter import Chapter
from adambench.show.report.charts import MOST_POINTS, Json, early, heat, rounded, thinned
from adambench.show.table import Column, Table
from adambench.show.terminal import duration, plural
from adambench.store.records import TABLES, Record

TUNING_POINTS = 16  # of the curve of a tuning run
TUNING_COLUMNS = ("epoch", "train_loss", "test_loss", "test_error")
WHERE = ("versions", "cpu", "blas", "commit", "dtype", "numerics", "dataset")


def embedded(chapter: Chapter) -> Json:
    """The records of the plan's runs, those fields only once that all have alike; `left_out` counts the others.

    The curve of a report run is whole up to MOST_POINTS epochs, that of a tuning run is thinned and rounded.
    """
    cells = {cell[1] for entry in chapter.entries for row in heat(entry, chapter.curves) for cell in row["cells"]}
    known = {run.id: run for run in planned(chapter.entries, chapter.curves) if run.id in chapter.records}
    shown = [id_ for id_, run in known.items() if run.phase == "report" or id_ in cells]
    fields = {id_: _fields(chapter.records[id_]) for id_ in shown}
    first = next(iter(fields.values()), {})
    alike = {name: value for name, value in first.items() if all(f.get(name) == value for f in fields.values())}
    metric = chapter.experiment.tuning.metric
    share = {"tuning": FINAL, "report": chapter.experiment.judging.final}
    return {
        "alike": alike,
        "left_out": len(known) - len(shown),
        "runs": [
            {name: value for name, value in fields[id_].items() if name not in alike}
            | {
                "phase": known[id_].phase,  # a run may serve both phases; what counts is how the plan names it
                "final": rounded(final(chapter.curves[id_], metric, share[known[id_].phase])),
                "file": f"runs/{chapter.records[id_].file}",
                "curve": _curve(chapter.records[id_], known[id_].phase == "tuning"),
            }
            for id_ in shown
        ],
    }


def _fields(record: Record) -> Json:
    return {name: value for name, value in record.data.items() if name not in TABLES}


def _curve(record: Record, thin: bool) -> Mapping[str, list[Any]]:
    columns: Mapping[str, list[Any]] = record.data["curve"]
    count = len(columns["epoch"])
    if not thin:
        return {name: [values[i] for i in thinned(count, MOST_POINTS)] for name, values in columns.items()}
    places = early(count, TUNING_POINTS)
    return {name: [_short(columns[name][i]) for i in places] for name in TUNING_COLUMNS if name in columns}


def _short(value: Any) -> Any:
    return rounded(value, 5) if isinstance(value, float) else value


def provenance(chapter: Chapter) -> Table:
    """Where the runs come from: how many, when, on what, with which versions."""
    records = list(chapter.records.values())
    times = sorted(str(record.data["time"]) for record in records)
    rows = [
        ("configuration", f"config.yaml, SHA-256 begins with {chapter.digest}"),
        ("finished runs", f"{len(records):,}"),
        ("diverged runs", f"{sum(record.data['status'] == 'diverged' for record in records):,}"),
        ("CPU time of training", duration(sum(float(record.data["seconds"]) for record in records))),
        ("finished between", " and ".join(dict.fromkeys(times[:1] + times[-1:])) or "–"),
        *((name, _counted(record.data.get(name) for record in records)) for name in WHERE),
    ]
    columns = [
        Column("what", lambda row: row[0], left=True),
        Column("value", lambda row: row[1], left=True),
    ]
    return Table(f"{chapter.name}: provenance", columns, rows)


def _counted(values: Iterable[Any]) -> str:
    """The one value that all have, or each with its number of runs."""
    found = Counter(map(_words, values))
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{value} ({plural(count, 'run')})" for value, count in found.most_common())


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return "–" if value is None else str(value)
