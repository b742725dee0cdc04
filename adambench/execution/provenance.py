"""The origin of a run: versions, processor, BLAS and commit. It is recorded with the run but not part of its id."""

import functools
import hashlib
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
    """The commit of this package's source, with `-dirty` appended if tracked files of the package differ from it.

    None for an installed copy, even if it lies inside another repository, of which git is asked nothing.
    """
    source = Path(adambench.__file__).parent
    if not (source.parent / ".git").exists():
        return None
    commit, tree = _git("rev-parse", "HEAD"), _git("ls-tree", "-r", "-z", "HEAD", ".")
    if not commit or not tree:
        return None
    lines = (line.split(None, 3) for line in tree.strip("\0").split("\0"))
    return commit if all(_blob(source / name) == blob for _, _, blob, name in lines) else f"{commit}-dirty"


def _blob(file: Path) -> str:
    """The SHA-1 by which git knows a file's content; empty if there is none. Without git, which would run filters."""
    try:
        data = file.read_bytes()
    except OSError:
        return ""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _git(*words: str) -> str | None:
    """The output of git in the package's folder; None if git fails. These questions run no hook, monitor or filter.

    No other repository is asked, whatever the environment says, as it does inside a hook.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    folder = Path(adambench.__file__).parent
    try:
        answer = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=False, env=environment
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
