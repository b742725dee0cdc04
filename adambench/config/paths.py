"""Paths in a configuration."""

import os
from pathlib import Path


def absolute(path: str, folder: Path) -> str | None:
    """The path with `~` and environment variables expanded, from `folder` if it is relative; None if it is no path.

    No file is looked up.
    """
    try:
        if "\0" in path:
            return None
        # os.path, because Path.expanduser raises for an unknown user
        return os.path.abspath(folder / os.path.expanduser(os.path.expandvars(path)))  # noqa: PTH100, PTH111
    except ValueError:  # a user's name that cannot be one
        return None
