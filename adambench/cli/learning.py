"""Commands to understand and to begin: `list`, `explain`, `init`."""

import math
from pathlib import Path
from typing import Annotated

import typer

from adambench import __version__
from adambench.cli.app import TEXT, Format, Picture, tell
from adambench.errors import AdambenchError


def list_(format: Format = TEXT) -> None:
    """List optimizers, models, data sets and schedules with their defaults and meaning."""
    from adambench.show.catalogue import catalogue

    tell(catalogue(), format)


def explain(
    rules: Annotated[
        list[str],
        typer.Argument(
            metavar="RULE... [KEY=VALUE]...",
            help="Optimizers of `adambench list`, and hyper-parameters for those that have them, for example lr=0.1.",
        ),
    ],
    grads: Annotated[str | None, typer.Option(help="The gradients they get, for example 1,-2,0.5.")] = None,
    theta: Annotated[float, typer.Option(help="Where the weight starts.")] = 0.0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the rules on a two-dimensional valley, as png, svg or pdf.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="With --plot: the number of steps.")] = 100,
) -> None:
    """Explain an optimizer: its equations, and its first steps on one weight, computed by its own code.

    Several optimizers are shown side by side on the same gradients.
    """
    from adambench import explanation
    from adambench.config.loading import optimizers
    from adambench.show.catalogue import compared, explained
    from adambench.show.terminal import console

    chosen = optimizers([word for word in rules if "=" not in word], [word for word in rules if "=" in word])
    try:
        given = [float(grad.replace("−", "-")) for grad in grads.split(",")] if grads else list(explanation.GRADS)
    except ValueError as error:
        raise AdambenchError(
            f"--grads {grads}: must be numbers separated by commas", "For example: --grads 1,-2,0.5"
        ) from error
    if not all(map(math.isfinite, [*given, theta])) or len(given) > 1000:
        raise AdambenchError("--grads, --theta: must be finite, and at most 1,000 gradients")
    if plot and (plot.suffix[1:] not in list(Picture) or not plot.parent.is_dir()):
        raise AdambenchError(f"--plot {plot}: needs an existing folder and a name that ends in .png, .svg or .pdf")
    worked = {name: explanation.work(rule, given, theta) for name, rule in chosen.items()}
    if len(chosen) == 1:
        ((name, rule),) = chosen.items()
        prelude, table = explained(name, rule, worked[name])
        console().print(prelude)
    else:
        table = compared(chosen, worked)
    tell([table])
    if plot:
        from adambench.show import charts
        from adambench.store.files import write

        figure = charts.valley(chosen, steps)
        print(f"wrote {write(plot, charts.save(figure, plot.suffix[1:], f'adambench {__version__}'))}")


def init(file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("experiment.yaml")) -> None:
    """Write a commented configuration to start from."""
    from adambench.config.loading import starter
    from adambench.store.files import write_new

    write_new(file, starter())
    print(f"wrote {file}; now: adambench run {file}")
