"""The checks of `adambench check` find what is wrong with a rule, and the template passes all of them."""

import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from annotated_types import Gt

from adambench.contract import CHECKS, judged, noise
from adambench.optimizers import Adam, Momentum, RMSProp
from adambench.optimizers.base import Array, Optimizer, State, WholeOptimizer, nonzero
from adambench.optimizers.decay import Decaying
from adambench.reference import Finding, differs, trial
from tests.conftest import Command


@dataclass(frozen=True)
class Good(Optimizer):
    """A rule that passes, and of which the others break one part each.

    θ ← θ − α·b,   b ← b/2 + g

    Source: this file.
    """

    lr: Annotated[float, Gt(0)] = 0.01
    slot_names = ("b",)

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        (b,) = slots
        b *= 0.5
        b += g
        np.multiply(b, self.lr * lr_scale, out=tmp)
        theta -= tmp


class ChangesGradient(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g, slots, tmp, t, lr_scale)
        g *= 2


class NotInPlace(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        slots[0][:] = g
        theta = theta - self.lr * lr_scale * g


class ForgetsSlot(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g, [slots[0] * 0.5], tmp, t, lr_scale)


class Uphill(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, -g, slots, tmp, t, lr_scale)


class Clipped(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g / max(1, float(np.linalg.norm(g))), slots, tmp, t, lr_scale)


class Overflows(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, np.sqrt(np.square(g * 1e30)) / 1e30 * np.sign(g), slots, tmp, t, lr_scale)


class IgnoresSchedule(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g, slots, tmp, t, 1.0)


class Drifts(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g + np.sign(g + 1e-3) * 1e-4, slots, tmp, t, lr_scale)


class Divides(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g / np.abs(g), slots, tmp, t, lr_scale)


class Underflows(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, g / (np.sqrt(np.square(g)) + 1e-30), slots, tmp, t, lr_scale)


class Remembers(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        vars(self)["calls"] = vars(self).get("calls", 0) + 1
        super().update(theta, g * (1 + 1e-9 * vars(self)["calls"]), slots, tmp, t, lr_scale)


class Diverges(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        super().update(theta, 1000 * g, slots, tmp, t, lr_scale)


class Accepts(Good):
    def step(self, theta: Array, grad: Array, state: State, lr_scale: float = 1.0) -> None:
        super().step(theta, grad.astype(theta.dtype), state, lr_scale)


class Shares(Good):
    def moments(self, state: State) -> dict[str, Array]:
        return state.slots


class Misnamed(Good):
    def moments(self, state: State) -> dict[str, Array]:
        return {"m_hat": state.slots["b"] * 1}


@dataclass(frozen=True)
class Unlimited(Good):
    beta1: float = 0.5


class Unannotated(Good):
    beta1 = 0.5


class Constant(Good):
    """A class attribute with a name in capitals, a switch, and one of the base class are no hyper-parameters."""

    ITERATIONS = 5
    fused = False
    by_part = False


class Unmoved(Good):
    mean_decay = "beta1"


class Undocumented(Good):
    """A rule."""


class Raises(Good):
    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        slots[1][:] = g


@pytest.mark.parametrize("check", CHECKS)
def test_a_good_rule_passes(check: str) -> None:
    assert CHECKS[check](Good()) == ""


@pytest.mark.parametrize(
    ("rule", "check", "said"),
    [
        (ChangesGradient, "changes theta in place, and leaves the gradient", "update changes the gradient g; write to tmp"),
        (NotInPlace, "changes theta in place, and leaves the gradient", "the first step leaves weights where they were"),
        (ForgetsSlot, "keeps its memory in slots, changed in place", "the slot b is still zero after two steps"),
        (Uphill, "first step goes downhill", "the first step does not go against the gradient"),
        (Clipped, "every weight is treated alone", "a weight's change depends on the other weights"),
        (Overflows, "float32 follows float64", "float32 differs from float64 by up to"),
        (IgnoresSchedule, "lr_scale multiplies the rate", "lr_scale must multiply lr"),
        (Drifts, "zero gradients move nothing", "gradients of zero move the weights"),
        (Divides, "zero gradients move nothing", "gradients of zero: invalid value encountered in divide"),
        (Underflows, "zero gradients move nothing", "gradients of 1e-23 move weights farther than gradients of 1"),
        (Remembers, "deterministic, with all memory in the state", "the same steps gave other numbers the second time"),
        (Diverges, "minimises a quadratic", "2,000 steps on ½·θ² lead from ±1 to"),
        (Accepts, "refuses other shapes and dtypes", "step accepts a gradient of another dtype than theta"),
        (Shares, "moments are new arrays and mean what they say", "moments: b must be a new array, not the slot itself"),
        (Misnamed, "moments are new arrays and mean what they say", "moments: with the constant gradient 2, m_hat must be 2, found"),
        (Unmoved, "moments are new arrays and mean what they say", "mean_decay names the decay of a slot M, which is a sum; found"),
        (Unlimited, "hyper-parameters have ranges", "beta1 has no range, so that any number is accepted"),
        (Unannotated, "hyper-parameters have ranges", "beta1 has no annotation, so that it is no hyper-parameter"),
        (Undocumented, "docstring and explain", "the docstring must have a paragraph of equations"),
        (Raises, "docstring and explain", "the docstring must begin with a sentence"),
        (Raises, "every weight is treated alone", "IndexError on line "),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)  # fmt: skip
def test_a_fault_is_found(rule: type[Optimizer], check: str, said: str) -> None:
    assert judged(partial(CHECKS[check], rule()), __name__).startswith(said)


@dataclass(frozen=True)
class DoG(WholeOptimizer):
    """A rate of its own for all weights together: how far they went, over the root of all squared gradients.

    r ← max(r, ‖θ − θ₀‖)
    s ← s + ‖g‖²
    θ ← θ − α·r/√s·g

    Source: Ivgi, Hinder and Carmon (2023), algorithm 1.
    """

    lr: Annotated[float, Gt(0)] = 1.0
    slot_names = ("start", "r", "s")

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        start, r, s = slots
        if t == 1:
            start[:] = theta
        r[:] = max(1e-3, float(r[0]), float(np.linalg.norm(theta - start)))
        s += g @ g
        theta -= self.lr * lr_scale * r / np.maximum(np.sqrt(s), nonzero(0, theta)) * g


def dog(theta: Array, gradients: Array, rule: Optimizer) -> list[Array]:
    """What `DoG` does, written another way: on one vector, whose parts nobody knows."""
    path, farthest = [theta], 1e-3
    for t, g in enumerate(gradients, 1):
        farthest = max(farthest, float(np.sqrt(((path[-1] - theta) ** 2).sum())))
        path.append(path[-1] - rule.hyperparameters["lr"] * farthest / np.sqrt((gradients[:t] ** 2).sum()) * g)
    return path[1:]


def test_a_rule_may_need_all_weights_at_once() -> None:
    """It passes every check, and sees the whole vector of a model with several parts."""
    assert {check: said for check, test in CHECKS.items() if (said := test(DoG()))} == {}
    assert differs(DoG(), dog) == ""
    theta, gradients = noise(60), noise(5, 60, seed=1)
    expected = dog(theta, gradients, DoG())[-1]
    rule = DoG()
    state = rule.init(theta, lambda vector: [vector[:50].reshape(10, 5), vector[50:]])
    for grad in gradients:
        rule.step(theta, grad, state)
    np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_a_rule_of_all_weights_takes_no_decay_that_spares_biases() -> None:
    """It gets one vector, in which no bias can be told from a weight."""
    with pytest.raises(TypeError, match="does not see which weights are biases"):
        type("Both", (WholeOptimizer, Decaying), {})


def test_constants_are_no_hyper_parameters() -> None:
    assert CHECKS["hyper-parameters have ranges"](Constant()) == ""


def test_every_check_finds_a_fault() -> None:
    cases: Any = test_a_fault_is_found.pytestmark[0].args[1]  # type: ignore[attr-defined]  # what the marker adds
    assert {check for _, check, _ in cases} == set(CHECKS)


def momentum(theta: Array, gradients: Array, rule: Optimizer) -> list[Array]:
    """What `Good` does, written another way."""
    path, b = [], np.zeros_like(theta)
    for g in gradients:
        b = 0.5 * b + g
        theta = theta - rule.hyperparameters["lr"] * b
        path.append(theta)
    return path


def test_a_function_is_a_reference() -> None:
    assert differs(Good(), momentum) == ""
    assert differs(Good(lr=0.1), momentum) == ""
    wrong = differs(Good(), lambda theta, gradients, rule: momentum(theta, gradients + 1e-6, rule))
    assert wrong.startswith("differs from the reference from step 1 on: ")
    assert (
        differs(Good(), lambda theta, *_: theta)
        == "the reference must return theta after each step, (60, 12), found (12,)"
    )


class Descent:
    """The part of torch.optim.SGD that a comparison uses, on a tensor that is a NumPy array."""

    def __init__(self, params: Any, lr: float, momentum: float = 0.0) -> None:
        (self.weights,), self.lr, self.momentum, self.b = params, lr, momentum, 0.0

    def step(self) -> None:
        self.b = self.momentum * self.b + self.weights.grad
        self.weights.values = self.weights.values - self.lr * self.b


class Tensor:
    def __init__(self, values: Array) -> None:
        self.values, self.grad = values, None

    def detach(self) -> "Tensor":
        return self

    def numpy(self) -> Array:
        return self.values


def test_a_class_of_torch_is_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for torch, so that the test needs none."""
    torch: Any = types.ModuleType("torch")
    torch.__spec__ = object()
    torch.tensor = lambda values, requires_grad=False: Tensor(values) if requires_grad else values
    torch.optim = types.SimpleNamespace(SGD=Descent)
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert differs(Momentum(), "torch.optim.SGD") == ""
    assert differs(Good(), "torch.optim.SGD").startswith("differs from the reference from step 2 on")
    assert differs(Good(), "torch.optim.Rprop") == "torch.optim has no Rprop"
    assert (
        differs(RMSProp(), "torch.optim.SGD")
        == "torch.optim.SGD has no argument for rho; give a function as the reference"
    )
    assert differs(Adam(bias_correction=False), "torch.optim.SGD").startswith(
        "torch.optim.SGD always corrects the bias"
    )
    assert differs(Good(), "optax.sgd").startswith("a reference is a class of torch.optim")


def test_a_reference_that_is_not_installed_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adambench.reference.find_spec", lambda _: None)
    *_, last = trial("good", Good(), "torch.optim.SGD")
    assert last == Finding(
        "good", "agrees with torch.optim.SGD", "not compared, because PyTorch is not installed", skipped=True
    )
    assert not last.wrong


def test_the_template_passes_and_a_broken_rule_does_not(command: Command, tmp_path: Path) -> None:
    assert command("init", "--plugin", "my_rule.py").stdout == "wrote my_rule.py; now: adambench check my_rule.py\n"
    passed = command("check", "my_rule.py")
    assert (passed.returncode, passed.stderr) == (0, "")
    assert "ok" in passed.stdout
    text = (tmp_path / "my_rule.py").read_text()
    assert "adambench check my_rule.py" in text
    (tmp_path / "my_rule.py").write_text(text.replace("np.square(g, out=tmp)", "np.square(g, out=g)"))
    failed = command("check", "my_rule.py", "--format", "csv")
    assert failed.returncode == 1
    assert "update changes the gradient g; write to tmp instead" in failed.stdout
    assert command("init", "--plugin", "my_rule.py").returncode == 2
    assert command("init", "x.yaml", "--plugin", "other.py").returncode == 2
    assert command("check", "nowhere.py").returncode == 2
