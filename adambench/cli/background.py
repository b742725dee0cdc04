"""Runs that need no terminal: how `run --detach` starts one, and `adambench status`, which tells how they are doing."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from adambench.cli.app import TEXT, Format, Names, Results, opened, tell
from adambench.errors import AdambenchError, neutral

if TYPE_CHECKING:
    from adambench.session import Session
    from adambench.store.folder import Folder
    from adambench.store.status import Status


def in_background(folder: "Folder", command: str) -> None:
    """Start the command line of this process once more, without --detach, in a session of its own.

    Returns once the new process has the folder. If it ends before, its output is printed and this process ends with its
    exit code. command: that asks for its status.
    """
    from adambench.store.lock import holder
    from adambench.store.status import Status

    folder.prepare()
    if found := holder(folder.path):
        raise AdambenchError(f"{folder.path}: in use by {found}", f"To see how it is doing: {command}")
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with folder.log.open("ab") as log:
        start = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "adambench", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def has_the_folder() -> bool:
        """By its lock, which some file systems do not have, or by its status, which a full disk does not take."""
        locks = holder(folder.path).startswith(f"process {process.pid} ")
        return locks or Status.read(folder.path).process == process.pid

    while process.poll() is None and not has_the_folder():
        time.sleep(0.05)
    if process.returncode is not None:
        print(folder.log.read_bytes()[start:].decode(errors="replace"), end="")
        raise typer.Exit(process.returncode)
    print(f"started in the background as process {process.pid}; its output goes to {folder.log}")
    print(f"To see how it is doing: {command}")
    print(f"To stop it and keep the finished runs: kill {process.pid}")


@dataclass(frozen=True)
class Doing:
    """An experiment, and how its run is doing."""

    session: "Session"
    holder: str  # the process that trains it; empty: none
    told: "Status"

    @property
    def name(self) -> str:
        return self.session.name

    @property
    def done(self) -> int:
        return self.session.unfolding.done

    @property
    def total(self) -> int:
        return self.session.unfolding.total

    @property
    def state(self) -> str:
        if self.holder:
            return "running"
        if self.done == self.total:
            return "finished"
        if not self.told.started:
            return "not finished"
        return {"": "killed", "finished": "not finished"}.get(self.told.end, self.told.end)

    @property
    def seconds_left(self) -> float | None:
        left = self.told.seconds_left
        passed = max(0.0, time.time() - self.told.time)  # negative if the clock was set back
        return max(0.0, left - passed) if self.holder and left is not None else None


def status(experiments: Names = None, format: Format = TEXT, results: Results = Path("results")) -> None:
    """Tell for each experiment whether it is running, how many of its runs are done, and how long the others take."""
    from adambench.show.table import Column, Table
    from adambench.show.terminal import duration
    from adambench.store.folder import folders
    from adambench.store.lock import holder
    from adambench.store.status import Status

    # The records are read last, so that those of a run that has ended are all there.
    before = {f.path: (holder(f.path), Status.read(f.path)) for f in folders(results, experiments)}
    columns = [
        Column("experiment", lambda row: row.name, left=True),
        Column("state", lambda row: row.state, left=True),
        Column("runs done", lambda row: f"{row.done} of {row.total}"),
        Column("time left", lambda row: row.seconds_left, lambda left: "–" if left is None else duration(left)),
    ]
    data = [
        *columns[:2],
        Column("process", lambda row: row.holder),
        Column("done", lambda row: row.done),
        Column("total", lambda row: row.total),
        Column("seconds_left", lambda row: row.seconds_left),
        Column("under_way", lambda row: row.told.under_way if row.holder else []),
        Column("warnings", lambda row: row.told.warnings),
    ]
    with opened(results, [path.name for path in before]) as found:
        rows = [Doing(session, *before[session.folder.path]) for session in found]
        tell([Table("", columns, rows, data)], format)
        for row in rows if format is TEXT else ():
            _tell_more(row)


def _tell_more(row: Doing) -> None:
    """Which process trains it, what is under way, the last warnings and the end of the log."""
    from adambench.store.status import last_lines

    lines = [f"trained by {row.holder}"] if row.holder else []
    lines += row.told.under_way if row.holder else ()
    if row.state == "killed":
        lines.append(
            "Its process ended without a word: it was killed, or the computer was restarted, or this is a copy of its "
            "folder. Rerun to resume."
        )
    if row.state != "finished":
        lines += [f"warning: {warning}" for warning in row.told.warnings]
        if row.told.started and (end := last_lines(row.session.folder.log, row.told.started)):
            lines += [f"the end of {row.session.folder.log}:", *(f"    {line}" for line in end)]
    if lines:
        print(f"\n{row.name}:", *map(neutral, lines), sep="\n  ")
