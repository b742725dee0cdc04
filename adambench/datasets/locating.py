"""Finds the files of a data set, under the names that MNIST and its relatives are distributed with."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from adambench.errors import AdambenchError

PLACES = ("", "raw", "MNIST/raw")  # below the folder; torchvision makes the last two
MOST_NAMES = 6  # of files that a message lists
FORMAT = "A data set is a folder of four IDX files with the names of MNIST's."


def find(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """The path of each file. All are in the folder itself or all in `raw` or `MNIST/raw`, whichever has any of them.

    A name may have a dot in place of its second hyphen (`train-images.idx3-ubyte`) and may end in `.gz`. Raises
    AdambenchError that says what is in the folder instead.
    """
    try:
        if not folder.is_dir():
            raise _no_folder(folder)
        for place in PLACES:
            files = {name: path for name in names if (path := _file(folder / place, name))}
            if missing := [name for name in names if name not in files]:
                if not files and place != PLACES[-1]:
                    continue
                where = folder / place if files else folder
                raise AdambenchError(
                    f"{where}: has no file {missing[0]} or {missing[0]}.gz; it holds {contents(where)}", FORMAT
                )
            break
    except OSError as error:
        raise AdambenchError(f"{folder}: cannot be read: {error.strerror}", FORMAT) from error
    return files


def contents(folder: Path) -> str:
    """What is in a folder, in words: `raw/, a.zip and 3 more`."""
    there = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir() if not path.name.startswith("."))
    more = f" and {len(there) - MOST_NAMES} more" if len(there) > MOST_NAMES else ""
    return ", ".join(there[:MOST_NAMES]) + more if there else "nothing"


def _file(folder: Path, name: str) -> Path | None:
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / f"{stem}{ending}" for stem in (name, dotted) for ending in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _no_folder(folder: Path) -> AdambenchError:
    if folder.is_file():
        return AdambenchError(f"{folder}: a file, but a data set is a folder", FORMAT)
    unset = [name for name in re.findall(r"\$\{?(\w+)", str(folder)) if name not in os.environ]
    if unset:
        return AdambenchError(f"{folder}: no such folder", f"The environment variable {unset[0]} is not set.")
    above = next(parent for parent in folder.parents if parent.is_dir())
    return AdambenchError(
        f"{folder}: no such folder; {above} holds {contents(above)}",
        "A relative path starts from the folder of the YAML file. Change the path if the images are elsewhere.",
    )
