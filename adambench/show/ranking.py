"""Results as tables: the ranking of each problem, and the record of a run."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from adambench.config.experiment import Experiment, Problem
from adambench.config.shown import shortest, words
from adambench.curve import COMPARED, METRICS
from adambench.judge.analysis import Estimate, Summary
from adambench.show.table import Column, Table
from adambench.show.terminal import seconds
from adambench.show.words import estimate, named, problem_title
from adambench.store.records import TABLES, Record


def percent(value: Estimate) -> str:
    """Of a share; a dash if runs diverged, because a share cannot be infinite."""
    return "–" if math.isinf(value.mean) else estimate(value, 100)


def status(summary: Summary) -> str:
    """`finished`, `2 of 3 runs`, `diverged in epoch 3`."""
    epochs = sorted(set(summary.diverged))
    return f"diverged in epoch {', '.join(map(str, epochs))}" if epochs else summary.status


def chosen(summary: Summary) -> str:
    """`lr=0.03 momentum=0.8`: the rate, what the grid varied, and what differs from the rule's defaults."""
    if summary.setting is None:
        return "(tuning not finished)"
    setting, plain = asdict(summary.setting), asdict(type(summary.setting)())
    told = {name for name, value in setting.items() if value != plain[name]} | {"lr", *summary.varied}
    fixed = "" if summary.varied else " (fixed)"
    return words({name: value for name, value in setting.items() if name in told}) + fixed


def _ranking(metric: str, finished: bool) -> list[Column]:
    """metric: of tuning, by which the optimizers are ranked. finished: whether every status says so."""
    others = [name for name in ("train_loss", "test_error") if name != metric]
    return [
        Column("", lambda row: row[0] if row[1].finals[metric].n else ""),
        Column("optimizer", lambda row: row[1].optimizer, left=True),
        Column("best setting", lambda row: row[1], chosen, left=True),
        _final(metric, 0),
        Column("n", lambda row: row[1].finals[metric].n, spare=1),
        *(_final(name, 0 if name == "test_error" else 2) for name in others),
        Column("CPU s", lambda row: row[1].seconds, lambda time: seconds(time.mean) if time.n else "–", spare=3),
        Column("status", lambda row: row[1], status, left=True, spare=4 if finished else 0),
    ]


def _final(metric: str, spare: int) -> Column:
    facts = METRICS[metric]
    name = f"{facts.label} %" if facts.percent else f"final {facts.label}"
    return Column(name, lambda row: row[1].finals[metric], percent if facts.percent else estimate, spare=spare)


def _mean_and_sd(metric: str) -> list[Column]:
    return [
        Column(f"{metric}_mean", lambda row: row[1].finals[metric].mean),
        Column(f"{metric}_sd", lambda row: row[1].finals[metric].sd),
    ]


def _summary(validated: bool) -> list[Column]:
    """The columns of summary.csv. validated: whether a problem of the experiment holds back images."""
    metrics = [metric for metric in COMPARED if validated or not METRICS[metric].held_back]
    return [*BEGINNING, *(column for metric in metrics for column in _mean_and_sd(metric)), *END]


BEGINNING = [
    Column("problem", lambda row: row[1].problem),
    Column("optimizer", lambda row: row[1].optimizer),
    Column("rule", lambda row: row[1].rule),
    Column("setting", lambda row: words(asdict(row[1].setting)) if row[1].setting else ""),
    Column("settings_tried", lambda row: row[1].settings_tried),
    Column("edge", lambda row: " ".join(row[1].edge)),
    Column("status", lambda row: row[1].status),
    Column("n", lambda row: row[1].finals["train_loss"].n),
    Column("epochs", lambda row: row[1].epochs),
]
END = [
    Column("seconds_mean", lambda row: row[1].seconds.mean),
    Column("diverged_epochs", lambda row: " ".join(map(str, row[1].diverged))),
]


def tables(
    experiment: Experiment,
    summaries: Mapping[str, Sequence[Summary]],
    readings: Mapping[str, Sequence[str]],
    name: str = "",
) -> list[Table]:
    """For each problem, the ranking. readings: sentences on each. name: programs get it in a column of its own."""
    first = [Column("experiment", lambda _: name)] if name else []
    metric, seen = experiment.tuning.metric, tuned_on_test(experiment)
    return [
        Table(
            heading(experiment, problem),
            _ranking(metric, all(summary.status == "finished" for summary in summaries[problem.name])),
            list(enumerate(summaries[problem.name], 1)),
            [*first, *_summary(any(problem.validation for problem in experiment.problems))],
            notes=[note for note in (*readings.get(problem.name, ()), edges(summaries[problem.name]), seen) if note],
        )
        for problem in experiment.problems
    ]


def tuned_on_test(experiment: Experiment) -> str:
    """A warning if the test set chooses the settings; empty otherwise."""
    metric = experiment.tuning.metric
    if not METRICS[metric].on_test:
        return ""
    return (
        f"warning: the settings are chosen by the {METRICS[metric].label}, so the test set is part of the search, and "
        "its values look better than on new images. Add validation: 10000 and tune on validation_loss or "
        "validation_error instead."
    )


def edges(summaries: Sequence[Summary]) -> str:
    """A warning about best settings on the edge of their grids; empty if there are none."""
    found = [f"{name} of {s.optimizer} ({shortest(s.varied[name])})" for s in summaries for name in s.edge]
    if not found:
        return ""
    return f"warning: on the edge of its grid, so that a better value may lie beyond: {', '.join(found)}"


def heading(experiment: Experiment, problem: Problem) -> str:
    """`mlp: Network 1000-1000 on MNIST, constant rate, 4 epochs, batch size 128; tuned and ranked by training cost`."""
    how = METRICS[experiment.tuning.metric].label
    title = named(problem.name, problem_title(experiment, problem))
    return f"{title}, batch size {problem.batch_size}; tuned and ranked by {how}"


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
    """As YAML has it; of a digest the beginning, which fits into a line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    if value is None or isinstance(value, bool):
        return "–" if value is None else shortest(value)
    return f"{value[:16]}…" if isinstance(value, str) and DIGEST.fullmatch(value) else str(value)


DIGEST = re.compile(r"[0-9a-f]{64}")


def _figures(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
