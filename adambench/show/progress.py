"""What a person sees of runs to come and under way: the plan, progress, a line for each end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from adambench.config.shown import shortest, words
from adambench.execution.engines import Event, Failed, Finished, Progressed, Retried, Silent, Started
from adambench.execution.outlook import Outlook
from adambench.execution.plan import Entry, Run
from adambench.execution.unfolding import Unfolding
from adambench.show.table import Column, Table
from adambench.show.terminal import cost, duration, plural

MOST_SILENT = 60.0  # seconds without a line where there is no terminal
NARROW = 79  # columns of a terminal, where a bar is short
MOST_VALUES = 6  # of an axis that are written out


class TimeLeft(ProgressColumn):
    """Time left, of the whole only."""

    def __init__(self, outlook: Outlook) -> None:
        super().__init__()
        self.outlook = outlook

    def render(self, task: Task) -> Text:
        return Text(f"{duration(self.outlook.left)} left" if task.fields["whole"] else "", no_wrap=True)


class Watch:
    """Shows events: on a terminal as bars for the whole and for each worker, elsewhere as lines of text.

    Elsewhere there is a line for each finished run, and at least one a minute. A context manager.
    """

    def __init__(
        self, out: Console, runs: Unfolding, outlook: Outlook, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """runs: of the plan, which are named as runs finish. clock: in seconds."""
        self.out, self.runs, self.outlook, self.clock = out, runs, outlook, clock
        self.last_line = clock()
        self.under_way: dict[int, str] = {}  # by worker, what it trains and how far it is
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24 if out.width > NARROW else 6),
            TextColumn("{task.fields[state]}"),
            TimeLeft(outlook),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self.whole = self.bars.add_task("all runs", total=outlook.whole, whole=True, state=self._count())
        self.lines: dict[int, TaskID] = {}

    def __enter__(self) -> "Watch":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def show(self, event: Event) -> None:
        self.outlook.note(event)
        self.bars.update(self.whole, completed=self.outlook.done)
        match event:
            case Started(runs=runs):
                if event.worker not in self.lines:
                    self.lines[event.worker] = self.bars.add_task("", whole=False, state="")
                line, epochs, state = self.lines[event.worker], runs[0].epochs, f"epoch 0/{runs[0].epochs}"
                self.under_way[event.worker] = f"{_name(runs)}: {state}"
                self.bars.reset(line, total=epochs, description=escape(_name(runs)), whole=False, state=state)
            case Progressed(runs=runs, evaluations=evaluations):
                now = [evaluation for evaluation in evaluations if evaluation]
                lowest = min(evaluation.train_loss for evaluation in now)
                which = "lowest cost" if len(runs) > 1 else "cost"
                state = f"epoch {now[0].epoch}/{runs[0].epochs} · {which} {cost(lowest)}"
                self.bars.update(self.lines[event.worker], completed=now[0].epoch, state=state)
                self.under_way[event.worker] = f"{_name(runs)}: {state}"
                if not self.out.is_terminal and self.clock() - self.last_line >= MOST_SILENT:
                    self._line(self.runs.done, runs[0], state)
            case Finished(runs=runs, curves=curves):
                for place, (run, curve) in enumerate(zip(runs, curves, strict=True), 1 - len(runs)):
                    last = curve[-1]
                    end = f"diverged in epoch {last.epoch}" if last.diverged else f"cost {cost(last.train_loss)}"
                    if not self.out.is_terminal:
                        self._line(self.runs.done + place, run, f"{end}, {last.seconds:.1f} s")
                self.under_way.pop(event.worker, None)
                self.bars.update(self.whole, state=self._count())
            case Failed(runs=runs):
                self.under_way.pop(event.worker, None)
                for run in runs:
                    self._line(self.runs.done, run, failure(event))
            case Retried(runs=runs):
                self.under_way.pop(event.worker, None)
                self._line(self.runs.done, runs[0], stopped(event))
            case Silent(runs=runs):
                self._line(self.runs.done, runs[0], event.words)

    def _line(self, done: int, run: Run, end: str) -> None:
        self.last_line = self.clock()
        self.out.print(f"[{done}/{self.runs.total}] {run_name(run)}: {end}", markup=False, soft_wrap=True)

    def _count(self) -> str:
        return f"{self.runs.done}/{self.runs.total} runs"


def plan_line(name: str, runs: Unfolding, jobs: int, seconds: float) -> str:
    """`mnist: 72 runs, 0 already done, about 3 min on 2 cores`. seconds: until the last run ends."""
    line = f"{name}: {plural(runs.total, 'run')}, {runs.done} already done"
    if not (left := runs.left()):
        return line
    return f"{line}, about {duration(seconds)} on {plural(max(1, min(jobs, len(left))), 'core')}"


def _name(runs: Sequence[Run]) -> str:
    return run_name(runs[0]) if len(runs) == 1 else f"{runs[0].problem}: {len(runs)} runs together"


def run_name(run: Run) -> str:
    """`mlp adam lr=0.001 report seed 1`: the rate, and what else differs from the rule's defaults."""
    defaults = {field.name: field.default for field in fields(run.optimizer)}
    shown = {k: v for k, v in run.hyperparameters.items() if k == "lr" or v != defaults[k]}
    return f"{run.problem} {run.label} {words(shown)} {run.phase} seed {run.seed}"


