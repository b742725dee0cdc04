"""Which runs of a plan can be named as runs finish, and how many there will be.

A run that finishes costs the same in a large plan as in a small one: only the searches that it belongs to are asked.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from adambench.curve import Curve
from adambench.errors import AdambenchError
from adambench.execution.plan import Entry, Run


class Unfolding:
    """The runs that can be named so far, each once, although several optimizers may share it.

    `total` counts them, and the report runs that have no name yet because their search is not finished. Those of two
    optimizers that may choose the same setting are counted once until they are named. So `total` is at most the number
    of runs that there will be, it never shrinks, and it is exact from the start unless grids overlap.
    """

    def __init__(
        self, entries: Sequence[Entry], curves: Mapping[str, Curve], mine: Callable[[Run], bool] | None = None
    ) -> None:
        """curves: of the finished runs, by id, which grow as runs finish. mine: leave out the runs that are not."""
        self.entries, self.curves, self.mine = entries, curves, mine
        self.runs: dict[str, Run] = {}
        self.done = self.total = 0
        self._searches: dict[str, list[int]] = defaultdict(list)  # by id of a missing tuning run, the entries
        self._missing = [0] * len(entries)  # how many of their tuning runs
        self._kin = [0] * len(entries) if mine else _kin(entries)
        self._unnamed: dict[int, int] = {}  # by kin of which no report run has a name, how many there will be at least
        for place, entry in enumerate(entries):
            self._add(entry.tuning)
            missing = {run.id for run in entry.tuning if run.id not in curves}
            self._missing[place] = len(missing)
            for id_ in missing:
                self._searches[id_].append(place)
            if not mine:
                self._unnamed[self._kin[place]] = max(self._unnamed.get(self._kin[place], 0), len(entry.problem.seeds))
        self._expected = sum(self._unnamed.values())
        for place, missing_runs in enumerate(self._missing):
            if not missing_runs:
                self._name(place)
        self._count()

    def finish(self, run: Run) -> list[Run]:
        """Take note that a run has a curve now; the runs that can be named because of it."""
        self.done += 1
        named: list[Run] = []
        for place in self._searches.pop(run.id, ()):
            self._missing[place] -= 1
            if not self._missing[place]:
                named += self._name(place)
        self._count()
        return named

    def left(self) -> list[Run]:
        """The runs that have no curve. Where a search is not finished, the best setting so far is reported."""
        left = list(self.runs.values())
        for entry, missing in zip(self.entries, self._missing, strict=True):
            if missing and not self.mine:
                left += entry.outlook(self.curves)
        return list({run.id: run for run in left if run.id not in self.curves}.values())

    def _name(self, place: int) -> list[Run]:
        """Name the report runs of an optimizer whose search is finished."""
        self._expected -= self._unnamed.pop(self._kin[place], 0)
        return self._add(self.entries[place].report(self.curves))

    def _add(self, runs: Sequence[Run]) -> list[Run]:
        """Those that are new."""
        new = {run.id: run for run in runs if run.id not in self.runs and (not self.mine or self.mine(run))}
        self.runs |= new
        self.done += sum(id_ in self.curves for id_ in new)
        return list(new.values())

    def _count(self) -> None:
        self.total = max(self.total, len(self.runs) + self._expected)


def _kin(entries: Sequence[Entry]) -> list[int]:
    """For each entry a number, the same for two that may share report runs: for all whose grids are linked by overlaps.

    Two grids on equal problems overlap if a setting of one, trained on the tuning seed, is a run of the other.
    """
    parents = list(range(len(entries)))

    def first(place: int) -> int:
        while parents[place] != place:
            parents[place] = place = parents[parents[place]]
        return place

    owners: dict[str, int] = {}
    for place, entry in enumerate(entries):
        for run in entry.candidates:
            parents[first(place)] = first(owners.setdefault(run.id, place))
    return [first(place) for place in range(len(entries))]


def shard(text: str) -> Callable[[Run], bool]:
    """Whether a run is in the part `2/5`: every run is in one of the five, by its id. Raises AdambenchError."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and len(text) < 20 and 1 <= int(part) <= int(parts)):
        raise AdambenchError(f"--shard {text}: must be a part and the number of parts", "For example: --shard 2/5")
    return lambda run: int(run.id, 16) % int(parts) == int(part) - 1
