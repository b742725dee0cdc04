"""Where runs happen: worker processes, each with one BLAS thread.

Workers are spawned, not forked, so that nothing of the parent leaks into a run. Each gets one run at a time over a pipe
of its own and sends every evaluation back; the parent alone decides and writes. A run's curve depends on the run alone:
not on the worker, on how many there are, or on what they did before.
"""

import multiprocessing
import os
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import threadpoolctl

from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.experiment import DataSource, Experiment
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Run
from adambench.training import Evaluation, time_step, train

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


TRIES = 2  # of a run whose worker fails or dies


@dataclass(frozen=True)
class Started:
    worker: int
    run: Run


@dataclass(frozen=True)
class Progressed:
    worker: int
    run: Run
    evaluation: Evaluation


@dataclass(frozen=True)
class Finished:
    worker: int
    run: Run
    curve: Curve


@dataclass(frozen=True)
class Failed:
    """A run that stopped for a reason that is not in its numbers."""

    worker: int
    run: Run
    reason: str


Event = Started | Progressed | Finished | Failed


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute(
    known: Callable[[Mapping[str, Curve]], Iterable[Run]],
    source: DataSource,
    curves: dict[str, Curve],
    jobs: int,
    work: Callable[[Run], float] = lambda run: run.epochs,
    stop: Connection | None = None,
) -> Iterator[Event]:
    """Train the runs that are known and lack a curve, the longest first (by `work`), and tell what happens.

    known: the runs that can be named when the given curves are there; asked again whenever a run ends.
    curves: of the finished runs, by id; the new ones are added.
    stop: raises KeyboardInterrupt when something can be read from it.
    A run that fails, or whose worker dies, is tried once more. Closing the iterator ends the workers at once.
    """
    workers: list[_Worker] = []
    queue: list[Run] = []
    tries: Counter[str] = Counter()  # by id
    changed = True  # a run ended since the queue was made
    try:
        while True:
            if changed:
                taken = {worker.run.id for worker in workers if worker.run} | set(curves)
                waiting = {run.id: run for run in known(curves) if run.id not in taken and tries[run.id] < TRIES}
                queue = sorted(waiting.values(), key=work, reverse=True)
                changed = False
            while queue and (idle := _idle(workers, jobs, source)):
                run = queue.pop(0)
                tries[run.id] += 1
                idle.start(run)
                yield Started(idle.number, run)
            busy = {worker.connection: worker for worker in workers if worker.run}
            if not busy:
                return
            ready = wait([*busy, *([stop] if stop else [])])
            if stop in ready:
                raise KeyboardInterrupt
            for connection in ready:
                worker = busy[cast(Connection, connection)]
                event = worker.receive()
                changed |= isinstance(event, Finished | Failed)
                if isinstance(event, Finished):
                    curves[event.run.id] = event.curve
                if not isinstance(event, Failed) or tries[event.run.id] == TRIES:
                    yield event
                if worker.died:
                    worker.end()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()


@contextmanager
def interruptible() -> Iterator[Connection]:
    """What `execute` takes for `stop`: readable once SIGINT (Ctrl-C) or SIGTERM has come.

    So they act between two events and never in the middle of one, and a second one, come while the first is acted on,
    does nothing.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: writer.send(None)) for number in signals]
    try:
        yield reader
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def expected_seconds(experiment: Experiment, dataset: Dataset) -> Callable[[Run], float]:
    """How long a run will take, as far as a few steps of its problem, timed here and now, can tell.

    Evaluation has no backward pass: a third of the work of a training step, per image.
    """
    images = len(dataset.train.labels)
    seen = images + (len(dataset.test.labels) + images * experiment.evaluate.train) / 3
    epoch: dict[str, float] = {}
    for problem in experiment.problems:
        try:
            with threadpoolctl.threadpool_limits(1):
                step = time_step(problem.model, OPTIMIZERS["adam"](), dataset, problem.batch_size)
        except MemoryError as error:
            raise AdambenchError(f"problems.{problem.name}: does not fit into memory: {error}") from error
        epoch[problem.name] = step * seen / min(problem.batch_size, images)
    return lambda run: epoch[run.problem] * run.epochs


def _idle(workers: list["_Worker"], jobs: int, source: DataSource) -> "_Worker | None":
    """A worker with nothing to do, a new one if there may be more, or None."""
    for worker in workers:
        if worker.run is None:
            return worker
    if len(workers) == jobs:
        return None
    number = min(set(range(jobs)) - {worker.number for worker in workers})
    workers.append(_Worker(number, source))
    return workers[-1]


@dataclass
class _Worker:
    """The parent's end of one worker process."""

    number: int
    source: DataSource
    run: Run | None = None
    curve: list[Evaluation] = field(default_factory=list)
    died: bool = False

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited: BLAS reads them once, when it is loaded
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.source), name=f"worker {self.number + 1}")
        with _blocked():
            self.process.start()
        theirs.close()

    def start(self, run: Run) -> None:
        self.run, self.curve = run, []
        self.connection.send(run)

    def receive(self) -> Event:
        """The next thing the worker says of its run."""
        assert self.run
        run, message = self.run, self._message()
        if isinstance(message, Evaluation):
            self.curve.append(message)
            return Progressed(self.number, run, message)
        self.run = None
        if message is None:
            return Finished(self.number, run, self.curve)
        return Failed(self.number, run, message)

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


def _work(connection: Connection, source: DataSource) -> None:
    """A worker's life: load the data once, then train what comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpoolctl.threadpool_limits(1)
    dataset: Dataset | None = None
    while True:
        run: Run = connection.recv()
        try:
            dataset = dataset or source.load()
            for evaluation in train(
                run.model,
                run.optimizer,
                run.schedule,
                dataset,
                epochs=run.epochs,
                batch_size=run.batch_size,
                seed=run.seed,
                evaluate_train=run.evaluate_train,
            ):
                connection.send(evaluation)
            connection.send(None)
        except Exception:
            connection.send(traceback.format_exc())


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers: they watch it."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
