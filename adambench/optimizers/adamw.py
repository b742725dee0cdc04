"""Adam with decoupled weight decay."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, State, means, nonzero
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class AdamW(Decaying):
    """Adam with decoupled weight decay: the weights shrink by a share of their own, whatever the gradients are.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·(m̂ / (√v̂ + ε) + λ·θ)

    Source: Loshchilov and Hutter (2019), algorithm 2. Same as `torch.optim.AdamW`. Differs from the paper, whose decay
    has the factor of the schedule but not α. An L2 penalty in Adam is something else: its gradient is divided by √v̂.
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    weight_decay: Decay = 0.01
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
        # θ ← θ − α·λ·θ − α·m̂ / (√v̂ + ε)  =  (1 − α·λ)·θ − α·c₁/c₂ · M / (√V + ε/c₂)
        theta *= 1 - self.lr * lr_scale * self.decay(theta)
        np.sqrt(V, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * c1 / c2
        theta -= tmp
