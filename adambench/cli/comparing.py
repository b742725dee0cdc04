"""`adambench compare`: one experiment against another, seed by seed."""

from pathlib import Path
from typing import Annotated

import typer

from adambench.cli.app import TEXT, Format, Results, tell, there, warn
from adambench.cli.looking import Metric
from adambench.errors import AdambenchError

HELP = "An experiment: its name in the results folder, or the path of its folder."


def compare(
    one: Annotated[str, typer.Argument(metavar="A", help=HELP, autocompletion=there)],
    other: Annotated[str, typer.Argument(metavar="B", help=HELP, autocompletion=there)],
    metric: Annotated[
        Metric | None, typer.Option(help="Compare this metric; that of tuning if left out and both have the same.")
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(metavar="MINE=THEIRS", help="Also compare the optimizer MINE of A with THEIRS of B."),
    ] = None,
    problem: Annotated[
        list[str] | None,
        typer.Option(metavar="MINE=THEIRS", help="Also compare the problem MINE of A with THEIRS of B."),
    ] = None,
    format: Format = TEXT,
    results: Results = Path("results"),
) -> None:
    """Compare two experiments seed by seed: ratios with intervals, the settings that won, what else differs."""
    from adambench.judge import pairing
    from adambench.show import comparing
    from adambench.stored import named

    labels = [_names("--pair", text) for text in pair or ()]
    problems = [_names("--problem", text) for text in problem or ()]
    opened = {word: named(word, results, warn) for word in (one, other)}
    sessions = [opened[word] for word in (one, other)]
    called = (one, other) if sessions[0].name == sessions[1].name else (session.name for session in sessions)
    mine, theirs = (session.side(name) for session, name in zip(sessions, called, strict=True))
    found = pairing.compare(mine, theirs, metric and metric.value, labels, problems)
    tell(comparing.comparison(found), format)


def _names(option: str, text: str) -> tuple[str, str]:
    mine, equals, theirs = text.partition("=")
    if not (mine and equals and theirs):
        raise AdambenchError(f"{option} {text}: must be MINE=THEIRS", f"For example: {option} mine=adam")
    return mine, theirs
