"""Rectified Adam."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, means, nonzero

RELIABLE = 5  # the ρ_t above which v̂ is used


@dataclass(frozen=True)
class RAdam(Optimizer):
    """Adam that begins as momentum, and divides by √v̂ only when enough gradients have entered it to be reliable.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    ρ_∞ = 2/(1 − β₂) − 1           ρ_t = ρ_∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ)
    θ ← θ − α·m̂                                         if ρ_t ≤ 5, else
    θ ← θ − α·r_t·m̂ / √v̂,  with  r_t = √((ρ_t − 4)·(ρ_t − 2)·ρ_∞ / ((ρ_∞ − 4)·(ρ_∞ − 2)·ρ_t))

    Source: Liu et al. (2020), algorithm 2, which has no ε and switches at ρ_t > 4. Same as `torch.optim.RAdam`, which
    switches at ρ_t > 5 (the authors' code at ρ_t ≥ 5) and, like that code, adds ε to the uncorrected √v.
    """

    lr: Annotated[float, Gt(0), doc("step size α; while ρ_t ≤ 5, a step is α·m̂, which has no largest size")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    slot_names = ("M", "V")  # m = (1 − β₁)·M, v = (1 − β₂)·V
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        return means(state, self.beta1, self.beta2)

    def rectification(self, t: int) -> float:
        """The factor r_t, or 0 while ρ_t ≤ 5."""
        limit = 2 / (1 - self.beta2) - 1
        rho = limit - 2 * t * self.beta2**t / (1 - self.beta2**t)
        if rho <= RELIABLE:
            return 0.0
        return math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V = slots
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / (1 - self.beta1**t)
        # V ← β₂·V + g²,  so that  √v = c·√V  and  √v̂ = √v / √(1 − β₂ᵗ)
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c = math.sqrt(1 - self.beta2)
        if r := self.rectification(t):
            # θ ← θ − α·r_t·√(1 − β₂ᵗ) · m̂ / (√v + ε)  =  θ − α·r_t·√(1 − β₂ᵗ)·c₁/c · M / (√V + ε/c)
            np.sqrt(V, out=tmp)
            tmp += nonzero(self.eps / c, theta)
            np.divide(M, tmp, out=tmp)
            tmp *= self.lr * lr_scale * r * math.sqrt(1 - self.beta2**t) * c1 / c
        else:
            # θ ← θ − α·m̂
            np.multiply(M, self.lr * lr_scale * c1, out=tmp)
        theta -= tmp
