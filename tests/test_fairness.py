"""Fairness: the budget and the speed of each optimizer, to the digit."""

import itertools
import math
from statistics import median

import pytest

from adambench.config.loading import parse
from adambench.execution import plan
from adambench.judge import fairness
from tests.test_claims import ADAM, NESTEROV, TEXT, curve, story


def test_the_best_of_k_is_the_median_over_all_draws() -> None:
    _, entries, curves = story(ADAM, NESTEROV)
    found = fairness.budget(entries[0], curves)
    assert found
    assert list(found.k) == [1, 2, 3, 4]
    finals = [0.5, 0.3, 0.36, math.inf]
    for k, middle, low, high in zip(found.k, found.median, found.low, found.high, strict=True):
        drawn = sorted(min(draw) for draw in itertools.combinations(finals, k))
        assert middle == drawn[math.ceil(0.5 * len(drawn)) - 1]
        assert low == drawn[math.ceil(0.25 * len(drawn)) - 1]
        assert high == drawn[math.ceil(0.75 * len(drawn)) - 1]
    assert fairness.budget(entries[1], curves) is None


def test_fairness_of_each_optimizer() -> None:
    _, entries, curves = story(ADAM, NESTEROV)
    levels, rows = fairness.fairness(entries[:2], curves, dict.fromkeys(curves, 1))
    adam, nesterov = rows  # by mean rank
    assert (adam.settings, adam.diverged, adam.tuned) == (4, 1, 0.3)
    assert adam.stable.decades == pytest.approx(math.log10(0.4 / 0.2))  # .36 is within 1.25 times .3, .5 is not
    assert str(adam.stable) == "0.3"
    assert adam.reported.mean == pytest.approx(0.42)
    assert adam.optimism == pytest.approx(0.4)
    assert (adam.rank, nesterov.rank) == (1.0, 2.0)
    assert math.isnan(nesterov.tuned)
    assert nesterov.budget is None
    assert levels == sorted(levels, reverse=True)
    assert all(0.40 <= level <= 2.0 for level in levels)
    for level, found in zip(levels, adam.epochs, strict=True):
        times = [next((e.epoch for e in run if e.train_loss <= level), math.inf) for run in ADAM]
        assert (found.median, found.low, found.high) == (median(times), min(times), max(times))
    assert nesterov.epochs[-1].median == math.inf  # it never comes there


def test_a_stable_range_that_ends_with_the_grid_is_open() -> None:
    _, entries, curves = story([], [])
    curves |= {run.id: curve(2, last) for run, last in zip(entries[0].tuning, (0.5, 0.4, 0.36, 0.3), strict=True)}
    assert str(fairness.stable(entries[0], curves)) == "≥ 0.3"
    assert str(fairness.stable(entries[1], curves)) == "–"


def test_equal_results_share_a_rank() -> None:
    _, entries, curves = story(NESTEROV, NESTEROV)
    _, rows = fairness.fairness(entries[:2], curves, dict.fromkeys(curves, 1))
    assert [row.rank for row in rows] == [1.5, 1.5]


def test_results_that_differ_by_rounding_share_a_rank() -> None:
    _, entries, curves = story(NESTEROV, [curve(2, 1.5, 1.0, 0.8 * (1 + 1e-9))] * 3)
    _, rows = fairness.fairness(entries[:2], curves, dict.fromkeys(curves, 1))
    assert [row.rank for row in rows] == [1.5, 1.5]


@pytest.mark.parametrize(
    "ends", [(0.99, 0.91), (149.0, 60.0), (2.0, 0.4), (1.0, 0.9995), (1.05, 1.049), (0.913, 0.9124)]
)
def test_levels_lie_below_the_start(ends: tuple[float, float]) -> None:
    """Rounding up does not lift one above it, where every run has it at once."""
    found = fairness.levels([curve(*ends)])
    assert len(found) == fairness.LEVELS
    assert all(ends[1] <= level < ends[0] for level in found)


def test_fairness_without_runs() -> None:
    experiment = parse(TEXT, "x.yaml")
    levels, rows = fairness.fairness(plan.entries(experiment), {}, {})
    assert levels == []
    assert all(math.isnan(row.rank) and math.isnan(row.tuned) for row in rows)


@pytest.mark.parametrize("n", [2, 3, 4, 8, 12, 97, 160])
def test_the_best_of_k_has_the_value_of_exact_binomials(n: int) -> None:
    finals = [math.sqrt(i) for i in range(n)]
    for k, share in itertools.product(range(1, n + 1), (0.25, 0.5, 0.75)):
        draws = math.comb(n, k)
        exact = next(value for i, value in enumerate(finals, 1) if 1 - math.comb(n - i, k) / draws >= share)
        assert fairness._best_of(finals, k, share) == exact
