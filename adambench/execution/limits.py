"""What a container allows, by the control groups of Linux, version 1 or 2: CPU time and memory."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
UNLIMITED = 2**62  # bytes: version 1 writes no limit as the largest number of whole pages


def cpus(root: Path = ROOT, own: Path = OWN) -> float:
    """How many CPUs' time this process may use; infinite if there is no limit, or no control group can be read."""
    return min(map(_quota, _groups("cpu", root, own)), default=math.inf)


def memory(root: Path = ROOT, own: Path = OWN) -> float:
    """How many bytes of memory this process and its children may use; infinite as above."""
    groups = _groups("memory", root, own)
    found = [_number(group, name) for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
    return min((limit for limit in found if limit < UNLIMITED), default=math.inf)


def _groups(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """The folders of the control groups that limit this process in one way, from its own up to the root."""
    with suppress(OSError, ValueError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            mount = root / controllers if controllers else root
            group = mount / path.strip("/")
            yield from (folder for folder in (group, *group.parents) if folder == mount or mount in folder.parents)


def _quota(group: Path) -> float:
    """The limit of one group: of version 2 `cpu.max`, of version 1 two files."""
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    quota_us, period_us = (_number(group, f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return quota_us / period_us if quota_us > 0 and 0 < period_us < math.inf else math.inf


def _number(group: Path, name: str) -> float:
    """What a file of a group holds; infinite for the word `max`, or if there is no such file."""
    with suppress(OSError, ValueError):
        return int((group / name).read_text(encoding="utf-8"))
    return math.inf
