"""The commands: thin, and quick to answer. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adambench import __version__
from adambench.errors import AdambenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from adambench.datasets import Dataset
    from adambench.experiment import Experiment
    from adambench.plan import Curve, Entry, Run
    from adambench.results import Folder, Record

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
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Changes to it, as problems.mlp.epochs=20.")
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
    from adambench import plan, report
    from adambench.execution import cores, expected_seconds
    from adambench.lock import locked
    from adambench.results import Folder

    out = report.console()
    experiment = configuration.load(config, overrides or [])
    dataset = experiment.dataset.load()
    experiment = replace(experiment, dataset=replace(experiment.dataset, sha256=dataset.sha256))
    folder = Folder(results, experiment.name)
    with nullcontext() if dry_run else locked(folder.prepare()):
        if fresh and not dry_run:
            folder.put_aside()
        records = {} if fresh else folder.records(_warn, set_aside=not dry_run)
        curves = {id_: record.curve for id_, record in records.items()}
        entries = plan.entries(experiment)
        jobs = jobs or cores()
        work = expected_seconds(experiment, dataset)
        out.print(report.plan_line(experiment, entries, curves, jobs, work), markup=False)
        if dry_run:
            out.print(report.planned(entries, curves, work))
            return
        folder.write_config(configuration.resolved(experiment))
        try:
            failed = _train(out, folder, dataset, entries, records, jobs, work)
        except KeyboardInterrupt:
            _write_tables(folder, entries, records)
            raise
        written = _write_tables(folder, entries, records)
        curves = {id_: record.curve for id_, record in records.items()}
        written += _draw(folder, experiment, entries, curves)
    _show_table(folder, experiment, entries, records)
    for path in (folder.runs, *written):
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if failed:
        out.print(f"{report.plural(failed, 'run')} failed; the same command tries again")
        raise typer.Exit(1)


def _train(
    out: Console,
    folder: Folder,
    dataset: Dataset,
    entries: list[Entry],
    records: dict[str, Record],
    jobs: int,
    work: Callable[[Run], float],
) -> int:
    """Train what is missing, recording each run as it ends; returns how many failed."""
    from adambench import plan, report
    from adambench.execution import Failed, Finished, execute, interruptible
    from adambench.results import Record

    curves = {id_: record.curve for id_, record in records.items()}
    failed = 0
    try:
        with interruptible() as stop, report.Watch(out, entries, curves, work) as watch:
            known = partial(plan.runs, entries)
            for event in execute(known, dataset, curves, jobs, work, stop):
                if isinstance(event, Finished):
                    for run, curve in zip(event.runs, event.curves, strict=True):
                        records[run.id] = Record.of(run, curve)
                        folder.write_record(run, records[run.id])
                failed += len(event.runs) if isinstance(event, Failed) else 0
                watch.show(event)
    except KeyboardInterrupt:
        out.print("interrupted; finished runs are kept, and the same command goes on from there")
        raise
    return failed


@app.command()
def plot(
    experiments: Names = None,
    metric: Annotated[Metric | None, typer.Option(help="Draw this alone, along training.")] = None,
    x: Annotated[X, typer.Option("--x", help="The horizontal axis.")] = X.epoch,
    format: Annotated[Picture, typer.Option(help="File format.")] = Picture.png,  # noqa: A002  # the option's name
    results: Results = Path("results"),
) -> None:
    """Draw the charts of experiments into their folders: convergence, test error, sensitivity to the rate."""
    for folder, experiment in _stored(results, experiments):
        entries, records = _read(folder, experiment)
        curves = {id_: record.curve for id_, record in records.items()}
        for path in _draw(folder, experiment, entries, curves, metric, x, format):
            print(f"wrote {path}")


@app.command()
def table(
    experiments: Names = None,
    format: Annotated[Text, typer.Option(help="How to print it.")] = Text.text,  # noqa: A002  # the option's name
    results: Results = Path("results"),
) -> None:
    """Print the ranked results of experiments."""
    import json

    from adambench import analysis, report
    from adambench.results import csv_text

    rows: list[list[object]] = []
    for folder, experiment in _stored(results, experiments):
        entries, records = _read(folder, experiment)
        summaries = analysis.summarise(entries, {id_: record.curve for id_, record in records.items()})
        rows += [[experiment.name, *line] for line in report.rows(summaries)]
        if format is Text.text:
            _show_table(folder, experiment, entries, records)
        elif format is Text.markdown:
            print(report.markdown(experiment, summaries))
    header = ["experiment", *analysis.HEADER]
    if format is Text.csv:
        print(csv_text(header, rows), end="")
    elif format is Text.json:
        lines = [{key: report.json_value(value) for key, value in zip(header, row, strict=True)} for row in rows]
        print(json.dumps(lines, indent=2))


@app.command()
def verify(
    experiments: Names = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only that many runs of each, drawn at random.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as there are cores if left out.")
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Train stored runs again and compare: the same to the bit, or where and by how much not. Exit code 1 if not."""
    import random

    from adambench import plan, report, verification
    from adambench.execution import Failed, Finished, cores, execute, interruptible

    out = report.console()
    wrong = 0
    for folder, experiment in _stored(results, experiments):
        entries, records = _read(folder, experiment)
        curves = {id_: record.curve for id_, record in records.items()}
        runs = [run for run in {run.id: run for run in plan.runs(entries, curves)}.values() if run.id in records]
        if sample and sample < len(runs):
            runs = random.Random(0).sample(runs, sample)
        out.print(f"{experiment.name}: training {report.plural(len(runs), 'run')} again", markup=False)
        with interruptible() as stop:
            for event in execute(partial(_these, runs), experiment.dataset.load(), {}, jobs or cores(), stop=stop):
                lines = []
                if isinstance(event, Finished):
                    verdicts = [
                        verification.judge(records[run.id], curve)
                        for run, curve in zip(event.runs, event.curves, strict=True)
                    ]
                    wrong += sum(not verdict.right for verdict in verdicts)
                    lines = [verdict.words for verdict in verdicts]
                elif isinstance(event, Failed):
                    wrong += len(event.runs)
                    lines = [report.failure(event)] * len(event.runs)
                for run, line in zip(event.runs, lines, strict=False):
                    out.print(f"{report.run_name(run)}: {line}", markup=False, soft_wrap=True)
    if wrong:
        out.print(f"{report.plural(wrong, 'run')} not confirmed")
        raise typer.Exit(1)


