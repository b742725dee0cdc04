"""How long a training step takes here and now."""

import statistics
import time
from collections.abc import Callable

import threadpoolctl

from adambench.datasets import Dataset
from adambench.execution.plan import Run
from adambench.optimizers import OPTIMIZERS
from adambench.training import steps

LEAST = 3  # steps that are timed
ENOUGH = 0.5  # CPU seconds of steps after which no more are timed
SHARE = 1 / 20  # of the run's steps are timed at most


def step_seconds(run: Run, together: int, dataset: Dataset, ready: Callable[[], object] = lambda: None) -> float:
    """Median CPU seconds of a training step of so many settings of the run's model and data, with Adam.

    ready: called after a first step, which is not counted.
    """
    most = SHARE * run.epochs * run.trained(dataset) / run.batch_size
    with threadpoolctl.threadpool_limits(1):
        step = steps(run.model, [OPTIMIZERS["adam"]()] * together, dataset, run.batch_size)
        step()
        ready()
        times: list[float] = []
        start = before = time.thread_time()
        while len(times) < LEAST or (len(times) < most and before - start < ENOUGH):
            step()
            now = time.thread_time()
            times.append(now - before)
            before = now
    return statistics.median(times)
