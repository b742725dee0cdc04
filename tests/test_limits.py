"""The limits of containers: files as the kernel has them, and control groups of this machine if they can be made."""

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adambench.datasets import Dataset
from adambench.execution import limits, workers
from adambench.execution.engines import Failed
from adambench.execution.engines.local import Pool
from adambench.execution.limits import cpus, memory
from adambench.execution.plan import Run
from adambench.models.mlp import MLP
from adambench.optimizers import Adam
from adambench.schedules import Constant

HALF = "50000 100000\n"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2.5),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": HALF, "a/b/cpu.max": "max 100000\n"}, 0.5),
        ("0::/of/the/host\n", {"cpu.max": HALF}, 0.5),  # the container sees only its own part of the tree
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ("3:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "150000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 1.5),
        ("3:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.cfs_quota_us": "3000\n", "cpu,cpuacct/cpu.cfs_period_us": "1000\n"}, 3),
        ("3:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "150000\n"}, math.inf),
        ("3:memory:/\n0::/\n", {}, math.inf),
        ("nonsense", {"cpu.max": "nonsense\n"}, math.inf),
    ],
)
def test_the_quota(own: str, files: dict[str, str], expected: float, tmp_path: Path) -> None:
    assert cpus(*written(tmp_path, own, files)) == expected


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"memory.max": "max\n"}, math.inf),
        ("0::/a/b\n", {"memory.max": "300\n", "a/memory.max": "200\n", "a/b/memory.max": "max\n"}, 200),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, math.inf),
        ("4:memory:/a\n", {"memory/memory.limit_in_bytes": "500\n"}, 500),
        ("nonsense", {"memory.max": "nonsense\n"}, math.inf),
    ],
)
def test_the_memory(own: str, files: dict[str, str], expected: float, tmp_path: Path) -> None:
    assert memory(*written(tmp_path, own, files)) == expected


def written(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """The root of control groups with these files, and the file that names the groups of a process."""
    (folder / "own").write_text(own)
    for name, text in files.items():
        (folder / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "root" / name).write_text(text)
    return folder / "root", folder / "own"


def test_without_control_groups(tmp_path: Path) -> None:
    assert cpus(tmp_path / "none", tmp_path / "none") == math.inf


def runs(dataset: Dataset, hidden: int, count: int = 8) -> list[Run]:
    model = MLP(hidden=(hidden, hidden))
    rules = (Adam(lr=0.001 * k) for k in range(1, count + 1))
    return [Run("mlp", "adam", "tuning", 0, rule, model, Constant(), 2, 50, dataset.sha256, False) for rule in rules]


@pytest.mark.parametrize(
    ("allowed", "jobs", "started", "message"),
    [
        (math.inf, None, 8, ""),
        (600e6, None, 8, ""),
        (400e6, None, 5, "8 workers need {} of memory, and 350 MB of 400 MB are left: 5 will train"),
        (400e6, 8, 8, "8 workers need {} of memory, and 350 MB of 400 MB are left: --jobs 5 would fit"),
        (400e6, 4, 4, ""),
        (400e6, 0, 0, ""),
        (100e6, None, 1, "8 workers need {} of memory, and 50 MB of 100 MB are left: even one may be killed"),
        (100e6, 1, 1, "1 worker needs {} of memory, and 50 MB of 100 MB are left: even one may be killed"),
        (40e6, 2, 2, "2 workers need {} of memory, and 0 MB of 40 MB are left: even one may be killed"),
    ],
)
def test_no_more_workers_than_memory_has_room_for(
    allowed: float, jobs: int | None, started: int, message: str, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network of 1.8 million weights, its gradient and Adam's two moments are 29 MB, beside the 30 of a worker."""
    monkeypatch.setattr(limits, "memory", lambda: allowed)
    monkeypatch.setattr(workers, "cores", lambda: 8)
    monkeypatch.setattr(workers, "_used", lambda: 50_000_000)
    told: list[str] = []
    need = workers.needed(runs(dataset, 1000), {dataset.sha256: dataset}, 8)
    assert need - workers.IDLE == pytest.approx(4 * 4 * 1_796_010, rel=0.1)
    assert workers.workers(jobs, runs(dataset, 1000), {dataset.sha256: dataset}, told.append) == started
    assert told == ([message.format(f"{need * (8 if jobs is None else jobs) / 1e6:.0f} MB")] if message else [])


def test_what_each_kind_of_run_needs_is_counted(dataset: Dataset) -> None:
    """A larger network, or a running mean of the parameters, that only some of the runs have; nothing if none is left."""
    data, (small,), (large,) = {dataset.sha256: dataset}, runs(dataset, 16, 1), runs(dataset, 1000, 1)
    averaged = replace(large, average=0.9)
    one, two, three = (workers.needed(some, data) for some in ([small], [small, large], [small, large, averaged]))
    assert one < two < three
    assert three - two == pytest.approx(4 * 1_796_010, rel=0.01)
    assert workers.needed([], data) == workers.IDLE


@pytest.fixture
def little() -> Iterator[Path]:
    """A control group of version 1 with less memory than a worker needs, if this user may make one."""
    yield from limited(Path("/sys/fs/cgroup/memory/adambench-test"), "memory.limit_in_bytes", "30M")


def test_a_worker_that_the_kernel_kills_for_memory_says_so(little: Path, dataset: Dataset) -> None:
    (run,) = runs(dataset, 1000, count=1)
    with Pool(1, {dataset.sha256: dataset}) as pool:
        pool.start([run])
        pid = pool.workers[0].process.pid
        (little / "cgroup.procs").write_text(str(pid))
        (event,) = pool.events(None)
    assert isinstance(event, Failed)
    assert event.reason == (
        "its process ended with exit code -9 (killed, as the kernel does when memory runs out: fewer jobs need less)"
    )
    assert "oom_kill 1\n" in (little / "memory.oom_control").read_text()


def test_the_kernel_takes_a_worker_before_the_parent(dataset: Dataset) -> None:
    def readiness(pid: object) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    if not Path("/proc/self/oom_score_adj").exists():
        pytest.skip("not Linux")
    with Pool(1, {dataset.sha256: dataset}) as pool:
        pool.start(runs(dataset, 16, count=1))
        list(pool.events(None))
        assert readiness(pool.workers[0].process.pid) > readiness("self")


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of version 1 with half a CPU, if this user may make one."""
    yield from limited(Path("/sys/fs/cgroup/cpu/adambench-test"), "cpu.cfs_quota_us", "50000")


def limited(path: Path, name: str, value: str) -> Iterator[Path]:
    path = path.with_name(f"{path.name}-{os.getpid()}")
    try:
        path.mkdir()
        (path / name).write_text(value)
    except OSError:
        with contextlib.suppress(OSError):
            path.rmdir()
        pytest.skip("no right to make a control group")
    yield path
    path.rmdir()


def test_a_real_control_group_limits_the_jobs(group: Path) -> None:
    code = (
        f"import os; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        "from adambench.execution.workers import cores; print(cores())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "1\n"