def _these(runs: list[Run], _: object) -> list[Run]:
    return runs


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="Its id or the beginning of it, or its file.")],
    results: Results = Path("results"),
) -> None:
    """Print the record of a run: setting, seed, versions, processor, commit, when, and its curve."""
    from adambench import report

    wanted = Path(run).stem.rpartition("-")[2]
    found = {id_: record for folder, _ in _stored(results, None) for id_, record in folder.records(_warn).items()}
    matches = [record for id_, record in found.items() if wanted and id_.startswith(wanted)]
    if len(matches) != 1:
        raise AdambenchError(
            f"{run}: {'no run' if not matches else f'{len(matches)} runs'} in {results} whose id begins so",
            "The ids stand in the file names: results/<experiment>/runs/<label>-<id>.json.",
        )
    out = report.console()
    for item in report.shown(matches[0]):
        out.print(item)


@app.command()
def bench(
    format: Annotated[Bench, typer.Option(help="How to print it.")] = Bench.text,  # noqa: A002  # the option's name
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

    if chart and (not growth or chart.suffix[1:] not in list(Picture)):
        raise AdambenchError(f"--chart {chart}: needs --growth and a name that ends in .png, .svg or .pdf")
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
        out = report.console()
        for item in report.benchmark(numbers):
            out.print(item)
    if chart:
        from adambench import charts
        from adambench.results import write

        write(chart, charts.save(charts.growth(numbers["growth"]), chart.suffix[1:], f"adambench {__version__}"))


@app.command(name="list")
def list_() -> None:
    """List optimizers, models, data sets and schedules with their defaults and meaning."""
    from adambench import report

    out = report.console()
    for item in report.catalogue():
        out.print(item)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("experiment.yaml"),
) -> None:
    """Write a commented configuration to start from."""
    from adambench.results import write

    if file.exists():
        raise AdambenchError(f"{file}: is there already", "Name another file: adambench init FILE.")
    starter = Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    write(file, starter)
    print(f"wrote {file}; now: adambench run {file}")


