"""The words of the language for claims: operators, functions of values, measures of runs, and sums over problems."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Takes:
    """The arguments of a measure: labels of optimizers, then a level if it needs one, then an optional metric.

    search: whether it is computed from the tuning runs and can be restricted to some of them, as in
    `best(adam, beta1=0.9)`. Otherwise it is computed from the report runs, seed by seed.
    """

    labels: int = 1
    level: bool = False
    metric: bool = False
    search: bool = False


MEASURES = {
    "final": Takes(metric=True),
    "epochs": Takes(level=True, metric=True),
    "seconds": Takes(level=True, metric=True),
    "best": Takes(search=True),
    "limit": Takes(level=True, search=True),
    "gap": Takes(labels=2, search=True),
}

OF_THE_SEARCH = ", ".join(name for name, takes in MEASURES.items() if takes.search)


def _extreme(choose: Callable[..., float]) -> Callable[..., float]:
    """Min or max; nan if any of the values is nan."""
    return lambda *values: math.nan if any(map(math.isnan, values)) else choose(values)


def _mean(*values: float) -> float:
    return sum(values) / len(values)


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan if value != 0 else -math.inf


class Plain(NamedTuple):
    """A function that takes only values."""

    apply: Callable[..., float]
    most: float  # arguments, at least one


PLAIN: Mapping[str, Plain] = {
    "min": Plain(_extreme(min), math.inf),
    "max": Plain(_extreme(max), math.inf),
    "abs": Plain(abs, 1),
    "log10": Plain(_log10, 1),
}


def _divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}

OVER: Mapping[str, Callable[..., float]] = {"mean": _mean, "worst": _extreme(max)}
"""Functions of one expression, whose value they take on every problem: the mean, and the largest."""
