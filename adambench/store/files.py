"""Write files completely or not at all, and convert values to what CSV and JSON can hold."""

import csv
import errno
import gc
import io
import math
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from adambench.errors import AdambenchError

MOST_BYTES = 2**26  # of a record
NO_SUCH_CALL = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # what a file system answers to say so
TEMPORARY = re.compile(r"\.(.+\.[a-z]+|[0-9a-f]{16})\.[a-z0-9_]{8}\.tmp")


def json_value(value: Any) -> Any:
    """The value for JSON: a number that is not finite becomes null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Comma-separated values. Values that are missing or not finite become empty cells."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if json_value(value) is None else value for value in row] for row in rows)
    return out.getvalue()


def read(path: Path) -> str:
    """The text of a regular file. Raises OSError or ValueError that says why not; never waits for a FIFO or device."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        if status.st_size > MOST_BYTES:
            raise ValueError(f"{status.st_size:,} bytes; at most {MOST_BYTES:,} are read")
        return file.read().decode("utf-8")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would go through thousands of records again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def write(path: Path, content: str | bytes) -> Path:
    """Write a file completely or not at all: write a temporary file beside it, flush it to disk and rename it."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("xb") as file:  # with the permissions that the umask leaves
                file.write(data)
                file.flush()
                _sync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise AdambenchError(
            f"{path}: cannot be written: {error.strerror}", "Files written before are intact.", exit_code=1
        ) from error
    return path


def _sync(handle: int) -> None:
    """Flush to the disk, where the file system knows how to: some network mounts do not."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SUCH_CALL:
            raise


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder, without which a file may be gone after a power cut; where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def temporary_for(file: Path) -> bool:
    """Whether a file is one that `write`, or the saving of a checkpoint, leaves behind when its process is killed."""
    return TEMPORARY.fullmatch(file.name) is not None and file.is_file() and not file.is_symlink()


def write_new(path: Path, content: str) -> Path:
    """Write a file that does not exist yet. Raises AdambenchError if it does."""
    if os.path.lexists(path):
        raise AdambenchError(f"{path}: already exists", "Choose another file name.")
    return write(path, content)
