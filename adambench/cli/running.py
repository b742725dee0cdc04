"""`adambench run`: train an experiment."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Jobs, Plugins, Results, tell, warn
from adambench.cli.working import needs_distributed
from adambench.errors import AdambenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adambench.config.experiment import Experiment
    from adambench.datasets import Dataset
    from adambench.execution.checkpoints import Checkpoints
    from adambench.execution.engines import Engine as Trainer
    from adambench.execution.plan import Run
    from adambench.session import Session


class Engine(StrEnum):
    local = "local"
    dask = "dask"


def run(
    config: Annotated[Path, typer.Argument(help="The experiment, a YAML file.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it, for example problems.logistic.epochs=3."),
    ] = None,
    jobs: Jobs = None,
    results: Results = Path("results"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file and show the plan; train nothing.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Move the finished runs away and train everything again.")
    ] = False,
    shard: Annotated[
        str | None, typer.Option(help="Train only this part of the runs, for example 2/5: the second of five.")
    ] = None,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Save runs under way when so much time has passed.")
    ] = 60,
    scratch: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to save them; in the results folder if left out.")
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="Where to train: on this machine, or on a Dask cluster.")
    ] = Engine.local,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="With --engine dask: the scheduler, for example tcp://host:8786."),
    ] = None,
    plugin: Plugins = None,
    format: Format = TEXT,
) -> None:
    """Train an experiment, then show its table and draw its charts. Finished runs are kept and not trained again."""
    from adambench.config import loading
    from adambench.execution.checkpoints import Checkpoints
    from adambench.execution.scheduling import expected_seconds
    from adambench.execution.unfolding import shard as part
    from adambench.session import Session
    from adambench.show import progress
    from adambench.show.terminal import console, plural
    from adambench.store.folder import Folder
    from adambench.store.lock import locked
    from adambench.stored import refuse_to_replace

    out = console()
    mine = part(shard) if shard else None
    _check_engine(engine, scheduler)
    experiment, dataset = _read(config, overrides or [], plugin or [])
    folder = Folder(results, experiment.name)
    if overrides and not dry_run:
        refuse_to_replace(folder, experiment)
    with nullcontext() if dry_run else locked(folder.prepare()):
        place = scratch / experiment.name if scratch else folder.checkpoints
        checkpoints = Checkpoints(place.absolute(), checkpoint_every)
        if fresh and not dry_run:
            folder.put_aside()
            checkpoints.remove()
        session = Session.open(experiment, folder, warn, set_aside=not dry_run, fresh=fresh)
        session.mine = mine
        work = expected_seconds(experiment, dataset)
        trainer, cores = _trainer(None if dry_run else scheduler, jobs, experiment, dataset, checkpoints)
        if not dry_run or format is TEXT:
            out.print(progress.plan_line(experiment.name, session.unfolding, cores, work), markup=False)
        if dry_run:
            tell([progress.planned(session.entries, session.curves, work)], format)
            return
        folder.write_plugins({one.file: one.source for one in experiment.plugins if one.source is not None})
        folder.write_config(loading.resolved(experiment))
        try:
            failed = _train(session, trainer, work, checkpoints)
        except KeyboardInterrupt:
            session.write_tables()
            out.print("interrupted; finished runs are kept: rerun the command to resume")
            raise
        written = [folder.runs, *session.write_tables()]
        tell(session.tables(), format)
        written += [*session.draw("png"), *session.draw_search("png")]
    _tell_results(session, written, results, shard)
    if failed:
        out.print(f"{plural(failed, 'run')} failed; rerun the command to try again")
        raise typer.Exit(1)


def _check_engine(engine: Engine, scheduler: str | None) -> None:
    if (engine is Engine.dask) != bool(scheduler):
        example = "--engine dask --scheduler tcp://host:8786"
        raise AdambenchError("--engine dask and --scheduler need each other", f"For example: {example}")
    if scheduler:
        needs_distributed()


def _trainer(
    scheduler: str | None, jobs: int | None, experiment: "Experiment", dataset: "Dataset", checkpoints: "Checkpoints"
) -> "tuple[Trainer, int]":
    """The engine, and how many groups of runs it can train at once."""
    from adambench.execution.scheduling import cores, local

    if scheduler is None:
        return local(jobs, dataset, checkpoints), cores() if jobs is None else jobs
    from adambench.execution.engines.dask import Cluster

    cluster = Cluster(scheduler, experiment.dataset, dataset, checkpoints, warn)
    return cluster, cluster.places


def _train(session: "Session", trainer: "Trainer", work: "Callable[[Run], float]", checkpoints: "Checkpoints") -> int:
    """Train, and show the progress. How many runs failed."""
    from adambench.execution.engines import Failed
    from adambench.execution.scheduling import interruptible
    from adambench.show.progress import Watch
    from adambench.show.terminal import console

    failed = 0
    with interruptible() as stop, Watch(console(), session.unfolding, work) as watch:
        for event in session.train(trainer, work, stop, checkpoints, warn):
            watch.show(event)
            if isinstance(event, Failed):
                failed += len(event.runs)
                print(event.reason, file=sys.stderr)
    return failed


def _tell_results(session: "Session", written: list[Path], results: Path, shard: str | None) -> None:
    """What was written where, and what can be done with it."""
    from adambench.show.terminal import console, plural

    out, experiment = console(), session.experiment
    if session.ignored:
        out.print(ignored(session.ignored, session.folder.runs), markup=False, soft_wrap=True)
    for path in written:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if stated := len(experiment.claims):
        name = experiment.name if results == Path("results") else f"{experiment.name} --results {results}"
        out.print(f"To judge its {plural(stated, 'claim')}: adambench claims {name}", markup=False, soft_wrap=True)
    if shard:
        out.print(f"This was part {shard}. To put the parts together: adambench merge DIR... --results DIR")


def _read(config: Path, overrides: list[str], plugins: list[str]) -> "tuple[Experiment, Dataset]":
    """The checked experiment, which names the data set by its digest, and the data set."""
    from adambench.config import loading

    experiment = loading.load(config, overrides, plugins)
    dataset = experiment.dataset.load()
    loading.check_sizes(experiment, len(dataset.train.labels), config, overrides)
    return replace(experiment, dataset=replace(experiment.dataset, sha256=dataset.sha256)), dataset


def ignored(records: int, folder: Path) -> str:
    """A sentence about records that are not in the current plan."""
    from adambench.show.terminal import plural

    return f"Ignored {plural(records, 'record')} in {folder}: not in the current plan."
