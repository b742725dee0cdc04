"""Claims across problems: one problem against another, the mean over all, and the worst case."""

import math

import pytest

from adambench.config.loading import parse, resolved
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.judge.claims import Verdict, verdicts
from adambench.show.findings import claims as table
from adambench.show.findings import measured
from adambench.show.table import text as as_text

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems:
  constant: {model: logistic, epochs: 2, batch_size: 100}
  one_cycle: {model: logistic, epochs: 2, batch_size: 100, schedule: one_cycle}
  deep-er: {model: vae, epochs: 2, batch_size: 100, seeds: [3, 2, 9]}
optimizers: {adam: {lr: 0.1}, sgd: {lr: 0.1}}
claims:
  - {id: C, sentence: s, quantity: QUANTITY, relation: <, bound: 1}
"""
FINALS = {  # by problem and label, for the seeds 1, 2, 3 and 9
    ("constant", "adam"): {1: 0.4, 2: 0.5, 3: 0.6},
    ("constant", "sgd"): {1: 0.8, 2: 0.9, 3: 1.2},
    ("one_cycle", "adam"): {1: 0.2, 2: 0.3, 3: 0.4},
    ("one_cycle", "sgd"): {1: 0.4, 2: 0.6, 3: 0.4},
    ("deep-er", "adam"): {2: 60.0, 3: 80.0, 9: 100.0},
    ("deep-er", "sgd"): {2: 120.0, 3: 100.0, 9: 50.0},
}


def curve(loss: float) -> Curve:
    return [Evaluation(e, e, 0.1 * e, loss * (3 - e), 0.0, loss, 0.5) for e in (1, 2)]


def judged(quantity: str) -> Verdict:
    experiment = parse(TEXT.replace("QUANTITY", f"'{quantity}'"), "x.yaml")
    entries = plan.entries(experiment)
    curves = {
        run.id: curve(FINALS[entry.problem.name, entry.grid.label][run.seed])
        for entry in entries
        for run in entry.report({})
    }
    (verdict,) = verdicts(experiment, entries, curves)
    return verdict


@pytest.mark.parametrize(
    ("quantity", "values"),
    [
        ("final(adam, problem=one_cycle) / final(adam, problem=constant)", {1: 0.5, 2: 0.6, 3: 2 / 3}),
        ('final(adam, problem="deep-er") - final(sgd, test_loss, problem="deep-er")', {2: -60, 3: -20, 9: 50}),
        ('final(adam, problem="deep-er") * final(adam, problem=constant)', {2: 30.0, 3: 48.0}),  # the common seeds
        ("epochs(adam, 0.4, problem=one_cycle) / 1", {1: 1, 2: 2, 3: 2}),
        ("mean(final(adam) / final(sgd))", {2: (5 / 9 + 0.5 + 0.5) / 3, 3: (0.5 + 1 + 0.8) / 3}),
        ("worst(final(adam) / final(sgd))", {2: 5 / 9, 3: 1.0}),
        ("worst(final(adam) / final(sgd, problem=constant))", {2: 60 / 0.9, 3: 80 / 1.2}),
        ("mean(final(adam)) / mean(final(sgd))", {2: 60.8 / 121.5, 3: 81 / 101.6}),
    ],
)
def test_the_value_by_seed(quantity: str, values: dict[int, float]) -> None:
    found = judged(quantity)
    assert found.values == pytest.approx(values)
    assert found.interval.n == (
        3 if quantity == "worst(final(adam) / final(sgd))" else len(values)
    )  # each problem with its own seeds
    assert found.paper is None


def test_a_verdict_and_how_it_is_told() -> None:
    found = judged("final(adam, problem=one_cycle) / final(adam, problem=constant)")
    assert found.verdict == "reproduced"
    assert found.claim.problem == ""
    assert "x: final(adam, problem=one_cycle)" in as_text([table({"x": [found]})])


def test_rivals_on_another_problem_are_each_compared() -> None:
    found = judged("final(adam, problem=one_cycle) / min(final(adam, problem=constant), final(sgd, problem=constant))")
    assert found.rival == "final(adam, problem=constant)"


def test_the_worst_case_is_judged_problem_by_problem() -> None:
    """The largest of several noisy ratios is above one by chance alone."""
    found = judged("worst(final(adam) / final(sgd))")
    assert found.one == "deep-er"  # the least sure
    assert found.interval.mean == pytest.approx(0.8 ** (1 / 3))  # of .5, .8 and 2
    assert not found.biased
    one = judged("worst(final(adam) / min(final(sgd), final(sgd, problem=constant)))")
    assert (one.one, one.rival) == ("deep-er", "final(sgd, problem=constant)")
    assert judged("0 - worst(final(adam) / final(sgd))").biased  # of which the largest case is the least


def test_without_common_seeds_it_is_said() -> None:
    text = TEXT.replace("[3, 2, 9]", "[7, 8, 9]").replace("QUANTITY", "'mean(final(adam) / final(sgd))'")
    experiment = parse(text, "x.yaml")
    (verdict,) = verdicts(experiment, plan.entries(experiment), {})
    assert measured(verdict) == "no seed that all its problems have"


def test_without_runs_there_are_no_values() -> None:
    experiment = parse(TEXT.replace("QUANTITY", "'worst(final(adam) / final(sgd))'"), "x.yaml")
    (verdict,) = verdicts(experiment, plan.entries(experiment), {})
    assert verdict.values == {}
    assert math.isnan(verdict.interval.mean)


def test_the_stored_configuration_keeps_the_claim() -> None:
    experiment = parse(TEXT.replace("QUANTITY", "'mean(final(adam) / final(sgd))'"), "x.yaml")
    assert parse(resolved(experiment), "y.yaml") == experiment
    assert "problem: " not in resolved(experiment)[resolved(experiment).index("claims:") :]


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("final(adam)", ": problem is missing. Allowed: id, sentence, quantity, relation, bound, problem."),
        ("final(adam, problem=deep)", ".quantity: problem=deep: unknown. Allowed: constant, one_cycle, deep-er."),
        ("final(adam, problem=2)", ".quantity: 2: must be the name of a problem"),
        ("final(lion, problem=constant)", ".quantity: lion on constant: unknown. Allowed: adam, sgd."),
        ("mean(final(adam, test_error))", ".quantity: the model of deep-er gives no labels, so there is no test_error"),
        ("mean(worst(final(adam)))", ".quantity: worst(final(adam)): worst takes one expression that has no mean or"),
        ("mean(final(adam), 1)", ".quantity: mean takes 1 argument, found 2"),
        ("mean(final(adam), problem=constant)", ".quantity: mean(final(adam), problem=constant): mean takes one"),
        ("mean(best(adam))", ".quantity: best: not allowed here; mean, worst take measures of report runs"),
        (
            "best(adam, problem=constant)",
            ".quantity: problem=constant: not allowed here; the search is that of the claim's own problem",
        ),
        ("mean(1)", ".quantity: must name an optimizer, e.g. final(adam), found 'mean(1)'"),
    ],
)
def test_mistakes(quantity: str, message: str) -> None:
    with pytest.raises(AdambenchError) as raised:
        parse(TEXT.replace("QUANTITY", f"'{quantity}'"), "x.yaml")
    assert raised.value.message.startswith(f"x.yaml:10: claims.C{message}")
