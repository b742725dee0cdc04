"""Worker processes on this machine, each with one BLAS thread.

Workers are spawned, not forked, so that nothing of the parent leaks into a run. Each gets its runs through a pipe and
sends a message back after every epoch.
"""

import multiprocessing
import os
import signal
import statistics
import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import cast

from adambench.curve import Evaluation
from adambench.datasets import Data
from adambench.errors import AdambenchError
from adambench.execution import group
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Event, Failed, Finished, Progressed, Silent, Started
from adambench.execution.engines.local_worker import Crashed, Done, Epoch, Go, Message, Timed, TimeSteps, work
from adambench.execution.plan import Run
from adambench.execution.shared_data import Shared
from adambench.execution.workers import THREADS, cores

# BLAS reads the number of its threads when it is loaded. Python would begin its search for modules in the current
# folder; what is started here does not look there.
INHERITED = {**dict.fromkeys(THREADS, "1"), "PYTHONSAFEPATH": "1"}
STARTING = threading.Lock()  # the environment belongs to all threads of this process
KILLED = -getattr(signal, "SIGKILL", 9)
STOPPED = 60.0  # seconds without a message after which a worker that does not run is told of
STUCK = 600.0  # the same of one that does, if it is also ten times as long as it was ever silent before


class Pool:
    """At most `jobs` workers, started when they are needed. A context manager that leaves none behind."""

    def __init__(self, jobs: int, data: Data, checkpoints: Checkpoints | None = None) -> None:
        self.jobs, self.data, self.checkpoints = jobs, data, checkpoints
        self.workers: dict[int, _Worker] = {}
        self.longest = 0.0  # seconds between two messages of a worker so far
        self._most: dict[Hashable, int] = {}  # by what it depends on

    def __enter__(self) -> "Pool":
        self.shared: dict[str, Shared] = {}
        for sha256, dataset in self.data.items():
            self.shared[sha256] = Shared(dataset).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for shared in self.shared.values():
            shared.__exit__()

    def _end(self) -> None:
        while self.workers:
            self.workers.popitem()[1].end()

    @property
    def running(self) -> int:
        return sum(bool(worker.runs) for worker in self.workers.values())

    @property
    def free(self) -> int:
        return self.jobs - self.running

    def most_together(self, run: Run) -> int:
        if run.kind not in self._most:
            self._most[run.kind] = group.most_together(run, self.data[run.dataset])
        return self._most[run.kind]

    def start(self, runs: Sequence[Run]) -> Started:
        """Start runs on an idle worker, or on a new one. More than one run: they are trained together."""
        number = next(n for n in range(self.jobs) if n not in self.workers or not self.workers[n].runs)
        self._worker(number).start(runs)
        return Started(number, runs)

    def step_seconds(self, run: Run, together: int, places: int, stop: Connection | None = None) -> float:
        """As `Trainer` has it: workers time their steps at once, no more of them than there are cores."""
        workers = [self._worker(number) for number in range(min(places, self.jobs, cores()))]
        try:
            for question in (TimeSteps(run, together), Go()):  # the second when all are ready
                for worker in workers:
                    worker.send(question)
                answers = [worker.answer(run, stop) for worker in workers]
        except AdambenchError:
            self._end()  # the others still wait for the second question
            raise
        return statistics.mean(answer.seconds for answer in answers if isinstance(answer, Timed))

    def _worker(self, number: int) -> "_Worker":
        if number not in self.workers:
            self.workers[number] = _Worker(number, self.shared, self.checkpoints)
        return self.workers[number]

    def events(self, stop: Connection | None) -> Iterator[Event]:
        """Wait for a report, then yield all there are. Raises KeyboardInterrupt once `stop` can be read.

        A worker that has been silent for long is told of, once until it speaks again.
        """
        busy = {worker.connection: worker for worker in self.workers.values() if worker.runs}
        before = time.monotonic()
        ready = wait([*busy, *([stop] if stop else [])], STOPPED)
        now = time.monotonic()
        for theirs, worker in busy.items():
            if theirs in ready:
                self.longest = max(self.longest, now - worker.heard)
            if theirs in ready or now - before > 2 * STOPPED:  # so long only if this process was stopped as well
                worker.heard, worker.told = now, False
            elif not worker.told and (words := worker.silent(now - worker.heard, self.longest)):
                worker.told = True
                yield Silent(worker.number, worker.runs, words)
        for connection in ready:
            if connection is stop:
                continue
            worker = busy[cast(Connection, connection)]
            yield worker.receive()
            if worker.died:
                self.workers.pop(worker.number).end()
        if stop in ready:  # after all other reports
            raise KeyboardInterrupt


