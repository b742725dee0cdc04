"""The parts of a network: dense layers whose parameters lie in flat vectors, and dropout masks."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le, doc

from adambench.models.base import Array, Product


class Dense:
    """z = x·W + b, where W (n_in, n_out), b (n_out,) and their gradients dW, db are views into flat vectors."""

    def __init__(self, n_in: int, n_out: int, theta: Array, grad: Array) -> None:
        """theta, grad: this layer's part of the flat vectors, `size(n_in, n_out)` long."""
        weights = n_in * n_out
        self.W, self.b = theta[:weights].reshape(n_in, n_out), theta[weights:]
        self.dW, self.db = grad[:weights].reshape(n_in, n_out), grad[weights:]

    @staticmethod
    def size(n_in: int, n_out: int) -> int:
        return (n_in + 1) * n_out

    def forward(self, x: Array, z: Array) -> None:
        np.matmul(x, self.W, out=z)
        z += self.b

    def backward(self, x: Array, dz: Array, dx: Array | None = None) -> None:
        """Compute the gradients of W and b from that of z. If dx is given, write the gradient of x into it."""
        np.matmul(x.T, dz, out=self.dW)
        np.sum(dz, axis=0, out=self.db)
        if dx is not None:
            np.matmul(dz, self.W.T, out=dx)


def dense_layers(
    shapes: Mapping[str, tuple[int, int]], dtype: npt.DTypeLike
) -> tuple[Array, Array, dict[str, slice], list[Dense]]:
    """Lay dense layers of shape (n_in, n_out) end to end in new flat vectors.

    Returns theta and grad, both (1, n) and zero; the slice of each layer by name; and the layers.
    """
    sizes = [Dense.size(*shape) for shape in shapes.values()]
    ends = itertools.accumulate(sizes)
    theta = np.zeros((1, sum(sizes)), dtype)
    grad = np.zeros_like(theta)
    parts = {name: slice(end - size, end) for name, size, end in zip(shapes, sizes, ends, strict=True)}
    layers = [
        Dense(n_in, n_out, theta[0, part], grad[0, part])
        for (n_in, n_out), part in zip(shapes.values(), parts.values(), strict=True)
    ]
    return theta, grad, parts, layers


def dense_layout(layers: Sequence[Dense], vector: Array) -> list[Array]:
    """Views of a vector laid out as these layers: W (n_in, n_out) and b (n_out,) of each."""
    parts, start = [], 0
    for array in (array for layer in layers for array in (layer.W, layer.b)):
        parts.append(vector[start : start + array.size].reshape(array.shape))
        start += array.size
    return parts


@dataclass(frozen=True)
class Normal:
    """Weights from a normal distribution with mean 0 and one standard deviation for all layers."""

    normal: Annotated[float, Gt(0), Le(100), doc("standard deviation")]

    def __str__(self) -> str:
        return f"N(0, {self.normal:g}²)"


def initial(
    weights: str | Normal, shape: tuple[int, int], dtype: np.dtype[Any], rng: np.random.Generator, relu: bool
) -> Array:
    """Initial weights of a layer, shape (n_in, n_out). relu: whether rectified units follow.

    he: N(0, 2/n_in) before rectified units (He et al. 2015, equation 10), else N(0, 1/n_in).
    glorot: U(−r, r) with r² = 6/(n_in + n_out) (Glorot and Bengio 2010, equation 16).
    normal: N(0, sd²), for example with sd .01, as Krizhevsky et al. (2012, section 5) and much code of 2012 to 2014.
    """
    n_in, n_out = shape
    if weights == "glorot":
        drawn: Array = rng.random(shape, dtype) * 2 - 1
        drawn *= (6 / (n_in + n_out)) ** 0.5
        return drawn
    drawn = rng.standard_normal(shape, dtype)
    drawn *= weights.normal if isinstance(weights, Normal) else ((2 if relu else 1) / n_in) ** 0.5
    return drawn


def limit_norms(layers: Sequence[Dense], most: float) -> None:
    """Scale down the weights into each unit (a column of W) whose norm is above `most`. Biases are left out."""
    for layer in layers:
        squares = np.einsum("ij,ij->j", layer.W, layer.W)
        if (squares > most**2).any():
            layer.W *= most / np.sqrt(np.maximum(squares, most**2))


def penalty(layers: Sequence[Dense], l2: float) -> Array:
    """The L2 term (1,): l2/2 times the sum of the squared weights."""
    total = sum(float(np.vdot(layer.W, layer.W)) for layer in layers) if l2 else 0.0
    return np.array([l2 / 2 * total])


def add_penalty_gradient(layers: Sequence[Dense], l2: float) -> None:
    """Add the gradient of the L2 term, l2·W, to that of each layer's weights."""
    if l2:
        for layer in layers:
            layer.dW += l2 * layer.W


def dense_products(shapes: Sequence[tuple[int, int]], batch_size: int) -> list[Product]:
    """The matrix products of a training step of dense layers (n_in, n_out): forward, then backward to W and to x.

    The input of the first layer needs no gradient.
    """
    forward = [(batch_size, n_in, n_out) for n_in, n_out in shapes]
    weights = [(n_in, batch_size, n_out) for n_in, n_out in shapes]
    return forward + weights + [(batch_size, n_out, n_in) for n_in, n_out in shapes[1:]]


class Mask:
    """Chooses the values that inverted dropout (Srivastava et al. 2014) keeps, each with probability 1 − rate.

    A mask uses 8 random bits per value if they can represent the rate exactly, such as 1/2. Otherwise it uses 16 bits,
    which round the rate to a multiple of 1/65,536.
    """

    def __init__(self, rate: float, batch_size: int, width: int) -> None:
        bits = 8 if (rate * 2**8).is_integer() else 16
        self.word = np.dtype(f"<u{bits // 8}")
        self.threshold = self.word.type(max(1, round(rate * 2**bits)))
        self.scale = 2**bits / (2**bits - int(self.threshold))  # multiplies kept values to preserve the mean
        self.kept = np.empty((batch_size, width), bool)

    def draw(self, rng: np.random.Generator, b: int) -> npt.NDArray[np.bool]:
        """A new mask (b, width), valid until the next one is drawn."""
        kept = self.kept[:b]
        words = rng.bit_generator.random_raw(-(-kept.size * self.word.itemsize // 8)).astype("<u8", copy=False)
        np.greater_equal(words.view(self.word)[: kept.size].reshape(kept.shape), self.threshold, out=kept)
        return kept
