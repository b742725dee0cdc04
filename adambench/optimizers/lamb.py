"""LAMB."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, MatrixOptimizer, State, means, nonzero
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class LAMB(MatrixOptimizer, Decaying):
    """AdamW whose step, in each matrix of weights and each vector of biases, is as long as α times the part itself.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    r = m̂ / (√v̂ + ε) + λ·θ
    θ ← θ − α·r·‖θ‖/‖r‖            (a factor of 1 where ‖θ‖ or ‖r‖ is 0)

    Source: You et al. (2020), algorithm 2, with φ(z) = z. Same as `optax.lamb`.
    """

    lr: Annotated[float, Gt(0), doc("step size α, the length of a step relative to that of the part")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-6
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("M", "V")  # m = (1 − β₁)·M, v = (1 − β₂)·V
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        return means(state, self.beta1, self.beta2)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V = slots
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / (1 - self.beta1**t)
        # V ← β₂·V + g²,  so that  √v̂ = c₂·√V
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c2 = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        # r = m̂ / (√v̂ + ε) + λ·θ,  m̂ / (√v̂ + ε)  =  c₁/c₂ · M / (√V + ε/c₂)
        r = np.sqrt(V, out=tmp)
        r += nonzero(self.eps / c2, theta)
        np.divide(M, r, out=r)
        r *= c1 / c2
        if decay := self.decay(theta):
            r += decay * theta
        # θ ← θ − α·r·‖θ‖/‖r‖
        length, step = float(np.linalg.norm(theta)), float(np.linalg.norm(r))
        r *= self.lr * lr_scale * (length / step if length and step else 1.0)
        theta -= r
