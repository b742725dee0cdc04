"""Whether a run that is trained again matches its record."""

import math
from dataclasses import fields

from adambench.curve import Curve, Evaluation, first_difference
from adambench.execution.provenance import provenance
from adambench.store.records import Record

CLOSE = 1e-4  # relative, after the first epoch; later on, training magnifies a difference in the last bit


def compare(record: Record, again: Curve) -> tuple[bool, str]:
    """Whether training the run again confirms the record, and the reason in words.

    With the NumPy, BLAS and processor of the record, the curve must be the same to the bit. Otherwise it must be close.
    """
    if (epoch := first_difference(record.curve, again)) is None:
        return True, "the same to the bit"
    where = f"differs from epoch {epoch} on"
    if epoch <= min(len(record.curve), len(again)):
        where += f", there by a relative {difference(record.curve[epoch - 1], again[epoch - 1]):.1e}"
    changed = [
        f"{name} was {record.data.get(name)}, is now {now}"
        for name, now in provenance().items()
        if name in ("cpu", "blas") and record.data.get(name) != now
    ]
    then, now = (data["versions"]["numpy"] for data in (record.data, provenance()))
    if then != now:
        changed.append(f"numpy was {then}, is now {now}")
    if not changed:
        return False, where
    close = difference(record.curve[0], again[0]) <= CLOSE
    return close, f"{where}; {'close enough' if close else 'not close'} after epoch 1 ({'; '.join(changed)})"


def difference(one: Evaluation, other: Evaluation) -> float:
    """The largest relative difference of a number, ignoring times; infinite if one side is missing or not finite."""
    sizes = [0.0]
    for field in (field for field in fields(Evaluation) if field.compare):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "seconds" or repr(a) == repr(b):
            continue
        both = a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
        sizes.append(abs(a - b) / max(abs(a), abs(b)) if both else math.inf)
    return max(sizes)
