"""Workers of a Dask cluster, each of which trains one group of runs at a time.

The client assigns every group to a worker of its choice, as many as there are workers, so that none waits in a queue
of the cluster. A worker is asked where it would get its numbers from when it joins, and refused if they could differ in
a bit from those of the client. Nothing is written but checkpoints, where a worker sees the folder for them.
"""

import logging
import pickle
import queue
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import distributed

from adambench.config.experiment import DataSource
from adambench.curve import Evaluation
from adambench.datasets import Data
from adambench.errors import AdambenchError, in_plugin
from adambench.execution import group, timing
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Event, Failed, Finished, Progressed, Started
from adambench.execution.engines import dask_worker as there
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance

POLL = 0.5  # seconds between two looks at which workers there are
PATIENCE = 10.0  # seconds that an answer may take
Report = tuple[str, Sequence[Evaluation | None] | None]  # a group's key; evaluations of an epoch, or None: it has ended


@dataclass
class _Group:
    number: int  # of the worker
    address: str
    runs: Sequence[Run]
    future: Any
    told: int = 0  # epochs


class Cluster:
    """The engine. It connects when it is made."""

    def __init__(
        self,
        scheduler: str,
        sources: Iterable[DataSource],
        data: Data,
        checkpoints: Checkpoints | None,
        warn: Callable[[str], object],
        tls: Sequence[Path] = (),
    ) -> None:
        """tls: the files of the authority's certificate, our certificate and our key; none: as Dask is configured."""
        self.scheduler, self.data = scheduler, data
        self.sources = {source.sha256: source for source in sources}
        self.checkpoints, self.warn = checkpoints, warn
        self.groups: dict[str, _Group] = {}  # under way, by key
        self.numbers: dict[str, int] = {}  # of the workers that are used, by address
        self.refused: set[str] = set()
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._reader, self._writer = Pipe(duplex=False)
        self._lock = threading.Lock()
        self._looked = -POLL
        self._waiting = False
        for name in ("distributed", "distributed.client", "tornado.application", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what is lost is told here, without a traceback
        names = ("tls_ca_file", "tls_client_cert", "tls_client_key")
        files = {name: str(file) for name, file in zip(names, tls, strict=False)}
        security = distributed.Security(**files, require_encryption=True) if files else None
        try:
            self.client = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False, security=security)
        except (OSError, ValueError) as error:
            raise AdambenchError(f"{scheduler}: no Dask scheduler answers: {error}", exit_code=1) from error
        self.topic = f"adambench-{uuid.uuid4()}"
        self.client.subscribe_topic(self.topic, self._progressed)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, RuntimeError, TimeoutError):
            if self.groups and self.client.status == "running":
                self.client.cancel([one.future for one in self.groups.values()], force=True)
            self.client.close(timeout=PATIENCE)

    @property
    def places(self) -> int:
        """How many workers the cluster has now."""
        return len(self._workers())

    @property
    def free(self) -> int:
        return max(0, len(self.numbers) - self.running)  # of which one may have left with its group about to end

    @property
    def running(self) -> int:
        return len(self.groups)

    def most_together(self, run: Run) -> int:
        return group.most_together(run, self.data[run.dataset])

    def step_seconds(
        self,
        run: Run,
        together: int,
        places: int,
        stop: Connection | None = None,  # noqa: ARG002  # the cluster answers soon, or is lost
    ) -> float:
        """As `Trainer` has it, on workers of the cluster. In this process if there is none, or none answers."""
        list(self._look())  # whatever has happened, nothing is under way
        found: Mapping[str, Any] = {}
        if workers := list(self.numbers)[:places]:
            with suppress(OSError, TimeoutError):
                asked = {"workers": workers, "on_error": "return"}
                found = self.client.run(there.step_seconds, run, together, **asked)
        seconds = [answer for answer in found.values() if isinstance(answer, float)]
        return statistics.mean(seconds or [timing.step_seconds(run, together, self.data[run.dataset])])

    def start(self, runs: Sequence[Run]) -> Started:
        busy = {one.address for one in self.groups.values()}
        address, number = next(pair for pair in self.numbers.items() if pair[0] not in busy)
        key = f"adambench-{uuid.uuid4()}"
        given = (runs, runs[0].dataset, self.checkpoints, key, self.topic)
        future = self.client.submit(there.train, *given, key=key, workers=[address], retries=0)
        self.groups[key] = _Group(number, address, runs, future)
        future.add_done_callback(lambda _: self._report((key, None)))
        return Started(number, runs)

    def events(self, stop: Connection | None) -> Iterator[Event]:
        """As `Engine` has it. Raises AdambenchError if the scheduler is lost."""
        ready = wait([self._reader, *([stop] if stop else [])], timeout=POLL)
        with self._lock:
            while self._reader.poll():
                self._reader.recv_bytes()
        while not self.reports.empty():
            key, evaluations = self.reports.get()
            if one := self.groups.get(key):
                yield from self._ended(key, one) if evaluations is None else self._epoch(one, evaluations)
        if stop in ready:
            raise KeyboardInterrupt
        if time.monotonic() - self._looked >= POLL:
            self._looked = time.monotonic()
            yield from self._look()

    def _epoch(self, one: _Group, evaluations: Sequence[Evaluation | None]) -> Iterator[Event]:
        one.told += 1
        yield Progressed(one.number, one.runs, evaluations)

    def _ended(self, key: str, one: _Group) -> Iterator[Event]:
        """Progress that is still on its way is told from the curves."""
        if one.future.status in ("cancelled", "lost"):
            self._check_scheduler()
        try:
            curves, together, where = one.future.result(timeout=PATIENCE)
        except Exception as error:  # whatever was raised there, or on the way from there
            del self.groups[key]
            reason = in_plugin(error) or f"{type(error).__name__}: {error}"
            yield Failed(one.number, one.runs, f"{one.address}: {reason}")
            return
        for evaluations in group.epochs(curves, one.told):
            yield from self._epoch(one, evaluations)
        del self.groups[key]
        yield Finished(one.number, one.runs, curves, together, where)

    def _look(self) -> Iterator[Event]:
        """Take in workers that have joined, and give up groups whose worker is gone."""
        present = self._workers()
        for key, one in list(self.groups.items()):
            if one.address not in present and not one.future.done():
                one.future.cancel(force=True)
                del self.groups[key]
                yield Failed(one.number, one.runs, f"its worker {one.address} was lost")
        for address in set(self.numbers) - present:
            del self.numbers[address]
        for address in sorted(present - set(self.numbers) - self.refused):
            self._join(address)
        if not present and not self._waiting:
            self.warn(f"{self.scheduler}: has no worker yet; waiting for one (adambench worker {self.scheduler})")
        self._waiting = not present

    def _join(self, address: str) -> None:
        """Ask a worker for its surroundings, and see that it has the data."""
        mine, theirs = provenance(), self._ask(address, there.about)
        if isinstance(theirs, Mapping):
            pairs = {name: (mine["versions"][name], theirs["versions"][name]) for name in ("adambench", "numpy")}
            pairs["BLAS"] = (mine["blas"], theirs["blas"])
            reason = "; ".join(f"{name} {its}, not {ours}" for name, (ours, its) in pairs.items() if ours != its)
            for sha256, dataset in self.data.items() if not reason else ():
                if self._ask(address, there.prepare, self.sources[sha256], sha256) is not True:
                    sent = self._ask(address, there.receive, pickle.dumps(dataset))
                    reason = reason if sent is True else f"cannot take the data set: {sent}"
        else:
            reason = f"{type(theirs).__name__}: {theirs}"
        if address not in self._workers():
            return
        if reason:
            self.refused.add(address)
            self.warn(f"worker {address} is refused: {reason}")
        else:
            free = set(range(len(self.numbers) + 1)) - set(self.numbers.values())
            self.numbers[address] = min(free)

    def _ask(self, address: str, question: Callable[..., Any], *given: Any) -> Any:
        """The answer of a worker, or the exception that it raised instead."""
        try:
            return self.client.run(question, *given, workers=[address], on_error="return").get(address)
        except (OSError, ValueError, TimeoutError) as error:
            return error

    def _workers(self) -> set[str]:
        """The addresses of the workers that the scheduler knows."""
        self._check_scheduler()
        try:
            return set(self.client.scheduler_info()["workers"])
        except (OSError, TimeoutError) as error:
            raise self._lost() from error

    def _check_scheduler(self) -> None:
        if self.client.status != "running":
            raise self._lost()

    def _lost(self) -> AdambenchError:
        return AdambenchError(
            f"{self.scheduler}: the scheduler is lost",
            "Finished runs are kept. Start a scheduler and workers, and rerun the command to resume.",
            exit_code=1,
        )

    def _progressed(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """In a thread of the client's."""
        told = event[1]
        self._report((told["key"], [Evaluation(**given) if given else None for given in told["evaluations"]]))

    def _report(self, report: Report) -> None:
        self.reports.put(report)
        with self._lock:
            if not self._reader.poll():
                self._writer.send_bytes(b"!")
