"""What every update rule shares: explicit state, one flat parameter vector, cache-sized blocks.

A rule is elementwise, so its many small passes can run over one block of the vector after the other. A block of the
parameters, the gradient, the moments and the scratch space stays in the processor's cache from the first pass to the
last; written over the whole vector, the same passes wait for memory (four times slower on 1.8 million parameters).

A running mean m ← β·m + (1 − β)·g costs three passes; the sum that it is a multiple of, M ← β·M + g with
m = (1 − β)·M, only two. So rules store sums, in capitals, and put the factor 1 − β where there is a scalar to take it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

BLOCK = 65_536  # elements: 256 kB of float32 in each of the four or five arrays that a rule touches
SMALLEST_NORMAL = {np.dtype(kind): float(np.finfo(kind).smallest_normal) for kind in (np.float32, np.float64)}


@dataclass
class State:
    """What a rule remembers between steps: `t`, the number of steps taken, and its `slots` by name, each like theta."""

    t: int
    slots: dict[str, Array]
    tmp: Array  # one block of scratch space


@dataclass(frozen=True)
class Optimizer(ABC):
    """An update rule with its hyper-parameters fixed: a setting.

    Subclasses are frozen dataclasses. Their fields are the hyper-parameters and, with the constraints annotated beside
    them, the schema of the configuration file.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Python floats take an array's dtype; a NumPy float64 would promote every float32 expression it meets."""
        for name, value in vars(self).items():
            if not isinstance(value, bool):
                object.__setattr__(self, name, float(value))

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict(vars(self))

    def init(self, theta: Array) -> State:
        """State before the first step: every slot zero. theta: (n,) float32 or float64."""
        if theta.ndim != 1 or theta.dtype not in (np.float32, np.float64):
            raise ValueError(f"theta must be a float32 or float64 vector, found {theta.dtype} of shape {theta.shape}")
        return State(
            t=0,
            slots={name: np.zeros_like(theta) for name in self.slot_names},
            tmp=np.empty(min(BLOCK, theta.size), theta.dtype),
        )

    def step(self, theta: Array, grad: Array, state: State, lr_scale: float = 1.0) -> None:
        """One update, in place: theta and state change, grad (like theta) does not.

        lr_scale: the schedule's factor on the learning rate at this step.
        """
        if grad.shape != theta.shape or grad.dtype != theta.dtype:
            raise ValueError(
                f"grad must be like theta ({theta.dtype} {theta.shape}), found {grad.dtype} of shape {grad.shape}"
            )
        state.t += 1
        lr_scale = float(lr_scale)
        slots = list(state.slots.values())
        if theta.size <= BLOCK:
            self.update(theta, grad, slots, state.tmp, state.t, lr_scale)
            return
        for start in range(0, theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            g = grad[block]
            self.update(theta[block], g, [slot[block] for slot in slots], state.tmp[: g.size], state.t, lr_scale)

    def moments(self, state: State) -> dict[str, Array]:
        """The running quantities of the rule's equations after `state.t` steps, by name, in their order; (n,) each.

        Newly computed from the slots; nothing is changed. `m_hat` is a mean of gradients freed of its start at zero,
        `v_hat` one of their squares (`v` and `s`: not freed of it).
        """
        return {name: slot.copy() for name, slot in state.slots.items()}

    @abstractmethod
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        """The rule itself, on one block: change theta and slots in place. t: this step's number, from 1."""


def nonzero(eps: float, theta: Array) -> float:
    """`eps`, or the smallest normal number of theta's dtype if that is larger.

    Makes 0/(0 + ε) zero even for ε = 0: a weight whose gradient has always been zero stays where it is.
    """
    return max(eps, SMALLEST_NORMAL[theta.dtype])
