"""Inspect a rule while it trains: the sizes of gradients, moments and steps, over all parameters and by layer.

Inspection works on copies, so it does not change the run. It keeps only quantiles of each quantity.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from adambench.optimizers import OPTIMIZERS, Optimizer, State
from adambench.optimizers.base import Array

QUANTILES = (5, 25, 50, 75, 95)  # per cent
WHOLE = "all"  # the name of the part that holds all parameters
RESERVED = {"divisor": np.abs, "v_hat": np.sqrt}  # of any rule, how its divisor comes of what `moments` calls so
BUILT_IN = {"s_hat": np.sqrt, **RESERVED, "n_hat": np.sqrt, "u": np.abs, "v": np.sqrt, "s": np.sqrt}

Row = Mapping[str, Any]


def points(per_decade: int, steps: int) -> frozenset[int]:
    """The steps to inspect, from the first to the last, evenly spaced on a logarithmic scale."""
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
    """After a step, yield one row for all parameters and one for each part.

    before, theta: (n,), the parameters before and after the step; grad: the gradient that the step used. Columns:
    `step`; `part`; `ratio` (‖Δθ‖/‖θ‖); `correction1` (1 − β₁ᵗ) and `correction2` (1 − β₂ᵗ), None if the rule has no
    such β, whether or not it applies them; and the quantiles `<name>_<percent>` of `quantities`.
    """
    alpha = optimizer.hyperparameters["lr"] * lr_scale
    change = theta - before
    found = quantities(optimizer, state, change, grad, alpha)
    for part, where in {WHOLE: slice(None), **parts}.items():
        row: dict[str, Any] = {"step": state.t, "part": part}
        norm = float(np.linalg.norm(before[where]))
        row["ratio"] = float(np.linalg.norm(change[where])) / norm if norm else None
        for number in (1, 2):
            beta = optimizer.hyperparameters.get(f"beta{number}")
            row[f"correction{number}"] = None if beta is None else 1 - beta**state.t
        for name, values in found.items():
            for percent, value in zip(QUANTILES, np.percentile(values[where], QUANTILES), strict=True):
                row[f"{name}_{percent}"] = float(f"{value:.5g}")
        yield row


def quantities(optimizer: Optimizer, state: State, change: Array, grad: Array, alpha: float) -> dict[str, Array]:
    """The quantities to inspect, without those that the rule lacks; (n,) each, not negative.

    - grad: |g|
    - step: |Δθ|/α, the effective step, at most about 1 for Adam
    - scale: √v̂ (u for AdaMax, √s for AdaGrad, `divisor` of a plug-in's rule), the divisor of the gradient
    - mean: |m̂| (|b| for momentum)
    - snr: |m̂|/√v̂, the signal-to-noise ratio (section 2.1), 0 where the gradient has always been 0
    """
    mean, scale = mean_and_scale(optimizer, state)
    found = {"grad": np.abs(grad), "step": np.abs(change) / alpha}
    if scale is not None:
        found["scale"] = scale
    if mean is not None:
        mean = found["mean"] = np.abs(mean)
    if scale is not None and mean is not None:
        found["snr"] = np.divide(mean, scale, out=np.zeros_like(mean), where=scale > 0)
    return found


def mean_and_scale(optimizer: Optimizer, state: State) -> tuple[Array | None, Array | None]:
    """The running mean of gradients (m̂, or b of momentum) and the divisor (√v̂, u, √s); None for what a rule lacks.

    The divisor is the first of the names above that the rule has and that is nowhere below zero. A plug-in may call
    anything v or b, so of its own rules only the reserved names count.
    """
    moments = optimizer.moments(state)
    known = type(optimizer) in OPTIMIZERS.values()
    mean = next((moments[name] for name in ("m_hat", "b") if name in moments and (known or name != "b")), None)
    scales = BUILT_IN if known else RESERVED
    found = ((root, moments[name]) for name, root in scales.items() if name in moments)
    return mean, next((root(square) for root, square in found if root is np.abs or not (square < 0).any()), None)
