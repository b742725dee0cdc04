"""An experiment and its results folder: what the commands do with the two, and nothing about terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from adambench import __version__, analysis, claims, plan
from adambench import config as configuration
from adambench.analysis import Summary
from adambench.claims import Verdict
from adambench.datasets import Dataset
from adambench.errors import AdambenchError, unknown
from adambench.execution import execute
from adambench.experiment import Experiment
from adambench.fairness import Fairness, fairness
from adambench.paper import FIGURES, GRIDS
from adambench.plan import Curve, Entry, Run
from adambench.results import Folder, Record
from adambench.workers import Event, Finished

if TYPE_CHECKING:
    from adambench.charts import Figure

Warn = Callable[[str], object]


@dataclass
class Session:
    """records: of the finished runs, by id; those of earlier plans too."""

    experiment: Experiment
    folder: Folder
    entries: list[Entry]
    records: dict[str, Record]

    @classmethod
    def open(cls, experiment: Experiment, folder: Folder, warn: Warn, set_aside: bool = False) -> Session:
        """With what is in the folder. set_aside: files that are no records are renamed, not only passed over."""
        return cls(experiment, folder, plan.entries(experiment), folder.records(warn, set_aside))

    @property
    def curves(self) -> dict[str, Curve]:
        return {id_: record.curve for id_, record in self.records.items()}

    @property
    def runs(self) -> list[Run]:
        """Those of the plan that can be named by now, each once."""
        return list({run.id: run for run in plan.runs(self.entries, self.curves)}.values())

    @property
    def aside(self) -> int:
        """How many records belong to no run of the plan."""
        return len(set(self.records) - {run.id for run in self.runs})

    def summaries(self) -> dict[str, list[Summary]]:
        return analysis.summarise(self.entries, self.curves)

    def verdicts(self) -> list[Verdict]:
        return claims.judge(self.experiment, self.entries, self.curves)

    def fairness(self) -> dict[str, tuple[list[float], list[Fairness]]]:
        """By problem."""
        together = {id_: int(record.data["together"]) for id_, record in self.records.items()}
        return {
            name: fairness(members, self.curves, together) for name, members in plan.by_problem(self.entries).items()
        }

    def train(self, dataset: Dataset, jobs: int, work: Callable[[Run], float], stop: Connection) -> Iterator[Event]:
        """Train what is missing, recording each run as it ends, and tell what happens."""
        for event in execute(partial(plan.runs, self.entries), dataset, self.curves, jobs, work, stop):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    self.records[run.id] = Record.of(run, curve, len(event.runs))
                    self.folder.write_record(run, self.records[run.id])
            yield event

    def train_again(self, runs: list[Run], dataset: Dataset, jobs: int, stop: Connection) -> Iterator[Event]:
        """Train runs that are recorded already, and record nothing."""
        return execute(lambda _: runs, dataset, {}, jobs, stop=stop)

    def write_tables(self) -> list[Path]:
        """curves.csv and summary.csv."""
        rows = [analysis.row(summary) for summaries in self.summaries().values() for summary in summaries]
        return [
            self.folder.write_curves(plan.runs(self.entries, self.curves), self.records),
            self.folder.write_table("summary.csv", analysis.HEADER, rows),
        ]

    def draw(self, kind: str, x: str = "epoch", metric: str | None = None, paper: bool = False) -> list[Path]:
        """The figures that there are numbers for: of one metric, over the paper's curves, or else all the others.

        kind: png, svg or pdf. Raises AdambenchError if no run measured the metric, or there is no figure of the paper.
        """
        from adambench import charts  # noqa: PLC0415  # matplotlib is slow to import, and not all that opens draws

        if paper:
            figures = {
                "paper": charts.beside_paper(self.entries, self.curves),
                "figure4": charts.figure4(self.entries, self.curves),
            }
            if not any(figures.values()):
                raise AdambenchError(
                    f"{self.experiment.name}: no problem names a figure of the paper, or none of its runs is finished",
                    f"A problem's `figure` does: one of {', '.join([*FIGURES, *GRIDS])}.",
                )
        else:
            suffix = "" if x == "epoch" else f"_by_{x}"
            metrics = [metric] if metric else ["train_loss", "test_error"]
            figures = {f"{name}{suffix}": charts.convergence(self.entries, self.curves, name, x) for name in metrics}
            if metric is None:
                for draw in (charts.sensitivity, charts.heatmap, charts.budget):
                    figures[draw.__name__] = draw(self.entries, self.curves)
            elif not any(figures.values()):
                hint = "evaluate: {train: true} in the configuration measures the training set."
                raise AdambenchError(
                    f"{self.experiment.name}: no run measured {metric}", hint * metric.startswith("full")
                )
        return self._write(figures, kind)

    def draw_inside(self, kind: str, over: str | None = None) -> list[Path]:
        """A figure for each run that was looked inside of, or of two labels over each other (`over`: `adam,rmsprop`).

        Raises AdambenchError if there is no such run.
        """
        from adambench import charts  # noqa: PLC0415  # matplotlib is slow to import, and not all that opens draws

        looks = [
            charts.Inside(run, entry.grid.rule, self.curves[run.id], columns)
            for entry in self.entries
            for run in entry.report(self.curves)
            if run.id in self.records and (columns := self.records[run.id].data.get("inside"))
        ]
        labels = list(dict.fromkeys(look.run.label for look in looks))
        if not looks:
            raise AdambenchError(
                f"{self.experiment.name}: no finished run was looked inside of",
                "`inspect: {optimizers: [adam]}` in the configuration does; then run it.",
            )
        chosen = [[label] for label in labels] if over is None else [over.split(",")]
        for label in chosen[0]:
            if label not in labels:
                raise AdambenchError(f"--over {over}: {label}: {unknown(label, labels)}", "As in --over adam,rmsprop")
        if over is not None and (len(chosen[0]) != 2 or chosen[0][0] == chosen[0][1]):
            raise AdambenchError(f"--over {over}: must be two labels", "As in --over adam,rmsprop")
        by_name = {(look.run.problem, look.run.label): look for look in looks}
        figures = {
            "-".join(["inside", problem.name, *group]): charts.inside([by_name[problem.name, label] for label in group])
            for problem in self.experiment.problems
            for group in chosen
            if all((problem.name, label) in by_name for label in group)
        }
        return self._write(figures, kind)

    def _write(self, figures: Mapping[str, Figure | None], kind: str) -> list[Path]:
        from adambench import charts  # noqa: PLC0415  # as above

        name, digest, how = self.experiment.name, self.folder.digest(), plan.selection(self.experiment)
        origin = f"adambench {__version__}, experiment {name}, configuration {digest}; {how}"
        return [
            self.folder.write_figure(f"{name}.{kind}", charts.save(figure, kind, origin))
            for name, figure in figures.items()
            if figure
        ]


def stored(results: Path, names: list[str] | None, warn: Warn) -> list[Session]:
    """The experiments of those names in a results folder, or all of them."""
    try:
        there = sorted(path.parent.name for path in results.glob("*/config.yaml"))
    except OSError as error:
        raise AdambenchError(f"{results}: cannot be read: {error.strerror}") from error
    if not there:
        raise AdambenchError(f"{results}: holds no experiment", "Run one first: adambench run configs/mnist.yaml")
    for name in names or []:
        if name not in there:
            raise AdambenchError(f"{name}: {unknown(name, there)}", f"These are the experiments in {results}.")
    folders = [Folder(results, name) for name in names or there]
    return [Session.open(configuration.load(folder.config), folder, warn) for folder in folders]
