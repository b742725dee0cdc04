"""Results as tables: the ranking of each problem, and the record of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from adambench.config.experiment import Experiment, Problem, named
from adambench.curve import COMPARED
from adambench.judge.analysis import Estimate, Summary
from adambench.models import MODELS
from adambench.run.plan import words
from adambench.schedules import SCHEDULES
from adambench.show.table import Column, Table
from adambench.show.terminal import cost, plural
from adambench.store.records import TABLES, Record


def estimate(value: Estimate, scale: float = 1.0) -> str:
    """`0.2603 ± 0.0004`: the spread with one figure, two if the first is a 1, the mean to the same place."""
    mean, sd = value.mean * scale, value.sd * scale
    if value.n == 0 or math.isnan(mean):
        return "–"
    if not math.isfinite(mean):
        return "∞"
    if math.isnan(sd) or sd == 0:
        return cost(mean)
    exponent = math.floor(math.log10(sd))
    places = max(0, -exponent + (1 if sd < 2 * 10**exponent else 0))
    return f"{mean:.{places}f} ± {sd:.{places}f}"


def percent(value: Estimate) -> str:
    return estimate(value, 100)


def status(summary: Summary) -> str:
    """`finished`, `2 of 3 runs`, `diverged in epoch 3`; and what lies on the edge of its grid."""
    epochs = sorted(set(summary.diverged))
    told = f"diverged in epoch {', '.join(map(str, epochs))}" if epochs else summary.status
    return told + (f", {' and '.join(summary.edge)} on the edge of the grid" if summary.edge else "")


def chosen(summary: Summary) -> str:
    """`lr=0.03 momentum=0.8`: the rate, what the grid varied, and what differs from the rule's defaults."""
    if summary.setting is None:
        return "(tuning not finished)"
    setting, plain = asdict(summary.setting), asdict(type(summary.setting)())
    told = {name for name, value in setting.items() if value != plain[name]} | {"lr", *summary.varied}
    fixed = "" if summary.varied else " (fixed)"
    return words({name: value for name, value in setting.items() if name in told}) + fixed


Ranked = tuple[int, Summary]  # place, from 1

RANKING = [
    Column("", lambda row: row[0] if row[1].finals["train_loss"].n else ""),
    Column("optimizer", lambda row: row[1].optimizer, left=True),
    Column("best setting", lambda row: row[1], chosen, left=True),
    Column("final training cost", lambda row: row[1].finals["train_loss"], estimate),
    Column("n", lambda row: row[1].finals["train_loss"].n, spare=1),
    Column("test error %", lambda row: row[1].finals["test_error"], percent),
    Column("CPU s", lambda row: row[1].seconds, lambda seconds: f"{seconds.mean:.1f}" if seconds.n else "–", spare=2),
    Column("status", lambda row: row[1], status, left=True),
]


def _mean_and_sd(metric: str) -> list[Column]:
    return [
        Column(f"{metric}_mean", lambda row: row[1].finals[metric].mean),
        Column(f"{metric}_sd", lambda row: row[1].finals[metric].sd),
    ]


# The columns of summary.csv.
SUMMARY = [
    Column("problem", lambda row: row[1].problem),
    Column("optimizer", lambda row: row[1].optimizer),
    Column("rule", lambda row: row[1].rule),
    Column("setting", lambda row: words(asdict(row[1].setting)) if row[1].setting else ""),
    Column("settings_tried", lambda row: row[1].settings_tried),
    Column("edge", lambda row: " ".join(row[1].edge)),
    Column("status", lambda row: row[1].status),
    Column("n", lambda row: row[1].finals["train_loss"].n),
    Column("epochs", lambda row: row[1].epochs),
    *(column for metric in COMPARED for column in _mean_and_sd(metric)),
    Column("seconds_mean", lambda row: row[1].seconds.mean),
    Column("diverged_epochs", lambda row: " ".join(map(str, row[1].diverged))),
]


def tables(experiment: Experiment, summaries: Mapping[str, Sequence[Summary]], named: bool = False) -> list[Table]:
    """For each problem, the ranking. named: programs get the experiment's name as the first column."""
    first = [Column("experiment", lambda _: experiment.name)] if named else []
    return [
        Table(
            heading(problem),
            RANKING,
            list(enumerate(summaries[problem.name], 1)),
            [*first, *SUMMARY],
            notes=edge_warnings(summaries[problem.name]),
        )
        for problem in experiment.problems
    ]


def edge_warnings(summaries: Sequence[Summary]) -> list[str]:
    return [
        f"warning: {summary.problem}: the best {name} of {summary.optimizer}, {summary.varied[name]:g}, lies on the "
        "edge of its grid; a better one may lie beyond"
        for summary in summaries
        for name in summary.edge
    ]


def heading(problem: Problem) -> str:
    """`mlp: mlp (hidden [1000, 1000], dropout 0.5), 4 epochs, batch size 128, rate constant`."""
    model, schedule = named(problem.model, MODELS), named(problem.schedule, SCHEDULES)
    details = ", ".join(f"{key} {value}" for key, value in model.items() if key != "name" and value)
    rate = " ".join(str(value) for value in schedule.values())
    return (
        f"{problem.name}: {model['name']}{f' ({details})' if details else ''}, "
        f"{plural(problem.epochs, 'epoch')}, batch size {problem.batch_size}, rate {rate}"
    )


def record(found: Record) -> list[Table]:
    """A record's fields, then its curve."""
    fields = [(key, _told(value)) for key, value in found.data.items() if key not in TABLES]
    columns: Mapping[str, Sequence[Any]] = found.data["curve"]
    return [
        Table(
            "", [Column("field", lambda row: row[0], left=True), Column("value", lambda row: row[1], left=True)], fields
        ),
        Table(
            "",
            [Column(name, itemgetter(i), _figures) for i, name in enumerate(columns)],
            list(zip(*columns.values(), strict=True)),
        ),
    ]


def _told(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _figures(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
