"""The application and what its commands share: options, warnings, and how errors are reported."""

import io
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adambench import __version__
from adambench.errors import AdambenchError
from adambench.show.table import RENDERERS, Table

app = typer.Typer(
    help="Reproduces the MNIST comparison of the Adam paper (Kingma & Ba 2015) from scratch in NumPy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

TableFormat = StrEnum("TableFormat", {name: name for name in RENDERERS})  # type: ignore[misc]  # one for each renderer
TEXT = TableFormat("text")

Results = Annotated[Path, typer.Option(help="Folder that holds a folder for each experiment.")]
Names = Annotated[list[str] | None, typer.Argument(help="Experiments by name; all in the results folder if left out.")]
Format = Annotated[TableFormat, typer.Option(help="How to print the tables.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=0, help="Number of worker processes; as many as there are cores if left out. 0: in this process."),
]


class Picture(StrEnum):
    png = "png"
    svg = "svg"
    pdf = "pdf"


def main() -> None:
    """The console command. What the user can correct is reported without a traceback, with exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters shows question marks
    try:
        app()
    except AdambenchError as error:
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"adambench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def tell(tables: Sequence[Table], format: TableFormat = TEXT) -> None:
    """Print tables in one of the formats."""
    print(RENDERERS[format.value](tables), end="")
