"""The sentences below tables and charts are computed from the runs."""

import math
from dataclasses import replace

import pytest

from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.execution import plan
from adambench.execution.plan import Entry
from adambench.judge import reading, searching
from adambench.judge.fairness import Reached, fairness

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
            "adam ends 9.1 % below sgd, the next (95 % interval 8.9 % to 9.3 %, 3 seeds). That is more than chance explains.",
        ),
        (
            ([0.8, 1.0, 1.2], [1.2, 1.1, 1.0], [2, 2, 2]),
            "adam ends 10 % below sgd, the next (95 % interval −86.7 % to 56.7 %, 3 seeds). Chance could explain that.",
        ),
        (
            ([1.01, 1.02, 95], [1, 1, 96], [200, 200, 200]),  # of which one seed decides the mean
            "adam ends lowest in the mean, but seed by seed not below sgd (95 % interval −4.6 % to 3.1 %, 3 seeds). Chance"
            " could explain that.",
        ),
        (
            ([0.0, 0.0], [0.1, 0.11], [2, 2]),
            "adam ends 100 % below sgd, the next (2 seeds). That is more than chance explains.",
        ),
        (
            ([0.0, 1e-8, 2e-8], [3e-7, 2e-7, 3e-7], [2, 2, 2]),  # as sure as it is without the zero
            "adam ends 96 % below sgd, the next (3 seeds). That is more than chance explains.",
        ),
        (
            ([-2, -2.1, -2.2], [-1, -1.1, -1.2], [2, 2, 2]),  # equal differences of three seeds decide nothing
            "adam ends below sgd, the next (on each of 3 seeds). Chance could explain that.",
        ),
        (([1], [2], [4]), "adam ends 50 % below sgd, the next. One seed cannot tell whether that is chance."),
        (([1, 1], [1, 1], [2, 2]), "adam and sgd end at the same training cost."),
        (([1, 2], [1 + 1e-8, 2 + 2e-8], [2, 3]), "adam and sgd end at the same training cost."),  # but for rounding
        (([0.25, 0.5], [0.5, 0.25], [2, 3]), "adam and sgd end at the same training cost."),  # in the mean
        (([math.nan], [2], [4]), "sgd ends 50 % below adagrad, the next. One seed cannot tell whether that is chance."
         " Diverged: adam."),
        (([math.nan], [math.nan], [4]), "Only adagrad did not diverge."),
        (([math.nan], [math.nan], [math.nan]), "Every optimizer diverged."),
        (([math.nan, 1], [2, math.nan], [math.nan, 4]), "Diverged: adam on 1 of 2 seeds, sgd on 1 of 2 seeds, adagrad on"
         " 1 of 2 seeds."),
        (([math.nan, 1], [math.nan, math.nan], [3, 4]), "Only adagrad diverged on no seed. Diverged: adam on 1 of 2"
         " seeds, sgd."),
        (([1], [], []), ""),
        # sgd lacks a seed: its mean is lower, and on both seeds that it has adam is
        (([1, 2, 3], [1.05, 2.05], []), ""),
        (([1, 2, 3], [1.05, 2.05], [2, 4, 6.1]), "adam ends 50 % below adagrad, the next (95 % interval 49.1 % to 51.4 %,"
         " 3 seeds). That is more than chance explains."),
        (([1, 2], [2, 4], [8, 9]), "adam ends 50 % below sgd, the next (on each of 2 seeds). Chance could explain that."),
        (([0], [0.5], [1]), "adam ends 100 % below sgd, the next. One seed cannot tell whether that is chance."),
    ],
)  # fmt: skip
def test_the_reading_of_a_ranking(finals: tuple[list[float], ...], sentence: str) -> None:
    assert said(*finals) == sentence


GRIDS = TEXT.replace("{adam: {}, sgd: {}, adagrad: {}}", "{adam: {lr: [1.0, 10.0, 100.0]}, sgd: {lr: [1.0, 10.0]}}")


