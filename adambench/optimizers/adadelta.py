"""AdaDelta."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import SMALLEST_NORMAL, Array, Optimizer, State


@dataclass(frozen=True)
class AdaDelta(Optimizer):
    """RMSProp in which the running root mean square of past steps replaces the learning rate.

    v ← ρ·v + (1 − ρ)·g²
    d = g·√(a + ε) / √(v + ε)
    a ← ρ·a + (1 − ρ)·d²
    θ ← θ − α·d

    Source: Zeiler (2012), who uses ρ = 0.95 and has no α (α = 1). Same as `torch.optim.Adadelta`.
    """

    lr: Annotated[float, Gt(0), doc("factor α that multiplies the step")] = 1.0
    rho: Annotated[float, Ge(0), Lt(1), doc("decay ρ of both running means")] = 0.9
    eps: Annotated[float, Gt(0), doc("ε, which sets the size of the first steps")] = 1e-6
    slot_names = ("V", "A")  # v = (1 − ρ)·V, a = (1 − ρ)·A

    def moments(self, state: State) -> dict[str, Array]:
        return {"v": (1 - self.rho) * state.slots["V"], "a": (1 - self.rho) * state.slots["A"]}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        V, A = slots
        # V ← ρ·V + g²,  so that  v = (1 − ρ)·V
        V *= self.rho
        np.square(g, out=tmp)
        V += tmp
        # d = g·√(a + ε) / √(v + ε)  =  g·√((A + ε') / (V + ε')),  ε' = ε/(1 − ρ)
        eps = max(self.eps / (1 - self.rho), SMALLEST_NORMAL[theta.dtype])
        d = np.add(A, eps, out=tmp)
        d /= V + eps
        np.sqrt(d, out=d)
        d *= g
        # A ← ρ·A + d²,  so that  a = (1 − ρ)·A
        A *= self.rho
        A += d * d
        # θ ← θ − α·d
        d *= self.lr * lr_scale
        theta -= d
