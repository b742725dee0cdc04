"""Write files completely or not at all."""

import errno
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from adambench.errors import AdambenchError

NO_SUCH_CALL = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # what a file system answers to say so


def prepare(folder: Path, what: str, hint: str) -> None:
    """Create a folder and check that it is writable. Raises AdambenchError if not: `WHAT cannot be written there`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AdambenchError(f"{what} cannot be written there: {error.strerror}", hint) from error


def write(path: Path, content: str | bytes) -> Path:
    """Write a file completely or not at all: write a temporary file beside it, flush it to disk and rename it."""
    if not path.name:
        raise AdambenchError(f"{path}: is a folder; give the name of a file in it")
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


def write_through(path: Path, content: str | bytes) -> Path:
    """Write where the user says: the file that a link leads to, and into what is no file, such as /dev/null."""
    if path.is_file() or path.is_dir() or not path.exists():
        write(Path(os.path.realpath(path)), content)  # noqa: PTH  # resolve() ends in a traceback if a link goes round
        return path
    try:
        with path.open("wb") as stream:  # a link to a pipe, as /dev/stdout may be, leads to nothing that has a name
            stream.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise AdambenchError(f"{path}: cannot be written: {error.strerror}", exit_code=1) from error
    return path


def write_new(path: Path, content: str) -> Path:
    """Write a file that does not exist yet. Raises AdambenchError if it does."""
    if os.path.lexists(path):
        raise AdambenchError(f"{path}: already exists", "Choose another file name.")
    return write(path, content)


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
