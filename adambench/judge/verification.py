"""Whether a run that is trained again matches its record.

Nothing in the record chooses how it is judged: status, length and every epoch are always compared, by the same bounds.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from adambench.curve import METRICS, Curve, Evaluation, first_difference
from adambench.execution.provenance import provenance
from adambench.store.records import Record, inside


class Match(Enum):
    """How a record matches."""

    SAME = "confirmed"
    CLOSE = "close"
    NOT = "not confirmed"


FIRST, GROWTH, MOST = 5e-3, 3.0, 0.05


def tolerance(epoch: int) -> float:
    """How far apart close runs may be, in cost relative and in error rate absolute: 0.5 %·3^(epoch − 1), at most 5 %.

    Kernels of other processors round differently, and training magnifies that until the noise of the minibatches limits
    it. docs/reproduction.md has what was measured between the kernels of OpenBLAS.
    """
    return min(FIRST * GROWTH ** min(epoch - 1, 99), MOST)


def compare(record: Record, again: Curve) -> tuple[Match, str]:
    """Whether training the run again gave the record's curve, and the reason in words."""
    if (epoch := first_difference(record.curve, again)) is None:
        if json.dumps(record.data.get("inside", {})) == json.dumps(inside(again)):
            return Match.SAME, "the same to the bit"
        return _not("the curve is the same to the bit, but what was inspected is not")
    if len(record.curve) != len(again):
        return _not(f"{len(record.curve)} epochs in the record, {len(again)} when trained again")
    if (then := record.curve[-1].diverged) != again[-1].diverged:
        return _not(f"{_status(then)} in the record, {_status(not then)} when trained again")
    apart = [pair for one, other in zip(record.curve, again, strict=True) for pair in differences(one, other)]
    if beyond := [(size, allowed) for size, allowed in apart if size > allowed]:
        size, allowed = beyond[0]
        return _not(f"differs from epoch {epoch} on, by {size:.1e} where {allowed:.1e} is allowed")
    largest = max((size for size, _ in apart), default=0.0)
    words = f"close, but not to the bit: differs from epoch {epoch} on, by at most {largest:.1e}"
    changed = "; ".join(surroundings(record.data))
    return Match.CLOSE, f"{words} ({changed or 'the record names this processor, BLAS and NumPy'})"


def _not(reason: str) -> tuple[Match, str]:
    return Match.NOT, f"{Match.NOT.value}: {reason}"


def _status(diverged: bool) -> str:
    return "diverged" if diverged else "finished"


def surroundings(data: Mapping[str, Any]) -> list[str]:
    """What a record says of processor, BLAS and NumPy, where that is not so here. It explains, and decides nothing."""
    now = provenance()
    pairs = {name: (data[name], now[name]) for name in ("cpu", "blas")}
    pairs["numpy"] = (data["versions"]["numpy"], now["versions"]["numpy"])
    return [f"{name} was {then}, is now {here}" for name, (then, here) in pairs.items() if then != here]


def differences(one: Evaluation, other: Evaluation) -> Iterator[tuple[float, float]]:
    """The size of each difference, ignoring times, and how large it may be.

    Infinite if the epochs or steps differ, or if one side is missing or not finite.
    """
    for field in (field for field in fields(Evaluation) if field.compare and field.name != "seconds"):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if repr(a) == repr(b):
            continue
        metric = METRICS.get(field.name)
        if metric is None or a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
            yield math.inf, 0.0
        else:
            scale = 1 if metric.percent else max(abs(a), abs(b))
            yield abs(a - b) / (scale or 1), tolerance(one.epoch)  # 0 and -0 differ too
