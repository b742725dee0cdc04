"""How long runs will take: a few steps timed here and now, what like runs took before, and a rehearsal of the plan."""

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import MappingProxyType
from typing import Any

import numpy as np
import threadpoolctl

from adambench.config.experiment import named
from adambench.curve import Curve
from adambench.datasets import Data
from adambench.errors import AdambenchError, in_plugin
from adambench.execution.engines import Trainer
from adambench.execution.engines.rehearsal import Rehearsal
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance
from adambench.execution.scheduling import execute
from adambench.execution.unfolding import Unfolding
from adambench.execution.workers import cores
from adambench.training import NUMERICS

LOOK = 0.5  # seconds that are spent at most on seeing what else the machine does
SAME = ("cpu", "blas")  # in the records of runs that took as long as they would here


@dataclass(frozen=True)
class Step:
    """CPU seconds of a training step of settings that are trained together: `shared`, and `own` for each."""

    shared: float
    own: float
    most: int  # settings together

    def seconds(self, together: int) -> float:
        return self.shared + self.own * together


class Cost:
    """Expected CPU seconds of runs while all places of an engine are busy.

    places: so many of the engine's are timed at once, because cores that share their parts slow each other down.
    records: the data of finished runs; those of the same processor and BLAS say how much longer than the timed steps
    such runs really take. stop: as in `execute`.
    """

    def __init__(
        self,
        data: Data,
        engine: Trainer,
        places: int = 1,
        records: Iterable[Mapping[str, Any]] = (),
        stop: Connection | None = None,
    ) -> None:
        self.data, self.engine, self.places, self.stop = data, engine, max(1, places), stop
        self._steps: dict[Hashable, Step] = {}
        self._before: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        here = {"numerics": NUMERICS, **{name: provenance()[name] for name in SAME}}
        for record in records:
            if all(record.get(name) == now for name, now in here.items()):
                self._before[_kind(record["dataset"], record["model"], record["batch_size"])].append(record)

    def __call__(self, run: Run) -> float:
        """Of a run as one of as many as can be trained together, at most eight."""
        most = min(8, self.most(run))
        return self.group([run] * most) / most

    def most(self, run: Run) -> int:
        """How many runs like this one can be trained together."""
        return self._step(run).most

    def group(self, runs: Sequence[Run], begun: int = 0) -> float:
        """Of runs that are trained together. begun: epochs that are behind them.

        Evaluation has no backward pass, so per image it is a third of the work of a training step.
        """
        run = runs[0]
        trained = run.trained(self.data[run.dataset])
        tested = len(self.data[run.dataset].test.labels)
        seen = trained + (tested + run.validation + trained * run.evaluate_train) / 3
        count = seen / min(run.batch_size, trained) * (run.epochs - begun)
        return count * self._step(run).seconds(len(runs))

    def crowd(self, ahead: float) -> float:
        """Seconds that pass while each place gets a CPU second: 1 on an idle machine, 2 if half of it is taken.

        ahead: seconds of work, in each place. The look at the machine takes at most a twentieth of them, and there is
        none for less than a second of work.
        """
        if ahead < 1:
            return 1.0
        look = min(LOOK, ahead / 20)
        places = min(self.places, cores())
        matrix = np.ones((256, 256), np.float32)

        def share(_: int) -> float:
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            while (passed := time.perf_counter() - begin) < look:
                matrix @ matrix  # without Python's lock, so that the threads do not wait for each other
            return (time.thread_time() - begin_cpu) / passed

        with threadpoolctl.threadpool_limits(1), ThreadPoolExecutor(places) as pool:
            return 1 / statistics.mean(pool.map(share, range(places)))

    def _step(self, run: Run) -> Step:
        if run.kind not in self._steps:
            try:
                self._steps[run.kind] = self._slowed(self._timed(run), run)
            except MemoryError as error:
                if in_plugin(error):
                    raise
                message = f"problems.{run.problem}: does not fit into memory: {error}"
                raise AdambenchError(message, exit_code=1) from error
        return self._steps[run.kind]

    def _timed(self, run: Run) -> Step:
        most = self.engine.most_together(run)
        alone = self.engine.step_seconds(run, 1, self.places, self.stop)
        if most == 1:
            return Step(alone, 0.0, most)
        own = max(0.0, self.engine.step_seconds(run, most, self.places, self.stop) - alone) / (most - 1)
        return Step(alone - own, own, most)

    def _slowed(self, step: Step, run: Run) -> Step:
        """As slow as like runs were before, if there were any."""
        took = expected = 0.0
        for record in self._before[_kind(run.dataset, named(run.model), run.batch_size)]:
            images = record.get("train_images") or len(self.data[run.dataset].train.labels)
            trained = images - record.get("validation", 0)
            count = len(record["curve"]["epoch"]) * trained / min(run.batch_size, trained)
            took += record["seconds"]
            expected += count * step.seconds(record["together"]) / record["together"]
        factor = took / expected if took and expected else 1.0  # a clock may be too coarse for a step
        return Step(step.shared * factor, step.own * factor, step.most)


def _kind(dataset: str, model: Mapping[str, Any], batch_size: int) -> str:
    return json.dumps([dataset, model, batch_size], sort_keys=True)


@dataclass(frozen=True)
class Expected:
    """What a plan will take. busy: CPU seconds of training, by problem, over all places."""

    seconds: float  # until the last run ends
    busy: Mapping[str, float]
    crowd: float = 1.0  # seconds that pass while a place gets a CPU second


def rehearse(runs: Unfolding, cost: Cost, places: int, begun: Mapping[str, int] = MappingProxyType({})) -> Expected:
    """Go through what is left of a plan, group by group as it would be trained. begun: epochs behind runs, by id."""
    if runs.done == runs.total:
        return Expected(0.0, {})
    curves: dict[str, Curve] = dict(runs.curves)
    copy = Unfolding(runs.entries, curves, runs.mine)
    busy: dict[str, float] = defaultdict(float)

    def seconds(group: Sequence[Run]) -> float:
        taken = cost.group(group, begun.get(group[0].id, 0))
        busy[group[0].problem] += taken
        return taken

    engine = Rehearsal(max(1, places), cost.most, seconds)
    with engine:
        for _ in execute(copy.runs.values(), curves, engine, cost, then=copy.finish, begun=begun):
            pass
    crowd = cost.crowd(engine.now)
    return Expected(engine.now * crowd, busy, crowd)
