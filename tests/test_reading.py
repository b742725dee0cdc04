"""The sentences below tables and charts are computed from the runs."""

import math

import pytest

from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.judge import reading
from adambench.run import plan

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems: {a: {model: logistic, epochs: 1, batch_size: 8}}
optimizers: {adam: {}, sgd: {}, adagrad: {}}
"""


def said(*finals: list[float]) -> str:
    """Of three optimizers with these final costs, seed by seed."""
    entries = plan.entries(parse(TEXT, "x.yaml"))
    curves: dict[str, Curve] = {}
    for entry, losses in zip(entries, finals, strict=True):
        for run, loss in zip(entry.report({}), losses, strict=False):
            curves[run.id] = [Evaluation(1, train_loss=loss, test_loss=loss, diverged=not math.isfinite(loss))]
    return reading.ranking(entries, curves, "train_loss")


@pytest.mark.parametrize(
    ("finals", "sentence"),
    [
        (
            ([0.99, 1.0, 1.01], [1.09, 1.1, 1.11], [2, 2, 2]),
            "adam ends 9.1 % below sgd, the next. That is more than chance explains (95 % interval, 3 seeds).",
        ),
        (
            ([0.8, 1.0, 1.2], [1.2, 1.1, 1.0], [2, 2, 2]),
            "adam ends 9.1 % below sgd, the next. Chance could explain that (95 % interval, 3 seeds).",
        ),
        (([1], [2], [4]), "adam ends 50 % below sgd, the next. One seed cannot tell whether that is chance."),
        (([1, 1], [1, 1], [2, 2]), "adam and sgd end at the same training cost."),
        (([math.nan], [2], [4]), "sgd ends 50 % below adagrad, the next. One seed cannot tell whether that is chance."
         " Diverged: adam."),
        (([math.nan], [math.nan], [4]), "Only adagrad did not diverge."),
        (([math.nan], [math.nan], [math.nan]), "Every optimizer diverged."),
        (([1], [], []), ""),
        (([0], [0.5], [1]), "adam ends 100 % below sgd, the next. One seed cannot tell whether that is chance."),
    ],
)  # fmt: skip
def test_the_reading_of_a_ranking(finals: tuple[list[float], ...], sentence: str) -> None:
    assert said(*finals) == sentence


def test_the_reading_of_a_band() -> None:
    assert reading.bands({1}, "test_error") == "At the end of each line: final test error. One seed."
    assert reading.bands({1, 3}, "train_loss").startswith("Line: mean of 1 to 3 seeds.")
    assert reading.bands({3}, "train_loss").startswith("Line: mean of 3 seeds. Band: from the lowest to the highest")
