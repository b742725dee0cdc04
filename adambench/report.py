"""Results in words: ranked tables, a record, what a benchmark found."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from adambench.analysis import Estimate, Summary
from adambench.experiment import Experiment, Problem, named
from adambench.models import MODELS
from adambench.plan import words
from adambench.results import TABLES, Record
from adambench.schedules import SCHEDULES
from adambench.terminal import cost, grid, plural


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
    places = max(0, -exponent + (sd < 2 * 10**exponent))
    return f"{mean:.{places}f} ± {sd:.{places}f}"


COLUMNS = ["", "optimizer", "best setting", "final training cost", "n", "test error %", "CPU s", "status"]


def cells(rank: int, summary: Summary) -> list[str]:
    """A summary as a row of a table, under COLUMNS."""
    epochs = sorted(set(summary.diverged))
    status = f"diverged in epoch {', '.join(map(str, epochs))}" if epochs else summary.status
    return [
        str(rank) if summary.train_loss.n else "",
        summary.optimizer,
        chosen(summary),
        estimate(summary.train_loss),
        str(summary.train_loss.n),
        estimate(summary.test_error, 100),
        f"{summary.seconds.mean:.1f}" if summary.seconds.n else "–",
        status + (f", {' and '.join(summary.edge)} on the edge of the grid" if summary.edge else ""),
    ]


def chosen(summary: Summary) -> str:
    """`lr=0.03 momentum=0.8`: the rate, what the grid varied, and what is not as the rule has it by itself."""
    if summary.setting is None:
        return "(tuning not finished)"
    setting, plain = asdict(summary.setting), asdict(type(summary.setting)())
    told = {name for name, value in setting.items() if value != plain[name]} | {"lr", *summary.varied}
    return words({name: value for name, value in setting.items() if name in told}) + " (fixed)" * (not summary.varied)


def heading(problem: Problem) -> str:
    """`mlp: mlp (hidden [1000, 1000], dropout 0.5), 4 epochs, batch size 128, rate constant`."""
    model, schedule = named(problem.model, MODELS), named(problem.schedule, SCHEDULES)
    details = ", ".join(f"{key} {value}" for key, value in model.items() if key != "name" and value)
    rate = " ".join(str(value) for value in schedule.values())
    return (
        f"{problem.name}: {model['name']}{f' ({details})' if details else ''}, "
        f"{plural(problem.epochs, 'epoch')}, batch size {problem.batch_size}, rate {rate}"
    )


def tables(experiment: Experiment, table: Mapping[str, Sequence[Summary]]) -> Iterator[Table | str]:
    """For each problem a ranked table, and a warning for each rate on the edge of its grid."""
    for problem in experiment.problems:
        shown = Table(title=escape(heading(problem)), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for name in COLUMNS:
            right = name not in ("optimizer", "best setting", "status")
            shown.add_column(name, justify="right" if right else "left", no_wrap=not name)
        for rank, summary in enumerate(table[problem.name], 1):
            shown.add_row(*map(escape, cells(rank, summary)))
        yield shown
        for summary in table[problem.name]:
            for name in summary.edge:
                yield (
                    f"warning: {problem.name}: the best {name} of {summary.optimizer}, {summary.varied[name]:g}, "
                    "lies on the edge of its grid; a better one may lie beyond"
                )


def markdown(experiment: Experiment, table: Mapping[str, Sequence[Summary]]) -> str:
    """The same tables for a README."""
    parts = []
    for problem in experiment.problems:
        rows = [cells(rank, summary) for rank, summary in enumerate(table[problem.name], 1)]
        parts.append(f"**{heading(problem)}**\n\n{markdown_table(COLUMNS, rows)}")
    return "\n".join(parts)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def benchmark(numbers: Mapping[str, Any]) -> Iterator[Table | str]:
    """What `adambench bench` found, in tables."""
    machine = numbers["machine"]
    yield f"{machine['cpu']}, BLAS {machine['blas']}, numpy {machine['versions']['numpy']}; one core, CPU time"
    if "steps" in numbers:
        yield grid(
            "a training step (of each setting, where settings are trained together)",
            [
                "model",
                "optimizer",
                "together",
                "ms",
                "products alone, ms",
                "share of products",
                "GFLOP/s",
                "products' GFLOP/s",
            ],
            [
                [
                    *(step["model"], step["optimizer"], str(step["settings"])),
                    *(f"{1e3 * step[key]:.3f}" for key in ("seconds", "products")),
                    *(f"{step['share']:.0%}", f"{step['gflops']:.1f}", f"{step['bare_gflops']:.1f}"),
                ]
                for step in numbers["steps"]
            ],
            words=["model", "optimizer"],
        )
        updates = numbers["updates"].items()
        yield grid(
            "an update of the MLP's parameters, beside a plain copy of them",
            ["optimizer", "ms", "copies"],
            [[rule, f"{1e3 * pair['second']:.2f}", f"{pair['ratio']:.1f}"] for rule, pair in updates],
            words=["optimizer"],
        )
        columns = ["library", "model", "together", "here, ms", "there, ms", "times faster here"]
        lines = [
            [b["rival"], b["model"], str(b["settings"])]
            + [f"{1e3 * b[key]:.3f}" for key in ("here", "there")]
            + [f"{b['ratio']:.2f}"]
            for b in numbers["beside"]
        ]
        yield grid("a step of Adam beside other libraries, median of pairs", columns, lines, words=["library", "model"])
        if not lines:
            yield "PyTorch and JAX are not installed: nothing to compare with"
    for name, found in numbers.get("growth", {}).items():
        unit = "runs of 100 steps an hour" if name == "jobs" else "ms a step"
        shown = [f"{value:.0f}" if name == "jobs" else f"{1e3 * value:.3f}" for value in found.values()]
        yield grid(f"Adam by {name}", [name, *map(str, found)], [[unit, *shown]])


def shown(record: Record) -> Iterator[Table]:
    """A record's fields, then its curve."""
    about = Table(box=None, show_header=False)
    about.add_column(style="bold")
    about.add_column()
    for key, value in record.data.items():
        if key in TABLES:
            continue
        named = isinstance(value, dict)
        about.add_row(key, escape(", ".join(f"{k} {v}" for k, v in value.items()) if named else str(value)))
    yield about
    columns = record.data["curve"]
    curve = Table(*columns, box=box.SIMPLE_HEAD)
    for values in zip(*columns.values(), strict=True):
        curve.add_row(*(value if isinstance(value, str) else f"{value:.6g}" for value in values))
    yield curve
