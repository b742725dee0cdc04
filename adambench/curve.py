"""What a run measures, epoch by epoch: an evaluation, the curve of them, and the metrics that are read off it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

FINAL = 0.05  # the share of the epochs, at the end of a run, whose mean is the final value


@dataclass(frozen=True)
class Evaluation:
    """What is known at the end of an epoch. Costs are mean negative log-likelihoods in nats; unknown is nan."""

    epoch: int  # from 1
    step: float = math.nan  # minibatch updates so far
    seconds: float = math.nan  # CPU time of training so far, evaluation excluded
    train_loss: float = math.nan  # mean cost of the epoch's images, each as its minibatch was trained on
    penalty: float = math.nan  # the L2 term at the end of the epoch
    test_loss: float = math.nan  # on the test set, dropout off
    test_error: float = math.nan  # share of the test images that are given a wrong label
    full_train_loss: float | None = None  # on the whole training set, dropout off; None if not asked for
    full_train_error: float | None = None
    diverged: bool = field(default=False, compare=False)  # a cost is not finite; the run ends here
    inside: Sequence[Mapping[str, Any]] = field(default=(), repr=False, compare=False)  # inspections since the last one


Curve = Sequence[Evaluation]


@dataclass(frozen=True)
class Metric:
    """A number that can be read off every evaluation. Lower is better."""

    name: str
    label: str  # on axes and in headings
    unit: str = "nats"
    percent: bool = False  # a share of one, shown in per cent
    needs_labels: bool = False  # only models that give images labels have it
    compares: bool = False  # every run has it: it can choose a setting and stand in a claim
    of: Callable[[Evaluation], float | None] | None = None  # from the evaluation; if left out, its field of that name

    def value(self, evaluation: Evaluation) -> float:
        """Nan if it was not measured."""
        found = self.of(evaluation) if self.of else getattr(evaluation, self.name)
        return math.nan if found is None else float(found)


# One row per metric. A number that follows from what is measured already needs a row with `of`, and nothing else.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("train_loss", "training cost", compares=True),
        Metric("penalty", "L2 term"),
        Metric("test_loss", "test cost", compares=True),
        Metric("test_error", "test error", unit="", percent=True, needs_labels=True, compares=True),
        Metric("full_train_loss", "cost on the training set, dropout off"),
        Metric("full_train_error", "error on the training set, dropout off", "", percent=True, needs_labels=True),
    )
}
COMPARED = [metric.name for metric in METRICS.values() if metric.compares]


def value(evaluation: Evaluation, metric: str) -> float:
    """A metric of an evaluation, by name; nan if it was not measured."""
    return METRICS[metric].value(evaluation)


def final(curve: Curve, metric: str) -> float:
    """The mean of a metric over the last 5 % of the epochs (one at least); infinite if the run diverged."""
    if curve[-1].diverged:
        return math.inf
    last = curve[-max(1, math.ceil(FINAL * curve[-1].epoch)) :]  # a curve of the paper may begin late
    return math.fsum(value(evaluation, metric) for evaluation in last) / len(last)


def reached(curve: Curve, unit: Literal["epoch", "seconds"], level: float, metric: str = "train_loss") -> float:
    """The epoch or CPU seconds at whose end a metric was first at or below a level; infinite if never.

    Nan if the level is, and where a curve that begins late (one of the paper's) is there from its first point.
    """
    first = curve[0]
    if math.isnan(level) or (first.epoch > 1 and value(first, metric) <= level):
        return math.nan
    return next((float(getattr(e, unit)) for e in curve if value(e, metric) <= level), math.inf)


def first_difference(one: Curve, other: Curve) -> int | None:
    """The first epoch in which the curves differ in a bit, times left out; None if there is none."""
    for a, b in zip(one, other, strict=False):
        if repr(replace(a, seconds=0.0)) != repr(replace(b, seconds=0.0)):  # repr: nan is the same as nan
            return a.epoch
    return min(len(one), len(other)) + 1 if len(one) != len(other) else None
