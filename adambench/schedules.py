"""Learning-rate schedules: the factor that multiplies the learning rate at each step.

The paper trains softmax regression with α/√t (section 6.1) and everything else at a constant rate. In its section 4,
to which it refers, t counts steps. The ranking of AdaGrad in its figure 1 depends on this, so epochs are available too.

The other schedules have a horizon: they spread over all steps of a run. Their progress at a step is (step − 1)/steps,
which runs from 0 to just below 1, as in fast.ai. A tuning run that is shorter than the report runs has its own horizon.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, doc

Decay = Annotated[float, Ge(0), Lt(1)]
Momenta = tuple[Decay, Decay, Decay]
Share = Annotated[float, Gt(0), Lt(1)]


@dataclass(frozen=True)
class Schedule(ABC):
    """A factor on the learning rate, at most 1, so that `lr` is the highest rate.

    In all methods, step and epoch are counted from 1, the step count does not restart in an epoch, and steps is the
    number of steps of the whole run. But `factor` and `decay` begin after the warm-up: they get the steps (and `factor`
    the epochs) from there on, and the number of steps that are left.
    """

    warmup: Annotated[int, Ge(0), doc("steps in which the rate first rises linearly; the schedule follows")] = field(
        default=0, kw_only=True
    )

    @abstractmethod
    def describe(self) -> str:
        """The rate after the warm-up, for titles."""

    @abstractmethod
    def factor(self, step: int, epoch: int, steps: int) -> float:
        """The factor at a step, without the warm-up."""

    def scale(self, step: int, epoch: int, steps: int) -> float:
        """The factor at a step, with the warm-up. The schedule has what is left of the steps.

        Raises ValueError if `factor` is not from 0 to 1.
        """
        rising = step / (self.warmup + 1) if step <= self.warmup else 1.0
        factor = self.factor(max(1, step - self.warmup), epoch, max(1, steps - self.warmup))
        if not (isinstance(factor, int | float | np.number) and 0 <= factor <= 1):
            raise ValueError(f"the factor must be a number from 0 to 1, found {factor!r:.40} at step {step} of {steps}")
        return rising * factor

    def decay(self, step: int, steps: int) -> float | None:
        """The decay of the running mean of gradients (`beta1` or `momentum`); None leaves the setting's own."""
        return None

    def beta(self, step: int, steps: int) -> float | None:
        """The decay at a step, with the warm-up, during which it is that of the first step after it.

        Raises ValueError if `decay` is neither None nor from 0 to below 1.
        """
        decay = self.decay(max(1, step - self.warmup), max(1, steps - self.warmup))
        if not (decay is None or (isinstance(decay, int | float | np.number) and 0 <= decay < 1)):
            raise ValueError(f"decay must be a number from 0 to below 1, or None, found {decay!r:.40} at step {step}")
        return None if decay is None else float(decay)

    def title(self) -> str:
        return self.describe() + (f" after {self.warmup:,} steps of warm-up" if self.warmup else "")


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate α at every step."""

    def describe(self) -> str:
        return "constant rate"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """A rate that decays as α/√t, as in the paper's sections 4 and 6.1."""

    per: Annotated[Literal["step", "epoch"], doc("whether t counts steps or epochs")] = "step"

    def describe(self) -> str:
        return f"α/√{self.per}"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return 1 / math.sqrt(step if self.per == "step" else epoch)


@dataclass(frozen=True)
class Linear(Schedule):
    """A rate that falls along a line, over the whole run."""

    end: Annotated[float, Ge(0), Le(1), doc("the factor that it falls to")] = 0.0

    def describe(self) -> str:
        return f"linear decay{_to(self.end)}"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return 1 + (self.end - 1) * (step - 1) / steps


@dataclass(frozen=True)
class Cosine(Schedule):
    """A rate that falls along half a cosine, over the whole run (Loshchilov and Hutter 2017, without restarts)."""

    end: Annotated[float, Ge(0), Le(1), doc("the factor that it falls to")] = 0.0

    def describe(self) -> str:
        return f"cosine decay{_to(self.end)}"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return _cosine(1.0, self.end, (step - 1) / steps)


@dataclass(frozen=True)
class Step(Schedule):
    """A rate that drops at certain shares of the run, and is constant in between."""

    drops: Annotated[tuple[Share, ...], doc("when it drops, as shares of the run between 0 and 1")] = (0.5, 0.75)
    gamma: Annotated[float, Gt(0), Lt(1), doc("the factor of each drop")] = 0.1

    def describe(self) -> str:
        return f"rate × {self.gamma:g} at {', '.join(f'{100 * drop:g}' for drop in self.drops)} % of the run"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return self.gamma ** sum(step - 1 >= round(drop * steps, 9) for drop in self.drops)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rate that rises to α and then falls far below its start, each along half a cosine (Smith's one-cycle policy).

    The momentum moves against it: it falls while the rate rises, and rises while the rate falls. This is β₁ of a rule
    that has it, otherwise μ; the values of the setting are not used then.

    Source: Smith (2018), section 4; in the form of fast.ai's `fit_one_cycle`. Differs from PyTorch's `OneCycleLR`,
    whose `final_div_factor` divides the first rate instead of α, and which ends one step earlier.
    """

    pct_start: Annotated[float, Gt(0), Lt(1), doc("the share of the run in which the rate rises")] = 0.25
    div: Annotated[float, Ge(1), doc("α divided by the first rate")] = 25.0
    div_final: Annotated[float, Ge(1), doc("α divided by the rate that it falls to")] = 1e5
    cycle_momentum: Annotated[bool, doc("move β₁ or μ against the rate")] = True
    momentum: Annotated[Momenta, doc("β₁ or μ at the start, at the highest rate and at the end")] = (0.95, 0.85, 0.95)

    def describe(self) -> str:
        return "one-cycle rate" if self.cycle_momentum else "one-cycle rate at constant momentum"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return self._cycle((1 / self.div, 1.0, 1 / self.div_final), step, steps)

    def decay(self, step: int, steps: int) -> float | None:
        return self._cycle(self.momentum, step, steps) if self.cycle_momentum else None

    def _cycle(self, values: tuple[float, float, float], step: int, steps: int) -> float:
        """From the first value to the second, and on to the third."""
        start, middle, end = values
        progress = (step - 1) / steps
        if progress < self.pct_start:
            return _cosine(start, middle, progress / self.pct_start)
        return _cosine(middle, end, (progress - self.pct_start) / (1 - self.pct_start))


def _cosine(start: float, end: float, progress: float) -> float:
    """From start to end along half a cosine; progress: from 0 to 1."""
    return start + (end - start) * (1 - math.cos(math.pi * progress)) / 2


def _to(end: float) -> str:
    return f" to {end:g} of the rate" if end else ""


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "inverse_sqrt": InverseSqrt,
    "linear": Linear,
    "cosine": Cosine,
    "step": Step,
    "one_cycle": OneCycle,
}
