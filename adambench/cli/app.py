"""The application and what its commands share: options, warnings, and how errors are reported."""

import gc
import glob
import io
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adambench import __version__
from adambench.cli.usage import UsageError, mistake
from adambench.errors import AdambenchError, in_plugin, neutral
from adambench.show.table import RENDERERS, Table

if TYPE_CHECKING:
    from adambench.session import Session

app = typer.Typer(
    help="Reproduces the MNIST comparison of the Adam paper (Kingma & Ba 2015) from scratch in NumPy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

TableFormat = StrEnum("TableFormat", {name: name for name in RENDERERS})  # type: ignore[misc]  # one for each renderer
TEXT = TableFormat("text")


def _results(context: typer.Context, results: Path) -> Path:
    """The results folder, with `~` and environment variables expanded. Refuses the folder of one experiment."""
    from adambench.config.paths import expanded
    from adambench.store.folder import is_experiment

    results = expanded(results)
    if is_experiment(results):
        raise AdambenchError(
            f"{results}: the folder of one experiment, but --results takes the folder that contains it",
            f"Try: adambench {_corrected(context, results.resolve())}",
        )
    return results


def _corrected(context: typer.Context, experiment: Path) -> str:
    """The command that was given, with the right --results, and with the name of the experiment if it takes one."""
    words = sys.argv[1:]
    at = next((i for i, word in enumerate(words) if word.partition("=")[0] == "--results"), len(words))
    words[at : at + (1 if "=" in "".join(words[at : at + 1]) else 2)] = []
    takes_names = any(parameter.name == "experiments" for parameter in context.command.params)
    if takes_names and (len(words) < 2 or words[1].startswith("-")):
        words.insert(1, experiment.name)
    return shlex.join(words) + _option(experiment.parent)


def _names(context: typer.Context, names: list[str] | None) -> list[str] | None:
    """The names of experiments. Refuses paths."""
    from adambench.store.folder import holds_experiments, is_experiment

    for name in names or []:
        path = Path(name)
        path = path.parent if path.name == "config.yaml" else path
        command = f"Try: adambench {context.info_name}"
        if path.suffix in (".yaml", ".yml"):
            raise AdambenchError(
                f"{name}: a YAML file, but `{context.info_name}` takes the name of an experiment",
                f"{command} {path.stem}, or whatever its key `name` says.",
            )
        if path == Path(name) and "/" not in name:
            continue
        if is_experiment(path):
            raise AdambenchError(
                f"{name}: a path, but `{context.info_name}` takes the name of an experiment",
                f"{command} {path.resolve().name}{_option(path.resolve().parent)}",
            )
        if holds_experiments(path):
            raise AdambenchError(
                f"{name}: a folder of experiments, but `{context.info_name}` takes the name of one",
                f"{command}{_option(path.resolve())}",
            )
    return names


def there(context: typer.Context, incomplete: str) -> list[str]:
    """For completion: the experiments in the results folder."""
    results = Path(context.params.get("results") or "results")
    return sorted(path.parent.name for path in results.glob(f"{glob.escape(incomplete)}*/config.yaml"))


def run_ids(context: typer.Context, incomplete: str) -> list[str]:
    """For completion: the ids of the records in the results folder."""
    results = Path(context.params.get("results") or "results")
    ids = (path.stem.rpartition("-")[2] for path in results.glob("*/runs/*.json"))
    return sorted(id_ for id_ in ids if id_.startswith(incomplete))


def _option(results: Path) -> str:
    """`--results` for a folder, if it is not the default."""
    return "" if results == Path("results").resolve() else f" --results {shlex.quote(os.path.relpath(results))}"


Results = Annotated[Path, typer.Option(help="Folder that holds a folder for each experiment.", callback=_results)]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Experiments by name; all in the results folder if left out.", callback=_names, autocompletion=there
    ),
]
Format = Annotated[TableFormat, typer.Option(help="How to print the tables.")]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="FILE", help="A file or module with optimizers, … of your own. Can be repeated."),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=0, help="Number of worker processes; as many as there are cores if left out. 0: in this process."),
]


Width = Annotated[
    float | None,
    typer.Option(min=3, max=40, help="Width of a figure in inches, for print; its type stays at 8 to 10 points."),
]


def web_page(path: Path) -> Path:
    """The path of a page to write. Refuses a name that a browser does not take for a page."""
    if path.suffix not in (".html", ".htm"):
        example = path.with_suffix(".html") if path.name else path / "page.html"
        raise AdambenchError(f"{path}: the page is HTML", f"Try: --output {example}")
    return path


def _at_home(word: str) -> str:
    """`--plot=~/x.png` with the home folder in it: a shell expands `~` only where a word begins with it."""
    option, _, path = word.partition("=")
    if not (option.startswith("--") and path.startswith("~")):
        return word
    return f"{option}={os.path.expanduser(path)}"  # noqa: PTH111  # Path raises for an unknown user


def main() -> None:
    """The console command. What the user can correct is reported without a traceback, with exit code 2."""
    _open_what_is_closed()
    sys.argv[1:] = map(_at_home, sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters shows question marks
    try:
        code = _run()
        sys.stdout.flush()  # a full disk is told here, and not by Python at the end
        sys.exit(code)
    except AdambenchError as error:
        print(neutral("\n".join(filter(None, (error.message, error.hint)))), file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read the output has read enough, as with `| head`
        _silence()
        sys.exit(1)
    except OSError as error:  # of a call that nobody expected to fail: the system, not a bug
        _silence()
        where = f"{error.filename}: " if error.filename else ""
        print(neutral(f"{where}{error.strerror or error}"), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not (said := in_plugin(error)):
            raise  # a bug of ours
        print(neutral(said), file=sys.stderr)
        sys.exit(2)


def _open_what_is_closed() -> None:
    """If it was started without an output (`>&-`), what is printed goes nowhere, and no file takes its place."""
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(handle, True)  # by workers, where a file of ours would else be their output
    sys.stdout, sys.stderr = (stream or os.fdopen(os.dup(handle), "w") for stream in (sys.stdout, sys.stderr))
    os.close(handle)


def _silence() -> None:
    """Leave what is not printed yet: it cannot be."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run() -> int:
    """The exit code."""
    try:
        return app(standalone_mode=False) or 0
    except UsageError as error:
        raise mistake(error) from error
    except (OSError, SystemExit) as error:
        if not (said := in_plugin(error)):
            raise
        raise AdambenchError(said) from error


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
    print(neutral(f"warning: {message}"), file=sys.stderr)


@contextmanager
def opened(results: Path, names: list[str] | None, warn: "Callable[[str], object]" = warn) -> "Iterator[list[Session]]":
    """Experiments in a results folder, read without executing anything.

    One that cannot be read does not stop the others: it is a warning, and at the end exit code 1.
    """
    from adambench.stored import stored

    skipped = []

    def skip(message: str) -> None:
        skipped.append(message)
        warn(message)

    found = stored(results, names, warn, skip)
    gc.freeze()  # it lives as long as this process
    yield found
    if skipped:
        raise typer.Exit(1)


def tell(tables: Sequence[Table], format: TableFormat = TEXT) -> None:
    """Print tables in one of the formats."""
    print(RENDERERS[format.value](tables), end="")
