"""What every optimizer must do: the checks of `adambench check`, and of the tests for every rule that is built in.

Each check takes a setting and returns what is wrong in a sentence, or nothing.
This module is long because there are many checks, which are best read side by side.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt

from adambench import explanation
from adambench.errors import AdambenchError, place
from adambench.optimizers import MatrixOptimizer, Optimizer, State, WholeOptimizer
from adambench.optimizers.base import BLOCK, Array

DTYPES = (np.float32, np.float64)
RANGES = {"Gt", "Ge", "Lt", "Le", "Interval"}  # what limits a hyper-parameter
Check = Callable[[Optimizer], str]


def noise(*shape: int, dtype: npt.DTypeLike = np.float64, seed: int = 0) -> Array:
    """Standard normal numbers, the same for each call."""
    found: Array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return found


def walk(rule: Optimizer, gradients: Array, theta: Array, lr_scale: float = 1.0) -> Array:
    """Theta after a step along each gradient."""
    theta, state = theta.copy(), rule.init(theta)
    for grad in gradients:
        rule.step(theta, grad, state, lr_scale)
    return theta


def in_place(rule: Optimizer) -> str:
    """A step changes theta in place and leaves the gradient alone."""
    for dtype in DTYPES:
        theta, grad = noise(10, dtype=dtype), noise(10, dtype=dtype)
        before, unchanged = theta.copy(), grad.copy()
        rule.step(theta, grad, rule.init(theta))
        if not np.array_equal(grad, unchanged):
            return "update changes the gradient g; write to tmp instead, for example np.multiply(g, …, out=tmp)"
        if not np.isfinite(theta).all():
            return f"after one step, theta in {np.dtype(dtype)} is not finite"
        if (theta == before).any():
            return "the first step leaves weights where they were; change theta in place, for example theta -= tmp"
    return ""


def memory(rule: Optimizer) -> str:
    """The slots are zero before the first step. Steps change them in place and keep their shape and dtype."""
    for dtype in DTYPES:
        theta = noise(10, dtype=dtype)
        state = rule.init(theta)
        slots = dict(state.slots)
        if any(slot.any() for slot in slots.values()):
            return "the slots must be zero before the first step"
        for seed in (0, 1):  # some memory, as of a change of the gradient, begins with the second step
            rule.step(theta, noise(10, dtype=dtype, seed=seed), state)
        for name, slot in slots.items():
            if state.slots.get(name) is not slot or slot.dtype != dtype or slot.shape != theta.shape:
                return f"the slot {name} must be changed in place and keep its shape and its dtype {np.dtype(dtype)}"
            if not slot.any():
                return f"the slot {name} is still zero after two steps; change it in place, for example {name} += g"
    return ""


def downhill(rule: Optimizer) -> str:
    """The first step goes against the gradient."""
    theta, grad = noise(10), noise(10, seed=1)
    moved = walk(rule, grad[None], theta) - theta
    return "" if (np.sign(moved) == -np.sign(grad)).all() else "the first step does not go against the gradient"


def elementwise(rule: Optimizer) -> str:
    """A vector of two and a half blocks changes exactly as its weights do alone, unless the rule needs others."""
    if isinstance(rule, MatrixOptimizer | WholeOptimizer):
        return ""
    n = 2 * BLOCK + BLOCK // 2
    theta, gradients = noise(n, dtype=np.float32), noise(3, n, dtype=np.float32)
    whole = walk(rule, gradients, theta)
    for part in (slice(0, 5), slice(BLOCK - 3, BLOCK + 3), slice(n - 5, n)):
        if not np.array_equal(walk(rule, gradients[:, part].copy(), theta[part]), whole[part]):
            return (
                "a weight's change depends on the other weights; update is called for one block after the other, so it "
                "may only use operations that treat each weight alone, without sums, norms or maxima over the block; "
                "a rule that needs them derives from WholeOptimizer, or from MatrixOptimizer"
            )
    return ""


def single_precision(rule: Optimizer) -> str:
    """Float32 gives the numbers of float64, rounded."""
    theta, gradients = noise(100), noise(50, 100)
    single = walk(rule, gradients.astype(np.float32), theta.astype(np.float32))
    double = walk(rule, gradients, theta)
    if np.allclose(single, double, rtol=2e-3, atol=2e-5):
        return ""
    return f"float32 differs from float64 by up to {np.abs(single - double).max():.2g} after 50 steps"


def scaled(rule: Optimizer) -> str:
    """The factor of the schedule multiplies the rate: 1/2 at every step gives exactly the result of half the rate."""
    theta, gradients, halved = noise(20), noise(10, 20), _with(rule, lr=rule.hyperparameters["lr"] / 2)
    same = np.array_equal(walk(rule, gradients, theta, lr_scale=0.5), walk(halved, gradients, theta))
    return "" if same else "lr_scale must multiply lr: a factor of 1/2 must give exactly the result of half the rate"


def standing(rule: Optimizer) -> str:
    """Without gradients nothing moves, but for weight decay, which shrinks every weight by the same factor.

    And a gradient whose square is too small for a float moves nothing far.
    """
    for dtype in DTYPES:
        theta = noise(10, dtype=dtype)
        with np.errstate(all="raise"):
            try:
                moved = walk(rule, np.zeros((5, 10), dtype), theta)
            except FloatingPointError as error:
                return f"gradients of zero: {error}; keep divisors above zero, for example with nonzero(eps, theta)"
        factors = moved / theta
        if not (np.ptp(factors) < 1e-5 and 0 < factors[0] <= 1):
            return "gradients of zero move the weights"
        with np.errstate(all="ignore"):
            far, tiny = (np.abs(walk(rule, np.full((3, 10), g, dtype), theta) - theta).max() for g in (1.0, 1e-23))
        if not tiny <= 2 * far:  # the square of 1e-23 is zero in float32
            return "gradients of 1e-23 move weights farther than gradients of 1; add nonzero(eps, theta) to the divisor"
    return ""


def determined(rule: Optimizer) -> str:
    """The same steps give the same bits, whatever else the rule is used for in between: the state holds its memory."""
    theta, gradients = noise(20), noise(10, 20)
    expected = walk(rule, gradients, theta)
    if not np.array_equal(walk(rule, gradients, theta), expected):
        return "the same steps gave other numbers the second time; a rule must not draw random numbers or remember runs"
    other, other_state = noise(20, seed=1), rule.init(theta)
    state, at = rule.init(theta), theta.copy()
    for grad in gradients:
        rule.step(at, grad, state)
        rule.step(other, -3 * grad, other_state)
        state = _restored(rule, state, at)
    if not np.array_equal(at, expected):
        return "memory outside the state: all that a rule remembers must be in its slots and in t"
    return ""


def converging(rule: Optimizer) -> str:
    """2,000 steps on ½·θ² from ±1 come nearer to its minimum."""
    theta = np.array([1.0, -1.0])
    state = rule.init(theta)
    for _ in range(2000):
        rule.step(theta, theta.copy(), state)
    return "" if (np.abs(theta) < 1).all() else f"2,000 steps on ½·θ² lead from ±1 to {theta[0]:.3g} and {theta[1]:.3g}"


def refusing(rule: Optimizer) -> str:
    """Arrays of another shape or dtype are refused."""
    theta = np.zeros(3)
    for wrong in (np.zeros(3, np.float16), np.zeros((3, 2))):
        if not _refused(lambda wrong=wrong: rule.init(wrong)):  # type: ignore[misc]  # bound at once
            return f"init accepts {wrong.dtype} of shape {wrong.shape}; it must take a vector of float32 or float64"
    if not _refused(lambda: rule.step(theta, np.zeros(3, np.float32), rule.init(theta))):
        return "step accepts a gradient of another dtype than theta"
    return ""


def remembered(rule: Optimizer) -> str:
    """`moments` returns new arrays; with a constant gradient g, a corrected mean is g and that of squares g²."""
    theta, state = noise(10), rule.init(noise(10))
    if rule.mean_decay and not (rule.mean_decay in rule.hyperparameters and "M" in state.slots):
        return f"mean_decay names the decay of a slot M, which is a sum; found {rule.mean_decay!r} and no such two"
    grad = np.full(10, 2.0)
    for _ in range(5):
        rule.step(theta, grad, state)
        moments = rule.moments(state)
        for name, value in moments.items():
            if value.shape != (10,) or not np.isfinite(value).all():
                return f"moments: {name} must be a finite array like theta"
            if any(np.shares_memory(value, slot) for slot in state.slots.values()):
                return f"moments: {name} must be a new array, not the slot itself"
            exact = {"m_hat": 2.0, "v_hat": 4.0}.get(name)
            if exact and rule.hyperparameters.get("bias_correction", True) and not np.allclose(value, exact, rtol=1e-6):
                return f"moments: with the constant gradient 2, {name} must be {exact:g}, found {value[0]:.6g}"
    if rule.mean_decay and "m" in moments:
        again = _restored(rule, state, theta)
        if not np.allclose(rule.with_decay(0.3, again).moments(again)["m"], moments["m"]):
            return "moments: m changes where a schedule moves its decay; mean_decay names the β of m = (1 − β)·M"
    return ""


def ranged(rule: Optimizer) -> str:
    """Every hyper-parameter is a field with a range."""
    kind = type(rule)
    hints = get_type_hints(kind, include_extras=True)
    for name, value in vars(kind).items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and name.islower() and name[0] != "_" and name not in hints and not hasattr(Optimizer, name):
            return f"{name} has no annotation, so that it is no hyper-parameter; {_example(name)}, or ClassVar[float]"
    for name, value in rule.hyperparameters.items():
        marks = {type(mark).__name__ for mark in getattr(hints.get(name), "__metadata__", ())}
        if not isinstance(value, bool) and name in hints and not marks & RANGES:
            return f"{name} has no range, so that any number is accepted; {_example(name)}"
    return ""


def explained(rule: Optimizer) -> str:
    """The docstring has a sentence, the equations and a source; `explain` computes the steps that training takes."""
    first, equations, prose = explanation.parts(type(rule))
    if not first.endswith("."):
        return "the docstring must begin with a sentence that ends with a full stop"
    if not any(line.startswith("θ ← θ") for line in equations):
        return "the docstring must have a paragraph of equations, with a line that begins with θ ← θ"
    if "Source: " not in prose:
        return "the docstring must say where the rule comes from, in a paragraph that begins with Source:"
    steps = explanation.work(rule, explanation.GRADS, theta=0.7)
    at = walk(rule, np.array(explanation.GRADS)[:, None], np.array([0.7]))[0]
    return "" if steps[-1].theta == at else f"explain ends at {steps[-1].theta}, training at {at}"


CHECKS: dict[str, Check] = {
    "changes theta in place, and leaves the gradient": in_place,
    "keeps its memory in slots, changed in place": memory,
    "first step goes downhill": downhill,
    "every weight is treated alone": elementwise,
    "float32 follows float64": single_precision,
    "lr_scale multiplies the rate": scaled,
    "zero gradients move nothing": standing,
    "deterministic, with all memory in the state": determined,
    "minimises a quadratic": converging,
    "refuses other shapes and dtypes": refusing,
    "moments are new arrays and mean what they say": remembered,
    "hyper-parameters have ranges": ranged,
    "docstring and explain": explained,
}


def judged(check: Callable[[], str], module: str) -> str:
    """What a check finds. An exception in what it checks, from that module, is a finding."""
    with np.errstate(all="ignore"):
        try:
            return check()
        except AdambenchError as error:
            return error.message
        except (Exception, SystemExit) as error:
            found = place(error, module)
            return f"{type(error).__name__}{f' on line {found[1]}' if found else ''}: {error}"


def _example(name: str) -> str:
    return f"write for example {name}: Annotated[float, Gt(0), doc('what it is')]"


def _with(rule: Optimizer, **changes: Any) -> Optimizer:
    return replace(rule, **changes)


def _restored(rule: Optimizer, state: State, theta: Array) -> State:
    """A state made anew from what a checkpoint keeps: the slots and t."""
    made = rule.init(theta)
    made.t = state.t
    for name, slot in made.slots.items():
        slot[:] = state.slots[name]
    return made


def _refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except ValueError:
        return True
    return False
