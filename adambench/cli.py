"""The commands: thin, and quick to answer. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench import __version__
from adambench.errors import AdambenchError

if TYPE_CHECKING:
    from adambench.experiment import Experiment
    from adambench.plan import Curve, Entry
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
        sys.exit(2)


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
    from adambench.execution import Failed, Finished, cores, execute, expected_seconds
    from adambench.results import Folder, Record

    out = report.console()
    experiment = configuration.load(config, overrides or [])
    dataset = experiment.dataset.load()
    experiment = replace(experiment, dataset=replace(experiment.dataset, sha256=dataset.sha256))
    folder = Folder(results, experiment.name)
    if not dry_run:
        folder.prepare(fresh)
    records = {} if fresh else folder.records()
    curves = {id_: record.curve for id_, record in records.items()}
    entries = plan.entries(experiment)
    jobs = jobs or cores()

    work = expected_seconds(experiment, dataset)
    everything = {run.id: run for entry in entries for run in entry.all_runs(curves)}
    total, done = len(everything), sum(id_ in curves for id_ in everything)
    seconds = sum(work(run) for id_, run in everything.items() if id_ not in curves)
    left = f"about {report.duration(seconds / min(jobs, max(1, total - done)))} on {report.plural(jobs, 'core')}"
    out.print(
        f"{experiment.name}: {report.plural(total, 'run')}, {done} already done" + (f", {left}" if done < total else "")
    )
    if dry_run:
        out.print(report.planned(entries, curves, work))
        return

    folder.write_config(configuration.resolved(experiment))
    failed = 0
    try:
        with report.Watch(out, total, done, work, seconds) as watch:
            for event in execute(entries, experiment.dataset, curves, jobs, work):
                if isinstance(event, Finished):
                    records[event.run.id] = Record.of(event.run, event.curve)
                    folder.write_record(event.run, records[event.run.id])
                failed += isinstance(event, Failed)
                watch.show(event)
    except KeyboardInterrupt:
        _write_tables(folder, entries, records)
        out.print("interrupted; finished runs are kept, and the same command goes on from there")
        raise typer.Exit(130) from None
    written = [*_write_tables(folder, entries, records), *_draw(folder, experiment, entries, curves)]
    _show_table(experiment, entries, curves)
    for path in (folder.runs, *written):
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if failed:
        out.print(f"{report.plural(failed, 'run')} failed; the same command tries them again")
        raise typer.Exit(1)


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
        entries, curves = _read(folder, experiment)
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
        entries, curves = _read(folder, experiment)
        summaries = analysis.summarise(entries, curves)
        rows += [[experiment.name, *line] for line in report.rows(summaries)]
        if format is Text.text:
            _show_table(experiment, entries, curves)
        elif format is Text.markdown:
            print(report.markdown(experiment, summaries))
    header = ["experiment", *analysis.HEADER]
    if format is Text.csv:
        print(csv_text(header, rows), end="")
    elif format is Text.json:
        lines = [{key: report.json_value(value) for key, value in zip(header, row, strict=True)} for row in rows]
        print(json.dumps(lines, indent=2))


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


def _read(folder: Folder, experiment: Experiment) -> tuple[list[Entry], dict[str, Curve]]:
    from adambench import plan

    return plan.entries(experiment), {id_: record.curve for id_, record in folder.records().items()}


def _show_table(experiment: Experiment, entries: list[Entry], curves: dict[str, Curve]) -> None:
    from adambench import analysis, report

    out = report.console()
    for item in report.tables(experiment, analysis.summarise(entries, curves)):
        out.print(item, soft_wrap=isinstance(item, str))


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

    suffix = "" if x is X.epoch else f"_by_{x}"
    metrics = [metric] if metric else [Metric.train_loss, Metric.test_error]
    figures = {f"{name}{suffix}": charts.convergence(entries, curves, name, x) for name in metrics}
    if metric is None:
        figures["sensitivity"] = charts.sensitivity(entries, curves)
    paths = []
    for name, figure in figures.items():
        if figure:
            paths.append(folder.write_figure(f"{name}.{format}", charts.save(figure, format, experiment.name)))
        elif metric:
            raise AdambenchError(
                f"{experiment.name}: no run measured {metric}",
                "evaluate: {train: true} in the configuration measures the training set.",
            )
    return paths
