"""What every model shares: flat parameter vectors, flat gradients, and a cost.

A `Model` is a description: a frozen dataclass whose fields are the schema of the configuration file. `build` makes a
`Network` of it: the parameters, with every buffer that training needs allocated once.

A network may hold several settings at once, which see the same minibatches: copies of the model that differ in their
parameters alone, and share the work that does not. For most models it is one.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, doc

Array = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.uint8]
Product = tuple[int, int, int]  # (m, k, n): a matrix of m x k by one of k x n


class Network(ABC):
    """A model at work. theta, grad: (settings, n), all parameters of each, and the gradient of its cost by them.

    parts: its layers by name, as slices of a setting's n parameters; none if it has one layer.
    """

    theta: Array
    grad: Array
    parts: Mapping[str, slice] = MappingProxyType({})

    @abstractmethod
    def init(self, rng: np.random.Generator) -> None:
        """Draw the initial parameters, the same for every setting."""

    @abstractmethod
    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        """Mean cost (settings,) of a minibatch as trained, dropout masks drawn from rng; leaves the gradient in grad.

        images: (b, pixels) in [0, 1]; labels: (b,); b at most the batch size that the network was built for.
        The gradient has the L2 term in it, the cost does not: see `penalty`.
        """

    @abstractmethod
    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[Any]]:
        """Sum of the cost over a minibatch without dropout, and how many labels are wrong; (settings,) both.

        The number of wrong labels is nan if the model gives none.
        """

    @abstractmethod
    def penalty(self) -> Array:
        """The L2 term (settings,) of what is minimised: l2/2 times the sum of the squared weights, biases left out."""


@dataclass(frozen=True)
class Model(ABC):
    """What the configuration file says of a model."""

    l2: Annotated[float, Ge(0), doc("strength λ of the penalty λ/2·‖weights‖², biases left out")] = 0.0
    labels: ClassVar[bool] = True  # whether it gives images labels, which can be wrong

    @abstractmethod
    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        """A network for images of that many pixels, parameters still to be drawn."""

    @abstractmethod
    def describe(self) -> str:
        """What the model is, for titles."""

    @abstractmethod
    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        """The matrix products of a training step: nearly all of its arithmetic."""

    def most_together(self, pixels: int, classes: int, batch_sizes: tuple[int, ...]) -> int:
        """How many settings a network can hold such that each has, to the bit, the values that it has alone."""
        return 1


def softmax_nll(logits: Array, labels: Labels, gradient: bool = False) -> Array:
    """Sum (settings,) over a minibatch of −log softmax(logits)[label]. logits: (settings, classes, b), overwritten.

    With gradient, logits are left holding that of the *mean*: (softmax − one-hot)/b.
    """
    column = np.arange(len(labels))
    logits -= logits.max(axis=1, keepdims=True)  # softmax does not change, exp cannot overflow
    picked = logits[:, labels, column]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    if gradient:
        logits *= (1 / (total * len(labels)))[:, None]
        logits[:, labels, column] -= 1 / len(labels)
    np.log(total, out=total)
    total -= picked
    nll: Array = np.sum(total, axis=1, dtype=np.float64)
    return nll


def wrong_labels(logits: Array, labels: Labels) -> npt.NDArray[np.int_]:
    """How many of a minibatch get a wrong label (settings,). logits: (settings, classes, b)."""
    wrong: npt.NDArray[np.int_] = np.count_nonzero(logits.argmax(axis=1) != labels, axis=1)
    return wrong
