"""One setting in training: its rule, its row of the network, its clock, and what is saved of it between two epochs."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from adambench import inspection
from adambench.curve import Evaluation
from adambench.datasets.batches import Floats
from adambench.inspection import Row
from adambench.models import Network
from adambench.optimizers import Optimizer
from adambench.optimizers.base import Array

Evaluated = tuple[Floats, Floats]  # mean cost and share of wrong labels, of each setting


@dataclass(frozen=True)
class Saved:
    """One setting at the end of an epoch: all that its further training depends on."""

    numbers: Mapping[str, Any]  # what JSON can hold
    arrays: Mapping[str, Array]


class Setting:
    """One setting in training: its rule, its row of the network, and what is known of the present epoch."""

    def __init__(
        self,
        optimizer: Optimizer,
        network: Network,
        place: int,
        average: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """average, clip_norm: those of `Training`."""
        self.optimizer, self.place, self.parts = optimizer, place, network.parts
        self.theta, self.grad = network.theta[place], network.grad[place]
        self.state = optimizer.init(self.theta, network.layout)
        self.decay: float | None = None  # of the last step, if the schedule gave one
        self.average, self.clip_norm = average, clip_norm
        self.past = np.zeros_like(self.theta) if average else None  # the decaying sum of all theta so far
        self.seconds = 0.0  # CPU time since the beginning
        self.diverged = False

    def save(self) -> Saved:
        """At the end of an epoch. The arrays are those at work, not copies."""
        slots = {f"slot_{name}": slot for name, slot in self.state.slots.items()}
        past = {} if self.past is None else {"past": self.past}
        numbers = {"t": self.state.t, "seconds": self.seconds, "diverged": self.diverged, "decay": self.decay}
        return Saved(numbers, {"theta": self.theta, **slots, **past})

    def restore(self, saved: Saved) -> None:
        """Go on where it was saved. Raises ValueError if that was another model or rule."""
        arrays = self.save().arrays
        kinds = [{name: (a.shape, a.dtype) for name, a in given.items()} for given in (arrays, saved.arrays)]
        if kinds[0] != kinds[1]:
            raise ValueError("of another model or rule")
        for name, array in arrays.items():
            array[:] = saved.arrays[name]
        self.state.t, self.seconds = saved.numbers["t"], saved.numbers["seconds"]
        self.diverged, self.decay = saved.numbers["diverged"], saved.numbers["decay"]
        if self.decay is not None:
            self.optimizer = self.optimizer.with_decay(self.decay)

    def begin_epoch(self) -> None:
        self.cost = 0.0  # summed over the images of the epoch so far
        self.steps = 0  # since the beginning of training; 0 before the epoch's first
        self.inside: list[Row] = []

    def step(self, cost: float, lr_scale: float, decay: float | None, step: int, inspecting: bool) -> None:
        """One update. cost: of the minibatch, summed over its images; lr_scale, decay: as the schedule has them."""
        self.cost += cost
        self.steps = step
        if inspecting:
            self.before = self.theta.copy()
        if self.clip_norm:
            clip(self.grad, self.clip_norm)
        if decay is not None:
            self.optimizer, self.decay = self.optimizer.with_decay(decay, self.state), decay
        self.optimizer.step(self.theta, self.grad, self.state, lr_scale)

    def remember(self) -> None:
        """Add theta to the average, once the model has brought it back into the set that it allows."""
        if self.average and self.past is not None:
            # past ← β·past + θ,  so that  θ̄ = (1 − β)·past
            self.past *= self.average
            self.past += self.theta

    def evaluated(self) -> Array:
        """The parameters that are evaluated: theta, or where the rule says."""
        return self.optimizer.evaluated(self.theta, self.state)

    def averaged(self) -> Array:
        """The running mean θ̄ of theta, corrected for its start at zero: θ̄/(1 − βᵗ) (section 7.2)."""
        assert self.average
        assert self.past is not None
        mean: Array = (1 - self.average) / (1 - self.average**self.state.t) * self.past
        return mean

    def inspect(self, lr_scale: float) -> None:
        """What the last step did inside the rule."""
        self.inside += inspection.inspect(
            self.optimizer, self.state, self.before, self.theta, self.grad, lr_scale, self.parts
        )

    def end_epoch(
        self,
        epoch: int,
        images: int,
        penalty: Floats,
        found: Mapping[str, Evaluated],
    ) -> Evaluation:
        """What was measured in the epoch.

        found: the costs and errors of all settings, by what was evaluated, as the fields of `Evaluation` name it. Empty
        if nothing was, as when the cost is no longer finite.
        """
        cost = float(self.cost) / images
        measured = {
            f"{name}_{kind}": float(column[self.place])
            for name, columns in found.items()
            for kind, column in zip(("loss", "error"), columns, strict=True)
        }
        losses = [loss for name, loss in measured.items() if name.endswith("_loss")]
        self.diverged = not (found and all(map(math.isfinite, (cost, *losses))))
        return Evaluation(
            epoch=epoch,
            step=self.steps,
            seconds=round(self.seconds, 6),
            train_loss=cost,
            penalty=float(penalty[self.place]),
            diverged=self.diverged,
            inside=self.inside,
            **measured,
        )


def clip(grad: Array, norm: float) -> None:
    """Scale a gradient in place to a norm, if it is longer (Pascanu, Mikolov and Bengio 2013, algorithm 1).

    Differs from `torch.nn.utils.clip_grad_norm_`, which adds 1e-6 to the length. The sum is NumPy's own, and not that
    of BLAS, whose bits may depend on where the gradient lies in memory.
    """
    length = math.sqrt(float(np.sum(np.square(grad))))
    if math.isinf(length) and math.isfinite(largest := float(np.abs(grad).max())):  # the squares overflow, it does not
        grad /= largest
        grad *= min(largest, norm / math.sqrt(float(np.sum(np.square(grad)))))
    elif length > norm:
        grad *= norm / length


@contextmanager
def placed(points: Iterable[tuple[Setting, Array]]) -> Iterator[None]:
    """The network with the parameters of these settings replaced, for a while."""
    kept = [(setting, setting.theta.copy(), point) for setting, point in points if point is not setting.theta]
    for setting, _, point in kept:
        setting.theta[:] = point
    yield
    for setting, theta, _ in kept:
        setting.theta[:] = theta


class Clock:
    """Gives each setting the CPU seconds of its own updates, and its part of what all share."""

    def start(self) -> None:
        self._last = time.process_time()

    def own(self, setting: Setting) -> None:
        setting.seconds += self._lap()

    def shared(self, among: Sequence[Setting]) -> None:
        lap = self._lap()
        for setting in among:
            setting.seconds += lap / len(among)

    def _lap(self) -> float:
        before, self._last = self._last, time.process_time()
        return self._last - before
