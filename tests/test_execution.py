"""Runs in worker processes: the same bits however they are executed, and no run lost with a worker."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adambench import plan
from adambench.config import load
from adambench.datasets import Dataset
from adambench.execution import Failed, Finished, Progressed, Started, execute, expected_seconds
from adambench.experiment import DataSource, Experiment
from adambench.plan import Curve, Run
from adambench.training import train


@pytest.fixture
def experiment(small: Path) -> Experiment:
    found = load(small)
    return replace(found, dataset=replace(found.dataset, sha256=found.dataset.load().sha256))


def untimed(curve: Curve) -> Curve:
    return [replace(evaluation, seconds=0.0) for evaluation in curve]


def known(experiment: Experiment) -> Callable[[Mapping[str, Curve]], list[Run]]:
    entries = plan.entries(experiment)
    return lambda curves: plan.runs(entries, curves)


def finished(experiment: Experiment, jobs: int, curves: dict[str, Curve] | None = None) -> dict[str, Curve]:
    curves = {} if curves is None else curves
    for event in execute(known(experiment), experiment.dataset, curves, jobs):
        assert not isinstance(event, Failed), event.reason
    return {id_: untimed(curve) for id_, curve in curves.items()}


def test_curves_are_the_same_to_the_bit_with_any_jobs_and_without_workers(
    experiment: Experiment, dataset: Dataset
) -> None:
    one, three = finished(experiment, 1), finished(experiment, 3)
    assert one == three
    entries = plan.entries(experiment)
    assert len(one) == 17
    for run in plan.runs(entries, one)[:3]:
        given: dict[str, Any] = {"epochs": run.epochs, "batch_size": run.batch_size, "seed": run.seed}
        assert untimed(list(train(run.model, run.optimizer, run.schedule, dataset, **given))) == one[run.id]


def test_events_tell_the_story_of_each_run(experiment: Experiment) -> None:
    curves: dict[str, Curve] = {}
    stories: dict[str, list[type]] = {}
    for event in execute(known(experiment), experiment.dataset, curves, 2):
        stories.setdefault(event.run.id, []).append(type(event))
    for id_, story in stories.items():
        assert story == [Started, *[Progressed] * len(curves[id_]), Finished]


def test_the_longest_runs_start_first(experiment: Experiment) -> None:
    events = execute(known(experiment), experiment.dataset, {}, 1, lambda run: 10 * (run.problem == "mlp") + run.seed)
    order = [(event.run.problem, event.run.seed) for event in events if isinstance(event, Started)]
    assert order[:2] == [("mlp", 2), ("mlp", 1)]


def test_what_is_finished_is_not_run_again(experiment: Experiment) -> None:
    curves: dict[str, Curve] = {}
    whole = finished(experiment, 2, curves)
    assert list(execute(known(experiment), experiment.dataset, curves, 2)) == []
    missing = next(iter(curves))
    del curves[missing]
    events = list(execute(known(experiment), experiment.dataset, curves, 2))
    assert {event.run.id for event in events} == {missing}
    assert untimed(curves[missing]) == whole[missing]


def test_a_killed_worker_costs_one_retry(experiment: Experiment) -> None:
    """SIGKILL to the worker of the third run: all runs end, with the same bits."""
    curves: dict[str, Curve] = {}
    started = 0
    for event in execute(known(experiment), experiment.dataset, curves, 1):
        assert not isinstance(event, Failed)
        started += isinstance(event, Started)
        if isinstance(event, Started) and started == 3:
            (child,) = [p for p in multiprocessing.active_children() if p.name.startswith("worker")]
            assert child.pid
            os.kill(child.pid, signal.SIGKILL)
    assert started == 17 + 1
    assert {id_: untimed(curve) for id_, curve in curves.items()} == finished(experiment, 2)


def test_a_run_that_fails_twice_is_told_and_the_others_go_on(experiment: Experiment) -> None:
    """Workers that cannot find the data."""
    broken = replace(experiment, dataset=DataSource(idx="/nowhere", sha256=experiment.dataset.sha256))
    events = list(execute(known(broken), broken.dataset, {}, 2))
    failed = [event for event in events if isinstance(event, Failed)]
    first = plan.runs(plan.entries(broken), {})
    assert {event.run.id for event in failed} == {run.id for run in first}
    assert len(failed) == len(first)
    assert "has no file" in failed[0].reason


def test_no_worker_is_left_over(experiment: Experiment) -> None:
    events = execute(known(experiment), experiment.dataset, {}, 2)
    next(events)
    events.close()  # type: ignore[attr-defined]  # a generator
    assert [p for p in multiprocessing.active_children() if p.name.startswith("worker")] == []


def test_expected_seconds_grow_with_the_work(experiment: Experiment, dataset: Dataset) -> None:
    work = expected_seconds(experiment, dataset)
    run = plan.entries(experiment)[0].tuning[0]
    assert work(replace(run, epochs=20)) == pytest.approx(10 * work(replace(run, epochs=2)))
