"""Where runs happen: worker processes, each with one BLAS thread.

Workers are spawned, not forked, so that nothing of the parent leaks into a run. Each gets runs over a pipe
of its own and sends every evaluation back; the parent alone decides and writes. A run's curve depends on the run alone:
not on the worker, on how many there are, on what they did before, or on which runs are trained together.
"""

import math
import multiprocessing
import os
import signal
import statistics
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import threadpoolctl

from adambench.datasets import Dataset
from adambench.datasets.shared import Layout, Shared
from adambench.errors import AdambenchError
from adambench.experiment import Experiment
from adambench.models.logistic import MOST, settings_are_independent
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Run
from adambench.training import Evaluation, steps, train_together

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


TRIES = 2  # of a run whose worker fails or dies


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


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def execute(
    known: Callable[[Mapping[str, Curve]], Iterable[Run]],
    dataset: Dataset,
    curves: dict[str, Curve],
    jobs: int,
    work: Callable[[Run], float] = lambda run: run.epochs,
    stop: Connection | None = None,
) -> Iterator[Event]:
    """Train the runs that are known and lack a curve, the longest first (by `work`), and tell what happens.

    known: the runs that can be named when the given curves are there; asked again whenever a run ends.
    curves: of the finished runs, by id; the new ones are added.
    stop: raises KeyboardInterrupt when something can be read from it.
    A run that fails, or whose worker dies, is tried once more, alone. Closing the iterator ends the workers at once.
    """
    tries: Counter[str] = Counter()  # by id
    queue: list[Run] = []
    changed = True  # a run ended since the queue was made
    with Shared(dataset) as shared, _Pool(jobs, shared) as pool:
        while True:
            if changed:
                taken = pool.running | set(curves)
                waiting = {run.id: run for run in known(curves) if run.id not in taken and tries[run.id] < TRIES}
                queue = sorted(waiting.values(), key=work, reverse=True)
                changed = False
            while queue and pool.free:
                group = _group(queue, tries, pool.free, dataset)
                queue = [run for run in queue if run not in group]
                tries.update(run.id for run in group)
                yield pool.start(group)
            if not pool.running:
                return
            for event in pool.events(stop):
                if isinstance(event, Finished):
                    curves.update((run.id, curve) for run, curve in zip(event.runs, event.curves, strict=True))
                if isinstance(event, Failed):
                    event = replace(event, runs=[run for run in event.runs if tries[run.id] == TRIES])  # noqa: PLW2901
                changed |= isinstance(event, Finished | Failed)
                if event.runs:
                    yield event


def _group(queue: Sequence[Run], tries: Mapping[str, int], free: int, dataset: Dataset) -> list[Run]:
    """The first run of a queue, and others that can be trained together with it: a fair part for each free worker.

    Who is trained with whom changes no bit of any curve, so it may depend on what is left to do.
    """
    first = queue[0]
    if tries[first.id] or not first.model.together or not independent(dataset, first.batch_size):
        return [first]
    alike = [run for run in queue if run.trained_like(first) and not tries[run.id]]
    return alike[: min(MOST, math.ceil(len(alike) / free))]


def independent(dataset: Dataset, batch_size: int) -> bool:
    """`settings_are_independent` for all sizes that a minibatch of this data set has, in training and evaluation."""
    splits = (dataset.train, dataset.test)
    size = min(batch_size, len(dataset.train.labels))
    sizes = {size, *(len(split.labels) % size for split in splits)} - {0}
    with threadpoolctl.threadpool_limits(1):
        return settings_are_independent(dataset.pixels, dataset.classes, tuple(sorted(sizes)))


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
        together = problem.model.together and independent(dataset, problem.batch_size)
        try:
            with threadpoolctl.threadpool_limits(1):
                adams = [OPTIMIZERS["adam"]()] * (8 if together else 1)
                step = _median_seconds(steps(problem.model, adams, dataset, problem.batch_size)) / len(adams)
        except MemoryError as error:
            raise AdambenchError(f"problems.{problem.name}: does not fit into memory: {error}") from error
        epoch[problem.name] = step * seen / min(problem.batch_size, images)
    return lambda run: epoch[run.problem] * run.epochs


def _median_seconds(action: Callable[[], None]) -> float:
    """CPU seconds, after a first time that is not counted."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.1 and len(times) < 20):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


class _Pool:
    """Workers as they are needed, `jobs` at the most. A context manager that leaves none behind."""

    def __init__(self, jobs: int, shared: Shared) -> None:
        self.jobs, self.shared = jobs, shared
        self.workers: dict[int, _Worker] = {}

    def __enter__(self) -> "_Pool":
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
        if stop in ready:
            raise KeyboardInterrupt
        for connection in ready:
            worker = busy[cast(Connection, connection)]
            yield worker.receive()
            if worker.died:
                self.workers.pop(worker.number).end()


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
