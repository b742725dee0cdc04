"""Contract of every registered rule, and golden trajectories from PyTorch and others (tests/golden/make.py)."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotated_types import Ge, Le, Lt

from adambench.config.check import hints_of
from adambench.contract import CHECKS, DTYPES, noise, walk
from adambench.optimizers import OPTIMIZERS, SGD, Adam, RMSProp
from adambench.optimizers.base import Array

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("trajectories.json").read_text(encoding="utf-8"))

every_rule = pytest.mark.parametrize("rule", OPTIMIZERS)
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)


def golden_layout(vector: Array) -> list[Array]:
    size = math.prod(GOLDEN["matrix"])
    return [vector[:size].reshape(GOLDEN["matrix"]), vector[size:]]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['rule']}-{case['setting']}")
def test_golden(case: dict[str, Any]) -> None:
    optimizer = OPTIMIZERS[case["rule"]](**case["setting"])
    theta, curvature = np.array(GOLDEN["start"]), np.array(GOLDEN["curvature"])
    state, found = optimizer.init(theta, golden_layout), []
    for noise_t, active in zip(GOLDEN["noise"], GOLDEN["active"], strict=True):
        optimizer.step(theta, active * (curvature * theta + noise_t), state)
        found.append(theta.copy())
    np.testing.assert_allclose(found[GOLDEN["every"] - 1 :: GOLDEN["every"]], case["theta"], rtol=1e-10, atol=1e-10)


def test_every_rule_has_golden_data() -> None:
    assert {case["rule"] for case in GOLDEN["cases"]} == set(OPTIMIZERS)


@every_rule
@pytest.mark.parametrize("check", CHECKS)
def test_contract(rule: str, check: str) -> None:
    """What `adambench check` demands of a rule of the user's own. tests/test_contract.py holds that it finds faults."""
    assert CHECKS[check](OPTIMIZERS[rule]()) == ""


WITHOUT_EPS = [
    name for name, rule in OPTIMIZERS.items() if Ge(0) in getattr(hints_of(rule).get("eps"), "__metadata__", ())
]


@pytest.mark.parametrize("rule", WITHOUT_EPS)
def test_the_contract_holds_without_eps(rule: str) -> None:
    assert len(WITHOUT_EPS) > 10
    optimizer: Any = replace(OPTIMIZERS[rule](), eps=0.0)  # type: ignore[call-arg]  # these rules have eps
    assert CHECKS["zero gradients move nothing"](optimizer) == ""


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam", "adam_eps_hat"])
@both_dtypes
def test_zero_gradients_move_nothing_even_without_eps(rule: str, dtype: Any) -> None:
    optimizer: Any = replace(OPTIMIZERS[rule](), eps=0.0)  # type: ignore[call-arg]  # these rules have eps
    theta = noise(10, dtype=dtype)
    before, state = theta.copy(), optimizer.init(theta)
    with np.errstate(all="raise"):
        optimizer.step(theta, np.zeros_like(theta), state)
    assert (theta == before).all()


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
        np.testing.assert_allclose(moved, walk(SGD(), gradients, theta), rtol=1e-14)


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
