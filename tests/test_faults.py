"""Real faults: kills, damaged files, a full disk, two runs at once. No result may be lost or wrong.

ADAMBENCH_KILLS=60 sets the number of random kills to 60.
"""

import contextlib
import gc
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adambench.config.experiment import Experiment
from adambench.config.loading import load, parse
from adambench.curve import Curve
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.execution.engines import Finished, Silent, Started
from adambench.execution.engines import local as processes
from adambench.execution.scheduling import execute, local
from adambench.execution.unfolding import Unfolding
from adambench.store.folder import Folder
from adambench.store.lock import locked
from adambench.store.records import Record
from tests.conftest import QUICK, Command
from tests.test_results import some_runs

KILLS = int(os.environ.get("ADAMBENCH_KILLS", "8"))
# What Python says in a worker whose parent was killed while it was sending the worker its first orders.
ORPHAN = re.compile(
    r"Traceback \(most recent call last\):\n(?:  .*\n)*?  .*in spawn_main\n(?:  .*\n)*EOFError: Ran out of input\n"
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds left-over processes in /proc")


def curves_of(folder: Path) -> dict[str, Any]:
    """The curve of each record without its times, by file name. Every record must be valid."""
    found = {}
    for file in folder.glob("*.json"):
        curve = Record.parse(file.read_text(encoding="utf-8")).data["curve"]
        found[file.name] = {name: column for name, column in curve.items() if name != "seconds"}
    return found


@pytest.fixture(scope="module")
def reference(small_results: Path) -> dict[str, Any]:
    """The curves of the small experiment, run without faults."""
    return curves_of(small_results / "small" / "runs")


def run(path: Path, *words: str) -> "subprocess.Popen[str]":
    """`adambench run small.yaml` in a process group of its own, marked so that its children can be found."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("adambench")), "run", "small.yaml", *words],
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "ADAMBENCH_TEST": str(path)},
    )


def left_over(path: Path) -> list[int]:
    """The processes that the run in this folder left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"ADAMBENCH_TEST={path}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def wait_until_gone(path: Path) -> None:
    """Wait until the kernel and the workers themselves have ended every process."""
    for _ in range(5_000):
        if not left_over(path):
            return
        os.sched_yield()
    raise AssertionError(f"left over: {left_over(path)}")


@needs_proc
def test_a_worker_that_is_stopped_is_told_of(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; then it goes on, or is ended and its run tried again. The curve is the same."""
    run = replace(some_runs()[0], dataset=dataset.sha256)
    curves = []
    for then in (signal.SIGCONT, signal.SIGKILL):
        found: dict[str, Curve] = {}
        said: list[str] = []
        pid = 0
        monkeypatch.setattr(processes, "STOPPED", 60.0)
        with processes.Pool(1, {dataset.sha256: dataset}) as engine:
            for event in execute([run], found, engine):
                if isinstance(event, Started) and not pid:
                    pid = engine.workers[0].process.pid or 0
                    os.kill(pid, signal.SIGSTOP)
                    monkeypatch.setattr(processes, "STOPPED", 0.05)
                if isinstance(event, Silent):
                    said.append(event.words)
                    monkeypatch.setattr(processes, "STOPPED", 60.0)
                    os.kill(pid, then)
        assert said == [
            f"worker 1 (process {pid}) is stopped: `kill -CONT {pid}` lets it go on; "
            f"`kill -KILL {pid}` ends it, and its runs are tried again"
        ]
        curves.append([replace(evaluation, seconds=0.0) for evaluation in found[run.id]])
    assert curves[0] == curves[1]


@needs_proc
def test_no_worker_is_told_of_because_all_were_stopped(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl-Z: then the parent has been away for much longer than it wanted to wait."""
    with processes.Pool(1, {dataset.sha256: dataset}) as pool:
        pool.start([replace(some_runs()[0], dataset=dataset.sha256)])
        worker = pool.workers[0]
        os.kill(worker.process.pid or 0, signal.SIGSTOP)
        while not worker.stopped():
            os.sched_yield()
        start = worker.heard
        times = iter([start, start + 3600, start + 3600, start + 3661, start + 3661, start + 3722])
        monkeypatch.setattr(processes, "wait", lambda *_: [])
        monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: next(times)))
        assert [len(list(pool.events(None))) for _ in range(3)] == [0, 1, 0]  # after an hour; a minute; and only once


