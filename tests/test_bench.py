"""The benchmark's arithmetic and output. No test depends on how long anything takes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adambench.bench import plans, rivals
from adambench.bench import steps as bench
from adambench.bench.steps import Pair
from adambench.datasets import Dataset
from adambench.execution.provenance import provenance
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, Adam
from adambench.show import charts
from adambench.show.table import text
from adambench.show.timings import timings
from tests.conftest import Command


def test_a_pair_is_timed_alternately() -> None:
    calls: list[str] = []
    pair = Pair.of(lambda: calls.append("a"), lambda: calls.append("b"), seconds=0)
    assert calls == ["a", "b"] * 6
    assert pair.first >= 0


def test_the_products_of_a_step(full: Dataset) -> None:
    """The paper's MLP has eight, with 1177 million multiplications and additions. 24 settings share two wide ones."""
    shapes = MLP(hidden=(1000, 1000)).products(full.pixels, full.classes, 128)
    assert shapes == [
        (128, 784, 1000), (128, 1000, 1000), (128, 1000, 10),
        (784, 128, 1000), (1000, 128, 1000), (1000, 128, 10),
        (128, 1000, 1000), (128, 10, 1000),
    ]  # fmt: skip
    assert round(sum(2 * m * k * n for m, k, n in shapes) / 1e6) == 1177
    assert Logistic().products(full.pixels, full.classes, 128, 24) == [(288, 784, 128), (288, 128, 784)]


def test_the_time_of_a_step_is_per_setting(full: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pair, "of", lambda *_, **__: Pair(0.024, 0.012, 0.5))
    step = bench.step("logistic", Logistic(), Adam(), 24, full)
    assert (step.optimizer, step.seconds, step.products, step.share) == ("adam", 0.001, 0.0005, 0.5)
    assert step.bare_gflops == pytest.approx(2 * step.gflops)


def test_every_optimizer_is_timed_on_both_of_the_papers_models(full: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pair, "of", lambda *_, **__: Pair(0.024, 0.012, 0.5))
    found = bench.all_steps(full)
    assert {(step.model, step.settings) for step in found} == {("logistic", 1), ("logistic", 24), ("mlp", 1)}
    assert {step.optimizer for step in found} == set(OPTIMIZERS)
    assert len(found) == 3 * len(OPTIMIZERS)


def test_the_tables_and_the_chart() -> None:
    step = asdict(bench.Step("mlp", "adam", 1, 0.017, 0.0136, 0.8, 69.2, 86.5))
    beside = asdict(bench.Beside("JAX", "mlp", 1, 0.017, 0.020, 1.18))
    growth: dict[str, Any] = {"batch size": {32: 0.008, 64: 0.011}, "jobs": {1: 1000.0, 2: 1900.0}}
    numbers: dict[str, Any] = {
        "machine": provenance(),
        "steps": [step],
        "updates": {"adam": asdict(Pair(0.0005, 0.003, 6.0))},
        "beside": [beside],
        "growth": growth,
    }
    said = text(timings(numbers))
    for word in ("17.000", "80%", "69.2", "6.0", "1.18", "8.000", "1900"):
        assert word in said
    assert [axes.get_xlabel() for axes in charts.growth(growth).axes] == ["batch size", "jobs"]


def test_a_large_plan_is_unfolded_to_its_end() -> None:
    (seconds,) = plans.growth([200]).values()
    assert seconds > 0


def test_the_command_refuses_a_chart_that_it_cannot_write(command: Command, tmp_path: Path) -> None:
    wrong = command("bench", "--chart", "x.png")
    assert (wrong.returncode, wrong.stderr.splitlines()[0].split(":")[0]) == (2, "--chart x.png")
    assert list(tmp_path.iterdir()) == []


def test_the_rivals_are_only_those_installed() -> None:
    assert set(rivals.available()) <= {"PyTorch, as usual", "PyTorch, by hand", "JAX"}


@pytest.mark.parametrize("settings", [1, 3])
def test_a_rival_trains_softmax_regression_as_it_is_trained_here(full: Dataset, settings: int) -> None:
    """After 20 steps on the same minibatches, from zero weights, the cost of the next minibatch is the same."""
    network = Logistic().build(full.pixels, full.classes, rivals.BATCH, np.float32)
    network.init(np.random.default_rng(0))
    adam, costs = Adam(), []
    state = adam.init(network.theta[0])
    for _, chosen in zip(range(20), rivals.minibatches(len(full.train.labels)), strict=False):
        images = full.train.images[chosen] / np.float32(255)
        costs.append(float(network.cost(images, full.train.labels[chosen], np.random.default_rng(0))[0]))
        adam.step(network.theta[0], network.grad[0], state)
    for name, factory in rivals.available().items():
        if settings > 1 and name == "PyTorch, as usual":  # it trains them one after the other, on other minibatches
            continue
        assert factory(full, (), 0.0, 20, settings)() == pytest.approx(settings * costs[-1], rel=1e-3)


def test_a_rival_trains_the_mlp(full: Dataset) -> None:
    for factory in rivals.available().values():
        train = factory(full, (100, 100), 0.5, 50, 1)
        first, *_, last = [train() for _ in range(6)]
        assert last < 0.8 * first


def test_only_softmax_regression_trains_settings_together(full: Dataset) -> None:
    with pytest.raises(ValueError, match="softmax regression"):
        rivals.weights(full, (100,), 2)


def test_the_rivals_minibatches_take_each_image_once_per_epoch() -> None:
    batches = rivals.minibatches(300)
    for _ in range(2):
        epoch = np.concatenate([next(batches), next(batches)])
        assert len(set(epoch.tolist())) == 2 * rivals.BATCH
