"""Lion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, State
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class Lion(Decaying):
    """A step of the same size for every weight, against the sign of a mix of momentum and gradient.

    c = β₁·m + (1 − β₁)·g
    θ ← θ − α·(sign(c) + λ·θ)
    m ← β₂·m + (1 − β₂)·g

    Source: Chen et al. (2023), "Symbolic discovery of optimization algorithms", program 1. Same as `lion-pytorch`.
    """

    lr: Annotated[float, Gt(0), doc("step size α, the change of every weight in one step")] = 1e-4
    beta1: Annotated[float, Ge(0), Lt(1), doc("weight β₁ of the mean of gradients in the step")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of gradients")] = 0.99
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("M",)  # m = (1 − β₂)·M
    mean_decay = "beta2"

    def moments(self, state: State) -> dict[str, Array]:
        return {"m": (1 - self.beta2) * state.slots["M"]}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (M,) = slots
        # c = β₁·m + (1 − β₁)·g,  which has the sign of  β₁·(1 − β₂)/(1 − β₁)·M + g
        np.multiply(M, self.beta1 * (1 - self.beta2) / (1 - self.beta1), out=tmp)
        tmp += g
        # θ ← θ − α·λ·θ − α·sign(c)
        theta *= 1 - self.lr * lr_scale * self.decay(theta)
        np.sign(tmp, out=tmp)
        tmp *= self.lr * lr_scale
        theta -= tmp
        # M ← β₂·M + g,  so that  m = (1 − β₂)·M
        M *= self.beta2
        M += g
