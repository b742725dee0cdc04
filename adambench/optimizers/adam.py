"""Adam."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, nonzero


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moment estimation: running means of the gradient and of its square, both freed of their start at zero.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

    Source: Kingma and Ba (2015), algorithm 1. Same as `torch.optim.Adam`. Differs from Keras and TensorFlow, whose ε is
    the ε̂ of the paper's section 2: see `AdamEpsHat`. With `bias_correction: false`, m̂ = m and v̂ = v (section 6.4).
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, keeps the divisor above zero")] = 1e-8
    bias_correction: Annotated[bool, doc("divide m and v by 1 − βᵗ")] = True
    slot_names = ("m", "v")

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        m, v = slots
        correction1 = 1 - self.beta1**t if self.bias_correction else 1.0
        correction2 = 1 - self.beta2**t if self.bias_correction else 1.0
        # m ← β₁·m + (1 − β₁)·g
        m *= self.beta1
        np.multiply(g, 1 - self.beta1, out=tmp)
        m += tmp
        # v ← β₂·v + (1 − β₂)·g²
        v *= self.beta2
        np.multiply(g, 1 - self.beta2, out=tmp)
        tmp *= g
        v += tmp
        # θ ← θ − α·m̂ / (√v̂ + ε), with the factors of m̂ and √v̂ taken out of the vectors:
        #   = θ − α·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε·√(1 − β₂ᵗ))
        np.sqrt(v, out=tmp)
        tmp += nonzero(self.eps * math.sqrt(correction2), theta)
        np.divide(m, tmp, out=tmp)
        tmp *= self.lr * lr_scale * math.sqrt(correction2) / correction1
        theta -= tmp
