"""Commands that judge results: `claims`, `fairness`, `verify`."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Jobs, Names, Results, opened, tell, warn
from adambench.errors import AdambenchError, neutral

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adambench.datasets import Data
    from adambench.execution.plan import Run
    from adambench.judge.verification import Match
    from adambench.store.records import Record


def claims(
    experiments: Names = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 also if a claim is inconclusive.")] = False,
    final: Annotated[
        float | None,
        typer.Option(
            min=0.001, max=1_000_000, help="Judge with this window for final values, as the key judging.final."
        ),
    ] = None,
    format: Format = TEXT,
    results: Results = Path("results"),
) -> None:
    """Judge the claims of experiments on their runs: reproduced, contradicted or inconclusive.

    The exit code is 1 if a claim is contradicted, or a record or an experiment could not be read.
    """
    from dataclasses import replace

    from adambench.judge.claims import CONTRADICTED, INCONCLUSIVE
    from adambench.show import findings

    unread: list[str] = []  # what could not be read, so that its claims were not judged

    def hear(message: str) -> None:
        unread.append(message)
        warn(message)

    with opened(results, experiments, hear) as found:
        sessions = [session for session in found if session.experiment.claims]
        if final:
            for session in sessions:
                judging = replace(session.experiment.judging, final=final)
                session.experiment = replace(session.experiment, judging=judging)
        judged = {session.name: session.verdicts() for session in sessions}
        if not judged:
            raise AdambenchError(
                f"{', '.join(experiments or ['no experiment'])}: no claims to judge",
                "A configuration states them under `claims`; see configs/paper/figure1.yaml.",
            )
        tell([findings.claims(judged)], format)
    bad = {CONTRADICTED, INCONCLUSIVE} if strict else {CONTRADICTED}
    if unread or any(verdict.verdict in bad for verdicts in judged.values() for verdict in verdicts):
        raise typer.Exit(1)


def fairness(experiments: Names = None, format: Format = TEXT, results: Results = Path("results")) -> None:
    """Show how fair the comparison is: settings tried, what the search adds, optimism, speed, ranks."""
    from adambench.show import findings

    with opened(results, experiments) as found:
        tell(findings.fairness({session.name: session.fairness() for session in found}), format)


def verify(
    experiments: Names = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only this many runs of each experiment, drawn at random.")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Refuse a run that is only close.")] = False,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder of images (idx) that lies elsewhere here. Can be repeated."),
    ] = None,
    jobs: Jobs = None,
    results: Results = Path("results"),
) -> None:
    """Train stored runs again and compare: the same to the bit, close, or where and by how much not.

    Executes the plug-ins that the results name.

    The exit code is 1 if a run is not confirmed, a record is not whole, or there is nothing to train again.
    """
    import random

    from adambench.config import loading
    from adambench.config.paths import expanded
    from adambench.datasets import read_folder
    from adambench.judge.verification import Match
    from adambench.show.progress import run_name
    from adambench.show.terminal import console, plural
    from adambench.stored import stored

    out = console()
    try:
        places = {folder: read_folder(expanded(folder)) for folder in data or ()}
    except AdambenchError as error:
        raise AdambenchError(f"--data: {error.message}") from error
    found: Counter[Match] = Counter()

    def not_whole(message: str) -> None:
        found[Match.NOT] += 1
        warn(message)

    moved = {dataset.sha256: dataset for dataset in places.values()}
    used: set[str] = set()
    for session in stored(results, experiments, not_whole, not_whole, loading.load):
        runs = [run for run in session.runs if run.id in session.records]
        if sample and sample < len(runs):
            runs = random.sample(runs, sample)
        if not runs:
            found[Match.NOT] += 1
            out.print(f"{session.name}: holds no run to train again", markup=False)
            continue
        sources = [session.experiment.source(one) for one in session.experiment.problems]
        used |= {source.sha256 for source in sources}
        try:
            _, sets = session.experiment.loaded(moved)
        except AdambenchError as error:
            hint = ". If its images lie elsewhere here: --data DIR" if any(source.idx for source in sources) else ""
            not_whole(f"{session.name}: {error.message}{hint}")
            continue
        out.print(f"{session.name}: training {plural(len(runs), 'run')} again", markup=False)
        for run, match, words in _again(runs, session.records, sets, jobs):
            found[match] += 1
            out.print(neutral(f"{run_name(run)}: {words}"), markup=False, soft_wrap=True)
    for folder in (folder for folder, dataset in places.items() if dataset.sha256 not in used):
        warn(f"--data {folder}: holds other images than those of these results")
    out.print("; ".join(f"{match.value}: {found[match]}" for match in Match if found[match]))
    if found[Match.NOT] or (exact and found[Match.CLOSE]):
        raise typer.Exit(1)


def _again(
    runs: "Sequence[Run]", records: "Mapping[str, Record]", data: "Data", jobs: int | None
) -> "Iterator[tuple[Run, Match, str]]":
    """Train runs again, and compare each with its record as it ends: the run, the verdict, and a reason in words."""
    from adambench.execution.engines import Failed, Finished, Silent
    from adambench.execution.scheduling import execute, interruptible, local
    from adambench.execution.workers import workers
    from adambench.judge.verification import Match, compare
    from adambench.show.progress import failure

    with interruptible() as stop, local(workers(jobs, runs, data, warn), data) as engine:
        for event in execute(runs, {}, engine, stop=stop):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    yield run, *compare(records[run.id], curve)
            elif isinstance(event, Silent):
                warn(event.words)
            elif isinstance(event, Failed):
                print(event.reason, file=sys.stderr)
                yield from ((run, Match.NOT, failure(event)) for run in event.runs)
