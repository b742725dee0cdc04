"""Allow one writer at a time in a results folder, by an operating-system lock that ends with its holder.

A lock file left behind by a crash blocks nobody, because only the lock on the file counts.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from adambench.errors import AdambenchError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder. If another process holds it, raise an AdambenchError that names the process."""
    with ExitStack() as stack:
        try:
            handle = stack.enter_context((folder / ".lock").open("a+", encoding="utf-8"))
            if not _take(handle.fileno()):
                handle.seek(0)
                raise AdambenchError(
                    f"{folder}: in use by {handle.read().strip() or 'another run'}",
                    "Wait for it to end, or choose another folder with --results.",
                )
            handle.truncate(0)
            handle.write(f"process {os.getpid()} on {platform.node()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n")
            handle.flush()
        except OSError as error:
            raise AdambenchError(f"{folder}: cannot be locked: {error.strerror}", exit_code=1) from error
        yield


def holder(folder: Path) -> str:
    """The process that holds the lock of a folder, `process 12 on host since …`; empty if none does.

    The operating system is asked, so a process that was killed holds nothing, whatever its file says.
    """
    try:
        with (folder / ".lock").open(encoding="utf-8") as handle:
            return "" if _try(handle.fileno(), shared=True) else handle.read().strip() or "another process"
    except OSError:
        return ""


def _take(handle: int) -> bool:
    """A few times, because `holder` has it for a moment while it looks."""
    for _ in range(5):
        if _try(handle):
            return True
        time.sleep(0.02)
    return False


if sys.platform == "win32":
    import msvcrt

    def _try(handle: int, shared: bool = False) -> bool:  # noqa: ARG001  # there is one kind of lock
        with suppress(PermissionError):
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return True
        return False

else:
    import fcntl

    def _try(handle: int, shared: bool = False) -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return True
        return False
