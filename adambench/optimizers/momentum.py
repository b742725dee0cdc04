"""Gradient descent with classical (heavy-ball) momentum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer


@dataclass(frozen=True)
class Momentum(Optimizer):
    """SGD with classical momentum: steps along a decaying sum of gradients.

    b ← μ·b + g
    θ ← θ − α·b

    Source: Polyak (1964). Same as `torch.optim.SGD(momentum=μ)`. Differs from Sutskever et al. (2013) and Keras, which
    include the rate in the velocity. The two forms are equal only while the rate is constant.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), doc("decay μ of the sum of gradients")] = 0.9
    slot_names = ("b",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (b,) = slots
        # b ← μ·b + g
        b *= self.momentum
        b += g
        # θ ← θ − α·b
        np.multiply(b, self.lr * lr_scale, out=tmp)
        theta -= tmp
