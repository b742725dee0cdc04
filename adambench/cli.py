"""The commands: thin, and quick to answer. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import io
import math
import os
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adambench import __version__
from adambench.errors import AdambenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adambench.session import Session

app = typer.Typer(
    help="Reproduces the MNIST comparison of the Adam paper (Kingma & Ba 2015) from scratch in NumPy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class X(StrEnum):
    epoch = "epoch"
    step = "step"
    seconds = "seconds"


class Picture(StrEnum):
    png = "png"
    svg = "svg"
    pdf = "pdf"


class Text(StrEnum):
    text = "text"
    csv = "csv"
    json = "json"
    markdown = "markdown"


class Report(StrEnum):
    text = "text"
    markdown = "markdown"
    json = "json"


class Bench(StrEnum):
    text = "text"
    json = "json"


class Metric(StrEnum):
    train_loss = "train_loss"
    test_loss = "test_loss"
    test_error = "test_error"
    full_train_loss = "full_train_loss"
    full_train_error = "full_train_error"
    penalty = "penalty"


Results = Annotated[Path, typer.Option(help="Folder that holds a folder for each experiment.")]
Names = Annotated[list[str] | None, typer.Argument(help="Experiments by name; all in the results folder if left out.")]


def main() -> None:
    """The console command. What the user can mend is told without a traceback; exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters shows question marks
    try:
        app()
    except AdambenchError as error:
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"adambench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="The experiment, a YAML file.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it, as problems.logistic.epochs=3.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as there are cores if left out.")
    ] = None,
    results: Results = Path("results"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file and show the plan; train nothing.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Put finished runs aside and train everything again.")] = False,
) -> None:
    """Train an experiment, then show its table and draw its charts. Finished runs are kept and not trained again."""
    from dataclasses import replace

    from adambench import config as configuration
    from adambench import progress
    from adambench.execution import cores, expected_seconds, interruptible
    from adambench.lock import locked
    from adambench.results import Folder
    from adambench.session import Session
    from adambench.terminal import console, plural, tell
    from adambench.workers import Failed

    out = console()
    experiment = configuration.load(config, overrides or [])
    dataset = experiment.dataset.load()
    experiment = replace(experiment, dataset=replace(experiment.dataset, sha256=dataset.sha256))
    folder = Folder(results, experiment.name)
    jobs = jobs or cores()
    with nullcontext() if dry_run else locked(folder.prepare()):
        if fresh and not dry_run:
            folder.put_aside()
        session = Session.open(experiment, folder, _warn, set_aside=not dry_run)
        if fresh:
            session.records.clear()
        work = expected_seconds(experiment, dataset)
        out.print(progress.plan_line(session.entries, session.curves, jobs, work), markup=False)
        if dry_run:
            tell([progress.planned(session.entries, session.curves, work)])
            return
        folder.write_config(configuration.resolved(experiment))
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
            out.print("interrupted; finished runs are kept, and the same command goes on from there")
            raise
        written = [folder.runs, *session.write_tables(), *session.draw("png")]
    _show_table(session)
    for path in written:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if stated := len(experiment.claims):
        name = experiment.name if results == Path("results") else f"{experiment.name} --results {results}"
        out.print(f"{plural(stated, 'claim')} to judge: adambench claims {name}", markup=False, soft_wrap=True)
    if failed:
        out.print(f"{plural(failed, 'run')} failed; the same command tries again")
        raise typer.Exit(1)


