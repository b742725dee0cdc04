"""The results folder: a record for each run, written whole or not at all, and tables made from the records.

results/<experiment>/config.yaml, runs/<label>-<id>.json, curves.csv, summary.csv, figures/. File names are labels for
people: a record is known by the id inside it.
"""

import csv
import hashlib
import io
import itertools
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adambench.errors import AdambenchError
from adambench.plan import Curve, Run
from adambench.provenance import provenance
from adambench.training import Evaluation

FORMAT = 1
CONTRACT = [
    "epoch",
    "step",
    "seconds",
    "train_loss",
    "test_loss",
    "test_error",
]  # the columns that curves.csv always has
COLUMNS = [field.name for field in fields(Evaluation) if field.compare]
TABLES = ("curve", "inside")  # what of a record is kept by columns
OPTIONAL = [field.name for field in fields(Evaluation) if field.default is None]


@dataclass(frozen=True)
class Record:
    """A finished run as it is stored: what it was, its curve, and where and when it was made."""

    id: str
    curve: Curve
    data: Mapping[str, Any]  # the JSON object, curve and all

    @classmethod
    def of(cls, run: Run, curve: Curve, together: int = 1) -> "Record":
        """together: how many runs shared the work, so that `seconds` has a part of it."""
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
            **provenance(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "curve": _columns(curve),
        }
        if run.inspect:
            rows = [row for evaluation in curve for row in evaluation.inside]
            data["inside"] = {name: [_finite(row[name]) for row in rows] for name in (rows[0] if rows else ())}
        return cls(run.id, curve, {**data, "sha256": _digest(data)})

    @classmethod
    def parse(cls, text: str) -> "Record":
        """Raises ValueError that says why for anything that `of` did not write."""
        data = json.loads(text)
        if not isinstance(data, dict) or "format" not in data:
            raise ValueError("not a record")
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        if data.get("sha256") != _digest({key: value for key, value in data.items() if key != "sha256"}):
            raise ValueError("changed after it was written")
        columns = data["curve"]
        if not set(COLUMNS) - set(OPTIONAL) <= set(columns) <= set(COLUMNS):
            raise ValueError(f"columns {', '.join(columns)}")
        curve = [
            Evaluation(**{name: _number(value) for name, value in zip(columns, row, strict=True)})
            for row in zip(*columns.values(), strict=True)
        ]
        return cls(data["id"], curve, data)

    def json(self) -> str:
        """One line a field, one line a column of the curve."""
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in self.data.items() if key not in TABLES]
        for table in TABLES:
            if table in self.data:
                columns = (f"    {json.dumps(key)}: {json.dumps(values)}" for key, values in self.data[table].items())
                lines.append(f'  "{table}": {{\n' + ",\n".join(columns) + "\n  }")
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _columns(curve: Curve) -> dict[str, list[Any]]:
    """The curve by columns, optional ones only if measured. JSON has no NaN or infinity: they are "nan" and "inf"."""
    columns = {name: [getattr(evaluation, name) for evaluation in curve] for name in COLUMNS}
    return {
        name: list(map(_finite, values))
        for name, values in columns.items()
        if name not in OPTIONAL or any(value is not None for value in values)
    }


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


class Folder:
    """results/<experiment>/."""

    def __init__(self, root: Path, experiment: str) -> None:
        self.path = root / experiment
        self.config = self.path / "config.yaml"
        self.runs = self.path / "runs"
        self.figures = self.path / "figures"

    def prepare(self) -> Path:
        """Make the folder and see that it can be written to. Raises AdambenchError if not."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.runs):
                pass
        except OSError as error:
            raise AdambenchError(
                f"{self.path}: results cannot be written there: {error.strerror}", "Choose another with --results."
            ) from error
        return self.path

    def put_aside(self) -> None:
        """Move the records away, to start afresh."""
        self.runs.rename(self.path / f"runs-until-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        self.runs.mkdir()

    def digest(self) -> str:
        """The beginning of the SHA-256 of the resolved configuration."""
        return hashlib.sha256(self.config.read_bytes()).hexdigest()[:16]

    def records(self, warn: Callable[[str], object], set_aside: bool = False) -> dict[str, Record]:
        """The finished runs by id. A file that is not a whole record is passed over with a warning.

        set_aside: rename such files, and remove what a killed process left half-written. For the holder of the lock.
        """
        records = {}
        for left_over in self.path.rglob(".*.tmp") if set_aside else ():
            left_over.unlink(missing_ok=True)
        for file in sorted(self.runs.glob("*.json")):
            try:
                record = Record.parse(file.read_text(encoding="utf-8"))
            except PermissionError as error:
                raise AdambenchError(f"{file}: cannot be read: {error.strerror}") from error
            except (ValueError, OSError, RecursionError) as error:
                reason = "not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
                warn(f"{file}: {reason}; {_set_aside(file) if set_aside else 'passed over'}")
            else:
                records[record.id] = record
        return records

    def write_record(self, run: Run, record: Record) -> Path:
        return write(self.runs / f"{run.label}-{run.id}.json", record.json())

    def write_config(self, text: str) -> Path:
        return write(self.config, text)

    def write_figure(self, name: str, data: bytes) -> Path:
        return write(self.figures / name, data)

    def write_curves(self, runs: Iterable[Run], records: Mapping[str, Record]) -> Path:
        """curves.csv: a row an epoch. After the columns of the contract, those others in which any run has a number."""
        known = [(run, records[run.id]) for run in runs if run.id in records]
        others = (name for name in COLUMNS if name not in CONTRACT)
        extra = [name for name in others if any(any(record.data["curve"].get(name, [])) for _, record in known)]
        header = ["problem", "optimizer", "setting", "phase", "seed", *CONTRACT, *extra]
        rows = [
            [run.problem, run.label, run.setting, run.phase, run.seed]
            + [getattr(evaluation, name) for name in (*CONTRACT, *extra)]
            for run, record in known
            for evaluation in record.curve
        ]
        return self.write_table("curves.csv", header, rows)

    def write_table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
        return write(self.path / name, csv_text(header, rows))


def json_value(value: Any) -> Any:
    """What JSON can hold: a number that is not finite is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Comma-separated values; what is missing or not finite is left empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if json_value(value) is None else value for value in row] for row in rows)
    return out.getvalue()


def write(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all: a temporary file beside it, flushed to the disk, then renamed over it."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AdambenchError(
            f"{path}: cannot be written: {error.strerror}", "What was written before is whole.", exit_code=1
        ) from error
    return path


def read_record(file: Path) -> Record:
    """A record by its file. Raises AdambenchError if it is none."""
    try:
        return Record.parse(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise AdambenchError(f"{file}: not a whole record: {error}") from error


def _set_aside(file: Path) -> str:
    """Rename a file that is not a record, and say so."""
    for name in itertools.chain([f"{file.name}.broken"], (f"{file.name}.broken{n}" for n in itertools.count(2))):
        if not file.with_name(name).exists():
            break
    try:
        file.rename(file.with_name(name))
    except OSError:
        return "passed over"
    return f"set aside as {name}"
