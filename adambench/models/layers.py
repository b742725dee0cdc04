"""The parts of a network: dense layers, forward and backward, in flat vectors; dropout masks."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

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
        """From the gradient at z, those of W and b, and into dx (if given) that of x."""
        np.matmul(x.T, dz, out=self.dW)
        np.sum(dz, axis=0, out=self.db)
        if dx is not None:
            np.matmul(dz, self.W.T, out=dx)


def dense_layers(
    shapes: Mapping[str, tuple[int, int]], dtype: npt.DTypeLike
) -> tuple[Array, Array, dict[str, slice], list[Dense]]:
    """Layers (n_in, n_out) laid end to end in new vectors: theta and grad (1, n), zero; parts by name; the layers."""
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
    """The products of a step of dense layers (n_in, n_out), from the input up: forward, and backward to W and to x.

    No gradient is needed at the input of the first layer.
    """
    forward = [(batch_size, n_in, n_out) for n_in, n_out in shapes]
    weights = [(n_in, batch_size, n_out) for n_in, n_out in shapes]
    return forward + weights + [(batch_size, n_out, n_in) for n_in, n_out in shapes[1:]]


class Mask:
    """Which values inverted dropout (Srivastava et al. 2014) keeps: each with probability 1 − rate.

    A mask takes 8 random bits a value where they give the rate exactly, as 1/2, else 16: the next 1/65,536.
    """

    def __init__(self, rate: float, batch_size: int, width: int) -> None:
        bits = 8 if (rate * 2**8).is_integer() else 16
        self.word = np.dtype(f"<u{bits // 8}")
        self.threshold = self.word.type(max(1, round(rate * 2**bits)))
        self.scale = 2**bits / (2**bits - int(self.threshold))  # of what is kept, so that the mean stays
        self.kept = np.empty((batch_size, width), bool)

    def draw(self, rng: np.random.Generator, b: int) -> npt.NDArray[np.bool]:
        """A new mask (b, width), valid until the next is drawn."""
        kept = self.kept[:b]
        words = rng.bit_generator.random_raw(-(-kept.size * self.word.itemsize // 8)).astype("<u8", copy=False)
        np.greater_equal(words.view(self.word)[: kept.size].reshape(kept.shape), self.threshold, out=kept)
        return kept
