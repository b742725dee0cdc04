"""Turns a YAML file into a checked experiment. Every mistake is reported, with its place, before anything runs."""

import difflib
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from adambench.config import plugins, schema, yamlfile
from adambench.config.check import Check
from adambench.config.experiment import Claim, DataSource, Experiment, Judging, Tuning, named
from adambench.config.names import Plugin
from adambench.config.overrides import add_plugin, override, refuse_idle
from adambench.config.yamlfile import Source
from adambench.errors import AdambenchError

MAX_BYTES = 2**20
AGAIN = "`adambench run` with the YAML file of the experiment writes its stored configuration anew."


def load(file: Path, overrides: Sequence[str] = (), more: Sequence[str] = ()) -> Experiment:
    """The experiment of a YAML file, with `KEY=VALUE` overrides (KEY: a dotted path). Executes its plug-ins.

    more: plug-ins that are named on the command line. Raises AdambenchError that lists every mistake as
    `file:line: path: what is wrong. Allowed: … Did you mean …?`
    """
    return parse(read_text(file), str(file), file.parent, overrides, more)


def parse(
    text: str,
    name: str,
    folder: Path = Path(),
    overrides: Sequence[str] = (),
    more: Sequence[str] = (),
    numbered: bool = True,
) -> Experiment:
    """Like `load`, from text. name: of the file, for messages, which give lines if numbered; folder: of its paths."""
    values, source = yamlfile.parse(text, name, numbered)
    shared = values.get("optimizers") if isinstance(values, dict) else None
    labels = list(shared) if isinstance(shared, dict) else []
    for words in overrides:
        override(values, source, words)
    refuse_idle(values, source, labels)
    for plugin in more:
        add_plugin(values, source, plugin)
    return _checked(values, source, folder, plugins.execute)


def read(file: Path) -> Experiment:
    """The experiment of a stored configuration. Executes nothing, whatever the configuration names.

    What this package does not know is represented by a stand-in (`config.names`). Raises AdambenchError like `load`.
    """
    try:
        values, source = yamlfile.parse(read_text(file), str(file))
        return _checked(values, source, file.parent, plugins.recorded)
    except AdambenchError as error:
        raise AdambenchError(error.message, AGAIN) from error


def _checked(values: Any, source: Source, folder: Path, registries: schema.Registries) -> Experiment:
    check = Check(source)
    experiment = schema.experiment(values, check, folder, registries)
    if check.errors or experiment is None:
        raise AdambenchError(check.message())
    return replace(experiment, written=source)


