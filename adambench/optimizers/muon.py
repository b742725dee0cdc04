"""Muon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, MatrixOptimizer, nonzero
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class Muon(MatrixOptimizer, Decaying):
    """Nesterov momentum made orthogonal: every direction of a matrix of weights moves by about the same amount.

    b ← μ·b + g
    O = orthogonal(g + μ·b)        U·Vᵀ of the singular value decomposition U·S·Vᵀ, approximately
    θ ← θ − α·(√max(1, outputs/inputs)·O + λ·θ)

    Source: Jordan et al. (2024), kellerjordan.github.io/posts/muon. Same as `torch.optim.Muon` and the author's code
    for matrices, but in the precision of θ; they compute O in bfloat16. A vector of biases is taken as a matrix with
    one input, so that it moves by about α in root mean square. Differs from the author's code, which leaves biases, and
    the first and the last layer, to Adam.
    """

    lr: Annotated[float, Gt(0), doc("step size α, the spectral norm of a step")] = 0.02
    momentum: Annotated[float, Ge(0), Lt(1), doc("decay μ of the sum of gradients")] = 0.95
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("b",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (b,) = slots
        # b ← μ·b + g
        b *= self.momentum
        b += g
        # O = orthogonal(g + μ·b)
        np.multiply(b, self.momentum, out=tmp)
        tmp += g
        inputs, outputs = np.atleast_2d(g).shape
        step = orthogonal(np.atleast_2d(tmp)).reshape(g.shape)
        # θ ← θ − α·λ·θ − α·√max(1, outputs/inputs)·O
        theta *= 1 - self.lr * lr_scale * self.decay(theta)
        step *= self.lr * lr_scale * math.sqrt(max(1, outputs / inputs))
        theta -= step


def orthogonal(matrix: Array) -> Array:
    """A matrix with the singular vectors of `matrix` and singular values near 1, between about 0.7 and 1.2.

    Five Newton-Schulz iterations of the quintic whose coefficients Jordan chose for a steep start at zero.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    flat = matrix.shape[0] <= matrix.shape[1]
    X = np.array(matrix if flat else matrix.T, order="C")
    X /= max(float(np.linalg.norm(X)), nonzero(0.0, X))
    for _ in range(5):
        # X ← a·X + (b·A + c·A²)·X,  with  A = X·Xᵀ
        A = X @ X.T
        B = A @ A
        B *= c
        B += b * A
        step = B @ X
        X *= a
        X += step
    return X if flat else X.T
