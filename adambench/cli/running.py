"""`adambench run`: train an experiment."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Jobs, Results, tell, warn

if TYPE_CHECKING:
    from adambench.config.experiment import Experiment
    from adambench.datasets import Dataset


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
    format: Format = TEXT,
) -> None:
    """Train an experiment, then show its table and draw its charts. Finished runs are kept and not trained again."""
    from adambench.config import loading
    from adambench.run.engines import Failed
    from adambench.run.execution import cores, expected_seconds, interruptible
    from adambench.session import Session, refuse_to_replace
    from adambench.show import progress
    from adambench.show.terminal import console, plural
    from adambench.store.folder import Folder
    from adambench.store.lock import locked

    out = console()
    experiment, dataset = _read(config, overrides or [])
    folder = Folder(results, experiment.name)
    if overrides and not dry_run:
        refuse_to_replace(folder, experiment)
    jobs = jobs or cores()
    with nullcontext() if dry_run else locked(folder.prepare()):
        if fresh and not dry_run:
            folder.put_aside()
        session = Session.open(experiment, folder, warn, set_aside=not dry_run, fresh=fresh)
        work = expected_seconds(experiment, dataset)
        if not dry_run or format is TEXT:
            out.print(progress.plan_line(session.entries, session.curves, jobs, work), markup=False)
        if dry_run:
            tell([progress.planned(session.entries, session.curves, work)], format)
            return
        folder.write_config(loading.resolved(experiment))
        failed = 0
        try:
            with interruptible() as stop, progress.Watch(out, session.entries, session.curves, work) as watch:
                for event in session.train(dataset, jobs, work, stop):
                    watch.show(event)
                    if isinstance(event, Failed):
                        failed += len(event.runs)
                        print(event.reason, file=sys.stderr)
        except KeyboardInterrupt:
            session.write_tables()
            out.print("interrupted; finished runs are kept: rerun the command to resume")
            raise
        written = [folder.runs, *session.write_tables()]
        tell(session.tables(), format)
        written += [*session.draw("png"), *session.draw_search("png")]
    if session.ignored:
        out.print(ignored(session.ignored, folder.runs), markup=False, soft_wrap=True)
    for path in written:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if stated := len(experiment.claims):
        name = experiment.name if results == Path("results") else f"{experiment.name} --results {results}"
        out.print(f"To judge its {plural(stated, 'claim')}: adambench claims {name}", markup=False, soft_wrap=True)
    if failed:
        out.print(f"{plural(failed, 'run')} failed; rerun the command to try again")
        raise typer.Exit(1)


def _read(config: Path, overrides: list[str]) -> "tuple[Experiment, Dataset]":
    """The checked experiment, which names the data set by its digest, and the data set."""
    from adambench.config import loading

    experiment = loading.load(config, overrides)
    dataset = experiment.dataset.load()
    loading.check_sizes(experiment, len(dataset.train.labels), config, overrides)
    return replace(experiment, dataset=replace(experiment.dataset, sha256=dataset.sha256)), dataset


def ignored(records: int, folder: Path) -> str:
    """A sentence about records that are not in the current plan."""
    from adambench.show.terminal import plural

    return f"Ignored {plural(records, 'record')} in {folder}: not in the current plan."
