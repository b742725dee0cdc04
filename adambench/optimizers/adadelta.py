"""AdaDelta."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, nonzero


@dataclass(frozen=True)
class AdaDelta(Optimizer):
    """RMSProp with the running size of its own steps in place of a rate.

    v ← ρ·v + (1 − ρ)·g²
    d = g·√(a + ε) / √(v + ε)
    a ← ρ·a + (1 − ρ)·d²
    θ ← θ − α·d

    Source: Zeiler (2012), there with ρ = 0.95 and no α (α = 1). Same as `torch.optim.Adadelta`.
    """

    lr: Annotated[float, Gt(0), doc("factor α on the step")] = 1.0
    rho: Annotated[float, Ge(0), Lt(1), doc("decay ρ of both running means")] = 0.9
    eps: Annotated[float, Gt(0), doc("ε, sets the size of the first steps")] = 1e-6
    slot_names = ("v", "a")

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        v, a = slots
        eps = nonzero(self.eps, theta)
        # v ← ρ·v + (1 − ρ)·g²
        v *= self.rho
        np.multiply(g, 1 - self.rho, out=tmp)
        tmp *= g
        v += tmp
        # d = g·√(a + ε) / √(v + ε)
        d = np.add(a, eps, out=tmp)
        d /= v + eps
        np.sqrt(d, out=d)
        d *= g
        # a ← ρ·a + (1 − ρ)·d²
        a *= self.rho
        a += (1 - self.rho) * d * d
        # θ ← θ − α·d
        d *= self.lr * lr_scale
        theta -= d