def starter(name: str) -> str:
    """A commented file to start from: `starter.yaml`, a configuration, or `starter_plugin.py`."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def resolved(experiment: Experiment) -> str:
    """The experiment as YAML with all defaults written out; `parse` gives the same experiment back."""
    return yamlfile.dump(
        {
            "name": experiment.name,
            **({"plugins": [_plugin(plugin) for plugin in experiment.plugins]} if experiment.plugins else {}),
            "dataset": _source(experiment.dataset),
            "tuning": _tuning(experiment.tuning),
            **({"search": asdict(experiment.search)} if experiment.search else {}),
            "evaluate": asdict(experiment.evaluate),
            "problems": {
                problem.name: {
                    **({"dataset": _source(problem.dataset)} if problem.dataset else {}),
                    "model": named(problem.model),
                    "schedule": named(problem.schedule),
                    **{key: value for key in ("title", "figure", "train_images") if (value := getattr(problem, key))},
                    "epochs": problem.epochs,
                    "batch_size": problem.batch_size,
                    **({"average": problem.average} if problem.average else {}),
                    **({"clip_norm": problem.clip_norm} if problem.clip_norm else {}),
                    **({"validation": problem.validation} if problem.validation else {}),
                    **({"sampling": problem.sampling} if problem.sampling != "shuffle" else {}),
                    "seeds": list(problem.seeds),
                    "optimizers": {
                        grid.label: {"name": grid.rule}
                        | {key: axis[0] if len(axis) == 1 else list(axis) for key, axis in grid.axes.items()}
                        | dict(grid.given)
                        for grid in problem.grids
                    },
                }
                for problem in experiment.problems
            },
            **(
                {"inspect": asdict(experiment.inspect) | {"optimizers": [*experiment.inspect.optimizers]}}
                if experiment.inspect.optimizers
                else {}
            ),
            **({"judging": asdict(experiment.judging)} if experiment.judging != Judging() else {}),
            **({"claims": [_plain(claim) for claim in experiment.claims]} if experiment.claims else {}),
        }
    )


def check_storable(experiment: Experiment) -> None:
    """Raises AdambenchError if the stored configuration could not be read again, as with odd characters in a path."""
    try:
        yamlfile.parse(resolved(experiment), "its configuration could not be read again, if it were stored, line ")
    except AdambenchError as error:
        hint = "Is it in the path of a folder of images? Then rename that folder."
        raise AdambenchError(f"{experiment.name}: {error.message}".replace(" :", " "), hint) from error


def _source(source: DataSource) -> dict[str, str]:
    return {key: value for key, value in asdict(source).items() if value and key != "plugin"}


def _tuning(tuning: Tuning) -> dict[str, Any]:
    plain = {key: value for key, value in asdict(tuning).items() if value is not None}
    seeds = plain.pop("seeds")
    return {"seeds": list(seeds), **{key: plain[key] for key in plain if key != "seed"}} if seeds else plain


def differences(one: Experiment, other: Experiment) -> list[str]:
    """The dotted paths of what differs between two experiments."""
    old, new = (_flat(yamlfile.parse(resolved(experiment), "")[0]) for experiment in (one, other))
    return sorted(key for key in old | new if old.get(key) != new.get(key))


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Plain values by dotted path; lists as they are."""
    if not isinstance(value, dict):
        return {path: value}
    return {
        key: item for name, part in value.items() for key, item in _flat(part, f"{path}.{name}".lstrip(".")).items()
    }


def _plugin(plugin: Plugin) -> dict[str, Any]:
    """As `run` stores it: the copy in the results folder, and what it defines."""
    return {"name": f"plugins/{plugin.file}", "sha256": plugin.sha256, **plugin.defines}


def _plain(claim: Claim) -> dict[str, Any]:
    bound = list(claim.bound) if claim.relation == "between" else claim.bound[0]
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        **({"problem": claim.problem} if claim.problem else {}),
        "quantity": claim.quantity.text,
        "relation": claim.relation,
        "bound": bound,
    }


def read_text(file: Path) -> str:
    """The text of a configuration. Raises AdambenchError if it cannot be read."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise _is_a_folder(file) from error
    except (OSError, ValueError) as error:
        hint = "`adambench init` writes a commented file to start from."
        with suppress(OSError, ValueError):
            found = [*file.parent.glob("*.yaml"), *(file.parent / "configs").glob("*.yaml")]
            files = [path for path in found if path != file]
            names = [path.name for path in files]
            if near := difflib.get_close_matches(file.with_suffix(".yaml").name, names, n=1, cutoff=0.6):
                hint = f"Did you mean {files[names.index(near[0])]}?"
        raise AdambenchError(f"{file}: cannot be read: {getattr(error, 'strerror', error)}", hint) from error
    if len(data) > MAX_BYTES:
        raise AdambenchError(f"{file}: larger than 1 MiB, so it is not an experiment")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AdambenchError(f"{file}: not a text file in UTF-8") from error


def _is_a_folder(file: Path) -> AdambenchError:
    if (file / "config.yaml").is_file():
        parent = file.absolute().parent
        where = "" if parent == Path("results").absolute() else f" --results {shlex.quote(str(file.parent))}"
        return AdambenchError(
            f"{file}: the results folder of an experiment, but `run` needs a YAML file",
            f"Try: adambench run {shlex.quote(str(file / 'config.yaml'))}{where}",
        )
    there = sorted(file.glob("*.yaml")) or sorted(file.glob("*/config.yaml"))
    hint = f"For example: adambench run {there[0]}" if there else "`adambench init` writes a commented file."
    return AdambenchError(f"{file}: a folder, but `run` needs a YAML file", hint)
