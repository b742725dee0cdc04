"""Checkpoints: a run that was killed goes on where it was saved, to the bit, and a file that lies is not believed."""

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adambench.curve import Curve, Evaluation
from adambench.datasets import Dataset, mnist
from adambench.execution import group
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS, Adam, Optimizer
from adambench.schedules import InverseSqrt
from tests.conftest import QUICK, Command
from tests.test_faults import KILLS, curves_of, left_over, needs_proc, wait_until_gone
from tests.test_faults import run as start

GIVEN: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": (16,), "dropout": 0.5, "input_dropout": 0.2, "l2": 1e-4},
    "vae": {"hidden": 16, "latent": 4},
}
SOME = 4  # epochs


def a_run(optimizer: Optimizer, model: str = "mlp", **given: Any) -> Run:
    made = MODELS[model](**GIVEN.get(model, {}))
    return replace(Run("p", "a", "report", 1, optimizer, made, InverseSqrt(), SOME, 64, "", True), **given)


def timeless(curves: Sequence[Curve]) -> str:
    """As text, in which nan equals nan; `inside` too."""
    return repr([[(replace(e, seconds=0.0), e.inside) for e in curve] for curve in curves])


def curves(epochs: Iterator[list[Evaluation | None]], count: int, most: int = SOME) -> list[list[Evaluation]]:
    found: list[list[Evaluation]] = [[] for _ in range(count)]
    for _, evaluations in zip(range(most), epochs, strict=False):
        for curve, evaluation in zip(found, evaluations, strict=True):
            curve.extend([evaluation] if evaluation else [])
    return found


@pytest.mark.parametrize("killed", range(1, SOME))
@pytest.mark.parametrize(
    "runs",
    [
        *([a_run(cls(), inspect=3)] for cls in OPTIMIZERS.values()),
        [a_run(Adam(), "vae")],
        [a_run(Adam(lr=lr), "logistic", average=0.9, clip_norm=0.3) for lr in (0.01, 0.1)],
        [a_run(Adam(lr=lr), "logistic") for lr in (0.01, 1e38, 0.1)],  # the second diverges
    ],
    ids=[*OPTIMIZERS, "vae", "averaged and clipped", "three together"],
)
def test_a_run_goes_on_to_the_bit(runs: list[Run], killed: int, dataset: Dataset, tmp_path: Path) -> None:
    whole = curves(group.train(runs, dataset), len(runs))
    kept = Checkpoints(tmp_path / "new", 0)
    curves(group.train(runs, dataset, kept), len(runs), killed + 1)  # the epoch after the last checkpoint is lost
    assert kept.epochs(pytest.fail) == {run.id: killed for run in runs}
    seconds = [kept.load(run.id).saved.numbers["seconds"] for run in runs]  # type: ignore[union-attr]
    again = curves(group.train(runs, dataset, kept), len(runs))
    assert timeless(again) == timeless(whole)
    for curve, before in zip(again, seconds, strict=True):
        assert curve[-1].seconds >= round(before, 6)
        assert [e.seconds for e in curve] == sorted(e.seconds for e in curve)
    kept.remove([run.id for run in runs])
    assert not kept.folder.exists()


def test_a_run_that_had_diverged_beside_others_ends_alone(dataset: Dataset, tmp_path: Path) -> None:
    """Its checkpoint is of a later epoch than its last; the one that was beside it is not under way here."""
    runs = [a_run(Adam(lr=lr), "logistic") for lr in (0.01, 1e38)]
    kept = Checkpoints(tmp_path, 0)
    curves(group.train(runs, dataset, kept), 2, 3)
    epochs = list(group.train(runs[1:], dataset, kept))
    assert [evaluation is not None for (evaluation,) in epochs] == [True]
    assert epochs[0][0] is not None
    assert epochs[0][0].diverged


def test_a_plan_that_was_changed_leaves_no_checkpoint(small: Path, command: Command) -> None:
    folder = small.parent / "results" / "small" / "checkpoints"
    scratch = small.parent / "scratch" / "small"
    run, (saved,) = a_run(Adam()), group.set_up([a_run(Adam())], mnist().first(100)).save()
    for place in (folder, scratch):
        Checkpoints(place).save(run, saved, [])  # of no run of the plan
    assert command("run", small, *QUICK, "--shard", "1/2").returncode == 0
    assert folder.exists()
    assert command("run", small, *QUICK).returncode == 0
    assert not folder.exists()
    assert command("run", small, *QUICK, "--results", "other", "--scratch", "scratch").returncode == 0
    assert scratch.exists()  # which others may use


def test_nothing_is_saved_of_a_short_run(dataset: Dataset, tmp_path: Path) -> None:
    curves(group.train([a_run(Adam())], dataset, Checkpoints(tmp_path / "new")), 1)
    assert not (tmp_path / "new").exists()


def test_runs_saved_at_different_epochs_are_not_trained_on_together(dataset: Dataset, tmp_path: Path) -> None:
    runs = [a_run(Adam(lr=lr), "logistic") for lr in (0.01, 0.1)]
    kept = Checkpoints(tmp_path, 0)
    for run, epochs in zip(runs, (2, 3), strict=True):
        curves(group.train([run], dataset, kept), 1, epochs)
    assert timeless(curves(group.train(runs, dataset, kept), 2)) == timeless(curves(group.train(runs, dataset), 2))


