"""Student's t, Holm, and by simulation with a known truth: intervals and verdicts are wrong as often as they say."""

import math

import numpy as np
import pytest

from adambench.config.loading import parse
from adambench.curve import Evaluation
from adambench.execution import plan
from adambench.judge import claims, inference
from adambench.judge.analysis import Interval, student, two_sided
from adambench.judge.inference import NONE, Evidence, evidence, holm

# Student's t, two-sided 95 %, for 1, 2, … degrees of freedom, as tables have it.
STUDENT = [
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
]


@pytest.mark.parametrize("df", range(1, 31))
def test_student_agrees_with_the_table(df: int) -> None:
    assert two_sided(STUDENT[df - 1], df) == pytest.approx(0.05, abs=1e-4)
    assert two_sided(-STUDENT[df - 1], df) == two_sided(STUDENT[df - 1], df)
    assert student(df) == pytest.approx(STUDENT[df - 1], abs=5.1e-4)


def test_the_interval_and_the_test_agree() -> None:
    assert [round(student(df), 3) for df in (31, 40, 120)] == [2.040, 2.021, 1.980]  # the printed tables
    assert all(two_sided(student(df), df) == pytest.approx(0.05, abs=1e-12) for df in (1, 2, 4, 31, 199, 10_000))


def test_student_at_its_ends() -> None:
    assert two_sided(0, 3) == 1
    assert two_sided(1, 1) == pytest.approx(0.5)  # Cauchy
    assert two_sided(1e6, 4) < 1e-9


def test_holm() -> None:
    assert holm([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_evidence() -> None:
    assert evidence([1.0, 2.0, 3.0], "<", [1.0]).right == 1
    assert evidence([1.0, 2.0, 3.0], ">", [2 - 4.303 / math.sqrt(3)]).right == pytest.approx(0.05, abs=1e-4)
    for values in ([], [1.0], [1.0, math.inf], [1.0, math.nan]):
        assert evidence(values, "<", [2.0]) is NONE
    assert evidence([9.0, 10.0, 11.0], "<=", [10.0]) == Evidence(1.0, 1.0)  # a test, though it decides nothing


def test_equal_values_are_no_proof() -> None:
    """Two runs that need the same number of whole epochs have no spread, but are only two."""
    assert evidence([5.0, 5.0], "<", [6.0]) == Evidence(0.5, 1.0)
    assert evidence([5.0] * 6, "<", [6.0]) == Evidence(2 / 64, 1.0)
    assert evidence([1e-200, 2e-200], "<", [1.0]).right < 1e-9  # whose squares are zero
    assert evidence([5.0] * 6, "<=", [5.0]) == Evidence(1.0, 1.0)  # at the bound, on neither side of it
    assert inference.tested([1 / 6] * 3, True, "<", [1.0])[1] == Evidence(0.25, 1.0)  # whose computed mean is not 1/6
    assert evidence([3.0, 3.0, 3.0], "between", [1.0, 2.0]) == Evidence(1.0, 0.25)
    assert evidence([math.inf] * 3, "<", [1.0]) == Evidence(1.0, 0.25)  # two that diverge as often do so too
    rounded = [0.1, 0.3 - 0.2]
    assert len(set(rounded)) == 2
    assert inference.tested(rounded, False, "<", [1.0]) == (Interval(0.1, 0.1, 0.1, 2), Evidence(0.5, 1.0))


@pytest.mark.parametrize("ratios", [[0.5, 0.7, 0.6], [0.0, 0.0, 0.0], [0.0, 0.7, 0.6], [math.inf, 2.0, 3.0]])
def test_a_ratio_and_its_inverse_are_judged_alike(ratios: list[float]) -> None:
    """A rival that diverges makes the ratio to it 0, and the inverse infinite."""
    inverse = [1 / ratio if ratio else math.inf for ratio in ratios]
    one, told = inference.tested(ratios, True, "<", [1.0])
    other, back = inference.tested(inverse, True, ">", [1.0])
    assert told == pytest.approx(back, nan_ok=True)
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low if other.low else math.inf))
    assert math.isnan(told.right) == (len({math.isfinite(ratio) and ratio > 0 for ratio in ratios}) > 1)


