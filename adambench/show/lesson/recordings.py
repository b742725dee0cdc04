"""Every descent that the page can show, computed by the rules themselves: one for each position of the sliders."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from adambench.explanation import CONSTANT, Descent, descend
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.optimizers.base import Array
from adambench.schedules import SCHEDULES, Schedule

STEPS = 100
SEED = 0  # of the noise, which is the same in all descents
FAR = 10.0  # where the record of a descent ends: by then it has left the valley
LOST = -32768  # in the place of a number that does not exist
QUANTITIES = ("change", "grad", "mean", "scale")

# The positions of the sliders. A rule has those of its hyper-parameters that are here, and the noise σ of the gradient.
DECAYS = (0.0, 0.5, 0.9, 0.99)
AXES: Mapping[str, tuple[float | bool, ...]] = MappingProxyType(
    {
        "lr": (0.01, 0.03, 0.1, 0.3),
        "momentum": DECAYS,
        "beta1": DECAYS,
        "beta2": (0.5, 0.9, 0.99, 0.999),
        "bias_correction": (True, False),
    }
)
NOISE = (0.0, 0.5, 2.0)


@dataclass(frozen=True)
class Track:
    """A rule of the lesson. mean, scale: the symbols of its running mean and of its divisor, empty if it has none."""

    title: str
    rule: Optimizer
    mean: str
    scale: str
    fixed: tuple[str, ...] = ()  # hyper-parameters without a slider
    schedule: Schedule = CONSTANT

    @property
    def axes(self) -> tuple[str, ...]:
        names = {field.name for field in fields(self.rule)} - set(self.fixed)
        return tuple(name for name in AXES if name in names)

    def rules(self) -> Iterator[Optimizer]:
        """The rule at every position of its sliders; the last one moves fastest."""
        for values in product(*(AXES[name] for name in self.axes)):
            changes: dict[str, Any] = dict(zip(self.axes, values, strict=True))
            yield replace(self.rule, **changes)


def _adam_as_adagrad() -> Optimizer:
    """Section 5 of the paper: with β₁ = 0, β₂ → 1 and α/√t, Adam is AdaGrad."""
    adagrad = OPTIMIZERS["adagrad"]().hyperparameters
    settings: dict[str, Any] = {"beta1": 0.0, "beta2": 1 - 1e-8, "eps": adagrad["eps"]}
    return OPTIMIZERS["adam"](**settings)


TRACKS: Mapping[str, Track] = MappingProxyType(
    {
        "sgd": Track("SGD with momentum", OPTIMIZERS["momentum"](), "b", ""),
        "adagrad": Track("AdaGrad", OPTIMIZERS["adagrad"](), "", "√s"),
        "adamax": Track("AdaMax with β₁ = 0.9", OPTIMIZERS["adamax"](), "m̂", "u", fixed=("beta1",)),
        "adam": Track("Adam", OPTIMIZERS["adam"](), "m̂", "√v̂"),
        "adam_as_adagrad": Track(
            "Adam with β₁ = 0, β₂ → 1 and α/√t",
            _adam_as_adagrad(),
            "m̂",
            "√v̂",
            fixed=("beta1", "beta2", "bias_correction"),
            schedule=SCHEDULES["inverse_sqrt"](),
        ),
    }
)


def noise() -> Array:
    """What is added to the gradients (STEPS, len(NOISE), 2)."""
    drawn = np.random.default_rng(SEED).standard_normal((STEPS, 1, 2))
    return np.array(NOISE)[:, None] * drawn


def recorded(track: Track) -> str:
    """All descents of a track in base64, in the order of `rules` and then of NOISE.

    A descent is the largest size of each quantity for x and y, eight float32, and then each quantity for x and for y
    along the STEPS, as int16 in units of 1/32767 of the largest. All are little-endian.
    """
    added = noise()
    descents = (descend(rule, added, track.schedule) for rule in track.rules())
    return base64.b64encode(b"".join(_bytes(descent) for descent in descents)).decode()


def _bytes(descent: Descent) -> bytes:
    """The descents of a rule, one for each noise."""
    none = np.full_like(descent.grads, np.nan)
    found = [np.diff(descent.path, axis=0), descent.grads, descent.means, descent.scales]
    numbers = np.stack([none if array is None else array for array in found])  # (quantity, step, noise, weight)
    inside = np.abs(descent.path[:-1]).max(axis=-1) <= FAR  # and so at all steps before
    numbers = np.where(np.logical_and.accumulate(inside)[..., None], numbers, np.nan).transpose(2, 0, 3, 1)
    most = np.fmax.reduce(np.abs(numbers), axis=-1, initial=0).astype("<f4")
    with np.errstate(invalid="ignore"):
        shares = np.round(numbers / np.where(most > 0, most, 1)[..., None] * 32767)
    places = np.where(np.isnan(shares), LOST, shares).astype("<i2")
    return b"".join(size.tobytes() + place.tobytes() for size, place in zip(most, places, strict=True))
