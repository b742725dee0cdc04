"""Whether a run, trained again, is what its record says."""

import math
from collections.abc import Sequence
from dataclasses import astuple, replace

from adambench.plan import Curve
from adambench.provenance import provenance
from adambench.results import Record

CLOSE = 1e-4  # relative, at the end of the first epoch: later on, training itself magnifies a last bit


def judge(record: Record, again: Curve) -> tuple[bool, str]:
    """Whether the record is confirmed, and in words why.

    The same to the bit is asked where library and processor are those of the record, else closeness.
    """
    if (epoch := first_difference(record.curve, again)) is None:
        return True, "the same to the bit"
    size = difference(record.curve, again)
    where = (
        f"differs from epoch {epoch} on, by {size:.1e} (relative) in epoch 1"
        if size
        else f"differs from epoch {epoch} on"
    )
    changed = [
        f"{name}: {record.data.get(name)} then, {now} now"
        for name, now in provenance().items()
        if name in ("cpu", "blas") and record.data.get(name) != now
    ]
    then, now = (data["versions"]["numpy"] for data in (record.data, provenance()))
    if then != now:
        changed.append(f"numpy: {then} then, {now} now")
    if not changed:
        return False, where
    close = size <= CLOSE
    return close, f"{where}; {'close enough' if close else 'not close'}, as {', '.join(changed)}"


def first_difference(one: Curve, other: Curve) -> int | None:
    """The first epoch in which the curves differ in a bit, times left out; None if there is none."""
    for a, b in zip(one, other, strict=False):
        if repr(replace(a, seconds=0.0)) != repr(replace(b, seconds=0.0)):  # repr: nan is the same as nan
            return a.epoch
    return min(len(one), len(other)) + 1 if len(one) != len(other) else None


def difference(one: Curve, other: Curve) -> float:
    """The largest relative difference in the first epoch; infinite if only one is finite there."""

    def values(curve: Curve) -> Sequence[float]:
        return [value for value in astuple(replace(curve[0], seconds=0.0)) if value is not None]

    pairs = list(zip(values(one), values(other), strict=True))
    if any(math.isfinite(a) != math.isfinite(b) for a, b in pairs):
        return math.inf
    return max(abs(a - b) / max(abs(a), abs(b), 1e-300) for a, b in pairs if math.isfinite(a))
