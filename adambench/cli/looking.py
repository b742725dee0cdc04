"""Commands that look at results: `plot`, `table`, `report`, `open`, `show`."""

import os
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Names, Results, Width, opened, run_ids, tell, warn, web_page
from adambench.cli.pictures import Picture, Style
from adambench.curve import METRICS
from adambench.errors import AdambenchError, neutral

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adambench.show.charts.gallery import Drawing, Gallery

Metric = StrEnum("Metric", {name: name for name in METRICS})  # type: ignore[misc]  # one for each row of the registry


DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # what a graphical session sets, or who chooses a browser


class X(StrEnum):
    epoch = "epoch"
    step = "step"
    seconds = "seconds"


class Kind(StrEnum):
    profile = "profile"
    ecdf = "ecdf"


def plot(
    experiments: Names = None,
    chart: Annotated[
        Kind | None,
        typer.Option("--kind", help="Draw how long each optimizer takes over all problems, in one of these ways."),
    ] = None,
    metric: Annotated[
        Metric | None, typer.Option(help="Draw only this metric along training, or with --kind its targets.")
    ] = None,
    x: Annotated[X, typer.Option("--x", help="The horizontal axis.")] = X.epoch,
    format: Annotated[Picture, typer.Option(help="File format.")] = Picture.png,
    paper: Annotated[bool, typer.Option("--paper", help="Draw our curves over the paper's own.")] = False,
    inspect: Annotated[
        bool, typer.Option("--inspect", help="Draw what happened inside the optimizers that `inspect` names.")
    ] = False,
    over: Annotated[
        str | None, typer.Option(help="With --inspect: two labels over each other, for example adam,rmsprop.")
    ] = None,
    width: Width = None,
    style: Annotated[Style, typer.Option(help="page, or slide with larger type.")] = Style.page,
    results: Results = Path("results"),
) -> None:
    """Draw the charts of experiments into their folders: convergence, test error, the search of the rates."""
    if paper and (metric not in (None, Metric("train_loss")) or x is not X.epoch):
        raise AdambenchError("--paper: the paper's figures show training cost by epochs", "Leave --metric and --x out.")
    if over and not inspect:
        raise AdambenchError("--over: needs --inspect", "For example: --inspect --over adam,rmsprop")
    if chart and (paper or inspect):
        raise AdambenchError("--kind: draws all problems in one panel", "Leave --paper and --inspect out.")
    if inspect and (paper or metric or x is not X.epoch):
        raise AdambenchError("--inspect: draws its own panels along steps", "Leave --paper, --metric and --x out.")

    from adambench.show.charts import Form

    kind, form = format.value, Form(width, style is Style.slide)

    def drawings(gallery: "Gallery") -> "Mapping[str, Drawing]":
        if paper:
            return gallery.paper()
        if inspect:
            return gallery.inspected(over)
        if chart:
            return gallery.lengths(x.value, metric.value if metric else "train_loss", [chart.value])
        return gallery.along(x.value, [metric.value]) if metric else gallery.usual(x.value)

    with opened(results, experiments) as found:
        drawn = {session.name: session.draw(drawings(session.gallery), kind, form) for session in found}
        for name, paths in drawn.items():
            for path in paths:
                print(f"wrote {path}")
            if not paths and (experiments or len(found) == 1):
                raise _nothing(name, metric, paper, inspect, chart)
        if (paper or inspect or metric or chart) and not any(drawn.values()):
            raise _nothing(", ".join(drawn), metric, paper, inspect, chart)


def _nothing(name: str, metric: Metric | None, paper: bool, inspect: bool, chart: Kind | None) -> AdambenchError:
    """Why there was nothing to draw, and what to do about it."""
    from adambench.paper import FIGURES, GRIDS

    if paper:
        figures = ", ".join([*FIGURES, *GRIDS])
        return AdambenchError(
            f"{name}: no problem names a figure of the paper, or none of its runs is finished",
            f"The key `figure` of a problem names one of {figures}.",
        )
    if inspect:
        return AdambenchError(
            f"{name}: no finished run has inspection data",
            "Add `inspect: {optimizers: [adam]}` to the configuration, then run it.",
        )
    if chart:
        return AdambenchError(
            f"{name}: {chart.value}: needs two optimizers with finished runs of one seed on every problem",
            f"All problems must have seeds in common, and {metric.value if metric else 'train_loss'} must fall after "
            "epoch 1, and not to 0.",
        )
    if metric:
        measure = "Add `evaluate: {train: true}` to the configuration to measure the training set."
        hold_back = "Add for example `validation: 10000` to the configuration to hold back images."
        hint = hold_back if METRICS[metric.value].held_back else measure if metric.value.startswith("full") else ""
        hint = "Only a model with an L2 term has one: set its `l2` above 0." if metric.value == "penalty" else hint
        return AdambenchError(f"{name}: no run measured {metric.value}", hint)
    return AdambenchError(f"{name}: no finished run to draw", "Run it first.")


def table(experiments: Names = None, format: Format = TEXT, results: Results = Path("results")) -> None:
    """Print the ranked results of experiments."""
    from adambench.cli.ending import ignored

    with opened(results, experiments) as found:
        several = len(found) > 1
        tables = [(session, one) for session in found for one in session.tables(named=True)]
        tell([replace(one, title=f"{own.name}, {one.title}") if several else one for own, one in tables], format)
        for session in found if format is TEXT else ():
            if session.ignored:
                print(ignored(session.ignored, session.folder.runs))


def report(
    experiments: Names = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Where to write it; report.html in the results folder if left out."),
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Write a page with results, charts and records: one HTML file that works offline."""
    from adambench import pages
    from adambench.writing import write, write_through

    names = dict.fromkeys(experiments or ())
    alone = next(iter(names)) if len(names) == 1 else ""
    file = web_page(output or results / alone / "report.html")
    page, left_out = pages.report(results, experiments, warn)
    print(f"wrote {write_through(file, page) if output else write(file, page)}")
    for reason in left_out:
        warn(reason)
    if left_out:
        raise typer.Exit(1)


def open_(experiments: Names = None, results: Results = Path("results")) -> None:
    """Open the newest page or chart of experiments in the browser, and print its path."""
    import webbrowser

    from adambench.store.finding import newest_view

    file = newest_view(results, experiments)
    print(neutral(str(file)))
    has_display = sys.platform in ("darwin", "win32") or any(map(os.environ.get, DISPLAYS))
    # Without a display, webbrowser would take a browser for terminals, which could not show the page.
    if not (has_display and webbrowser.open(file.absolute().as_uri())):
        warn("no browser could be started here: open the file yourself")


def show(
    run: Annotated[str, typer.Argument(help="Its id or the beginning of it, or its file.", autocompletion=run_ids)],
    results: Results = Path("results"),
) -> None:
    """Print the record of a run: setting, seed, versions, processor, commit, time, and its curve."""
    from adambench.show import ranking
    from adambench.store.finding import find_record, read_record

    tell(ranking.record(read_record(run) or find_record(run, results, warn)))
