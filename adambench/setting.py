"""One setting in training: its rule, its row of the network, its clock, and what is saved of it between two epochs."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

    def __init__(self, optimizer: Optimizer, network: Network, place: int) -> None:
        self.optimizer, self.place, self.parts = optimizer, place, network.parts
        self.theta, self.grad = network.theta[place], network.grad[place]
        self.state = optimizer.init(self.theta)
        self.decay: float | None = None  # of the last step, if the schedule gave one
        self.seconds = 0.0  # CPU time since the beginning
        self.diverged = False

    def save(self) -> Saved:
        """At the end of an epoch. The arrays are those at work, not copies."""
        slots = {f"slot_{name}": slot for name, slot in self.state.slots.items()}
        numbers = {"t": self.state.t, "seconds": self.seconds, "diverged": self.diverged, "decay": self.decay}
        return Saved(numbers, {"theta": self.theta, **slots})

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
        if decay is not None:
            self.optimizer, self.decay = self.optimizer.with_decay(decay, self.state), decay
        self.optimizer.step(self.theta, self.grad, self.state, lr_scale)

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
        test: Evaluated | None,
        full: Evaluated | None,
        validation: Evaluated | None,
    ) -> Evaluation:
        """What was measured in the epoch. None if not evaluated, as when the cost is no longer finite."""
        cost = float(self.cost) / images
        test_loss, test_error = (float(column[self.place]) for column in test) if test else (math.nan, math.nan)
        self.diverged = not (math.isfinite(cost) and math.isfinite(test_loss))
        full_loss, full_error = (float(column[self.place]) for column in full) if test and full else (None, None)
        held_loss, held_error = (
            (float(column[self.place]) for column in validation) if test and validation else (None, None)
        )
        return Evaluation(
            epoch=epoch,
            step=self.steps,
            seconds=round(self.seconds, 4),
            train_loss=cost,
            penalty=float(penalty[self.place]),
            test_loss=test_loss,
            test_error=test_error,
            full_train_loss=full_loss,
            full_train_error=full_error,
            validation_loss=held_loss,
            validation_error=held_error,
            diverged=self.diverged,
            inside=self.inside,
        )


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
