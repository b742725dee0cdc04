"""What a worker process of this machine does: train the runs that arrive, or time a step of them, and report."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import threadpoolctl

from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.errors import in_plugin
from adambench.execution import group
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.plan import Run
from adambench.execution.shared_data import Layout
from adambench.execution.timing import step_seconds


@dataclass(frozen=True)
class TimeSteps:
    """What a worker is asked: to time a training step of so many settings like the run's."""

    run: Run
    together: int


@dataclass(frozen=True)
class Ready:
    """A worker's message: it has made a first step, which is not timed, and waits for `Go`."""


@dataclass(frozen=True)
class Go:
    """What a worker is told when all are ready, so that they time their steps at once."""


@dataclass(frozen=True)
class Timed:
    """A worker's message: CPU seconds of a step."""

    seconds: float


@dataclass(frozen=True)
class Epoch:
    """A worker's message: an epoch has ended. evaluations: of each run; None: it diverged before."""

    evaluations: Sequence[Evaluation | None]


@dataclass(frozen=True)
class Done:
    """A worker's message: the runs are finished."""


@dataclass(frozen=True)
class Crashed:
    """A worker's message: the runs ended in an exception."""

    reason: str  # one line, or a traceback
    of_plugin: bool = False


Message = Ready | Timed | Epoch | Done | Crashed


def work(connection: Connection, layouts: Mapping[str, Layout], checkpoints: Checkpoints | None) -> None:
    """The main function of a worker: map the data once, then train the runs that arrive."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    with suppress(OSError):  # when memory runs out, the kernel ends a worker and not the parent, which can tell of it
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpoolctl.threadpool_limits(1)
    with suppress(EOFError, ConnectionError):  # the parent is gone, before `_end_with_parent` has seen it
        _serve(connection, layouts, checkpoints)


def _serve(connection: Connection, layouts: Mapping[str, Layout], checkpoints: Checkpoints | None) -> None:
    data = {sha256: layout.receive(connection) for sha256, layout in layouts.items()}
    while True:
        asked: TimeSteps | Sequence[Run] = connection.recv()
        try:
            if isinstance(asked, TimeSteps):
                _time_steps(asked, data[asked.run.dataset], connection)
                continue
            for evaluations in group.train(asked, data[asked[0].dataset], checkpoints):
                connection.send(Epoch(evaluations))
            connection.send(Done())
        except (Exception, SystemExit) as error:
            connection.send(_crashed(error))


def _crashed(error: Exception | SystemExit) -> Crashed:
    if line := in_plugin(error):
        return Crashed(line, of_plugin=True)
    return Crashed(f"does not fit into memory: {error}" if isinstance(error, MemoryError) else traceback.format_exc())


def _time_steps(asked: TimeSteps, dataset: Dataset, connection: Connection) -> None:
    def ready() -> None:
        connection.send(Ready())
        connection.recv()

    connection.send(Timed(step_seconds(asked.run, asked.together, dataset, ready)))


def _end_with_parent() -> None:
    """End this worker when its parent has died: a parent that was killed cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
