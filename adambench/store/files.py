"""Read files that others may have written, and convert values to what CSV and JSON can hold."""

import csv
import errno
import gc
import io
import itertools
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST_BYTES = 2**26  # of a record
# `.NAME.12345678.tmp`, as `write` names them. The second form is that of checkpoints of earlier versions.
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


def temporary_for(file: Path) -> bool:
    """Whether a file is one that `write` leaves behind when its process is killed."""
    return TEMPORARY.fullmatch(file.name) is not None and file.is_file() and not file.is_symlink()


def why_not(error: Exception) -> str:
    """Why a file is not a record."""
    if isinstance(error, json.JSONDecodeError):
        return "not JSON"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return "a number has too many digits" if "Exceeds the limit" in str(error) else str(error)


def set_aside_file(file: Path) -> str:
    """Rename a file that is not a record, and return what was done in words."""
    for name in itertools.chain([f"{file.name}.broken"], (f"{file.name}.broken{n}" for n in itertools.count(2))):
        if not file.with_name(name).exists():
            break
    try:
        file.rename(file.with_name(name))
    except OSError:
        return "skipped"
    return f"set aside as {name}"
