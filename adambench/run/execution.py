"""Which run is trained next, on which worker, and together with which others.

The curve of a run depends on the run alone: not on the worker, the number of workers, what they did before, or the runs
that are trained together with it. So all of these may depend on what is left to do.
"""

import functools
import math
import multiprocessing
import os
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

import threadpoolctl

from adambench.config.experiment import Experiment
from adambench.curve import Curve
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.models import Model
from adambench.optimizers import OPTIMIZERS
from adambench.run.engines import Event, Failed, Finished
from adambench.run.engines.local import Pool
from adambench.run.plan import Run
from adambench.run.shared import Shared
from adambench.training import steps

TRIES = 2  # of a run whose worker fails or dies


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
    """Train the runs that are known and have no curve yet, the longest first (by `work`), and yield what happens.

    known: the runs that can be named, given the finished curves; called again whenever a run has ended.
    curves: of the finished runs, by id. A new curve is added here, and nowhere else, before its event is yielded.
    stop: when something can be read from it, KeyboardInterrupt is raised.
    A run that fails, or whose worker dies, is tried once more, alone. Closing the iterator ends the workers at once.
    """
    tries: Counter[str] = Counter()  # by id
    queue: list[Run] = []
    changed = True  # whether a run has ended since the queue was made
    with Shared(dataset) as shared, Pool(jobs, shared) as pool:
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
                changed |= isinstance(event, Finished | Failed)
                if not isinstance(event, Failed):
                    yield event
                elif lost := [run for run in event.runs if tries[run.id] == TRIES]:
                    yield replace(event, runs=lost)


def _group(queue: Sequence[Run], tries: Mapping[str, int], free: int, dataset: Dataset) -> list[Run]:
    """The first run of a queue, with its share of those that can be trained together with it."""
    first = queue[0]
    most = most_together(first.model, dataset, first.batch_size)
    if tries[first.id] or most == 1:
        return [first]
    alike = [run for run in queue if run.trained_like(first) and not tries[run.id]]
    return alike[: min(most, math.ceil(len(alike) / free))]


def most_together(model: Model, dataset: Dataset, batch_size: int) -> int:
    """`Model.most_together` for all sizes that a minibatch of this data set has, in training and in evaluation."""
    size = min(batch_size, len(dataset.train.labels))
    sizes = {size, *(len(split.labels) % size for split in (dataset.train, dataset.test))} - {0}
    with threadpoolctl.threadpool_limits(1):
        return model.most_together(dataset.pixels, dataset.classes, tuple(sorted(sizes)))


@contextmanager
def interruptible() -> Iterator[Connection]:
    """A connection for `stop` of `execute`, readable once SIGINT (Ctrl-C) or SIGTERM has arrived.

    So a signal acts between two events and never in the middle of one. A second signal, while the first is acted on,
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
    """A function that estimates the CPU seconds of a run from a few steps of its problem, timed here and now.

    Evaluation has no backward pass, so per image it is a third of the work of a training step.
    """
    images = len(dataset.train.labels)
    seen = images + (len(dataset.test.labels) + images * experiment.evaluate.train) / 3
    problems = {problem.name: problem for problem in experiment.problems}

    @functools.cache
    def epoch(name: str) -> float:
        model, batch_size = problems[name].model, problems[name].batch_size
        adams = [OPTIMIZERS["adam"]()] * min(8, most_together(model, dataset, batch_size))
        try:
            with threadpoolctl.threadpool_limits(1):
                step = _median_seconds(steps(model, adams, dataset, batch_size)) / len(adams)
        except MemoryError as error:
            raise AdambenchError(f"problems.{name}: does not fit into memory: {error}") from error
        return step * seen / min(batch_size, images)

    return lambda run: epoch(run.problem) * run.epochs


def _median_seconds(action: Callable[[], None]) -> float:
    """Median CPU seconds of an action; the first call is not counted."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.1 and len(times) < 20):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])