class _Worker:
    """The parent's end of one worker process."""

    def __init__(self, number: int, shared: Mapping[str, Shared], checkpoints: Checkpoints | None) -> None:
        self.number = number
        self.runs: Sequence[Run] = []  # what it trains now
        self.curves: list[list[Evaluation]] = []
        self.died = self.told = False  # told: that it is silent
        self.heard = time.monotonic()  # when it last said something, or was given runs
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        given = (theirs, {sha256: one.layout for sha256, one in shared.items()}, checkpoints)
        self.process = context.Process(target=work, args=given, name=f"worker {number + 1}")
        with environment(), _blocked():
            self.process.start()
        theirs.close()
        with suppress(OSError):  # it died at once: `receive` reports it
            for one in shared.values():
                one.send(self.connection, self.process.pid)

    def start(self, runs: Sequence[Run]) -> None:
        self.runs, self.curves, self.heard = runs, [[] for _ in runs], time.monotonic()
        self.send(runs)

    def send(self, what: TimeSteps | Go | Sequence[Run]) -> None:
        with suppress(OSError):  # it died: its answer says so
            self.connection.send(what)

    def answer(self, run: Run, stop: Connection | None) -> Message:
        """What it says when it is to time a step of a run. Raises AdambenchError if it cannot."""
        if stop in wait([self.connection, *([stop] if stop else [])]):
            raise KeyboardInterrupt
        message = self._message()
        if isinstance(message, Crashed):
            if message.of_plugin:
                raise AdambenchError(message.reason)
            raise AdambenchError(f"problems.{run.problem}: {message.reason}", exit_code=1)
        return message

    def receive(self) -> Event:
        """What the worker reports next."""
        match self._message():
            case Epoch(evaluations):
                group.append(self.curves, evaluations)
                return Progressed(self.number, self.runs, evaluations)
            case Crashed(reason):
                event: Event = Failed(self.number, self.runs, reason)
            case Done():
                event = Finished(self.number, self.runs, self.curves)
            case other:
                raise AssertionError(other)  # nothing was asked that has such an answer
        self.runs = []
        return event

    def _message(self) -> Message:
        try:
            return cast(Message, self.connection.recv())
        except (EOFError, OSError):
            self.died = True
            self.process.join()
            code = self.process.exitcode
            memory = (
                " (killed, as the kernel does when memory runs out: fewer jobs need less)" if code == KILLED else ""
            )
            return Crashed(f"its process ended with exit code {code}{memory}")

    def silent(self, seconds: float, longest: float) -> str:
        """What may be wrong with a worker that has said nothing for so long; empty if that is nothing unusual."""
        process = f"{self.process.name} (process {self.process.pid})"
        again = f"`kill -KILL {self.process.pid}` ends it, and its runs are tried again"
        if seconds >= STOPPED and self.stopped():
            return f"{process} is stopped: `kill -CONT {self.process.pid}` lets it go on; {again}"
        if seconds >= max(STUCK, 10 * longest):
            return f"{process} has ended no epoch for {seconds / 60:.0f} minutes: {again}"
        return ""

    def stopped(self) -> bool:
        """Whether it was stopped by a signal, where Linux tells."""
        with suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8", errors="replace")
            return status.rpartition(")")[2].split()[0] == "T"
        return False

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def environment() -> Iterator[None]:
    """What a worker inherits, and nobody else does."""
    with STARTING:
        before = {name: os.environ[name] for name in INHERITED if name in os.environ}
        os.environ.update(INHERITED)
        try:
            yield
        finally:
            for name in INHERITED:
                os.environ.pop(name, None)
            os.environ.update(before)


@contextmanager
def _blocked() -> Iterator[None]:
    """Ctrl-C reaches the whole process group. Block it in what is started here: the parent alone decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else the first worker starts it, and that unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # a signal that arrived meanwhile acts now
