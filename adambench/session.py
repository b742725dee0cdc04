"""An experiment and its results folder: what the commands do with the two, without anything about terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from adambench import __version__
from adambench.config import loading
from adambench.config.experiment import Experiment
from adambench.curve import Curve
from adambench.errors import AdambenchError, unknown
from adambench.judge import analysis, claims, match, reading
from adambench.judge.analysis import Summary
from adambench.judge.claims import Verdict
from adambench.judge.fairness import Fairness, fairness
from adambench.judge.match import Candidate
from adambench.run import plan
from adambench.run.checkpoints import Checkpoints
from adambench.run.engines import Engine, Event, Finished
from adambench.run.plan import Entry, Run
from adambench.run.scheduling import execute
from adambench.run.unfolding import Unfolding
from adambench.show import ranking
from adambench.show.table import Table, csv
from adambench.show.words import title
from adambench.store.folder import Folder, folders
from adambench.store.records import Record

if TYPE_CHECKING:
    from adambench.show.charts import Figure, Form

Warn = Callable[[str], object]
Drawing = Callable[..., "Figure | None"]  # of entries, curves and a form


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
        """The ranking of each problem. named: with the experiment's name in the columns for programs."""
        metric = self.experiment.tuning.metric
        readings = {
            name: reading.ranking(members, self.curves, metric)
            for name, members in plan.by_problem(self.entries).items()
        }
        return ranking.tables(self.experiment, self.summaries(), readings, named)

    def verdicts(self) -> list[Verdict]:
        return claims.verdicts(self.experiment, self.entries, self.curves)

    def candidates(self, figure: str | None = None) -> list[Candidate]:
        """The settings with finished runs; only those on problems that name this figure of the paper, if given."""
        entries = [entry for entry in self.entries if figure in (None, entry.problem.figure)]
        return match.candidates(self.experiment.name, entries, self.curves)

    def fairness(self) -> dict[str, tuple[str, list[float], list[Fairness], str]]:
        """By problem: its title, its cost levels, a row for each optimizer, and a sentence on the search."""
        return {
            name: (
                title(members[0]),
                *fairness(members, self.curves, self.together),
                reading.search(members, self.curves),
            )
            for name, members in plan.by_problem(self.entries).items()
        }

    def train(
        self, engine: Engine, work: Callable[[Run], float], stop: Connection, checkpoints: Checkpoints, warn: Warn
    ) -> Iterator[Event]:
        """Train what is missing, record each run as it ends, and yield what happens.

        checkpoints: from which runs go on. They are removed as the runs are recorded.
        """
        runs = self.unfolding
        checkpoints.remove([id_ for id_ in runs.runs if id_ in self.curves])
        begun = checkpoints.epochs(warn)
        for event in execute(runs.runs.values(), self.curves, engine, work, stop, runs.finish, begun):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    self.records[run.id] = Record.of(run, curve, event.together or len(event.runs), event.where)
                    self.folder.write_record(self.records[run.id])
                checkpoints.remove([run.id for run in event.runs])
            yield event

    def write_tables(self) -> list[Path]:
        """curves.csv and summary.csv."""
        return [
            self.folder.write_curves(plan.runs(self.entries, self.curves), self.records),
            self.folder.write_table("summary.csv", csv(self.tables())),
        ]

    def draw(
        self,
        kind: str,
        x: str = "epoch",
        metrics: Sequence[str] = ("train_loss", "test_error"),
        form: Form | None = None,
    ) -> list[Path]:
        """Metrics along training, as far as there are numbers. kind: png, svg or pdf; x: epoch, step or seconds."""
        from adambench.show import charts  # noqa: PLC0415  # matplotlib is slow to import, and not all that opens draws

        suffix = "" if x == "epoch" else f"_by_{x}"
        return self._write(
            {
                f"{metric}{suffix}": partial(charts.convergence, metric=metric, x=x, together=self.together)
                for metric in metrics
            },
            kind,
            form,
        )

    def draw_search(self, kind: str, form: Form | None = None) -> list[Path]:
        """The search: sensitivity to the rate, rate by optimizer, best against the number of settings tried."""
        from adambench.show import charts  # noqa: PLC0415  # as above

        drawings = (charts.sensitivity, charts.heatmap, charts.budget)
        return self._write({draw.__name__: draw for draw in drawings}, kind, form)

    def draw_paper(self, kind: str, form: Form | None = None) -> list[Path]:
        """Our curves over the paper's, for each problem that names a figure of the paper."""
        from adambench.show import charts  # noqa: PLC0415  # as above

        return self._write({"paper": charts.beside_paper, "figure4": charts.figure4}, kind, form)

    def draw_inspected(self, kind: str, over: str | None = None, form: Form | None = None) -> list[Path]:
        """A figure for each inspected run, or for two labels over each other (`over`: `adam,rmsprop`).

        Raises AdambenchError if `over` names anything but two inspected labels.
        """
        from adambench.show import charts  # noqa: PLC0415  # as above

        inspected = [
            charts.Inspected(run, entry.grid.rule, self.curves[run.id], columns, title(entry))
            for entry in self.entries
            for run in entry.report(self.curves)
            if run.id in self.records and (columns := self.records[run.id].data.get("inside"))
        ]
        labels = list(dict.fromkeys(found.run.label for found in inspected))
        groups = [[label] for label in labels] if over is None else [over.split(",")]
        if over is not None and labels:
            for label in groups[0]:
                if label not in labels:
                    raise AdambenchError(
                        f"--over {over}: {label}: {unknown(label, labels)}", "For example: --over adam,rmsprop"
                    )
            if len(groups[0]) != 2 or groups[0][0] == groups[0][1]:
                raise AdambenchError(f"--over {over}: must be two labels", "For example: --over adam,rmsprop")
        by_name = {(found.run.problem, found.run.label): found for found in inspected}

        def draw(problem: str, group: Sequence[str]) -> Drawing:
            return lambda *_, form: charts.inside([by_name[problem, label] for label in group], form)

        return self._write(
            {
                "-".join(["inside", problem.name, *group]): draw(problem.name, group)
                for problem in self.experiment.problems
                for group in groups
                if all((problem.name, label) in by_name for label in group)
            },
            kind,
            form,
        )

    @property
    def together(self) -> dict[str, int]:
        """By run id, how many runs were trained together."""
        return {id_: int(record.data["together"]) for id_, record in self.records.items()}

    def _write(self, drawings: Mapping[str, Drawing], kind: str, form: Form | None) -> list[Path]:
        """Draw and write the figures that have something to show. One that fails is a warning; the others go on."""
        from adambench.show import charts  # noqa: PLC0415  # as above

        form = form or charts.PAGE
        name, digest, how = self.experiment.name, self.folder.digest(), plan.selection(self.experiment)
        origin = f"adambench {__version__}, experiment {name}, configuration {digest}; {how}"
        written = []
        for chart, draw in drawings.items():
            try:
                figure = draw(self.entries, self.curves, form=form)
                data = charts.save(figure, kind, origin, form) if figure else b""
            except Exception as error:  # a bug or a broken matplotlib must not cost the results
                self.warn(f"the chart {chart} could not be drawn: {type(error).__name__}: {error}")
                continue
            if data:
                written.append(self.folder.write_figure(f"{chart}.{kind}", data))
        return written


def stored(results: Path, names: list[str] | None, warn: Warn) -> list[Session]:
    """The experiments of those names in a results folder, or all of them."""
    return [Session.open(loading.load(folder.config), folder, warn) for folder in folders(results, names)]


def refuse_to_replace(folder: Folder, experiment: Experiment) -> None:
    """Raises AdambenchError if a results folder holds another version of an experiment.

    For an experiment that was changed on the command line: its table and charts would replace those of the other.
    """
    if not folder.config.is_file():
        return
    if changed := loading.differences(loading.load(folder.config), experiment):
        raise AdambenchError(
            f"{folder.path}: holds another version of this experiment; it differs in {', '.join(changed[:3])}"
            + (" and more" if len(changed) > 3 else ""),
            f"Add name=NAME to keep both, for example name={experiment.name}_2. To replace it, edit the file instead.",
        )