@pytest.mark.parametrize("relation", ["<", ">", "<=", ">="])
def test_what_differs_by_rounding_is_at_the_bound(relation: str) -> None:
    """As costs of two rules that are the same but for the order of their sums."""
    _, told = inference.tested([1 - 1e-8, 1 - 2e-8, 1 - 3e-8], True, relation, [1.0])
    assert told == Evidence(1.0, 1.0)
    _, told = inference.tested([1 - 1e-4, 1 - 1.1e-4, 1 - 0.9e-4], True, "<", [1.0])
    assert told.right < 0.01


@pytest.mark.parametrize("n", [3, 5])
def test_intervals_of_ratios_hold_the_truth_in_95_of_100_cases(n: int) -> None:
    """20,000 times n ratios around a true geometric mean of .8, with ten per cent of noise."""
    rng = np.random.default_rng(n)
    drawn = 0.8 * np.exp(rng.normal(0, 0.1, (20_000, n)))
    found = [Interval.of(row, log=True) for row in drawn.tolist()]
    assert np.mean([interval.low <= 0.8 <= interval.high for interval in found]) == pytest.approx(0.95, abs=0.01)


TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems: {a: {model: logistic, epochs: 1, batch_size: 8}}
optimizers: {adam: {}, sgd: {}, adagrad: {}, rmsprop: {}, nesterov: {}}
claims:
  - {id: lowest, sentence: "", quantity: "LOWEST", relation: "<", bound: 1}
"""


LOWEST = "final(adam) / min(final(sgd), final(adagrad), final(rmsprop), final(nesterov))"


def simulated(times: int, advantage: float, seed: int, quantity: str = LOWEST, relation: str = "<") -> list[str]:
    """Verdicts on whether Adam is lowest of five, whose costs are equal but for its advantage and five per cent of noise."""
    text = TEXT.replace("LOWEST", quantity).replace('"<"', f'"{relation}"')
    experiment, rng = parse(text, "x.yaml"), np.random.default_rng(seed)
    entries = plan.entries(experiment)
    runs = [entry.report({}) for entry in entries]
    said = []
    for _ in range(times):
        costs = np.exp(rng.normal(0, 0.05, (5, 3)))
        costs[0] *= 1 - advantage
        curves = {
            run.id: [Evaluation(1, train_loss=float(cost))]
            for members, row in zip(runs, costs, strict=True)
            for run, cost in zip(members, row, strict=True)
        }
        said += [verdict.verdict for verdict in claims.verdicts(experiment, entries, curves)]
    return said


def test_a_tie_of_five_is_rarely_decided() -> None:
    """The ratio to the least of four rivals would be called contradicted in every eighth tie."""
    said = simulated(600, 0.0, seed=1)
    assert said.count(claims.CONTRADICTED) / 600 <= 0.05
    assert said.count(claims.REPRODUCED) / 600 <= 0.025


@pytest.mark.parametrize(
    ("quantity", "relation"),
    [
        ("1 + final(adam) - min(final(sgd), final(adagrad), final(rmsprop), final(nesterov))", "<"),
        ("max(final(adam) / final(sgd), final(adam) / final(adagrad), final(adam) / final(rmsprop))", "<"),
        ("final(adam) / (1.0 * min(final(sgd), final(adagrad), final(rmsprop)))", "<="),
        ("min(final(sgd), final(adagrad), final(rmsprop)) / final(adam)", ">"),
    ],
)
def test_so_is_one_that_is_written_in_another_way(quantity: str, relation: str) -> None:
    said = simulated(300, 0.0, 4, quantity, relation)
    assert said.count(claims.CONTRADICTED) / 300 <= 0.05
    assert said.count(claims.REPRODUCED) / 300 <= 0.025


def test_a_clear_lead_is_seen() -> None:
    assert simulated(50, 0.5, seed=2).count(claims.REPRODUCED) >= 45
    assert simulated(50, -0.5, seed=3).count(claims.CONTRADICTED) >= 35
