"""Performance profiles and ECDFs of run lengths, equal to their formulas on small numbers."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adambench.cli import app
from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.execution.plan import Entry
from adambench.judge import runlength
from adambench.judge.runlength import Lengths, ecdf, profile, ratios
from adambench.show import charts
from adambench.show.charts.runlength import reached
from tests.test_results import PAPER

INF = math.inf

# Run lengths of two optimizers on four targets, for two seeds. By hand:
#   the shortest                 seed 1: 1 2 4 ∞   seed 2: 2 2 4 8
#   r of adam                    1 1 1 ∞           1 2 1 1
#   r of sgd                     2 1 ∞ ∞           2 1 ∞ 1.5
TIMES = {
    "adam": np.array([[1, 2, 4, INF], [2, 4, 4, 8]]),
    "sgd": np.array([[2, 2, INF, INF], [4, 2, INF, 12]]),
}
FOUND = Lengths(TIMES, [1, 2], ["a"])


def test_performance_ratios() -> None:
    found = ratios(TIMES)
    assert found["adam"].tolist() == [[1, 1, 1, INF], [1, 2, 1, 1]]
    assert found["sgd"].tolist() == [[2, 1, INF, INF], [2, 1, INF, 1.5]]


def test_a_performance_profile_is_that_of_dolan_and_more() -> None:
    found = profile(FOUND)
    assert found["adam"].x.tolist() == found["sgd"].x.tolist() == [1, 1.5, 2]
    assert found["adam"].mean.tolist() == [6 / 8, 6 / 8, 7 / 8]  # never 1: nobody reached the last target of seed 1
    assert found["sgd"].mean.tolist() == [2 / 8, 3 / 8, 5 / 8]
    assert (found["sgd"].low.tolist(), found["sgd"].high.tolist()) == ([1 / 4, 1 / 4, 1 / 2], [1 / 4, 1 / 2, 3 / 4])
    assert (found["adam"].low.tolist(), found["adam"].high.tolist()) == ([3 / 4, 3 / 4, 3 / 4], [3 / 4, 3 / 4, 1])


def test_an_ecdf_counts_every_target() -> None:
    found = ecdf(FOUND)
    assert found["adam"].x.tolist() == [1, 2, 4, 8, 12]
    assert found["adam"].mean.tolist() == [1 / 8, 3 / 8, 6 / 8, 7 / 8, 7 / 8]
    assert found["sgd"].mean.tolist() == [0, 3 / 8, 4 / 8, 4 / 8, 5 / 8]
    assert (found["sgd"].low[-1], found["sgd"].high[-1]) == (1 / 2, 3 / 4)


def test_the_mean_over_seeds_is_the_share_of_all_pairs_of_a_target_and_a_seed() -> None:
    for label, own in ratios(TIMES).items():
        for tau, mean in zip(profile(FOUND)[label].x, profile(FOUND)[label].mean, strict=True):
            assert mean == np.count_nonzero(own <= tau) / own.size


TEXT = """\
name: x
dataset: mnist
problems:
  a: {model: logistic, epochs: 4, batch_size: 8, seeds: [1, 2]}
  b: {model: logistic, epochs: 4, batch_size: 16, seeds: [2, 3], optimizers: {late: {name: sgd}}}
