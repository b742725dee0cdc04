"""The settings that come nearest to given curves, as a table."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adambench.config.experiment import Experiment
from adambench.judge.match import Fit, Match
from adambench.paper import FIGURES
from adambench.show.table import Column, Table
from adambench.show.terminal import plural
from adambench.show.words import named, problem_title

FEWEST = 4  # settings, of which a share says something


class Row(NamedTuple):
    """A fit in its place, from 1, among those of a curve."""

    match: Match
    place: int
    fit: Fit


def place(fit: Fit) -> str:
    """`figure2, mlp`: experiment and problem."""
    return f"{fit.candidate.experiment}, {fit.candidate.problem}"


def titles(experiments: Mapping[str, Experiment]) -> dict[str, str]:
    """A line on what each problem is, by its place: its name alone need not tell. experiments: by their folder."""
    return {
        f"{name}, {problem.name}": f"{name}, {named(problem.name, problem_title(experiment, problem))}, "
        f"batch size {problem.batch_size}."
        for name, experiment in experiments.items()
        for problem in experiment.problems
    }


def explained(found: Sequence[Match], nearest: int, titles: Mapping[str, str]) -> list[str]:
    """The titles of the problems among the nearest fits."""
    shown = {place(fit) for match in found for fit in match.fits[:nearest]}
    return [title for where, title in titles.items() if where in shown]


def setting(match: Match, fit: Fit) -> str:
    """`lr=0.01`, with the rule in front unless the name of the curve has it, as those of the paper."""
    told = match.target.rule in match.target.name.split()
    return " ".join(filter(None, ("" if told else fit.candidate.rule, fit.candidate.setting)))


def heading(curve: str) -> str:
    """Of a panel: `adam in the paper's figure 2a` for the curve `2a adam`, else the name of the curve."""
    figure, _, rule = curve.partition(" ")
    return f"{rule} in the paper's figure {figure}" if rule and figure in FIGURES else curve


def percent(value: float) -> str:
    """Three figures: `2.25 %`; a dash for no value."""
    return "–" if math.isnan(value) else f"{100 * value:.3g} %"


COLUMNS = [
    Column("curve", lambda row: row.match.target.name, left=True),
    Column("", lambda row: row.place),
    Column("problem", lambda row: place(row.fit), left=True),
    Column("setting", lambda row: setting(row.match, row.fit), left=True),
    Column("n", lambda row: len(row.fit.candidate.costs), spare=1),
    Column("epochs", lambda row: f"{row.fit.epochs} of {len(row.match.target.epochs)}"),
    Column("rms", lambda row: row.fit.rms, percent),
    Column("mean", lambda row: row.fit.mean, lambda value: percent(value) if value < 0 else f"+{percent(value)}"),
    Column("shift", lambda row: row.fit.shift, "{:+.2f}".format, spare=3),
    Column("jitter", lambda row: row.fit.jitter, percent, spare=4),
    Column("of residual", lambda row: row.fit.residual_jitter, percent, spare=5),
    Column("of curve", lambda row: row.match.jitter, percent, spare=6),
]
DATA = [
    Column("curve", lambda row: row.match.target.name),
    Column("place", lambda row: row.place),
    Column("experiment", lambda row: row.fit.candidate.experiment),
    Column("problem", lambda row: row.fit.candidate.problem),
    Column("rule", lambda row: row.fit.candidate.rule),
    Column("setting", lambda row: row.fit.candidate.setting),
    Column("n", lambda row: len(row.fit.candidate.costs)),
    Column("epochs", lambda row: row.fit.epochs),
    Column("rms", lambda row: row.fit.rms),
    Column("mean", lambda row: row.fit.mean),
    Column("shift", lambda row: row.fit.shift),
    Column("jitter", lambda row: row.fit.jitter),
    Column("residual_jitter", lambda row: row.fit.residual_jitter),
    Column("curve_jitter", lambda row: row.match.jitter),
    Column("compared", lambda row: row.match.compared),
    Column("chance", lambda row: row.match.chance),
]


def matches(found: Sequence[Match], nearest: int, titles: Mapping[str, str]) -> Table:
    """The nearest fits of each curve, a sentence on each, and what the problems are."""
    rows = [Row(match, i, fit) for match in found for i, fit in enumerate(match.fits[:nearest], 1)]
    notes = [*map(sentence, found), *explained(found, nearest, titles), *NOTES]
    return Table("Settings nearest to each curve", COLUMNS, rows, DATA, notes)


def sentence(match: Match) -> str:
    """Of how many settings the nearest was found, and how many of them lie as near to another one."""
    name = match.target.name
    if not match.fits:
        return f"{name}: no setting to compare."
    found = f"{name}: nearest of {plural(match.compared, 'setting')}."
    if math.isnan(match.chance) or match.compared < FEWEST:
        return found
    return f"{found} {100 * match.chance:.0f} % of them lie as near to another setting as this one to the curve."


NOTES = (
    "rms, mean: of ln(ours/curve) over the epochs that both have, averaged over n runs. shift: how many epochs the "
    "curve is behind ours where it fits best. jitter: from epoch to epoch, of ours, of ln(ours/curve), of the curve.",
    "The share of settings that lie as near to another one says how often a wrong setting would fit as well.",
)
