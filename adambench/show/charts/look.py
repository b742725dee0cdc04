"""How lines look: a colour, a dash and a marker for each rule, so that colour is never the only sign.

The colours were computed. Annealing and single steps made the least CIEDE2000 distance between any two of the eight
rules of the main chart (all but adam_eps_hat) as large as possible, in normal vision and in the three dichromacies of
Machado, Oliveira and Fernandes (2009). They also have different lightness, a contrast on white of at least 3:1, and
chroma fit for print. Least distance of the eight: normal 22.0, protan 16.6, deutan 16.5, tritan 16.7. Adam and
Nesterov: 55.9, 27.2, 30.7, 63.3. The four others are as far from these as possible: least distance of all twelve 14.8,
11.4, 11.5, 11.2.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from adambench.config.experiment import Grid
from adambench.optimizers import OPTIMIZERS

# The place of a rule decides its colour, dash and marker. Other rules get later places, see `places`.
# From the thirteenth place on, colours come again with another dash and marker; Adam's goes to a rule that is rarely
# drawn beside it.
PLACES = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adam_eps_hat", "adamax"]
PLACES += ["adamw", "nadam", "muon", "lion", "sgdw", "schedule_free_sgd", "amsgrad", "yogi", "adan", "rprop", "radam"]
PLACES += ["adabelief", "lamb", "schedule_free_adamw"]
PALETTE = ["#3d3d43", "#621b00", "#1c9998", "#836de1", "#1c6885", "#410b67", "#bf3c42", "#ad6578", "#d3821e"]
PALETTE += ["#b98fd1", "#794b00", "#82a370"]

# Where a line of each colour begins among the dashes: solid, but for momentum's methods and the less usual rules.
LINES = [0, 1, 2, 0, 0, 0, 0, 3, 0, 4, 4, 4]
DASHES: list[Any] = [
    "-",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (1.5, 1.5)),
    (0, (10, 2)),
    (0, (6, 1.5, 1.5, 1.5, 1.5, 1.5)),
    (0, (3, 1, 3, 3)),
    (0, (1.5, 3.5)),
]
MARKERS = ["s", "v", "^", "D", "P", "<", "o", ">", "X", "d", "p", "h"]
DARKEST, LIGHTEST = 19.0, 61.0  # L* of variants
DIMMEST, BRIGHTEST = 50.0, 90.0  # L* on a dark page


def looks(grids: Iterable[Grid]) -> dict[str, dict[str, Any]]:
    """Of each label, how its line looks. Labels of one rule share its hue; no two labels look the same."""
    grids = list(grids)
    rules = places(grid.rule for grid in grids)
    variants: dict[str, int] = {}
    found: dict[str, dict[str, Any]] = {}
    for grid in grids:
        if grid.label not in found:
            found[grid.label] = look(rules[grid.rule], variants.get(grid.rule, 0))
            variants[grid.rule] = variants.get(grid.rule, 0) + 1
    return found


def places(rules: Iterable[str]) -> dict[str, int]:
    """The place of each rule of a chart, or better of a whole experiment, in which a rule then keeps its colour.

    Rules that are not built in get later places: first those whose colour no other rule has.
    """
    builtin, rules = list(dict.fromkeys([*PLACES, *OPTIMIZERS])), list(dict.fromkeys(rules))
    found = {rule: builtin.index(rule) for rule in rules if rule in builtin}
    for rule in rules:
        if rule not in found:
            taken = {place % len(PALETTE) for place in found.values()}
            later = range(len(builtin), len(builtin) + len(PALETTE) + len(rules))
            free = [place for place in later if place not in found.values()]
            found[rule] = next((place for place in free if place % len(PALETTE) not in taken), free[0])
    return found


def colour(rule: str, beside: Iterable[str] = ()) -> str:
    """The colour of a rule. beside: the rules of the same experiment, in their order."""
    return PALETTE[places([*beside, rule])[rule] % len(PALETTE)]


def look(index: int, variant: int = 0) -> dict[str, Any]:
    """The look of a variant of the rule at a place; variant 0 is the first label of the rule."""
    lap, place = divmod(index, len(PALETTE))
    turn = lap + variant
    return {
        "color": shade(PALETTE[place], variant),
        "linestyle": DASHES[(LINES[place] + turn) % len(DASHES)],
        "marker": MARKERS[(place + turn) % len(MARKERS)],
        "markersize": 5.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
    }


def shade(colour: str, variant: int) -> str:
    """The same hue, darker by a quarter of the range for each variant; past the darkest it goes on from the lightest.

    The second four lie halfway between the first in lightness, and have less chroma.
    """
    if not variant:
        return colour
    span = LIGHTEST - DARKEST
    muted = variant // 4 % 2
    darker = (variant / 4 + muted / 8) * span
    goal = DARKEST + (_lightness(colour) - DARKEST - darker) % span
    return _relit(colour, goal, 0.4 if muted else 0.95)


def on_dark(colour: str) -> str:
    """The same hue for a dark page: the range of lightness that is used on white, moved to light colours."""
    share = (_lightness(colour) - DARKEST) / (LIGHTEST - DARKEST)
    return _relit(colour, DIMMEST + (BRIGHTEST - DIMMEST) * min(max(share, 0), 1), 1.0)


def _light(colour: str) -> list[float]:
    """Linear red, green and blue."""
    srgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in srgb]


def _luminance(light: Sequence[float]) -> float:
    return float(0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2])


def _lightness(colour: str) -> float:
    """L* of CIELAB."""
    return float(116 * _luminance(_light(colour)) ** (1 / 3) - 16)


def _relit(colour: str, lightness: float, chroma: float) -> str:
    """The same hue at another L*. chroma: the share of the colour's distance from grey that is kept."""
    light = _light(colour)
    own, goal = _luminance(light), ((lightness + 16) / 116) ** 3
    grow = goal / own
    spread = chroma * min(grow, grow**0.5)  # a dark colour that is made light would glow
    light = [min(max(goal + spread * (c - own), 0.0), 1.0) for c in light]
    srgb = [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in light]
    return "#" + "".join(f"{round(255 * c):02x}" for c in srgb)
