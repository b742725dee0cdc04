"""One run: train one model with one setting from one seed, and yield what was measured after each epoch."""

import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.datasets.batches import Batches, scale
from adambench.models import Model, Network
from adambench.optimizers import Optimizer, State
from adambench.schedules import Schedule

NUMERICS = 1  # raised whenever the arithmetic changes, so that records of the old arithmetic are not taken for the new


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

    @property
    def diverged(self) -> bool:
        """A cost is not finite; the run ends here."""
        return not (math.isfinite(self.train_loss) and math.isfinite(self.test_loss))


def train(
    model: Model,
    optimizer: Optimizer,
    schedule: Schedule,
    dataset: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    evaluate_train: bool = False,
    dtype: npt.DTypeLike = np.float32,
) -> Iterator[Evaluation]:
    """Train for `epochs` passes over the training set, or until a cost is not finite."""
    network, batches, dropout_rng, state = _start(model, optimizer, dataset, batch_size, seed, dtype)
    seconds = 0.0
    for epoch in range(1, epochs + 1):
        with np.errstate(all="ignore"):  # overflow is a result here (the run diverges), not a surprise
            start = time.process_time()
            total = 0.0
            for images, labels in batches.epoch():
                cost = network.cost(images, labels, dropout_rng)
                total += cost * len(labels)
                optimizer.step(network.theta, network.grad, state, schedule.factor(state.t + 1, epoch))
                if not math.isfinite(cost):
                    break
            seconds += time.process_time() - start
            finite = math.isfinite(total)
            test_loss, test_error = (
                evaluate(network, dataset.test, batches.batch_size) if finite else (math.nan, math.nan)
            )
            full_loss, full_error = (
                evaluate(network, dataset.train, batches.batch_size) if finite and evaluate_train else (None, None)
            )
            evaluation = Evaluation(
                epoch=epoch,
                step=state.t,
                seconds=seconds,
                train_loss=total / len(dataset.train.labels),
                penalty=network.penalty(),
                test_loss=test_loss,
                test_error=test_error,
                full_train_loss=full_loss,
                full_train_error=full_error,
            )
        yield evaluation
        if evaluation.diverged:
            return


def time_step(model: Model, optimizer: Optimizer, dataset: Dataset, batch_size: int) -> float:
    """CPU seconds of one training step: the median of a few, after a first one that is not counted."""
    network, batches, dropout_rng, state = _start(model, optimizer, dataset, batch_size, 0, np.float32)
    times: list[float] = []
    start = time.process_time()
    for images, labels in batches.epoch():
        network.cost(images, labels, dropout_rng)
        optimizer.step(network.theta, network.grad, state)
        times.append(time.process_time() - start)
        start += times[-1]
        if len(times) > 20 or sum(times) > 0.1:
            break
    return statistics.median(times[1:] or times)


def _start(
    model: Model, optimizer: Optimizer, dataset: Dataset, batch_size: int, seed: int, dtype: npt.DTypeLike
) -> tuple[Network, Batches, np.random.Generator, State]:
    """What a run begins with: network, minibatches, generator of dropout masks, the optimizer's state.

    All randomness comes from the seed, by way of three generators: for the initial weights, the order of the batches
    and the dropout masks. None of them depends on the optimizer, so all optimizers see the same.
    """
    weights_rng, batches_rng, dropout_rng = (
        np.random.Generator(np.random.SFC64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    batches = Batches(dataset.train, batch_size, batches_rng, dtype)
    network = model.build(dataset.pixels, dataset.classes, batches.batch_size, dtype)
    network.init(weights_rng)
    return network, batches, dropout_rng, optimizer.init(network.theta)


def evaluate(network: Network, split: Split, batch_size: int) -> tuple[float, float]:
    """Mean cost and share of wrong labels over a split, without dropout."""
    images = np.empty((batch_size, split.images.shape[1]), network.theta.dtype)
    loss, wrong = 0.0, 0
    for start in range(0, len(split.labels), batch_size):
        raw, labels = split.images[start : start + batch_size], split.labels[start : start + batch_size]
        batch_loss, batch_wrong = network.evaluate(scale(raw, images[: len(raw)]), labels)
        loss += batch_loss
        wrong += batch_wrong
    return loss / len(split.labels), wrong / len(split.labels)
