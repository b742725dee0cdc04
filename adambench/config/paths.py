"""Paths in a configuration."""

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """A path with `~` and environment variables expanded; as it is where there is no such user or variable."""
    return Path(os.path.expanduser(os.path.expandvars(path)))  # noqa: PTH111  # Path raises for an unknown user


def absolute(path: str, folder: Path) -> str | None:
    """The path with `~` and environment variables expanded, from `folder` if it is relative; None if it is no path.

    No file is looked up.
    """
    try:
        if "\0" in path:
            return None
        return os.path.abspath(folder / expanded(path))  # noqa: PTH100  # links stay links
    except ValueError:  # a user's name that cannot be one
        return None
