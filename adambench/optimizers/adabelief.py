"""AdaBelief."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, nonzero


@dataclass(frozen=True)
class AdaBelief(Optimizer):
    """Adam whose divisor is how far gradients are from their running mean, and not how large they are.

    m ← β₁·m + (1 − β₁)·g          s ← β₂·s + (1 − β₂)·(g − m)² + ε
    m̂ = m / (1 − β₁ᵗ)              ŝ = s / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√ŝ + ε)

    Source: Zhuang et al. (2020), algorithm 2. Same as the authors' `adabelief-pytorch` without its options, and Optax.
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared deviations from m")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, added to s at each step and to the divisor")] = 1e-16
    slot_names = ("M", "S")  # m = (1 − β₁)·M, s = (1 − β₂)·S
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        m, s = (1 - self.beta1) * state.slots["M"], (1 - self.beta2) * state.slots["S"]
        return {"m": m, "s": s, "m_hat": m / (1 - self.beta1**state.t), "s_hat": s / (1 - self.beta2**state.t)}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, S = slots
        # M ← β₁·M + g,  so that  m = (1 − β₁)·M  and  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / (1 - self.beta1**t)
        # S ← β₂·S + (g − m)² + ε/(1 − β₂),  so that  √ŝ = c₂·√S
        S *= self.beta2
        np.multiply(M, self.beta1 - 1, out=tmp)
        tmp += g
        np.square(tmp, out=tmp)
        S += tmp
        S += self.eps / (1 - self.beta2)
        c2 = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        # θ ← θ − α·m̂ / (√ŝ + ε)  =  θ − α·c₁/c₂ · M / (√S + ε/c₂)
        np.sqrt(S, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * c1 / c2
        theta -= tmp
