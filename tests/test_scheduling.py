"""Runs in worker processes: the curves never depend on the execution, and no run is lost with its worker."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adambench.config.experiment import Experiment
from adambench.config.loading import load
from adambench.curve import Curve
from adambench.datasets import Dataset
from adambench.execution import plan
from adambench.execution.engines import Event, Failed, Finished, Progressed, Started
from adambench.execution.engines.local import INHERITED, environment
from adambench.execution.plan import Run
from adambench.execution.scheduling import execute, local
from adambench.execution.shared_data import Shared
from adambench.execution.unfolding import Unfolding
from adambench.models.logistic import settings_are_independent
from adambench.stepwise import train


@pytest.fixture
def experiment(small: Path) -> Experiment:
    found = load(small)
    return found.loaded()[0]


def untimed(curve: Curve) -> Curve:
    return [replace(evaluation, seconds=0.0) for evaluation in curve]


def events_of(
    experiment: Experiment,
    curves: dict[str, Curve],
    jobs: int,
    work: Callable[[Run], float] = lambda run: run.epochs,
    change: Callable[[Run], Run] = lambda run: run,
) -> Iterator[Event]:
    """The whole experiment, every run changed."""
    runs, engine = Unfolding(plan.entries(experiment), curves), local(jobs, experiment.loaded()[1])
    with engine:
        yield from execute(
            map(change, runs.runs.values()), curves, engine, work, then=lambda run: map(change, runs.finish(run))
        )


def finished(experiment: Experiment, jobs: int, curves: dict[str, Curve] | None = None) -> dict[str, Curve]:
    curves = {} if curves is None else curves
    for event in events_of(experiment, curves, jobs):
        assert not isinstance(event, Failed), event.reason
    return {id_: untimed(curve) for id_, curve in curves.items()}


def test_curves_are_the_same_to_the_bit_with_any_jobs_and_without_workers(
    experiment: Experiment, dataset: Dataset
) -> None:
    one, three, inline = (finished(experiment, jobs) for jobs in (1, 3, 0))
    assert one == three == inline
    entries = plan.entries(experiment)
    assert len(one) == 17
    for run in plan.runs(entries, one):
        given: dict[str, Any] = {"epochs": run.epochs, "batch_size": run.batch_size, "seed": run.seed}
        assert untimed(list(train(run.model, run.optimizer, run.schedule, dataset, **given))) == one[run.id]


def test_events_tell_the_story_of_each_run(experiment: Experiment) -> None:
    curves: dict[str, Curve] = {}
    stories: dict[str, list[type]] = {}
    for event in events_of(experiment, curves, 2):
        for run in event.runs:
            stories.setdefault(run.id, []).append(type(event))
    assert len(stories) == 17
    for id_, story in stories.items():
        assert story == [Started, *[Progressed] * len(curves[id_]), Finished]


def test_the_longest_runs_start_first(experiment: Experiment) -> None:
    events = events_of(experiment, {}, 1, lambda run: 10 * (run.problem == "mlp") + run.seed)
    order = [(event.runs[0].problem, event.runs[0].seed) for event in events if isinstance(event, Started)]
    assert order[:2] == [("mlp", 2), ("mlp", 1)]


@pytest.mark.skipif(not settings_are_independent(784, 10, (64, 24)), reason="not with this processor's BLAS kernels")
def test_runs_that_see_the_same_minibatches_are_trained_together(experiment: Experiment) -> None:
    """Six tuning runs of softmax regression on two workers: three each; then both optimizers on each report seed."""
    events = events_of(experiment, {}, 2, lambda run: run.problem == "logistic")
    groups = [event.runs for event in events if isinstance(event, Started) and event.runs[0].problem == "logistic"]
    assert [len(group) for group in groups if group[0].phase == "tuning"] == [3, 3]
    for group in groups:
        assert len({(run.problem, run.seed, run.epochs, run.batch_size) for run in group}) == 1


def test_what_is_finished_is_not_run_again(experiment: Experiment) -> None:
    curves: dict[str, Curve] = {}
    whole = finished(experiment, 2, curves)
    assert list(events_of(experiment, curves, 2)) == []
    missing = next(iter(curves))
    del curves[missing]
    events = list(events_of(experiment, curves, 2))
    assert {run.id for event in events for run in event.runs} == {missing}
    assert untimed(curves[missing]) == whole[missing]


@pytest.mark.parametrize("problem", ["logistic", "mlp"])
def test_a_killed_worker_costs_one_retry(problem: str, experiment: Experiment) -> None:
    """SIGKILL to the first worker that has a run of the problem: all runs end, with the same bits."""
    curves: dict[str, Curve] = {}
    tries: Counter[str] = Counter()
    killed: set[str] = set()
    for event in events_of(experiment, curves, 1):
        assert not isinstance(event, Failed)
        if isinstance(event, Started):
            tries.update(run.id for run in event.runs)
            if event.runs[0].problem == problem and not killed:
                killed = {run.id for run in event.runs}
                (child,) = [p for p in multiprocessing.active_children() if p.name.startswith("worker")]
                assert child.pid
                os.kill(child.pid, signal.SIGKILL)
    assert killed
    assert tries == dict.fromkeys(curves, 1) | dict.fromkeys(killed, 2)
    assert {id_: untimed(curve) for id_, curve in curves.items()} == finished(experiment, 2)


def test_a_run_that_fails_twice_is_told_and_the_others_go_on(experiment: Experiment) -> None:
    """Batches of less than nothing stand in for a bug in the worker; the check of the file lets none through."""

    def broken(run: Run) -> Run:
        return replace(run, batch_size=-1) if run.problem == "mlp" else run

    curves: dict[str, Curve] = {}
    events = list(events_of(experiment, curves, 2, change=broken))
    failed = [event for event in events if isinstance(event, Failed)]
    assert {run.problem for event in failed for run in event.runs} == {"mlp"}
    assert sum(len(event.runs) for event in failed) == 3 + 2
    assert "negative dimensions" in failed[0].reason
    assert len(curves) == 6 + 4


def test_no_worker_is_left_over(experiment: Experiment) -> None:
    events = events_of(experiment, {}, 2)
    next(events)
    events.close()  # type: ignore[attr-defined]  # a generator
    assert [p for p in multiprocessing.active_children() if p.name.startswith("worker")] == []


def test_a_shared_data_set_equals_the_original(dataset: Dataset) -> None:
    with Shared(dataset) as shared:
        mapped = shared.layout.map(shared.file.fileno())
    assert mapped.sha256 == dataset.sha256
    assert (mapped.train.images == dataset.train.images).all()
    assert (mapped.test.labels == dataset.test.labels).all()
    assert not mapped.train.images.flags.writeable


def test_openblas_is_asked_for_the_same_kernels_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import adambench, os; print(os.environ.get('OPENBLAS_CORETYPE'))"

    def asked() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    monkeypatch.setenv("OPENBLAS_CORETYPE", "Sandybridge")
    assert asked() == "Sandybridge"
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    avx2 = sys.platform == "linux" and " avx2 " in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    assert asked() == ("Haswell" if avx2 else "None")


def test_what_a_worker_inherits_is_left_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if several threads start workers at once."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    before, seen = dict(os.environ), []

    def start() -> None:
        for _ in range(100):
            with environment():
                seen.append({name: os.environ.get(name) for name in INHERITED})

    threads = [threading.Thread(target=start) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # else each thread is through before the next begins
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert all(one == INHERITED for one in seen)
    assert len(seen) == 400
    assert dict(os.environ) == before
