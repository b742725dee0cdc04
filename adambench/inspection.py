"""Inspect a rule while it trains: how large gradients, moments and steps are, over all parameters and by layer.

Inspection works on copies, so the run keeps its bits. Of the many values of each quantity, the quantiles are kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from adambench.optimizers import Optimizer, State
from adambench.optimizers.base import Array

QUANTILES = (5, 25, 50, 75, 95)  # per cent
WHOLE = "all"  # the part that is all parameters
SCALES = {
    "v_hat": np.sqrt,
    "u": np.abs,
    "v": np.sqrt,
    "s": np.sqrt,
}  # what a rule divides by: the first of these that it has

Row = Mapping[str, Any]


def points(per_decade: int, steps: int) -> frozenset[int]:
    """The steps to inspect, from the first to the last, evenly spaced in the logarithm."""
    count = int(per_decade * np.log10(steps)) + 1
    return frozenset({*(round(10 ** (k / per_decade)) for k in range(count)), steps})


def inspect(
    optimizer: Optimizer,
    state: State,
    before: Array,
    theta: Array,
    grad: Array,
    lr_scale: float,
    parts: Mapping[str, slice],
) -> Iterator[Row]:
    """After a step: a row for all parameters, and one for each part.

    before, theta: (n,) the parameters before and after the step; grad: the gradient that it took. Columns: `step`,
    `part`, `ratio` (‖Δθ‖/‖θ‖), `correction1` (1 − β₁ᵗ) and `correction2` (1 − β₂ᵗ) where the rule has a β₁ and a β₂,
    and the quantiles `<name>_<percent>` of `quantities`.
    """
    alpha = optimizer.hyperparameters["lr"] * lr_scale
    found = quantities(optimizer, state, theta - before, grad, alpha)
    for part, where in {WHOLE: slice(None), **parts}.items():
        row: dict[str, Any] = {"step": state.t, "part": part}
        norm = float(np.linalg.norm(before[where]))
        row["ratio"] = float(np.linalg.norm((theta - before)[where])) / norm if norm else None
        for number in (1, 2):
            beta = optimizer.hyperparameters.get(f"beta{number}")
            row[f"correction{number}"] = None if beta is None else 1 - beta**state.t
        for name, values in found.items():
            for percent, value in zip(QUANTILES, np.percentile(values[where], QUANTILES), strict=True):
                row[f"{name}_{percent}"] = float(f"{value:.5g}")
        yield row


def quantities(optimizer: Optimizer, state: State, change: Array, grad: Array, alpha: float) -> dict[str, Array]:
    """What is inspected, as far as the rule has it; (n,) each, not negative.

    grad |g|; step |Δθ|/α, the effective step, about 1 at most for Adam; scale √v̂ (u for AdaMax, √s for AdaGrad), what
    the gradient is divided by; mean |m̂| (|b| for momentum); snr |m̂|/√v̂, the signal-to-noise ratio (section 2.1), 0
    where the gradient has always been 0.
    """
    moments = optimizer.moments(state)
    found = {"grad": np.abs(grad), "step": np.abs(change) / alpha}
    scale = next((root(moments[name]) for name, root in SCALES.items() if name in moments), None)
    mean = next((np.abs(moments[name]) for name in ("m_hat", "b") if name in moments), None)
    if scale is not None:
        found["scale"] = scale
    if mean is not None:
        found["mean"] = mean
    if scale is not None and mean is not None:
        found["snr"] = np.divide(mean, scale, out=np.zeros_like(mean), where=scale > 0)
    return found
