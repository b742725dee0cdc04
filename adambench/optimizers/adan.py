"""Adan."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, State, nonzero
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class Adan(Decaying):
    """Adaptive Nesterov momentum: running means of the gradient, of its change, and of the square of both together.

    d = g − (the gradient before), 0 at the first step
    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·d          n ← β₃·n + (1 − β₃)·(g + β₂·d)²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)              n̂ = n / (1 − β₃ᵗ)
    θ ← θ − α·(m̂ + β₂·v̂) / (√n̂ + ε)
    θ ← θ / (1 + α·λ)

    Source: Xie et al. (2022), algorithm 1, whose β are 1 − β here. Same as the authors' code and
    `pytorch_optimizer.Adan`: with bias corrections, which the algorithm leaves out. The decay is a proximal step, which
    divides θ.
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.98
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of changes of the gradient")] = 0.92
    beta3: Annotated[float, Ge(0), Lt(1), doc("decay β₃ of the mean of squares")] = 0.99
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("M", "V", "N", "before")  # m = (1 − β₁)·M, v = (1 − β₂)·V, n = (1 − β₃)·N; the gradient before
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        decays = {"m": self.beta1, "v": self.beta2, "n": self.beta3}
        means = {name: (1 - decay) * state.slots[name.upper()] for name, decay in decays.items()}
        corrected = {f"{name}_hat": means[name] / (1 - decays[name] ** state.t) for name in ("m", "n")}
        return means | corrected

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V, N, before = slots
        d = np.subtract(g, g if t == 1 else before, out=before)
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / (1 - self.beta1**t)
        # V ← β₂·V + d,  so that  v̂ = c₂·V
        V *= self.beta2
        V += d
        c2 = (1 - self.beta2) / (1 - self.beta2**t)
        # N ← β₃·N + (g + β₂·d)²,  so that  √n̂ = c₃·√N
        N *= self.beta3
        np.multiply(d, self.beta2, out=tmp)
        tmp += g
        np.square(tmp, out=tmp)
        N += tmp
        c3 = math.sqrt((1 - self.beta3) / (1 - self.beta3**t))
        # θ ← θ − α·(m̂ + β₂·v̂) / (√n̂ + ε)  =  θ − α·c₁/c₃ · (M + β₂·c₂/c₁·V) / (√N + ε/c₃)
        np.multiply(V, self.beta2 * c2 / c1, out=tmp)
        tmp += M
        tmp /= np.sqrt(N) + nonzero(self.eps / c3, theta)
        tmp *= self.lr * lr_scale * c1 / c3
        theta -= tmp
        # θ ← θ / (1 + α·λ)
        theta /= 1 + self.lr * lr_scale * self.decay(theta)
        before[:] = g
