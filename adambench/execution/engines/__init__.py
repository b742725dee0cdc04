"""Engines train runs. An engine starts groups of runs and reports events; here is what it does and what it reports.

`local` trains in worker processes on this machine, `inline` in this process, `dask` on a cluster; `rehearsal` trains
nothing. No engine reads or writes the results.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self

from adambench.curve import Curve, Evaluation
from adambench.execution.plan import Run


@dataclass(frozen=True)
class Started:
    """A worker has been given runs; if there are several, they are trained together."""

    worker: int
    runs: Sequence[Run]


@dataclass(frozen=True)
class Progressed:
    """An epoch has ended."""

    worker: int
    runs: Sequence[Run]
    evaluations: Sequence[Evaluation | None]  # of each run; None: it diverged before


@dataclass(frozen=True)
class Finished:
    """Runs have ended, each with a curve."""

    worker: int
    runs: Sequence[Run]
    curves: Sequence[Curve]
    together: int = 0  # how many shared their work; 0: all of them
    where: Mapping[str, Any] | None = None  # the `provenance` there; None: as here


@dataclass(frozen=True)
class Failed:
    """Runs have stopped without a result, as when their worker died. reason: a traceback or a sentence."""

    worker: int
    runs: Sequence[Run]
    reason: str


@dataclass(frozen=True)
class Retried:
    """Runs have stopped without a result for the first time. They wait for another try. reason: as above."""

    worker: int
    runs: Sequence[Run]
    reason: str


@dataclass(frozen=True)
class Silent:
    """A worker has said nothing for longer than it should. words: what it is, and what can be done."""

    worker: int
    runs: Sequence[Run]
    words: str


Event = Started | Progressed | Finished | Failed | Retried | Silent


class Engine(Protocol):
    """Trains groups of runs. A context manager: nothing is under way before it is entered or after it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def free(self) -> int:
        """How many more groups of runs can start."""

    @property
    def running(self) -> int:
        """How many groups of runs are under way."""

    def most_together(self, run: Run) -> int:
        """How many runs like this one can be trained together such that each has the bits that it has alone."""

    def start(self, runs: Sequence[Run]) -> Started:
        """Start a group. Only asked for while a place is free."""

    def events(self, stop: Connection | None) -> Iterator[Event]:
        """Wait until something has happened or a place may be free, then yield what happened.

        Raises KeyboardInterrupt once `stop` can be read. A group ends with one `Finished` or `Failed`.
        """


class Trainer(Engine, Protocol):
    """An engine that really trains, so that one can see there how long it takes."""

    def step_seconds(self, run: Run, together: int, places: int, stop: Connection | None = None) -> float:
        """CPU seconds of a training step of so many settings like the run's, while so many places do the same.

        Only called while nothing is under way. Raises KeyboardInterrupt if it has to wait and `stop` can be read, and
        AdambenchError, MemoryError or an exception of a plug-in if no step can be made.
        """
