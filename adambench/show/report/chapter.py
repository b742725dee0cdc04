"""What a page is made from: one chapter for each experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adambench.config.experiment import Experiment
from adambench.curve import Curve
from adambench.execution.plan import Entry
from adambench.judge.claims import Verdict
from adambench.show.findings import Found
from adambench.show.table import Table
from adambench.store.records import Record


@dataclass(frozen=True)
class Chapter:
    """An experiment with everything that a page shows of it."""

    name: str  # of its folder, by which two copies can be told apart
    experiment: Experiment
    entries: Sequence[Entry]
    curves: Mapping[str, Curve]  # of the finished runs, by id
    records: Mapping[str, Record]  # of the same runs
    config: str  # the text of config.yaml
    digest: str  # of config.yaml
    rankings: Mapping[str, Table]  # by problem: what `table` prints
    verdicts: Sequence[Verdict]  # what `claims` prints
    fairness: Found  # what `fairness` prints
    plugins: Mapping[str, bytes]  # the texts of those that it names, by file name
