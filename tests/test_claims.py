"""Claims: the language of quantities, intervals, verdicts, the paper's own values."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from statistics import stdev
from typing import Any

import pytest

from adambench import paper
from adambench.config import quantity
from adambench.config.experiment import Claim, Judging
from adambench.config.loading import load, parse, resolved
from adambench.curve import COMPARED, Curve, Evaluation, final, reached
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.judge import claims, comparisons, reading, values
from adambench.judge.analysis import Interval
from adambench.session import Session
from adambench.show import charts, findings, table
from adambench.store.folder import Folder
from tests.test_results import PAPER

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems:
  a:
    model: logistic
    epochs: 4
    batch_size: 8
    figure: 1-left
optimizers:
  adam: {lr: [0.1, 0.2, 0.4, 0.8]}
  nesterov: {lr: 1.0}
  other-one: {name: sgd, lr: 1.0}
claims:
  - {id: C1, sentence: Adam is lower, quantity: "final(adam) / final(nesterov)", relation: "<", bound: 1}
  - {id: C2, sentence: Adam is sooner, quantity: "epochs(adam, final(nesterov)) / 4", relation: <=, bound: 0.5}
  - {id: C3, sentence: they are alike, quantity: final(adam) - final(nesterov), relation: between, bound: [-0.5, 0.5]}
"""


def curve(*losses: float) -> Curve:
    return [
        Evaluation(i + 1, i + 1, 0.5 * (i + 1), x, 0.0, x, x / 10, diverged=not math.isfinite(x))
        for i, x in enumerate(losses)
    ]


def story(adam: list[Curve], nesterov: list[Curve], text: str = TEXT) -> tuple[Any, list[plan.Entry], dict[str, Curve]]:
    """Adam's tuning runs end at .5, .3 and .36; the one with the highest rate diverges."""
    experiment = parse(text, "x.yaml")
    entries = plan.entries(experiment)
    finals = (0.5, 0.3, 0.36, math.nan)
    curves = {run.id: curve(2, last) for run, last in zip(entries[0].tuning, finals, strict=True)}
    for entry, found in zip(entries, (adam, nesterov, []), strict=True):
        curves |= {run.id: one for run, one in zip(entry.report(curves), found, strict=False)}
    return experiment, entries, curves


ADAM = [curve(2, 0.9, 0.6, 0.40), curve(2, 0.9, 0.6, 0.42), curve(2, 0.9, 0.6, 0.44)]
NESTEROV = [curve(2, 1.5, 1.0, 0.8)] * 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("final(adam) / final(nesterov)", 0.5),
        ("min(final(adam), final(nesterov), 0.3)", 0.3),
        ("max(1, 2) - abs(-4) * log10(100)", -6.0),
        ("final(adam, test_error)", 0.04),
        ("epochs(adam, 0.9)", 2.0),
        ("seconds(adam, 0.9)", 1.0),
        ("epochs(adam, 0.09, test_error)", 2.0),
        ("epochs(nesterov, final(adam))", math.inf),
        ("1 / 0", math.inf),
        ('final("nesterov")', 0.8),
    ],
)
def test_a_quantity_has_its_value(text: str, value: float) -> None:
    found = quantity.parse(text, ["train_loss", "test_error"])
    assert values.value(found, {"adam": ADAM[0], "nesterov": NESTEROV[0]}) == pytest.approx(value)


def test_a_comment_does_not_cut_a_quantity_off() -> None:
    with pytest.raises(ValueError, match="must not contain #"):
        quantity.parse("final(adam) # ours\n / final(sgd)", [])


def test_a_quantity_without_value_is_nan() -> None:
    for text in ("epochs(adam, 0) / epochs(adam, 0)", "epochs(adam, 0 / 0)"):
        assert math.isnan(values.value(quantity.parse(text, []), {"adam": ADAM[0]}))


def test_a_curve_that_begins_late_reaches_its_first_cost_at_an_unknown_epoch() -> None:
    """The paper's figure 2a shows Nesterov from the tenth epoch on."""
    nesterov = paper.curves("2a")["nesterov"]
    assert nesterov[0].epoch > 1
    assert math.isnan(reached(nesterov, "epoch", nesterov[0].train_loss))
    assert reached(nesterov, "epoch", 0.012) > nesterov[0].epoch


