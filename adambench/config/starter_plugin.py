"""A rule of my own, for adambench.

Check it:         adambench check FILE
See its steps:    adambench explain my_rule --plugin FILE
Train with it:    plugins: [FILE] in the configuration, then my_rule under optimizers, as if it were built in

This is Adam without tricks. Change the docstring, the fields, the slots and `update` into your rule. adambench knows a
rule by the text of this file: after every edit, and only then, its runs are trained again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, nonzero


@dataclass(frozen=True)
class MyRule(Optimizer):
    """Running means of the gradient and of its square, corrected for their start at zero.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m / (1 − β₁ᵗ)              v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

    Source: Kingma and Ba (2015), algorithm 1.
    """

    # Hyper-parameters: the name in the YAML file, the allowed range, the meaning, and the default. `lr` is required.
    lr: Annotated[float, Gt(0), doc("step size α")] = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8

    slot_names = ("m", "v")  # the memory: arrays like theta that start at zero. () for a rule without memory

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        """One step, in place, for a block of the weights. Each weight must be treated alone.

        theta, g, tmp and each slot: (k,), all float32 or all float64. g must not change; tmp is scratch space. t: the
        number of the step, from 1. lr_scale: the factor of the schedule, which multiplies lr.
        """
        m, v = slots
        # m ← β₁·m + (1 − β₁)·g
        m *= self.beta1
        np.multiply(g, 1 - self.beta1, out=tmp)
        m += tmp
        # v ← β₂·v + (1 − β₂)·g²
        v *= self.beta2
        np.square(g, out=tmp)
        tmp *= 1 - self.beta2
        v += tmp
        # √v̂ + ε;  nonzero() keeps 0/0 away where a gradient has always been zero
        np.divide(v, 1 - self.beta2**t, out=tmp)
        np.sqrt(tmp, out=tmp)
        tmp += nonzero(self.eps, theta)
        # θ ← θ − α·m̂ / (√v̂ + ε)
        np.divide(m, tmp, out=tmp)
        tmp *= self.lr * lr_scale / (1 - self.beta1**t)
        theta -= tmp

    def moments(self, state: State) -> dict[str, Array]:
        """What `explain` and `inspect` show after `state.t` steps, as new arrays. Without this method: the slots."""
        m, v = state.slots["m"], state.slots["v"]
        m_hat, v_hat = m / (1 - self.beta1**state.t), v / (1 - self.beta2**state.t)
        return {"m": m.copy(), "v": v.copy(), "m_hat": m_hat, "v_hat": v_hat}


OPTIMIZERS = {"my_rule": MyRule}

# What `adambench check` compares the rule with, to 1e-9 over 60 steps: a class of torch.optim if PyTorch is installed,
# or a function of theta (n,), gradients (steps, n) and the setting that returns theta after each step (steps, n).
REFERENCES = {"my_rule": "torch.optim.Adam"}
