"""Yogi."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, corrections, nonzero


@dataclass(frozen=True)
class Yogi(Optimizer):
    """Adam whose divisor √s changes slowly: s moves towards g² by at most (1 − β₂)·g² in a step.

    m ← β₁·m + (1 − β₁)·g          s ← s − (1 − β₂)·sign(s − g²)·g²
    m̂ = m / (1 − β₁ᵗ)              ŝ = s / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√ŝ + ε)

    Source: Zaheer et al. (2018), algorithm 2, which has no bias correction: with `bias_correction: false`, m̂ = m and
    ŝ = s. Optax and pytorch-optimizer correct both. Differs from them in s (their v) before the first step, 0 instead
    of 1e-6.
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.01
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("1 − β₂ is the share of g² that s can change by")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-3
    bias_correction: Annotated[bool, doc("divide m and s by 1 − βᵗ")] = True
    slot_names = ("M", "S")  # m = (1 − β₁)·M, s = (1 − β₂)·S
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        m, s = (1 - self.beta1) * state.slots["M"], (1 - self.beta2) * state.slots["S"]
        correction1, correction2 = corrections(self.beta1, self.beta2, state.t, self.bias_correction)
        return {"m": m, "s": s, "m_hat": m / correction1, "s_hat": s / correction2}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, S = slots
        correction1, correction2 = corrections(self.beta1, self.beta2, t, self.bias_correction)
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / correction1
        # S ← S − sign((1 − β₂)·S − g²)·g²,  so that  √ŝ = c₂·√S
        square = np.square(g)
        np.multiply(S, 1 - self.beta2, out=tmp)
        tmp -= square
        np.sign(tmp, out=tmp)
        tmp *= square
        S -= tmp
        c2 = math.sqrt((1 - self.beta2) / correction2)
        # θ ← θ − α·m̂ / (√ŝ + ε)  =  θ − α·c₁/c₂ · M / (√S + ε/c₂)
        np.sqrt(S, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * c1 / c2
        theta -= tmp
