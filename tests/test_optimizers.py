"""Contract of every registered rule, and golden trajectories: what PyTorch computes (tests/golden/make.py)."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotated_types import Le, Lt

from adambench.config.check import hints_of
from adambench.optimizers import OPTIMIZERS, Adam, RMSProp
from adambench.optimizers.base import BLOCK, Array

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("trajectories.json").read_text(encoding="utf-8"))

every_rule = pytest.mark.parametrize("rule", OPTIMIZERS)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def walk(rule: str, gradients: Array, theta: Array, lr_scale: float = 1.0) -> Array:
    """Theta after a step along each gradient, at the rule's defaults."""
    theta, optimizer = theta.copy(), OPTIMIZERS[rule]()
    state = optimizer.init(theta)
    for grad in gradients:
        optimizer.step(theta, grad, state, lr_scale)
    return theta


def noise(*shape: int, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['rule']}-{case['setting']}")
def test_golden(case: dict[str, Any]) -> None:
    optimizer = OPTIMIZERS[case["rule"]](**case["setting"])
    theta, curvature = np.array(GOLDEN["start"]), np.array(GOLDEN["curvature"])
    state = optimizer.init(theta)
    for noise_t, expected in zip(GOLDEN["noise"], case["theta"], strict=True):
        optimizer.step(theta, curvature * theta + noise_t, state)
        np.testing.assert_allclose(theta, expected, rtol=1e-10, atol=1e-10)


def test_every_rule_has_golden_data() -> None:
    assert {case["rule"] for case in GOLDEN["cases"]} == set(OPTIMIZERS)


@every_rule
@both_dtypes
def test_step_changes_theta_and_state_in_place_and_nothing_else(rule: str, dtype: Any) -> None:
    optimizer, theta, grad = OPTIMIZERS[rule](), noise(10, dtype=dtype), noise(10, dtype=dtype)
    before, unchanged = theta.copy(), grad.copy()
    state = optimizer.init(theta)
    assert all(not slot.any() for slot in state.slots.values())
    slots = dict(state.slots)
    optimizer.step(theta, grad, state)
    assert state.t == 1
    assert theta.dtype == dtype
    assert (theta != before).all()
    assert (np.sign(before - theta) == np.sign(grad)).all()  # every rule's first step is downhill
    assert (grad == unchanged).all()
    assert all(state.slots[name] is slot and slot.dtype == dtype and slot.any() for name, slot in slots.items())


@every_rule
def test_step_is_elementwise_whatever_the_blocks(rule: str) -> None:
    """A vector of two and a half blocks changes exactly as its weights do one by one."""
    n = 2 * BLOCK + BLOCK // 2
    theta, gradients = noise(n, dtype=np.float32), noise(3, n, dtype=np.float32)
    whole = walk(rule, gradients, theta)
    for part in (slice(0, 5), slice(BLOCK - 3, BLOCK + 3), slice(n - 5, n)):
        assert (walk(rule, gradients[:, part].copy(), theta[part]) == whole[part]).all()


@every_rule
def test_float32_follows_float64(rule: str) -> None:
    theta, gradients = noise(100), noise(50, 100)
    single = walk(rule, gradients.astype(np.float32), theta.astype(np.float32))
    np.testing.assert_allclose(single, walk(rule, gradients, theta), rtol=2e-3, atol=2e-5)


@every_rule
def test_lr_scale_scales_the_rate(rule: str) -> None:
    """An lr_scale of 1/2 at every step gives exactly the result of half the rate."""
    theta, gradients = noise(20), noise(10, 20)
    optimizer: Any = OPTIMIZERS[rule]()
    halved = replace(optimizer, lr=optimizer.lr / 2)
    expected, state = theta.copy(), halved.init(theta)
    for grad in gradients:
        halved.step(expected, grad, state)
    assert (walk(rule, gradients, theta, lr_scale=0.5) == expected).all()


