"""Gradients of every model and regulariser by finite differences, in float64; dropout, penalty and initial weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adambench.models import MODELS, Model
from adambench.models.base import softmax_nll
from adambench.models.layers import Mask, Normal
from adambench.models.logistic import MOST, Logistic, SoftmaxRegression, settings_are_independent
from adambench.models.mlp import MLP, Perceptron
from adambench.models.vae import VAE, softplus

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
    "vae": VAE(hidden=5, latent=3),
    "vae-l2": VAE(hidden=5, latent=3, l2=0.1),
    "mlp-everything": MLP(hidden=(6, 5), l2=0.01, dropout=0.2, input_dropout=0.2, weights=Normal(0.5), max_norm=1.0),
}
every_case = pytest.mark.parametrize("model", CASES.values(), ids=CASES)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def batch(n: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    return seeded(1).random((n, PIXELS)), seeded(2).integers(0, CLASSES, n).astype(np.uint8)


def built(model: Model):  # type: ignore[no-untyped-def]  # a Network with arrays of float64
    network = model.build(PIXELS, CLASSES, BATCH, np.float64)
    network.init(seeded(3))
    network.theta += 0.1 * seeded(4).standard_normal(
        network.theta.shape
    )  # so that biases and logistic weights are not zero
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
    """The gradient of cost + penalty, with the dropout masks of one seed, for whole and short batches."""
    network, (images, labels) = built(model), batch(n)
    network.cost(images, labels, seeded(5))
    analytic = network.grad[0].copy()
    expected = numerical(lambda: (network.cost(images, labels, seeded(5)) + network.penalty())[0], network.theta[0])
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(analytic, expected, rtol=1e-5, atol=1e-8)


@every_case
def test_cost_is_mean_nll_without_the_penalty(model: Model) -> None:
    network, (images, labels) = built(model), batch()
    if not model.labels:
        pytest.skip("its cost is a bound, with noise of its own for each image of a minibatch: see below")
    (loss,), (wrong,) = network.evaluate(images, labels)
    alone = sum(network.evaluate(images[i : i + 1], labels[i : i + 1])[0][0] for i in range(BATCH))
    assert loss == pytest.approx(alone, rel=1e-12)
    assert 0 <= wrong <= BATCH
    if not getattr(model, "dropout", 0) and not getattr(model, "input_dropout", 0):
        assert network.cost(images, labels, seeded())[0] == pytest.approx(loss / BATCH, rel=1e-12)
    weights = [layer.W for layer in network.layers] if isinstance(model, MLP) else [network.W]
    squares = sum((w**2).sum() for w in weights)
    assert network.penalty()[0] == pytest.approx(model.l2 / 2 * squares, rel=1e-12)


@every_case
def test_images_are_left_as_they_were(model: Model) -> None:
    network, (images, labels) = built(model), batch()
    before = images.copy()
    network.cost(images, labels, seeded())
    network.evaluate(images, labels)
    assert (images == before).all()


@pytest.mark.parametrize(("rate", "bits"), [(0.5, 8), (0.25, 8), (0.3, 16), (1e-4, 16)])
def test_a_mask_drops_the_rate_and_scaling_keeps_the_mean(rate: float, bits: int) -> None:
    mask = Mask(rate, 1000, 1000)
    kept = mask.draw(np.random.Generator(np.random.SFC64(0)), 999)
    assert kept.shape == (999, 1000)
    assert mask.word.itemsize * 8 == bits
    assert kept.mean() == pytest.approx(1 - rate, abs=2e-3)
    assert mask.scale * (1 - rate) == pytest.approx(1, abs=1e-4)


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
    """Zero for softmax regression, He et al. (2015) for rectified layers. The same generator gives the same weights."""
    logistic = Logistic().build(784, 10, 128, np.float32, settings=2)
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


@pytest.mark.parametrize(
    ("weights", "variances"), [("glorot", (2 / 1784, 2 / 2000, 2 / 1010)), (Normal(0.01), (1e-4, 1e-4, 1e-4))]
)
def test_other_initial_weights(weights: Any, variances: tuple[float, ...]) -> None:
    """U(−r, r) has the variance r²/3, and r² is 6/(n_in + n_out)."""
    mlp: Any = MLP(weights=weights).build(784, 10, 128, np.float32)
    mlp.init(seeded())
    for layer, variance in zip(mlp.layers, variances, strict=True):
        assert layer.W.var() == pytest.approx(variance, rel=0.05)
        assert layer.W.dtype == np.float32
        assert not layer.b.any()
    bound = np.abs(mlp.layers[0].W).max() / mlp.layers[0].W.std()
    assert bound == pytest.approx(3**0.5, rel=0.01) if weights == "glorot" else bound > 4


def test_max_norm_shortens_only_what_is_too_long_into_hidden_units() -> None:
    mlp: Any = MLP(hidden=(3,), max_norm=2.0).build(2, 2, 1, np.float64)
    mlp.layers[0].W[:] = [[3, 1, 0], [4, 1, 0]]
    mlp.layers[1].W[:] = mlp.layers[0].b[:] = 9
    mlp.constrain()
    np.testing.assert_allclose(mlp.layers[0].W, [[1.2, 1, 0], [1.6, 1, 0]])
    assert (mlp.layers[1].W == 9).all()
    assert (mlp.layers[0].b == 9).all()


def test_layers_are_views_of_the_flat_vectors() -> None:
    network = built(MLP(hidden=(5,)))
    assert all(np.shares_memory(layer.W, network.theta) for layer in network.layers)
    assert all(np.shares_memory(layer.db, network.grad) for layer in network.layers)


def test_softmax_nll() -> None:
    logits = seeded().standard_normal((2, 3, 5)) * 3
    labels = np.array([0, 2, 1, 1, 0], np.uint8)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(p[:, labels, np.arange(5)]).sum(axis=1)
    np.testing.assert_allclose(softmax_nll(logits.copy(), labels), expected, rtol=1e-12)
    np.testing.assert_allclose(softmax_nll(logits, labels, gradient=True), expected, rtol=1e-12)
    np.testing.assert_allclose(logits, (p - np.eye(3)[labels].T) / 5, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_softmax_nll_of_huge_logits_is_finite(size: float) -> None:
    logits = np.array([[[size], [0.0], [-size]]], np.float32)
    with np.errstate(over="raise", invalid="raise"):
        assert softmax_nll(logits.copy(), np.array([0], np.uint8)) == 0
        assert softmax_nll(logits, np.array([1], np.uint8)) == pytest.approx(size)


def together(
    settings: int, pixels: int = 784, batch_size: int = 128
) -> tuple[SoftmaxRegression, np.ndarray, np.ndarray]:
    network = Logistic(l2=0.01).build(pixels, 10, batch_size, np.float32, settings)
    assert isinstance(network, SoftmaxRegression)
    for i, theta in enumerate(network.theta):  # the same numbers for the i-th setting, however many there are
        theta[:] = 0.1 * seeded(i).standard_normal(theta.size)
    images = seeded(100).random((batch_size, pixels), np.float32)
    return network, images, seeded(101).integers(0, 10, batch_size).astype(np.uint8)


def test_settings_trained_together_equal_settings_trained_alone() -> None:
    many, images, labels = together(7)
    costs = many.cost(images, labels, seeded())
    for i in range(7):
        one, _, _ = together(1)
        one.theta[:] = many.theta[i]
        np.testing.assert_allclose(one.cost(images, labels, seeded()), costs[i], rtol=1e-5)
        np.testing.assert_allclose(one.grad[0], many.grad[i], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(one.penalty(), many.penalty()[i], rtol=1e-5)


@pytest.mark.skipif(
    not settings_are_independent(784, 10, (128, 96, 16)), reason="not with this processor's BLAS kernels"
)
@pytest.mark.parametrize("batch_size", [128, 96, 16])
def test_a_setting_has_the_bits_that_it_has_alone(batch_size: int) -> None:
    """At every position, and beside any number of other settings, one of which is nan."""
    for settings in (2, 5, MOST):
        many, images, labels = together(settings, batch_size=batch_size)
        many.theta[1] = np.nan
        with np.errstate(invalid="ignore"):
            costs = many.cost(images, labels, seeded())
        for i in {0, 2, settings - 1} - {1} if settings > 2 else {0}:
            one, _, _ = together(1, batch_size=batch_size)
            one.theta[:] = many.theta[i]
            assert one.cost(images, labels, seeded()) == costs[i]
            assert (one.grad[0] == many.grad[i]).all()


def test_dependence_between_settings_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check fails for a cost that depends on the number of settings."""
    settings_are_independent.cache_clear()
    monkeypatch.setattr(
        "adambench.models.logistic.SoftmaxRegression.cost", lambda self, *_: self.theta.sum(axis=1) * len(self.theta)
    )
    assert not settings_are_independent(784, 10, (128,))
    settings_are_independent.cache_clear()


