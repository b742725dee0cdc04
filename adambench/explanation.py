"""A worked example of a rule: its equations, and its first steps on one weight, computed by the rule itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adambench.docstring import docstring
from adambench.inspection import mean_and_scale
from adambench.optimizers import Optimizer
from adambench.optimizers.base import Array
from adambench.schedules import SCHEDULES, Schedule

GRADS = (1.0, 1.0, -1.0, 2.0, 0.1, 0.1, 0.1, 0.1)
CONSTANT = SCHEDULES["constant"]()
SYMBOLS = {"m_hat": "m̂", "v_hat": "v̂", "s_hat": "ŝ", "n_hat": "n̂"}


@dataclass(frozen=True)
class Worked:
    """One step. values: the running quantities after it, by their symbols in the equations."""

    t: int
    g: float
    values: dict[str, float]
    snr: float | None  # m̂/√v̂ (m̂/u for AdaMax), with its sign
    change: float  # Δθ
    theta: float
    uncorrected: float | None  # Δθ of the same rule without bias correction, from the same gradients


def work(rule: Optimizer, grads: Sequence[float], theta: float = 0.0) -> list[Worked]:
    """The steps of a rule for the given gradients, on one weight in float64."""
    weight = np.array([theta])
    state = rule.init(weight)
    shadow = _without_correction(rule)
    other, other_state = weight.copy(), shadow.init(weight) if shadow else None
    steps = []
    for grad in grads:
        before, other_before = float(weight[0]), float(other[0])
        g = np.array([float(grad)])
        with np.errstate(all="ignore"):  # overflow is an expected result
            rule.step(weight, g, state)
            if shadow and other_state:
                shadow.step(other, g, other_state)
            moments = {name: float(value[0]) for name, value in rule.moments(state).items()}
            mean, scale = mean_and_scale(rule, state)
            snr = None if mean is None or scale is None else float(mean[0] / scale[0]) if scale[0] else 0.0
        steps.append(
            Worked(
                t=state.t,
                g=float(grad),
                values={SYMBOLS.get(name, name): value for name, value in moments.items()},
                snr=snr,
                change=float(weight[0]) - before,
                theta=float(weight[0]),
                uncorrected=float(other[0]) - other_before if shadow else None,
            )
        )
    return steps


def _without_correction(rule: Optimizer) -> Optimizer | None:
    changes: dict[str, Any] = {"bias_correction": False}
    return replace(rule, **changes) if rule.hyperparameters.get("bias_correction") else None


def parts(rule: type[Optimizer]) -> tuple[str, list[str], str]:
    """The parts of a rule's docstring: its summary, its equations line by line, and its source and variants."""
    first, *paragraphs = docstring(rule).split("\n\n")
    equations = [line for text in paragraphs if "←" in text for line in text.splitlines()]
    prose = [" ".join(text.split()) for text in paragraphs if "←" not in text]
    return " ".join(first.split()), equations, "\n".join(prose)


CURVATURE = np.array([1.0, 20.0])  # of the valley f(x, y) = ½(x² + 20·y²)
START = (-1.0, 0.6)


@dataclass(frozen=True)
class Descent:
    """What a rule did on the valley, step by step, in float64. Each array has a last axis of two, for x and y."""

    path: Array  # (steps + 1, …, 2)
    grads: Array  # (steps, …, 2)
    means: Array | None  # (steps, …, 2): m̂, or b of momentum; None if the rule has none
    scales: Array | None  # (steps, …, 2): √v̂, u or √s, the divisor of the rule; None if it has none


def descend(rule: Optimizer, noise: Array, schedule: Schedule = CONSTANT) -> Descent:
    """Go down the valley from START. The rule itself computes every step.

    noise: (steps, …, 2), what is added to the gradients. Axes in the middle are descents side by side.
    """
    shape, steps = noise.shape[1:], len(noise)
    weights = np.broadcast_to(START, shape).flatten()
    state = rule.init(weights)
    path, grads, moments = [weights.copy()], [], []
    with np.errstate(all="ignore"):  # overflow is a result here
        for t in range(1, steps + 1):
            grads.append((CURVATURE * weights.reshape(shape) + noise[t - 1]).flatten())
            rule.step(weights, grads[-1], state, schedule.scale(t, 1, steps))
            path.append(weights.copy())
            moments.append(mean_and_scale(rule, state))
    means, scales = zip(*moments, strict=True)

    def shaped(rows: Sequence[Any]) -> Array:
        return np.array(rows).reshape(len(rows), *shape)

    return Descent(
        path=shaped(path),
        grads=shaped(grads),
        means=None if means[0] is None else shaped(means),
        scales=None if scales[0] is None else shaped(scales),
    )
