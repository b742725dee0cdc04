"""How many workers train: one on each core, or fewer if memory is short."""

import math
import mmap
import os
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

import numpy as np

from adambench.datasets import Data
from adambench.errors import AdambenchError
from adambench.execution import group, limits
from adambench.execution.plan import Run

IDLE = 30e6  # bytes of a worker before it trains: Python and NumPy, without the files that processes share
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def cores() -> int:
    """How many cores this process may use, by its affinity and by the quota of its container, rounded up."""
    present = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = limits.cpus()
    return min(present, max(1, math.ceil(quota))) if math.isfinite(quota) else present


def workers(jobs: int | None, runs: Iterable[Run], data: Data, warn: Callable[[str], object]) -> int:
    """How many workers to start. jobs: as many as that; None: one a core; 0: none, to train in this process.

    Raises AdambenchError for something else. Where a container limits memory, there is a warning if they need more, and
    only as many as fit if `jobs` is None.
    """
    number = isinstance(jobs, int | np.integer) and not isinstance(jobs, bool)
    if not (jobs is None or (number and jobs >= 0)):
        raise AdambenchError(f"jobs: must be a whole number, 0 or more, or None, found {jobs!r:.40}")
    wanted = cores() if jobs is None else int(jobs)
    limit = limits.memory()
    if not wanted or not math.isfinite(limit):
        return wanted
    room, need = max(0.0, limit - _used()), needed(runs, data, wanted)
    fitting = int(room / need)
    if fitting >= wanted:
        return wanted
    name = "1 worker needs" if wanted == 1 else f"{wanted} workers need"
    short = f"{name} {_size(wanted * need)} of memory, and {_size(room)} of {_size(limit)} are left"
    if not fitting:
        warn(f"{short}: even one may be killed")
    else:
        warn(f"{short}: {fitting} will train" if jobs is None else f"{short}: --jobs {fitting} would fit")
    return wanted if jobs else max(1, fitting)


def needed(runs: Iterable[Run], data: Data, places: int = 1) -> float:
    """Bytes of memory that a worker needs for the largest of these runs, besides the data that workers share.

    A training of each kind is set up here and measured, with as many settings together as one of so many places gets.
    """
    kinds: dict[Hashable, list[Run]] = defaultdict(list)
    for run in runs:
        kinds[run.kind, run.average, type(run.optimizer)].append(run)
    return IDLE + max((_allocated(alike, data, places) for alike in kinds.values()), default=0)


def _allocated(alike: list[Run], data: Data, places: int) -> int:
    dataset = data[alike[0].dataset]
    together = min(group.most_together(alike[0], dataset), math.ceil(len(alike) / places))
    tracemalloc.start()  # NumPy tells it of its arrays
    try:
        _ = group.set_up(alike[:together], dataset)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _used() -> int:
    """Bytes that this process holds, as Linux tells."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 0.95e9 else f"{number / 1e6:.0f} MB"
