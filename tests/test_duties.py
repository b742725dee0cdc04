"""The checks of `adambench check` find what is wrong with a schedule, a model or a data set; those built in pass."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from adambench import duties
from adambench.contract import judged
from adambench.datasets import Dataset
from adambench.datasets.bag_of_words import words
from adambench.datasets.base import Split
from adambench.datasets.idx import sha256
from adambench.models import MODELS, Model
from adambench.models.base import Array
from adambench.models.mlp import MLP
from adambench.schedules import SCHEDULES, Constant

CHANCE = np.random.default_rng()
SMALL = MLP(hidden=(5,), dropout=0.5)


def said(checks: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    return {name: told for name, check in checks.items() if (told := judged(check, __name__))}


def tried(model: Model, *own: Dataset) -> dict[str, str]:
    return said(duties.of_model(model, duties.fitting(model, own)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedules_pass(name: str) -> None:
    assert said(duties.of_schedule(SCHEDULES[name]())) == {}
    assert said(duties.of_schedule(SCHEDULES[name](warmup=4))) == {}


@pytest.mark.parametrize("name", MODELS)
def test_the_models_pass(name: str) -> None:
    assert tried(replace(MODELS[name](), l2=0.01)) == {}


def test_a_seeded_data_set_passes() -> None:
    assert said(duties.of_dataset(words)) == {}


@dataclass(frozen=True)
class Odd(Constant):
    """A schedule of one factor after another."""

    def factor(self, *_: int) -> Any:
        return FACTORS[-1]()


FACTORS: list[Callable[[], Any]] = []


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (lambda: 1.5, "the factor must be a number from 0 to 1, found 1.5 at step 1 of 30"),
        (lambda: -1, "the factor must be a number from 0 to 1, found -1"),
        (lambda: float("nan"), "the factor must be a number from 0 to 1, found nan"),
        (lambda: "x", "the factor must be a number from 0 to 1, found 'x'"),
        (lambda: 1 / 0, "ZeroDivisionError on line "),
        (CHANCE.random, "gives two factors for the same step, 1"),
    ],
)
def test_a_wrong_schedule(factor: Callable[[], Any], told: str) -> None:
    FACTORS.append(factor)
    found = said(duties.of_schedule(Odd()))
    assert any(sentence.startswith(told) for sentence in found.values()), found


class Late(Constant):
    """A factor that is wrong after some hundred steps, which no short run has."""

    def factor(self, step: int, *_: int) -> Any:
        return math.cos(step / 100)


def test_a_schedule_that_goes_wrong_late() -> None:
    found = said(duties.of_schedule(Late()))
    assert re.search(r"found -0\.\d+ at step \d+ of 100000", found["factor is a number from 0 to 1"])


def test_data_by_chance() -> None:
    def load() -> Dataset:
        images = CHANCE.integers(0, 256, (9, 4), np.uint8)
        split = Split(images, np.zeros(9, np.uint8))
        return Dataset(split, split, 1, {"images": sha256(images)})

    assert list(said(duties.of_dataset(load)).values()) == ["gives other data at each call; seed its random numbers"]


def doubled(network: Any, cost: Callable[..., Array], *given: Any) -> Array:
    found = cost(*given)
    network.grad *= 2
    return found


def unbiased(network: Any, cost: Callable[..., Array], *given: Any) -> Array:
    """The gradient of the five biases of the hidden layer is forgotten."""
    found = cost(*given)
    network.layout(network.grad[0])[1][:] = 0
    return found


def lost(network: Any, cost: Callable[..., Array], *given: Any) -> Array:
    found = cost(*given)
    network.grad[:] = np.nan
    return found


def unpunished(network: Any, cost: Callable[..., Array], *given: Any) -> Array:
    """The L2 term is not in the gradient."""
    found = cost(*given)
    for grad, theta in zip(network.layout(network.grad[0])[::2], network.layout(network.theta[0])[::2], strict=True):
        np.subtract(grad, 0.01 * theta, out=grad)
    return found


def whole(_: Any, cost: Callable[..., Array], images: Array, *given: Any) -> Array:
    if len(images) < duties.SOME:
        raise ValueError("only whole minibatches")
    return cost(images, *given)


WRONG: dict[str, Callable[..., Array]] = {
    "doubled": doubled,
    "unbiased": unbiased,
    "lost": lost,
    "unpunished": unpunished,
    "whole": whole,
}


@dataclass(frozen=True)
class Changed(Model):
    """A small network, one part of which is changed."""

    part: str = ""

    def build(self, *given: Any, **more: Any) -> Any:
        network: Any = replace(SMALL, l2=self.l2).build(*given, **more)
        kept: Any = getattr(network, self.part, None)
        if self.part == "theta":
            network.theta = network.theta[0]
        elif self.part == "cost":
            network.cost = lambda *given: float(kept(*given)[0])
        elif self.part == "evaluate":
            network.evaluate = lambda *given: kept(*given)[0]
        elif self.part == "init":
            network.init = lambda _: kept(CHANCE)
        elif self.part in WRONG:
            network.cost = partial(WRONG[self.part], network, network.cost)
        return network

    def describe(self) -> str:
        return "changed"

    def products(self, *given: Any, **more: Any) -> Any:
        return [(1, 2)] if self.part == "products" else SMALL.products(*given, **more)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("theta", "theta of one setting must be a float32 array (1, n), found float32 (3985,)"),
        ("cost", "cost of one setting must be an array (1,), found "),
        ("evaluate", "evaluate must return the cost and the wrong labels, found float64 (1,)"),
        ("init", "init must draw from its argument rng alone"),
        ("doubled", "parameters 0 to 3919: along a random direction grad has "),
        ("unbiased", "parameters 3920 to 3924: along a random direction grad has 0, "),
        ("lost", "grad is not finite"),
        ("unpunished", "parameters 0 to 3919: "),
        ("whole", "ValueError on line "),
        ("products", "must return triples (m, k, n) of whole numbers, found [(1, 2)]"),
    ],
)
def test_a_wrong_model(part: str, told: str) -> None:
    assert tried(Changed(l2=0.01)) == {}
    found = tried(Changed(l2=0.01, part=part))
    assert any(sentence.startswith(told) for sentence in found.values()), found


def test_a_model_is_tried_on_the_data_of_its_file() -> None:
    """As one that can only be built for images of one size."""

    @dataclass(frozen=True)
    class Picky(Changed):
        def build(self, pixels: int, *given: Any, **more: Any) -> Any:
            if pixels != 4:
                raise ValueError("four pixels")
            return super().build(pixels, *given, **more)

    split = Split(np.arange(40, dtype=np.uint8).reshape(10, 4), (np.arange(10) % 3).astype(np.uint8))
    assert tried(Picky(), Dataset(split, split, 3, {})) == {}
    with pytest.raises(ValueError, match=r"^not tried, because it cannot be built for 784 pixels \(four pixels\)"):
        tried(Picky())
