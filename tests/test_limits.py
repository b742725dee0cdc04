"""The CPU quota of containers: files as the kernel has them, and a control group of this machine if one can be made."""

import contextlib
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adambench.execution.limits import cpus

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
        ("3:memory:/\n0::/\n", {}, math.inf),
        ("nonsense", {"cpu.max": "nonsense\n"}, math.inf),
    ],
)
def test_the_quota(own: str, files: dict[str, str], expected: float, tmp_path: Path) -> None:
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert cpus(tmp_path / "root", tmp_path / "own") == expected


def test_without_control_groups(tmp_path: Path) -> None:
    assert cpus(tmp_path / "none", tmp_path / "none") == math.inf


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of version 1 with half a CPU, if this user may make one."""
    path = Path("/sys/fs/cgroup/cpu/adambench-test")
    try:
        path.mkdir()
        (path / "cpu.cfs_quota_us").write_text("50000")
    except OSError:
        with contextlib.suppress(OSError):
            path.rmdir()
        pytest.skip("no right to make a control group")
    yield path
    path.rmdir()


def test_a_real_control_group_limits_the_jobs(group: Path) -> None:
    code = (
        f"import os; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        "from adambench.execution.scheduling import cores; print(cores())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "1\n"
