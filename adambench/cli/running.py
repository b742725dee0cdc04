"""`adambench run`: train an experiment."""

import gc
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Jobs, Plugins, Results, TableFormat, tell, warn
from adambench.cli.background import in_background
from adambench.cli.ending import made_anew, named, tell_results
from adambench.cli.working import TlsCa, TlsCert, TlsKey, check_address, needs_distributed, tls_files
from adambench.errors import AdambenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adambench.config.experiment import Experiment
    from adambench.datasets import Data
    from adambench.execution.checkpoints import Checkpoints
    from adambench.execution.engines import Trainer
    from adambench.execution.plan import Run
    from adambench.session import Session
    from adambench.store.folder import Folder


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
    no_charts: Annotated[
        bool, typer.Option("--no-charts", help="Draw no charts. `adambench plot` draws them later.")
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
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Train in the background, also after this terminal is closed.")
    ] = False,
    format: Format = TEXT,
) -> None:
    """Train an experiment, then show its table and draw its charts. Finished runs are kept and not trained again."""
    from adambench.execution.checkpoints import Checkpoints
    from adambench.execution.unfolding import shard as part
    from adambench.show.ranking import tuned_on_test
    from adambench.store.folder import Folder
    from adambench.store.lock import locked
    from adambench.store.status import Told
    from adambench.stored import refuse_to_replace
    from adambench.watched import train_shown

    mine = part(shard) if shard is not None else None
    tls = _check_engine(engine, scheduler, tls_ca, tls_cert, tls_key)
    if scheduler and jobs is not None and not dry_run:
        raise AdambenchError("--jobs: not with --engine dask, whose workers decide how many runs are trained at once")
    if detach and dry_run:
        raise AdambenchError("--detach: --dry-run trains nothing", "Leave one of them out.")
    experiment, data = read(config, overrides or [], plugin or [])
    folder = Folder(results, experiment.name)
    if overrides and not dry_run:
        refuse_to_replace(folder, experiment)
    if warning := tuned_on_test(experiment):
        warn(warning.removeprefix("warning: "))
    place = scratch / experiment.name if scratch else folder.checkpoints
    checkpoints = Checkpoints(place.absolute(), checkpoint_every)
    if dry_run:
        session = _opened(experiment, folder, warn, mine, fresh=fresh)
        _preview(session, data, jobs, {} if fresh else checkpoints.epochs(lambda _: None), format)
        return
    if scratch and engine is Engine.local:
        checkpoints.prepare()
    if detach:
        in_background(folder, f"adambench status {named(experiment.name, results)}")
        return
    beside = sys.stdout if format is TEXT else sys.stderr  # else the table is alone, for a program
    with locked(folder.prepare(), warn), Told(folder.path) as told:
        keep = told.keep(warn)
        session = _opened(experiment, folder, keep, mine, set_aside=True, fresh=fresh)
        trainer, places = _trainer(scheduler, tls, jobs, session, data, checkpoints, keep)
        if fresh:  # and there is something that can train
            folder.put_aside()
            checkpoints.remove()
        known = len(session.records)
        failed = train_shown(session, data, trainer, places, checkpoints, told, beside)
        tell(session.tables(), format)
        written = [folder.runs] if len(session.records) > known else []
        written += made_anew(session, no_charts, told)
    tell_results(session, written, results, shard, beside)
    if failed:
        print(f"{told.end}; rerun the command to try again", file=beside)
        raise typer.Exit(1)


def _check_engine(
    engine: Engine, scheduler: str | None, ca: Path | None, cert: Path | None, key: Path | None
) -> "Sequence[Path]":
    """The files for TLS, if any."""
    if (engine is Engine.dask) != bool(scheduler):
        example = "--engine dask --scheduler tcp://host:8786"
        raise AdambenchError("--engine dask and --scheduler need each other", f"For example: {example}")
    if scheduler:
        needs_distributed()
        check_address(scheduler)
        return tls_files("client", scheduler, ca, cert, key)
    if ca or cert or key:
        raise AdambenchError("--tls-ca, --tls-cert and --tls-key need --engine dask")
    return []


def _opened(
    experiment: "Experiment",
    folder: "Folder",
    warn: "Callable[[str], object]",
    mine: "Callable[[Run], bool] | None",
    *,
    set_aside: bool = False,
    fresh: bool,
) -> "Session":
    """An experiment with what its folder holds. mine: the part of the plan that is trained here; None: the whole."""
    from adambench.session import Session

    session = Session.open(experiment, folder, warn, set_aside, fresh)
    session.mine = mine
    gc.freeze()  # what was read lives as long as this process
    return session


def _trainer(
    scheduler: str | None,
    tls: "Sequence[Path]",
    jobs: int | None,
    session: "Session",
    data: "Data",
    checkpoints: "Checkpoints",
    warn: "Callable[[str], object]",
) -> "tuple[Trainer, int]":
    """The engine, and how many groups of runs it can train at once."""
    from adambench.execution.scheduling import local
    from adambench.execution.workers import workers

    if scheduler is None:
        jobs = workers(jobs, session.unfolding.left(), data, warn)
        return local(jobs, data, checkpoints), max(1, jobs)
    from adambench.execution.engines.dask import Cluster

    experiment = session.experiment
    sources = [experiment.source(problem) for problem in experiment.problems]
    cluster = Cluster(scheduler, sources, data, checkpoints, warn, tls)
    return cluster, max(1, cluster.places)


def _preview(
    session: "Session", data: "Data", jobs: int | None, begun: "Mapping[str, int]", format: TableFormat
) -> None:
    """Print the plan, and in how much time it would be done on this machine.

    begun: by id, the epochs that are behind a run.
    """
    from adambench.execution.estimate import Cost, rehearse
    from adambench.execution.scheduling import local
    from adambench.execution.workers import workers
    from adambench.show import progress
    from adambench.show.terminal import console

    left = session.unfolding.left()
    jobs = workers(jobs, left, data, warn)
    places = max(1, jobs)
    with local(jobs, data) as engine:
        cost = Cost(data, engine, min(places, len(left)), (record.data for record in session.records.values()))
        if format is TEXT:
            expected = rehearse(session.unfolding, cost, places, begun)
            line = progress.plan_line(session.experiment.name, session.unfolding, places, expected.seconds)
            console().print(line, markup=False)
        tell([progress.planned(session.unfolding, cost)], format)


def read(config: Path, overrides: list[str], plugins: list[str]) -> "tuple[Experiment, Data]":
    """The checked experiment, which names its data sets by their digests, and the data sets."""
    from adambench.config import loading
    from adambench.config.sizes import check_sizes

    experiment, data = loading.load(config, overrides, plugins).loaded()
    check_sizes(experiment, data)
    loading.check_storable(experiment)
    return experiment, data
