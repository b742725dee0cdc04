"""AdaMax."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import SMALLEST_NORMAL, Array, Optimizer, State


@dataclass(frozen=True)
class AdaMax(Optimizer):
    """Adam with the infinity norm of past gradients in place of their root mean square.

    m ← β₁·m + (1 − β₁)·g
    u ← max(β₂·u, |g|)
    θ ← θ − α/(1 − β₁ᵗ) · m / u          (0 where every gradient so far was 0)

    Source: Kingma and Ba (2015), section 7.1, algorithm 2, which has no ε. Differs from `torch.optim.Adamax`,
    which adds ε = 1e-8 to |g|.
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.002
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the largest gradient so far")] = 0.999
    slot_names = ("M", "u")  # m = (1 − β₁)·M
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        m = (1 - self.beta1) * state.slots["M"]
        return {"m": m, "m_hat": m / (1 - self.beta1**state.t), "u": state.slots["u"].copy()}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, u = slots
        # M ← β₁·M + g,  so that  m = (1 − β₁)·M
        M *= self.beta1
        M += g
        # u ← max(β₂·u, |g|)
        u *= self.beta2
        np.abs(g, out=tmp)
        np.maximum(u, tmp, out=u)
        # θ ← θ − α/(1 − β₁ᵗ) · m / u, with 0/0 = 0
        np.maximum(u, SMALLEST_NORMAL[theta.dtype], out=tmp)
        np.divide(M, tmp, out=tmp)
        tmp *= self.lr * lr_scale * (1 - self.beta1) / (1 - self.beta1**t)
        theta -= tmp
