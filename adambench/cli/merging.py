"""`adambench merge`: the records of several results folders in one."""

from pathlib import Path
from typing import Annotated

import typer

from adambench.cli.app import Results, warn


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Results folders to take records from.")],
    results: Results = Path("results"),
) -> None:
    """Copy the records of other results folders into one, and write its tables. Refuses runs whose curves differ."""
    from adambench.config import loading
    from adambench.session import Session
    from adambench.show.terminal import console, plural
    from adambench.store.merge import merge

    out = console()
    for merged in merge(folders, results, warn):
        session = Session.open(loading.read(merged.folder.config), merged.folder, warn)
        out.print(
            f"{session.name}: {plural(merged.new, 'new record')}, {merged.total} in {merged.folder.runs}",
            markup=False,
            soft_wrap=True,
        )
        for path in session.write_tables():
            out.print(f"wrote {path}", markup=False, soft_wrap=True)
