"""`adambench match`: which recorded settings come nearest to the paper's curves, or to others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench.cli.app import TEXT, Format, Names, Results, opened, tell
from adambench.cli.pictures import check_picture, write_picture
from adambench.errors import AdambenchError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adambench.judge.match import Match, Target
    from adambench.session import Session


def match(
    experiments: Names = None,
    curves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Match these curves instead of the paper's: a CSV file.")
    ] = None,
    nearest: Annotated[int, typer.Option(min=1, help="How many settings to show for each curve.")] = 3,
    tuned: Annotated[
        bool, typer.Option("--tuned", help="Compare only the settings that the search chose, in their report runs.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the curves with the nearest settings.")
    ] = None,
    format: Format = TEXT,
    results: Results = Path("results"),
) -> None:
    """Find the recorded settings whose training cost comes nearest to the paper's curves, or to those of a file."""
    from adambench import paper
    from adambench.judge.match import Target
    from adambench.show import matching

    if plot:
        check_picture("--plot", plot)
    given = [Target.of(name, curve, rule) for name, rule, curve in paper.read(curves)] if curves else None
    with opened(results, experiments) as sessions:
        found = _found(sessions, given, tuned)
        titles = matching.titles({session.name: session.experiment for session in sessions})
        tell([matching.matches(found, nearest, titles)], format)
        if plot:
            from adambench.show import charts

            drawing = charts.matching(found, titles, nearest)
            assert drawing  # a curve has a fit
            write_picture(drawing, plot, format)


def _found(sessions: "Sequence[Session]", given: "Sequence[Target] | None", tuned: bool) -> "list[Match]":
    """The settings of all experiments beside the given curves, or beside the paper's of the figures that they name."""
    from adambench import paper
    from adambench.judge.match import Target, match
    from adambench.optimizers import OPTIMIZERS

    figures = dict.fromkeys(p.figure for s in sessions for p in s.experiment.problems if p.figure in paper.FIGURES)
    if given is None and not figures:
        raise AdambenchError(
            f"{', '.join(s.name for s in sessions)}: no problem names a figure of the paper that has curves",
            f"The key `figure` of a problem names one of {', '.join(paper.FIGURES)}; or use --curves FILE.",
        )
    kind = "report run" if tuned else "run"
    found = [match(target, [c for s in sessions for c in s.candidates(None, tuned)]) for target in given or ()]
    for figure in figures if given is None else ():
        runs = [c for s in sessions for c in s.candidates(figure, tuned)]
        drawn = paper.curves(figure or "").items()
        found += [match(Target.of(f"{figure} {rule}", curve, rule), runs) for rule, curve in drawn]
    known = {*OPTIMIZERS, *(entry.grid.rule for session in sessions for entry in session.entries)}
    for target in given or ():
        if target.rule and target.rule not in known:
            raise AdambenchError(f"curve {target.name}: rule {target.rule!r} is {unknown(target.rule, sorted(known))}")
    if not any(one.fits for one in found):
        longest = max((c.length for s in sessions for c in s.candidates(None, tuned)), default=0)
        have = f"the longest has epochs 1 to {longest}" if longest else "none is finished"
        hint = f"A curve needs three points at epochs 1 to {longest}." if longest else "Run the experiment first."
        raise AdambenchError(f"no {kind} has three points in common with a curve: {have}", hint)
    return found
