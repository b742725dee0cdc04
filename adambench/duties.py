"""What every schedule, model and data set must do: the checks of `adambench check`, beside those of optimizers.

As in `contract`, each check returns what is wrong in a sentence, or nothing.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.models import Model, Network
from adambench.models.base import Array
from adambench.schedules import Schedule

EPOCHS, BATCHES = 3, 10  # of the run on which a schedule is tried
SOME = 8  # images of a minibatch
WEIGHTS = 24  # whose partial derivatives are compared with differences
STEP, CLOSE = 1e-6, 1e-4  # of the differences, in float64; relative error that is allowed

Check = Callable[[], str]


def of_schedule(schedule: Schedule) -> dict[str, Check]:
    """The checks of a schedule."""
    steps = [(step, (step - 1) // BATCHES + 1, EPOCHS * BATCHES) for step in range(1, EPOCHS * BATCHES + 1)]

    def factors() -> str:
        for step, epoch, count in steps:
            found = schedule.scale(step, epoch, count)
            if not isinstance(found, int | float | np.floating) or not 0 <= found <= 1:
                return f"the factor must be a number from 0 to 1, found {found!r:.40} at step {step} of {count}"
        return ""

    def alike() -> str:
        for given in (*steps, *steps[::-1]):
            if repr(schedule.scale(*given)) != repr(schedule.scale(*given)):
                return f"gives two factors for the same step, {given[0]}; it must depend on its arguments alone"
        return ""

    return {"factor is a number from 0 to 1": factors, "the same factor for the same step": alike}


def of_dataset(load: Callable[[], Dataset]) -> dict[str, Check]:
    """The checks of a data set. `load` raises an error for arrays that do not fit."""

    def same() -> str:
        return "" if load().sha256 == load().sha256 else "gives other data at each call; seed its random numbers"

    return {"the same data at each call": same}


def of_model(model: Model, own: Sequence[Dataset]) -> dict[str, Check]:
    """The checks of a model, on a minibatch of the first data set on which it can be built.

    own: of the same plug-in; they are tried before random images of MNIST's size.
    """
    rng = np.random.default_rng(0)
    random = Split(rng.integers(0, 256, (2 * SOME, 784), np.uint8), rng.integers(0, 10, 2 * SOME).astype(np.uint8))
    data = Dataset(random, random, 10, {})
    for one in own:
        with suppress(Exception):
            model.build(one.pixels, one.classes, min(SOME, len(one.train.labels)), np.float64)
            data = one
            break
    images, labels = data.train.images[:SOME] / 255, data.train.labels[:SOME]

    def built(dtype: npt.DTypeLike) -> Network:
        return model.build(data.pixels, data.classes, len(labels), dtype)

    def made() -> Network:
        network = built(np.float64)
        network.init(np.random.default_rng(0))
        return network

    def objective(network: Network) -> float:
        cost = network.cost(images.astype(network.theta.dtype), labels, np.random.default_rng(1))
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
            given: Array = images.astype(dtype)
            evaluated = network.evaluate(given, labels)
            if not isinstance(evaluated, tuple) or len(evaluated) != 2:
                return f"evaluate must return the cost and the wrong labels, found {_told(evaluated)}"
            values = {"cost": network.cost(given, labels, np.random.default_rng(1)), "penalty": network.penalty()}
            values |= dict(zip(("the cost of evaluate", "the errors of evaluate"), evaluated, strict=True))
            for name, value in values.items():
                if np.shape(value) != (1,):
                    return f"{name} of one setting must be an array (1,), found {_told(value)}"
            if not math.isfinite(values["cost"][0]):
                return f"the first cost in {np.dtype(dtype)} is {values['cost'][0]}"
        return ""

    def seeded() -> str:
        one, other = made(), made()
        if not np.array_equal(one.theta, other.theta):
            return "init must draw from its argument rng alone: two networks of one seed start differently"
        return "" if objective(one) == objective(other) else "cost must draw from its argument rng alone"

    def gradient() -> str:
        network = made()
        network.theta += 1e-3 * np.random.default_rng(2).standard_normal(network.theta.shape)  # off kinks, and off zero
        objective(network)
        grad, theta = network.grad[0].copy(), network.theta[0]
        chosen = np.random.default_rng(3).permutation(theta.size)[:WEIGHTS]
        found = np.array([_difference(lambda: objective(network), theta, i) for i in chosen])
        far = np.abs(found - grad[chosen]) > CLOSE * max(1e-3, float(np.abs(grad).max()))
        if far.sum() <= WEIGHTS // 12:  # a kink may lie in between
            return ""
        i = int(np.flatnonzero(far)[0])
        told = f"grad has {grad[chosen[i]]:.4g}, differences of the cost and the L2 term give {found[i]:.4g}"
        return f"weight {chosen[i]}: {told} ({far.sum()} of {len(chosen)} weights differ)"

    def products() -> str:
        found = model.products(data.pixels, data.classes, len(labels))
        good = all(len(one) == 3 and all(isinstance(k, int | np.integer) and k > 0 for k in one) for one in found)
        return "" if good else f"must return triples (m, k, n) of whole numbers, found {found!r:.60}"

    return {
        "arrays have the shapes of Network": shapes,
        "all chance comes from the given generators": seeded,
        "the gradient is that of the cost": gradient,
        "products are triples": products,
    }


def _difference(cost: Callable[[], float], theta: Array, i: int) -> float:
    """The central difference of the cost at a weight, which is put back."""
    before = theta[i]
    ends = []
    for side in (1, -1):
        theta[i] = before + side * STEP
        ends.append(cost())
    theta[i] = before
    return (ends[0] - ends[1]) / (2 * STEP)


def _told(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.40}"
