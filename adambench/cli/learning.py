"""Commands to understand, to begin and to extend: `list`, `explain`, `lesson`, `init`, `check`, `schema`."""

import math
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from adambench.cli.app import TEXT, Format, Plugins, tell, web_page
from adambench.cli.pictures import check_picture, write_picture
from adambench.errors import AdambenchError


def list_(plugin: Plugins = None, format: Format = TEXT) -> None:
    """List optimizers, models, data sets and schedules with their defaults and meaning."""
    from adambench.config.plugins import registries
    from adambench.show.catalogue import catalogue

    tell(catalogue(registries(plugin or [])), format)


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
    steps: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="With --plot: the number of steps; 100 if left out.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Explain an optimizer: its equations, and its first steps on one weight, computed by its own code.

    Several optimizers are shown side by side on the same gradients.
    """
    from adambench import explanation
    from adambench.config.choosing import optimizers
    from adambench.config.plugins import registries
    from adambench.show.catalogue import compared, explained
    from adambench.show.terminal import console

    known = registries(plugin or [])
    chosen = optimizers([word for word in rules if "=" not in word], [word for word in rules if "=" in word], known)
    try:
        words = [] if grads is None else grads.split(",")
        given = [float(word.replace("−", "-")) for word in words] or list(explanation.GRADS)
    except ValueError as error:
        raise AdambenchError(
            f"--grads {grads}: must be numbers separated by commas", "For example: --grads 1,-2,0.5"
        ) from error
    if not all(map(math.isfinite, [*given, theta])) or len(given) > 1000:
        raise AdambenchError("--grads, --theta: must be finite, and at most 1,000 gradients")
    if plot:
        check_picture("--plot", plot)
    elif steps:
        raise AdambenchError("--steps: only for --plot", "For other steps of the table, give --grads.")
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

        write_picture(charts.valley(chosen, steps or 100), plot)


def lesson(
    output: Annotated[
        Path, typer.Option(metavar="FILE.html", help="Where to write it. An existing file is replaced.")
    ] = Path("lesson.html"),
) -> None:
    """Write a lesson about Adam to play with: one HTML file that works offline.

    Optimizers go down a small valley, step by step. Every step is computed by their own code.
    """
    from adambench.show import lesson
    from adambench.writing import write_through

    print(f"wrote {write_through(web_page(output), lesson.lesson())}")


def check(
    plugin: Annotated[str, typer.Argument(metavar="FILE", help="A file or module with optimizers, … of your own.")],
    format: Format = TEXT,
) -> None:
    """Check a plug-in: what every optimizer, schedule, model and data set must do; agreement with a reference.

    The exit code is 1 if something is wrong.
    """
    from adambench.config.plugins import references, registries
    from adambench.reference import trial, trials
    from adambench.show import findings

    known = registries([plugin])
    mine, reference = known.plugins[0].defines, references(known.plugins[0])
    found = [
        finding
        for name in mine.get("optimizers", ())
        for finding in trial(name, known.optimizers[name](), reference.get(name))
    ]
    found += trials({kind: {name: getattr(known, kind)[name] for name in names} for kind, names in mine.items()})
    tell([findings.trials(plugin, found)], format)
    if any(finding.wrong for finding in found):
        raise typer.Exit(1)


def init(
    file: Annotated[Path | None, typer.Argument(help="Where to write it: experiment.yaml if left out.")] = None,
    plugin: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a rule of your own to start from instead, a Python file.")
    ] = None,
) -> None:
    """Write a commented configuration to start from, or a commented rule."""
    from adambench.config import yamlfile
    from adambench.config.check import NAME
    from adambench.config.loading import starter
    from adambench.writing import write_new

    if plugin and file:
        raise AdambenchError(
            f"--plugin {plugin}: one file is written, but {file} is named too", "Leave one of them out."
        )
    if plugin and plugin.suffix != ".py":
        raise AdambenchError(f"--plugin {plugin}: must be a file that ends in .py")
    then, text = ("check", "starter_plugin.py") if plugin else ("run", "starter.yaml")
    file = plugin or file or Path("experiment.yaml")
    is_name = NAME.fullmatch(file.stem) and yamlfile.parse(file.stem, "")[0] == file.stem  # 2024 would be a number
    words = {"FILE": shlex.quote(str(file)), "NAME": file.stem if is_name else "starter"}
    write_new(file, re.sub("FILE|NAME", lambda found: words[found[0]], starter(text)))
    print(f"wrote {file}; now: adambench {then} {shlex.quote(str(file))}")


def schema(
    output: Annotated[Path | None, typer.Option(help="Write it into this file instead of printing it.")] = None,
    plugin: Plugins = None,
) -> None:
    """Print the JSON Schema of a configuration, with which an editor completes and checks its keys."""
    import json

    from adambench.config.json_schema import json_schema
    from adambench.config.plugins import registries
    from adambench.writing import write_through

    text = json.dumps(json_schema(registries(plugin or [])), indent=1, ensure_ascii=False) + "\n"
    if output is None:
        print(text, end="")
    elif not output.parent.is_dir():
        raise AdambenchError(f"--output {output}: there is no folder {output.parent}")
    else:
        print(f"wrote {write_through(output, text)}")
