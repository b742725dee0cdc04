"""Learning-rate schedules: the factor on a rule's rate at each step.

The paper trains softmax regression with α/√t (section 6.1) and everything else at a constant rate. It does not say
whether t counts steps or epochs; the ranking of AdaGrad in its figure 1 turns on that, so both are here.
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
        """The factor at a step. step, epoch: from 1; steps count on through the epochs."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step: α."""

    def describe(self) -> str:
        return "constant rate"

    def factor(self, step: int, epoch: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """A rate that falls with the root of time: α/√t, as in the paper's sections 4 and 6.1."""

    per: Annotated[Literal["step", "epoch"], doc("what t counts")] = "step"

    def describe(self) -> str:
        return f"α/√{self.per}"

    def factor(self, step: int, epoch: int) -> float:
        return 1 / math.sqrt(step if self.per == "step" else epoch)


SCHEDULES: dict[str, type[Schedule]] = {"constant": Constant, "inverse_sqrt": InverseSqrt}
