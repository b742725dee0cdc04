"""Gradient descent with Nesterov momentum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """SGD with Nesterov momentum, which looks one step ahead. The paper calls it SGDNesterov.

    b ← μ·b + g
    θ ← θ − α·(g + μ·b)

    Source: Nesterov (1983) in the form of Sutskever et al. (2013), with the gradient taken at the look-ahead point.
    Same as `torch.optim.SGD(momentum=μ, nesterov=True)`.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), doc("decay μ of the sum of gradients")] = 0.9
    slot_names = ("b",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (b,) = slots
        # b ← μ·b + g
        b *= self.momentum
        b += g
        # θ ← θ − α·(g + μ·b)
        np.multiply(b, self.momentum, out=tmp)
        tmp += g
        tmp *= self.lr * lr_scale
        theta -= tmp
