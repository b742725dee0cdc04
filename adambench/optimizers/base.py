"""What every update rule shares: explicit state, one flat parameter vector, cache-sized blocks.

Every rule works element by element, so it can finish all its passes over one block of the vector before it starts the
next. The block's parameters, gradient, moments and scratch space then stay in the processor's cache. Passes over the
whole vector would wait for memory, which makes them four times slower on 1.8 million parameters.

Updating a running mean, m ← β·m + (1 − β)·g, takes three passes. Updating the sum M ← β·M + g takes only two, and
m = (1 − β)·M. So rules store sums, written as capitals, and multiply the factor 1 − β into a scalar of the equation.

A rule that must know the matrices of a model (Muon), or tell weights from biases, goes through the vector part by part
instead of block by block. Its `by_part` is true, and `init` is given the layout of the vector. One that estimates
something of all weights together, such as a rate of its own (D-Adaptation), has the whole vector as its only part.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Layout = Callable[[Array], Sequence[Array]]
"""The parts of a vector that is laid out like a model's parameters, as views: matrices (inputs, outputs) of weights and
vectors (outputs,) of biases."""

BLOCK = 65_536  # elements: 256 kB of float32 in each of the four or five arrays that a rule touches
SMALLEST_NORMAL = {np.dtype(kind): float(np.finfo(kind).smallest_normal) for kind in (np.float32, np.float64)}


@dataclass
class State:
    """What a rule remembers between steps: the number of steps `t`, and its `slots` by name, each shaped like theta."""

    t: int
    slots: dict[str, Array]
    tmp: Array  # scratch space for one block or part
    layout: Layout | None = None  # of the vector, if the rule goes through it part by part


@dataclass(frozen=True)
class Optimizer(ABC):
    """A setting: an update rule with fixed hyper-parameters.

    Subclasses are frozen dataclasses. Their fields are the hyper-parameters. Together with the annotated constraints,
    the fields are also the schema of the configuration file.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()
    mean_decay: ClassVar[str] = ""  # the decay β of the mean (1 − β)·M, if the slot M holds such a sum

    @property
    def by_part(self) -> bool:
        """Whether `update` gets whole parts of the layout, or rows of them, in place of blocks of the vector."""
        return False

    def __post_init__(self) -> None:
        """Make every number a Python float, because a NumPy float64 would promote float32 arrays to float64."""
        for name, value in vars(self).items():
            if not isinstance(value, bool):
                object.__setattr__(self, name, float(value))

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict(vars(self))

    def init(self, theta: Array, layout: Layout | None = None) -> State:
        """The state before the first step, with every slot zero. theta: (n,) float32 or float64.

        layout: of theta, used only if the rule is `by_part`. Without it, theta is one matrix (n, 1) of weights.
        """
        if theta.ndim != 1 or theta.dtype not in (np.float32, np.float64):
            raise ValueError(f"theta must be a float32 or float64 vector, found {theta.dtype} of shape {theta.shape}")
        return State(
            t=0,
            slots={name: np.zeros_like(theta) for name in self.slot_names},
            tmp=np.empty(theta.size if self.by_part else min(BLOCK, theta.size), theta.dtype),
            layout=(layout or _column) if self.by_part else None,
        )

    def with_decay(self, decay: float, state: State | None = None) -> "Optimizer":
        """The rule with another `beta1`, or `momentum` if it has no β₁; itself if it has neither.

        state: of this rule, which goes on with the other one. The mean of gradients stays what it is, so the sum M that
        stands for it is rescaled: M = m / (1 − β₁).
        """
        name = next((name for name in ("beta1", "momentum") if name in self.hyperparameters), None)
        if name is None:
            return self
        if state and name == self.mean_decay:
            state.slots["M"] *= (1 - self.hyperparameters[name]) / (1 - decay)
        changed: dict[str, Any] = {name: decay}
        return replace(self, **changed)

    def step(self, theta: Array, grad: Array, state: State, lr_scale: float = 1.0) -> None:
        """Update theta and state in place. grad has the shape and dtype of theta and is not changed.

        lr_scale: the factor by which the schedule multiplies the learning rate at this step.
        """
        if grad.shape != theta.shape or grad.dtype != theta.dtype:
            raise ValueError(
                f"grad must be like theta ({theta.dtype} {theta.shape}), found {grad.dtype} of shape {grad.shape}"
            )
        state.t += 1
        lr_scale = float(lr_scale)
        slots = list(state.slots.values())
        if state.layout:
            arrays = (self.parts(array, state.layout) for array in (theta, grad, *slots))
            for part, g, *own in zip(*arrays, strict=True):
                self.update(part, g, own, state.tmp[: g.size].reshape(g.shape), state.t, lr_scale)
            return
        if theta.size <= BLOCK:  # the same without slicing, which saves SGD a quarter of its time on a small model
            self.update(theta, grad, slots, state.tmp, state.t, lr_scale)
            return
        for start in range(0, theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            g = grad[block]
            self.update(theta[block], g, [slot[block] for slot in slots], state.tmp[: g.size], state.t, lr_scale)

    def parts(self, vector: Array, layout: Layout) -> Iterator[Array]:
        """What `update` gets of a vector if the rule is `by_part`: rows of parts, about BLOCK elements at once."""
        for part in layout(vector):
            rows = max(1, BLOCK * len(part) // part.size)
            yield from (part[start : start + rows] for start in range(0, len(part), rows))

    def evaluated(self, theta: Array, state: State) -> Array:
        """The parameters to evaluate the model at: theta itself, unless the rule takes its gradients elsewhere."""
        return theta

    def moments(self, state: State) -> dict[str, Array]:
        """The running quantities after `state.t` steps, by name, in the order of the rule's equations; (n,) each.

        They are new arrays, computed from the slots. `m_hat` and `v_hat` are the running means of the gradient and of
        its square, corrected for their start at zero. `v` and `s` are not corrected.
        """
        return {name: slot.copy() for name, slot in state.slots.items()}

    @abstractmethod
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        """Apply the rule to one block: change theta and slots in place. t: the number of this step, from 1.

        If the rule goes by matrices, these arrays are two-dimensional for weights, and one-dimensional for biases.
        """


@dataclass(frozen=True)
class MatrixOptimizer(Optimizer):
    """A rule that treats each matrix of weights, and each vector of biases, as a whole."""

    @property
    def by_part(self) -> bool:
        return True

    def parts(self, vector: Array, layout: Layout) -> Iterator[Array]:
        yield from layout(vector)


@dataclass(frozen=True)
class WholeOptimizer(Optimizer):
    """A rule that needs all weights at once, as for the norm of the gradient: `update` gets the whole vector (n,)."""

    @property
    def by_part(self) -> bool:
        return True

    def parts(self, vector: Array, layout: Layout) -> Iterator[Array]:
        yield vector


def nonzero(eps: float, theta: Array) -> float:
    """`eps`, or the root of the smallest normal number of theta's dtype if that is larger: to add to a root of squares.

    This makes 0/(0 + ε) zero even for ε = 0, so a weight whose gradient has always been zero does not move. Nor does
    one move far whose gradient is so small that its square is zero: the root of the sum of squares is then too small.
    """
    return max(eps, math.sqrt(SMALLEST_NORMAL[theta.dtype]))


def corrections(beta1: float, beta2: float, t: int, corrected: bool = True) -> tuple[float, float]:
    """1 − β₁ᵗ and 1 − β₂ᵗ; both are 1 without bias correction."""
    return (1 - beta1**t, 1 - beta2**t) if corrected else (1.0, 1.0)


def means(state: State, beta1: float, beta2: float, corrected: bool = True) -> dict[str, Array]:
    """The moments of Adam and its kin, of the slots M and V: m, v and their corrected forms m̂ and v̂."""
    m, v = (1 - beta1) * state.slots["M"], (1 - beta2) * state.slots["V"]
    correction1, correction2 = corrections(beta1, beta2, state.t, corrected)
    return {"m": m, "v": v, "m_hat": m / correction1, "v_hat": v / correction2}


def _column(vector: Array) -> list[Array]:
    return [vector[:, None]]
