"""Worker processes, each with one BLAS thread, and what they say.

Workers are spawned, not forked, so that nothing of the parent leaks into a run. Each gets runs over a pipe of its own
and sends every evaluation back.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import threadpoolctl

from adambench.datasets.shared import Layout, Shared
from adambench.plan import Curve, Run
from adambench.training import Evaluation, train_together

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Started:
    worker: int
    runs: Sequence[Run]  # more than one: they are trained together


@dataclass(frozen=True)
class Progressed:
    worker: int
    runs: Sequence[Run]
    evaluations: Sequence[Evaluation | None]  # of each run; None: it diverged before


@dataclass(frozen=True)
class Finished:
    worker: int
    runs: Sequence[Run]
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Failed:
    """Runs that stopped for a reason that is not in their numbers."""

    worker: int
    runs: Sequence[Run]
    reason: str


Event = Started | Progressed | Finished | Failed


class Pool:
    """Workers as they are needed, `jobs` at the most. A context manager that leaves none behind."""

    def __init__(self, jobs: int, shared: Shared) -> None:
        self.jobs, self.shared = jobs, shared
        self.workers: dict[int, _Worker] = {}

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.end()

    @property
    def running(self) -> set[str]:
        """The runs under way, by id."""
        return {run.id for worker in self.workers.values() for run in worker.runs}

    @property
    def free(self) -> int:
        """How many more groups of runs can start."""
        return self.jobs - sum(bool(worker.runs) for worker in self.workers.values())

    def start(self, runs: Sequence[Run]) -> Started:
        """On a worker that has nothing to do, or on a new one."""
        number = next(n for n in range(self.jobs) if n not in self.workers or not self.workers[n].runs)
        if number not in self.workers:
            self.workers[number] = _Worker(number, self.shared)
        self.workers[number].start(runs)
        return Started(number, runs)

    def events(self, stop: Connection | None) -> Iterator[Event]:
        """What the workers say next, after a wait for at least one of them."""
        busy = {worker.connection: worker for worker in self.workers.values() if worker.runs}
        ready = wait([*busy, *([stop] if stop else [])])
        for connection in ready:
            if connection is stop:
                continue
            worker = busy[cast(Connection, connection)]
            yield worker.receive()
            if worker.died:
                self.workers.pop(worker.number).end()
        if stop in ready:  # after what else there is to hear
            raise KeyboardInterrupt


class _Worker:
    """The parent's end of one worker process."""

    def __init__(self, number: int, shared: Shared) -> None:
        self.number = number
        self.runs: Sequence[Run] = []  # what it trains now
        self.curves: list[list[Evaluation]] = []
        self.died = False
        context = multiprocessing.get_context("spawn")
        os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited: BLAS reads them once, when it is loaded
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, shared.layout), name=f"worker {number + 1}")
        with _blocked():
            self.process.start()
        theirs.close()
        with suppress(OSError):  # it died at once: the first message will tell
            shared.send(self.connection, self.process.pid)

    def start(self, runs: Sequence[Run]) -> None:
        self.runs, self.curves = runs, [[] for _ in runs]
        with suppress(OSError):
            self.connection.send(runs)

    def receive(self) -> Event:
        """The next thing the worker says of its runs."""
        runs, message = self.runs, self._message()
        if isinstance(message, list):
            for curve, evaluation in zip(self.curves, message, strict=True):
                if evaluation:
                    curve.append(evaluation)
            return Progressed(self.number, runs, message)
        self.runs = []
        if message is None:
            return Finished(self.number, runs, self.curves)
        return Failed(self.number, runs, message)

    def _message(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.died = True
            self.process.join()
            return f"its process ended with exit code {self.process.exitcode}"

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def _blocked() -> Iterator[None]:
    """Ctrl-C reaches the whole process group, but what is started here never sees it: the parent alone decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # the first worker would start it, and that unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # a signal that came meanwhile acts now


def _work(connection: Connection, layout: Layout) -> None:
    """A worker's life: map the data once, then train what comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpoolctl.threadpool_limits(1)
    dataset = layout.receive(connection)
    while True:
        runs: Sequence[Run] = connection.recv()
        first = runs[0]
        try:
            for evaluations in train_together(
                first.model,
                [run.optimizer for run in runs],
                first.schedule,
                dataset,
                epochs=first.epochs,
                batch_size=first.batch_size,
                seed=first.seed,
                evaluate_train=first.evaluate_train,
                inspect=first.inspect,
            ):
                connection.send(evaluations)
            connection.send(None)
        except Exception:
            connection.send(traceback.format_exc())


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers: they watch it."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
