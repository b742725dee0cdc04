"""What a person reads in the terminal: the plan in a line, progress, ranked tables."""

import math
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from annotated_types import DocInfo
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from adambench.analysis import Estimate, Summary, row
from adambench.datasets import DATASETS
from adambench.execution import Event, Failed, Finished, Progressed, Started
from adambench.experiment import Experiment, Problem, named
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Entry, Run, words
from adambench.results import Record
from adambench.schedules import SCHEDULES


def console(stderr: bool = False) -> Console:
    """A terminal as wide as it is; a file or pipe wide enough that no table wraps, and without control codes."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=160, color_system=None)


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 10 min`: one or two figures, as an estimate deserves."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


class TimeLeft(TimeRemainingColumn):
    """Time left, of the whole only."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.fields["whole"] else Text()


class Watch:
    """Shows events as they come: on a terminal bars for the whole and for each worker, elsewhere a line a finished run.

    A context manager.
    """

    def __init__(
        self, out: Console, entries: Sequence[Entry], curves: Mapping[str, Curve], work: Callable[[Run], float]
    ) -> None:
        """curves: of the runs that are done already; work: expected seconds of a run."""
        self.out, self.work = out, work
        self.total, self.done, expected = outlook(entries, curves, work)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeLeft(compact=True),
            console=out,
            transient=True,
            speed_estimate_period=600,
            disable=not out.is_terminal,
        )
        self.whole = self.bars.add_task("all runs", total=expected, whole=True, state=self._count())
        self.lines: dict[int, TaskID] = {}

    def __enter__(self) -> "Watch":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def show(self, event: Event) -> None:
        match event:
            case Started(runs=runs):
                if event.worker not in self.lines:
                    self.lines[event.worker] = self.bars.add_task("", whole=False, state="")
                name = run_name(runs[0]) if len(runs) == 1 else f"{runs[0].problem}: {len(runs)} runs together"
                line = self.lines[event.worker]
                self.bars.reset(line, total=runs[0].epochs, description=escape(name), whole=False, state="")
            case Progressed(runs=runs, evaluations=evaluations):
                now = [evaluation for evaluation in evaluations if evaluation]
                lowest = min(evaluation.train_loss for evaluation in now)
                state = f"epoch {now[0].epoch}/{runs[0].epochs} · {'lowest ' * (len(runs) > 1)}cost {cost(lowest)}"
                self.bars.update(self.lines[event.worker], completed=now[0].epoch, state=state)
                self.bars.advance(self.whole, sum(self.work(run) / run.epochs for run in runs))
            case Finished(runs=runs, curves=curves):
                for run, curve in zip(runs, curves, strict=True):
                    self.done += 1
                    last = curve[-1]
                    end = f"diverged in epoch {last.epoch}" if last.diverged else f"cost {cost(last.train_loss)}"
                    if not self.out.is_terminal:
                        self._line(run, f"{end}, {last.seconds:.1f} s")
                left = runs[0].epochs - max(curve[-1].epoch for curve in curves)  # all diverged
                self.bars.advance(self.whole, left * sum(self.work(run) / run.epochs for run in runs))
                self.bars.update(self.whole, state=self._count())
            case Failed(runs=runs):
                for run in runs:
                    self._line(run, failure(event))

    def _line(self, run: Run, end: str) -> None:
        self.out.print(f"[{self.done}/{self.total}] {run_name(run)}: {end}", markup=False, soft_wrap=True)

    def _count(self) -> str:
        return f"{self.done}/{self.total} runs"


def outlook(
    entries: Sequence[Entry], curves: Mapping[str, Curve], work: Callable[[Run], float]
) -> tuple[int, int, float]:
    """How many runs there are, how many of them are done, and the expected CPU seconds of the others."""
    runs = {run.id: run for entry in entries for run in entry.all_runs(curves)}
    left = [run for id_, run in runs.items() if id_ not in curves]
    return len(runs), len(runs) - len(left), sum(map(work, left))


def plan_line(
    experiment: Experiment,
    entries: Sequence[Entry],
    curves: Mapping[str, Curve],
    jobs: int,
    work: Callable[[Run], float],
) -> str:
    """`mnist: 72 runs, 0 already done, about 3 min on 2 cores`."""
    total, done, seconds = outlook(entries, curves, work)
    line = f"{experiment.name}: {plural(total, 'run')}, {done} already done"
    if done == total:
        return line
    return f"{line}, about {duration(seconds / min(jobs, total - done))} on {plural(min(jobs, total - done), 'core')}"


def run_name(run: Run) -> str:
    """`mlp adam lr=0.001 report seed 1`: the rate, and what else differs from the rule's defaults."""
    defaults = {field.name: field.default for field in fields(run.optimizer)}
    shown = {k: v for k, v in run.hyperparameters.items() if k == "lr" or v != defaults[k]}
    return f"{run.problem} {run.label} {words(shown)} {run.phase} seed {run.seed}"


