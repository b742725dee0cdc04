"""What a record must hold, whoever wrote it: a checksum tells an accident, but not a lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args

from annotated_types import Ge, Le, Len

from adambench.config.check import Check, fits, shape
from adambench.config.experiment import Count, Seed
from adambench.config.shown import show
from adambench.config.yamlfile import Source
from adambench.curve import METRICS, Evaluation, Metric
from adambench.errors import neutral

COLUMNS = [field.name for field in fields(Evaluation) if field.compare]
OPTIONAL = [field.name for field in fields(Evaluation) if field.default is None]
COSTS = ("train_loss", "test_loss")  # a run diverges when one of them is not finite
LARGEST = 1e100  # a cost: far above what float32 arithmetic gives, and its square is finite

Text = Annotated[str, Len(0, 500)]
NotFinite = Literal["nan", "inf", "-inf"]
Cost = Annotated[float, Ge(-LARGEST), Le(LARGEST)] | NotFinite
Share = Annotated[float, Ge(0), Le(1)] | NotFinite
Seconds = Annotated[float, Ge(0), Le(1e12)]
FIELDS: Mapping[str, Any] = {
    "format": int,
    "id": Annotated[str, Len(16, 16)],
    "problem": Text,
    "optimizer": Text,
    "phase": Literal["tuning", "report"],
    "status": Literal["finished", "diverged"],
    "diverged_epoch": Count | None,
    "seconds": Seconds,
    "together": Count,
    "numerics": int,
    "dtype": Text,
    "dataset": Text,
    "model": dict[str, Any],
    "rule": Text,
    "hyperparameters": dict[str, Any],
    "schedule": dict[str, Any],
    "epochs": Count,
    "batch_size": Count,
    "seed": Seed,
    "evaluate_train": bool,
    "versions": dict[Literal["adambench", "numpy", "python"], Text],
    "cpu": Text,
    "blas": Text,
    "commit": Text | None,
    "time": Text,
    "sha256": Text,
    "curve": dict[str, Any],
}


def _column(metric: Metric) -> Any:
    kind: Any = Share if metric.percent else Cost
    return tuple[kind | None, ...] if metric.name in OPTIONAL else tuple[kind, ...]


CURVE: Mapping[str, Any] = {name: _column(metric) for name, metric in METRICS.items() if name in COLUMNS} | {
    "epoch": tuple[Count, ...],
    "step": tuple[Annotated[int, Ge(0)], ...],
    "seconds": tuple[Seconds, ...],
}
INSIDE = tuple[float | Text | None, ...]  # of each column


LISTS = {name: list[get_args(hint)[0]] for name, hint in CURVE.items()}  # type: ignore[misc]  # as JSON has them
ROWS: Any = dict[str, list[get_args(INSIDE)[0]]]  # type: ignore[misc]
WHOLE = shape("Record", {**FIELDS, "curve": shape("Curve", LISTS, OPTIONAL, closed=True), "inside": ROWS}, ["inside"])


def check(data: Mapping[str, Any]) -> None:
    """Raises ValueError that says what is wrong first. Keys that are not of this version are let through."""
    check = Check(Source("a record", numbered=False))
    if not fits(WHOLE, data):
        _check_parts(check, data)
    for name in ("problem", "optimizer", "rule"):
        check.name(data[name], (name,))
    for name, value in data.items():
        if isinstance(value, str) and neutral(value) != value:
            check.fail((neutral(name),), f"contains a control character, found {show(value)}")
    if not set(data["id"]) <= set("0123456789abcdef"):
        check.fail(("id",), f"must be hexadecimal, found {show(data['id'])}")
    _raise(check)
    if not set(COLUMNS) - set(OPTIONAL) <= set(data["curve"]):
        raise ValueError(f"unexpected columns: {show(', '.join(data['curve']))}")
    for table in ("curve", "inside"):
        if len({len(values) for values in data.get(table, {}).values()}) > 1:
            raise ValueError(f"{table}: columns of different lengths")
    _check_status(data, data["curve"])


def _check_parts(check: Check, data: Mapping[str, Any]) -> None:
    """Raises ValueError that says which part is wrong first, in our words."""
    for name in FIELDS.keys() - data.keys():
        raise ValueError(f"{name} is missing")
    for name, hint in FIELDS.items():
        check.value(data[name], hint, (name,))
        _raise(check)
    _check_columns(check, "curve", data["curve"], CURVE)
    if "inside" in data:
        check.value(data["inside"], dict[str, Any], ("inside",))
        _raise(check)
        _check_columns(check, "inside", data["inside"], dict.fromkeys(data["inside"], INSIDE))


def _raise(check: Check) -> None:
    if check.errors:
        raise ValueError(check.errors[0][1].removeprefix("a record: "))


def _check_columns(check: Check, name: str, columns: Mapping[str, Sequence[Any]], hints: Mapping[str, Any]) -> None:
    if not set(columns) <= set(hints):
        raise ValueError(f"unexpected columns: {show(', '.join(columns))}")
    for column, values in columns.items():
        check.value(values, hints[column], (name, column))
        _raise(check)


def _check_status(data: Mapping[str, Any], curve: Mapping[str, Sequence[Any]]) -> None:
    """The curve has its epochs, one after the other, and its last cost alone may not be finite, if the run diverged."""
    n, epochs, diverged = len(curve["epoch"]), data["epochs"], data["status"] == "diverged"
    if list(curve["epoch"]) != list(range(1, n + 1)) or not (1 <= n <= epochs if diverged else n == epochs):
        raise ValueError(f"curve: must have epochs 1 to {epochs}{' at most' if diverged else ''}, found {n} epochs")
    finite = [
        math.isfinite(a) and math.isfinite(b) for a, b in zip(*(map(float, curve[name]) for name in COSTS), strict=True)
    ]
    if finite != [True] * (n - diverged) + [False] * diverged or data["diverged_epoch"] != (n if diverged else None):
        raise ValueError(f"status: {data['status']}, which its costs do not say")
