"""What tables and charts were made of, in `.made.json` beside them, so that they are not made again in vain."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import adambench
from adambench.errors import AdambenchError
from adambench.store.files import read
from adambench.store.folder import Folder
from adambench.store.records import Record
from adambench.writing import write


def up_to_date(folder: Folder, records: Mapping[str, Record]) -> bool:
    """Whether all that was made is still there as it was, and was made by this adambench of these records."""
    try:
        noted = json.loads(read(_file(folder)))
        return bool(noted["of"] == _of(folder, records) and noted["files"] == _times(folder, noted["files"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def note(folder: Folder, records: Mapping[str, Record], files: Sequence[Path]) -> None:
    """Take note that these files were made of these records."""
    names = [str(file.relative_to(folder.path)) for file in files]
    with suppress(AdambenchError):
        write(_file(folder), json.dumps({"of": _of(folder, records), "files": _times(folder, names)}))


def _file(folder: Folder) -> Path:
    return folder.path / ".made.json"


def _times(folder: Folder, names: Sequence[str]) -> dict[str, int]:
    return {name: (folder.path / name).stat().st_mtime_ns for name in names}


def _of(folder: Folder, records: Mapping[str, Record]) -> str:
    """A hash of the records, the configuration, and the age of our own source, which an update or an edit changes."""
    source = max(file.stat().st_mtime_ns for file in Path(adambench.__file__).parent.rglob("*.py"))
    parts = [str(source), folder.digest(), *sorted(record.data["sha256"] for record in records.values())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
