"""The paper's statements about Adam and related rules, checked against the code. Sections: Kingma and Ba (2015)."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adambench.optimizers import SGD, AdaGrad, Adam, AdaMax, AdamEpsHat, Optimizer, RMSProp
from adambench.optimizers.base import Array


def steps(optimizer: Any, gradients: Iterable[float], schedule: Any = lambda _: 1.0) -> Array:
    """The change of one weight at each step, in units of the learning rate."""
    theta = np.zeros(1)
    state, changes = optimizer.init(theta), []
    for t, g in enumerate(gradients, 1):
        before = theta[0]
        optimizer.step(theta, np.array([g]), state, schedule(t))
        changes.append(theta[0] - before)
    return np.array(changes, np.float64) / float(optimizer.lr)


@pytest.mark.parametrize(
    "optimizer", [Adam(eps=0.0), AdamEpsHat(eps=0.0), AdaMax(), AdaGrad(eps=0.0), RMSProp(eps=0.0)]
)
@pytest.mark.parametrize("exponent", [-20, -3, 1, 17])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rescaled_gradients_give_the_same_trajectory_to_the_bit(
    optimizer: Optimizer, exponent: int, dtype: Any
) -> None:
    """Section 2.1: the step is invariant to the scale of the gradients."""
    rng = np.random.default_rng(1)
    gradients = rng.standard_normal((30, 50)).astype(dtype)
    one, other = np.zeros(50, dtype), np.zeros(50, dtype)
    state, scaled_state = optimizer.init(one), optimizer.init(other)
    for g in gradients:
        optimizer.step(one, g, state)
        optimizer.step(other, g * dtype(2.0**exponent), scaled_state)
        assert (one == other).all()


@pytest.mark.parametrize("g", [1e-6, 1.0, -1e6])
def test_first_step_of_adam_is_alpha(g: float) -> None:
    """Section 3: correction makes m̂ = g and v̂ = g² at t = 1."""
    np.testing.assert_allclose(steps(Adam(eps=0.0), [g]), -np.sign(g), rtol=1e-12)
    np.testing.assert_allclose(steps(AdaMax(), [g]), -np.sign(g), rtol=1e-12)


def test_constant_gradient_gives_constant_steps_with_correction() -> None:
    np.testing.assert_allclose(steps(Adam(eps=0.0), [0.3] * 500), -1, rtol=1e-9)


def test_without_correction_the_first_steps_are_too_long() -> None:
    """Section 3 and 6.4: the first step is (1 − β₁)/√(1 − β₂) = 3.16 α, the longest 6.57 α at t = 12."""
    sizes = -steps(Adam(bias_correction=False, eps=0.0), [1.0] * 10_000)
    assert sizes[0] == pytest.approx(3.1623, abs=1e-4)
    assert sizes.argmax() + 1 == 12
    assert sizes.max() == pytest.approx(6.57, abs=0.005)
    assert sizes[-1] == pytest.approx(1, abs=0.01)


def test_without_correction_and_with_slow_decay_the_first_step_is_a_hundredfold() -> None:
    sizes = steps(Adam(beta1=0.0, beta2=0.9999, bias_correction=False, eps=0.0), [1.0])
    assert sizes[0] == pytest.approx(-100, rel=1e-9)


def test_a_lone_spike_moves_by_the_bound_of_section_2_1() -> None:
    """(1 − β₁)/√(1 − β₂) = 3.162 after a long run of zeros."""
    sizes = steps(Adam(eps=0.0), [0.0] * 20_000 + [1.0])
    assert sizes[-1] == pytest.approx(-3.1623, abs=1e-4)


TIGHT = 0.1 / np.sqrt(0.001) / np.sqrt(1 - 0.9**2 / 0.999)  # 7.27, by Cauchy and Schwarz


def test_the_bound_of_section_2_1_is_not_tight() -> None:
    """Gradients that grow by β₂/β₁ per step give the longest possible step in one direction: 7.27 α."""
    past = np.arange(400)[::-1]
    sizes = steps(Adam(eps=0.0), [0.0] * 20_000 + list((0.9 / 0.999) ** past))
    assert -sizes[-1] == pytest.approx(TIGHT, rel=1e-3)
    assert pytest.approx(7.27, abs=0.005) == TIGHT


@given(st.lists(st.floats(-1e3, 1e3).filter(lambda g: g == 0 or abs(g) > 1e-3), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60, derandomize=True)
def test_no_gradients_move_adam_further_than_the_tight_bound(gradients: list[float]) -> None:
    assert np.abs(steps(Adam(eps=0.0), gradients)).max() <= TIGHT * (1 + 1e-9)


def test_adamax_moves_by_little_more_than_alpha() -> None:
    """Section 7.1 says |Δ| ≤ α; gradients that fall by β₂ per step reach 1.009 α."""
    sizes = np.abs(steps(AdaMax(), 0.999 ** np.arange(200)))
    assert 1.008 < sizes.max() < 1.0095


def test_adamax_takes_no_step_where_the_gradient_has_always_been_zero() -> None:
    assert (steps(AdaMax(), [0.0, 0.0, 0.0, 1.0])[:3] == 0).all()


def test_adagrad_is_a_limit_of_adam() -> None:
    """Section 5: β₁ = 0, β₂ → 1, rate α/√t."""
    gradients = np.random.default_rng(2).standard_normal(100)
    adam = steps(Adam(beta1=0.0, beta2=1 - 1e-9, eps=0.0), gradients, lambda t: t**-0.5)
    np.testing.assert_allclose(adam, steps(AdaGrad(eps=0.0), gradients), rtol=1e-5)


def test_eps_hat_is_adam_with_the_corrected_eps() -> None:
    """End of section 2: the two forms agree where ε̂ = ε·√(1 − β₂ᵗ), and not otherwise."""
    eps = 0.1
    hat = steps(AdamEpsHat(eps=eps * np.sqrt(1 - 0.999).item()), [0.5])
    assert hat[0] == pytest.approx(steps(Adam(eps=eps), [0.5])[0], rel=1e-12)
    assert abs(steps(AdamEpsHat(eps=eps), [0.5])[0]) < 0.5 * abs(hat[0])


def test_steps_shrink_near_the_optimum() -> None:
    """Section 2.1: the signal-to-noise ratio falls near an optimum, and the effective step with it."""
    rng = np.random.default_rng(3)
    theta = np.full(1000, 5.0)
    adam = Adam(lr=0.01)
    state, sizes = adam.init(theta), []
    for _ in range(3000):
        before = theta.copy()
        adam.step(theta, theta + rng.standard_normal(1000), state)
        sizes.append(np.abs(theta - before).mean() / adam.lr)
    assert np.mean(sizes[10:100]) > 0.8  # far away every gradient agrees
    assert np.mean(sizes[-500:]) < 0.3


def online(optimizer: Optimizer) -> float:
    """The final weight in the counter-example of Reddi et al. (2018, section 3): f_t = 3x if t mod 3 = 1, else −x, on [−1, 1], rate α/√t."""
    theta = np.zeros(1)
    state = optimizer.init(theta)
    for t in range(1, 6001):
        optimizer.step(theta, np.array([3.0 if t % 3 == 1 else -1.0]), state, t**-0.5)
        np.clip(theta, -1, 1, out=theta)
    return float(theta[0])


def test_reddis_counter_example() -> None:
    """The sum of f_t is lowest at −1. SGD finds it. Adam forgets the rare large gradient and goes the other way."""
    assert online(Adam(lr=0.1, beta1=0.0, beta2=1 / (1 + 3**2))) == pytest.approx(1.0, abs=0.01)
    assert online(SGD(lr=0.1)) == pytest.approx(-0.997, abs=0.003)
