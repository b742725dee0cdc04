"""Momentum with decoupled weight decay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class SGDW(Decaying):
    """Classical momentum with decoupled weight decay, which does not enter the sum of gradients. SGD for μ = 0.

    b ← μ·b + g
    θ ← θ − α·(b + λ·θ)

    Source: Loshchilov and Hutter (2019), algorithm 1, with the rate outside of b as in `Momentum`. Differs from the
    paper, whose decay has the factor of the schedule but not α, and from `torch.optim.SGD(weight_decay=λ)`, which adds
    λ·θ to g. The two agree for μ = 0.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), doc("decay μ of the sum of gradients")] = 0.9
    weight_decay: Decay = 0.01
    decay_biases: DecayBiases = True
    slot_names = ("b",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (b,) = slots
        # b ← μ·b + g
        b *= self.momentum
        b += g
        # θ ← θ − α·λ·θ − α·b
        theta *= 1 - self.lr * lr_scale * self.decay(theta)
        np.multiply(b, self.lr * lr_scale, out=tmp)
        theta -= tmp