@app.command()
def plot(
    experiments: Names = None,
    metric: Annotated[Metric | None, typer.Option(help="Draw this alone, along training.")] = None,
    x: Annotated[X, typer.Option("--x", help="The horizontal axis.")] = X.epoch,
    format: Annotated[Picture, typer.Option(help="File format.")] = Picture.png,
    paper: Annotated[bool, typer.Option("--paper", help="Over the paper's own curves, on its axes.")] = False,
    inside: Annotated[bool, typer.Option("--inside", help="Inside the optimizers that `inspect` names.")] = False,
    over: Annotated[
        str | None, typer.Option(help="With --inside: two labels over each other, as adam,rmsprop.")
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Draw the charts of experiments into their folders: convergence, test error, the search of the rates."""
    from adambench.session import stored

    if paper and (metric not in (None, Metric.train_loss) or x is not X.epoch):
        raise AdambenchError("--paper: the paper's figures show training cost by epochs", "Leave --metric and --x out.")
    if over and not inside:
        raise AdambenchError("--over: goes with --inside", "As in --inside --over adam,rmsprop")
    if inside and (paper or metric or x is not X.epoch):
        raise AdambenchError("--inside: draws its own panels along steps", "Leave --paper, --metric and --x out.")
    found = stored(results, experiments, _warn)
    if not experiments and inside:
        found = [session for session in found if session.experiment.inspect.optimizers] or found
    elif not experiments and paper:
        found = [
            session for session in found if any(problem.figure for problem in session.experiment.problems)
        ] or found
    for session in found:
        try:
            paths = session.draw_inside(format, over) if inside else session.draw(format, x, metric, paper)
        except AdambenchError as error:
            if experiments or len(found) == 1 or error.exit_code == 1:
                raise
            _warn(error.message)  # all were asked for: one that has nothing to show does not keep back the others
            continue
        for path in paths:
            print(f"wrote {path}")


@app.command()
def table(
    experiments: Names = None,
    format: Annotated[Text, typer.Option(help="How to print it.")] = Text.text,
    results: Results = Path("results"),
) -> None:
    """Print the ranked results of experiments."""
    import json

    from adambench import analysis, report
    from adambench.results import csv_text, json_value
    from adambench.session import stored

    rows: list[list[object]] = []
    for session in stored(results, experiments, _warn):
        summaries = session.summaries()
        name = session.experiment.name
        rows += [[name, *analysis.row(summary)] for problem in summaries.values() for summary in problem]
        if format is Text.text:
            _show_table(session)
        elif format is Text.markdown:
            print(report.markdown(session.experiment, summaries))
    header = ["experiment", *analysis.HEADER]
    if format is Text.csv:
        print(csv_text(header, rows), end="")
    elif format is Text.json:
        lines = [{key: json_value(value) for key, value in zip(header, row, strict=True)} for row in rows]
        print(json.dumps(lines, indent=2))


@app.command()
def claims(
    experiments: Names = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 if a claim is inconclusive, too.")] = False,
    format: Annotated[Report, typer.Option(help="How to print it.")] = Report.text,
    results: Results = Path("results"),
) -> None:
    """Judge the claims of experiments on their report runs: reproduced, contradicted or inconclusive.

    Exit code 1 if one is contradicted.
    """
    from adambench import findings
    from adambench.claims import CONTRADICTED, INCONCLUSIVE
    from adambench.session import stored

    judged = {s.experiment.name: s.verdicts() for s in stored(results, experiments, _warn) if s.experiment.claims}
    if not judged:
        raise AdambenchError(
            f"{', '.join(experiments or ['no experiment'])}: no claims to judge",
            "A configuration states them under `claims`; see configs/paper/figure1.yaml.",
        )
    _print_as(format, findings.claims(judged), findings.claims_markdown(judged), findings.claims_json(judged))
    bad = {CONTRADICTED, INCONCLUSIVE} if strict else {CONTRADICTED}
    if any(verdict.verdict in bad for found in judged.values() for verdict in found):
        raise typer.Exit(1)


@app.command()
def fairness(
    experiments: Names = None,
    format: Annotated[Report, typer.Option(help="How to print it.")] = Report.text,
    results: Results = Path("results"),
) -> None:
    """How fair the comparison is: settings tried, what the search adds, optimism, speed to cost levels, ranks."""
    from adambench import findings
    from adambench.session import stored

    found = {session.experiment.name: session.fairness() for session in stored(results, experiments, _warn)}
    _print_as(format, findings.fairness(found), findings.fairness_markdown(found), findings.fairness_json(found))


@app.command()
def verify(
    experiments: Names = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only that many runs of each, drawn at random.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as there are cores if left out.")
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Train stored runs again and compare: the same to the bit, or where and by how much not.

    Exit code 1 if a run is not confirmed, a record is not whole, or there is nothing to train again.
    """
    import random

    from adambench.execution import cores, interruptible
    from adambench.progress import failure, run_name
    from adambench.session import stored
    from adambench.terminal import console, plural
    from adambench.verification import judge
    from adambench.workers import Failed, Finished

    out = console()
    wrong = 0

    def not_whole(message: str) -> None:
        nonlocal wrong
        wrong += 1
        _warn(message)

    for session in stored(results, experiments, not_whole):
        runs = [run for run in session.runs if run.id in session.records]
        if sample and sample < len(runs):
            runs = random.sample(runs, sample)
        if not runs:
            wrong += 1
            out.print(f"{session.experiment.name}: holds no run to train again", markup=False)
            continue
        out.print(f"{session.experiment.name}: training {plural(len(runs), 'run')} again", markup=False)
        dataset = session.experiment.dataset.load()
        with interruptible() as stop:
            for event in session.train_again(runs, dataset, jobs or cores(), stop):
                verdicts: list[tuple[bool, str]] = []
                if isinstance(event, Finished):
                    pairs = zip(event.runs, event.curves, strict=True)
                    verdicts = [judge(session.records[run.id], curve) for run, curve in pairs]
                elif isinstance(event, Failed):
                    print(event.reason, file=sys.stderr)
                    verdicts = [(False, failure(event))] * len(event.runs)
                for run, (right, words) in zip(event.runs, verdicts, strict=False):
                    wrong += not right
                    out.print(f"{run_name(run)}: {words}", markup=False, soft_wrap=True)
    if wrong:
        out.print(f"not confirmed: {wrong}")
        raise typer.Exit(1)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="Its id or the beginning of it, or its file.")],
    results: Results = Path("results"),
) -> None:
    """Print the record of a run: setting, seed, versions, processor, commit, when, and its curve."""
    from adambench import report
    from adambench.results import read_record
    from adambench.session import stored
    from adambench.terminal import tell

    if os.path.isfile(run):  # noqa: PTH113  # False for a name that is too long, where Path raises
        matches = [read_record(Path(run))]
    else:
        wanted = Path(run).stem.rpartition("-")[2]
        records = {id_: record for session in stored(results, None, _warn) for id_, record in session.records.items()}
        matches = [record for id_, record in records.items() if wanted and id_.startswith(wanted)]
    if len(matches) != 1:
        raise AdambenchError(
            f"{run}: {len(matches) or 'no'} {'run' if not matches else 'runs'} in {results} whose id begins so",
            "The ids stand in the file names: results/<experiment>/runs/<label>-<id>.json.",
        )
    tell(report.shown(matches[0]))


