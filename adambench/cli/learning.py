"""Commands to understand and to begin: `list`, `explain`, `init`."""

import math
from pathlib import Path
from typing import Annotated

import typer

from adambench.cli.app import TEXT, Format, tell
from adambench.errors import AdambenchError


def list_(format: Format = TEXT) -> None:
    """List optimizers, models, data sets and schedules with their defaults and meaning."""
    from adambench.show.catalogue import catalogue

    tell(catalogue(), format)


def explain(
    rule: Annotated[str, typer.Argument(help="An optimizer of `adambench list`.")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its hyper-parameters, for example lr=0.1.")
    ] = None,
    grads: Annotated[str | None, typer.Option(help="The gradients it gets, for example 1,-2,0.5.")] = None,
    theta: Annotated[float, typer.Option(help="Where the weight starts.")] = 0.0,
) -> None:
    """Explain an optimizer: its equations, and its first steps on one weight, computed by its own code."""
    from adambench import explanation
    from adambench.config.loading import optimizer
    from adambench.show.catalogue import explained
    from adambench.show.terminal import console

    chosen = optimizer(rule, settings or [])
    try:
        given = [float(grad) for grad in grads.split(",")] if grads else list(explanation.GRADS)
    except ValueError as error:
        raise AdambenchError(
            f"--grads {grads}: must be numbers separated by commas", "For example: --grads 1,-2,0.5"
        ) from error
    if not all(map(math.isfinite, [*given, theta])) or len(given) > 1000:
        raise AdambenchError("--grads, --theta: must be finite, and at most 1,000 gradients")
    prelude, steps = explained(rule, chosen, explanation.work(chosen, given, theta))
    console().print(prelude)
    tell([steps])


def init(file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("experiment.yaml")) -> None:
    """Write a commented configuration to start from."""
    from adambench.config.loading import starter
    from adambench.store.files import write_new

    write_new(file, starter())
    print(f"wrote {file}; now: adambench run {file}")
