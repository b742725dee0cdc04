"""The search: settings drawn at random, several tuning seeds, budgets, and what each hyper-parameter matters."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adambench.config.drawing import Range, draw
from adambench.config.experiment import Experiment
from adambench.config.loading import parse, resolved
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.execution.plan import Entry
from adambench.execution.unfolding import Unfolding
from adambench.judge import analysis, fairness, searching
from adambench.judge.claims import verdicts
from adambench.judge.importance import importance
from adambench.show.words import selection

TEXT = """\
name: x
dataset: mnist
seeds: [7, 8]
tuning: {seeds: [0, 1, 2], metric: test_loss}
search: {random: 16}
problems:
  p: {model: logistic, epochs: 2, batch_size: 100}
optimizers:
  adam: {lr: {log: [1e-4, 1.0]}, beta1: {uniform: [0.5, 0.99]}}
  nesterov: {lr: {log: [1e-3, 10]}, momentum: [0.5, 0.9, 0.99]}
  sgd: {lr: 0.1}
"""
GRID = TEXT.replace("search: {random: 16}\n", "").replace("{log: [1e-4, 1.0]}", "[0.1, 0.2, 0.4]")
GRID = GRID.replace("{uniform: [0.5, 0.99]}", "[0.8, 0.9]").replace("{log: [1e-3, 10]}", "[0.1, 0.3]")


def experiment(text: str = TEXT) -> Experiment:
    return parse(text, "x.yaml")


def curve(loss: float) -> Curve:
    return [Evaluation(1, 1, 0.1, loss, 0.0, loss, 0.5, diverged=not math.isfinite(loss))]


def told(entry: Entry, of: Callable[[Any, int], float]) -> dict[str, Curve]:
    """Curves of all its tuning runs. of: the final value of a setting on a seed."""
    return {run.id: curve(of(run.optimizer, run.seed)) for run in entry.tuning}


def test_every_optimizer_with_a_range_gets_the_same_number_of_settings() -> None:
    adam, nesterov, sgd = plan.entries(experiment())
    assert [len(entry.trials) for entry in (adam, nesterov, sgd)] == [16, 16, 1]
    assert [len(entry.tuning) for entry in (adam, nesterov, sgd)] == [48, 48, 0]
    for setting in adam.trials:
        assert 1e-4 <= setting.hyperparameters["lr"] <= 1.0
        assert 0.5 <= setting.hyperparameters["beta1"] <= 0.99
        assert setting.hyperparameters["beta2"] == 0.999
    assert {setting.hyperparameters["momentum"] for setting in nesterov.trials} <= {0.5, 0.9, 0.99}
    assert adam.grid.varied == ["lr", "beta1"]


def test_the_draws_depend_on_the_names_alone() -> None:
    one = experiment().problems[0].grids
    assert one == experiment(TEXT.replace("  sgd: {lr: 0.1}\n", "  rmsprop: {lr: {log: [1e-4, 1]}}\n  sgd: {lr: 0.1}\n")) \
        .problems[0].grids[:2] + one[2:]  # fmt: skip
    assert one[0].drawn != experiment(TEXT.replace("name: x", "name: y")).problems[0].grids[0].drawn
    twin = experiment(
        TEXT.replace("  sgd", "  twin: {name: adam, lr: {log: [1e-4, 1.0]}, beta1: {uniform: [0.5, 0.99]}}\n  sgd")
    )
    assert twin.problems[0].grids[2].drawn != one[0].drawn
    larger = experiment(TEXT.replace("16", "20")).problems[0].grids[0]
    assert larger.drawn[:16] == one[0].drawn


def test_the_draws_are_stable() -> None:
    """If they change, no stored record of a random search is found any more."""
    assert draw({"lr": Range("log", 1e-4, 1.0), "m": (1, 2)}, 2, "x", "adam") == STABLE


STABLE = [(0.08411, 1), (0.002431, 2)]


def test_draws_fill_the_range_evenly_on_its_scale() -> None:
    rates = [rate for (rate,) in draw({"lr": Range("log", 1e-4, 1.0)}, 2000, "x", "y")]
    shares = np.sort(np.log10(rates) / 4 + 1)
    assert np.abs(shares - (np.arange(2000) + 0.5) / 2000).max() < 0.04  # Kolmogorov-Smirnov: 1.8/√2000, p 0.003
    values = np.sort([value for (value,) in draw({"m": Range("uniform", 2.0, 4.0)}, 2000, "x", "z")])
    assert np.abs((values - 2) / 2 - (np.arange(2000) + 0.5) / 2000).max() < 0.04
    assert Range("uniform", 0.9, 0.99999).at(1.0) == 0.99999  # rounding does not leave the range


def test_the_stored_configuration_gives_the_same_search() -> None:
    found = experiment()
    text = resolved(found)
    assert parse(text, "y.yaml") == found
    assert "random: 16" in text
    assert "log:" in text
    assert "seed:" not in text
    grid = experiment(GRID)
    assert parse(resolved(grid), "y.yaml") == grid
    assert "search" not in resolved(grid)


def test_the_mean_over_the_tuning_seeds_chooses() -> None:
    """The setting that is lowest on two of three seeds loses to the one with the lower mean."""
    text = GRID.replace("[0.1, 0.2, 0.4], beta1: [0.8, 0.9]", "[0.1, 0.2, 0.4]")
    entry = plan.entries(experiment(text))[0]
    finals = {0.1: (0.5, 0.5, 0.5), 0.2: (0.1, 0.1, 2.0), 0.4: (0.1, 0.1, math.inf)}
    curves = told(entry, lambda setting, seed: finals[setting.lr][seed])
    assert {setting.hyperparameters["lr"]: cost for setting, cost in entry.searched(curves).items()} == pytest.approx(
        {0.1: 0.5, 0.2: 2.2 / 3, 0.4: math.inf}
    )
    assert entry.best(curves) == next(iter(entry.trials))
    assert analysis.by_rate(entry, curves)[0.2] == pytest.approx(2.2 / 3)
    found = fairness.budget(entry, curves)
    assert found
    assert list(found.k) == [1, 2, 3]
    _, (row,) = fairness.fairness([entry], curves, {})
    assert (row.settings, row.diverged, row.tuned) == (3, 1, 0.5)
    last = entry.tuning[-1].id
    assert entry.best({id_: found for id_, found in curves.items() if id_ != last}) is None
    assert selection(entry.experiment).endswith("on seeds 0, 1, 2")


def test_report_runs_come_when_all_seeds_are_tried() -> None:
    entries = plan.entries(experiment(GRID))[:1]
    curves: dict[str, Curve] = {}
    runs = Unfolding(entries, curves)
    assert runs.total == 3 * 6 + 2
    named = []
    for run in entries[0].tuning:
        curves[run.id] = curve(run.hyperparameters["lr"])
        named += runs.finish(run)
    assert [(run.phase, run.seed) for run in named] == [("report", 7), ("report", 8)]


def test_a_claim_about_the_search_takes_the_means() -> None:
    claim = "claims: [{id: C, sentence: s, quantity: best(adam) / best(nesterov), relation: <, bound: 1}]\n"
    found = experiment(GRID + claim)
    entries = plan.entries(found)
    curves = told(entries[0], lambda setting, seed: setting.lr * (1 + seed)) | told(entries[1], lambda *_: 1.0)
    (verdict,) = verdicts(found, entries, curves)
    assert verdict.interval.mean == pytest.approx(0.2)
    assert verdict.interval.n == 3
    assert verdict.verdict == "reproduced"


def test_importance_on_a_grid_is_the_exact_main_effect() -> None:
    """Ranks 1 to 6 on 3 x 2 settings; by hand: the variance of the means over each axis over the whole variance."""
    entry = plan.entries(experiment(GRID))[0]
    order = {(0.1, 0.8): 1, (0.1, 0.9): 2, (0.2, 0.8): 4, (0.2, 0.9): 3, (0.4, 0.8): 5, (0.4, 0.9): 6}
    curves = told(entry, lambda setting, _: math.exp(order[setting.lr, setting.beta1]) if setting.lr < 0.4 or
                  setting.beta1 < 0.9 else math.inf)  # fmt: skip
    ranks = np.array(list(order.values()), float).reshape(3, 2)
    expected = {"lr": ranks.mean(axis=1).var() / ranks.var(), "beta1": ranks.mean(axis=0).var() / ranks.var()}
    assert importance(entry, curves) == pytest.approx(expected)
    assert importance(entry, {}) == {}
    assert importance(entry, told(entry, lambda *_: 1.0)) == {}


def test_importance_in_a_random_search_is_that_of_the_thirds() -> None:
    """A cost that depends on the rate alone: the rate explains most, β₁ about nothing."""
    entry = plan.entries(experiment(TEXT.replace("16", "60")))[0]
    found = importance(entry, told(entry, lambda setting, _: setting.lr))
    assert found["lr"] > 0.85
    assert found["beta1"] < 0.15


def test_budgets_in_words() -> None:
    def words(text: str) -> str:
        return searching.tried(plan.entries(experiment(text)))

    assert (
        words(TEXT)
        == "Budgets differ. Settings, each on 3 seeds: adam 16, nesterov 16, sgd 1. One that has a single setting was not searched."
    )
    fixed = "  sgd: {lr: 0.1}\n"
    assert fixed in GRID
    equal = GRID.replace(fixed, "")
    assert words(equal) == "Equal budgets: 6 settings for each optimizer, each on 3 seeds."
    uneven = GRID.replace("[0.8, 0.9]", "0.9").replace("seeds: [0, 1, 2]", "seed: 0")
    assert (
        words(uneven)
        == "Budgets differ. Settings: adam 3, nesterov 6, sgd 1. One that has a single setting was not searched."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("search: {random: 16}\n", "", "x.yaml:8: optimizers.adam.lr: a range is for a random search: add search: {random: 16}."),
        ("{random: 16}", "{random: 1}", "x.yaml:5: search.random: must be at least 2, found 1"),
        ("{random: 16}", "{randm: 16}", "x.yaml:5: search.randm: unknown. Allowed: random. Did you mean random?"),
        ("{random: 16}", "16", "x.yaml:5: search: must be a mapping (random), found 16"),
        ("[1e-4, 1.0]", "[0, 1.0]", "x.yaml:9: optimizers.adam.lr.log: 1st value: must be greater than 0, found 0"),
        ("[1e-4, 1.0]", "[1, 0.1]", "x.yaml:9: optimizers.adam.lr.log: must be [low, high] with 0 < low < high, found [1, 0.1]"),
        ("[1e-4, 1.0]", "0.1", "x.yaml:9: optimizers.adam.lr: must be {log: [low, high]}, e.g. {log: [1e-5, 1e-1]}, found"),
        ("{log: [1e-3, 10]}", "[1, 2]", "x.yaml:10: optimizers.nesterov: a random search needs a range for at least one"),
        ("beta1: {uniform: [0.5, 0.99]}", "bias_correction: {uniform: [false, true]}",
         "x.yaml:9: optimizers.adam.bias_correction.uniform: must be two numbers; give [true, false] as a list"),
        ("{uniform: [0.5, 0.99]}", "{uniform: [0.5, 1.0]}",
         "x.yaml:9: optimizers.adam.beta1.uniform: 2nd value: must be less than 1, found 1.0"),
        ("{log: [1e-4, 1.0]}, beta1: {uniform: [0.5, 0.99]}", "{uniform: [0.1, 0.1001]}",
         "x.yaml:9: optimizers.adam: has only 2 different settings of four digits, but 16 are to be drawn"),
        ("seeds: [0, 1, 2]", "seeds: [0], seed: 1", "x.yaml:4: tuning.seeds: give either seed or seeds, found both"),
        ("seeds: [0, 1, 2]", "seeds: []", "x.yaml:4: tuning.seeds: must hold at least one seed, e.g. [0, 1, 2], found []"),
        ("seeds: [0, 1, 2]", "seeds: [1, 1]", "x.yaml:4: tuning.seeds: duplicate seed in [1, 1]"),
        ("seeds: [0, 1, 2]", "seeds: [0, 7]", "x.yaml:3: seeds: 7 is a tuning seed; report runs need other seeds, found [7, 8]"),
    ],
)  # fmt: skip
def test_mistakes(old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(AdambenchError) as raised:
        parse(TEXT.replace(old, new), "x.yaml")
    assert raised.value.message.splitlines()[0].startswith(message)


def test_a_claim_about_drawn_settings_needs_one_that_was_drawn() -> None:
    """Each value alone was drawn, but that does not make a setting."""
    text = TEXT.replace("{uniform: [0.5, 0.99]}", "[0.5, 0.8, 0.9], beta2: [0.9, 0.99, 0.999]").replace("16", "4")
    grid = parse(text, "x.yaml").problems[0].grids[0]
    drawn = {(setting["beta1"], setting["beta2"]) for setting in (one.hyperparameters for one in grid.settings)}
    apart = set(itertools.product(grid.axes["beta1"], grid.axes["beta2"])) - drawn
    claims = 'claims:\n  - {{id: A, sentence: s, problem: p, quantity: "{}", relation: <, bound: 1}}\n'
    for beta1, beta2 in sorted(drawn):
        parse(text + claims.format(f"best(adam, beta1={beta1}, beta2={beta2})"), "x.yaml")
    assert apart
    for beta1, beta2 in sorted(apart):
        with pytest.raises(AdambenchError, match="no setting that the random search drew for adam has these values"):
            parse(text + claims.format(f"best(adam, beta1={beta1}, beta2={beta2})"), "x.yaml")


def test_a_drawn_rate_is_on_no_edge() -> None:
    """Of drawn numbers one is always the lowest, and the best may lie below it or not."""
    adam, *_ = entries = plan.entries(experiment())
    lowest = min(setting.hyperparameters["lr"] for setting in adam.trials)
    curves = told(adam, lambda setting, _: setting.lr / lowest)
    curves |= {run.id: curve(1.0) for run in adam.report(curves)}
    (first, *_) = analysis.summarise(entries, curves)["p"]
    assert first.setting is not None
    assert (first.setting.hyperparameters["lr"], first.edge) == (lowest, [])
    listed = TEXT.replace("{log: [1e-4, 1.0]}", "{logspace: [0.01, 1.0, 3]}")  # no range, though it is drawn from
    adam, *_ = entries = plan.entries(experiment(listed))
    curves = told(adam, lambda setting, _: setting.lr)
    curves |= {run.id: curve(1.0) for run in adam.report(curves)}
    assert analysis.summarise(entries, curves)["p"][0].edge == ["lr"]


def test_a_random_search_from_the_file_to_the_table(command: Callable[..., Any], small: Path) -> None:
    text = small.read_text(encoding="utf-8").replace("[0.1, 0.3, 1.0]", "{log: [0.01, 1]}").replace(
        "[0.01, 0.03, 0.1]", "{log: [0.001, 0.1]}, beta1: {uniform: [0.5, 0.95]}"
    )  # fmt: skip
    small.write_text(text + "search: {random: 4}\ntuning: {seeds: [0, 5], epochs: 1}\n", encoding="utf-8")
    answer = command("run", small, "--jobs", 1, "--no-charts")
    assert answer.returncode == 0, answer.stderr
    assert "small: 32 runs, 32 already done" in command("run", small, "--dry-run").stdout
    told = command("fairness", "small").stdout
    assert "Equal budgets: 4 settings for each optimizer, each on 2 seeds." in told
    assert "importance" in told
