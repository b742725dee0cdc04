"""Finds one record, or the newest page or chart, among the experiments of a results folder; reads no configuration."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from adambench.curve import first_difference
from adambench.errors import AdambenchError
from adambench.store.files import read, why_not
from adambench.store.folder import Folder, folders
from adambench.store.records import Record

MOST = 5  # runs that a message lists
VIEWS = (".html", ".png", ".svg", ".pdf")


def read_record(name: str) -> Record | None:
    """The record in a file, or None if the file does not exist. Raises AdambenchError if it is not a valid record."""
    if not os.path.isfile(name):  # noqa: PTH113  # False for a name that is too long; Path raises
        return None
    try:
        return Record.parse(read(Path(name)))
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        raise AdambenchError(f"{name}: not a valid record: {why_not(error)}") from error


def newest_view(results: Path, names: Sequence[str] | None) -> Path:
    """The page of `report`, or the chart, that was written last for these experiments, or for all and any of them.

    Raises AdambenchError if there is none.
    """
    found = [results / "report.html"] if names is None else []
    for folder in folders(results, names):
        found += [folder.path / "report.html", *folder.figures.glob("*.*")]
    kept = [file for file in found if file.suffix in VIEWS and file.is_file() and not file.is_symlink()]
    if not kept:
        words = " ".join(
            ["adambench report", *(names or ()), *([] if results == Path("results") else ["--results", str(results)])]
        )
        where = f"{', '.join(names)} in {results}" if names else str(results)
        raise AdambenchError(f"{where}: there is no page and no chart yet", f"Write a page: {words}")
    return max(kept, key=lambda file: (file.stat().st_mtime_ns, file))


def find_record(word: str, results: Path, warn: Callable[[str], object]) -> Record:
    """The record in a results folder whose id begins with a word, or is at the end of it as in `<label>-<id>.json`.

    Raises AdambenchError if there is no such run or more than one, or if two experiments hold different curves of it.
    """
    wanted = Path(word).stem.rpartition("-")[2]
    matches: dict[str, list[tuple[Folder, Record]]] = {}
    for folder in folders(results, None):
        for id_, record in folder.records(warn).items():
            if wanted and id_.startswith(wanted):
                matches.setdefault(id_, []).append((folder, record))
    if len(matches) != 1:
        found = f"{len(matches)} runs have" if matches else "no run has"
        some = [f"{places[0][0].path.name} {places[0][1].data['optimizer']}-{id_}" for id_, places in matches.items()]
        more = f" and {len(some) - MOST} more" if len(some) > MOST else ""
        raise AdambenchError(
            f"{word or 'an empty word'}: {found} an id in {results} that starts with it",
            f"They are {', '.join(some[:MOST])}{more}."
            if some
            else "The ids are part of the file names: results/<experiment>/runs/<label>-<id>.json.",
        )
    ((id_, places),) = matches.items()
    if any(first_difference(places[0][1].curve, other.curve) for _, other in places):
        names = ", ".join(str(folder.path) for folder, _ in places)
        raise AdambenchError(
            f"{word}: run {id_} has different curves in {names}",
            "Give the path of the file. `adambench verify` tells which of the curves can be repeated.",
        )
    return places[0][1]
