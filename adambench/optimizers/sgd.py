"""Stochastic gradient descent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, doc

from adambench.optimizers.base import Array, Optimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: one step against the gradient.

    θ ← θ − α·g

    Source: Robbins and Monro (1951). Same as `torch.optim.SGD`.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.01

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        # θ ← θ − α·g
        np.multiply(g, self.lr * lr_scale, out=tmp)
        theta -= tmp