def searched(adam: list[float], sgd: list[float]) -> tuple[list[Entry], dict[str, Curve]]:
    """Two optimizers with these final costs of their settings."""
    entries = plan.entries(parse(GRIDS, "x.yaml"))
    curves: dict[str, Curve] = {}
    for entry, losses in zip(entries, (adam, sgd), strict=True):
        for run, loss in zip(entry.tuning, losses, strict=True):
            curves[run.id] = [Evaluation(1, train_loss=loss, test_loss=loss, diverged=not math.isfinite(loss))]
    return entries, curves


@pytest.mark.parametrize(
    ("adam", "sgd", "lowest", "widest", "budgets"),
    [
        ([1.0, 1.1, 1.2], [0.9, 2.0], "The best of sgd is 10 % below that of adam, the next (one seed).",
         "Widest stable range: adam, ≥ 2.0 decades; narrowest: sgd, ≥ 0.0.",
         "Lowest median: sgd for k = 1 to 2."),
        ([1.0, 3.0, 9.0], [2.0, 2.0], "The best of adam is 50 % below that of sgd, the next (one seed).",
         "Widest stable range: sgd, ≥ 1.0 decades; narrowest: adam, ≥ 0.0.",
         "Lowest median: sgd for k = 1, adam for k = 2."),
        ([1.0, 1.0, 4.0], [1.0, 1.0], "The best of adam and of sgd are equal.", "All stable ranges are at least 1.0 decades wide.",
         "Lowest median: adam and sgd for k = 1 to 2."),
        ([math.inf] * 3, [math.inf] * 2, "Every setting diverged.", "", "Every setting diverged."),
    ],
)  # fmt: skip
def test_the_readings_of_a_search(adam: list[float], sgd: list[float], lowest: str, widest: str, budgets: str) -> None:
    found = searched(adam, sgd)
    assert searching.lowest(*found) == lowest
    assert searching.widest(*found) == widest
    assert searching.budgets(*found) == budgets


def test_many_changes_of_the_lowest_are_counted() -> None:
    assert searching.spans(["a", "b", "a", "a", "b", "a"]) == "a for k = 1, 3 changes between, a for k = 6"
    assert searching.spans(["a", "a", "b"]) == "a for k = 1 to 2, b for k = 3"


def test_the_reading_of_a_race() -> None:
    entries, curves = searched([1.0, 1.1, 1.2], [0.9, 2.0])
    for entry, losses in zip(entries, ([0.5, 0.4, 0.3], [0.5, 0.6, 0.7]), strict=True):
        for run, loss in zip(entry.report(curves), losses, strict=True):
            curves[run.id] = [Evaluation(1, train_loss=1.0), Evaluation(2, train_loss=loss)]
    marks, rows = fairness(entries, curves, dict.fromkeys(curves, 1))
    first = f"First at a training cost of {marks[-1]:g}: adam, in epoch 2."
    assert reading.speed(rows, marks) == f"Best mean rank: adam, 1.2. {first}"
    never = [replace(row, epochs=[Reached(math.inf, math.inf, math.inf)]) for row in rows]
    assert reading.speed(never, [0.01]).endswith("None reaches a training cost of 0.01.")


def test_the_readings_beside_the_paper() -> None:
    assert reading.beside_paper({"adam": 1.234, "sgd": 0.5}).endswith("last epoch of both: adam 1.23, sgd 0.50.")
    assert reading.beside_paper({}) == ""
    finals = {True: [100.0, 150.0], False: [99.0, math.inf, math.nan]}
    assert reading.corrections(finals, 140) == (
        "With bias correction, lowest 100, 1 of 2 settings above 140 or diverged; "
        "without, lowest 99, 2 of 3 settings above 140 or diverged."
    )


def test_the_reading_of_an_inspection() -> None:
    assert reading.snr("adam", [1, 10], [1.0, 0.123]) == (
        "adam: median signal-to-noise ratio 1 at step 1, 0.12 at step 10."
    )


def test_the_reading_of_a_band() -> None:
    assert reading.bands({1}, "test error") == "At the end of each line: final test error. One seed."
    assert reading.bands({1, 3}, "training cost").startswith("Line: mean of 1 to 3 seeds.")
    assert reading.bands({3}, "training cost").startswith("Line: mean of 3 seeds. Band: from the lowest to the highest")
