"""Whether a run, trained again, is what its record says."""

import math
from dataclasses import fields

from adambench.curve import Curve, Evaluation, first_difference
from adambench.run.provenance import provenance
from adambench.store.records import Record

CLOSE = 1e-4  # relative, at the end of the first epoch: later on, training itself magnifies a last bit


def compare(record: Record, again: Curve) -> tuple[bool, str]:
    """Whether the record is confirmed by the same run trained again, and why, in words.

    With the library and processor of the record, it must be the same to the bit; else it must be close.
    """
    if (epoch := first_difference(record.curve, again)) is None:
        return True, "the same to the bit"
    where = f"differs from epoch {epoch} on"
    if epoch <= min(len(record.curve), len(again)):
        where += f", there by {difference(record.curve[epoch - 1], again[epoch - 1]):.1e} (relative)"
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
    close = difference(record.curve[0], again[0]) <= CLOSE
    return close, f"{where}; {'close enough' if close else 'not close'} after epoch 1, as {', '.join(changed)}"


def difference(one: Evaluation, other: Evaluation) -> float:
    """The largest relative difference in a number, times left out; infinite if only one has it, or has it finite."""
    sizes = [0.0]
    for field in (field for field in fields(Evaluation) if field.compare):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "seconds" or repr(a) == repr(b):
            continue
        both = a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
        sizes.append(abs(a - b) / max(abs(a), abs(b)) if both else math.inf)
    return max(sizes)
