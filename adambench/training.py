"""Train a model with one setting, or several side by side, and yield what was measured after each epoch."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench import inspection
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.datasets.batches import Batches, Floats, scale
from adambench.inspection import Row
from adambench.models import Model, Network
from adambench.optimizers import Optimizer, State
from adambench.schedules import Schedule

NUMERICS = 2  # raised whenever the arithmetic changes, so that records of the old arithmetic are not taken for the new


@dataclass(frozen=True)
class Evaluation:
    """What is known at the end of an epoch. Costs are mean negative log-likelihoods in nats."""

    epoch: int  # from 1
    step: int  # minibatch updates so far
    seconds: float  # CPU time of training so far, evaluation excluded
    train_loss: float  # mean cost of the epoch's images, each as its minibatch was trained on, dropout on, L2 left out
    penalty: float  # the L2 term at the end of the epoch
    test_loss: float  # on the test set, dropout off
    test_error: float  # share of the test images that are given a wrong label
    full_train_loss: float | None = None  # on the whole training set, dropout off, if asked for
    full_train_error: float | None = None
    inside: Sequence[Row] = field(default=(), repr=False, compare=False)  # looks since the last epoch, if asked for

    @property
    def diverged(self) -> bool:
        """A cost is not finite; the run ends here."""
        return not (math.isfinite(self.train_loss) and math.isfinite(self.test_loss))


def train(
    model: Model, optimizer: Optimizer, schedule: Schedule, dataset: Dataset, **given: Any
) -> Iterator[Evaluation]:
    """Train one setting; as `train_together`, whose other arguments it takes."""
    for (evaluation,) in train_together(model, [optimizer], schedule, dataset, **given):
        assert evaluation
        yield evaluation


def train_together(
    model: Model,
    optimizers: Sequence[Optimizer],
    schedule: Schedule,
    dataset: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    evaluate_train: bool = False,
    inspect: int = 0,
    dtype: npt.DTypeLike = np.float32,
) -> Iterator[list[Evaluation | None]]:
    """Train settings side by side on the same minibatches; more than one only if the model can hold them `together`.

    After each of the epochs, or until no setting is left, yields an evaluation for each setting: the last one says that
    its cost is no longer finite; from then on it is None. No setting depends on the others.
    inspect: how many looks `inside` a decade of steps; one at the end of each epoch besides.
    """
    network, batches, dropout_rng, states = _start(model, optimizers, dataset, batch_size, seed, dtype)
    clock = _Clock(len(optimizers))
    left = list(range(len(optimizers)))
    step, last = 0, epochs * batches.count
    looks = inspection.points(inspect, last) if inspect else frozenset()
    for epoch in range(1, epochs + 1):
        here = list(left)
        steps = [0] * len(optimizers)
        total = np.zeros(len(optimizers))
        inside: list[list[Row]] = [[] for _ in optimizers]
        with np.errstate(all="ignore"):  # overflow is a result here (the run diverges), not a surprise
            clock.start()
            for images, labels in batches.epoch():
                step += 1
                total += network.cost(images, labels, dropout_rng) * len(labels)
                clock.shared(left)
                factor = schedule.factor(step, epoch)
                looking = inspect and (step in looks or step == epoch * batches.count)
                for i in left:
                    before = network.theta[i].copy() if looking else network.theta[i]
                    optimizers[i].step(network.theta[i], network.grad[i], states[i], factor)
                    steps[i] = step
                    clock.own(i)
                    if looking:
                        after, grad = network.theta[i], network.grad[i]
                        inside[i] += inspection.look(
                            optimizers[i], states[i], before, after, grad, factor, network.parts
                        )
                        clock.start()
                if not np.isfinite(total[left]).all():
                    left = [i for i in left if math.isfinite(total[i])]
                    if not left:
                        break
            clock.shared(left)
            nothing = np.full(len(optimizers), math.nan)
            test_loss, test_error = evaluate(network, dataset.test, batches.batch_size) if left else (nothing, nothing)
            full = evaluate(network, dataset.train, batches.batch_size) if left and evaluate_train else None
            penalty = network.penalty()
        evaluations: list[Evaluation | None] = [None] * len(optimizers)
        for i in here:
            finite = i in left
            evaluation = evaluations[i] = Evaluation(
                epoch=epoch,
                step=steps[i],
                seconds=round(clock.seconds[i], 4),
                train_loss=float(total[i]) / len(dataset.train.labels),
                penalty=float(penalty[i]),
                test_loss=float(test_loss[i]) if finite else math.nan,
                test_error=float(test_error[i]) if finite else math.nan,
                full_train_loss=float(full[0][i]) if full and finite else None,
                full_train_error=float(full[1][i]) if full and finite else None,
                inside=inside[i],
            )
            if evaluation.diverged and finite:
                left.remove(i)
        yield evaluations
        if not left:
            return


class _Clock:
    """CPU seconds of each setting: its own updates, and its part of what all share."""

    def __init__(self, settings: int) -> None:
        self.seconds = [0.0] * settings
        self._last = 0.0

    def start(self) -> None:
        self._last = time.process_time()

    def own(self, i: int) -> None:
        self.seconds[i] += self._lap()

    def shared(self, among: Sequence[int]) -> None:
        lap = self._lap()
        for i in among:
            self.seconds[i] += lap / len(among)

    def _lap(self) -> float:
        before, self._last = self._last, time.process_time()
        return self._last - before


def steps(model: Model, optimizers: Sequence[Optimizer], dataset: Dataset, batch_size: int) -> Callable[[], None]:
    """A function that does the next training step, of all settings, each time it is called: to be timed."""
    network, batches, dropout_rng, states = _start(model, optimizers, dataset, batch_size, 0, np.float32)
    endless = (batch for _ in itertools.count() for batch in batches.epoch())

    def step() -> None:
        images, labels = next(endless)
        network.cost(images, labels, dropout_rng)
        for i, optimizer in enumerate(optimizers):
            optimizer.step(network.theta[i], network.grad[i], states[i])

    return step


def _start(
    model: Model,
    optimizers: Sequence[Optimizer],
    dataset: Dataset,
    batch_size: int,
    seed: int,
    dtype: npt.DTypeLike,
) -> tuple[Network, Batches, np.random.Generator, list[State]]:
    """What training begins with: network, minibatches, generator of dropout masks, the optimizers' states.

    All randomness comes from the seed, by way of three generators: for the initial weights, the order of the batches
    and the dropout masks. None of them depends on the optimizer, so all optimizers see the same.
    """
    weights_rng, batches_rng, dropout_rng = (
        np.random.Generator(np.random.SFC64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    batches = Batches(dataset.train, batch_size, batches_rng, dtype)
    network = model.build(dataset.pixels, dataset.classes, batches.batch_size, dtype, len(optimizers))
    network.init(weights_rng)
    states = [optimizer.init(theta) for optimizer, theta in zip(optimizers, network.theta, strict=True)]
    return network, batches, dropout_rng, states


def evaluate(network: Network, split: Split, batch_size: int) -> tuple[Floats, Floats]:
    """Mean cost and share of wrong labels of each setting over a split, without dropout."""
    images = np.empty((batch_size, split.images.shape[1]), network.theta.dtype)
    loss, wrong = np.zeros(len(network.theta)), np.zeros(len(network.theta))
    for start in range(0, len(split.labels), batch_size):
        raw, labels = split.images[start : start + batch_size], split.labels[start : start + batch_size]
        batch_loss, batch_wrong = network.evaluate(scale(raw, images[: len(raw)]), labels)
        loss += batch_loss
        wrong += batch_wrong
    return loss / len(split.labels), wrong / len(split.labels)
