"""Resilient back-propagation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, doc

from adambench.optimizers.base import Array, Optimizer, State

SMALLEST, LARGEST = 1e-6, 50.0  # bounds of Δ, unless α lies outside


@dataclass(frozen=True)
class Rprop(Optimizer):
    """A step size for each weight, which grows while its gradient keeps its sign. Meant for whole batches.

    Δ ← min(1.2·Δ, 50)             if g has the sign of the gradient before; Δ = α before the first step
    Δ ← max(0.5·Δ, 10⁻⁶), g ← 0    if it has the other sign
    θ ← θ − Δ·sign(g)

    Source: Riedmiller and Braun (1993), in the form without backtracking of Igel and Hüsken (2003), iRprop⁻. Same as
    `torch.optim.Rprop`. A schedule multiplies the step, and not Δ.
    """

    lr: Annotated[float, Gt(0), doc("size α of the first step of every weight")] = 0.01
    slot_names = ("delta", "before")  # Δ, and the gradient before

    def moments(self, state: State) -> dict[str, Array]:
        return {"Δ": state.slots["delta"].copy()}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        delta, before = slots
        if t == 1:
            delta[:] = self.lr
        before *= g
        turned = before < 0
        # Δ ← min(1.2·Δ, 50) or max(0.5·Δ, 10⁻⁶)
        np.multiply(delta, 1.2, out=delta, where=before > 0)
        np.multiply(delta, 0.5, out=delta, where=turned)
        np.clip(delta, min(SMALLEST, self.lr), max(LARGEST, self.lr), out=delta)
        # g ← 0 where its sign has changed
        np.sign(g, out=before)
        before[turned] = 0
        # θ ← θ − Δ·sign(g)
        np.multiply(before, delta, out=tmp)
        tmp *= lr_scale
        theta -= tmp
