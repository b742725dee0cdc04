"""The CPU time that a container allows, by the control groups of Linux, version 1 or 2."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cpus(root: Path = ROOT, own: Path = OWN) -> float:
    """How many CPUs' time this process may use; infinite if there is no limit, or no control group can be read."""
    return min(map(_quota, _groups(root, own)), default=math.inf)


def _groups(root: Path, own: Path) -> Iterator[Path]:
    """The folders of the control groups that limit the CPU time of this process, from its own up to the root."""
    with suppress(OSError, ValueError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            mount = root / controllers if controllers else root
            group = mount / path.strip("/")
            yield from (folder for folder in (group, *group.parents) if folder == mount or mount in folder.parents)


def _quota(group: Path) -> float:
    """The limit of one group: of version 2 `cpu.max`, of version 1 two files."""
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text(encoding="utf-8") for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    return math.inf
