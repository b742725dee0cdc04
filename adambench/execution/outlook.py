"""The time that is left, from what was expected and from how long it has really taken so far."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adambench.execution.engines import Event, Failed, Finished, Progressed, Retried, Started
from adambench.execution.estimate import Cost, Expected

TRUST = 10.0  # seconds that what was expected weighs as much as what was measured
NAP = 4.0  # times as long as the others: an epoch in which the machine slept; it says nothing about the next ones


@dataclass
class _Group:
    problem: str
    epoch: float  # expected seconds of one
    epochs: int  # left
    begun: int  # epochs that were behind it from the start
    since: float  # when its last epoch ended


class Outlook:
    """Follows events. Work per event does not depend on the size of the plan.

    expected: of the whole plan. places: how many groups can be trained at once now.
    begun: by id, the epochs that were behind a run at the start. clock: in seconds.
    """

    def __init__(
        self,
        expected: Expected,
        cost: Cost,
        places: Callable[[], int],
        begun: Mapping[str, int] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cost, self.places, self.begun, self.clock = cost, places, begun, clock
        self.whole = sum(expected.busy.values())  # expected CPU seconds, in all places
        self._crowd = expected.crowd
        self.done = 0.0  # of it
        self._rest = dict(expected.busy)  # by problem, of those that have not started
        self._idle = max(0.0, expected.seconds - expected.crowd * self.whole / max(1, places()))  # at the end
        self._expected: dict[str, float] = defaultdict(float)  # of ended epochs, by problem
        self._took: dict[str, float] = defaultdict(float)
        self._groups: dict[int, _Group] = {}  # under way, by worker
        self._left, self._at = expected.seconds, clock()

    @property
    def left(self) -> float:
        """Seconds until the last run ends."""
        return max(0.0, self._left - (self.clock() - self._at))

    def note(self, event: Event) -> None:
        now = self.clock()
        match event:
            case Started(worker, runs):
                first, begun = runs[0], self.begun.get(runs[0].id, 0)
                whole, epochs = self.cost.group(runs, begun), first.epochs - begun
                self._groups[worker] = _Group(first.problem, whole / max(1, epochs), epochs, begun, now)
                self._rest[first.problem] = max(0.0, self._rest.get(first.problem, 0.0) - whole)
            case Progressed(worker, _, evaluations) if worker in self._groups:
                group = self._groups[worker]
                if max(e.epoch for e in evaluations if e) > group.begun:
                    most = max(1.0, NAP * self._pace(group.problem) * group.epoch)
                    self._expected[group.problem] += group.epoch
                    self._took[group.problem] += min(now - group.since, most)
                    self.done += group.epoch
                    group.epochs -= 1
                group.since = now
            case Finished(worker) | Failed(worker):
                if ended := self._groups.pop(worker, None):  # all diverged: the other epochs are not trained
                    self.done += ended.epoch * ended.epochs
            case Retried(worker, runs):
                if ended := self._groups.pop(worker, None):  # each is trained again, alone
                    self.done -= ended.epoch * (runs[0].epochs - ended.begun - ended.epochs)
                    alone = (self.cost.group([run], self.begun.get(run.id, 0)) for run in runs)
                    self._rest[ended.problem] = self._rest.get(ended.problem, 0.0) + sum(alone)
        self._left, self._at = self._estimate(), now

    def _estimate(self) -> float:
        under_way = [self._pace(group.problem) * group.epoch * group.epochs for group in self._groups.values()]
        longest = max(under_way, default=0.0)
        waiting = sum(self._pace(problem) * seconds for problem, seconds in self._rest.items())
        if waiting < 1e-3 * self.whole:
            return longest
        return max(longest, self._idle + (waiting + sum(under_way)) / max(1, self.places()))

    def _pace(self, problem: str) -> float:
        """How much longer than expected an epoch takes: on this problem, and on all while it is little known."""
        all_ = (sum(self._took.values()) + TRUST * self._crowd) / (sum(self._expected.values()) + TRUST)
        return (self._took[problem] + TRUST * all_) / (self._expected[problem] + TRUST)
