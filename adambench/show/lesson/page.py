"""The page of the lesson: the template, filled with the recordings and the figures."""

from importlib import resources
from typing import Any

from adambench.explanation import CURVATURE, START
from adambench.show.charts.look import colour, on_dark
from adambench.show.lesson.labs import LABS, PANELS
from adambench.show.lesson.recordings import AXES, LOST, NOISE, QUANTITIES, STEPS, TRACKS, recorded
from adambench.show.offline import embedded, render

STATIC = resources.files("adambench.show.lesson") / "static"
LANES = (("adam", (), "o"), ("nesterov", (3, 1.5), "D"))  # the colour of a rule, a dash, a marker
SCRIPTS = ["dom.js", "plot.js", "recording.js", "panels.js", "lab.js", "theme.js"]  # in the order of use
NAMES = {
    "lr": "step size α",
    "momentum": "momentum μ",
    "beta1": "decay β₁",
    "beta2": "decay β₂",
    "bias_correction": "bias correction",
    "noise": "noise σ",
}


def lesson() -> str:
    """The text of the page. It is the same every time. Computing its recordings takes some seconds."""
    return render(STATIC, "lesson.html", ["page.css", "lesson.css"], SCRIPTS, numbers=embedded(numbers()))


def numbers() -> dict[str, Any]:
    """What the script draws."""
    return {
        "steps": STEPS,
        "start": START,
        "curvature": CURVATURE.tolist(),
        "quantities": QUANTITIES,
        "lost": LOST,
        "axes": {name: {"name": NAMES[name], "values": values} for name, values in {**AXES, "noise": NOISE}.items()},
        "tracks": {
            name: {
                "title": track.title,
                "axes": [*track.axes, "noise"],
                "mean": track.mean,
                "scale": track.scale,
                "data": recorded(track),
            }
            for name, track in TRACKS.items()
        },
        "looks": [
            {"color": colour(rule), "dark": on_dark(colour(rule)), "dash": dash, "marker": marker}
            for rule, dash, marker in LANES
        ],
        "panels": PANELS,
        "labs": {name: lab.numbers() for name, lab in LABS.items()},
    }
