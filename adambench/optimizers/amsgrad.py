"""AMSGrad."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, corrections, nonzero


@dataclass(frozen=True)
class AMSGrad(Optimizer):
    """Adam that divides by the largest running mean of squared gradients so far, and not by the present one.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    u ← max(u, v)
    m̂ = m / (1 − β₁ᵗ)              v̂ = u / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

    Source: Reddi, Kale and Kumar (2018), algorithm 2, which has no bias correction and no ε: with
    `bias_correction: false`, m̂ = m and v̂ = u. Same as `torch.optim.Adam(amsgrad=True)`, which takes the largest v
    before it is corrected. Differs from Optax, which takes the largest of the corrected v.
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    bias_correction: Annotated[bool, doc("divide m and the largest v by 1 − βᵗ")] = True
    slot_names = ("M", "V", "U")  # m = (1 − β₁)·M, v = (1 − β₂)·V, u = (1 − β₂)·U
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        m, (v, u) = (1 - self.beta1) * state.slots["M"], ((1 - self.beta2) * state.slots[name] for name in "VU")
        correction1, correction2 = corrections(self.beta1, self.beta2, state.t, self.bias_correction)
        return {"m": m, "v": v, "m_hat": m / correction1, "v_hat": u / correction2}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V, U = slots
        correction1, correction2 = corrections(self.beta1, self.beta2, t, self.bias_correction)
        # M ← β₁·M + g,  so that  m̂ = c₁·M
        M *= self.beta1
        M += g
        c1 = (1 - self.beta1) / correction1
        # V ← β₂·V + g²,  U ← max(U, V),  so that  √v̂ = c₂·√U
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        np.maximum(U, V, out=U)
        c2 = math.sqrt((1 - self.beta2) / correction2)
        # θ ← θ − α·m̂ / (√v̂ + ε)  =  θ − α·c₁/c₂ · M / (√U + ε/c₂)
        np.sqrt(U, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * c1 / c2
        theta -= tmp
