"""What a person sees of runs to come and under way: the plan, progress, a line for each end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from adambench.plan import Curve, Entry, Run, words
from adambench.terminal import cost, duration, grid, plural
from adambench.workers import Event, Failed, Finished, Progressed, Started


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
        self.out, self.entries, self.curves, self.work = out, entries, dict(curves), work
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
                line, epochs = self.lines[event.worker], runs[0].epochs
                self.bars.reset(line, total=epochs, description=escape(name), whole=False, state=f"epoch 0/{epochs}")
            case Progressed(runs=runs, evaluations=evaluations):
                now = [evaluation for evaluation in evaluations if evaluation]
                lowest = min(evaluation.train_loss for evaluation in now)
                state = f"epoch {now[0].epoch}/{runs[0].epochs} · {'lowest ' * (len(runs) > 1)}cost {cost(lowest)}"
                self.bars.update(self.lines[event.worker], completed=now[0].epoch, state=state)
                self.bars.advance(self.whole, sum(self.work(run) / run.epochs for run in runs))
            case Finished(runs=runs, curves=curves):
                for run, curve in zip(runs, curves, strict=True):
                    self.curves[run.id] = curve
                    self.total, self.done, _ = outlook(self.entries, self.curves, self.work)
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
    runs = {run.id: run for entry in entries for run in entry.outlook(curves)}
    left = [run for id_, run in runs.items() if id_ not in curves]
    return len(runs), len(runs) - len(left), sum(map(work, left))


def plan_line(entries: Sequence[Entry], curves: Mapping[str, Curve], jobs: int, work: Callable[[Run], float]) -> str:
    """`mnist: 72 runs, 0 already done, about 3 min on 2 cores`."""
    total, done, seconds = outlook(entries, curves, work)
    line = f"{entries[0].experiment.name}: {plural(total, 'run')}, {done} already done"
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


def planned(entries: Sequence[Entry], curves: Mapping[str, Curve], work: Callable[[Run], float]) -> Table:
    """What a run would train: for each optimizer of each problem, the settings, the runs and their expected time."""
    rows = []
    for entry in entries:
        axes = {name: entry.grid.axes[name] for name in entry.grid.varied}
        varied = " ".join(f"{name}={','.join(f'{value:g}' for value in values)}" for name, values in axes.items())
        runs = entry.outlook(curves)
        done = sum(run.id in curves for run in runs)
        line = [entry.problem.name, entry.grid.label, varied or "–", str(len(entry.grid.settings))]
        line += [str(len(entry.tuning)), str(len(entry.problem.seeds)), str(done)]
        rows.append([*line, duration(sum(work(run) for run in runs if run.id not in curves))])
    text = ["problem", "optimizer", "varied"]
    return grid("", [*text, "settings", "tuning runs", "report runs", "already done", "CPU time"], rows, words=text)
