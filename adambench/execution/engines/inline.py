"""Training in this process: for notebooks and debuggers. An exception in training is not caught."""

from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

import threadpoolctl

from adambench.curve import Evaluation
from adambench.datasets import Data
from adambench.execution import group, timing
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Event, Finished, Progressed, Started
from adambench.execution.plan import Run


class Inline:
    """One group at a time, trained while its events are asked for."""

    def __init__(self, data: Data, checkpoints: Checkpoints | None = None) -> None:
        self.data, self.checkpoints = data, checkpoints
        self.runs: Sequence[Run] = []

    def __enter__(self) -> "Inline":
        self._limits = threadpoolctl.threadpool_limits(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._limits.restore_original_limits()

    @property
    def free(self) -> int:
        return 1 - self.running

    @property
    def running(self) -> int:
        return int(bool(self.runs))

    def most_together(self, run: Run) -> int:
        return group.most_together(run, self.data[run.dataset])

    def step_seconds(
        self,
        run: Run,
        together: int,
        places: int,  # noqa: ARG002  # there is one
        stop: Connection | None = None,  # noqa: ARG002  # nothing is waited for
    ) -> float:
        return timing.step_seconds(run, together, self.data[run.dataset])

    def start(self, runs: Sequence[Run]) -> Started:
        self.runs = runs
        return Started(0, runs)

    def events(self, stop: Connection | None) -> Iterator[Event]:
        curves: list[list[Evaluation]] = [[] for _ in self.runs]
        for evaluations in group.train(self.runs, self.data[self.runs[0].dataset], self.checkpoints):
            group.append(curves, evaluations)
            yield Progressed(0, self.runs, evaluations)
            if stop and stop.poll():
                raise KeyboardInterrupt
        runs, self.runs = self.runs, []
        yield Finished(0, runs, curves)
