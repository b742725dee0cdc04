"""The palette keeps its distances, for normal vision, three dichromacies and grey.

CIEDE2000, the simulation of dichromats and the contrast of WCAG are written here with numpy alone.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from adambench.config.experiment import Grid
from adambench.optimizers import OPTIMIZERS
from adambench.show.charts.look import PALETTE, PLACES, colour, look, looks

Array = NDArray[np.float64]

# Linear sRGB to XYZ under D65, IEC 61966-2-1. White is the sum of each row.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision deficiency",
# the authors' matrices at severity 1.0. They act on linear rgb.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}

# What was reached, rounded down.
EIGHT = {"normal": 22.0, "protan": 16.6, "deutan": 16.5, "tritan": 16.7}
ALL = {"normal": 14.8, "protan": 11.4, "deutan": 11.5, "tritan": 11.2}
PAIRS = [
    ("adam", "nesterov", (55, 27, 30, 63)),
    ("adam", "adagrad", (36, 42, 49, 42)),
    ("adam", "rmsprop", (49, 27, 39, 55)),
    ("adam", "adadelta", (37, 39, 51, 33)),
    ("adamax", "nesterov", (43, 30, 38, 55)),
]
GREY = 4.19  # L* of the eight
VARIANT_GREY = 4.5


def linear(srgb: Array) -> Array:
    """Light of each channel, from sRGB values of 0 to 1."""
    found: Array = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return found


def rgb(colours: list[str]) -> Array:
    """Linear rgb of hex colours."""
    return linear(np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255)


def seen(light: Array, vision: str) -> Array:
    """What a dichromat sees of linear rgb."""
    found: Array = np.clip(light @ VISIONS[vision].T, 0, 1)
    return found


def lab(light: Array) -> Array:
    """CIELAB of linear rgb."""
    share = light @ (XYZ / XYZ.sum(axis=1, keepdims=True)).T
    x, y, z = np.moveaxis(np.where(share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def contrast(light: Array) -> Array:
    """WCAG 2 contrast against white."""
    found: Array = 1.05 / (light @ XYZ[1] + 0.05)
    return found


def ciede2000(one: Array, two: Array) -> Array:
    """The CIEDE2000 colour difference of CIELAB colours, kL = kC = kH = 1."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(two, -1, 0)

    def pull(chroma: Array) -> Array:
        return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))

    g = 1 + 0.5 * (1 - pull((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    c1, c2 = np.hypot(g * a1, b1), np.hypot(g * a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, g * a1)) % 360, np.degrees(np.arctan2(b2, g * a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    # Two hues exactly opposite have two means; the standard takes the one of their plain sum.
    turn = np.where(~grey & (np.abs(h2 - h1) == 180), h2 - h1, turn)
    hue = np.where(grey, h1 + h2, h1 + turn / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    dl = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    twist = -2 * pull(chroma) * np.sin(np.radians(60 * np.exp(-((((hue % 360) - 275) / 25) ** 2))))
    found: Array = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + twist * dc * dh, 0))
    return found


MAIN = [PLACES.index(r) for r in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamax")]


def between(one: str, two: str, vision: str) -> float:
    """The distance of two colours as they are seen."""
    first, second = lab(seen(rgb([one, two]), vision))
    return float(ciede2000(first, second))


def least(colours: list[str], vision: str) -> float:
    """The least distance of any two colours."""
    return min(between(one, two, vision) for one, two in combinations(colours, 2))


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [  # Sharma, Wu and Dalal (2005), "The CIEDE2000 color-difference formula", table 1
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((84.25, 5.74, 96), (84.46, 8.88, 96.49), 1.6743),
    ],
)
def test_ciede2000_gives_the_published_distances(one: Any, two: Any, expected: float) -> None:
    assert ciede2000(np.array(one, float), np.array(two, float)) == pytest.approx(expected, abs=6e-5)
    assert ciede2000(np.array(two, float), np.array(one, float)) == pytest.approx(expected, abs=6e-5)


def test_the_measures_know_black_white_and_grey() -> None:
    black, white, grey = rgb(["#000000", "#ffffff", "#777777"])
    assert lab(white) == pytest.approx([100, 0, 0], abs=1e-6)
    assert lab(black) == pytest.approx([0, 0, 0], abs=1e-6)
    assert contrast(black) == pytest.approx(21)
    assert contrast(grey) == pytest.approx(4.48, abs=0.01)
    for vision in VISIONS:  # each row of a matrix adds up to 1, so no dichromat sees a colour in grey
        assert seen(grey, vision) == pytest.approx(grey, abs=1e-5)


@pytest.mark.parametrize(("vision", "bound"), EIGHT.items())
def test_the_rules_of_the_main_chart_are_far_apart(vision: str, bound: float) -> None:
    assert least([PALETTE[index] for index in MAIN], vision) >= bound


@pytest.mark.parametrize(("one", "two", "bounds"), PAIRS)
def test_the_pairs_of_the_paper_are_farther_apart(one: str, two: str, bounds: tuple[float, ...]) -> None:
    for vision, bound in zip(VISIONS, bounds, strict=True):
        assert between(PALETTE[PLACES.index(one)], PALETTE[PLACES.index(two)], vision) >= bound


@pytest.mark.parametrize(("vision", "bound"), ALL.items())
def test_later_rules_differ_from_all_others(vision: str, bound: float) -> None:
    assert least(PALETTE, vision) >= bound


def test_lines_stand_out_on_white_and_differ_in_grey() -> None:
    eight = rgb([PALETTE[index] for index in MAIN])
    assert contrast(eight).min() >= 3
    assert contrast(rgb(PALETTE)).min() >= 2.6
    assert np.diff(np.sort(lab(eight)[:, 0])).min() >= GREY


def test_no_two_looks_are_equal() -> None:
    """Three rounds of the palette, with eight variants of each rule."""
    found = [look(index, variant) for index in range(3 * len(PALETTE)) for variant in range(8)]
    assert len({(one["color"], str(one["linestyle"]), one["marker"]) for one in found}) == len(found)
    main = [look(index) for index in MAIN]
    assert len({one["marker"] for one in main}) == len(main)  # told apart even without colour


@pytest.mark.parametrize("rule", PLACES)
def test_variants_of_a_rule_differ_in_dash_marker_and_lightness(rule: str) -> None:
    found = [look(PLACES.index(rule), variant) for variant in range(8)]
    assert len({str(one["linestyle"]) for one in found}) == 8
    assert len({one["marker"] for one in found}) == 8
    light = rgb([one["color"] for one in found])
    assert np.diff(np.sort(lab(light)[:, 0])).min() >= VARIANT_GREY
    assert contrast(light).min() >= 2.6


def test_variants_of_adam_keep_their_hue_and_their_distance() -> None:
    colours = [look(PLACES.index("adam"), variant)["color"] for variant in range(8)]
    assert least(colours, "normal") >= 8
    hues = [np.degrees(np.arctan2(b, a)) for _, a, b in lab(rgb(colours))]
    assert max(hues) - min(hues) < 15


def test_labels_of_a_rule_share_its_hue_and_unknown_rules_are_distinct() -> None:
    rules = [*OPTIMIZERS, *(f"mine_{k}" for k in range(9)), *["adam"] * 5]
    found = looks(Grid(f"label {k}", rule, {}) for k, rule in enumerate(rules))
    assert len({(one["color"], str(one["linestyle"]), one["marker"]) for one in found.values()}) == len(rules)
    assert found[f"label {rules.index('adam')}"]["color"] == PALETTE[PLACES.index("adam")]
    assert len({found[f"label {k}"]["color"] for k in range(len(rules) - 5, len(rules))}) == 5


def test_rules_of_plugins_have_colours_of_their_own() -> None:
    """Beside each other in a chart, also where only the rules are known."""
    beside = ["mine_1", "adam", "mine_2"]
    assert len({colour(rule, beside) for rule in beside}) == 3
    assert colour("adam", beside) == colour("adam")
    found = looks(Grid(rule, rule, {}) for rule in beside)
    assert [found[rule]["color"] for rule in beside] == [colour(rule, beside) for rule in beside]
    crowd = ["mine_1", "nesterov", "mine_2", "sgd", "mine_3", "momentum", "mine_4", "muon"]
    assert len({colour(rule, crowd) for rule in crowd}) == 8  # none has the colour of a built-in rule in the chart