def failure(event: Failed) -> str:
    """The last line of a traceback, or the whole reason."""
    return f"failed twice: {event.reason.strip().splitlines()[-1]}"


def cost(value: float) -> str:
    """Four figures: 0.2603, 0.01234, 3.2e-05."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:#.4g}" if 1e-4 <= abs(value) < 1e4 else f"{value:.3g}"


def estimate(value: Estimate, scale: float = 1.0) -> str:
    """`0.2603 ± 0.0004`: the spread with one figure, the mean to the same place. Alone if n is 1."""
    mean, sd = value.mean * scale, value.sd * scale
    if value.n == 0:
        return "–"
    if not math.isfinite(mean):
        return "∞"
    if math.isnan(sd) or sd == 0:
        return cost(mean)
    places = max(0, -math.floor(math.log10(sd)))
    return f"{mean:.{places}f} ± {sd:.{places}f}"


COLUMNS = ["", "optimizer", "best setting", "final training cost", "n", "test error %", "CPU s", "status"]


def cells(rank: int, summary: Summary) -> list[str]:
    """A summary as a row of a table, under COLUMNS."""
    chosen = words(summary.varied) if summary.varied else f"lr={getattr(summary.setting, 'lr', 0):g} (fixed)"
    epochs = sorted(set(summary.diverged))
    status = f"diverged in epoch {', '.join(map(str, epochs))}" if epochs else summary.status
    return [
        str(rank),
        summary.optimizer,
        chosen if summary.setting else "(tuning not finished)",
        estimate(summary.train_loss),
        str(summary.train_loss.n),
        estimate(summary.test_error, 100),
        f"{summary.seconds.mean:.1f}" if summary.seconds.n else "–",
        status + (", rate on the edge of its grid" if summary.edge else ""),
    ]


def heading(problem: Problem) -> str:
    """`mlp: mlp (hidden=[1000, 1000] …), 5 epochs of batches of 128, constant rate`."""
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
            shown.add_column(name, justify="right" if right else "left", no_wrap=name != "status")
        for rank, summary in enumerate(table[problem.name], 1):
            shown.add_row(*map(escape, cells(rank, summary)))
        yield shown
        for summary in table[problem.name]:
            if summary.edge:
                yield (
                    f"warning: {problem.name}: the best rate of {summary.optimizer}, {summary.varied['lr']:g}, "
                    "lies on the edge of its grid; a better one may lie beyond"
                )


def markdown(experiment: Experiment, table: Mapping[str, Sequence[Summary]]) -> str:
    """The same tables for a README."""
    parts = []
    for problem in experiment.problems:
        lines = [COLUMNS, ["---"] * len(COLUMNS)]
        lines += [cells(rank, summary) for rank, summary in enumerate(table[problem.name], 1)]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        parts.append(f"**{heading(problem)}**\n\n{text}\n")
    return "\n".join(parts)


def planned(entries: Sequence[Entry], curves: Mapping[str, Curve], work: Callable[[Run], float]) -> Table:
    """What a run would train: for each optimizer of each problem, the settings, the runs and their expected time."""
    shown = Table(box=box.SIMPLE_HEAD)
    for name in (
        "problem",
        "optimizer",
        "varied",
        "settings",
        "tuning runs",
        "report runs",
        "already done",
        "CPU time",
    ):
        left = name in ("problem", "optimizer", "varied")
        shown.add_column(name, justify="left" if left else "right")
    for entry in entries:
        axes = {name: entry.grid.axes[name] for name in entry.grid.varied}
        varied = " ".join(f"{name}={','.join(f'{value:g}' for value in values)}" for name, values in axes.items())
        runs = entry.all_runs(curves)
        done = sum(run.id in curves for run in runs)
        line = [entry.problem.name, entry.grid.label, varied or "–", str(len(entry.grid.settings))]
        line += [str(len(entry.tuning)), str(len(entry.problem.seeds)), str(done)]
        shown.add_row(*map(escape, line), duration(sum(work(run) for run in runs if run.id not in curves)))
    return shown


def catalogue() -> Iterator[Table]:
    """Everything that a configuration can name, with defaults and meaning, read off the code itself."""
    for title, registry in (("optimizers", OPTIMIZERS), ("models", MODELS), ("schedules", SCHEDULES)):
        shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for name in ("name", "meaning", "field", "default", "allowed", "what it is"):
            shown.add_column(name, no_wrap=name not in ("meaning", "what it is"))
        for name, cls in registry.items():
            lines = list(_fields(cls)) or [("", "", "", "")]
            meaning = (cls.__doc__ or "").split("\n\n")[0]
            for index, line in enumerate(lines):
                start = ("", "") if index else (name, meaning)
                shown.add_row(*map(escape, (*start, *line)))
        yield shown
    shown = Table(title="data sets", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    shown.add_column("name")
    shown.add_column("meaning")
    for name, load in DATASETS.items():
        shown.add_row(name, (load.__doc__ or "").split("\n\n")[0])
    shown.add_row("{idx: FOLDER}", "Any folder of four files in MNIST's own format, gzipped or not (Fashion-MNIST, …).")
    yield shown


def _fields(cls: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, default, allowed range and meaning of each field of a registered dataclass."""
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        allowed, meaning = [], ""
        for mark in hints[field.name].__metadata__:
            if isinstance(mark, DocInfo):
                meaning = mark.documentation
            else:
                sign, bound = _bound(mark)
                allowed.append(f"{sign} {bound:g}")
        kind = typing.get_args(hints[field.name])[0]
        if typing.get_origin(kind) is typing.Literal:
            allowed = list(typing.get_args(kind))
        elif kind is bool:
            allowed = ["true", "false"]
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        yield field.name, default, ", ".join(allowed), meaning


