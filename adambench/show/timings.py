"""What `adambench bench` found, as tables."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from adambench.show.table import Column, Table


def _ms(key: str, digits: int = 3) -> Any:
    return lambda row: f"{1e3 * row[key]:.{digits}f}"


STEPS = [
    Column("model", lambda row: row["model"], left=True),
    Column("optimizer", lambda row: row["optimizer"], left=True),
    Column("together", lambda row: row["settings"]),
    Column("ms", _ms("seconds")),
    Column("products alone, ms", _ms("products"), spare=1),
    Column("share of products", lambda row: f"{row['share']:.0%}"),
    Column("GFLOP/s", lambda row: f"{row['gflops']:.1f}", spare=3),
    Column("products' GFLOP/s", lambda row: f"{row['bare_gflops']:.1f}", spare=2),
]
UPDATES = [
    Column("optimizer", lambda row: row["optimizer"], left=True),
    Column("ms", _ms("second", 2)),
    Column("copies", lambda row: f"{row['ratio']:.1f}"),
]
BESIDE = [
    Column("library", lambda row: row["rival"], left=True),
    Column("model", lambda row: row["model"], left=True),
    Column("together", lambda row: row["settings"]),
    Column("here, ms", _ms("here")),
    Column("there, ms", _ms("there")),
    Column("times faster here", lambda row: f"{row['ratio']:.2f}"),
]
MACHINE = [
    Column("processor", lambda row: row["cpu"], left=True),
    Column("BLAS", lambda row: row["blas"], left=True),
    Column("numpy", lambda row: row["versions"]["numpy"], left=True),
]


def timings(numbers: Mapping[str, Any]) -> list[Table]:
    """numbers: `machine` and, of `steps`, `updates`, `beside` and `growth`, those that were timed."""
    tables = [_table("one core, CPU time", "machine", MACHINE, [numbers["machine"]])]
    if "steps" in numbers:
        steps = "a training step (of each setting, where settings are trained together)"
        tables.append(_table(steps, "step", STEPS, numbers["steps"]))
        updates = [{"optimizer": rule, **pair} for rule, pair in numbers["updates"].items()]
        tables.append(
            _table("an update of the MLP's parameters, beside a plain copy of them", "update", UPDATES, updates)
        )
        missing = (
            [] if numbers["beside"] else ["PyTorch and JAX are not installed, so there is nothing to compare with."]
        )
        beside = "a step of Adam beside other libraries, median of pairs"
        tables.append(_table(beside, "beside", BESIDE, numbers["beside"], missing))
    for name, found in numbers.get("growth", {}).items():
        per_hour = name == "jobs"
        unit = "runs of 100 steps an hour" if per_hour else "ms a run" if name.startswith("runs") else "ms a step"
        columns = [
            Column(name, lambda row: row["size"]),
            Column(unit, (lambda row: f"{row['value']:.0f}") if per_hour else _ms("value")),
        ]
        rows = [{"by": name, "size": size, "value": value} for size, value in found.items()]
        tables.append(_table(f"Adam by {name}", "growth", columns, rows))
    return tables


def _table(title: str, kind: str, columns: list[Column], rows: list[Any], notes: list[str] | None = None) -> Table:
    """For programs, the numbers as they are, with the kind of the table as the first."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    data = [Column("kind", lambda _: kind), *(Column(key, itemgetter(key)) for key in keys)]
    return Table(title, columns, rows, data, notes or [])
