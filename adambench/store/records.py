"""The record of a finished run: its definition, its curve, and where and when it was trained."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from adambench.curve import Curve, Evaluation
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance
from adambench.store import schema
from adambench.store.schema import COLUMNS, OPTIONAL

FORMAT = 1
TABLES = ("curve", "inside")  # the parts of a record that are stored by columns


class NewerFormatError(ValueError):
    """A record that a newer version has written, which is none of our business."""


@dataclass(frozen=True)
class Record:
    """A finished run as it is stored: its definition, its curve, and where and when it was trained."""

    id: str
    curve: Curve
    data: Mapping[str, Any]  # the whole JSON object, including the curve

    @classmethod
    def of(cls, run: Run, curve: Curve, together: int = 1, where: Mapping[str, Any] | None = None) -> "Record":
        """The record of a run. together: how many runs were trained together; `seconds` is this run's share.

        where: the `provenance` of the process that trained it; None: of this one.
        """
        last = curve[-1]
        data = {
            "format": FORMAT,
            "id": run.id,
            "problem": run.problem,
            "optimizer": run.label,
            "phase": run.phase,
            "status": "diverged" if last.diverged else "finished",
            "diverged_epoch": last.epoch if last.diverged else None,
            "seconds": last.seconds,
            "together": together,
            **run.numbers,
            **(where or provenance()),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "curve": _columns(curve),
        }
        if run.inspect:
            data["inside"] = inside(curve)
        return cls(run.id, curve, {**data, "sha256": _digest(data)})

    @classmethod
    def parse(cls, text: str) -> "Record":
        """Read a record. Raises a ValueError with the reason if `of` did not write the text."""
        data = json.loads(text)
        if not isinstance(data, dict) or type(data.get("format")) is not int:
            raise ValueError("not a record")
        if data["format"] > FORMAT:
            raise NewerFormatError(f"format {data['format']}, written by a newer adambench; this one reads {FORMAT}")
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        if data.get("sha256") != _digest({key: value for key, value in data.items() if key != "sha256"}):
            raise ValueError("changed after it was written")
        schema.check(data)
        columns = data["curve"]
        numbers = [
            [float(value) if isinstance(value, str) else value for value in column] for column in columns.values()
        ]
        curve = [Evaluation(**dict(zip(columns, row, strict=True))) for row in zip(*numbers, strict=True)]
        if data["status"] == "diverged":
            curve[-1] = replace(curve[-1], diverged=True)
        return cls(data["id"], curve, data)

    @property
    def age(self) -> tuple[str, str]:
        """Records in the order in which their runs finished; of the same second, in any, but always the same."""
        return self.data["time"], self.data["sha256"]

    @property
    def file(self) -> str:
        """The name of its file: `<label>-<id>.json`."""
        return f"{self.data['optimizer']}-{self.id}.json"

    def json(self) -> str:
        """The JSON text, with one line per field and per column of the curve."""
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in self.data.items() if key not in TABLES]
        for table in TABLES:
            if table in self.data:
                columns = (f"    {json.dumps(key)}: {json.dumps(values)}" for key, values in self.data[table].items())
                lines.append(f'  "{table}": {{\n' + ",\n".join(columns) + "\n  }")
        return "{\n" + ",\n".join(lines) + "\n}\n"


def inside(curve: Curve) -> dict[str, list[Any]]:
    """What was inspected along a curve, by columns, as far as every row has them."""
    rows = [row for evaluation in curve for row in evaluation.inside]
    names = [name for name in (rows[0] if rows else ()) if all(name in row for row in rows)]
    return {name: [_finite(row[name]) for row in rows] for name in names}


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _columns(curve: Curve) -> dict[str, list[Any]]:
    """The curve by columns, optional ones only if measured. NaN and infinity become "nan" and "inf"."""
    columns = {name: [getattr(evaluation, name) for evaluation in curve] for name in COLUMNS}
    return {
        name: list(map(_finite, values))
        for name, values in columns.items()
        if name not in OPTIONAL or any(value is not None for value in values)
    }


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
