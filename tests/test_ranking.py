"""Numbers in the form in which people read them."""

import io
import math

import pytest
from rich.console import Console

from adambench.config.loading import parse
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.execution import plan
from adambench.execution.engines import Progressed, Started
from adambench.execution.engines.inline import Inline
from adambench.execution.estimate import Cost, Expected
from adambench.execution.outlook import Outlook
from adambench.execution.unfolding import Unfolding
from adambench.judge.analysis import Estimate
from adambench.show.progress import Watch
from adambench.show.terminal import cost, duration
from adambench.show.words import estimate


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Estimate(0.26034, 0.00042, 3), "0.2603 ± 0.0004"),
        (Estimate(0.256549, 0.00104, 3), "0.2565 ± 0.0010"),
        (Estimate(123.4, 20.0, 3), "123 ± 20"),
        (Estimate(1.807e28, 8.6e27, 2), "1.81e+28 ± 8.6e+27"),
        (Estimate(0.26034, math.nan, 1), "0.2603"),
        (Estimate(0.26034, 0.0, 3), "0.2603"),
        (Estimate(math.inf, math.nan, 3), "∞"),
        (Estimate(math.nan, math.nan, 0), "–"),
    ],
)
def test_estimate(value: Estimate, words: str) -> None:
    assert estimate(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.260349, "0.2603"),
        (0.01, "0.01000"),
        (3.2e-5, "3.2e-05"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
        (math.inf, "∞"),
        (1694.8, "1695"),
    ],
)
def test_cost(value: float, words: str) -> None:
    assert cost(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (45, "45 s"),
        (147, "2 min 30 s"),
        (178, "3 min"),
        (296, "5 min"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_log_gets_a_line_a_minute(dataset: Dataset) -> None:
    experiment = parse("name: x\ndataset: mnist\nseeds: [1]\nproblems: {a: {model: mlp, epochs: 9, batch_size: 8}}\n"
                       "optimizers: {adam: {}}\n", "x.yaml")  # fmt: skip
    runs = Unfolding(plan.entries(experiment), {})
    (run,) = runs.runs.values()
    file, now = io.StringIO(), iter(range(0, 10_000, 25))  # a clock that is read every 25 seconds
    outlook = Outlook(Expected(9.0, {"a": 9.0}), Cost({"": dataset}, Inline({"": dataset})), lambda: 1)
    with Watch(Console(file=file, width=160), runs, outlook, clock=lambda: float(next(now))) as watch:
        watch.show(Started(0, [run]))
        for epoch in range(1, 8):
            watch.show(Progressed(0, [run], [Evaluation(epoch, train_loss=1 / epoch)]))
    assert file.getvalue().splitlines() == [
        "[0/1] a adam lr=0.001 report seed 1: epoch 3/9 · cost 0.3333",
        "[0/1] a adam lr=0.001 report seed 1: epoch 6/9 · cost 0.1667",
    ]