def _bound(mark: Any) -> tuple[str, float]:
    """Gt(0) as (">", 0)."""
    (bound,) = asdict(mark).values()
    return {"Gt": ">", "Ge": "≥", "Lt": "<", "Le": "≤"}[type(mark).__name__], bound


def shown(record: Record) -> Iterator[Table]:
    """A record's fields, then its curve."""
    about = Table(box=None, show_header=False)
    about.add_column(style="bold")
    about.add_column()
    for key, value in record.data.items():
        if key == "curve":
            continue
        named = isinstance(value, dict)
        about.add_row(key, escape(", ".join(f"{k} {v}" for k, v in value.items()) if named else str(value)))
    yield about
    columns = record.data["curve"]
    curve = Table(*columns, box=box.SIMPLE_HEAD)
    for values in zip(*columns.values(), strict=True):
        curve.add_row(*("∞" if value is None else f"{value:.6g}" for value in values))
    yield curve


def benchmark(numbers: Mapping[str, Any]) -> Iterator[Table | str]:
    """What `adambench bench` found, in tables."""
    machine = numbers["machine"]
    yield f"{machine['cpu']}, BLAS {machine['blas']}, numpy {machine['versions']['numpy']}; one core, CPU time"
    if "steps" in numbers:
        yield _table(
            "a training step (of each setting, where settings are trained together)",
            ["model", "together", "optimizer", "ms", "products alone, ms", "share of products", "GFLOP/s", "of bare"],
            [
                [
                    *(step["model"], str(step["settings"]), step["optimizer"]),
                    *(f"{1e3 * step[key]:.3f}" for key in ("seconds", "products")),
                    *(f"{step['share']:.0%}", f"{step['gflops']:.1f}", f"{step['gflops'] / step['bare_gflops']:.0%}"),
                ]
                for step in numbers["steps"]
            ],
        )
        yield _table(
            "an update of the MLP's parameters, beside a plain copy of them",
            ["optimizer", "ms", "copies"],
            [
                [rule, f"{1e3 * pair['second']:.2f}", f"{pair['ratio']:.1f}"]
                for rule, pair in numbers["updates"].items()
            ],
        )
        if numbers["beside"]:
            yield _table(
                "a step of Adam beside other libraries, median of pairs",
                ["library", "model", "together", "here, ms", "there, ms", "times faster here"],
                [
                    [
                        b["rival"],
                        b["model"],
                        str(b["settings"]),
                        f"{1000.0 * b['here']:.3f}",
                        f"{1000.0 * b['there']:.3f}",
                        f"{b['ratio']:.2f}",
                    ]
                    for b in numbers["beside"]
                ],
            )
        else:
            yield "PyTorch and JAX are not installed: nothing to compare with"
    for name, found in numbers.get("growth", {}).items():
        unit = "runs an hour" if name == "jobs" else "ms a step"
        shown = [f"{value:.0f}" if name == "jobs" else f"{1e3 * value:.3f}" for value in found.values()]
        yield _table(f"Adam by {name}", [name, *map(str, found)], [[unit, *shown]])


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    words = ("model", "optimizer", "library", header[0])
    shown = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in header:
        shown.add_column(name, justify="left" if name in words else "right")
    for line in rows:
        shown.add_row(*line)
    return shown


def json_value(value: Any) -> Any:
    """What JSON can hold: a number that is not finite is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rows(table: Mapping[str, Sequence[Summary]]) -> list[list[Any]]:
    """The numbers behind the tables, under analysis.HEADER."""
    return [
        row(summary, words(asdict(summary.setting)) if summary.setting else "")
        for summaries in table.values()
        for summary in summaries
    ]
