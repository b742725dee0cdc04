"""What a `run` under way tells of itself, in `.status.json` in its results folder, for those who ask from elsewhere.

It does not say whether its process still lives; only the lock does. Writing it never stops a run.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from adambench.config.check import fits, hints_of, shape
from adambench.errors import AdambenchError
from adambench.store.files import read
from adambench.writing import write

EVERY = 1.0  # seconds between two writes
MOST = 5  # warnings that are kept, and lines of a log that are shown


@dataclass(frozen=True)
class Status:
    started: float = 0.0  # Unix time, as all times here
    time: float = 0.0  # when this was written
    seconds_left: float | None = None  # then; None: not known
    under_way: Sequence[str] = ()  # what each worker trains, and how far it is
    warnings: Sequence[str] = ()  # the last ones
    end: str = ""  # how the run ended; empty until then
    process: int = 0  # that wrote this

    @classmethod
    def read(cls, folder: Path) -> "Status":
        """An empty one if there is none, or if the file holds something else: it may come from a stranger."""
        try:
            told = json.loads(read(folder / ".status.json"))
        except (OSError, ValueError, RecursionError):
            return cls()
        sound = isinstance(told, dict) and fits(SHAPE, told)
        return cls(**{name: told[name] for name in NAMES if name in told}) if sound else cls()


NAMES = [field.name for field in fields(Status)]
SHAPE = shape("Status", hints_of(Status), optional=NAMES)


class Told:
    """Keeps the status of this process up to date while it is entered, and tells how it ended.

    A thread writes once a second, if anything has changed, so that events cost nothing here however many there are.
    look: what is under way now, and the seconds left. end: what is told if nothing is raised.
    """

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self.folder, self.every, self.end = folder, every, "finished"
        self.look: Callable[[], tuple[Sequence[str], float | None]] = lambda: ((), None)
        self.warnings: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self.started = time.time()
        self._write(Status(self.started, self.started))
        self._thread.start()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        if isinstance(error, KeyboardInterrupt | BrokenPipeError | SystemExit):  # the last two: as of `| head`
            self.end = "interrupted"
        elif error is not None:
            self.end = f"failed: {str(error) or type(error).__name__}"
        self._write(Status(self.started, time.time(), None, (), self.warnings[-MOST:], self.end))

    def keep(self, warn: Callable[[str], object]) -> Callable[[str], None]:
        """A function that warns, and tells the warning here too."""

        def warn_and_tell(message: str) -> None:
            warn(message)
            self.warnings.append(message)

        return warn_and_tell

    def _follow(self) -> None:
        told = None
        while not self._ended.wait(self.every):
            under_way, left = self.look()
            if (now := (list(under_way), self.warnings[-MOST:])) != told:
                told = now
                self._write(Status(self.started, time.time(), left, *now))

    def _write(self, status: Status) -> None:
        with suppress(AdambenchError):
            write(self.folder / ".status.json", json.dumps(asdict(status) | {"process": os.getpid()}))


def last_lines(log: Path, since: float) -> list[str]:
    """The last lines of a log that was written to since then; none if it was not."""
    try:
        if not log.is_file() or log.stat().st_mtime < since:
            return []
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 10_000))
            return file.read().decode(errors="replace").splitlines()[-MOST:]
    except OSError:
        return []
