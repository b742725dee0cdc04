"""Numbers in the form in which people read them."""

import math

import pytest

from adambench.judge.analysis import Estimate
from adambench.show.terminal import cost, duration
from adambench.show.words import estimate


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Estimate(0.26034, 0.00042, 3), "0.2603 ± 0.0004"),
        (Estimate(0.256549, 0.00104, 3), "0.2565 ± 0.0010"),
        (Estimate(123.4, 20.0, 3), "123 ± 20"),
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


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (45, "45 s"), (170, "3 min"), (7800, "2 h 10 min")])
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
