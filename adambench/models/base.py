"""What every model shares: one flat parameter vector, one flat gradient, and a cost.

A `Model` is a description: a frozen dataclass whose fields are the schema of the configuration file. `build` makes a
`Network` of it: the parameters, with every buffer that training needs allocated once.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, doc

from adambench.models.layers import Dense, softmax_nll

Array = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.uint8]


class Network(ABC):
    """A model at work. theta, grad: (n,), all its parameters and the gradient of the cost with respect to them."""

    theta: Array
    grad: Array

    @abstractmethod
    def init(self, rng: np.random.Generator) -> None:
        """Draw the initial parameters."""

    @abstractmethod
    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> float:
        """Mean cost of a minibatch as trained, dropout masks drawn from rng; leaves the gradient in grad.

        images: (b, pixels) in [0, 1]; labels: (b,); b at most the batch size that the network was built for.
        The gradient has the L2 term in it, the cost does not: see `penalty`.
        """

    @abstractmethod
    def evaluate(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Sum of the cost over a minibatch without dropout, and how many of its images are given a wrong label."""

    @abstractmethod
    def penalty(self) -> float:
        """The L2 term of what is minimised: l2/2 times the sum of the squared weights, biases left out."""


@dataclass(frozen=True)
class Model(ABC):
    """What the configuration file says of a model."""

    l2: Annotated[float, Ge(0), doc("strength λ of the penalty λ/2·‖weights‖², biases left out")] = 0.0

    @abstractmethod
    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike) -> Network:
        """A network for images of that many pixels, parameters still to be drawn."""


class Classifier(Network):
    """A network of dense layers that ends in a softmax; the cost is the mean negative log-likelihood of the labels."""

    def __init__(self, widths: Sequence[int], l2: float, dtype: npt.DTypeLike) -> None:
        """widths: of the input, of each hidden layer, of the output."""
        shapes = list(pairwise(widths))
        sizes = [Dense.size(*shape) for shape in shapes]
        self.theta = np.zeros(sum(sizes), dtype)
        self.grad = np.zeros_like(self.theta)
        ends = np.cumsum(sizes)[:-1]
        self.layers = [
            Dense(*shape, theta, grad)
            for shape, theta, grad in zip(shapes, np.split(self.theta, ends), np.split(self.grad, ends), strict=True)
        ]
        self.l2 = l2

    @abstractmethod
    def logits(self, images: Array, rng: np.random.Generator | None = None) -> Array:
        """Unnormalised log-probabilities (b, classes), in a buffer of the network's. rng: for dropout, if any."""

    @abstractmethod
    def backward(self, delta: Array) -> None:
        """From the gradient at the logits (b, classes) of the last call of `logits`, the gradient of the parameters."""

    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> float:
        logits = self.logits(images, rng)
        nll = softmax_nll(logits, labels, gradient=True)
        self.backward(logits)
        if self.l2:
            for layer in self.layers:
                layer.dW += self.l2 * layer.W
        return nll / len(labels)

    def evaluate(self, images: Array, labels: Labels) -> tuple[float, int]:
        logits = self.logits(images)
        wrong = int(np.count_nonzero(logits.argmax(axis=1) != labels))
        return softmax_nll(logits, labels), wrong

    def penalty(self) -> float:
        if not self.l2:
            return 0.0
        return self.l2 / 2 * sum(float(np.vdot(layer.W, layer.W)) for layer in self.layers)
