"""Adam in the form that Keras and TensorFlow use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, means, nonzero


@dataclass(frozen=True)
class AdamEpsHat(Optimizer):
    """Adam with ε̂ added to the uncorrected √v: the paper's efficient form, which Keras and TensorFlow use.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    α_t = α·√(1 − β₂ᵗ) / (1 − β₁ᵗ)
    θ ← θ − α_t·m / (√v + ε̂)

    Source: Kingma and Ba (2015), end of section 2. Equal to `Adam` only where ε̂ = ε·√(1 − β₂ᵗ). With ε̂ = ε, it damps
    the first steps more than `Adam` does.
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε̂, which keeps the divisor above zero")] = 1e-8
    slot_names = ("M", "V")  # m = (1 − β₁)·M, v = (1 − β₂)·V
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        return means(state, self.beta1, self.beta2)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V = slots
        # α_t = α·√(1 − β₂ᵗ) / (1 − β₁ᵗ)
        alpha_t = self.lr * lr_scale * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        # M ← β₁·M + g,  so that  m = c₁·M
        M *= self.beta1
        M += g
        c1 = 1 - self.beta1
        # V ← β₂·V + g²,  so that  √v = c₂·√V
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c2 = math.sqrt(1 - self.beta2)
        # θ ← θ − α_t·m / (√v + ε̂)  =  θ − α_t·c₁/c₂ · M / (√V + ε̂/c₂)
        np.sqrt(V, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= alpha_t * c1 / c2
        theta -= tmp