def lie(file: Path, how: str, other: Path) -> None:
    data = file.read_bytes()
    if how == "empty":
        file.write_bytes(b"")
    elif how == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif how == "a bit":
        place = data.index(b"theta.npy") + 2_000
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif how == "garbage":
        file.write_bytes(random.Random(0).randbytes(5_000))
    elif how == "pickle":
        np.savez(file, numbers=np.array([{}], object), theta=np.zeros(3))
    elif how == "another run":
        shutil.copy(other, file)
    elif how == "numerics":
        with np.load(file) as archive:
            arrays = dict(archive)
        numbers = json.loads(arrays.pop("numbers").tobytes())
        numbers["numerics"] -= 1
        np.savez(file, numbers=np.frombuffer(json.dumps(numbers).encode(), np.uint8), **arrays)


LIES = {
    "empty": "damaged",
    "truncated": "damaged",
    "a bit": "damaged",
    "garbage": "damaged",
    "pickle": "damaged",
    "another run": "of another run",
    "numerics": "made with numerics",
}


@pytest.mark.parametrize("how", LIES)
def test_a_checkpoint_that_lies_is_ignored_with_a_warning(how: str, dataset: Dataset, tmp_path: Path) -> None:
    run, other = a_run(Adam()), a_run(Adam(lr=0.5))
    kept = Checkpoints(tmp_path, 0)
    for each in (run, other):
        curves(group.train([each], dataset, kept), 1, 2)
    lie(tmp_path / f"{run.id}.npz", how, tmp_path / f"{other.id}.npz")
    warnings: list[str] = []
    assert kept.epochs(warnings.append) == {other.id: 1}
    assert len(warnings) == 1
    assert f"{run.id}.npz: {LIES[how]}" in warnings[0]
    assert timeless(curves(group.train([run], dataset, kept), 1)) == timeless(curves(group.train([run], dataset), 1))


def test_a_checkpoint_of_another_blas_is_ignored(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, kept = a_run(Adam()), Checkpoints(tmp_path, 0)
    curves(group.train([run], dataset, kept), 1, 2)
    elsewhere = {**provenance(), "blas": "another"}
    monkeypatch.setattr("adambench.execution.checkpoints.provenance", lambda: elsewhere)
    warnings: list[str] = []
    assert kept.epochs(warnings.append) == {}
    assert "made with BLAS" in warnings[0]


def test_a_full_disk_keeps_the_former_checkpoint_and_the_run_goes_on(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, kept = a_run(Adam()), Checkpoints(tmp_path, 0)
    curves(group.train([run], dataset, kept), 1, 2)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert len(curves(group.train([run], dataset, kept), 1)[0]) == SOME
    assert [file.name for file in tmp_path.iterdir()] == [f"{run.id}.npz"]
    assert kept.epochs(pytest.fail) == {run.id: 1}


def test_where_the_file_system_cannot_flush_a_checkpoint_is_kept_all_the_same(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some network mounts answer. It has the permissions of the other files, too."""

    def unknown(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unknown)
    run, kept = a_run(Adam()), Checkpoints(tmp_path, 0)
    curves(group.train([run], dataset, kept), 1, 2)
    assert kept.epochs(pytest.fail) == {run.id: 1}
    (tmp_path / "beside").touch()
    modes = {file.stat().st_mode for file in tmp_path.iterdir()}
    assert len(modes) == 1


def wait_for_a_checkpoint(folder: Path, process: "subprocess.Popen[str]") -> None:
    """Until the run has saved one since it was started, or has ended."""
    before = newest(folder)
    while process.poll() is None and newest(folder) == before:
        os.sched_yield()


def newest(folder: Path) -> float:
    times = [0.0]
    for file in folder.glob("[!.]*.npz"):
        with contextlib.suppress(FileNotFoundError):
            times.append(file.stat().st_mtime)
    return max(times)


@needs_proc
def test_a_long_run_that_is_killed_repeats_only_what_the_last_checkpoint_lacks(small: Path, command: Command) -> None:
    """SIGKILL to the whole group at random moments: each start goes on from the last checkpoint, with the same bits."""
    path, folder = small.parent, small.parent / "results" / "small"
    words = ["problems.mlp.epochs=300", "problems.logistic.epochs=100", "seeds=[1]"]
    command("run", small, *words, "--results", "whole", *QUICK)
    whole = curves_of(path / "whole" / "small" / "runs")
    moments = random.Random(0)
    resumed = 0
    for _ in range(max(3, KILLS // 3)):
        before = Checkpoints(folder / "checkpoints").epochs(pytest.fail)
        process = start(path, *words, "--checkpoint-every", "0.05")
        with contextlib.suppress(subprocess.TimeoutExpired):
            wait_for_a_checkpoint(folder / "checkpoints", process)
            process.wait(moments.uniform(0, 0.7))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
        wait_until_gone(path)
        after = Checkpoints(folder / "checkpoints").epochs(pytest.fail)
        assert all(after.get(id_, epochs) >= epochs for id_, epochs in before.items())
        resumed += len(after)
        assert curves_of(folder / "runs").items() <= whole.items()
    assert resumed
    process = start(path, *words, "--no-charts")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert curves_of(folder / "runs") == whole
    assert not (folder / "checkpoints").exists()
    assert not left_over(path)


def test_fresh_begins_at_the_beginning(small: Path, command: Command) -> None:
    folder = small.parent / "scratch" / "small"
    folder.mkdir(parents=True)
    (folder / "0123456789abcdef.npz").write_bytes(b"")
    told = command("run", small, "--scratch", "scratch", *QUICK)
    assert "0123456789abcdef.npz: damaged; this run starts again" in told.stderr
    (folder / "mine.npz").write_bytes(b"")
    assert command("run", small, "--scratch", "scratch", "--fresh", *QUICK).stderr == ""
    assert [file.name for file in folder.iterdir()] == ["mine.npz"]  # which is no checkpoint
