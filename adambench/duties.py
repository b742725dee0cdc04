"""What every schedule, model and data set must do: the checks of `adambench check`, beside those of optimizers.

As in `contract`, each check returns what is wrong in a sentence, or nothing.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.models import Model, Network
from adambench.models.base import Array, Labels
from adambench.schedules import Schedule

EPOCHS, BATCHES, LONG = 3, 10, 100_000  # of the run on which a schedule is tried; steps of a long one
SOME = 8  # images of a minibatch
DIRECTIONS = 3  # in each array of parameters, along which the gradient is compared with differences
STEP, CLOSE = 1e-7, 1e-3  # of the differences, in float64; relative error that is allowed

Check = Callable[[], str]


def of_schedule(schedule: Schedule) -> dict[str, Check]:
    """The checks of a schedule."""
    tried = {EPOCHS * BATCHES: range(1, EPOCHS * BATCHES + 1), LONG: np.geomspace(1, LONG, 200).astype(int).tolist()}
    steps = [(step, (step - 1) // BATCHES + 1, count) for count, some in tried.items() for step in some]

    def factors() -> str:
        for step, epoch, count in steps:
            found = schedule.factor(step, epoch, count)
            if not isinstance(found, int | float | np.floating) or not 0 <= found <= 1:
                return f"the factor must be a number from 0 to 1, found {found!r:.40} at step {step} of {count}"
            try:
                schedule.beta(step, count)
            except ValueError as error:
                return str(error)
        return ""

    def alike() -> str:
        forth, back = ([repr(schedule.factor(*given)) for given in order] for order in (steps, steps[::-1]))
        different = [step for (step, *_), one, other in zip(steps, forth, back[::-1], strict=True) if one != other]
        said = "gives two factors for the same step, {}; it must depend on its arguments alone"
        return said.format(different[0]) if different else ""

    return {"factor is a number from 0 to 1": factors, "the same factor for the same step": alike}


def of_dataset(load: Callable[[], Dataset]) -> dict[str, Check]:
    """The checks of a data set. `load` raises an error for arrays that do not fit."""

    def same() -> str:
        return "" if load().sha256 == load().sha256 else "gives other data at each call; seed its random numbers"

    return {"the same data at each call": same}


def fitting(model: Model, own: Sequence[Dataset]) -> Dataset:
    """Data on which a model can be tried: the first of its own file for which it can be built, or random images.

    These are of MNIST's size. Raises ValueError if it cannot be built for them either.
    """
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (SOME, 784), np.uint8), rng.integers(0, 10, SOME).astype(np.uint8)
    random = Split(images, labels)
    found: Exception | None = None
    for data in (*own, Dataset(random, random, 10, {})):
        try:
            model.build(data.pixels, data.classes, SOME, np.float64)
        except Exception as error:
            found = error
        else:
            return data
    raise ValueError(f"not tried, because it cannot be built for 784 pixels ({found}); add a data set to the file")


def of_model(model: Model, data: Dataset) -> dict[str, Check]:
    """The checks of a model, on the first images of a data set."""
    images, labels = data.train.images[:SOME] / 255, data.train.labels[:SOME]

    def built(dtype: npt.DTypeLike) -> Network:
        return model.build(data.pixels, data.classes, SOME, dtype)

    def made() -> Network:
        network = built(np.float64)
        network.init(np.random.default_rng(0))
        return network

    def objective(network: Network) -> float:
        cost = network.cost(images, labels, np.random.default_rng(1))
        return float(cost[0] + network.penalty()[0])

    def shapes() -> str:
        for dtype in (np.float32, np.float64):
            network = built(dtype)
            for name, array in (("theta", network.theta), ("grad", network.grad)):
                if not isinstance(array, np.ndarray) or array.ndim != 2 or len(array) != 1 or array.dtype != dtype:
                    return f"{name} of one setting must be a {np.dtype(dtype)} array (1, n), found {_told(array)}"
            if network.theta.shape != network.grad.shape:
                return f"theta and grad must have one shape, found {network.theta.shape} and {network.grad.shape}"
            network.init(np.random.default_rng(0))
            for count in dict.fromkeys((len(labels), max(1, len(labels) // 2))):  # the last minibatch may be smaller
                if said := values(network, images[:count].astype(dtype), labels[:count]):
                    return f"{said}, for {count} images"
        return ""

    def values(network: Network, some: Array, their: Labels) -> str:
        evaluated = network.evaluate(some, their)
        if not isinstance(evaluated, tuple) or len(evaluated) != 2:
            return f"evaluate must return the cost and the wrong labels, found {_told(evaluated)}"
        found = {"cost": network.cost(some, their, np.random.default_rng(1)), "penalty": network.penalty()}
        found |= dict(zip(("the cost of evaluate", "the errors of evaluate"), evaluated, strict=True))
        for name, value in found.items():
            if np.shape(value) != (1,):
                return f"{name} of one setting must be an array (1,), found {_told(value)}"
        wrong = evaluated[1][0]
        if wrong < 0 or wrong > len(their):
            return f"evaluate must count the wrong labels of {len(their)}, found {wrong}"
        return "" if math.isfinite(found["cost"][0]) else f"the first cost is {found['cost'][0]}"

    def seeded() -> str:
        one, other = made(), made()
        if not np.array_equal(one.theta, other.theta):
            return "init must draw from its argument rng alone: two networks of one seed start differently"
        return "" if objective(one) == objective(other) else "cost must draw from its argument rng alone"

    def gradient() -> str:
        network = made()
        rng = np.random.default_rng(2)
        network.theta += 1e-3 * rng.standard_normal(network.theta.shape)  # away from kinks and from zero
        network.constrain()
        cost, theta = objective(network), network.theta[0]
        start, grad = theta.copy(), network.grad[0].copy()
        if not np.isfinite(grad).all():
            return "grad is not finite"

        def along(direction: Array) -> float:
            """The slope of the objective, by differences."""
            ends = []
            for side in (1, -1):
                theta[:] = start + side * STEP * direction
                ends.append(objective(network))
            return (ends[0] - ends[1]) / (2 * STEP)

        for places in network.layout(np.arange(theta.size, dtype=theta.dtype)):
            chosen = places.astype(int).ravel()
            slopes = []
            for _ in range(DIRECTIONS):
                direction = np.zeros_like(theta)
                direction[chosen] = rng.standard_normal(chosen.size)
                slopes.append((float(grad @ direction), along(direction)))
            size = float(np.linalg.norm(grad[chosen]))
            far = [pair for pair in slopes if not abs(pair[0] - pair[1]) <= _margin(size, pair[1], cost)]
            if len(far) > DIRECTIONS // 2:  # one may cross a kink
                told = (
                    f"along a random direction grad has {far[0][0]:.4g}, differences of the cost give {far[0][1]:.4g}"
                )
                return f"parameters {chosen.min()} to {chosen.max()}: {told} (with the L2 term)"
        return ""

    def products() -> str:
        found = model.products(data.pixels, data.classes, SOME)
        good = all(len(one) == 3 and all(isinstance(k, int | np.integer) and k > 0 for k in one) for one in found)
        return "" if good else f"must return triples (m, k, n) of whole numbers, found {found!r:.60}"

    return {
        "arrays have the shapes of Network": shapes,
        "all chance comes from the given generators": seeded,
        "the gradient is that of the cost": gradient,
        "products are triples": products,
    }


def _margin(size: float, slope: float, cost: float) -> float:
    """How far a slope may be from that of a gradient of this size: a thousandth, or the rounding of the cost."""
    return max(CLOSE * max(size, abs(slope)), 10 * np.finfo(np.float64).eps * max(1.0, abs(cost)) / STEP)


def _told(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.40}"
