"""The paper's own curves and the axes of its figures, as read off its plots. See README.md beside this file."""

import csv
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adambench.curve import Evaluation


@dataclass(frozen=True)
class Figure:
    """A panel of the paper that shows training cost by epoch, with the ranges of its axes."""

    epochs: tuple[float, float]
    cost: tuple[float, float]
    log: bool


FIGURES = {
    "1-left": Figure((0, 45), (0.2, 0.7), log=False),  # softmax regression on MNIST
    "1-right": Figure((0, 160), (0.2, 0.5), log=False),  # logistic regression on bags of words (IMDB)
    "2a": Figure((0, 200), (3e-3, 1e-1), log=True),  # multi-layer network on MNIST, dropout
}
GRIDS = {"4-10": 10, "4-100": 100}  # figure 4, by epochs: final cost of a variational auto-encoder by rate, β₁ and β₂
GRID_COST = (95.0, 140.0)  # the range of its cost axis
GRID_RATE = (-5.1, -0.9)  # log₁₀ α, from −5 to −1
RULES = {
    "AdaGrad": "adagrad",
    "RMSProp": "rmsprop",
    "SGDNesterov": "nesterov",
    "AdaDelta": "adadelta",
    "Adam": "adam",
}


@functools.cache
def curves(figure: str) -> Mapping[str, Sequence[Evaluation]]:
    """The curves of one of FIGURES by rule, in the figure's order. Only epoch and training cost are known.

    A curve begins where its line enters the plot from above.
    """
    found: dict[str, list[Evaluation]] = {}
    for row in rows(figure):
        rule = RULES[row["series"].removesuffix("+dropout")]
        epoch = round(float(row["x"])) + 1  # x = 0 is the first pass
        found.setdefault(rule, []).append(Evaluation(epoch, train_loss=float(row["y"])))
    return found


Point = tuple[float, float]  # log₁₀ α, cost


@functools.cache
def grid(figure: str) -> Mapping[tuple[float, float, bool], Sequence[Point]]:
    """The points of one of GRIDS that lie within its axes, by β₁, β₂ and whether bias is corrected."""
    found: dict[tuple[float, float, bool], list[Point]] = {}
    for row in rows("4"):
        _, epochs, _, beta1, beta2 = row["panel"].split()  # vae 10 epochs beta1=0.9 beta2=0.999
        if int(epochs) == GRIDS[figure]:
            key = (_number(beta1), _number(beta2), row["series"] == "bias_corrected")
            found.setdefault(key, []).append((float(row["x"]), float(row["y"])))
    return found


def _number(assignment: str) -> float:
    """The number in a text like `beta1=0.9`."""
    return float(assignment.partition("=")[2])


def rows(figure: str) -> list[dict[str, str]]:
    """The rows of curves.csv that belong to a figure."""
    with Path(__file__).with_name("curves.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["figure"] == figure]
