"""Adam."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, corrections, means, nonzero


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moment estimation: running means of the gradient and of its square, corrected for their start at zero.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

    Source: Kingma and Ba (2015), algorithm 1. Same as `torch.optim.Adam`. Differs from Keras and TensorFlow, whose ε is
    the ε̂ of the paper's section 2 (see `AdamEpsHat`). With `bias_correction: false`, m̂ = m and v̂ = v (section 6.4).
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    bias_correction: Annotated[bool, doc("divide m and v by 1 − βᵗ")] = True
    slot_names = ("M", "V")  # m = (1 − β₁)·M, v = (1 − β₂)·V
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        return means(state, self.beta1, self.beta2, self.bias_correction)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V = slots
        correction1, correction2 = corrections(self.beta1, self.beta2, t, self.bias_correction)
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / correction1
        # V ← β₂·V + g²,  so that  √v̂ = c₂·√V
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c2 = math.sqrt((1 - self.beta2) / correction2)
        # θ ← θ − α·m̂ / (√v̂ + ε)  =  θ − α·c₁/c₂ · M / (√V + ε/c₂)
        np.sqrt(V, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * c1 / c2
        theta -= tmp
