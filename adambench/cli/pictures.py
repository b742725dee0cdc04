"""Pictures of commands: their formats and styles, and a picture in a file that the user names."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

from adambench import __version__
from adambench.cli.app import TEXT, TableFormat
from adambench.errors import AdambenchError


class Style(StrEnum):
    page = "page"
    slide = "slide"


class Picture(StrEnum):
    png = "png"
    svg = "svg"
    pdf = "pdf"


def check_picture(option: str, path: Path) -> None:
    """Refuses a name that is not one of a picture, and a folder that is not there or cannot be written."""
    if path.suffix[1:] not in list(Picture) or not path.parent.is_dir():
        raise AdambenchError(f"{option} {path}: needs an existing folder and a name that ends in .png, .svg or .pdf")
    if not os.access(Path(os.path.realpath(path)).parent, os.W_OK):  # before minutes of work; a link leads elsewhere
        raise AdambenchError(f"{option} {path}: its folder cannot be written to")


def write_picture(figure: Any, path: Path, format: TableFormat = TEXT) -> None:
    """Write a chart, and say so unless standard output holds a table for programs."""
    from adambench.show import charts
    from adambench.writing import write_through

    write_through(path, charts.save(figure, path.suffix[1:], f"adambench {__version__}"))
    if format is TEXT:
        print(f"wrote {path}")
