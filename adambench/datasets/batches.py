"""Minibatches of an epoch, each image once in a new random order, or drawn with replacement."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from adambench.datasets.base import Bytes, Split

Floats = npt.NDArray[np.floating]
Sampling = Literal["shuffle", "with_replacement"]


class Batches:
    """Minibatches of a split, scaled to [0, 1] and written into a pair of buffers that is reused.

    sampling: `shuffle` gives each image once an epoch; `with_replacement` draws every image from the whole split, as
    the theory of stochastic gradients has it (Bottou 2010) and some code of 2014. Both have equally many steps. rng
    decides only which images come when: generators of the same seed give the same batches. A batch_size above the
    number of images gives one batch of as many.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        rng: np.random.Generator,
        dtype: npt.DTypeLike,
        sampling: Sampling = "shuffle",
    ) -> None:
        self.split, self.rng, self.sampling = split, rng, sampling
        self.batch_size = min(batch_size, len(split.labels))
        self.count = -(-len(split.labels) // self.batch_size)  # batches per epoch
        self._raw = np.empty((self.batch_size, split.images.shape[1]), np.uint8)
        self._images: Floats = np.empty(self._raw.shape, dtype)

    def epoch(self) -> Iterator[tuple[Floats, Bytes]]:
        """Images (batch_size, pixels) in [0, 1] and labels (batch_size,), valid until the next batch."""
        n = len(self.split.labels)
        order = self.rng.permutation(n) if self.sampling == "shuffle" else self.rng.integers(n, size=n)
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            raw = self._raw[: len(chosen)]
            np.take(self.split.images, chosen, axis=0, out=raw, mode="clip")  # clip: no bounds check, no second buffer
            yield scale(raw, self._images[: len(chosen)]), self.split.labels[chosen]

    def endless(self) -> Iterator[tuple[Floats, Bytes]]:
        """One epoch after another."""
        while True:
            yield from self.epoch()


def scale(raw: Bytes, out: Floats) -> Floats:
    """Bytes 0 to 255 as numbers from 0 to 1, written into out."""
    return np.multiply(raw, out.dtype.type(1 / 255), out=out, dtype=out.dtype)