METRICS = "unknown. Allowed: test_error, test_loss, train_loss, validation_error, validation_loss."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("final(adam) / final", "final(adam / final", "claims.C1.quantity: is not an expression: '(' was never closed, found 'final(adam / final(nesterov)'"),
        ("final(adam) / final", "finals(adam) / final", "claims.C1.quantity: finals: unknown. Allowed: min, max, abs, log10, mean, worst, final, epochs, seconds, best, limit, gap. Did you mean final?"),
        ("final(adam) / final", "min(final(adam), lr=1) / final", "claims.C1.quantity: lr=1: not allowed here; min takes only values"),
        ("final(adam) / final", "max() / final", "claims.C1.quantity: max takes 1 or more arguments, found 0"),
        ("final(adam) / final", "abs(1, 2) / final", "claims.C1.quantity: abs takes 1 argument, found 2"),
        ("final(adam) / final", "final(adma) / final", "claims.C1.quantity: adma: unknown. Allowed: adam, nesterov, other-one. Did you mean adam?"),
        ("final(adam) / final", "final(adam, los) / final", f"claims.C1.quantity: los: {METRICS}"),
        ("final(adam) / final", "adam.final / final", "claims.C1.quantity: adam.final: not allowed here. Allowed: numbers, + - * / and functions."),
        ("final(adam) / final", "final(2) / final", "claims.C1.quantity: 2: must be the label of an optimizer, e.g. adam"),
        ("final(adam) / final", "__import__('os') / final", "claims.C1.quantity: __import__: unknown. Allowed: min, max, abs, log10, mean, worst, final, epochs, seconds, best, limit, gap."),
        ('"final(adam) / final(nesterov)"', "1", "claims.C1.quantity: must be text, found 1"),
        ("final(adam) / final(nesterov)", "1 + 1", "claims.C1.quantity: must name an optimizer, e.g. final(adam), found '1 + 1'"),
        ("epochs(adam, final(nesterov)) / 4", "epochs(adam)", "claims.C2.quantity: epochs takes 2 to 3 arguments, found 1"),
        ('relation: "<"', "relation: is", "claims.C1.relation: 'is' is unknown. Allowed: <, <=, >, >=, between."),
        ("bound: 1}", "bound: one}", "claims.C1.bound: must be a number, found 'one'"),
        ("bound: [-0.5, 0.5]", "bound: [0.5, -0.5]", "claims.C3.bound: must be [low, high] with low below high, found [0.5, -0.5]"),
        ("final(adam) / final", "final(adam, 3) / final", f"claims.C1.quantity: 3: {METRICS}"),
        ("final(adam) / final", "epochs(adam, train_loss) / final", "claims.C1.quantity: train_loss: not allowed here. Allowed: numbers, + - * / and functions."),
        ("final(adam) / final", "final(adam, lr=1) / final", "claims.C1.quantity: lr=1: not allowed here; only best, limit, gap take KEY=VALUE, with a number, true or false"),
        ("final(adam) / final(nesterov)", "best(nesterov)", "claims.C1.quantity: nesterov has one setting, so it is not searched; give it a grid, e.g. lr: [0.01, 0.1]"),
        ("final(adam) / final(nesterov)", "best(adam, bias_correction=false)", "claims.C1.quantity: bias_correction=false is not in the grid of adam. Allowed: true."),
        ("final(adam) / final(nesterov)", "best(adam, bias_correction=no)", "claims.C1.quantity: bias_correction=no: not allowed here; only best, limit, gap take KEY=VALUE, with a number, true or false"),
        ("final(adam) / final(nesterov)", "best(adam, beta_1=0.9)", "claims.C1.quantity: beta_1: unknown. Allowed: lr, beta1, beta2, eps, bias_correction. Did you mean beta1?"),
        ("final(adam) / final(nesterov)", "best(adam, lr=7)", "claims.C1.quantity: lr=7 is not in the grid of adam. Allowed: 0.1, 0.2, 0.4, 0.8."),
        ("final(adam) / final(nesterov)", "gap(adam, nesterov)", "claims.C1.quantity: gap(adam, nesterov): the grids differ; each setting "
         "of one must also be a setting of the other"),
        ("final(adam) / final(nesterov)", "gap(nesterov, adam)", "claims.C1.quantity: gap(nesterov, adam): the grids differ; each setting "
         "of one must also be a setting of the other"),
        ("final(adam) / final(nesterov)", "final(adam) / best(adam)", "claims.C1.quantity: must not combine measures of the search (best, limit, gap) with those of report runs"),
        ("final(adam) / final(nesterov)", "1" * 400, "claims.C1.quantity: 11111111111111111111: must be less than 1e+300"),
        ("final(adam) / final(nesterov)", "final(adam)" + " + 1" * 600, "claims.C1.quantity: must have at most 2,000 characters, found 2,411"),
        ("final(adam) / final(nesterov)", "(" * 150 + "1" + ")" * 150, "claims.C1.quantity: must name an optimizer, e.g. final(adam), found '((((((((((((((((((((((((((((((((((((((((((((((((((((((((..."),
        ("id: C2", "id: C1", "claims: C1 is the id of 2 claims; each claim needs its own id"),
        ("id: C2", "idd: C2", "claims: 2nd value: idd: unknown. Allowed: id, sentence, quantity, relation, bound, problem. Did you mean id?"),
        ("figure: 1-left", "figure: 7", "problems.a.figure: 7 is unknown. Allowed: 1-left, 1-right, 2a, 2b-top, 4-10, 4-100. These are the figures of the paper."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_claim_is_reported(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(AdambenchError) as caught:
        parse(TEXT.replace(old, new, 1), "x.yaml")
    assert message in [line.split(": ", 1)[1] for line in caught.value.message.splitlines()]


def test_claims_survive_the_resolved_file() -> None:
    experiment = parse(TEXT, "x.yaml")
    assert parse(resolved(experiment), "again.yaml") == experiment


def test_interval() -> None:
    found = Interval.of([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high - 2.0 == pytest.approx(4.302652729911 / math.sqrt(3))  # Student's t with 2 degrees of freedom
    assert 2.0 - found.low == pytest.approx(4.302652729911 / math.sqrt(3))
    assert Interval.of([5.0]) == Interval(5.0, -math.inf, math.inf, 1)
    assert math.isnan(Interval.of([], log=True).mean)
    assert Interval.of([1e-99, 1e99], log=True).high == math.inf  # too large for a float, and no error
    assert Interval.of([math.inf, 1.0]) == Interval(math.inf, -math.inf, math.inf, 2)
    assert Interval.of([math.inf, math.inf]) == Interval(math.inf, math.inf, math.inf, 2)
    assert math.isnan(Interval.of([math.inf, -math.inf]).mean)
    assert Interval.of([1.0] * 100).n == 100


@pytest.mark.parametrize(
    ("relation", "bound", "low", "high", "verdict"),
    [
        ("<", (1.0,), 0.5, 0.9, claims.REPRODUCED),
        ("<", (1.0,), 0.5, 1.0, claims.INCONCLUSIVE),
        ("<", (1.0,), 1.0, 1.2, claims.CONTRADICTED),
        ("<=", (1.0,), 0.5, 1.0, claims.REPRODUCED),
        ("<=", (1.0,), 1.0, 1.2, claims.INCONCLUSIVE),
        (">", (1.0,), 1.1, 1.2, claims.REPRODUCED),
        (">", (1.0,), 0.9, 1.0, claims.CONTRADICTED),
        (">=", (1.0,), 1.0, 1.2, claims.REPRODUCED),
        (">=", (1.0,), 0.8, 0.9, claims.CONTRADICTED),
        ("between", (0.9, 1.1), 0.9, 1.1, claims.REPRODUCED),
        ("between", (0.9, 1.1), 0.8, 1.0, claims.INCONCLUSIVE),
        ("between", (0.9, 1.1), 0.7, 0.8, claims.CONTRADICTED),
        ("<", (1.0,), -math.inf, math.inf, claims.INCONCLUSIVE),
        ("<", (1.0,), math.inf, math.inf, claims.CONTRADICTED),
        ("<", (1.0,), math.nan, math.nan, claims.INCONCLUSIVE),
    ],
)
def test_verdict(relation: str, bound: tuple[float, ...], low: float, high: float, verdict: str) -> None:
    claim = Claim("C", "", "a", quantity.parse("final(adam)", []), relation, bound)
    assert claims.verdict(claim, Interval((low + high) / 2, low, high, 3)) == verdict


def test_claims_are_judged_seed_by_seed() -> None:
    first, second, third = claims.verdicts(*story(ADAM, NESTEROV))
    assert first.values == {1: pytest.approx(0.5), 2: pytest.approx(0.525), 3: pytest.approx(0.55)}
    logs = [math.log(value) for value in (0.5, 0.525, 0.55)]  # a ratio: the geometric mean
    assert math.log(first.interval.mean) == pytest.approx(sum(logs) / 3)
    assert math.log(first.interval.high) == pytest.approx(sum(logs) / 3 + 4.302652729911 * stdev(logs) / math.sqrt(3))
    assert [v.verdict for v in (first, second, third)] == [claims.REPRODUCED, claims.INCONCLUSIVE, claims.REPRODUCED]
    assert second.values == {1: 0.75, 2: 0.75, 3: 0.75}  # the third epoch of four: three equal values prove nothing
    assert second.chance == 0.25
    assert first.paper == pytest.approx(0.970, abs=0.001)


def test_claims_as_text() -> None:
    first, *_ = claims.verdicts(*story(ADAM, NESTEROV))
    told = findings.claims({"x": [replace(first, tried={})]})
    assert "\n   = 0.5246 [0.4660, 0.5905], n 3, p 0.0054; claimed: < 1" in table.text([told])
    assert told.notes == [
        "1 claim: 1 reproduced (mean over the report seeds with its 95 % interval; verdicts corrected after Holm)"
    ]


def test_a_claim_with_one_seed_or_none_is_inconclusive() -> None:
    (one, *_), (none, *_) = claims.verdicts(*story(ADAM[:1], NESTEROV)), claims.verdicts(*story([], NESTEROV))
    assert one.values == {1: pytest.approx(0.5)}
    assert none.values == {}
    assert (one.verdict, none.verdict) == (claims.INCONCLUSIVE, claims.INCONCLUSIVE)


def test_claims_that_wait_for_runs_are_counted() -> None:
    """Else a claim would be surer before the others of its experiment have their runs than after."""
    (whole, *_) = claims.verdicts(*story(ADAM, NESTEROV))
    later = """  - {id: C4, sentence: "", quantity: 'final(adam) / final("other-one")', relation: "<", bound: 1}\n"""
    first, *_, last = claims.verdicts(*story(ADAM, NESTEROV, TEXT + later))
    assert first.chance == pytest.approx(4 / 3 * whole.chance)  # the smallest, now of four
    assert (last.values, last.verdict) == ({}, claims.INCONCLUSIVE)
    assert math.isnan(last.chance)


def test_a_claim_waits_until_all_its_report_seeds_are_finished() -> None:
    """Else one could stop at the verdict one likes. Values are told as they come."""
    whole = claims.verdicts(*story(ADAM, NESTEROV))[0]
    early = claims.verdicts(*story(ADAM[:2], NESTEROV))[0]
    assert (whole.verdict, len(whole.values)) == (claims.REPRODUCED, 3)
    assert (early.verdict, len(early.values)) == (claims.INCONCLUSIVE, 2)
    assert math.isnan(early.chance)


def test_a_claim_about_a_diverged_run() -> None:
    """Two optimizers of which each run diverges with probability one half differ on all of three seeds in 1 of 32 cases."""
    lost = [curve(2, math.nan)] * 3
    first, *_ = claims.verdicts(*story(lost, NESTEROV))
    assert (first.verdict, first.chance) == (claims.INCONCLUSIVE, 0.75)  # .25, the largest of three after Holm
    assert findings.measured(first) == "∞ (on each of 3 seeds)"
    assert claims.verdicts(*story([*lost[:1], *ADAM[1:]], NESTEROV))[0].verdict == claims.INCONCLUSIVE


def test_a_comparison_without_a_test_counts_and_does_not_hide_the_others() -> None:
    """Adam is above Nesterov for sure; the other optimizer diverged on one seed, so that there is no test with it."""
    text = TEXT.replace("final(adam) / final(nesterov)", "final(nesterov) / min(final(adam), final(other))", 1)
    text = text.replace("other-one", "other")
    experiment, entries, curves = story(ADAM, NESTEROV, text)
    (third,) = (entry for entry in entries if entry.grid.label == "other")
    other = dict(zip((run.id for run in third.report({})), [curve(2, math.nan), *NESTEROV[1:]], strict=True))
    one = TEXT.replace("final(adam) / final(nesterov)", "final(nesterov) / final(adam)", 1)
    one = TEXT.replace("final(adam) / final(nesterov)", "final(nesterov) / final(adam)", 1)
    alone, *_ = claims.verdicts(*story(ADAM, NESTEROV, one))
    first, *_ = claims.verdicts(experiment, entries, {**curves, **other})
    assert (first.verdict, first.rival) == (claims.CONTRADICTED, "adam")
    assert first.chance == pytest.approx(alone.chance * 4 / 3)  # of four comparisons, one of which has no test


@pytest.mark.parametrize(
    ("figure", "text", "value"),
    [  # the paper's own numbers
        ("1-left", "final(adam) / final(nesterov)", 0.97),
        ("1-left", "final(adagrad) / max(final(adam), final(nesterov))", 1.7),
        ("2a", "final(adam) / min(final(nesterov), final(rmsprop), final(adadelta), final(adagrad))", 0.61),
        ("2a", "epochs(adam, final(nesterov)) / 200", 103 / 200),
        ("2a", "final(adam)", 0.0069),
        ("2a", "final(adagrad)", 0.0188),
    ],
)
def test_the_papers_curves_give_the_papers_numbers(figure: str, text: str, value: float) -> None:
    found = values.value(quantity.parse(text, []), paper.curves(figure))
    assert found == pytest.approx(value, rel=0.03)


def test_final_is_the_last_twentieth_of_the_epochs_also_of_a_curve_that_begins_late() -> None:
    whole = curve(*(float(epoch) for epoch in range(1, 31)))
    assert final(whole, "train_loss") == 29.5  # 1.5 of 30 epochs, which is two
    assert final(whole[10:], "train_loss") == 29.5


def test_min_and_max_do_not_hide_missing_values() -> None:
    for text in ("max(0, 0 / 0)", "max(0 / 0, 0)", "min(0, 0 / 0)", "min(0 / 0, 0)"):
        assert math.isnan(quantity.parse(text, []).value({}))


SEARCH = """\
name: x
dataset: mnist
seeds: [1]
problems:
  a: {model: vae, epochs: 4, batch_size: 8, figure: 4-10}
optimizers:
  on: {name: adam, lr: [0.1, 0.2, 0.4], beta1: [0.0, 0.9]}
  off: {name: adam, lr: [0.1, 0.2, 0.4], beta1: [0.0, 0.9], bias_correction: false}
claims:
  - {id: C1, sentence: lower, quantity: best(on), relation: "<", bound: 4}
  - {id: C2, sentence: lower, quantity: "best(on, beta1=0.9)", relation: "<", bound: 4}
  - {id: C3, sentence: sooner, quantity: "limit(off, 6, beta1=0.9) / limit(on, 6, beta1=0.9)", relation: "<", bound: 1}
  - {id: C4, sentence: never above, quantity: "gap(on, off)", relation: <=, bound: 0}
  - {id: C5, sentence: nothing blows up, quantity: "limit(on, 99) / limit(on, 99)", relation: <=, bound: 0}
  - {id: C6, sentence: of no level, quantity: "limit(on, 0 / 0, bias_correction=true)", relation: <=, bound: 1}
"""


def test_a_claim_names_no_metric_that_the_model_does_not_have() -> None:
    with pytest.raises(
        AdambenchError, match=r"claims\.C1\.quantity: the model of a gives no labels, so there is no test_error"
    ):
        parse(SEARCH.replace("best(on)", '"final(on, test_error)"'), "x.yaml")


def searched() -> tuple[Any, list[plan.Entry], dict[str, Curve]]:
    experiment = parse(SEARCH, "x.yaml")
    entries = plan.entries(experiment)
    finals = [(5, 8, 3, 4, 5, 7), (6, 8, 3.5, 9, math.nan, 7)]  # lr .1 with beta1 0 and .9, lr .2, lr .4
    return (
        experiment,
        entries,
        {
            run.id: curve(9, last)
            for entry, found in zip(entries, finals, strict=True)
            for run, last in zip(entry.tuning, found, strict=True)
        },
    )


def test_claims_about_the_search() -> None:
    """There is one seed and no interval, so the value alone decides."""
    experiment, entries, curves = searched()
    lowest, held, sooner, never, nothing, no_level = claims.verdicts(experiment, entries, curves)
    assert lowest.values == {0: 3.0}
    assert held.values == {0: 4.0}
    assert sooner.values == {0: pytest.approx(0.1 / 0.4)}  # off is above 6 from .1 on, on from .4 on
    assert never.values == {0: 0.0}  # at lr .1, beta1 .9 and at the highest rate they are the same
    assert math.isnan(nothing.values[0])  # ∞/∞
    assert math.isnan(no_level.values[0])
    assert [v.verdict for v in (lowest, held, sooner, never, nothing)] == [
        *(claims.REPRODUCED, claims.CONTRADICTED, claims.REPRODUCED, claims.REPRODUCED, claims.INCONCLUSIVE)
    ]
    (words,) = findings.claims({"x": [held]}).records
    assert (words["mean"], words["low"], words["high"], words["n"]) == (4.0, None, None, 1)
    assert findings.claims({"x": [lowest, held]}).notes == ["2 claims: 1 reproduced, 1 contradicted"]
    del curves[entries[0].tuning[0].id]
    assert all(verdict.verdict == claims.INCONCLUSIVE for verdict in claims.verdicts(experiment, entries, curves))


def test_figure_4_is_drawn_panel_by_panel() -> None:
    _, entries, curves = searched()
    figure: Any = charts.figure4(entries, curves)
    upper, lower = figure.axes
    assert upper.get_ylim() == (95, 140)
    ours = {line.get_label(): line for line in lower.get_lines()}["with bias correction"]
    assert ours.get_xdata().tolist() == pytest.approx([math.log10(rate) for rate in (0.1, 0.2, 0.4)])
    assert ours.get_ydata().tolist() == [8, 4, 7]
    crosses = [line.get_xdata() for line in upper.get_lines() if line.get_marker() == "x" and len(line.get_xdata())]
    assert crosses == [[pytest.approx(math.log10(0.4))]]  # without correction, where it diverged
    (rate, cost), *_ = paper.grid("4-10")[0.9, 0.9999, True]
    assert (rate, cost) == (-3.52, 118.39)


def test_only_the_plain_rule_has_a_curve_in_the_paper() -> None:
    text = TEXT.replace("other-one: {name: sgd", "nesterov2: {name: nesterov").replace(
        "final(adam) - final(nesterov)", "final(nesterov2) - final(nesterov)"
    )
    first, _, third = claims.verdicts(*story(ADAM, NESTEROV, text))
    assert first.paper is not None
    assert third.paper is None
    uncorrected = TEXT.replace("adam: {lr", "adam: {bias_correction: false, lr")
    assert claims.verdicts(*story(ADAM, NESTEROV, uncorrected))[0].paper is None


def test_lowest_of_all_is_judged_rival_by_rival() -> None:
    text = TEXT.replace(
        "final(adam) / final(nesterov)", "final(adam) / min(final(nesterov), final(other-one))"
    ).replace("other-one", "other")
    claim = parse(text, "x.yaml").claims[0]
    assert [(one, rival, part.text) for one, rival, part in comparisons.parts(claim)] == [
        ("", "nesterov", "final(adam) / final(nesterov)"),
        ("", "other", "final(adam) / final(other)"),
    ]
    assert comparisons.parts(replace(claim, relation=">")) == [("", "", claim.quantity)]


def test_each_of_several_below_another_is_judged_one_by_one() -> None:
    text = TEXT.replace("final(adam) / final(nesterov)", "max(final(adam), final(nesterov)) / final(other-one)")
    text = text.replace("other-one", "other")
    claim = parse(text, "x.yaml").claims[0]
    assert [part[:2] for part in comparisons.parts(claim)] == [("adam", ""), ("nesterov", "")]
    assert comparisons.parts(replace(claim, relation=">")) == [("", "", claim.quantity)]
    both = parse(text.replace("/ final(other)", "/ min(final(other), 2)"), "x.yaml").claims[0]
    made = [part[:2] for part in comparisons.parts(both)]
    assert made == [("adam", "other"), ("adam", "2"), ("nesterov", "other"), ("nesterov", "2")]


MAX = "max(final(adam), final(other))"


@pytest.mark.parametrize(
    ("quantity", "parts"),
    [
        (
            "max(epochs(adam, 0.1), epochs(adam, 0.4)) / epochs(other, 0.4)",
            ["epochs(adam, 0.1) / epochs(other, 0.4)", "epochs(adam, 0.4) / epochs(other, 0.4)"],
        ),
        (
            "final(adam) / min(final(other), final(other, test_loss))",
            ["final(adam) / final(other)", "final(adam) / final(other, test_loss)"],
        ),
        (  # is one at least, by arithmetic, and so cannot be below one
            "max(final(adam), final(other)) / min(final(adam), final(other))",
            ["max(final(adam), final(other)) / min(final(adam), final(other))"],
        ),
        (
            "final(adam) / min(mean(final(nesterov)), abs(final(other) - 1))",
            ["final(adam) / mean(final(nesterov))", "final(adam) / abs(final(other) - 1)"],
        ),
        ("max(final(adam), final(adam)) / final(adam)", ["max(final(adam), final(adam)) / final(adam)"]),
        (  # 1 + (a ratio) has to be below one too, and cannot
            "final(adam) / min(final(adam), final(other)) + final(nesterov)",
            ["1 + final(nesterov)", "final(adam) / final(other) + final(nesterov)"],
        ),
        ("max(final(adam) - final(other), 0)", ["final(adam) - final(other)"]),  # 0 is below one by arithmetic
        ("max(final(adam), 2)", ["max(final(adam), 2)"]),  # and 2 is not
        ("-min(final(adam), final(other))", ["-final(adam)", "-final(other)"]),
        ("2 * (max(final(adam), final(other)) - 1)", ["2 * (final(adam) - 1)", "2 * (final(other) - 1)"]),
        (
            "final(adam) - min(final(nesterov), final(other))",
            ["final(adam) - final(nesterov)", "final(adam) - final(other)"],
        ),
        (
            "max(final(adam) / final(nesterov), 2 * final(adam) / final(other))",
            ["final(adam) / final(nesterov)", "2 * final(adam) / final(other)"],
        ),
        (
            "final(adam) / (2 * min(final(nesterov), final(other)))",
            ["final(adam) / (2 * final(nesterov))", "final(adam) / (2 * final(other))"],
        ),
        (
            "log10(max(final(adam), final(other))) + 1",
            ["log10(final(adam)) + 1", "log10(final(other)) + 1"],
        ),
        (  # each of these grows where the quantity would have to fall
            "final(adam) - max(final(nesterov), final(other))",
            ["final(adam) - max(final(nesterov), final(other))"],
        ),
        (" + ".join([MAX] * 7), [" + ".join([MAX] * 7)]),  # of 128 comparisons
    ],
)
def test_no_comparison_is_lost_and_none_is_with_itself(quantity: str, parts: list[str]) -> None:
    text = TEXT.replace("final(adam) / final(nesterov)", quantity).replace("other-one", "other")
    assert [part.text for _, _, part in comparisons.parts(parse(text, "x.yaml").claims[0])] == parts


@pytest.mark.parametrize(("relation", "verdict"), [("<=", "reproduced"), ("<", "inconclusive")])
def test_what_arithmetic_forbids_is_not_reproduced(relation: str, verdict: str) -> None:
    """Adam's value, over the lowest of its own and a higher one, is one: never below it."""
    text = TEXT.replace("final(adam) / final(nesterov)", "final(adam) / min(final(adam), final(nesterov))", 1)
    first, *_ = claims.verdicts(*story(ADAM, NESTEROV, text.replace('relation: "<"', f'relation: "{relation}"')))
    assert first.verdict == verdict


@pytest.mark.parametrize(
    ("quantity", "biased"),
    [
        ("final(adam) / min(final(nesterov), final(other))", False),  # which is judged as two comparisons
        ("final(adam) / max(final(nesterov), final(other))", True),
        ("mean(final(adam) / min(final(nesterov), final(other)))", True),
        ("abs(final(adam) - final(other))", True),
        ("abs(final(adam)) / max(final(other), 0.1)", False),
        ("epochs(adam, max(final(nesterov), final(other))) / epochs(other, 1)", False),  # one level for both
    ],
)
def test_an_extreme_of_noisy_values_is_told(quantity: str, biased: bool) -> None:
    text = TEXT.replace("final(adam) / final(nesterov)", quantity, 1).replace("other-one", "other")
    first, *_ = claims.verdicts(*story(ADAM, NESTEROV, text))
    assert first.biased == biased
    told = findings.claims({"x": [replace(first, tried={})]}).notes[1:]
    assert len(told) == biased
    assert all(words.startswith("x: C1: min, max, worst or abs is judged as one number") for words in told)


def test_a_ratio_that_can_be_negative_is_judged_as_a_whole() -> None:
    """For a negative X, X / min(Y, Z) is the least of X / Y and X / Z, not the largest."""
    less = "(final(adam) - final(nesterov)) / min(final(nesterov), final(other-one))"
    text = TEXT.replace("final(adam) / final(nesterov)", less).replace("other-one", "other")
    (whole,) = comparisons.parts(parse(text, "x.yaml").claims[0])
    assert whole[:2] == ("", "")


def test_a_first_passage_can_be_smoothed() -> None:
    noisy = curve(2.0, 1.0, 0.1, 1.0, 0.9, 0.5, 0.3, 0.2)
    assert reached(noisy, "epoch", 0.5) == 3
    assert reached(noisy, "epoch", 0.5, smooth=3) == 7  # the mean of epochs 6 to 8
    assert reached(noisy, "seconds", 0.5, smooth=3) == 3.5
    assert reached(noisy, "epoch", 0.01, smooth=3) == math.inf
    assert reached(noisy[:2], "epoch", 1.5, smooth=3) == 1.5  # a curve shorter than the window


def test_a_final_value_has_a_window() -> None:
    whole = curve(*(float(epoch) for epoch in range(1, 31)))
    assert [final(whole, "train_loss", window) for window in (1, 4, 0.5, 100)] == [30, 28.5, 23, 15.5]


def test_the_verdicts_on_figure_2a_for_windows_of_20_to_60_epochs() -> None:
    """No claim is reproduced with one window and contradicted with another; two of nine hold with all of them."""
    session = Session.open(load(PAPER / "figure2" / "config.yaml"), Folder(PAPER, "figure2"), pytest.fail)
    said: dict[str, list[str]] = {}
    for window in (20, 30, 40, 50, 60):
        session.experiment = replace(session.experiment, judging=Judging(window, 10))
        for verdict in session.verdicts():
            said.setdefault(verdict.claim.id, []).append(verdict.verdict)
    steady = {
        claim: found[0] for claim, found in said.items() if len(set(found)) == 1 and found[0] != claims.INCONCLUSIVE
    }
    assert steady == {"B1-nesterov": claims.REPRODUCED, "B2": claims.CONTRADICTED}
    assert {claim for claim, found in said.items() if len(set(found)) > 1} == {"B1", "B1-rmsprop", "S1-nearer"}
    assert not any({claims.REPRODUCED, claims.CONTRADICTED} <= set(found) for found in said.values())


def by_hand(name: str, schedule: str = "") -> dict[int, dict[str, list[float]]]:
    """Training costs of the committed report runs, by seed and rule, straight from the records."""
    found: dict[int, dict[str, list[float]]] = {}
    for file in (PAPER / name / "runs").glob("*.json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["phase"] == "report" and schedule in ("", data["schedule"].get("per", "constant")):
            found.setdefault(data["seed"], {})[data["rule"]] = data["curve"]["train_loss"]
    return found


def last(costs: list[float]) -> float:
    """The mean of the last 40 of 200 epochs, otherwise of the last twentieth."""
    tail = costs[-40:] if len(costs) == 200 else costs[-math.ceil(len(costs) / 20) :]
    return sum(tail) / len(tail)


def first(costs: list[float], level: float) -> float:
    """The middle of the first ten epochs whose mean is at or below a level."""
    means = [sum(costs[i : i + 10]) / 10 for i in range(len(costs) - 9)]
    return next((i + 5.5 for i, mean in enumerate(means) if mean <= level), math.inf)


def nearer(costs: dict[str, list[float]]) -> float:
    return last(costs["adam"]) / min(last(costs[rule]) for rule in ADAPTIVE)


def faster(costs: dict[str, list[float]]) -> float:
    level = min(last(costs[rule]) for rule in ADAPTIVE)
    return first(costs["adam"], level) / min(first(costs[rule], level) for rule in ADAPTIVE)


ADAPTIVE = ("adagrad", "rmsprop", "adadelta")


@pytest.mark.parametrize(
    ("name", "schedule", "claim", "quantity"),
    [
        ("figure1", "step", "A1-step", lambda costs: last(costs["adam"]) / last(costs["nesterov"])),
        ("figure1", "epoch", "A2-epoch", lambda c: last(c["adagrad"]) / max(last(c["adam"]), last(c["nesterov"]))),
        ("figure2", "", "B1", lambda costs: last(costs["adam"]) / min(last(costs[r]) for r in ("nesterov", *ADAPTIVE))),
        ("figure2", "", "B3", lambda costs: first(costs["adam"], last(costs["nesterov"])) / 200),
        ("figure2", "", "S1-nearer", nearer),
        ("figure2", "", "S1-faster", faster),
    ],
)
def test_reference_claims_by_hand(
    name: str, schedule: str, claim: str, quantity: Callable[[dict[str, list[float]]], float]
) -> None:
    """A few lines of arithmetic on the committed records give the same as `claims`."""
    session = Session.open(load(PAPER / name / "config.yaml"), Folder(PAPER, name), pytest.fail)
    verdict = next(verdict for verdict in session.verdicts() if verdict.claim.id == claim)
    values = {seed: quantity(costs) for seed, costs in by_hand(name, schedule).items()}
    assert verdict.values == pytest.approx(values, rel=1e-12)
    if not verdict.rival:
        logs = [math.log(value) for value in values.values()]
        n, mean = len(logs), sum(logs) / len(logs)
        half = {3: 4.302652729911, 5: 2.776445105198}[n] * stdev(logs) / math.sqrt(n)
        interval = (verdict.interval.low, verdict.interval.high)
        assert interval == pytest.approx((math.exp(mean - half), math.exp(mean + half)), rel=1e-9)


def test_a_claim_about_another_cost_than_the_tuned_one_is_said_to_be() -> None:
    experiment, entries, curves = story(ADAM, NESTEROV)
    (_, tried) = findings.claims({"x": claims.verdicts(experiment, entries, curves)}).notes
    assert tried == "x: settings tried: adam 4, nesterov 1. The claims do not correct for that."
    other = replace(experiment, tuning=replace(experiment.tuning, metric="validation_loss"))
    (_, said, _) = findings.claims({"x": claims.verdicts(other, entries, curves)}).notes
    both = quantity.parse("final(adam, train_loss) / final(nesterov, train_loss)", COMPARED)
    named = replace(experiment.claims[0], quantity=both)
    assert findings.claims({"x": claims.verdicts(replace(other, claims=(named,)), entries, curves)}).notes[1:] == [
        tried
    ]
    assert said.startswith(
        "x: without a metric, final(…) is the training cost, but the settings were chosen by validation"
    )


@pytest.mark.parametrize(
    "same", ["final(adam)/final(nesterov)", "final(adam, problem=a) / final(nesterov, problem='a')"]
)
def test_a_comparison_counts_once_however_it_is_written(same: str) -> None:
    """And what a claim shares with one that still waits for runs is judged by its own."""
    (alone, *_) = claims.verdicts(*story(ADAM, NESTEROV))
    waits = "final(adam) / min(final(nesterov), final('other-one'))"
    later = "".join(
        f'  - {{id: D{i}, sentence: "", problem: a, quantity: "{text}", relation: "<", bound: 1}}\n'
        for i, text in enumerate((same, waits))
    )
    first, *_, second, last = claims.verdicts(*story(ADAM, NESTEROV, TEXT + later))
    assert (
        first.chance == second.chance == pytest.approx(alone.chance * 4 / 3)
    )  # the smallest of four, of which one waits
    assert (first.verdict, second.verdict, last.verdict) == ("reproduced", "reproduced", "inconclusive")


def test_what_weakens_a_verdict_is_told() -> None:
    """Runs that are shorter than the windows, and seconds of runs that share work."""
    seconds = TEXT.replace("final(adam) / final(nesterov)", "seconds(adam, 1) / seconds(nesterov, 1)", 1)
    experiment, entries, curves = story(ADAM, NESTEROV, f"{seconds}judging: {{final: 40, smooth: 3}}\n")
    alone = {run.id: 1 for entry in entries for run in entry.report(curves)}
    found = claims.verdicts(experiment, entries, curves, alone)
    assert reading.windows(found) == (
        "judging.final is 40 epochs, but the runs of C2 and C3 have fewer: all their epochs were taken."
    )
    assert reading.clock(found) == ""
    grouped = {**alone, **{run.id: 7 for run in entries[0].report(curves)}}
    found = claims.verdicts(experiment, entries, curves, grouped)
    assert "7 at a time" in reading.clock(found)
    assert "alone" in reading.clock(found)
    assert reading.clock(found[1:]) == ""  # which are about no seconds
    two = [replace(found[0], together={("a", "adam"): (1,), ("b", "adam"): (3,)}), found[0]]
    assert "adam on a alone; adam on b 3 at a time" in reading.clock(two)
    assert reading.apart({"adam": (3,), "sgd": ()}) == ""  # of which no run is there yet
    assert (
        reading.shared_seconds({"adam": (4, 6), "sgd": (4, 6)}) == "All were trained 4 to 6 at a time, and share work."
    )
    assert reading.apart({"adam": (6,), "sgd": (2, 6)}).endswith("groups: sgd 2 to 6 at a time; adam 6 at a time.")
