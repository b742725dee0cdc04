"""`adambench bench`: what a training step costs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from adambench.cli.app import TEXT, Format, tell
from adambench.cli.pictures import check_picture, write_picture
from adambench.errors import AdambenchError


def bench(
    format: Format = TEXT,
    growth: Annotated[
        bool, typer.Option("--growth", help="Time how the cost grows with size instead; takes some minutes.")
    ] = False,
    chart: Annotated[Path | None, typer.Option(help="With --growth: draw it too, as png, svg or pdf.")] = None,
) -> None:
    """Time training steps on one core, beside their matrix products, and PyTorch and JAX where they are installed."""
    from dataclasses import asdict

    from adambench.bench import plans, steps
    from adambench.datasets import mnist
    from adambench.execution.provenance import provenance
    from adambench.show.timings import timings

    if chart and not growth:
        raise AdambenchError(f"--chart {chart}: needs --growth")
    if chart:
        check_picture("--chart", chart)
    dataset = mnist()
    numbers: dict[str, Any] = {"machine": provenance()}
    with steps.one_core():
        if growth:
            numbers["growth"] = steps.growth(dataset)
        else:
            numbers["steps"] = [asdict(step) for step in steps.all_steps(dataset)]
            numbers["updates"] = {rule: asdict(pair) for rule, pair in steps.updates(dataset).items()}
            numbers["beside"] = [asdict(beside) for beside in steps.beside(dataset)]
    if growth:
        numbers["growth"]["jobs"] = steps.jobs_growth(dataset)
        numbers["growth"]["runs in the plan"] = plans.growth()
    tell(timings(numbers), format)
    if chart:
        from adambench.show import charts

        write_picture(charts.growth(numbers["growth"]), chart, format)
