"""The paper's own curves and the axes of its figures, as read off its plots. See README.md beside this file."""

import csv
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adambench.curve import Evaluation
from adambench.errors import AdambenchError


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
    "2b-top": Figure((0, 25), (1e-6, 1), log=True),  # the same without dropout, with an L2 term; the axis is ours
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


def read(file: Path) -> list[tuple[str, str | None, Sequence[Evaluation]]]:
    """The curves of a CSV file with columns `curve, epoch, train_loss` and, if wanted, `rule`: name, rule and points.

    Raises AdambenchError that names the line if a value is not a number, an epoch below 1 or not above the one before,
    a cost not above zero, or one curve has two rules.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            lines = [(table.line_num, row) for row in table]
            header = table.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise AdambenchError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if missing := [name for name in ("curve", "epoch", "train_loss") if name not in header]:
        raise AdambenchError(f"{file}:1: no column {missing[0]}, found {', '.join(header)}", FORM)
    found: dict[str, tuple[str | None, list[Evaluation]]] = {}
    for line, row in lines:
        if any(row.get(None, ())):  # an empty one at the end does no harm
            told = f"{len(header) + len(row[None])} values for {len(header)} columns"
            raise AdambenchError(f"{file}:{line}: {told}", "Numbers have a point, not a comma: 1.8")
        name, rule = row["curve"] or "", row.get("rule") or None
        first, curve = found.setdefault(name, (rule, []))
        if rule != first:
            told = f"curve {name!r} has two rules, {first or 'none'} and {rule or 'none'}"
            raise AdambenchError(f"{file}:{line}: {told}", "Give each curve a name of its own.")
        epoch, cost = (_positive(row[name], f"{file}:{line}: {name}") for name in ("epoch", "train_loss"))
        if epoch < 1 or (curve and epoch <= curve[-1].epoch):
            least = f"above {curve[-1].epoch:g}, the one before" if curve else "at least 1"
            raise AdambenchError(f"{file}:{line}: epoch must be {least}, found {epoch:g}")
        curve.append(Evaluation(epoch, train_loss=cost))  # type: ignore[arg-type]  # a curve may lie between epochs
    if not found:
        raise AdambenchError(f"{file}: has no curve", FORM)
    return [(name, rule, points) for name, (rule, points) in found.items()]


FORM = (
    "Its columns are curve, epoch and train_loss, and rule if only runs of one rule are to be compared. Commas "
    "separate them."
)


def _positive(text: str | None, place: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise AdambenchError(f"{place} must be a number above 0, found {text or 'nothing'}")
    return number


@functools.cache
def curves(figure: str) -> Mapping[str, Sequence[Evaluation]]:
    """The curves of one of FIGURES by rule, in the figure's order. Only epoch and training cost are known.

    Those of rules that this package does not have, such as the sum-of-functions optimizer, are left out. A curve begins
    where its line enters the plot from above.
    """
    found: dict[str, list[Evaluation]] = {}
    for row in rows(figure):
        epoch = round(float(row["x"])) + 1  # x = 0 is the first pass
        if rule := RULES.get(row["series"].removesuffix("+dropout")):
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