@every_rule
@both_dtypes
def test_zero_gradients_move_nothing(rule: str, dtype: Any) -> None:
    theta = noise(10, dtype=dtype)
    with np.errstate(all="raise"):
        assert (walk(rule, np.zeros((5, 10), dtype), theta) == theta).all()


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam", "adam_eps_hat"])
@both_dtypes
def test_zero_gradients_move_nothing_even_without_eps(rule: str, dtype: Any) -> None:
    optimizer: Any = replace(OPTIMIZERS[rule](), eps=0.0)  # type: ignore[call-arg]  # these rules have eps
    theta = noise(10, dtype=dtype)
    before, state = theta.copy(), optimizer.init(theta)
    with np.errstate(all="raise"):
        optimizer.step(theta, np.zeros_like(theta), state)
    assert (theta == before).all()


@every_rule
def test_minimises_a_quadratic(rule: str) -> None:
    theta = np.array([1.0, -1.0])
    optimizer, start = OPTIMIZERS[rule](), theta.copy()
    state = optimizer.init(theta)
    for _ in range(2000):
        optimizer.step(theta, theta.copy(), state)
    assert (np.abs(theta) < np.abs(start)).all()


@every_rule
def test_shape_and_dtype_are_checked(rule: str) -> None:
    optimizer = OPTIMIZERS[rule]()
    with pytest.raises(ValueError, match="float32 or float64 vector"):
        optimizer.init(np.zeros(3, np.float16))
    with pytest.raises(ValueError, match="float32 or float64 vector"):
        optimizer.init(np.zeros((3, 2)))
    theta = np.zeros(3)
    with pytest.raises(ValueError, match="grad must be like theta"):
        optimizer.step(theta, np.zeros(3, np.float32), optimizer.init(theta))


@every_rule
def test_every_rule_cites_its_source(rule: str) -> None:
    assert "Source: " in (OPTIMIZERS[rule].__doc__ or "")


def test_a_hyperparameter_of_one_name_has_one_kind_and_one_upper_bound_everywhere() -> None:
    ranges: dict[str, set[str]] = {}
    for rule in OPTIMIZERS.values():
        for name, hint in hints_of(rule).items():
            bounds = [mark for mark in hint.__metadata__ if isinstance(mark, Lt | Le)]
            ranges.setdefault(name, set()).add(f"{hint.__origin__} {bounds}")
    assert {name: found for name, found in ranges.items() if len(found) > 1} == {}


def test_defaults() -> None:
    """The defaults are those of the papers and of torch.optim. The docstring of a rule says where the two differ."""
    expected = {
        "sgd": [0.01],
        "momentum": [0.01, 0.9],
        "nesterov": [0.01, 0.9],
        "adagrad": [0.01, 1e-10],
        "rmsprop": [0.001, 0.99, 1e-8],
        "adadelta": [1.0, 0.9, 1e-6],
        "adam": [0.001, 0.9, 0.999, 1e-8, True],
        "adam_eps_hat": [0.001, 0.9, 0.999, 1e-8],
        "adamax": [0.002, 0.9, 0.999],
    }
    for rule, defaults in expected.items():
        assert [field.default for field in fields(OPTIMIZERS[rule])] == defaults, rule


def test_momentum_of_zero_is_sgd() -> None:
    theta, gradients = noise(10), noise(5, 10)
    for rule in ("momentum", "nesterov"):
        optimizer = OPTIMIZERS[rule](momentum=0.0)  # type: ignore[call-arg]  # these rules have momentum
        moved, state = theta.copy(), optimizer.init(theta)
        for grad in gradients:
            optimizer.step(moved, grad, state)
        np.testing.assert_allclose(moved, walk("sgd", gradients, theta), rtol=1e-14)


def test_rmsprop_is_adam_without_first_moment_and_correction() -> None:
    theta, gradients = noise(10), noise(20, 10)
    adam = Adam(lr=0.01, beta1=0.0, beta2=0.9, bias_correction=False)
    one, other = theta.copy(), theta.copy()
    adam_state, rmsprop = adam.init(one), RMSProp(lr=0.01, rho=0.9)
    rmsprop_state = rmsprop.init(other)
    for grad in gradients:
        adam.step(one, grad, adam_state)
        rmsprop.step(other, grad, rmsprop_state)
    np.testing.assert_allclose(one, other, rtol=1e-12)