optimizers: {adam: {}, sgd: {}}
"""


@pytest.fixture
def entries() -> list[Entry]:
    return plan.entries(parse(TEXT, "x.yaml"))


def curve(*losses: float) -> Curve:
    return [
        Evaluation(i, 10 * i, 0.5 * i, loss, 0, loss, diverged=math.isnan(loss)) for i, loss in enumerate(losses, 1)
    ]


def story(entries: list[Entry], sgd: Curve) -> dict[str, Curve]:
    """Adam halves its cost in each epoch on both problems."""
    own = {"adam": curve(1, 0.5, 0.25, 0.125), "sgd": sgd, "late": sgd}
    return {run.id: own[entry.grid.label] for entry in entries for run in entry.report({})}


def test_run_lengths_of_runs(entries: list[Entry]) -> None:
    """The targets fall by equal factors from 1 to 1/8, so that each epoch of Adam takes a third of them."""
    found = runlength.lengths(entries, story(entries, curve(1, 1, 1, math.nan)))
    assert found
    assert (found.problems, found.seeds, found.left_out, found.targets) == (["a", "b"], [2], ["late"], 40)
    expected = [math.ceil(1 + 3 * i / 20.2) for i in range(1, 21)]
    assert found.times["adam"].tolist() == [expected * 2]
    assert np.isinf(found.times["sgd"]).all()  # diverged, and never came there
    steps = runlength.lengths(entries, story(entries, curve(1, 1, 1, 1)), unit="step")
    assert steps
    assert steps.times["adam"].tolist() == [[10 * length for length in expected * 2]]


def test_an_epoch_in_which_the_clock_did_not_move_can_be_compared(entries: list[Entry]) -> None:
    still = [replace(one, seconds=0.0) for one in curve(1, 0.5, 0.25, 0.125)]
    found = runlength.lengths(entries, story(entries, still), unit="seconds")
    assert found
    assert (found.times["sgd"] > 0).all()
    assert all(np.isfinite(own).all() for own in ratios(found.times).values())


def test_there_must_be_something_to_compare(entries: list[Entry]) -> None:
    curves = story(entries, curve(1, 1, 1, 1))
    assert runlength.lengths(entries, {}) is None
    assert runlength.lengths(entries, curves, "validation_loss") is None
    assert runlength.lengths([e for e in entries if e.grid.label == "adam"], curves) is None
    disjoint = plan.entries(parse(TEXT.replace("[2, 3]", "[3, 4]"), "x.yaml"))
    assert runlength.lengths(disjoint, story(disjoint, curve(1, 1, 1, 1))) is None


@pytest.mark.parametrize("kind", ["profile", "ecdf"])
@pytest.mark.parametrize("unit", ["epoch", "seconds"])
def test_a_chart_shows_the_shares(kind: str, unit: str, entries: list[Entry]) -> None:
    curves = story(entries, curve(1, 0.9, 0.7, 0.6))
    figure: Any = charts.run_lengths(kind, entries, curves, "train_loss", unit, dict.fromkeys(curves, 3))
    found = runlength.lengths(entries, curves, "train_loss", unit)
    assert found
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}
    shares = {"profile": profile, "ecdf": ecdf}[kind](found)
    for label, share in shares.items():
        assert list(lines[label].get_ydata()[:-1]) == list(share.mean)
        assert list(lines[label].get_xdata()[:-1]) == list(share.x)
    words = {text.get_text().partition("  ")[0]: text.get_text() for text in axes.texts}
    assert words["adam"] == "adam  100 %"
    assert words["sgd"] == f"sgd  {100 * shares['sgd'].mean[-1]:.0f} %"
    assert axes.get_ylim()[0] == 0
    assert "Not on every problem: late." in figure._supxlabel.get_text()
    assert ("share work" in figure._supxlabel.get_text().replace("\n", " ")) == (unit == "seconds")


def test_one_run_length_still_makes_a_chart(entries: list[Entry]) -> None:
    figure = charts.run_lengths("profile", entries, story(entries, curve(1, 0.5, 0.25, 0.125)))
    assert figure
    assert figure.axes[0].get_xlim()[1] > 1


def test_the_sentence() -> None:
    said = reached(profile(FOUND), "Fastest on most targets")
    assert said == "Fastest on most targets: adam, 75 %. Most reached in the end: adam, 88 %; fewest: sgd, 62 %."


def test_the_command(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("config.yaml", "runs"):
        (tmp_path / "results" / "mnist").mkdir(parents=True, exist_ok=True)
        (tmp_path / "results" / "mnist" / name).symlink_to(PAPER / "mnist" / name)
    app(
        ["plot", "--kind", "profile", "--metric", "test_error", "--results", str(tmp_path / "results")],
        standalone_mode=False,
    )
    assert capsys.readouterr().out.endswith("mnist/figures/profile_test_error.png\n")
    with pytest.raises(AdambenchError, match="--kind: draws all problems in one panel"):
        app(["plot", "--kind", "ecdf", "--paper"], standalone_mode=False)
    words = ["plot", "--kind", "ecdf", "--metric", "validation_loss", "--results", str(tmp_path / "results")]
    with pytest.raises(AdambenchError, match="mnist: ecdf: needs two optimizers"):
        app(words, standalone_mode=False)