def _stored(results: Path, names: list[str] | None) -> list[tuple[Folder, Experiment]]:
    """The experiments of those names in a results folder, or all of them."""
    from adambench import config as configuration
    from adambench.check import unknown
    from adambench.results import Folder

    there = sorted(path.parent.name for path in results.glob("*/config.yaml"))
    if not there:
        raise AdambenchError(f"{results}: holds no experiment", "Run one first: adambench run configs/mnist.yaml")
    for name in names or []:
        if name not in there:
            raise AdambenchError(f"{name}: {unknown(name, there)}", f"These are the experiments in {results}.")
    folders = [Folder(results, name) for name in names or there]
    return [(folder, configuration.load(folder.config)) for folder in folders]


def _read(folder: Folder, experiment: Experiment) -> tuple[list[Entry], dict[str, Record]]:
    from adambench import plan

    return plan.entries(experiment), folder.records(_warn)


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _show_table(folder: Folder, experiment: Experiment, entries: list[Entry], records: dict[str, Record]) -> None:
    from adambench import analysis, plan, report

    out = report.console()
    curves = {id_: record.curve for id_, record in records.items()}
    for item in report.tables(experiment, analysis.summarise(entries, curves)):
        out.print(item, soft_wrap=isinstance(item, str))
    if aside := len(set(records) - {run.id for run in plan.runs(entries, curves)}):
        out.print(
            f"{report.plural(aside, 'record')} in {folder.runs} stand aside: they belong to no run of this plan",
            markup=False,
            soft_wrap=True,
        )


def _write_tables(folder: Folder, entries: list[Entry], records: dict[str, Record]) -> list[Path]:
    """curves.csv and summary.csv."""
    from adambench import analysis, plan, report

    curves = {id_: record.curve for id_, record in records.items()}
    rows = report.rows(analysis.summarise(entries, curves))
    return [
        folder.write_curves(plan.runs(entries, curves), records),
        folder.write_table("summary.csv", analysis.HEADER, rows),
    ]


def _draw(
    folder: Folder,
    experiment: Experiment,
    entries: list[Entry],
    curves: dict[str, Curve],
    metric: Metric | None = None,
    x: X = X.epoch,
    format: Picture = Picture.png,  # noqa: A002  # the option's name
) -> list[Path]:
    """The figures that there are numbers for."""
    os.environ.setdefault("MPLBACKEND", "agg")
    from adambench import charts
    from adambench.plan import selection

    suffix = "" if x is X.epoch else f"_by_{x}"
    metrics = [metric] if metric else [Metric.train_loss, Metric.test_error]
    figures = {f"{name}{suffix}": charts.convergence(entries, curves, name, x) for name in metrics}
    if metric is None:
        figures["sensitivity"] = charts.sensitivity(entries, curves)
    origin = f"adambench {__version__}, experiment {experiment.name}, configuration {folder.digest()}"
    paths = []
    for name, figure in figures.items():
        if figure:
            paths.append(
                folder.write_figure(
                    f"{name}.{format}", charts.save(figure, format, f"{origin}; {selection(experiment)}")
                )
            )
        elif metric:
            raise AdambenchError(
                f"{experiment.name}: no run measured {metric}",
                "evaluate: {train: true} in the configuration measures the training set.",
            )
    return paths
