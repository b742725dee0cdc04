"""The counter-example of Reddi, Kale and Kumar (2018, section 3) as a data set and a model, for reddi.yaml.

One weight x in [−1, 1]. A third of the minibatches cost 3·x + 1, the others −x + 1, so that the mean cost, 1 + x/3, is
lowest at x = −1. This is the stochastic form of the paper's theorem 3, with the costs of its theorem 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adambench.datasets import Dataset
from adambench.datasets.base import Split, sha256
from adambench.models import Model, Network
from adambench.models.base import Array, Labels, Product


def thirds() -> Dataset:
    """Images of one pixel, of which one in three is white. The labels are not used."""
    images = np.zeros((600, 1), np.uint8)
    images[::3] = 255
    split = Split(images, np.zeros(600, np.uint8))
    return Dataset(split, split, classes=1, digests={"images": sha256(images)})


@dataclass(frozen=True)
class Line(Model):
    """A linear cost of one weight in [−1, 1]: 3·x + 1 for a white pixel, −x + 1 for a black one."""

    labels = False

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        if (pixels, settings) != (1, 1):
            raise ValueError("the data set must have one pixel, and a setting is trained alone")
        return OneWeight(dtype)

    def describe(self) -> str:
        return "linear cost of one weight"

    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        return [(1, pixels, batch_size)]


class OneWeight(Network):
    """theta is x, which is projected to [−1, 1] after each step, as in the paper."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.theta, self.grad = np.zeros((1, 1), dtype), np.zeros((1, 1), dtype)

    def init(self, rng: np.random.Generator) -> None:
        self.theta[:] = 0

    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        self.grad[:] = np.mean(4 * images - 1)
        cost: Array = self.grad[0] * self.theta[0] + 1
        return cost

    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[np.float64]]:
        return np.sum(4 * images - 1) * self.theta[0] + len(images), np.array([np.nan])

    def constrain(self) -> None:
        np.clip(self.theta, -1, 1, out=self.theta)

    def penalty(self) -> Array:
        return np.zeros(1)


DATASETS = {"thirds": thirds}
MODELS = {"line": Line}