def test_rows_beyond_the_classes_stay_zero() -> None:
    many, images, labels = together(3)
    many.cost(images, labels, seeded())
    assert many.theta.shape == (3, 10 * 785)
    assert not many.dW.reshape(3, 12, -1)[:, 10:].any()
    assert many.dW.reshape(3, 12, -1)[:, :10].any()


def test_an_mlp_holds_one_setting() -> None:
    with pytest.raises(ValueError, match="one setting at a time"):
        MLP().build(4, 2, 1, np.float32, settings=2)


def test_the_bound_of_a_vae_by_definition() -> None:
    """E_q[−log p(x | z)] with the noise of the network, and KL(q ‖ p) by its integral, image by image."""
    model = VAE(hidden=5, latent=1)
    network, (images, labels) = built(model), batch()
    (loss,), (wrong,) = network.evaluate(images, labels)
    (W1, b1), (W2, b2), (W3, b3), (W4, b4) = ((layer.W, layer.b) for layer in network.layers)
    expected = 0.0
    for x, noise in zip(images, network.noise, strict=True):
        mu, log_var = np.log1p(np.exp(x @ W1 + b1)) @ W2 + b2
        sigma = np.exp(log_var / 2)
        p = 1 / (1 + np.exp(-(np.log1p(np.exp((mu + sigma * noise) @ W3 + b3)) @ W4 + b4)))
        z, dz = np.linspace(mu - 10 * sigma, mu + 10 * sigma, 4001, retstep=True)
        q = np.exp(-((z - mu) ** 2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))
        log_ratio = (z**2 - (z - mu) ** 2 / sigma**2) / 2 - np.log(sigma)
        expected += -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum() + (q * log_ratio).sum() * dz
    assert loss == pytest.approx(expected, rel=1e-9)
    assert np.isnan(wrong)
    noisy = [network.cost(images, labels, seeded(seed))[0] for seed in range(2000)]
    assert np.mean(noisy) == pytest.approx(loss / BATCH, rel=0.05)  # with other noise, the mean is the same


def test_softplus_does_not_overflow() -> None:
    a = np.array([-1e4, -90.0, -1.0, 0.0, 1.0, 90.0, 1e4], np.float32)
    softplus(a, out := np.empty_like(a))
    np.testing.assert_allclose(out, np.logaddexp(0, a.astype(float)), rtol=1e-6, atol=1e-7)


def test_a_vae_holds_one_setting() -> None:
    assert VAE().most_together(784, 10, (128,)) == 1
    with pytest.raises(ValueError, match="one setting at a time"):
        VAE().build(784, 10, 128, np.float32, settings=2)
