"""Schedule-free AdamW."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, nonzero
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class ScheduleFreeAdamW(Decaying):
    """AdamW that needs no schedule: averaging takes the place of its momentum, and it is evaluated at the average.

    v ← β₂·v + (1 − β₂)·g²         g: the gradient at y = (1 − β₁)·z + β₁·x
    z ← z − α·(g / (√v̂ + ε) + λ·y),  with  v̂ = v / (1 − β₂ᵗ)
    x ← (1 − 1/t)·x + z/t          evaluated here, at the mean of all z
    θ ← θ − (1 − β₁)·d + (1 − β₁·(1 − 1/t))·(d − α·(g / (√v̂ + ε) + λ·θ)),  where  θ = y  and  d = z − x

    Source: Defazio et al. (2024), algorithm 1. Same as `schedulefree.AdamWScheduleFree` at a constant rate. Differs
    from it under a schedule or warm-up, where it weights each z by the square of the largest rate so far, and from the
    paper, whose weights include the bias correction.
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.0025
    beta1: Annotated[float, Ge(0), Lt(1), doc("weight β₁ of the average x in y")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("V", "d")  # v = (1 − β₂)·V, d = z − x

    def with_decay(self, decay: float, state: State | None = None) -> Optimizer:
        """Itself: another β would move the average x, which y and d stand for."""
        return self

    def evaluated(self, theta: Array, state: State) -> Array:
        """The average x = y − (1 − β₁)·(z − x)."""
        x: Array = theta - (1 - self.beta1) * state.slots["d"]
        return x

    def moments(self, state: State) -> dict[str, Array]:
        v = (1 - self.beta2) * state.slots["V"]
        return {"v": v, "v_hat": v / (1 - self.beta2**state.t), "d": state.slots["d"].copy()}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        V, d = slots
        # V ← β₂·V + g²,  so that  √v̂ = c·√V
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        # s = d − α·(g / (√v̂ + ε) + λ·θ), which is the new z minus the old x
        np.sqrt(V, out=tmp)
        tmp *= c
        tmp += nonzero(self.eps, theta)
        np.divide(g, tmp, out=tmp)
        if decay := self.decay(theta):
            tmp += decay * theta
        tmp *= self.lr * lr_scale
        np.subtract(d, tmp, out=tmp)
        # θ ← θ − (1 − β₁)·d + (1 − β₁·(1 − 1/t))·s
        d *= 1 - self.beta1
        theta -= d
        np.multiply(tmp, 1 - self.beta1 * (1 - 1 / t), out=d)
        theta += d
        # d ← (1 − 1/t)·s
        np.multiply(tmp, 1 - 1 / t, out=d)
