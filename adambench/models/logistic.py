"""Softmax regression, the paper's logistic regression (section 6.1). Many settings share two wide matrix products.

A step of one setting is so small that most of its time goes into reading the minibatch. Settings that see the same
minibatches can share the reading: their weights are stacked into one matrix.

    logits (settings·12, b) = W (settings·12, pixels) · imagesᵀ        dW = dlogits · images

Each setting has one row per class, padded to a multiple of 12 rows, the unit in which BLAS kernels process a matrix.
So the same instructions compute a setting at any position and beside any number of others, and its values are the same
to the bit as alone. `settings_are_independent` checks whether this holds on this machine.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adambench.models.base import Array, Labels, Model, Network, Product, softmax_nll, wrong_labels

UNIT = 12  # rows; the padding rows stay zero and are not part of theta
MOST = 32  # settings in one network; more would not be faster
WIDE = 1024  # images in a minibatch; above this, the products of one setting are wide enough


@dataclass(frozen=True)
class Logistic(Model):
    """Softmax regression on the pixels, a convex problem. The weights start at zero."""

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        return SoftmaxRegression(pixels, classes, self.l2, batch_size, dtype, settings)

    def describe(self) -> str:
        return "softmax regression" + (f" with L2 {self.l2:g}" if self.l2 else "")

    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        rows = settings * padded(classes)
        return [(rows, pixels, batch_size), (rows, batch_size, pixels)]

    def most_together(self, pixels: int, classes: int, batch_sizes: tuple[int, ...]) -> int:
        if max(batch_sizes) > WIDE:
            return 1
        return MOST if settings_are_independent(pixels, classes, batch_sizes) else 1


def padded(classes: int) -> int:
    """The number of rows of a setting: its classes rounded up to a multiple of UNIT."""
    return -(-classes // UNIT) * UNIT


class SoftmaxRegression(Network):
    """p(class | x) ∝ exp(W·x + bias). Each class has a row of W, followed by its bias."""

    def __init__(
        self, pixels: int, classes: int, l2: float, batch_size: int, dtype: npt.DTypeLike, settings: int
    ) -> None:
        rows = padded(classes)
        theta, grad = (np.zeros((settings * rows, pixels + 1), dtype) for _ in range(2))
        self.W, self.bias = theta[:, :-1], theta[:, -1]
        self.dW, self.dbias = grad[:, :-1], grad[:, -1]
        n = classes * (pixels + 1)
        self.theta, self.grad = (whole.reshape(settings, -1)[:, :n] for whole in (theta, grad))
        self.l2 = l2
        self.shape = (settings, rows, classes)
        self._logits: Array = np.empty(settings * rows * batch_size, dtype)

    def layout(self, vector: Array) -> list[Array]:
        rows = vector.reshape(self.shape[2], -1)
        return [rows[:, :-1].T, rows[:, -1]]

    def init(self, rng: np.random.Generator) -> None:
        """Set all parameters to zero. The problem is convex, so there is no symmetry to break. rng is not used."""
        self.theta[:] = 0

    def logits(self, images: Array) -> tuple[Array, Array]:
        """Two views of one buffer: all rows (settings·rows, b), and only the classes (settings, classes, b)."""
        (settings, rows, classes), b = self.shape, len(images)
        z = self._logits[: settings * rows * b].reshape(settings * rows, b)
        np.matmul(self.W, images.T, out=z)
        z += self.bias[:, None]
        return z, z.reshape(settings, rows, b)[:, :classes]

    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        z, logits = self.logits(images)
        nll = softmax_nll(logits, labels, gradient=True)
        np.matmul(z, images, out=self.dW)
        np.sum(z, axis=1, out=self.dbias)
        if self.l2:
            self.dW += self.l2 * self.W
        return nll / len(labels)

    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[np.int_]]:
        _, logits = self.logits(images)
        wrong = wrong_labels(logits, labels)
        return softmax_nll(logits, labels), wrong

    def penalty(self) -> Array:
        squares = (self.W.reshape(self.shape[0], -1) ** 2).sum(axis=1, dtype=np.float64) if self.l2 else 0.0
        return np.full(self.shape[0], self.l2 / 2 * squares)


@functools.cache
def settings_are_independent(pixels: int, classes: int, batch_sizes: tuple[int, ...]) -> bool:
    """Whether the BLAS of this process gives each of up to MOST settings the same bits as alone.

    Tests every count and position with random numbers, for each batch size that will occur.
    """
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((MOST, *Logistic().build(pixels, classes, 1, np.float32).theta.shape[1:])) * 0.1
    for b in batch_sizes:
        images, labels = rng.random((b, pixels), np.float32), rng.integers(0, classes, b).astype(np.uint8)

        def costs(part: Array, images: Array = images, labels: Labels = labels) -> tuple[Array, Array, Array]:
            network = Logistic().build(pixels, classes, len(images), np.float32, len(part))
            network.theta[:] = part
            loss, _ = network.evaluate(images, labels)
            return network.cost(images, labels, rng), network.grad, loss

        alone = [np.concatenate(column) for column in zip(*(costs(theta[i : i + 1]) for i in range(MOST)), strict=True)]
        for count in range(2, MOST + 1):
            if any((one[:count] != many).any() for one, many in zip(alone, costs(theta[:count]), strict=True)):
                return False
    return True