def failure(event: Failed) -> str:
    return f"failed twice: {_first_line(event.reason)}"


def stopped(event: Retried) -> str:
    more = f" (and {plural(len(event.runs) - 1, 'run')} beside it)" if len(event.runs) > 1 else ""
    return f"stopped{more}, and is tried once more: {_first_line(event.reason)}"


def _first_line(reason: str) -> str:
    """Of a traceback, the type of the exception and the first line of what it says; else the first line."""
    lines = reason.strip().splitlines()
    frames = [i for i, line in enumerate(lines) if line.startswith('  File "')]
    return next((line for line in lines[frames[-1] :] if not line.startswith(" ")), lines[0]) if frames else lines[0]


Planned = tuple[Entry, list[Run], list[Run]]  # its runs, and those of them that are not done


PLAN = [
    Column("problem", lambda row: row[0].problem.name, left=True),
    Column("optimizer", lambda row: row[0].grid.label, left=True),
    Column("varied", lambda row: _varied(row[0]), lambda varied: varied or "–", left=True),
    Column("settings", lambda row: len(row[0].grid.settings), spare=1),
    Column("tuning runs", lambda row: sum(run.phase == "tuning" for run in row[1])),
    Column("report runs", lambda row: sum(run.phase == "report" for run in row[1])),
    Column("already done", lambda row: len(row[1]) - len(row[2]), spare=2),
]


def planned(plan: Unfolding, work: Callable[[Run], float]) -> Table:
    """What a run would train: for each optimizer of each problem, the settings, the runs and their expected time.

    Of a part of the plan, only the runs that are in it and can be named.
    """
    rows: list[Planned] = []
    for entry in plan.entries:
        runs = [*entry.tuning, *entry.report(plan.curves)] if plan.mine else entry.outlook(plan.curves)
        runs = [run for run in runs if not plan.mine or plan.mine(run)]
        rows.append((entry, runs, [run for run in runs if run.id not in plan.curves]))
    time = Column("CPU time", lambda row: sum(map(work, row[2])), lambda seconds: duration(seconds) if seconds else "–")
    return Table("", [*PLAN, time], rows)


def _varied(entry: Entry) -> str:
    """`lr=0.01,0.1 momentum=0.5,0.9`; empty if no value is searched."""
    axes = {name: entry.grid.axes[name] for name in entry.grid.varied}
    return " ".join(f"{name}={_values(values)}" for name, values in axes.items())


def _values(values: Sequence[Any]) -> str:
    """`0.01,0.1`, or `0.001…1 (25 values)` for more than six."""
    if len(values) > MOST_VALUES:
        return f"{shortest(min(values))}…{shortest(max(values))} ({len(values)} values)"
    return ",".join(map(shortest, values))
