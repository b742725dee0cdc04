"""Plug-ins on trial: every check of the contract, and a comparison with a reference that the author of a rule names."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from adambench import duties
from adambench.contract import CHECKS, judged, noise
from adambench.errors import PLUGIN, AdambenchError
from adambench.optimizers import MatrixOptimizer, Optimizer
from adambench.optimizers.base import Array

STEPS, WEIGHTS, CLOSE = 60, 12, 1e-9
TORCH = "torch.optim."
NAMES = {"rho": ("rho", "alpha")}  # what torch.optim calls a hyper-parameter, if not the same

Reference = str | Callable[[Array, Array, Optimizer], Any]  # theta (n,), gradients (steps, n), setting -> (steps, n)


@dataclass(frozen=True)
class Finding:
    """What a check found: a sentence that says what is wrong, or why it was skipped; empty if all is well."""

    name: str
    check: str
    said: str = ""
    skipped: bool = False

    @property
    def wrong(self) -> bool:
        return bool(self.said) and not self.skipped


def trial(name: str, rule: Optimizer, reference: Reference | None) -> Iterator[Finding]:
    """Check a setting. reference: what it must agree with, if there is one."""
    module = type(rule).__module__
    for what, check in CHECKS.items():
        yield Finding(name, what, judged(partial(check, rule), module))
    if reference is not None:
        about = f"agrees with {reference if isinstance(reference, str) else 'its reference'}"
        about += " on one matrix" * isinstance(rule, MatrixOptimizer)  # which does not show how it treats several
        if isinstance(reference, str) and reference.startswith(TORCH) and find_spec("torch") is None:
            yield Finding(name, about, "not compared, because PyTorch is not installed", skipped=True)
        else:
            yield Finding(name, about, judged(partial(differs, rule, reference), module))


def trials(defined: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Check the schedules, models and data sets that a plug-in defines, by kind and name."""
    loads = defined.get("datasets", {})
    own = []
    for load in loads.values():
        with suppress(AdambenchError):
            own.append(load())
    asked = [(name, duties.of_dataset(load)) for name, load in loads.items()]
    asked += [(name, duties.of_schedule(made())) for name, made in defined.get("schedules", {}).items()]
    for name, made in defined.get("models", {}).items():
        model = replace(made(), l2=0.01)  # whose term is then tested too
        try:
            asked.append((name, duties.of_model(model, duties.fitting(model, own))))
        except ValueError as error:
            yield Finding(name, "on a minibatch", str(error), skipped=True)
    for name, checks in asked:
        for what, check in checks.items():
            yield Finding(name, what, judged(check, PLUGIN))


def differs(rule: Optimizer, reference: Reference) -> str:
    """Where a rule leaves its reference, in float64 over random gradients, a fifth of them zero; empty if nowhere."""
    theta, gradients = noise(WEIGHTS), noise(STEPS, WEIGHTS, seed=1)
    gradients[noise(STEPS, WEIGHTS, seed=2) > 0.84] = 0
    gradients[: STEPS // 2, 0] = 0  # a weight that begins late
    try:
        path = _torch(rule, reference) if isinstance(reference, str) else reference
        expected = np.array(path(theta.copy(), gradients.copy(), rule), np.float64)
    except ValueError as error:
        return str(error)
    if expected.shape != gradients.shape:
        return f"the reference must return theta after each step, {gradients.shape}, found {expected.shape}"
    state = rule.init(theta)
    for t, (grad, then) in enumerate(zip(gradients, expected, strict=True), 1):
        rule.step(theta, grad, state)
        if not np.allclose(theta, then, rtol=CLOSE, atol=CLOSE):
            worst = int(np.argmax(np.abs(theta - then)))
            return f"differs from the reference from step {t} on: {theta[worst]:.12g}, expected {then[worst]:.12g}"
    return ""


def _torch(rule: Optimizer, name: str) -> Callable[[Array, Array, Optimizer], list[Any]]:
    """A class of torch.optim as a reference. Raises ValueError if it has not the hyper-parameters of the rule."""
    if not name.startswith(TORCH):
        raise ValueError(
            f"a reference is a class of torch.optim, e.g. torch.optim.AdamW, or a function; found {name!r}"
        )
    import torch  # type: ignore[import-not-found]  # noqa: PLC0415  # only where it is installed

    cls = getattr(torch.optim, name.removeprefix(TORCH), None)
    if cls is None:
        raise ValueError(f"torch.optim has no {name.removeprefix(TORCH)}")
    given = _arguments(rule, name, set(inspect.signature(cls).parameters))

    def path(theta: Array, gradients: Array, _: Optimizer) -> list[Any]:
        weights, found = torch.tensor(theta, requires_grad=True), []
        optimizer = cls([weights], **given)
        for grad in gradients:
            weights.grad = torch.tensor(grad)
            optimizer.step()
            found.append(weights.detach().numpy().copy())
        return found

    return path


def _arguments(rule: Optimizer, name: str, takes: set[str]) -> dict[str, Any]:
    """The hyper-parameters of a rule as torch.optim calls them."""
    left, given = dict(rule.hyperparameters), {}
    if left.pop("bias_correction", True) is not True:
        raise ValueError(f"{name} always corrects the bias; give a function as the reference")
    if "betas" in takes and {"beta1", "beta2"} <= left.keys():
        given["betas"] = (left.pop("beta1"), left.pop("beta2"))
    for key, value in left.items():
        word = next((word for word in NAMES.get(key, (key,)) if word in takes), None)
        if word is None:
            raise ValueError(f"{name} has no argument for {key}; give a function as the reference")
        given[word] = value
    return given
