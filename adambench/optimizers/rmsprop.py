"""RMSProp."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, nonzero


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Divides the gradient by its running root mean square.

    v ← ρ·v + (1 − ρ)·g²
    θ ← θ − α·g / (√v + ε)

    Source: Tieleman and Hinton (2012), lecture 6e, with ρ = 0.9. Same as `torch.optim.RMSprop`, except that its
    default α is 0.01. Differs from TensorFlow, which puts ε under the root. Equal to Adam with β₁ = 0 and no bias
    correction.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.001
    rho: Annotated[float, Ge(0), Lt(1), doc("decay ρ of the mean of squared gradients")] = 0.99
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    slot_names = ("V",)  # v = (1 − ρ)·V

    def moments(self, state: State) -> dict[str, Array]:
        return {"v": (1 - self.rho) * state.slots["V"]}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (V,) = slots
        # V ← ρ·V + g²,  so that  √v = c·√V
        V *= self.rho
        np.square(g, out=tmp)
        V += tmp
        c = math.sqrt(1 - self.rho)
        # θ ← θ − α·g / (√v + ε)  =  θ − α/c · g / (√V + ε/c)
        np.sqrt(V, out=tmp)
        tmp += nonzero(self.eps / c, theta)
        np.divide(g, tmp, out=tmp)
        tmp *= self.lr * lr_scale / c
        theta -= tmp
