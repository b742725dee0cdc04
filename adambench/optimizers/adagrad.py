"""AdaGrad."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, doc

from adambench.optimizers.base import Array, Optimizer, nonzero


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Each weight has its own learning rate, which falls as its squared gradients add up.

    s ← s + g²
    θ ← θ − α·g / (√s + ε)

    Source: Duchi, Hazan and Singer (2011). Same as `torch.optim.Adagrad`. Differs from TensorFlow, which starts s
    at 0.1 instead of 0.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 0.01
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-10
    slot_names = ("s",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (s,) = slots
        # s ← s + g²
        np.square(g, out=tmp)
        s += tmp
        # θ ← θ − α·g / (√s + ε)
        np.sqrt(s, out=tmp)
        tmp += nonzero(self.eps, theta)
        np.divide(g, tmp, out=tmp)
        tmp *= self.lr * lr_scale
        theta -= tmp
