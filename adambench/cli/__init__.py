"""The commands, a module for each group of them. A command parses its options, calls the layers below, and prints.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from collections.abc import Callable

from adambench.cli.app import app, main
from adambench.cli.background import status
from adambench.cli.comparing import compare
from adambench.cli.judging import claims, fairness, verify
from adambench.cli.learning import check, explain, init, lesson, list_, schema
from adambench.cli.looking import open_, plot, report, show, table
from adambench.cli.matching import match
from adambench.cli.merging import merge
from adambench.cli.rating import lr_find
from adambench.cli.running import run
from adambench.cli.timing import bench
from adambench.cli.working import worker
from adambench.docstring import docstring

__all__ = ["app", "main"]

# By group, as --help lists them, with an example of each.
GROUPS: dict[str, dict[Callable[..., None], str]] = {
    "Run": {
        init: "init my.yaml",
        run: "run configs/mnist.yaml problems.mlp.epochs=3",
        status: "status",
        merge: "merge part1 part2 --results results",
        worker: "worker tcp://host:8786",
    },
    "Look": {
        table: "table mnist --format markdown",
        plot: "plot mnist --metric test_error --format pdf",
        report: "report mnist",
        open_: "open mnist",
        show: "show 3f2a",
    },
    "Judge": {
        claims: "claims figure1 --results results/paper",
        match: "match figure1 --results results/paper",
        compare: "compare mine results/paper/figure1 --pair my_rule=adam",
        fairness: "fairness mnist",
        verify: "verify mnist --sample 2",
    },
    "Understand": {
        explain: "explain adam rmsprop lr=0.1",
        lesson: "lesson",
        lr_find: "lr-find configs/mnist.yaml",
        list_: "list",
        bench: "bench",
    },
    "Extend": {
        check: "check my_rule.py",
        schema: "schema --output schema.json",
    },
}

for group, commands in GROUPS.items():
    for command, example in commands.items():
        name = command.__name__.rstrip("_").replace("_", "-")
        epilog = f"Example: adambench {example}"
        app.command(name=name, help=docstring(command), rich_help_panel=group, epilog=epilog)(command)
