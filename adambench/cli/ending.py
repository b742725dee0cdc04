"""How `run` ends: what it writes, and what it says."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from adambench.session import Session
    from adambench.store.status import Told


def made_anew(session: "Session", no_charts: bool, told: "Told") -> list[Path]:
    """The tables and charts that are written anew, because the records have changed. told: what went wrong so far."""
    from adambench.store import made

    if made.up_to_date(session.folder, session.records):
        return []
    written = session.write_tables()
    if not no_charts:
        written += session.draw(session.gallery.usual(), "png")
    if not (no_charts or told.warnings):  # else what is not drawn is drawn the next time
        made.note(session.folder, session.records, written)
    return written


def tell_results(session: "Session", written: list[Path], results: Path, shard: str | None, beside: TextIO) -> None:
    """What was written where, and what can be done with it."""
    from adambench.show.terminal import console, plural

    out, experiment = console(stream=beside), session.experiment
    if session.ignored:
        out.print(ignored(session.ignored, session.folder.runs), markup=False, soft_wrap=True)
    for path in written:
        out.print(f"wrote {path}", markup=False, soft_wrap=True)
    if not written:
        out.print(f"The tables and charts in {session.folder.path} are up to date.", markup=False, soft_wrap=True)
    if stated := len(experiment.claims):
        name = named(experiment.name, results)
        out.print(f"To judge its {plural(stated, 'claim')}: adambench claims {name}", markup=False, soft_wrap=True)
    if shard:
        out.print(f"This was part {shard}. To put the parts together: adambench merge DIR... --results DIR")


def named(experiment: str, results: Path) -> str:
    """How a command names an experiment."""
    return experiment if results == Path("results") else f"{experiment} --results {shlex.quote(str(results))}"


def ignored(records: int, folder: Path) -> str:
    """A sentence about records that are not in the current plan."""
    from adambench.show.terminal import plural

    return f"Ignored {plural(records, 'record')} in {folder}: not in the current plan."
