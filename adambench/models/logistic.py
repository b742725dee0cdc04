"""Softmax regression, the paper's logistic regression (section 6.1)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adambench.models.base import Array, Classifier, Model, Network


@dataclass(frozen=True)
class Logistic(Model):
    """Softmax regression on the pixels: a convex problem, from zero weights."""

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike) -> Network:
        return SoftmaxRegression(pixels, classes, self.l2, batch_size, dtype)


class SoftmaxRegression(Classifier):
    """log p(class | x) ∝ x·W + b."""

    def __init__(self, pixels: int, classes: int, l2: float, batch_size: int, dtype: npt.DTypeLike) -> None:
        super().__init__([pixels, classes], l2, dtype)
        (self.layer,) = self.layers
        self._logits: Array = np.empty((batch_size, classes), dtype)

    def init(self, rng: np.random.Generator) -> None:
        """All zero: the problem is convex, so nothing has to break a symmetry. rng is not used."""
        self.theta[:] = 0

    def logits(self, images: Array, rng: np.random.Generator | None = None) -> Array:
        self.images, z = images, self._logits[: len(images)]
        self.layer.forward(images, z)
        return z

    def backward(self, delta: Array) -> None:
        self.layer.backward(self.images, delta)
