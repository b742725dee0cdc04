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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import threadpoolctl

from adambench import plan
from adambench.datasets import Dataset
from adambench.experiment import DataSource, Experiment
from adambench.optimizers import OPTIMIZERS
from adambench.plan import Curve, Entry, Run
from adambench.training import Evaluation, time_step, train

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


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
    entries: Sequence[Entry],
    source: DataSource,
    curves: dict[str, Curve],
    jobs: int,
    work: Callable[[Run], float] = lambda run: run.epochs,
) -> Iterator[Event]:
    """Train what the plan lacks, the longest run first (by `work`), and tell what happens as it happens.

    curves: of the finished runs, by id; the new ones are added. A run that fails, or whose worker dies, is tried once
    more. Closing the iterator ends the workers at once.
    """
    queue: list[Run] = []
    tries = Counter(curves.keys())  # by id; what is finished is not tried at all
    workers: list[_Worker] = []
    planned = -1  # how many curves there were when the queue was last made
    try:
        while True:
            if planned != len(curves):
                planned = len(curves)
                queue = [run for run in plan.runs(entries, curves) if run.id not in tries]
                queue = sorted({run.id: run for run in queue}.values(), key=work, reverse=True)
            while queue and (worker := _free(workers, jobs, source)):
                tries[queue[0].id] += 1
                worker.start(queue[0])
                yield Started(worker.number, queue.pop(0))
            busy = {worker.connection: worker for worker in workers if worker.run}
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy[cast(Connection, connection)]
                event = worker.receive()
                if isinstance(event, Finished):
                    curves[event.run.id] = event.curve
                elif isinstance(event, Failed) and tries[event.run.id] == 1:
                    queue.insert(0, event.run)
                    continue
                yield event
            workers = [worker for worker in workers if worker.process.is_alive() or worker.run]
    finally:
        for worker in workers:
            worker.end()


def expected_seconds(experiment: Experiment, dataset: Dataset) -> Callable[[Run], float]:
    """How long a run will take, as far as a few steps of its problem, timed here and now, can tell.

    Evaluation has no backward pass: a third of the work of a training step, per image.
    """
    images = len(dataset.train.labels)
    seen = images + (len(dataset.test.labels) + images * experiment.evaluate.train) / 3
    with threadpoolctl.threadpool_limits(1):
        epoch = {
            problem.name: time_step(problem.model, OPTIMIZERS["adam"](), dataset, problem.batch_size)
            * (seen / min(problem.batch_size, images))
            for problem in experiment.problems
        }
    return lambda run: epoch[run.problem] * run.epochs


def _free(workers: list["_Worker"], jobs: int, source: DataSource) -> "_Worker | None":
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

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited: BLAS reads them once, when it is loaded
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.source), name=f"worker {self.number + 1}")
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
            self.process.join()
            return f"its process ended with exit code {self.process.exitcode}"

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _work(connection: Connection, source: DataSource) -> None:
    """A worker's life: load the data once, then train what comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
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
