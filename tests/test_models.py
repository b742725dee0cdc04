"""Gradients of every model and regulariser by finite differences, in float64; dropout, penalty and initial weights."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from adambench.models import MODELS, Model
from adambench.models.layers import Dropout, softmax_nll
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP, Perceptron

PIXELS, CLASSES, BATCH = 12, 4, 7
CASES = {
    "logistic": Logistic(),
    "logistic-l2": Logistic(l2=0.1),
    "mlp": MLP(hidden=(5,)),
    "mlp-deep": MLP(hidden=(6, 5, 4)),
    "mlp-no-hidden": MLP(hidden=()),
    "mlp-l2": MLP(hidden=(6, 5), l2=0.1),
    "mlp-dropout": MLP(hidden=(6, 5), dropout=0.5),
    "mlp-input-dropout": MLP(hidden=(6,), input_dropout=0.3),
    "mlp-everything": MLP(hidden=(6, 5), l2=0.01, dropout=0.2, input_dropout=0.2),
}
every_case = pytest.mark.parametrize("model", CASES.values(), ids=CASES)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def batch(n: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    return seeded(1).random((n, PIXELS)), seeded(2).integers(0, CLASSES, n).astype(np.uint8)


def built(model: Model):  # type: ignore[no-untyped-def]  # a Network with arrays of float64
    network = model.build(PIXELS, CLASSES, BATCH, np.float64)
    network.init(seeded(3))
    network.theta += 0.1 * seeded(4).standard_normal(network.theta.size)  # biases and logistic weights off zero
    return network


def numerical(f: Callable[[], float], theta: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Central differences of f along each weight."""
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        kept = theta[i]
        theta[i] = kept + h
        high = f()
        theta[i] = kept - h
        gradient[i] = (high - f()) / (2 * h)
        theta[i] = kept
    return gradient


def test_every_model_is_among_the_cases() -> None:
    assert {type(model) for model in CASES.values()} == set(MODELS.values())


@every_case
@pytest.mark.parametrize("n", [BATCH, 3])
def test_gradient(model: Model, n: int) -> None:
    """Of cost + penalty, with the dropout masks of a seed, for whole and for short batches."""
    network, (images, labels) = built(model), batch(n)
    network.cost(images, labels, seeded(5))
    analytic = network.grad.copy()
    expected = numerical(lambda: network.cost(images, labels, seeded(5)) + network.penalty(), network.theta)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(analytic, expected, rtol=1e-5, atol=1e-8)


@every_case
def test_cost_is_mean_nll_without_the_penalty(model: Model) -> None:
    network, (images, labels) = built(model), batch()
    loss, wrong = network.evaluate(images, labels)
    alone = sum(network.evaluate(images[i : i + 1], labels[i : i + 1])[0] for i in range(BATCH))
    assert loss == pytest.approx(alone, rel=1e-12)
    assert 0 <= wrong <= BATCH
    if not getattr(model, "dropout", 0) and not getattr(model, "input_dropout", 0):
        assert network.cost(images, labels, seeded()) == pytest.approx(loss / BATCH, rel=1e-12)
    weights = sum((layer.W**2).sum() for layer in network.layers)
    assert network.penalty() == pytest.approx(model.l2 / 2 * weights, rel=1e-12)


@every_case
def test_images_are_left_as_they_were(model: Model) -> None:
    network, (images, labels) = built(model), batch()
    before = images.copy()
    network.cost(images, labels, seeded())
    network.evaluate(images, labels)
    assert (images == before).all()


def test_dropout_keeps_the_mean_and_drops_the_rate() -> None:
    dropout = Dropout(0.3, 1000, 100, np.float64)
    x, out = np.ones((1000, 100)), np.empty((1000, 100))
    dropout.forward(x, np.random.Generator(np.random.SFC64(0)), out)
    assert set(np.unique(out).round(4)) == {0.0, round(1 / 0.7, 4)}
    assert np.mean(out == 0) == pytest.approx(0.3, abs=0.005)
    assert out.mean() == pytest.approx(1, abs=0.01)


def test_dropout_is_off_when_evaluating() -> None:
    images, labels = batch()
    plain, dropped = built(MLP(hidden=(5,))), built(MLP(hidden=(5,), dropout=0.5, input_dropout=0.5))
    assert plain.evaluate(images, labels) == dropped.evaluate(images, labels)


@pytest.mark.parametrize("model", [MLP(hidden=(50,), dropout=0.5), MLP(hidden=(50,), input_dropout=0.5)])
def test_masks_come_from_the_generator(model: Model) -> None:
    network, (images, labels) = built(model), batch()
    costs = [network.cost(images, labels, seeded(seed)) for seed in (5, 5, 6)]
    assert costs[0] == costs[1] != costs[2]


def test_initial_weights() -> None:
    """Zeros for softmax regression; He et al. (2015) for rectified layers; the same for the same generator."""
    logistic = Logistic().build(784, 10, 128, np.float32)
    logistic.init(seeded())
    assert not logistic.theta.any()
    mlp = MLP().build(784, 10, 128, np.float32)
    assert isinstance(mlp, Perceptron)
    mlp.init(seeded())
    for layer, variance in zip(mlp.layers, (2 / 784, 2 / 1000, 1 / 1000), strict=True):
        assert layer.W.var() == pytest.approx(variance, rel=0.05)
        assert not layer.b.any()
    again = MLP().build(784, 10, 128, np.float32)
    again.init(seeded())
    assert (again.theta == mlp.theta).all()
    assert mlp.theta.size == 785 * 1000 + 1001 * 1000 + 1001 * 10


def test_layers_are_views_of_the_flat_vectors() -> None:
    network = built(MLP(hidden=(5,)))
    assert all(np.shares_memory(layer.W, network.theta) for layer in network.layers)
    assert all(np.shares_memory(layer.db, network.grad) for layer in network.layers)


def test_softmax_nll() -> None:
    logits = seeded().standard_normal((5, 3)) * 3
    labels = np.array([0, 2, 1, 1, 0], np.uint8)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(p[np.arange(5), labels]).sum()
    assert softmax_nll(logits.copy(), labels) == pytest.approx(expected, rel=1e-12)
    assert softmax_nll(logits, labels, gradient=True) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(logits, (p - np.eye(3)[labels]) / 5, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_softmax_nll_of_huge_logits_is_finite(size: float) -> None:
    logits = np.array([[size, 0.0, -size]], np.float32)
    with np.errstate(over="raise", invalid="raise"):
        assert softmax_nll(logits.copy(), np.array([0], np.uint8)) == 0
        assert softmax_nll(logits, np.array([1], np.uint8)) == pytest.approx(size)
    assert math.isfinite(size)
