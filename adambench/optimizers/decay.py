"""Decoupled weight decay: which weights decay. The rules that have it apply it in their own equations."""

from typing import Annotated

from annotated_types import Ge, doc

from adambench.optimizers.base import Array, Optimizer, WholeOptimizer

Decay = Annotated[float, Ge(0), doc("strength λ of the decay of weights towards zero, per unit of α")]
DecayBiases = Annotated[bool, doc("let the biases decay too")]


class Decaying(Optimizer):
    """A rule with decoupled weight decay (Loshchilov and Hutter 2019): the decay is no part of the gradient.

    Not a dataclass: each rule has these two fields after its own.
    """

    weight_decay: float
    decay_biases: bool

    def __init_subclass__(cls) -> None:
        if issubclass(cls, WholeOptimizer):
            raise TypeError(
                f"{cls.__name__}: a WholeOptimizer does not see which weights are biases; write its decay out"
            )

    @property
    def by_part(self) -> bool:
        return not self.decay_biases  # only then does a rule need to know which parts are biases

    def decay(self, theta: Array) -> float:
        """λ for a block of theta, or 0 if the block holds biases that are spared."""
        return self.weight_decay if self.decay_biases or theta.ndim > 1 else 0.0
