"""The learning-rate range test: what it measures, what it suggests, and the command."""

import csv
import io
import math
from typing import Any

import numpy as np
import pytest

from adambench.config.loading import load, resolved
from adambench.datasets import Dataset
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.optimizers import SGD, Adam, Muon
from adambench.range_test import EXPLODED, HIGH, LOW, Sweep, longest_fall, smoothed, sweep
from adambench.training import _generators


def made(costs: Any) -> Sweep:
    costs = np.array(costs, float)
    return Sweep(np.geomspace(LOW, HIGH, len(costs)), costs, costs, False)


def test_the_mean_of_as_many_before_as_after() -> None:
    np.testing.assert_allclose(smoothed([3.0, 0.0, 6.0, 3.0, 9.0], 3), [3, 3, 3, 6, 9])
    np.testing.assert_allclose(smoothed([1.0, 2.0, 4.0], 1), [1, 2, 4])


def test_the_longest_fall_may_jump_over_rises() -> None:
    assert longest_fall(np.array([5.0, 9.0, 8.0, 8.5, 7.0, 6.0, 7.5])) == (1, 5)
    assert longest_fall(np.array([1.0, 2.0, 3.0])) == (0, 0)
    assert longest_fall(np.array([])) == (0, 0)


def test_suggestions_on_a_known_curve() -> None:
    """A cost that falls from 2 to 0 along a logistic curve with its middle at step 60 of 101, and then explodes."""
    steps = np.arange(101)
    costs = 2 / (1 + np.exp((steps - 60) / 4.0))
    costs[90:] = np.linspace(1, 9, 11)
    found = made(costs)
    assert found.steepest == found.rates[60]
    assert found.lowest == found.rates[89]
    assert found.valley == found.rates[(10 + 89) // 2]  # everything from a tenth on falls


def test_no_fall_no_suggestion() -> None:
    found = made(np.linspace(1, 2, 50))
    assert math.isnan(found.steepest)
    assert math.isnan(found.valley)


def test_the_rate_of_the_setting_does_not_matter(dataset: Dataset) -> None:
    one, other = (sweep(Logistic(), Adam(lr=lr), dataset, 60, seed=3) for lr in (0.5, 0.25))
    assert one.costs.tolist() == other.costs.tolist()
    assert one.costs[0] == pytest.approx(math.log(10), rel=1e-6)  # before the first step
    assert one.rates[:2].tolist() == np.geomspace(LOW, HIGH, 100)[:2].tolist()  # ten steps an epoch, 100 at least


def test_it_trains_as_the_problem_says(dataset: Dataset) -> None:
    """On the images that are not held back, clipped and drawn as in a run."""
    plain = sweep(Logistic(), SGD(), dataset, 60, seed=3, steps=100)
    one, free = (sweep(MLP(hidden=(8,), max_norm=norm), SGD(), dataset, 60, seed=3, steps=100) for norm in (0.5, 0.0))
    assert one.costs.tolist() != free.costs.tolist()
    for how in ({"validation": 100}, {"sampling": "with_replacement"}, {"clip_norm": 0.01}):
        assert sweep(Logistic(), SGD(), dataset, 60, seed=3, steps=100, **how).costs.tolist() != plain.costs.tolist()
    held = dataset.hold_back(100, _generators(3)[3])
    told = sweep(Logistic(), SGD(), dataset, 60, seed=3, steps=100, validation=100)
    assert told.costs.tolist() == sweep(Logistic(), SGD(), held, 60, seed=3, steps=100).costs.tolist()
    assert sweep(MLP(hidden=(8,)), Muon(), dataset, 60, seed=3).steepest < 0.3  # it knows the matrices; else 0.55
    wild = sweep(Logistic(), SGD(), dataset, 60, seed=3, steps=100, clip_norm=1e-6)
    assert not wild.exploded  # no step is longer than a ten-thousandth


def test_it_ends_when_the_cost_explodes(dataset: Dataset) -> None:
    found = sweep(Logistic(), SGD(), dataset, 60, seed=3, steps=200)
    assert found.exploded
    assert len(found.rates) < 200
    recent = [found.costs[max(0, end - 10) : end].mean() for end in range(1, len(found.costs) + 1)]
    assert recent[-1] > EXPLODED * min(recent)
    assert 1e-3 < found.steepest < found.lowest < found.rates[-1]


def test_the_command(command: Any, small: Any, tmp_path: Any) -> None:
    answer = command("lr-find", small)
    assert answer.returncode == 0, answer.stderr
    assert "Learning-rate range test, seed 0" in answer.stdout
    assert "wrote results/small/figures/lr_find.png" in answer.stdout
    assert (tmp_path / "results/small/figures/lr_find.png").read_bytes().startswith(b"\x89PNG")
    answer = command("lr-find", small, "--problem", "mlp", "--optimizer", "adam", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(answer.stdout))
    assert (row["problem"], row["optimizer"]) == ("mlp", "adam")
    assert 1e-5 < float(row["suggested"]) < 1
    assert len(row["rates"].split()) == len(row["costs"].split()) == int(row["steps"])


def test_a_changed_experiment_does_not_replace_the_chart(command: Any, small: Any, tmp_path: Any) -> None:
    command("lr-find", small, "--optimizer", "adam")
    picture = tmp_path / "results/small/figures/lr_find.png"
    (tmp_path / "results/small/config.yaml").write_text(resolved(load(small)), encoding="utf-8")  # as `run` writes it
    before = picture.read_bytes()
    other = command("lr-find", small, "problems.mlp.batch_size=32", "--optimizer", "adam")
    assert (other.returncode, "the chart will not be written: results/small: holds another" in other.stderr) == (
        0,
        True,
    )
    assert picture.read_bytes() == before


def test_the_command_trains_as_the_problem_says(command: Any, small: Any) -> None:
    """Each of these keys changes what the test finds."""
    found = set()
    for key in ("epochs=3", "train_images=300", "validation=100", "clip_norm=0.01", "sampling=with_replacement"):
        words = (f"problems.logistic.{key}", "--problem", "logistic", "--optimizer", "adam", "--format", "csv")
        found.add(command("lr-find", small, *words).stdout)
    assert len(found) == 5


def test_mistakes_of_the_command(command: Any, small: Any) -> None:
    answer = command("lr-find", small, "--problem", "mpl")
    assert answer.returncode == 2
    assert answer.stderr.startswith("--problem mpl: unknown. Allowed: logistic, mlp. Did you mean mlp?")
    assert (
        "--optimizer lion: unknown. Allowed: nesterov, adam." in command("lr-find", small, "--optimizer", "lion").stderr
    )
