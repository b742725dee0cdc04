"""The parts of a network, forward and backward, written into buffers that the caller owns."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


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


class Dropout:
    """Inverted dropout (Srivastava et al. 2014): values are zeroed with probability `rate`, the others scaled up.

    A mask takes 16 random bits a value, so the rate is kept to the next 1/65,536.
    """

    def __init__(self, rate: float, batch_size: int, width: int, dtype: npt.DTypeLike) -> None:
        self.threshold = np.uint16(round(rate * 2**16))
        self.scale = 2**16 / (2**16 - int(self.threshold))
        self.kept = np.empty((batch_size, width), bool)
        self.factor: Array = np.empty((batch_size, width), dtype)

    def forward(self, x: Array, rng: np.random.Generator, out: Array) -> None:
        """Draws a mask; out may be x."""
        b = len(x)
        words = rng.bit_generator.random_raw(-(-x.size // 4)).astype("<u8", copy=False)
        np.greater_equal(words.view("<u2")[: x.size].reshape(x.shape), self.threshold, out=self.kept[:b])
        np.multiply(self.kept[:b], self.scale, out=self.factor[:b], dtype=self.factor.dtype)
        np.multiply(x, self.factor[:b], out=out)

    def backward(self, dx: Array) -> None:
        """In place, with the last mask."""
        dx *= self.factor[: len(dx)]


def softmax_nll(logits: Array, labels: npt.NDArray[np.uint8], gradient: bool = False) -> float:
    """Sum over a minibatch of −log softmax(logits)[label]. logits: (b, classes), overwritten; labels: (b,).

    With gradient, logits are left holding that of the *mean*: (softmax − one-hot)/b.
    """
    rows = np.arange(len(labels))
    logits -= logits.max(axis=1, keepdims=True)  # softmax does not change, exp cannot overflow
    picked = logits[rows, labels]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    if gradient:
        logits /= total[:, None]
        logits[rows, labels] -= 1
        logits *= 1 / len(labels)
    return float(np.sum(np.log(total) - picked, dtype=np.float64))
