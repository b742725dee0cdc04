"""Which run is trained next, on which worker, and together with which others.

The curve of a run depends on the run alone: not on the worker, the number of workers, what they did before, or the runs
that are trained together with it. So all of these may depend on what is left to do.
"""

import heapq
import itertools
import math
import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from types import MappingProxyType

from adambench.curve import Curve, first_difference
from adambench.datasets import Data
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Engine, Event, Failed, Finished, Retried, Trainer
from adambench.execution.engines.inline import Inline
from adambench.execution.engines.local import Pool
from adambench.execution.plan import Run

TRIES = 2  # of a run whose worker fails or dies


def local(jobs: int, data: Data, checkpoints: Checkpoints | None = None) -> Trainer:
    """The engine for that many worker processes; 0: in this process."""
    return Pool(jobs, data, checkpoints) if jobs else Inline(data, checkpoints)


def execute(
    runs: Iterable[Run],
    curves: dict[str, Curve],
    engine: Engine,
    work: Callable[[Run], float] = lambda run: run.epochs,
    stop: Connection | None = None,
    then: Callable[[Run], Iterable[Run]] = lambda _: (),
    begun: Mapping[str, int] = MappingProxyType({}),
) -> Iterator[Event]:
    """Train the runs that have no curve yet, the longest first (by `work`), and yield what happens.

    curves: of the finished runs, by id. A new curve is added here, and nowhere else, before its event is yielded.
    stop: when something can be read from it, KeyboardInterrupt is raised.
    then: the runs to train because a run has finished; called once for each.
    begun: by id, how many epochs of a run are behind it. Only runs of equal progress are trained together.
    engine: one that has been entered; leaving it ends what is under way.
    A run that fails, or whose worker dies, is `Retried` once, alone.
    """
    tries: Counter[str] = Counter()  # by id
    queue = _Queue(work)

    def add(more: Iterable[Run]) -> None:
        for run in more:
            if run.id not in curves and run.id not in tries:
                tries[run.id] = 0
                queue.add(run, f"{run.batches} {begun.get(run.id, 0)}")

    add(runs)
    while True:
        while queue and engine.free:
            group = queue.take(engine.free, engine.most_together)
            tries.update(run.id for run in group)
            yield engine.start(group)
        if not queue and not engine.running:
            return
        for event in engine.events(stop):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    assert run.id not in curves or first_difference(curves[run.id], curve) is None, run
                    curves[run.id] = curve
                for run in event.runs:
                    add(then(run))
                yield event
            elif isinstance(event, Failed):
                again = [run for run in event.runs if tries[run.id] < TRIES]
                for run in again:
                    queue.add(run, run.id)
                if again:
                    yield Retried(event.worker, again, event.reason)
                if lost := [run for run in event.runs if tries[run.id] == TRIES]:
                    yield replace(event, runs=lost)
            else:
                yield event


class _Queue:
    """Runs that wait, the longest first, beside those that can be trained together with them."""

    def __init__(self, work: Callable[[Run], float]) -> None:
        self.work = work
        self.numbers = itertools.count()
        self.alike: dict[str, list[tuple[float, int, Run]]] = {}  # heaps, by a key that such runs share
        self.heads: list[tuple[float, int, str]] = []  # a heap: the first of each, and some that no longer are

    def __bool__(self) -> bool:
        return bool(self.alike)

    def add(self, run: Run, key: str) -> None:
        heap = self.alike.setdefault(key, [])
        item = (-self.work(run), next(self.numbers), run)
        heapq.heappush(heap, item)
        if heap[0] is item:
            heapq.heappush(self.heads, (*item[:2], key))

    def take(self, free: int, most: Callable[[Run], int]) -> list[Run]:
        """The longest run, with its share, among so many free places, of those that can be trained together with it."""
        while True:
            *head, key = heapq.heappop(self.heads)
            if key in self.alike and list(self.alike[key][0][:2]) == head:
                break
        heap = self.alike[key]
        count = min(most(heap[0][2]), math.ceil(len(heap) / free))
        group = [heapq.heappop(heap)[2] for _ in range(count)]
        if heap:
            heapq.heappush(self.heads, (*heap[0][:2], key))
        else:
            del self.alike[key]
        return group


@contextmanager
def interruptible() -> Iterator[Connection]:
    """A connection for `stop` of `execute`, readable once SIGINT (Ctrl-C) or SIGTERM has arrived.

    So a signal acts between two events and never in the middle of one. A second signal, while the first is acted on,
    does nothing. Only the main thread of a process can receive signals; in any other, nothing stops the work.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    if threading.current_thread() is not threading.main_thread():
        yield reader
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: writer.send(None)) for number in signals]
    try:
        yield reader
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
