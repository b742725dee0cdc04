"""Adam with Nesterov momentum."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt, doc

from adambench.optimizers.base import Array, Optimizer, State, nonzero


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov momentum: its step already holds the decay and the gradient of the next mean.

    m ← β₁·m + (1 − β₁)·g          v ← β₂·v + (1 − β₂)·g²
    m̂ = m·μ_{t+1} / (1 − μ₁⋯μ_{t+1}) + g·(1 − μ_t) / (1 − μ₁⋯μ_t),  with  μ_t = β₁·(1 − ½·0.96^(t/250))
    v̂ = v / (1 − β₂ᵗ)
    θ ← θ − α·m̂ / (√v̂ + ε)

    Source: Dozat (2016), with the warming μ_t of its section on implementation. Same as `torch.optim.NAdam` while β₁ is
    constant; there m also decays by β₁. If a schedule moves β₁, the product here is that of the present β₁. Differs
    from the paper's algorithm, where m decays by μ_t, and from Optax, where every μ_t is β₁.
    """

    lr: Annotated[float, Gt(0), doc("step size α, about the largest change of a weight in one step")] = 0.002
    beta1: Annotated[float, Ge(0), Lt(1), doc("decay β₁ of the mean of gradients")] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), doc("decay β₂ of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Ge(0), doc("ε, which keeps the divisor above zero")] = 1e-8
    slot_names = ("M", "V")  # m = (1 − β₁)·M, v = (1 − β₂)·V
    mean_decay = "beta1"

    def moments(self, state: State) -> dict[str, Array]:
        m, v = (1 - self.beta1) * state.slots["M"], (1 - self.beta2) * state.slots["V"]
        return {"m": m, "v": v, "v_hat": v / (1 - self.beta2**state.t)}

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        M, V = slots
        # M ← β₁·M + g,  so that  m = (1 − β₁)·M
        M *= self.beta1
        M += g
        # V ← β₂·V + g²,  so that  √v̂ = c₂·√V
        V *= self.beta2
        np.square(g, out=tmp)
        V += tmp
        c2 = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        # m̂ = c_m·M + c_g·g
        (mu, product), (mu_next, product_next) = warming(self.beta1, t)
        c_m, c_g = (1 - self.beta1) * mu_next / (1 - product_next), (1 - mu) / (1 - product)
        # θ ← θ − α·m̂ / (√v̂ + ε)  =  θ − α/c₂ · (c_m·M + c_g·g) / (√V + ε/c₂)
        np.sqrt(V, out=tmp)
        tmp += nonzero(self.eps / c2, theta)
        np.divide(c_m * M + c_g * g, tmp, out=tmp)
        tmp *= self.lr * lr_scale / c2
        theta -= tmp


def warming(beta1: float, t: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """μ_t and μ₁⋯μ_t, and the same for t + 1."""
    mu, product = _warming(beta1, (t + 1).bit_length())
    return (float(mu[t - 1]), float(product[t - 1])), (float(mu[t]), float(product[t]))


@lru_cache(maxsize=8)
def _warming(beta1: float, bits: int) -> tuple[Array, Array]:
    """All μ_t for t < 2^bits, from t = 1, and their products."""
    mu = beta1 * (1 - 0.5 * 0.96 ** (np.arange(1, 2**bits) / 250))
    return mu, np.cumprod(mu)
