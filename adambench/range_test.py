"""The learning-rate range test (Smith 2017, section 3.3): the cost while the rate rises from step to step.

fast.ai's `lr_find` made it popular. The rate rises by the same factor at every step, so the test needs about one epoch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adambench.datasets import Dataset
from adambench.datasets.batches import Sampling
from adambench.errors import AdambenchError
from adambench.models import Model
from adambench.optimizers import Optimizer
from adambench.setting import clip
from adambench.training import held_back, start

Numbers = npt.NDArray[np.float64]

LOW, HIGH = 1e-6, 100.0  # the first rate and the last
FEWEST, MOST = 100, 500  # steps
WINDOW = 0.05  # of the steps: how many a smoothed cost is the mean of
EXPLODED = 4  # the test ends when the cost is this many times the lowest, as in fast.ai


@dataclass(frozen=True)
class Sweep:
    """rates, costs, smooth: (n,), by step; smooth: the means of the costs over a few steps before and after."""

    rates: Numbers
    costs: Numbers
    smooth: Numbers
    exploded: bool  # the test ended early

    @property
    def steepest(self) -> float:
        """Where the smoothed cost falls fastest along the logarithm of the rate; nan if it never falls.

        A slope is that between two points a tenth of the test apart, so that noise does not decide.
        """
        fall = self.smooth[: int(self.smooth.argmin()) + 1]
        apart = min(len(fall) - 1, round(2 * WINDOW * len(self.smooth)))
        return float(self.rates[int((fall[apart:] - fall[:-apart]).argmin()) + apart // 2]) if apart else math.nan

    @property
    def valley(self) -> float:
        """The middle of the longest fall, on the logarithmic scale, as in fast.ai's `valley`; nan if there is no fall.

        Like there, the first tenth and the last five steps are left out.
        """
        skipped = len(self.smooth) // 10
        first, last = longest_fall(self.smooth[skipped:-5])
        return float(self.rates[skipped + (first + last) // 2]) if last > first else math.nan

    @property
    def lowest(self) -> float:
        """Where the smoothed cost is lowest. A tenth of it is another common choice."""
        return float(self.rates[int(self.smooth.argmin())])


def sweep(
    model: Model,
    optimizer: Optimizer,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    steps: int | None = None,
    *,
    validation: int = 0,
    clip_norm: float | None = None,
    sampling: Sampling = "shuffle",
) -> Sweep:
    """Train while the rate rises from LOW to HIGH. steps: those of an epoch, but FEWEST to MOST, if left out.

    A seed gives the weights, batches and dropout masks that it gives a run, and the others are as in `Training`. Ends
    early if the cost is not finite or, as a mean over a few steps, EXPLODED times the lowest.
    """
    dataset = held_back(dataset, validation, seed)
    network, batches, dropout_rng = start(model, 1, dataset, batch_size, seed, np.float32, sampling)
    steps = steps or min(MOST, max(FEWEST, batches.count))
    rates, window = np.geomspace(LOW, HIGH, steps), max(1, round(WINDOW * steps))
    theta, grad = network.theta[0], network.grad[0]
    state, lr = optimizer.init(theta, network.layout), optimizer.hyperparameters["lr"]
    costs: list[float] = []
    best = math.inf
    with np.errstate(all="ignore"):  # overflow is the expected end
        for rate, (images, labels) in zip(rates, batches.endless(), strict=False):
            cost = float(network.cost(images, labels, dropout_rng)[0])
            if not math.isfinite(cost):
                break
            costs.append(cost)
            recent = sum(costs[-window:]) / len(costs[-window:])
            best = min(best, recent)
            if recent > EXPLODED * best > 0:
                break
            if clip_norm:
                clip(grad, clip_norm)
            optimizer.step(theta, grad, state, float(rate) / lr)
            network.constrain()
    if not costs:
        raise AdambenchError("the cost of the first minibatch is not finite, so there is nothing to test")
    return Sweep(rates[: len(costs)], np.array(costs), smoothed(costs, window), len(costs) < steps)


def smoothed(costs: Sequence[float], window: int) -> Numbers:
    """The mean of each value and of as many before it as after it, up to window // 2 each."""
    sums, n = np.cumsum([0.0, *costs]), len(costs)
    at = np.arange(n)
    half = np.minimum(np.minimum(at, n - 1 - at), window // 2)
    return np.asarray((sums[at + half + 1] - sums[at - half]) / (2 * half + 1))


def longest_fall(values: Numbers) -> tuple[int, int]:
    """The first and last place of the longest subsequence whose values fall; of equals, the one that ends first."""
    if not len(values):
        return 0, 0
    lengths, before = np.ones(len(values), int), np.full(len(values), -1)
    for i in range(1, len(values)):
        if len(higher := np.flatnonzero(values[:i] > values[i])):
            before[i] = higher[lengths[higher].argmax()]
            lengths[i] = lengths[before[i]] + 1
    first = last = int(lengths.argmax())
    while before[first] >= 0:
        first = int(before[first])
    return first, last
