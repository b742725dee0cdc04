"""Random search: settings drawn from ranges. Whoever draws them, in whatever order, they are the same."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adambench.config.check import Check
from adambench.config.shown import show
from adambench.config.yamlfile import Path as Where

KINDS = ("log", "uniform")
TRIES = 100  # for each setting, until it is one that was not drawn before


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, drawn evenly; with `log`, evenly in their logarithm. Four digits are kept."""

    kind: str
    low: float
    high: float

    def at(self, share: float) -> float:
        """The number at a share of the range, from 0 to 1."""
        if self.kind == "log":
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        return min(max(float(f"{value:.4g}"), self.low), self.high)


def range_of(check: Check, value: Mapping[str, Any], hint: Any, path: Where) -> Range | None:
    """`{log: [low, high]}` or `{uniform: [low, high]}`. hint: what a number may be."""
    (kind, ends), *more = value.items()
    at = (*path, kind)
    if more or not isinstance(ends, list) or len(ends) != 2:
        check.fail(path, f"must be {{{kind}: [low, high]}}, e.g. {{log: [1e-5, 1e-1]}}, found {show(value)}")
        return None
    before = len(check.errors)
    low, high = (check.value(end, hint, (*at, i)) for i, end in enumerate(ends))
    if len(check.errors) > before:
        return None
    if bool in map(type, ends):
        check.fail(at, f"must be two numbers; give {show([True, False])} as a list, found {show(ends)}")
        return None
    if not low < high or (kind == "log" and low <= 0):
        check.fail(at, f"must be [low, high] with {'0 < ' if kind == 'log' else ''}low < high, found {show(ends)}")
        return None
    return Range(kind, float(low), float(high))


def draw(axes: Mapping[str, Range | Sequence[Any]], count: int, name: str, label: str) -> list[tuple[Any, ...]]:
    """So many different settings, each with a number of every range and a value of every list, in the order of axes.

    Python guarantees the sequence of `random()` for a seed, which is made from the names of the experiment and of the
    optimizer. So the first settings of a larger search are those of a smaller one. Fewer if there are not so many.
    """
    seed = int.from_bytes(hashlib.sha256(f"{name}\n{label}".encode()).digest())
    share = random.Random(seed).random
    found: dict[tuple[Any, ...], None] = {}
    for _ in range(TRIES * count):
        found.setdefault(tuple(_drawn(axis, share()) for axis in axes.values()))
        if len(found) == count:
            break
    return list(found)


def _drawn(axis: Range | Sequence[Any], share: float) -> Any:
    return axis.at(share) if isinstance(axis, Range) else axis[int(share * len(axis))]