@app.command()
def bench(
    format: Annotated[Bench, typer.Option(help="How to print it.")] = Bench.text,
    growth: Annotated[bool, typer.Option("--growth", help="How cost grows with size instead: some minutes.")] = False,
    chart: Annotated[Path | None, typer.Option(help="With --growth: draw it too, as png, svg or pdf.")] = None,
) -> None:
    """Time training steps on one core, beside their matrix products, and PyTorch and JAX where they are installed."""
    import json
    from dataclasses import asdict

    from adambench import bench as benchmark
    from adambench import report
    from adambench.datasets import mnist
    from adambench.provenance import provenance
    from adambench.terminal import tell

    if chart and (not growth or chart.suffix[1:] not in list(Picture) or not chart.parent.is_dir()):
        raise AdambenchError(
            f"--chart {chart}: needs --growth, a folder that is there, and a name in .png, .svg or .pdf"
        )
    dataset = mnist()
    numbers: dict[str, Any] = {"machine": provenance()}
    with benchmark.one_core():
        if growth:
            numbers["growth"] = benchmark.growth(dataset)
        else:
            numbers["steps"] = [asdict(step) for step in benchmark.all_steps(dataset)]
            numbers["updates"] = {rule: asdict(pair) for rule, pair in benchmark.updates(dataset).items()}
            numbers["beside"] = [asdict(beside) for beside in benchmark.beside(dataset)]
    if growth:
        numbers["growth"]["jobs"] = benchmark.jobs_growth(dataset)
    if format is Bench.json:
        print(json.dumps(numbers, indent=2))
    else:
        tell(report.benchmark(numbers))
    if chart:
        from adambench import charts
        from adambench.results import write

        write(chart, charts.save(charts.growth(numbers["growth"]), chart.suffix[1:], f"adambench {__version__}"))


@app.command(name="list")
def list_() -> None:
    """List optimizers, models, data sets and schedules with their defaults and meaning."""
    from adambench.catalogue import catalogue
    from adambench.terminal import tell

    tell(catalogue())


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="An optimizer of `adambench list`.")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its hyper-parameters, as lr=0.1.")
    ] = None,
    grads: Annotated[str | None, typer.Option(help="The gradients it gets, as 1,-2,0.5.")] = None,
    theta: Annotated[float, typer.Option(help="Where the weight starts.")] = 0.0,
) -> None:
    """Explain an optimizer: its equations, beside its first steps on one weight as its own code takes them."""
    from adambench import explanation
    from adambench.catalogue import explained
    from adambench.config import optimizer
    from adambench.terminal import tell

    chosen = optimizer(rule, settings or [])
    try:
        given = [float(grad) for grad in grads.split(",")] if grads else list(explanation.GRADS)
    except ValueError as error:
        raise AdambenchError(
            f"--grads {grads}: must be numbers with commas between", "As in --grads 1,-2,0.5"
        ) from error
    if not all(map(math.isfinite, [*given, theta])) or len(given) > 1000:
        raise AdambenchError("--grads, --theta: must be finite, and at most 1,000 gradients")
    tell(explained(rule, chosen, explanation.work(chosen, given, theta)))


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("experiment.yaml"),
) -> None:
    """Write a commented configuration to start from."""
    from adambench.results import write

    if os.path.lexists(file):
        raise AdambenchError(f"{file}: is there already", "Name another file: adambench init FILE.")
    starter = Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    write(file, starter)
    print(f"wrote {file}; now: adambench run {file}")


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _print_as(format: Report, text: Iterable[Any], markdown: str, data: object) -> None:
    """Print one of three ways to tell the same."""
    import json

    from adambench.terminal import tell

    if format is Report.json:
        print(json.dumps(data, indent=2))
    elif format is Report.markdown:
        print(markdown, end="")
    else:
        tell(text)


def _show_table(session: Session) -> None:
    from adambench import report
    from adambench.terminal import plural, tell

    tell(report.tables(session.experiment, session.summaries()))
    if aside := session.aside:
        print(f"{plural(aside, 'record')} in {session.folder.runs} stand aside: they belong to no run of this plan")
