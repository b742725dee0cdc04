"""An engine that trains nothing: what an experiment would do, at the pace of a clock of its own."""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Self

from adambench.curve import Curve, Evaluation
from adambench.execution.engines import Event, Finished, Started
from adambench.execution.plan import Run


def flat(run: Run) -> Curve:
    """A curve whose values are all 0."""
    return [Evaluation(run.epochs, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]


class Rehearsal:
    """Groups end in the order in which they would, at once. now: seconds that have passed since the start."""

    def __init__(
        self,
        places: int,
        most: Callable[[Run], int],
        seconds: Callable[[Sequence[Run]], float] = lambda _: 0.0,
        curve: Callable[[Run], Curve] = flat,
    ) -> None:
        self.places, self.most_together, self.seconds, self.curve = places, most, seconds, curve
        self.now = 0.0
        self.groups: list[tuple[float, int, Sequence[Run]]] = []  # a heap, by their ends
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.groups = []

    @property
    def free(self) -> int:
        return self.places - len(self.groups)

    @property
    def running(self) -> int:
        return len(self.groups)

    def start(self, runs: Sequence[Run]) -> Started:
        heapq.heappush(self.groups, (self.now + self.seconds(runs), next(self._numbers), runs))
        return Started(0, runs)

    def events(self, stop: Connection | None) -> Iterator[Event]:  # noqa: ARG002  # it never waits
        self.now, _, runs = heapq.heappop(self.groups)
        yield Finished(0, runs, [self.curve(run) for run in runs])
