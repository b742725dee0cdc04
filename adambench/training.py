"""Train a model with one setting or several at once, and yield an evaluation after each epoch."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench import inspection
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.datasets.batches import Batches, Floats, scale
from adambench.inspection import Row
from adambench.models import Model, Network
from adambench.optimizers import Optimizer
from adambench.schedules import Schedule

NUMERICS = 2  # increased whenever the arithmetic changes, so that records of the old arithmetic are not reused
Evaluated = tuple[Floats, Floats]  # of each setting: mean cost and share of wrong labels


def train(
    model: Model, optimizer: Optimizer, schedule: Schedule, dataset: Dataset, **given: Any
) -> Iterator[Evaluation]:
    """Train one setting. The other arguments are those of `train_together`."""
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
    """Train several settings at once on the same minibatches. The model must be able to hold that many.

    After each epoch, yields a list of evaluations, one per setting in the given order. A setting whose cost is no
    longer finite has diverged: this evaluation is its last, and later lists hold None for it. Training ends early if
    all settings have diverged. No setting influences another.
    inspect: the number of inspections of each rule per decade of steps, besides one at the end of each epoch. They are
    stored in `Evaluation.inside`.
    """
    network, batches, dropout_rng = _start(model, len(optimizers), dataset, batch_size, seed, dtype)
    settings = [_Setting(optimizer, network, i) for i, optimizer in enumerate(optimizers)]
    clock = _Clock()
    step, last = 0, epochs * batches.count
    inspected = inspection.points(inspect, last) if inspect else frozenset()
    for epoch in range(1, epochs + 1):
        begun = left = [setting for setting in settings if not setting.diverged]
        for setting in begun:
            setting.begin_epoch()
        with np.errstate(all="ignore"):  # overflow is expected: the run then counts as diverged
            clock.start()
            for images, labels in batches.epoch():
                step += 1
                costs = network.cost(images, labels, dropout_rng) * len(labels)
                factor = schedule.factor(step, epoch)
                inspecting = inspect > 0 and (step in inspected or step == epoch * batches.count)
                clock.shared(left)
                for setting in left:
                    setting.step(costs[setting.place], factor, step, inspecting)
                    clock.own(setting)
                    if inspecting:
                        setting.inspect(factor)
                        clock.start()
                if not all(math.isfinite(setting.cost) for setting in left):
                    left = [setting for setting in left if math.isfinite(setting.cost)]
                    if not left:
                        break
            clock.shared(left)
            test = evaluate(network, dataset.test, batches.batch_size) if left else None
            full = evaluate(network, dataset.train, batches.batch_size) if left and evaluate_train else None
            penalty = network.penalty()
        images_seen = len(dataset.train.labels)
        yield [
            setting.end_epoch(epoch, images_seen, penalty, test if setting in left else None, full)
            if setting in begun
            else None
            for setting in settings
        ]
        if all(setting.diverged for setting in settings):
            return


class _Setting:
    """One setting in training: its rule, its row of the network, and its measurements in the current epoch."""

    def __init__(self, optimizer: Optimizer, network: Network, place: int) -> None:
        self.optimizer, self.place, self.parts = optimizer, place, network.parts
        self.theta, self.grad = network.theta[place], network.grad[place]
        self.state = optimizer.init(self.theta)
        self.seconds = 0.0  # CPU time since training began
        self.diverged = False

    def begin_epoch(self) -> None:
        self.cost = 0.0  # summed over the images of the epoch so far
        self.steps = 0  # since training began; 0 before the first step of an epoch
        self.inside: list[Row] = []

    def step(self, cost: float, lr_scale: float, step: int, inspecting: bool) -> None:
        """Take one step. cost: the cost of the minibatch, summed over its images."""
        self.cost += cost
        self.steps = step
        if inspecting:
            self.before = self.theta.copy()
        self.optimizer.step(self.theta, self.grad, self.state, lr_scale)

    def inspect(self, lr_scale: float) -> None:
        """Record what the last step did inside the rule."""
        self.inside += inspection.inspect(
            self.optimizer, self.state, self.before, self.theta, self.grad, lr_scale, self.parts
        )

    def end_epoch(
        self, epoch: int, images: int, penalty: Floats, test: Evaluated | None, full: Evaluated | None
    ) -> Evaluation:
        """The evaluation of this epoch. test, full: None if not evaluated, for example if the cost is not finite."""
        cost = float(self.cost) / images
        test_loss, test_error = (float(column[self.place]) for column in test) if test else (math.nan, math.nan)
        self.diverged = not (math.isfinite(cost) and math.isfinite(test_loss))
        full_loss, full_error = (float(column[self.place]) for column in full) if test and full else (None, None)
        return Evaluation(
            epoch=epoch,
            step=self.steps,
            seconds=round(self.seconds, 4),
            train_loss=cost,
            penalty=float(penalty[self.place]),
            test_loss=test_loss,
            test_error=test_error,
            full_train_loss=full_loss,
            full_train_error=full_error,
            diverged=self.diverged,
            inside=self.inside,
        )


class _Clock:
    """Charges each setting the CPU seconds of its own updates and an equal part of the shared work."""

    def start(self) -> None:
        self._last = time.process_time()

    def own(self, setting: _Setting) -> None:
        setting.seconds += self._lap()

    def shared(self, among: Sequence[_Setting]) -> None:
        lap = self._lap()
        for setting in among:
            setting.seconds += lap / len(among)

    def _lap(self) -> float:
        before, self._last = self._last, time.process_time()
        return self._last - before


def steps(model: Model, optimizers: Sequence[Optimizer], dataset: Dataset, batch_size: int) -> Callable[[], None]:
    """A function that performs the next training step of all settings at each call, for timing."""
    network, batches, dropout_rng = _start(model, len(optimizers), dataset, batch_size, 0, np.float32)
    states = [optimizer.init(theta) for optimizer, theta in zip(optimizers, network.theta, strict=True)]
    endless = (batch for _ in itertools.count() for batch in batches.epoch())

    def step() -> None:
        images, labels = next(endless)
        network.cost(images, labels, dropout_rng)
        for i, optimizer in enumerate(optimizers):
            optimizer.step(network.theta[i], network.grad[i], states[i])

    return step


def _start(
    model: Model, settings: int, dataset: Dataset, batch_size: int, seed: int, dtype: npt.DTypeLike
) -> tuple[Network, Batches, np.random.Generator]:
    """Create the network, the minibatches and the generator of dropout masks.

    All randomness comes from the seed, through one generator each for the initial weights, the order of the batches
    and the dropout masks. None of them depends on the optimizer, so all optimizers get the same ones.
    """
    weights_rng, batches_rng, dropout_rng = (
        np.random.Generator(np.random.SFC64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    batches = Batches(dataset.train, batch_size, batches_rng, dtype)
    network = model.build(dataset.pixels, dataset.classes, batches.batch_size, dtype, settings)
    network.init(weights_rng)
    return network, batches, dropout_rng


def evaluate(network: Network, split: Split, batch_size: int) -> Evaluated:
    """The mean cost and the share of wrong labels of each setting over a split, without dropout."""
    images = np.empty((batch_size, split.images.shape[1]), network.theta.dtype)
    loss, wrong = np.zeros(len(network.theta)), np.zeros(len(network.theta))
    for start in range(0, len(split.labels), batch_size):
        raw, labels = split.images[start : start + batch_size], split.labels[start : start + batch_size]
        batch_loss, batch_wrong = network.evaluate(scale(raw, images[: len(raw)]), labels)
        loss += batch_loss
        wrong += batch_wrong
    return loss / len(split.labels), wrong / len(split.labels)