def test_a_worker_that_is_silent_for_long_is_told_of(dataset: Dataset) -> None:
    with processes.Pool(1, {dataset.sha256: dataset}) as pool:
        pool.start([replace(some_runs()[0], dataset=dataset.sha256)])
        worker = pool.workers[0]
        assert worker.silent(599.0, longest=10.0) == ""
        assert worker.silent(601.0, longest=61.0) == ""
        assert worker.silent(720.0, longest=10.0).endswith(
            f"has ended no epoch for 12 minutes: `kill -KILL {worker.process.pid}` ends it, and its runs are tried again"
        )


@pytest.mark.parametrize("asked", ["", "ours.send([None])"])
def test_a_worker_whose_parent_is_gone_ends_without_a_word(asked: str) -> None:
    """While it waits, and when it wants to report."""
    code = f"""\
from multiprocessing import Pipe
from adambench.execution.engines.local_worker import work

ours, theirs = Pipe()
{asked}
ours.close()
work(theirs, {{}}, None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_proc
@pytest.mark.parametrize("victim", ["group", "parent", "worker", "SIGTERM", "SIGINT", "SIGINT twice"])
def test_killed_at_any_moment(victim: str, small: Path, reference: dict[str, Any]) -> None:
    """Killed again and again at random moments; each record stays whole, and the last run ends with the same bits."""
    path = small.parent
    runs = path / "results" / "small" / "runs"
    moments = random.Random(victim)
    for _ in range(max(1, KILLS // 6)):
        process = run(path)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.1, 2.2))
        ended = process.returncode is not None
        before = curves_of(runs)
        strike(victim, process, path)
        out, err = process.communicate(timeout=30)
        wait_until_gone(path)
        now = curves_of(runs)
        assert before.items() <= now.items() <= reference.items()
        assert "Traceback" not in ORPHAN.sub("", err), err
        if not ended and victim.startswith("SIG"):
            assert process.returncode in (0, 130, -signal.SIGTERM, -signal.SIGINT), (out, err)
        shutil.rmtree(runs, ignore_errors=True) if len(now) == len(reference) else None
    process = run(path, "--no-charts")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert curves_of(runs) == reference
    assert not list(path.rglob("*.tmp"))


@needs_proc
def test_a_second_interrupt_while_the_first_is_acted_on_does_nothing(small: Path) -> None:
    """Long runs are under way on two workers; the second signal comes when the first is told of."""
    path = small.parent
    small.write_text(LONG, encoding="utf-8")
    process = run(path, "--no-charts", "--jobs", "2", "--checkpoint-every", "0")
    while not list(path.rglob("*.npz")):
        assert process.poll() is None
        os.sched_yield()
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout
    while "interrupted" not in process.stdout.readline():
        assert process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    wait_until_gone(path)


LONG = """\
name: long
dataset: mnist
seeds: [1, 2]
problems: {mlp: {model: {name: mlp, hidden: [200, 200]}, epochs: 100, batch_size: 128}}
optimizers: {adam: {lr: 0.001}}
"""


def strike(victim: str, process: "subprocess.Popen[str]", path: Path) -> None:
    with contextlib.suppress(ProcessLookupError):
        if victim == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == "parent":
            process.kill()
        elif victim == "SIGTERM":
            process.terminate()
        elif victim == "worker":
            for worker in sorted(set(left_over(path)) - {process.pid})[-1:]:
                os.kill(worker, signal.SIGKILL)
        else:
            for _ in range(1 + victim.endswith("twice")):
                os.killpg(process.pid, signal.SIGINT)


SMALLER = """\
name: random
dataset: {{idx: {folder}}}
seeds: {seeds}
problems:
  logistic: {{model: logistic, epochs: 2, batch_size: {batch}}}
  mlp: {{model: {{name: mlp, hidden: [{hidden}], dropout: 0.5}}, epochs: 1, batch_size: {batch}}}
optimizers:
  adam: {{lr: {rates}}}
  sgd: {{lr: 0.1}}
