"""Allow one writer at a time in a results folder, by an operating-system lock that ends with its holder.

A lock file left behind by a crash blocks nobody, because only the lock on the file counts.
"""

import errno
import functools
import operator
import os
import platform
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from adambench.errors import AdambenchError

OURS = b"process"  # what a lock file begins with
MOST = 200  # bytes of it that are read
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def locked(folder: Path, warn: Callable[[str], object] = lambda _: None) -> Iterator[None]:
    """Hold the lock of a folder. If another process holds it, raise an AdambenchError that names the process.

    Where the file system has no locks, warn and go on without.
    """
    with ExitStack() as stack:
        try:
            handle = stack.enter_context(_open(folder / ".lock"))
            if not _had(folder, handle, warn):
                raise AdambenchError(
                    f"{folder}: in use by {handle.read(MOST).decode(errors='replace').strip() or 'another run'}",
                    "Wait for it to end, or choose another folder with --results.",
                )
            if (handle.read(MOST) or OURS).startswith(OURS):  # else it is a file of the user's, which stays as it is
                handle.seek(0)
                handle.truncate()
                told = f"{platform.node()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n"
                handle.write(OURS + f" {os.getpid()} on {told}".encode())
                handle.flush()
        except OSError as error:
            raise AdambenchError(f"{folder}: cannot be locked: {error.strerror}", exit_code=1) from error
        yield


def _open(file: Path) -> IO[bytes]:
    """The lock file. It must be a file: a link could lead to one that is not ours, and a FIFO blocks."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    handle = os.open(file, functools.reduce(operator.or_, flags, os.O_RDWR | os.O_CREAT), 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"{file.name} is not a file")
    return os.fdopen(handle, "r+b")


def _had(folder: Path, handle: IO[bytes], warn: Callable[[str], object]) -> bool:
    """Whether this process has the lock, or nobody can have it."""
    try:
        return _take(handle.fileno())
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        warn(f"{folder}: its file system has no locks ({error.strerror}); two runs on it will not notice each other")
        return True


def holder(folder: Path) -> str:
    """The process that holds the lock of a folder, `process 12 on host since …`; empty if none does.

    The operating system is asked, so a process that was killed holds nothing, whatever its file says.
    """
    try:
        file = folder / ".lock"
        if not file.is_file():  # a FIFO would block
            return ""
        with file.open(encoding="utf-8", errors="replace") as handle:
            return "" if _try(handle.fileno(), shared=True) else handle.read(MOST).strip() or "another process"
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
