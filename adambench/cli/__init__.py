"""The commands, a module for each group of them. A command parses its options, calls the layers below, and prints.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from adambench.cli.app import app, main
from adambench.cli.background import status
from adambench.cli.judging import claims, fairness, verify
from adambench.cli.learning import check, explain, init, list_
from adambench.cli.looking import plot, report, show, table
from adambench.cli.matching import match
from adambench.cli.merging import merge
from adambench.cli.rating import lr_find
from adambench.cli.running import run
from adambench.cli.timing import bench
from adambench.cli.working import worker

__all__ = ["app", "main"]

for command in (
    run,
    status,
    plot,
    table,
    report,
    claims,
    match,
    fairness,
    verify,
    show,
    merge,
    worker,
    lr_find,
    bench,
    list_,
    explain,
    check,
    init,
):  # as --help lists them
    app.command(name=command.__name__.rstrip("_").replace("_", "-"))(command)
