"""An experiment and its results folder: what the commands do with the two, without anything about terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from adambench import __version__
from adambench.config.experiment import Experiment
from adambench.curve import Curve
from adambench.execution import plan
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Engine, Event, Finished
from adambench.execution.plan import Entry, Run
from adambench.execution.scheduling import execute
from adambench.execution.unfolding import Unfolding
from adambench.judge import analysis, claims, match, reading, searching
from adambench.judge.analysis import Summary
from adambench.judge.claims import Verdict
from adambench.judge.fairness import Fairness, fairness
from adambench.judge.match import Candidate
from adambench.judge.pairing import Side
from adambench.show import ranking
from adambench.show.table import Table, csv
from adambench.show.words import selection, title
from adambench.store.folder import Folder
from adambench.store.records import Record

if TYPE_CHECKING:
    from adambench.show.charts import Form
    from adambench.show.charts.gallery import Drawing, Gallery

Warn = Callable[[str], object]


@dataclass
class Session:
    """records, curves: of the finished runs, by id; those of earlier plans too."""

    experiment: Experiment
    folder: Folder
    entries: list[Entry]
    records: dict[str, Record]
    curves: dict[str, Curve]
    warn: Warn
    mine: Callable[[Run], bool] | None = None  # a part of the plan, the only one to train

    @classmethod
    def open(
        cls, experiment: Experiment, folder: Folder, warn: Warn, set_aside: bool = False, fresh: bool = False
    ) -> Session:
        """An experiment with what its folder holds.

        set_aside: rename files that are no records, instead of skipping them. fresh: without the finished runs.
        """
        records = {} if fresh else folder.records(warn, set_aside)
        curves = {id_: record.curve for id_, record in records.items()}
        return cls(experiment, folder, plan.entries(experiment), records, curves, warn)

    @property
    def name(self) -> str:
        """Of the folder, which is the experiment's place; a copy of it may have the same name inside."""
        return self.folder.path.name

    @cached_property
    def unfolding(self) -> Unfolding:
        """The runs of the plan as they can be named while others finish."""
        return Unfolding(self.entries, self.curves, self.mine)

    @property
    def runs(self) -> list[Run]:
        """The runs of the plan that can be named so far, each once."""
        return list({run.id: run for run in plan.runs(self.entries, self.curves)}.values())

    @property
    def ignored(self) -> int:
        """How many records are not in the current plan."""
        return len(set(self.records) - {run.id for run in self.runs})

    def summaries(self) -> dict[str, list[Summary]]:
        return analysis.summarise(self.entries, self.curves)

    def tables(self, named: bool = False) -> list[Table]:
        """The ranking of each problem. named: with the session's name in the columns for programs."""
        metric = self.experiment.tuning.metric
        readings = {
            name: (
                reading.ranking(members, self.curves, metric),
                reading.apart({e.grid.label: analysis.shared(e, self.curves, self.together) for e in members}),
            )
            for name, members in plan.by_problem(self.entries).items()
        }
        return ranking.tables(self.experiment, self.summaries(), readings, self.name if named else "")

    def verdicts(self) -> list[Verdict]:
        return claims.verdicts(self.experiment, self.entries, self.curves, self.together)

    def side(self, name: str) -> Side:
        """Of a comparison with another experiment, under a name that tells them apart."""
        return Side(name, self.entries, self.curves)

    def candidates(self, figure: str | None = None, tuned: bool = False) -> list[Candidate]:
        """The settings with finished runs; only those on problems that name this figure of the paper, if given.

        tuned: only those that the search chose, in their report runs.
        """
        entries = [entry for entry in self.entries if figure in (None, entry.problem.figure)]
        return match.candidates(self.name, entries, self.curves, tuned)

    def fairness(self) -> dict[str, tuple[str, list[float], list[Fairness], str]]:
        """By problem: its title, its cost levels, a row for each optimizer, and a sentence on the search."""
        return {
            name: (
                title(members[0]),
                *fairness(members, self.curves, self.together),
                searching.search(members, self.curves),
            )
            for name, members in plan.by_problem(self.entries).items()
        }

    def begun(self, checkpoints: Checkpoints) -> Mapping[str, int]:
        """By id, the epochs that are behind the runs that have a checkpoint. Those of finished runs are removed."""
        checkpoints.remove([id_ for id_ in self.unfolding.runs if id_ in self.curves])
        return checkpoints.epochs(self.warn)

    def train(
        self,
        engine: Engine,
        work: Callable[[Run], float],
        stop: Connection,
        checkpoints: Checkpoints,
        begun: Mapping[str, int],
    ) -> Iterator[Event]:
        """Train what is missing, record each run as it ends, remove its checkpoint, and yield what happens.

        begun: by id, the epochs that are behind a run.
        """
        runs = self.unfolding
        for event in execute(runs.runs.values(), self.curves, engine, work, stop, runs.finish, begun):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    self.records[run.id] = Record.of(run, curve, event.together or len(event.runs), event.where)
                    self.folder.write_record(self.records[run.id])
                checkpoints.remove([run.id for run in event.runs])
            yield event
        own = checkpoints.folder == self.folder.checkpoints.absolute()  # not one that others may use
        if own and not runs.mine and not runs.left():
            checkpoints.remove()  # what is still there is of a plan that was changed

    def write_tables(self) -> list[Path]:
        """curves.csv and summary.csv."""
        return [
            self.folder.write_curves(plan.runs(self.entries, self.curves), self.records),
            self.folder.write_table("summary.csv", csv(self.tables())),
        ]

    @property
    def gallery(self) -> Gallery:
        """Its charts."""
        from adambench.show.charts.gallery import Gallery  # noqa: PLC0415  # matplotlib is slow to import

        return Gallery(self.entries, self.records, self.curves, self.together)

    @property
    def together(self) -> dict[str, int]:
        """By run id, how many runs were trained together."""
        return {id_: int(record.data["together"]) for id_, record in self.records.items()}

    def draw(self, drawings: Mapping[str, Drawing], kind: str, form: Form | None = None) -> list[Path]:
        """Write what a method of the gallery gives, as far as there is something to show. kind: png, svg or pdf.

        A figure that cannot be drawn is a warning, and the others go on.
        """
        from adambench.show import charts  # noqa: PLC0415  # as above

        form = form or charts.PAGE
        name, digest, how = self.name, self.folder.digest(), selection(self.experiment)
        origin = f"adambench {__version__}, experiment {name}, configuration {digest}; {how}"
        written = []
        for chart, draw in drawings.items():
            try:
                figure = draw(form=form)
                data = charts.save(figure, kind, origin, form) if figure else b""
            except Exception as error:  # a bug or a broken matplotlib must not cost the results
                self.warn(f"the chart {chart} could not be drawn: {type(error).__name__}: {error}")
                continue
            if data:
                written.append(self.folder.write_figure(f"{chart}.{kind}", data))
        return written
