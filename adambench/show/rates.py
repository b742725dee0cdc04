"""What `adambench lr-find` found, as a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adambench.config.experiment import Grid, Problem
from adambench.config.shown import words
from adambench.optimizers import Optimizer
from adambench.range_test import EXPLODED, Sweep
from adambench.show.catalogue import figures
from adambench.show.table import Column, Table
from adambench.show.terminal import blocks

WIDTH = 32  # of the small curve

NOTES = (
    "suggested: where the smoothed cost falls fastest along the logarithm of the rate. valley: the middle of its "
    "longest fall, as fast.ai suggests. lowest: where it is lowest; a tenth of that is another common choice.",
    f"ended: the rate at which the cost was not finite or {EXPLODED} times the lowest. The test takes the first "
    "setting of each grid, and leaves out the schedule.",
)


@dataclass(frozen=True)
class Tested:
    """One optimizer on one problem."""

    problem: Problem
    grid: Grid
    optimizer: Optimizer  # the setting that was tested, at whatever rate
    sweep: Sweep

    @property
    def curve(self) -> str:
        """The smoothed cost as blocks, from the lowest rate to the last."""
        shown = self.sweep.smooth[np.linspace(0, len(self.sweep.smooth) - 1, WIDTH).astype(int)]
        low, high = shown.min(), self.sweep.smooth[0]
        return blocks((shown - low) / (high - low) if high > low else np.zeros(WIDTH))

    @property
    def setting(self) -> str:
        """What is not the rate."""
        return words({name: value for name, value in self.optimizer.hyperparameters.items() if name != "lr"})


def _rate(rate: float) -> str:
    return "–" if math.isnan(rate) else figures(float(f"{rate:.2g}"))


COLUMNS = [
    Column("problem", lambda row: row.problem.name, left=True),
    Column("optimizer", lambda row: row.grid.label, left=True),
    Column("cost along the rate", lambda row: row.curve, left=True, spare=1, drawn=True),
    Column("suggested", lambda row: row.sweep.steepest, _rate),
    Column("valley", lambda row: row.sweep.valley, _rate),
    Column("lowest", lambda row: row.sweep.lowest, _rate),
    Column("ended", lambda row: row.sweep.rates[-1] if row.sweep.exploded else math.nan, _rate),
    Column("steps", lambda row: len(row.sweep.rates), spare=2),
]
DATA = [
    *COLUMNS[:2],
    Column("setting", lambda row: row.setting),
    *(Column(c.name, c.value) for c in COLUMNS[3:]),
    Column("rates", lambda row: row.sweep.rates.tolist()),
    Column("costs", lambda row: row.sweep.costs.tolist()),
]


def table(tested: Sequence[Tested], seed: int) -> Table:
    """seed: of the weights and batches."""
    return Table(f"Learning-rate range test, seed {seed}", COLUMNS, tested, DATA, NOTES)
