"""The figures of the lesson: two rules side by side on the valley, what begins where, and what the reader can move."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from adambench.show.lesson.recordings import AXES, NOISE, TRACKS

Setting = Mapping[str, Any]  # `track`, and values of AXES; the defaults are BEGIN
PANELS = {
    "map": "the path down the valley",
    "mean": "gradients g (dots) and their mean",
    "scale": "sizes of gradients |g| (dots) and the scale",
    "snr": "signal-to-noise ratio, mean / scale",
    "step": "effective step |Δθ| / α",
    "height": "height f(x, y)",
}
BEGIN: Setting = MappingProxyType(
    {"lr": 0.1, "momentum": 0.0, "beta1": 0.9, "beta2": 0.999, "bias_correction": True, "noise": 0.0}
)


@dataclass(frozen=True)
class Lab:
    """A figure. shared: what both lanes move together; own: what each moves alone, `track` included."""

    left: Setting
    right: Setting
    own: tuple[str, ...]
    shared: tuple[str, ...] = ()
    panels: tuple[str, ...] = ("map",)
    weight: int = 0  # of which the panels tell: 0 is x, along the valley; 1 is y, across it

    def numbers(self) -> dict[str, Any]:
        """For the script: places on the axes instead of values."""
        return {
            "lanes": [_places(self.left), _places(self.right)],
            "own": self.own,
            "shared": self.shared,
            "panels": self.panels,
            "weight": self.weight,
        }


def _places(setting: Setting) -> dict[str, Any]:
    """Raises ValueError for a value that is not on the grid, KeyError for an unknown track."""
    values = {**BEGIN, **setting}
    track = values.pop("track")
    axes: Mapping[str, tuple[float | bool, ...]] = {**AXES, "noise": NOISE}
    return {"track": track, "at": {name: axes[name].index(values[name]) for name in axes}, "title": TRACKS[track].title}


ADAM: Setting = MappingProxyType({"track": "adam"})
ADAGRAD: Setting = MappingProxyType({"track": "adagrad"})
LABS: Mapping[str, Lab] = MappingProxyType(
    {
        "rate": Lab(
            left={"track": "sgd", "lr": 0.03},
            right={"track": "sgd", "lr": 0.1},
            own=("lr", "momentum"),
            panels=("map", "height"),
            weight=1,
        ),
        "mean": Lab(
            left={**ADAM, "lr": 0.03, "beta1": 0.0, "noise": 0.5},
            right={**ADAM, "lr": 0.03, "beta1": 0.9, "noise": 0.5},
            own=("beta1",),
            shared=("lr", "noise"),
            panels=("map", "mean"),
        ),
        "scale": Lab(
            left={**ADAM, "lr": 0.03, "beta2": 0.9},
            right={**ADAM, "lr": 0.03, "beta2": 0.999},
            own=("beta2",),
            shared=("lr", "noise"),
            panels=("map", "scale", "step"),
            weight=1,
        ),
        "correction": Lab(
            left={**ADAM, "lr": 0.03},
            right={**ADAM, "lr": 0.03, "bias_correction": False},
            own=("bias_correction", "beta1", "beta2"),
            shared=("noise",),
            panels=("map", "step"),
        ),
        "snr": Lab(
            left={**ADAM, "lr": 0.03},
            right={**ADAM, "lr": 0.03, "noise": 2.0},
            own=("noise",),
            shared=("beta1", "beta2"),
            panels=("map", "snr", "step"),
        ),
        "bound": Lab(
            left={**ADAM, "lr": 0.03},
            right={**ADAM, "lr": 0.3},
            own=("lr",),
            shared=("beta1", "beta2", "noise"),
            panels=("map", "step"),
            weight=1,
        ),
        "adagrad": Lab(
            left=ADAGRAD,
            right=ADAM,
            own=("track",),
            shared=("lr", "noise"),
            panels=("map", "scale", "step"),
            weight=1,
        ),
        "adamax": Lab(
            left={"track": "adamax", "noise": 0.5},
            right={**ADAM, "noise": 0.5},
            own=("beta2",),
            shared=("lr", "noise"),
            panels=("map", "scale", "step"),
            weight=1,
        ),
        "all": Lab(
            left={"track": "sgd", "lr": 0.03, "momentum": 0.9, "noise": 0.5},
            right={**ADAM, "noise": 0.5},
            own=("track", "lr", "momentum", "beta1", "beta2", "bias_correction"),
            shared=("noise",),
            panels=("map", "mean", "scale", "snr", "step", "height"),
        ),
    }
)
