"""Measure what a training step costs on this machine, compared with a reference.

Everything is timed on one core, many times, alternating with its reference. The result is the median of the pairs'
ratios, which a noisy machine disturbs least. Times are CPU times, so that other processes matter as little as possible.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import threadpoolctl

from adambench.bench import rivals
from adambench.bench.rivals import BATCH
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.execution.engines import Finished
from adambench.execution.plan import Run
from adambench.execution.scheduling import execute, local
from adambench.execution.workers import cores
from adambench.models import Model
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, Adam, Optimizer
from adambench.schedules import Constant
from adambench.training import steps

PAPER = {"logistic": Logistic(), "mlp": MLP(hidden=(1000, 1000), dropout=0.5)}
SETTINGS = {"logistic": (1, 24), "mlp": (1,)}


@dataclass(frozen=True)
class Pair:
    """Two actions timed alternately: the median seconds of each, and the median ratio of the second to the first."""

    first: float
    second: float
    ratio: float

    @classmethod
    def of(cls, first: Callable[[], object], second: Callable[[], object], seconds: float = 1.5) -> "Pair":
        """Run each once to warm up, then both alternately for this much CPU time, at least five times."""
        timed(first), timed(second)
        pairs: list[tuple[float, float]] = []
        while len(pairs) < 5 or sum(map(sum, pairs)) < seconds:
            pairs.append((timed(first), timed(second)))
        one, other = zip(*pairs, strict=True)
        return cls(statistics.median(one), statistics.median(other), statistics.median(b / a for a, b in pairs))


@dataclass(frozen=True)
class Step:
    """The cost of a training step of one model. Seconds are per setting, if several are trained together."""

    model: str
    optimizer: str
    settings: int
    seconds: float
    products: float  # the same matrix products alone
    share: float  # of the products in the time of the step
    gflops: float  # of the products, over the whole step
    bare_gflops: float  # of the products alone


def timed(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


@contextmanager
def one_core() -> Iterator[None]:
    """Restrict this process to the last core that it may use, and BLAS to one thread."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if before:
        os.sched_setaffinity(0, {max(before)})
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


def step(name: str, model: Model, optimizer: Optimizer, settings: int, dataset: Dataset, batch: int = BATCH) -> Step:
    """Time one training step and its matrix products alternately."""
    shapes = model.products(dataset.pixels, dataset.classes, batch, settings)
    flop = sum(2 * m * k * n for m, k, n in shapes)
    pair = Pair.of(steps(model, [optimizer] * settings, dataset, batch), products(shapes))
    return Step(
        model=name,
        optimizer=next(rule for rule, cls in OPTIMIZERS.items() if cls is type(optimizer)),
        settings=settings,
        seconds=pair.first / settings,
        products=pair.second / settings,
        share=pair.ratio,
        gflops=flop / pair.first / 1e9,
        bare_gflops=flop / pair.second / 1e9,
    )


def products(shapes: Sequence[tuple[int, int, int]]) -> Callable[[], None]:
    """A function that computes products of these shapes, each with its own matrices."""
    rng = np.random.default_rng(0)
    matrices = [
        (rng.random((m, k), np.float32), rng.random((k, n), np.float32), np.empty((m, n), np.float32))
        for m, k, n in shapes
    ]

    def run() -> None:
        for a, b, out in matrices:
            np.matmul(a, b, out=out)

    return run


def all_steps(dataset: Dataset) -> list[Step]:
    """Every optimizer on both of the paper's models."""
    return [
        step(name, model, cls(), settings, dataset)
        for name, model in PAPER.items()
        for settings in SETTINGS[name]
        for cls in OPTIMIZERS.values()
    ]


def updates(dataset: Dataset) -> dict[str, Pair]:
    """Time each rule's update of the MLP's parameters alternately with a plain copy of them."""
    network = PAPER["mlp"].build(dataset.pixels, dataset.classes, BATCH, np.float32)
    network.init(np.random.default_rng(0))
    theta, grad, copy = network.theta[0], np.full_like(network.theta[0], 1e-3), np.empty_like(network.theta[0])
    plain = partial(np.copyto, copy, theta)
    return {
        rule: Pair.of(plain, partial(cls().step, theta, grad, cls().init(theta, network.layout)), seconds=0.5)
        for rule, cls in OPTIMIZERS.items()
    }


@dataclass(frozen=True)
class Beside:
    """A step of Adam here and in another library, in seconds per setting. ratio: how many times faster it is here."""

    rival: str
    model: str
    settings: int
    here: float
    there: float
    ratio: float


def beside(dataset: Dataset) -> list[Beside]:
    """Compare softmax regression and the MLP with each installed library."""
    found = []
    for rival, factory in rivals.available().items():
        for name, model in PAPER.items():
            hidden, dropout, count = (model.hidden, model.dropout, 5) if isinstance(model, MLP) else ((), 0.0, 200)
            for settings in SETTINGS[name]:
                rounds = max(1, count // settings)
                ours = steps(model, [Adam()] * settings, dataset, BATCH)
                theirs = factory(dataset, hidden, dropout, rounds, settings)
                pair = Pair.of(partial(_repeat, ours, rounds), theirs, seconds=4.0)
                here, there = pair.first / rounds / settings, pair.second / rounds / settings
                found.append(Beside(rival, name, settings, here, there, pair.ratio))
    return found


def _repeat(action: Callable[[], object], times: int) -> None:
    for _ in range(times):
        action()


def growth(dataset: Dataset) -> dict[str, dict[int, float]]:
    """Seconds of an Adam step by number of hidden units, by batch size, and by number of settings (per setting)."""
    adam = Adam()

    def seconds(model: Model, settings: int = 1, batch: int = BATCH) -> float:
        action = steps(model, [adam] * settings, dataset, batch)
        times = [timed(action) for _ in range(12)]
        return statistics.median(times[2:]) / settings

    return {
        "hidden units": {h: seconds(MLP(hidden=(h, h), dropout=0.5)) for h in (128, 256, 512, 1024, 2048, 4096)},
        "batch size": {b: seconds(PAPER["mlp"], batch=b) for b in (32, 64, 128, 256, 512, 1024)},
        "settings together": {s: seconds(PAPER["logistic"], settings=s) for s in (1, 2, 4, 8, 16, 32, 64)},
    }


def jobs_growth(dataset: Dataset) -> dict[int, float]:
    """Runs per hour by number of jobs, where a run is 100 steps of the MLP.

    The first run of each worker is not counted, because it includes the start of the worker.
    """
    images = 50 * BATCH
    part = replace(dataset, train=Split(dataset.train.images[:images], dataset.train.labels[:images]))

    def an_hour(jobs: int) -> float:
        runs = [
            Run("mlp", "adam", "report", seed, Adam(), PAPER["mlp"], Constant(), 2, BATCH, part.sha256, False)
            for seed in range(5 * jobs)
        ]
        with local(jobs, {part.sha256: part}) as engine:
            ends = [time.perf_counter() for event in execute(runs, {}, engine) if isinstance(event, Finished)]
        return (len(ends) - jobs) / (ends[-1] - ends[jobs - 1]) * 3600

    return {jobs: an_hour(jobs) for jobs in range(1, cores() + 1)}
