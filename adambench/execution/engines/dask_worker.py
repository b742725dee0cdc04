"""What a Dask worker is asked to do: say where it is, take the data set, train."""

import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import distributed
import threadpoolctl

from adambench.config.experiment import DataSource
from adambench.curve import Curve, Evaluation
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.execution import group, timing
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance

_DATA: dict[str, Dataset] = {}  # in a worker, by SHA-256


def about() -> Mapping[str, Any]:
    return provenance()


def prepare(source: DataSource, sha256: str) -> bool:
    """Load a packaged data set by name, or a folder from the same path; False if it is not the same there."""
    if sha256 not in _DATA:
        with suppress(AdambenchError, OSError):
            _DATA[sha256] = source.load()
    return sha256 in _DATA and _DATA[sha256].sha256 == sha256


def receive(data: bytes) -> bool:
    dataset: Dataset = pickle.loads(data)
    _DATA[dataset.sha256] = dataset
    return True


def step_seconds(run: Run, together: int) -> float:
    return timing.step_seconds(run, together, _DATA[run.dataset])


def train(
    runs: Sequence[Run], sha256: str, checkpoints: Checkpoints | None, key: str, topic: str
) -> tuple[list[Curve], int, Mapping[str, Any]]:
    """In a worker: the curves of runs, how many were trained together, and where. Ends early once not wanted."""
    worker, dataset, first = distributed.get_worker(), _DATA[sha256], runs[0]
    with threadpoolctl.threadpool_limits(1):
        if len(runs) > 1 and group.most_together(first, dataset) < len(runs):
            alone = [train([run], sha256, checkpoints, key, "")[0][0] for run in runs]
            return alone, 1, provenance()
        curves: list[list[Evaluation]] = [[] for _ in runs]
        for evaluations in group.train(runs, dataset, checkpoints):
            group.append(curves, evaluations)
            if topic:
                told = [asdict(evaluation) | {"inside": ()} if evaluation else None for evaluation in evaluations]
                worker.log_event(topic, {"key": key, "evaluations": told})
            task = worker.state.tasks.get(key)
            if task is None or task.state != "executing":
                raise InterruptedError("cancelled")
        return list(curves), len(runs), provenance()
