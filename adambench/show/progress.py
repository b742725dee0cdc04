"""What a person sees of runs to come and under way: the plan, progress, a line for each end."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from adambench.curve import Curve
from adambench.execution.engines import Event, Failed, Finished, Progressed, Started
from adambench.execution.plan import Entry, Run, shortest, words
from adambench.execution.unfolding import Unfolding
from adambench.show.table import Column, Table
from adambench.show.terminal import cost, duration, plural

MOST_SILENT = 60.0  # seconds without a line where there is no terminal
MOST_VALUES = 6  # of an axis that are written out


class TimeLeft(TimeRemainingColumn):
    """Time left, of the whole only."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.fields["whole"] else Text()


class Watch:
    """Shows events: on a terminal as bars for the whole and for each worker, elsewhere as lines of text.

    Elsewhere there is a line for each finished run, and at least one a minute. A context manager.
    """

    def __init__(
        self, out: Console, runs: Unfolding, work: Callable[[Run], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """runs: of the plan, which are named as runs finish. work: expected seconds of a run. clock: in seconds."""
        self.out, self.runs, self.work, self.clock = out, runs, work, clock
        self.last_line = clock()
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
        expected = sum(map(work, runs.left()))
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
                line, epochs = self.lines[event.worker], runs[0].epochs
                self.bars.reset(line, total=epochs, description=escape(name), whole=False, state=f"epoch 0/{epochs}")
            case Progressed(runs=runs, evaluations=evaluations):
                now = [evaluation for evaluation in evaluations if evaluation]
                lowest = min(evaluation.train_loss for evaluation in now)
                which = "lowest cost" if len(runs) > 1 else "cost"
                state = f"epoch {now[0].epoch}/{runs[0].epochs} · {which} {cost(lowest)}"
                self.bars.update(self.lines[event.worker], completed=now[0].epoch, state=state)
                self.bars.advance(self.whole, sum(self.work(run) / run.epochs for run in runs))
                if not self.out.is_terminal and self.clock() - self.last_line >= MOST_SILENT:
                    self._line(self.runs.done, runs[0], state)
            case Finished(runs=runs, curves=curves):
                for place, (run, curve) in enumerate(zip(runs, curves, strict=True), 1 - len(runs)):
                    last = curve[-1]
                    end = f"diverged in epoch {last.epoch}" if last.diverged else f"cost {cost(last.train_loss)}"
                    if not self.out.is_terminal:
                        self._line(self.runs.done + place, run, f"{end}, {last.seconds:.1f} s")
                left = runs[0].epochs - max(curve[-1].epoch for curve in curves)  # all diverged
                self.bars.advance(self.whole, left * sum(self.work(run) / run.epochs for run in runs))
                self.bars.update(self.whole, state=self._count())
            case Failed(runs=runs):
                for run in runs:
                    self._line(self.runs.done, run, failure(event))

    def _line(self, done: int, run: Run, end: str) -> None:
        self.last_line = self.clock()
        self.out.print(f"[{done}/{self.runs.total}] {run_name(run)}: {end}", markup=False, soft_wrap=True)

    def _count(self) -> str:
        return f"{self.runs.done}/{self.runs.total} runs"


def plan_line(name: str, runs: Unfolding, jobs: int, work: Callable[[Run], float]) -> str:
    """`mnist: 72 runs, 0 already done, about 3 min on 2 cores`."""
    line = f"{name}: {plural(runs.total, 'run')}, {runs.done} already done"
    if not (left := runs.left()):
        return line
    cores = max(1, min(jobs, len(left)))
    return f"{line}, about {duration(sum(map(work, left)) / cores)} on {plural(cores, 'core')}"


def run_name(run: Run) -> str:
    """`mlp adam lr=0.001 report seed 1`: the rate, and what else differs from the rule's defaults."""
    defaults = {field.name: field.default for field in fields(run.optimizer)}
    shown = {k: v for k, v in run.hyperparameters.items() if k == "lr" or v != defaults[k]}
    return f"{run.problem} {run.label} {words(shown)} {run.phase} seed {run.seed}"


def failure(event: Failed) -> str:
    """The last line of a traceback, or the whole reason."""
    return f"failed twice: {event.reason.strip().splitlines()[-1]}"


Planned = tuple[Entry, list[Run], list[Run]]  # its runs, and those of them that are not done


PLAN = [
    Column("problem", lambda row: row[0].problem.name, left=True),
    Column("optimizer", lambda row: row[0].grid.label, left=True),
    Column("varied", lambda row: _varied(row[0]), left=True),
    Column("settings", lambda row: len(row[0].grid.settings), spare=1),
    Column("tuning runs", lambda row: len(row[0].tuning)),
    Column("report runs", lambda row: len(row[0].problem.seeds)),
    Column("already done", lambda row: len(row[1]) - len(row[2]), spare=2),
]


def planned(entries: Sequence[Entry], curves: Mapping[str, Curve], work: Callable[[Run], float]) -> Table:
    """What a run would train: for each optimizer of each problem, the settings, the runs and their expected time."""
    rows: list[Planned] = []
    for entry in entries:
        runs = entry.outlook(curves)
        rows.append((entry, runs, [run for run in runs if run.id not in curves]))
    time = Column("CPU time", lambda row: sum(map(work, row[2])), duration)
    return Table("", [*PLAN, time], rows)


def _varied(entry: Entry) -> str:
    """`lr=0.01,0.1 momentum=0.5,0.9`."""
    axes = {name: entry.grid.axes[name] for name in entry.grid.varied}
    return " ".join(f"{name}={_values(values)}" for name, values in axes.items()) or "–"


def _values(values: Sequence[Any]) -> str:
    """`0.01,0.1`, or `0.001…1 (25 values)` for more than six."""
    if len(values) > MOST_VALUES:
        return f"{shortest(min(values))}…{shortest(max(values))} ({len(values)} values)"
    return ",".join(map(shortest, values))