"""


@given(st.data())
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_curve_depends_only_on_its_run(folder: Path, data: st.DataObject) -> None:
    """Random plans give the same curves for any number of jobs, any order, any earlier records and any interruption."""
    text = SMALLER.format(
        folder=folder,
        seeds=data.draw(st.lists(st.integers(1, 99), min_size=1, max_size=2, unique=True)),
        batch=data.draw(st.sampled_from([50, 64, 600])),
        hidden=data.draw(st.integers(1, 9)),
        rates=data.draw(st.sampled_from([[0.1], [0.01, 0.1], [0.1, 0.01, 1.0]])),
    )
    experiment = parse(text, "random.yaml")
    whole: dict[str, Curve] = {}
    go(experiment, whole, jobs=1)
    kept = data.draw(st.sets(st.sampled_from(sorted(whole))))
    curves = {id_: whole[id_] for id_ in kept}
    order = data.draw(st.randoms(use_true_random=False))
    go(experiment, curves, jobs=3, order=order, stop_after=data.draw(st.integers(0, 8)))
    go(experiment, curves, jobs=2, order=order)
    assert untimed(curves) == untimed(whole)


def go(
    experiment: Experiment, curves: dict[str, Curve], jobs: int, order: Any = None, stop_after: int | None = None
) -> None:
    experiment, data = experiment.loaded()
    runs = Unfolding(plan.entries(experiment), curves)
    work = (lambda _: order.random()) if order else (lambda run: run.epochs)
    with local(jobs, data) as engine:
        for i, _ in enumerate(execute(runs.runs.values(), curves, engine, work, then=runs.finish)):
            if i == stop_after:
                return


def untimed(curves: dict[str, Curve]) -> dict[str, Curve]:
    return {id_: [replace(evaluation, seconds=0.0) for evaluation in curve] for id_, curve in curves.items()}


LIES = {  # how a record is damaged: why it is refused
    "empty": "not JSON",
    "truncated": "not JSON",
    "garbage": "codec can't decode",
    "a list": "not a record",
    "deep": "maximum recursion depth",
    "format": "format 0, expected 1",
    "id": "changed after it was written",
    "edited": "changed after it was written",
    "no curve": "changed after it was written",
    "a folder": "Is a directory",
}


def lie(file: Path, how: str) -> None:
    text = file.read_text()
    data = json.loads(text)
    bad = {"empty": b"", "truncated": text.encode()[: len(text) // 2], "garbage": b"\x00\xff\x80 garbage"}
    bad |= {"a list": b"[1, 2, 3]", "deep": b"[" * 100_000}
    if how == "format":
        data["format"] = 0
    elif how == "id":
        data["id"] = "0" * 16
    elif how == "edited":
        data["curve"]["train_loss"][-1] = 0.001
    elif how == "no curve":
        del data["curve"]
    if how == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(bad.get(how) or (b"" if how == "empty" else json.dumps(data).encode()))


@pytest.mark.usefixtures("ran")
def test_damaged_records_are_set_aside_and_trained_again(
    command: Command, small: Path, reference: dict[str, Any]
) -> None:
    folder = small.parent / "results" / "small"
    victims = dict(zip(LIES, sorted((folder / "runs").glob("*.json")), strict=False))
    for how, file in victims.items():
        lie(file, how)
    (folder / "curves.csv").write_text("problem,opti")
    table = command("table")
    again = command("run", small, *QUICK)
    assert again.returncode == 0
    for how, file in victims.items():
        for answer in (table, again):
            (line,) = [line for line in answer.stderr.splitlines() if file.name in line]
            assert line.startswith(f"warning: results/small/runs/{file.name}: ")
            assert LIES[how] in line
            assert line.endswith("skipped" if answer is table else f"set aside as {file.name}.broken")
        assert file.with_name(f"{file.name}.broken").exists()
    assert len(re.findall(r"^\[\d", again.stdout, re.MULTILINE)) == len(LIES)
    shutil.rmtree(folder / "runs" / f"{victims['a folder'].name}.broken")
    assert curves_of(folder / "runs") == reference
    assert len((folder / "curves.csv").read_text().splitlines()) == 45
    assert command("run", small, *QUICK).stderr == ""


def test_a_second_run_is_refused_with_the_holder_of_the_folder(command: Command, small: Path) -> None:
    folder = Folder(small.parent / "results", "small")
    with locked(folder.prepare()):
        second = command("run", small, *QUICK)
    assert second.returncode == 2
    assert second.stderr.startswith(f"results/small: in use by process {os.getpid()} on ")
    assert second.stdout == ""
    assert command("run", small, *QUICK).returncode == 0  # the lock file that is left behind does not block


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    code = f"import os, pathlib, adambench.store.lock as l\nwith l.locked(pathlib.Path({str(tmp_path)!r})): os._exit(1)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert "process" in (tmp_path / ".lock").read_text()
    with locked(tmp_path), pytest.raises(AdambenchError, match="in use by process"), locked(tmp_path):
        pass


@pytest.mark.usefixtures("ran")
def test_many_records_are_read_without_the_garbage_collector(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on again afterwards, also if a record cannot be read; the records are the same."""
    folder = Folder(small.parent / "results", "small")
    few = folder.records(print)
    collecting: list[bool] = []
    parse_record = Record.parse

    def watched(text: str) -> Record:
        collecting.append(gc.isenabled())
        return parse_record(text)

    monkeypatch.setattr(Record, "parse", watched)
    many = folder.records(print)
    assert (set(collecting), gc.isenabled()) == ({False}, True)
    assert {id_: record.data for id_, record in many.items()} == {id_: record.data for id_, record in few.items()}
    monkeypatch.setattr(Record, "parse", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        folder.records(print)
    assert gc.isenabled()


@pytest.mark.usefixtures("ran")
def test_records_of_another_plan_are_ignored(command: Command, small: Path) -> None:
    small.write_text(small.read_text().replace("[0.1, 0.3, 1.0]", "[0.3, 1.0]"))
    answer = command("run", small, *QUICK)
    assert "Ignored 4 records in results/small/runs: not in the current plan." in answer.stdout
    curves = (small.parent / "results" / "small" / "curves.csv").read_text()
    assert "lr=0.1 momentum" not in curves
    assert "4 records" in command("table").stdout
    small.write_text(small.read_text().replace("[0.3, 1.0]", "[0.1, 0.3, 1.0]"))
    assert command("run", small, *QUICK).stdout.startswith("small: 17 runs, 17 already done\n")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, if the tests run as root and may mount one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a file system; test_results.py injects the same error")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_reported_and_damages_nothing(tiny_disk: Path, command: Command, small: Path) -> None:
    answer = command("run", small, "--results", tiny_disk)
    assert answer.returncode == 1
    assert "cannot be written: No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr
    whole = curves_of(tiny_disk / "small" / "runs")
    assert 1 <= len(whole) < 17
    assert not list(tiny_disk.rglob("*.tmp"))


def test_a_read_only_file_system_is_reported(tiny_disk: Path, command: Command, small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    answer = command("run", small, "--results", tiny_disk)
    assert answer.returncode == 2
    assert "results cannot be written there: Read-only file system" in answer.stderr


def test_a_path_that_is_too_long_is_reported(command: Command, small: Path) -> None:
    answer = command("run", small, "--results", "x" * 300)
    assert answer.returncode == 2
    assert "results cannot be written there: File name too long" in answer.stderr


def test_divergence_is_shown_without_a_warning(small: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that diverge in tuning and report print no warning and appear in table, curves and chart."""
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    words = ["optimizers.nesterov.lr=[1e38, 1e37]", "problems.mlp.optimizers.adam.lr=1e30", "problems.mlp.model.l2=0.1"]
    answer = command("run", small, *words)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "diverged in epoch 1" in answer.stdout
    summary = (small.parent / "results" / "small" / "summary.csv").read_text()
    assert summary.count("diverged") >= 3
    svg = command("plot", "--metric", "train_loss", "--format", "svg")
    assert svg.returncode == 0
    assert "nesterov: diverged" in (small.parent / "results/small/figures/train_loss.svg").read_text()


@pytest.mark.usefixtures("ran")
def test_verify(command: Command, small: Path) -> None:
    good = command("verify", "--sample", 4)
    assert good.returncode == 0
    assert good.stdout.count("the same to the bit") == 4
    victim = sorted((small.parent / "results" / "small" / "runs").glob("adam-*.json"))[0]
    record = Record.parse(victim.read_text())
    curve = [*record.curve[:-1], replace(record.curve[-1], test_loss=record.curve[-1].test_loss * (1 + 1e-15))]
    entries = plan.entries(load(small.parent / "results" / "small" / "config.yaml"))
    curves = {r.id: r.curve for r in Folder(small.parent / "results", "small").records(pytest.fail).values()}
    (run_,) = [r for r in plan.runs(entries, curves) if r.id == record.id]
    victim.write_text(Record.of(run_, curve).json())
    bad = command("verify", "small", "--jobs", 1, "--exact")
    assert bad.returncode == 1
    last = record.curve[-1].epoch
    assert bad.stdout.count("the same to the bit") == 16
    assert f"differs from epoch {last} on" in bad.stdout
    assert bad.stdout.endswith("confirmed: 16; close: 1\n")


@pytest.mark.usefixtures("ran")
def test_verify_fails_if_records_are_damaged_or_missing(command: Command, small: Path) -> None:
    files = sorted((small.parent / "results" / "small" / "runs").glob("adam-*.json"))
    files[-1].write_text(files[-1].read_text().replace('"seed": ', '"seed":  1'))
    assert command("verify").returncode == 1
    for file in files[0].parent.glob("*.json"):
        file.unlink()
    nothing = command("verify")
    assert (nothing.returncode, "small: holds no run to train again" in nothing.stdout) == (1, True)


@pytest.mark.usefixtures("ran")
def test_verify_finds_images_that_were_moved(command: Command, folder: Path, tmp_path: Path) -> None:
    """A second person has them elsewhere. Other images are refused by their digest."""
    config = tmp_path / "results/small/config.yaml"
    config.write_text(config.read_text().replace(str(folder), "/nowhere"))
    lost = command("verify")
    assert (lost.returncode, "If its images lie elsewhere here: --data DIR" in lost.stderr) == (1, True)
    found = command("verify", "--sample", 1, "--data", folder)
    assert (found.returncode, found.stderr) == (0, "")
    assert "the same to the bit" in found.stdout


def test_verify_confirms_runs_that_diverge(command: Command, small: Path) -> None:
    command("run", small, "optimizers.nesterov.lr=[1e38, 3e37]", "problems.logistic.model.l2=0.001", *QUICK)
    answer = command("verify")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.count("the same to the bit") == 15


def test_a_disk_too_small_for_the_data_is_reported(
    tiny_disk: Path, command: Command, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tiny_disk))
    answer = command("run", small, "--no-charts")
    assert answer.returncode == 1
    assert f"{tiny_disk}: cannot hold the data set: No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.usefixtures("ran")
def test_show(command: Command, small: Path) -> None:
    victim = sorted((small.parent / "results" / "small" / "runs").glob("nesterov-*.json"))[0]
    record = json.loads(victim.read_text())
    for word in (record["id"][:9], victim.name, f"results/small/runs/{victim.name}"):
        answer = command("show", word)
        assert answer.returncode == 0
        for said in (
            record["id"],
            "momentum 0.9",
            record["cpu"],
            record["versions"]["numpy"],
            record["time"],
            "train_loss",
        ):
            assert said in answer.stdout
    wrong = command("show", "zzz")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (
        2,
        "zzz: no run has an id in results that starts with it",
    )
    ((digit, _),) = Counter(file.stem[-16] for file in victim.parent.iterdir()).most_common(1)  # of 17 runs
    several = command("show", digit)
    assert several.returncode == 2
    assert re.search(r"\nThey are small [a-z]+-[0-9a-f]{16}, ", several.stderr)


@pytest.mark.usefixtures("ran")
def test_figures_say_where_they_come_from(small: Path) -> None:
    png = (small.parent / "results" / "small" / "figures" / "train_loss.png").read_bytes()
    said = rb"experiment small, configuration [0-9a-f]{16}; best setting: lowest mean train_loss over the last 5% .* seed 0"
    assert re.search(said, png)


def test_finished_events_hold_whole_curves(small: Path) -> None:
    experiment, data = load(small).loaded()
    with local(2, data) as engine:
        for event in execute(Unfolding(plan.entries(experiment), {}).runs.values(), {}, engine):
            if isinstance(event, Finished):
                for run_, curve in zip(event.runs, event.curves, strict=True):
                    assert [evaluation.epoch for evaluation in curve] == list(range(1, run_.epochs + 1))
