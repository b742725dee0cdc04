"""Every chart of an experiment, by the name of its file."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from adambench.curve import METRICS, Curve
from adambench.errors import AdambenchError, unknown
from adambench.execution.plan import Entry
from adambench.show.charts.base import PAGE, Form
from adambench.show.charts.convergence import beside_paper, convergence
from adambench.show.charts.figure4 import figure4
from adambench.show.charts.heatmap import heatmap
from adambench.show.charts.inside import Inspected, inside
from adambench.show.charts.runlength import KINDS, run_lengths
from adambench.show.charts.search import budget, sensitivity
from adambench.show.words import title
from adambench.store.records import Record

ALONG = ("train_loss", "test_error", "validation_loss", "validation_error")
Drawing = Callable[..., Figure | None]  # of a `form`; None: there is nothing to show


@dataclass(frozen=True)
class Gallery:
    """The charts of an experiment. records, curves: of its finished runs, by id."""

    entries: Sequence[Entry]
    records: Mapping[str, Record]
    curves: Mapping[str, Curve]
    together: Mapping[str, int]

    def drawings(self, x: str = "epoch", over: str | None = None) -> dict[str, Drawing]:
        """All of them."""
        return {
            **self.along(x, list(METRICS)),
            **self.search(),
            **self.lengths(x),
            **self.paper(),
            **self.inspected(over),
        }

    def usual(self, x: str = "epoch") -> dict[str, Drawing]:
        """Those that `run` draws."""
        return {**self.along(x), **self.search()}

    def along(self, x: str = "epoch", metrics: Sequence[str] = ALONG) -> dict[str, Drawing]:
        """Metrics along training, as far as there are numbers. x: epoch, step or seconds."""
        suffix = "" if x == "epoch" else f"_by_{x}"
        return {f"{metric}{suffix}": partial(self._along, x, metric) for metric in metrics}

    def _along(self, x: str, metric: str, form: Form = PAGE) -> Figure | None:
        return convergence(self.entries, self.curves, metric, x, self.together, form)

    def search(self) -> dict[str, Drawing]:
        """Sensitivity to the rate, rate by optimizer, the best against the number of settings tried."""
        return {draw.__name__: partial(draw, self.entries, self.curves) for draw in (sensitivity, heatmap, budget)}

    def lengths(self, x: str, metric: str = "train_loss", kinds: Iterable[str] = KINDS) -> dict[str, Drawing]:
        """Over all problems: how long each optimizer takes to reach values of a metric. x: epoch, step or seconds."""
        suffix = ("" if metric == "train_loss" else f"_{metric}") + ("" if x == "epoch" else f"_by_{x}")
        return {
            f"{kind}{suffix}": partial(run_lengths, kind, self.entries, self.curves, metric, x, self.together)
            for kind in kinds
        }

    def paper(self) -> dict[str, Drawing]:
        """Our curves over the paper's, for each problem that names a figure of the paper."""
        return {name: partial(draw, self.entries, self.curves) for name, draw in PAPER.items()}

    def inspected(self, over: str | None) -> dict[str, Drawing]:
        """A figure for each inspected run, or for two labels over each other (`over`: `adam,rmsprop`).

        Raises AdambenchError if `over` names anything but two inspected labels.
        """
        rules = [entry.grid.rule for entry in self.entries]
        found = {
            (run.problem, run.label): Inspected(run, entry.grid.rule, self.curves[run.id], columns, title(entry), rules)
            for entry in self.entries
            for run in entry.report(self.curves)
            if run.id in self.records and (columns := self.records[run.id].data.get("inside"))
        }
        labels = list(dict.fromkeys(label for _, label in found))
        groups = [[label] for label in labels] if over is None or not labels else [_pair(over, labels)]
        problems = dict.fromkeys(problem for problem, _ in found)
        drawings: dict[str, Drawing] = {}
        for problem, group in itertools.product(problems, groups):
            if all((problem, label) in found for label in group):
                name = "-".join(["inside", problem, *group])
                while name in drawings:  # of `a-b` and `c`, and of `a` and `b-c`
                    name += "-"
                drawings[name] = partial(inside, [found[problem, label] for label in group])
        return drawings


PAPER = {"paper": beside_paper, "figure4": figure4}


def _pair(over: str, labels: Sequence[str]) -> list[str]:
    pair = [label.strip() for label in over.split(",")]
    for label in pair:
        if label not in labels:
            raise AdambenchError(f"--over {over}: {label}: {unknown(label, labels)}", EXAMPLE)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise AdambenchError(f"--over {over}: must be two labels", EXAMPLE)
    return pair


EXAMPLE = "For example: --over adam,rmsprop"
