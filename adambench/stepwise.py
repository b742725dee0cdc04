"""`adambench.train`: one training, epoch by epoch, of a setting that is given in Python."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import threadpoolctl
from annotated_types import Ge, Le

from adambench.config.check import Check, hints_of
from adambench.config.experiment import Average, Count, Norm, Problem, Seed
from adambench.config.made_data import wrong
from adambench.config.names import ORIGINS
from adambench.config.shown import plain
from adambench.config.sizes import check_problem
from adambench.config.yamlfile import Source
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.batches import Sampling
from adambench.errors import AdambenchError
from adambench.models import Model
from adambench.optimizers import Optimizer
from adambench.schedules import Schedule
from adambench.training import Training

RANGES: dict[str, Any] = {  # of the arguments that are numbers or words, as in a configuration
    "epochs": Count,
    "batch_size": Count,
    "seed": Seed,
    "evaluate_train": bool,
    "validation": Annotated[int, Ge(0), Le(1_000_000)],
    "inspect": Annotated[int, Ge(0), Le(100)],
    "average": Average | None,
    "clip_norm": Norm | None,
    "sampling": Sampling,
}
DTYPES = ("float32", "float64")


def train(
    model: Model,
    optimizer: Optimizer,
    schedule: Schedule,
    dataset: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    evaluate_train: bool = False,
    validation: int = 0,
    inspect: int = 0,
    average: float | None = None,
    clip_norm: float | None = None,
    sampling: Sampling = "shuffle",
    dtype: npt.DTypeLike = np.float32,
) -> Iterator[Evaluation]:
    """Train one setting and yield an evaluation after each epoch; the last one has `diverged` if a cost is not finite.

    Nothing is printed or written. The seed decides the initial weights, the minibatches and the dropout masks, and
    nothing else is random: the same arguments give the same bits, which are those of `run`. What can be left out
    changes nothing then, and is explained at `Training`. Raises AdambenchError for what a configuration may not hold.
    """
    given = {name: plain(value) for name, value in locals().items() if name in RANGES}
    precision = _checked(model, optimizer, schedule, dataset, given, dtype)
    return _epochs(Training(model, [optimizer], schedule, dataset, **given, dtype=precision))


def _epochs(training: Training) -> Iterator[Evaluation]:
    epochs = iter(training)
    while True:
        with threadpoolctl.threadpool_limits(1):  # as in `run`: the bits depend on it, and small products are faster
            found = next(epochs, None)
        if not found:
            return
        assert found[0]
        yield found[0]


def _checked(
    model: Any, optimizer: Any, schedule: Any, dataset: Any, given: dict[str, Any], dtype: Any
) -> "np.dtype[Any]":
    """The dtype. Raises AdambenchError that lists every mistake in the arguments."""
    check = Check(Source("train"))
    kinds: dict[str, tuple[Any, type[Any], str]] = {  # of the arguments that are instances, each with an example
        "model": (model, Model, "MODELS['mlp']()"),
        "optimizer": (optimizer, Optimizer, "OPTIMIZERS['adam'](lr=0.001)"),
        "schedule": (schedule, Schedule, "SCHEDULES['constant']()"),
        "dataset": (dataset, Dataset, "DATASETS['mnist']()"),
    }
    for name, (value, kind, example) in kinds.items():
        if not isinstance(value, kind):
            check.fail((name,), f"must be like {example}, found {value!r:.60}")
        elif name != "dataset":
            _check_fields(check, value, name)
    if isinstance(dataset, Dataset) and (reason := wrong(dataset)):
        check.fail(("dataset",), reason)
    for name, value in given.items():
        check.value(value, RANGES[name], (name,))
    if (precision := _dtype(dtype)) is None:
        check.fail(("dtype",), f"must be float32 or float64, found {dtype!r:.60}")
    if not check.errors:
        problem = Problem(
            name="",
            model=model,
            schedule=schedule,
            epochs=given["epochs"],
            batch_size=given["batch_size"],
            seeds=(given["seed"],),
            grids=(),
            validation=given["validation"],
        )
        check_problem(check, problem, len(dataset.train.labels), problem.epochs, ())
    if check.errors or precision is None:
        raise AdambenchError(check.message())
    return precision


def _check_fields(check: Check, value: Any, name: str) -> None:
    """Against their annotations; of a class of the caller's own only numbers, for nothing is known of other fields."""
    hints: dict[str, Any] = {}
    with suppress(NameError, TypeError):  # annotations that lead nowhere, or no dataclass at all
        hints = hints_of(value.__class__)
    for field, hint in hints.items():
        found, kind = plain(getattr(value, field)), getattr(hint, "__origin__", hint)
        if kind is int and isinstance(found, float) and found.is_integer():
            found = int(found)  # a rule makes every number a float
        if type(value) in ORIGINS or kind in (int, float, bool):
            check.value(found, hint, (name, field))


def _dtype(given: Any) -> "np.dtype[Any] | None":
    try:
        name = np.dtype(given).name
    except (TypeError, ValueError):
        return None
    return np.dtype(name) if name in DTYPES else None
