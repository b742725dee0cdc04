"""What every model shares: flat parameter vectors, flat gradients, and a cost.

A `Model` is a description: a frozen dataclass whose fields are the schema of the configuration file. Its `build` makes
a `Network`, which holds the parameters and allocates once every buffer that training needs.

A network may train several settings at once on the same minibatches. It holds a copy of the parameters for each
setting, and the settings share the work that does not depend on the parameters. Most models hold only one setting.
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
    """A model in training. theta, grad: (settings, n), the parameters of each setting and the gradient of its cost.

    parts: the slice of a setting's n parameters for each layer, by name; empty if there is only one layer.
    """

    theta: Array
    grad: Array
    parts: Mapping[str, slice] = MappingProxyType({})

    def layout(self, vector: Array) -> list[Array]:
        """Views of a vector (n,) that is laid out like a setting's parameters, layer by layer.

        They are matrices (inputs, outputs) of weights and vectors (outputs,) of biases. A network that does not say has
        one matrix of one column, without biases.
        """
        return [vector[:, None]]

    @abstractmethod
    def init(self, rng: np.random.Generator) -> None:
        """Draw the initial parameters, the same for every setting."""

    @abstractmethod
    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        """The mean cost (settings,) of a minibatch, with dropout masks drawn from rng. Writes the gradient into `grad`.

        images: (b, pixels) in [0, 1]; labels: (b,). b is at most the batch size that the network was built for.
        The gradient includes the L2 term, the cost does not: see `penalty`.
        """

    @abstractmethod
    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[Any]]:
        """The sum of the cost over a minibatch without dropout, and the number of wrong labels; both (settings,).

        The number of wrong labels is nan if the model predicts no labels.
        """

    def constrain(self) -> None:  # noqa: B027  # most models allow every parameter
        """Bring the parameters back into the set that the model allows, after each step."""

    @abstractmethod
    def penalty(self) -> Array:
        """The L2 term (settings,) of the objective: l2/2 times the sum of the squared weights, without biases."""


@dataclass(frozen=True)
class Model(ABC):
    """A model as the configuration file describes it."""

    l2: Annotated[float, Ge(0), doc("strength λ of the penalty λ/2·‖weights‖², which excludes biases")] = 0.0
    labels: ClassVar[bool] = True  # whether it predicts labels, so that it has a test error

    @abstractmethod
    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        """A network for images of this many pixels. Its initial parameters are not drawn yet."""

    @abstractmethod
    def describe(self) -> str:
        """What the model is, for titles."""

    @abstractmethod
    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        """The matrix products of a training step, which are nearly all of its arithmetic."""

    def most_together(self, pixels: int, classes: int, batch_sizes: tuple[int, ...]) -> int:
        """How many settings a network can hold while each has the same values, bit for bit, as alone."""
        return 1


def softmax_nll(logits: Array, labels: Labels, gradient: bool = False) -> Array:
    """The sum (settings,) over a minibatch of −log softmax(logits)[label]. logits: (settings, classes, b), overwritten.

    If `gradient` is true, logits then hold the gradient of the *mean*: (softmax − one-hot)/b.
    """
    column = np.arange(len(labels))
    logits -= logits.max(axis=1, keepdims=True)  # leaves softmax unchanged and keeps exp from overflowing
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
    """The number of wrong predictions in a minibatch, (settings,). logits: (settings, classes, b)."""
    wrong: npt.NDArray[np.int_] = np.count_nonzero(logits.argmax(axis=1) != labels, axis=1)
    return wrong
