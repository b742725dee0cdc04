"""Numbers from curves, to the digit."""

import math
from typing import Any

import pytest

from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.execution import plan
from adambench.judge import analysis
from adambench.judge.analysis import Estimate

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems:
  a: {model: logistic, epochs: 2, batch_size: 8}
optimizers:
  adam: {lr: [0.1, 0.2, 0.3], beta1: [0.8, 0.9]}
  sgd: {lr: 1.0}
"""


def curve(*losses: float) -> Curve:
    return [
        Evaluation(i + 1, 10 * (i + 1), 0.5 * (i + 1), loss, 0.0, loss, loss / 10, diverged=not math.isfinite(loss))
        for i, loss in enumerate(losses)
    ]


def story(adam_tuning: list[float], adam: list[Curve], sgd: list[Curve]) -> tuple[list[plan.Entry], dict[str, Curve]]:
    entries = plan.entries(parse(TEXT, "x.yaml"))
    curves = {run.id: curve(1.0, loss) for run, loss in zip(entries[0].tuning, adam_tuning, strict=True)}
    for entry, found in zip(entries, (adam, sgd), strict=True):
        curves |= {run.id: one for run, one in zip(entry.report(curves), found, strict=False)}
    return entries, curves


TUNING = [0.5, 0.4, 0.3, 0.2, 0.6, 0.7]  # the best: lr 0.2, beta1 0.9
ADAM = [curve(1.0, 0.2), curve(1.0, 0.3), curve(1.0, 0.4)]
SGD = [curve(1.0, 0.1)] * 3


def test_estimate() -> None:
    assert Estimate.of([1.0, 2.0, 3.0, 6.0]) == Estimate(3.0, math.sqrt(14 / 3), 4)
    assert Estimate.of([5.0]).mean == 5.0
    assert math.isnan(Estimate.of([5.0]).sd)
    assert Estimate.of([1.0, math.inf]).mean == math.inf
    assert Estimate.of([]).n == 0


def test_summary() -> None:
    first, second = analysis.summarise(*story(TUNING, ADAM, SGD))["a"]
    assert (first.optimizer, second.optimizer) == ("sgd", "adam")  # the lowest cost first
    assert second.varied == {"lr": 0.2, "beta1": 0.9}
    assert second.finals["train_loss"].mean == pytest.approx(0.3)
    assert second.finals["train_loss"].sd == pytest.approx(0.1)
    assert second.seconds.n == 3
    assert second.finals["test_error"].mean == pytest.approx(0.03)
    assert second.seconds.mean == 1.0
    assert (second.status, second.edge, second.settings_tried) == ("finished", [], 6)
    assert (first.varied, first.edge, first.settings_tried) == ({}, [], 1)


def test_runs_that_diverge_at_once_are_counted_and_have_no_metric_that_the_others_lack() -> None:
    """Their cost is infinite, though no epoch has one. Without held-back images nobody has a validation cost."""
    lost = [curve(math.nan)] * 3
    _, last = analysis.summarise(*story(TUNING, ADAM, lost))["a"]
    assert (last.optimizer, last.status, last.finals["train_loss"].n) == ("sgd", "diverged", 3)
    assert last.finals["train_loss"].mean == last.finals["test_loss"].mean == math.inf
    assert last.finals["validation_loss"].n == 0


@pytest.mark.parametrize(
    ("tuning", "edge"), [([1, 1, 1, 0, 1, 1], []), ([0, 1, 1, 1, 1, 1], ["lr"]), ([1] * 5 + [0], ["lr"])]
)
def test_a_rate_on_the_edge_is_reported(tuning: list[float], edge: list[str]) -> None:
    summaries = analysis.summarise(*story(tuning, ADAM, SGD))["a"]
    assert {summary.optimizer: summary.edge for summary in summaries} == {"adam": edge, "sgd": []}


def test_a_diverged_run_ranks_last_and_is_reported() -> None:
    entries, curves = story(TUNING, ADAM, [curve(0.1, 0.1), curve(0.01, math.nan), curve(0.1, 0.1)])
    last = analysis.summarise(entries, curves)["a"][-1]
    assert (last.optimizer, last.status, last.diverged) == ("sgd", "diverged", [2])
    assert last.finals["train_loss"].mean == math.inf


def test_what_has_no_value_comes_after_what_diverged() -> None:
    text = TEXT.replace("  sgd: {lr: 1.0}\n", "  momentum: {lr: 1.0}\n  sgd: {lr: 1.0}\n")
    entries = plan.entries(parse(text, "x.yaml"))
    curves = {run.id: curve(1.0, 0.5) for run in entries[0].tuning}
    curves |= {run.id: curve(1.0, 0.2) for run in entries[0].report(curves)}
    curves |= {run.id: curve(1.0, math.nan) for run in entries[2].report(curves)}
    assert [summary.optimizer for summary in analysis.summarise(entries, curves)["a"]] == ["adam", "sgd", "momentum"]


def test_an_unfinished_experiment_is_reported() -> None:
    first, second = analysis.summarise(*story(TUNING, ADAM[:2], []))["a"]
    assert (first.optimizer, first.status) == ("adam", "2 of 3 runs")
    assert (second.optimizer, second.status, second.seconds.n) == ("sgd", "0 of 3 runs", 0)


def test_the_spread_of_huge_and_tiny_values_is_a_number() -> None:
    for scale in (1e200, 1e-200):
        assert Estimate.of([scale, 3 * scale]).sd == pytest.approx(math.sqrt(2) * scale)


def test_band() -> None:
    entries, curves = story(TUNING, ADAM, [curve(1.0, 0.5), curve(2.0, math.nan), curve(3.0, 0.5)])
    band = analysis.band(entries[0].report(curves), curves, "train_loss", "step")
    assert (band.x.tolist(), band.diverged) == ([10, 20], False)
    assert band.mean.tolist() == [1.0, pytest.approx(0.3)]
    assert (band.low.tolist(), band.high.tolist()) == ([1.0, 0.2], [1.0, 0.4])
    short = analysis.band(entries[1].report(curves), curves, "train_loss", "seconds")
    assert (short.x.tolist(), short.mean.tolist(), short.diverged) == ([0.5], [2.0], True)
    curves[entries[1].report(curves)[0].id] = curve(math.nan)
    assert len(analysis.band(entries[1].report(curves), curves, "train_loss", "epoch").mean) == 0


def test_sensitivity_takes_the_best_of_the_other_axes() -> None:
    entries, curves = story([0.5, 0.4, 0.3, 0.2, math.nan, math.inf], ADAM, SGD)
    found: Any = analysis.sensitivity(entries[0], curves)
    assert (found.rates, found.finals, found.chosen) == ([0.1, 0.2, 0.3], [0.4, 0.2, math.inf], 0.2)
    assert analysis.sensitivity(entries[1], curves) is None
