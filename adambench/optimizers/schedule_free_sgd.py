"""Schedule-free SGD."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State
from adambench.optimizers.decay import Decay, DecayBiases, Decaying


@dataclass(frozen=True)
class ScheduleFreeSGD(Decaying):
    """SGD that needs no schedule: it is evaluated at the average of its points, and takes gradients near it.

    z ← z − α·(g + λ·y)            g: the gradient at y = (1 − β)·z + β·x
    x ← (1 − 1/t)·x + z/t          evaluated here, at the mean of all z
    θ ← θ − (1 − β)·d + (1 − β·(1 − 1/t))·(d − α·(g + λ·θ)),  where  θ = y  and  d = z − x

    Source: Defazio et al. (2024), "The road less scheduled", equations 2 to 4. Same as `schedulefree.SGDScheduleFree`
    at a constant rate. Differs from it under a schedule or warm-up, where it weights each z by the square of the
    largest rate so far.
    """

    lr: Annotated[float, Gt(0), doc("learning rate α")] = 1.0
    momentum: Annotated[float, Ge(0), Lt(1), doc("weight β of the average x in y")] = 0.9
    weight_decay: Decay = 0.0
    decay_biases: DecayBiases = True
    slot_names = ("d",)  # d = z − x

    def with_decay(self, decay: float, state: State | None = None) -> Optimizer:
        """Itself: another β would move the average x, which y and d stand for."""
        return self

    def evaluated(self, theta: Array, state: State) -> Array:
        """The average x = y − (1 − β)·(z − x)."""
        x: Array = theta - (1 - self.momentum) * state.slots["d"]
        return x

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (d,) = slots
        # s = d − α·(g + λ·θ), which is the new z minus the old x
        np.multiply(theta, self.decay(theta), out=tmp)
        tmp += g
        tmp *= self.lr * lr_scale
        np.subtract(d, tmp, out=tmp)
        # θ ← θ − (1 − β)·d + (1 − β·(1 − 1/t))·s
        d *= 1 - self.momentum
        theta -= d
        np.multiply(tmp, 1 - self.momentum * (1 - 1 / t), out=d)
        theta += d
        # d ← (1 − 1/t)·s
        np.multiply(tmp, 1 - 1 / t, out=d)
