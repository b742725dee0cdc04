"""Learning-rate schedules: the factor that multiplies the learning rate at each step.

The paper trains softmax regression with α/√t (section 6.1) and everything else at a constant rate. It does not say
whether t counts steps or epochs. The ranking of AdaGrad in its figure 1 depends on this, so both are available.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import doc


@dataclass(frozen=True)
class Schedule(ABC):
    """A factor on the learning rate, 1 at the first step."""

    @abstractmethod
    def describe(self) -> str:
        """The rate, for titles."""

    @abstractmethod
    def factor(self, step: int, epoch: int) -> float:
        """The factor at a step. step, epoch: counted from 1; the step count does not restart in an epoch."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate α at every step."""

    def describe(self) -> str:
        return "constant rate"

    def factor(self, step: int, epoch: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """A rate that decays as α/√t, as in the paper's sections 4 and 6.1."""

    per: Annotated[Literal["step", "epoch"], doc("whether t counts steps or epochs")] = "step"

    def describe(self) -> str:
        return f"α/√{self.per}"

    def factor(self, step: int, epoch: int) -> float:
        return 1 / math.sqrt(step if self.per == "step" else epoch)


SCHEDULES: dict[str, type[Schedule]] = {"constant": Constant, "inverse_sqrt": InverseSqrt}
