"""The origin of a run: versions, processor, BLAS and commit. It is recorded with the run but not part of its id."""

import functools
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

import adambench


@functools.cache
def provenance() -> dict[str, Any]:
    """The environment, which can change the last bits of a curve or its speed."""
    return {
        "versions": {
            "adambench": adambench.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "cpu": _cpu(),
        "blas": _blas(),
        "commit": _commit(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _blas() -> str:
    """`openblas 0.3.31 Zen`: library, version, kernels."""
    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    keys = ("internal_api", "version", "architecture")
    return ", ".join(" ".join(str(pool[key]) for key in keys if pool.get(key)) for pool in pools) or "unknown"


def _commit() -> str | None:
    """The commit of this package's source, with `-dirty` appended if tracked files differ from it.

    None for an installed copy, even if it lies inside another repository.
    """
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(*words: str) -> str | None:
    """The output of git in the package's folder; None if git fails. No hook or filter of a repository is run."""
    safely = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    try:
        answer = subprocess.run(
            ["git", *safely, *words],
            cwd=Path(adambench.__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
