"""What the papers since Adam state of their rules, checked against the code; and the parts of a vector that rules know."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adambench.models import MODELS
from adambench.models.mlp import MLP
from adambench.optimizers import (
    LAMB,
    OPTIMIZERS,
    AdaBelief,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    MatrixOptimizer,
    Muon,
    Optimizer,
    RAdam,
    Rprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    Yogi,
)
from adambench.optimizers.base import BLOCK, Array
from adambench.optimizers.muon import orthogonal

DECAYING = [name for name, cls in OPTIMIZERS.items() if "weight_decay" in cls().hyperparameters]


def noise(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape)


def changes(optimizer: Optimizer, gradients: Iterable[Array], start: Array, layout: Any = None) -> list[Array]:
    """The change of theta at each step."""
    theta, found = start.copy(), list[Array]()
    state = optimizer.init(theta, layout)
    for g in gradients:
        before = theta.copy()
        optimizer.step(theta, g, state)
        found.append(theta - before)
    return found


def test_every_step_of_lion_is_alpha_in_either_direction() -> None:
    for step in changes(Lion(lr=0.1), noise(20, 50), np.zeros(50)):
        np.testing.assert_allclose(np.abs(step), 0.1, rtol=1e-12)


def test_rprop_sees_the_sign_of_the_smallest_gradient() -> None:
    """The product of two of them is zero in float32."""
    theta = np.zeros(1, np.float32)
    ends = {tuple(changes(Rprop(), [np.full(1, g, np.float32)] * 5, theta)[-1]) for g in (1.0, 1e-22, 1e-25)}
    assert len(ends) == 1


def test_radam_begins_as_momentum_and_ends_as_adam() -> None:
    """With β₂ = 0.999, ρ_t is at most 5 for five steps; later, r_t rises to 1."""
    gradients = noise(8, 30)
    for t, step in enumerate(changes(RAdam(lr=0.1), gradients, np.zeros(30)), 1):
        mean = sum(0.1 * 0.9 ** (t - 1 - k) * gradients[k] for k in range(t)) / (1 - 0.9**t)
        assert np.allclose(step, -0.1 * mean, rtol=1e-12, atol=0) == (t <= 5)
    factors = [RAdam().rectification(t) for t in (6, 100, 1000, 100_000)]
    assert factors == sorted(factors)
    assert factors[0] < 0.1
    assert factors[-1] == pytest.approx(1, abs=1e-3)
    assert RAdam(beta2=0.5).rectification(1000) == 0  # ρ_∞ = 3: such a v̂ is never reliable


def test_the_s_of_yogi_moves_by_at_most_its_share_of_the_squared_gradient() -> None:
    yogi, theta = Yogi(beta2=0.9), 0 * noise(50)
    state, before = yogi.init(theta), theta.copy()
    for g in noise(40, 50) * np.logspace(2, -2, 40)[:, None]:
        yogi.step(theta, g, state)
        v = yogi.moments(state)["s"]
        np.testing.assert_allclose(np.abs(v - before), 0.1 * g**2, rtol=1e-9, atol=1e-9 * v.max())
        before = v


def test_adabelief_is_adam_with_the_deviation_from_the_mean() -> None:
    """The same m; and a v of (g − m)². A steady gradient gives long steps: the belief in it is strong."""
    gradients = noise(30, 20)
    belief, theta = AdaBelief(eps=1e-30), np.zeros(20)
    state, m, s = belief.init(theta), np.zeros(20), np.zeros(20)
    for g in gradients:
        belief.step(theta, g, state)
        m = 0.9 * m + 0.1 * g
        s = 0.999 * s + 0.001 * (g - m) ** 2
    np.testing.assert_allclose(belief.moments(state)["m"], m, rtol=1e-12)
    np.testing.assert_allclose(belief.moments(state)["s"], s, rtol=1e-12)
    steady = np.full((30, 1), 0.3)
    assert abs(changes(AdaBelief(), steady, np.zeros(1))[-1]) > 2.5 * abs(changes(Adam(), steady, np.zeros(1))[-1])


def test_the_divisor_of_amsgrad_never_shrinks() -> None:
    rule, theta = AMSGrad(beta2=0.9, bias_correction=False), 0 * noise(20)
    state, before = rule.init(theta), theta.copy()
    for g in noise(50, 20):
        rule.step(theta, g, state)
        divisor = rule.moments(state)["v_hat"]
        assert (divisor >= before).all()
        before = divisor


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_amsgrad_solves_the_counter_example_that_adam_fails(bias_correction: bool, random: bool) -> None:
    """Reddi et al. (2018), theorems 2 and 3: on [−1, 1], a third of the costs are 3·x, in turn or at random; others −x.

    Their mean is lowest at −1. The rate is α/√t.
    """
    draw, ends = np.random.default_rng(1), {}
    rare = draw.random(6000) < 1 / 3 if random else np.arange(6000) % 3 == 0
    for cls in (Adam, AMSGrad):
        rule = cls(lr=0.5, beta1=0.0, beta2=0.1, bias_correction=bias_correction)
        theta = np.zeros(1)
        state = rule.init(theta)
        for t, chosen in enumerate(rare, 1):
            rule.step(theta, np.array([3.0 if chosen else -1.0]), state, t**-0.5)
            np.clip(theta, -1, 1, out=theta)
        ends[cls] = float(theta[0])
    assert ends[Adam] > 0.9
    assert ends[AMSGrad] < -0.9


@pytest.mark.parametrize("rule", [ScheduleFreeSGD(lr=0.1), ScheduleFreeAdamW(lr=0.1)])
def test_a_schedule_free_rule_is_evaluated_at_the_mean_of_its_points(rule: Any) -> None:
    """Z = y + β·(z − x), and x is the mean of all z."""
    beta = rule.momentum if isinstance(rule, ScheduleFreeSGD) else rule.beta1
    theta, points = noise(10), []
    state = rule.init(theta)
    for g in noise(30, 10):
        rule.step(theta, g, state)
        points.append(theta + beta * state.slots["d"])
        np.testing.assert_allclose(rule.evaluated(theta, state), np.mean(points, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_layout_covers_each_parameter_once_as_a_view(name: str) -> None:
    network = MODELS[name]().build(12, 3, 4, np.float64)
    vector = np.zeros_like(network.theta[0])
    parts = network.layout(vector)
    for part in parts:
        np.add(part, 1, out=part)
    assert (vector == 1).all()
    assert {part.ndim for part in parts} == {1, 2}
    assert all(bias.shape[0] == weights.shape[1] for weights, bias in zip(parts[::2], parts[1::2], strict=True))


def test_the_weights_of_a_layout_are_those_of_the_l2_penalty() -> None:
    for model in MODELS.values():
        network = model(l2=2.0).build(12, 3, 4, np.float64)
        for part in network.layout(network.theta[0]):
            np.add(part, 1, out=part)
        weights = sum(part.size for part in network.layout(network.theta[0]) if part.ndim == 2)
        assert network.penalty()[0] == pytest.approx(weights)


@pytest.mark.parametrize("name", DECAYING)
@pytest.mark.parametrize("model", ["logistic", "mlp"])
def test_biases_are_spared_and_weights_decay(name: str, model: str) -> None:
    """At a zero gradient, a spared bias stays as it is, and everything else shrinks towards zero."""
    network = (MLP(hidden=(5,)) if model == "mlp" else MODELS[model]()).build(12, 3, 4, np.float64)
    theta = 1 + np.abs(noise(network.theta[0].size))
    rule: Any = replace(OPTIMIZERS[name](), lr=0.1, weight_decay=0.5, decay_biases=False)  # type: ignore[call-arg]
    (step,) = changes(rule, [np.zeros_like(theta)], theta, network.layout)
    for part in network.layout(step):
        assert (part == 0).all() if part.ndim == 1 else (part < 0).all()
    (step,) = changes(replace(rule, decay_biases=True), [np.zeros_like(theta)], theta, network.layout)
    assert (step < 0).all()


@pytest.mark.parametrize("name", [n for n in DECAYING if not issubclass(OPTIMIZERS[n], MatrixOptimizer)])
def test_sparing_biases_changes_no_bit_of_the_weights(name: str) -> None:
    """An elementwise rule goes through rows of the parts in place of blocks of the vector."""
    network = MLP(hidden=(300,)).build(300, 3, 4, np.float32)
    theta, gradients = noise(network.theta[0].size).astype(np.float32), noise(2, network.theta[0].size)
    assert theta.size > BLOCK
    cls: Any = OPTIMIZERS[name]
    some, all_ = (
        changes(cls(weight_decay=0.1, decay_biases=choice), gradients.astype(np.float32), theta, network.layout)[-1]
        for choice in (False, True)
    )
    for one, other in zip(network.layout(some), network.layout(all_), strict=True):
        assert (one == other).all() == (one.ndim == 2)


def test_decoupled_decay_does_not_pass_through_the_moments() -> None:
    """The first step of AdamW is −α·(sign(g) + λ·θ); the L2 penalty in Adam would change its sign at most."""
    theta, g = noise(20), noise(20)[::-1].copy()
    (step,) = changes(AdamW(lr=0.1, eps=0.0, weight_decay=0.5), [g], theta)
    np.testing.assert_allclose(step, -0.1 * (np.sign(g) + 0.5 * theta), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(30, 30), (50, 20), (20, 50), (1, 7)])
def test_a_step_of_muon_is_orthogonal(shape: tuple[int, int]) -> None:
    """The singular vectors are those of the gradient, and the singular values are near 1."""
    g = noise(*shape)
    found = orthogonal(g)
    u, s, vt = np.linalg.svd(g, full_matrices=False)
    inside = u.T @ found @ vt.T
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-9)
    assert (np.diag(inside)[s > 0.05 * s[0]] > 0.6).all()
    assert (np.diag(inside) < 1.25).all()
    (step,) = changes(Muon(lr=0.1), [g.ravel()], np.zeros(g.size), lambda vector: [vector.reshape(shape)])
    np.testing.assert_allclose(step.reshape(shape), -0.1 * max(1, shape[1] / shape[0]) ** 0.5 * found, rtol=1e-9)


def test_a_step_of_lamb_is_as_long_as_alpha_times_each_part() -> None:
    network = MLP(hidden=(8,)).build(12, 3, 4, np.float64)
    theta = noise(network.theta[0].size)
    for step in changes(LAMB(lr=0.1), noise(1, theta.size), theta, network.layout):
        for part, whole in zip(network.layout(step), network.layout(theta), strict=True):
            assert np.linalg.norm(part) == pytest.approx(0.1 * np.linalg.norm(whole), rel=1e-9)


def test_each_part_of_a_matrix_rule_is_treated_alone() -> None:
    """Another gradient in one part changes no bit of the others."""
    network = MLP(hidden=(8,)).build(12, 3, 4, np.float64)
    theta, g = noise(network.theta[0].size), noise(1, network.theta[0].size)
    other = g.copy()
    network.layout(other[0])[0][:] *= -3
    for rule in (Muon(), LAMB()):
        (one,), (two,) = (changes(rule, grads, theta, network.layout) for grads in (g, other))
        first, *rest = [(a == b).all() for a, b in zip(network.layout(one), network.layout(two), strict=True)]
        assert not first
        assert all(rest)


@pytest.mark.parametrize("rule", [ScheduleFreeSGD(lr=0.1), ScheduleFreeAdamW(lr=0.1)])
def test_a_schedule_of_the_momentum_leaves_schedule_free_rules_alone(rule: Optimizer) -> None:
    """Their β says where y lies between z and x. Another β would move x, the mean of the points so far."""
    theta = noise(10)
    state = rule.init(theta)
    for g in noise(5, 10):
        rule.step(theta, g, state)
    x = rule.evaluated(theta, state)
    np.testing.assert_array_equal(rule.with_decay(0.5, state).evaluated(theta, state), x)
