"""What a run measures: an evaluation per epoch, the curve that they form, and the metrics computed from it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FINAL = 0.05  # unless said otherwise, the final value of a run is the mean over this last share of its epochs


@dataclass(frozen=True)
class Evaluation:
    """The measurements of an epoch. Costs are mean negative log-likelihoods in nats. Unknown values are nan."""

    epoch: int  # from 1
    step: float = math.nan  # minibatch updates so far
    seconds: float = math.nan  # CPU time of training so far, evaluation excluded
    train_loss: float = math.nan  # mean cost of the epoch's images, each measured in its training step
    penalty: float = math.nan  # the L2 term at the end of the epoch
    test_loss: float = math.nan  # on the test set, dropout off
    test_error: float = math.nan  # share of the test images with a wrong prediction
    full_train_loss: float | None = None  # on the whole training set, dropout off; None if not requested
    full_train_error: float | None = None
    average_test_loss: float | None = None  # on the test set, with the averaged parameters; None if not requested
    average_test_error: float | None = None
    validation_loss: float | None = None  # on the training images held back, dropout off; None if there are none
    validation_error: float | None = None
    diverged: bool = field(default=False, compare=False)  # a cost is not finite; the run ends here
    inside: Sequence[Mapping[str, Any]] = field(default=(), repr=False, compare=False)  # since the last evaluation


Curve = Sequence[Evaluation]


@dataclass(frozen=True)
class Metric:
    """A number computed from each evaluation. Lower is better."""

    name: str
    label: str  # on axes and in headings
    unit: str = "nats"
    percent: bool = False  # a fraction, shown in per cent
    needs_labels: bool = False  # only models that predict labels have it
    compares: bool = False  # it can select settings and appear in claims
    held_back: bool = False  # only where training images are held back (`validation`)
    on_test: bool = False  # measured on the test set, which should not choose settings
    of: Callable[[Evaluation], float | None] | None = None  # computes it; default: the field of that name

    def value(self, evaluation: Evaluation) -> float:
        """The value, nan if it was not measured."""
        found = self.of(evaluation) if self.of else getattr(evaluation, self.name)
        return math.nan if found is None else float(found)


# One row per metric. A metric computed from existing measurements needs only a row with `of`.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("train_loss", "training cost", compares=True),
        Metric("penalty", "L2 term"),
        Metric("test_loss", "test cost", compares=True, on_test=True),
        Metric("test_error", "test error", "", True, needs_labels=True, compares=True, on_test=True),
        Metric("validation_loss", "validation cost", compares=True, held_back=True),
        Metric("validation_error", "validation error", "", True, needs_labels=True, compares=True, held_back=True),
        Metric("full_train_loss", "cost on the training set, dropout off"),
        Metric("full_train_error", "error on the training set, dropout off", "", percent=True, needs_labels=True),
        Metric("average_test_loss", "test cost of the averaged parameters", on_test=True),
        Metric(
            "average_test_error", "test error of the averaged parameters", "", True, needs_labels=True, on_test=True
        ),
    )
}
COMPARED = [metric.name for metric in METRICS.values() if metric.compares]


def value(evaluation: Evaluation, metric: str) -> float:
    """A metric of an evaluation, by name; nan if it was not measured."""
    return METRICS[metric].value(evaluation)


def final(curve: Curve, metric: str, window: float = FINAL) -> float:
    """The mean of a metric over the last epochs; infinite if the run diverged.

    window: how many epochs, or below 1 which share of them; rounded up.
    """
    if curve[-1].diverged:
        return math.inf
    epochs = window * curve[-1].epoch if window < 1 else window  # a curve of the paper may not start at epoch 1
    last = curve[-max(1, math.ceil(round(epochs, 9))) :]  # .07·100 is a little more than 7
    return math.fsum(value(evaluation, metric) for evaluation in last) / len(last)


def reached(curve: Curve, unit: str, level: float, metric: str = "train_loss", smooth: int = 1) -> float:
    """The first epoch at whose end a metric is at or below a level; infinite if there is none.

    unit: epoch, or the steps or CPU seconds until then (`step`, `seconds`).
    smooth: how many epochs are averaged, in metric and time, because the first passage of a noisy curve comes early.
    Nan if the level is nan. Also nan if a curve that starts late, as some of the paper's do, starts at or below the
    level, since the epoch is then unknown.
    """
    windows = [curve[i : i + smooth] for i in range(max(1, len(curve) - smooth + 1))]
    costs = [math.fsum(value(e, metric) for e in window) / len(window) for window in windows]
    if math.isnan(level) or (curve[0].epoch > 1 and costs[0] <= level):
        return math.nan
    passed = next((window for window, cost in zip(windows, costs, strict=True) if cost <= level), None)
    return math.fsum(getattr(e, unit) for e in passed) / len(passed) if passed else math.inf


def first_difference(one: Curve, other: Curve) -> int | None:
    """The first epoch in which the curves differ in a bit, times left out; None if there is none."""
    for a, b in zip(one, other, strict=False):
        if repr(replace(a, seconds=0.0)) != repr(replace(b, seconds=0.0)):  # repr: nan is the same as nan
            return a.epoch
    return min(len(one), len(other)) + 1 if len(one) != len(other) else None
