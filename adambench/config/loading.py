"""Turns a YAML file into a checked experiment. Every mistake is reported, with its place, before anything runs."""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adambench.config import schema, yamlfile
from adambench.config.check import Check, hints_of, show
from adambench.config.experiment import Claim, Experiment, Inspect, Judging, named
from adambench.config.yamlfile import Path as Where
from adambench.config.yamlfile import Source
from adambench.errors import AdambenchError, unknown
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.schedules import SCHEDULES

MAX_BYTES = 2**20


def load(file: Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a YAML file, with `KEY=VALUE` overrides (KEY: a dotted path).

    Raises AdambenchError that lists every mistake as `file:line: path: what is wrong. Allowed: … Did you mean …?`
    """
    return parse(_read(file), str(file), file.parent, overrides)


def parse(text: str, name: str, folder: Path = Path(), overrides: Sequence[str] = ()) -> Experiment:
    """Like `load`, from text. name: of the file, for messages; folder: where relative paths start."""
    values, source = _overridden(text, name, overrides)
    check = Check(source)
    experiment = schema.experiment(values, check, folder)
    if check.errors or experiment is None:
        raise AdambenchError(check.message())
    return experiment


def check_sizes(experiment: Experiment, images: int, file: Path, overrides: Sequence[str] = ()) -> None:
    """Refuse a batch size or train_images above the number of training images, known only when the data set is read.

    The records would name a batch size that was never used.
    """
    too_large = [
        (problem.name, key, value, most)
        for problem in experiment.problems
        for key, value, most in (
            ("train_images", problem.train_images or 0, images),
            ("batch_size", problem.batch_size, min(images, problem.train_images or images)),
        )
        if value > most
    ]
    if too_large:
        source = Source(str(file))
        with suppress(AdambenchError):  # a pipe cannot be read again
            _, source = _overridden(_read(file), str(file), overrides)
        check = Check(source)
        for name, key, value, most in too_large:
            found = f"must be at most {most:,}, the number of training images, found {value}"
            check.fail(("problems", name, key), found, ("dataset",), ("problems", name, "train_images"))
        raise AdambenchError(check.message())


def starter() -> str:
    """A commented configuration to start from."""
    return Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")


def optimizer(rule: str, settings: Sequence[str]) -> Optimizer:
    """A rule with `KEY=VALUE` hyper-parameters from the command line. Raises AdambenchError like `load`."""
    if rule not in OPTIMIZERS:
        raise AdambenchError(f"{rule}: {unknown(rule, OPTIMIZERS)}")
    check, values = Check(Source("command line", numbered=False)), {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not (key and equals and text):
            raise AdambenchError(f"command line, {setting}: must be KEY=VALUE, for example lr=0.1")
        values[key] = _value(text, setting)
        check.source.overridden[(key,)] = setting
    chosen = check.instance(OPTIMIZERS[rule], values, ())
    if chosen is None:
        raise AdambenchError(check.message())
    return chosen


def optimizers(rules: Sequence[str], settings: Sequence[str]) -> dict[str, Optimizer]:
    """Several rules, each with those of the `KEY=VALUE` hyper-parameters that it has. Raises AdambenchError.

    A hyper-parameter that none of the rules has is refused as `optimizer` does.
    """
    if not rules:
        raise AdambenchError("no optimizer is named", "For example: adambench explain adam lr=0.1")
    for word in rules:
        if word not in OPTIMIZERS and any(word in hints_of(cls) for cls in OPTIMIZERS.values()):
            raise AdambenchError(f"{word}: a hyper-parameter needs a value", f"For example: {word}=0.9")
    known = {rule: hints_of(OPTIMIZERS[rule]) for rule in rules if rule in OPTIMIZERS}
    of_none = [text for text in settings if not any(text.partition("=")[0] in names for names in known.values())]
    return {
        rule: optimizer(rule, [*of_none, *(text for text in settings if text.partition("=")[0] in known.get(rule, ()))])
        for rule in rules
    }


def resolved(experiment: Experiment) -> str:
    """The experiment as YAML with all defaults written out; `parse` gives the same experiment back."""
    return yamlfile.dump(
        {
            "name": experiment.name,
            "dataset": {key: value for key, value in asdict(experiment.dataset).items() if value},
            "tuning": {key: value for key, value in asdict(experiment.tuning).items() if value is not None},
            "evaluate": asdict(experiment.evaluate),
            "problems": {
                problem.name: {
                    "model": named(problem.model, MODELS),
                    "schedule": named(problem.schedule, SCHEDULES),
                    **{key: value for key in ("title", "figure", "train_images") if (value := getattr(problem, key))},
                    "epochs": problem.epochs,
                    "batch_size": problem.batch_size,
                    **({"sampling": problem.sampling} if problem.sampling != "shuffle" else {}),
                    "seeds": list(problem.seeds),
                    "optimizers": {
                        grid.label: {"name": grid.rule}
                        | {key: axis[0] if len(axis) == 1 else list(axis) for key, axis in grid.axes.items()}
                        for grid in problem.grids
                    },
                }
                for problem in experiment.problems
            },
            **({"inspect": _list(experiment.inspect)} if experiment.inspect.optimizers else {}),
            **({"judging": asdict(experiment.judging)} if experiment.judging != Judging() else {}),
            **({"claims": [_plain(claim) for claim in experiment.claims]} if experiment.claims else {}),
        }
    )


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


def _list(inspect: Inspect) -> dict[str, Any]:
    return asdict(inspect) | {"optimizers": list(inspect.optimizers)}


def _plain(claim: Claim) -> dict[str, Any]:
    bound = list(claim.bound) if claim.relation == "between" else claim.bound[0]
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "problem": claim.problem,
        "quantity": claim.quantity.text,
        "relation": claim.relation,
        "bound": bound,
    }


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise _is_a_folder(file) from error
    except (OSError, ValueError) as error:
        hint = "`adambench init` writes a commented file to start from."
        with suppress(OSError, ValueError):
            files = [*file.parent.glob("*.yaml"), *(file.parent / "configs").glob("*.yaml")]
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
        where = "" if parent == Path("results").absolute() else f" --results {file.parent}"
        return AdambenchError(
            f"{file}: the results folder of an experiment, but `run` needs a YAML file",
            f"Try: adambench run {file / 'config.yaml'}{where}",
        )
    there = sorted(file.glob("*.yaml")) or sorted(file.glob("*/config.yaml"))
    hint = f"For example: adambench run {there[0]}" if there else "`adambench init` writes a commented file."
    return AdambenchError(f"{file}: a folder, but `run` needs a YAML file", hint)


def _overridden(text: str, name: str, overrides: Sequence[str]) -> tuple[Any, Source]:
    """The values of a file after the overrides."""
    values, source = yamlfile.parse(text, name)
    for override in overrides:
        _override(values, source, override)
    return values, source


def _override(values: Any, source: Source, override: str) -> None:
    """Set one `KEY=VALUE` in the file's values."""
    key, equals, text = override.partition("=")
    path: Where = tuple(key.split("."))
    if not (equals and key and text):
        raise AdambenchError(f"command line, {override}: must be KEY=VALUE, for example problems.logistic.epochs=3")
    value = _value(text, override)
    if not isinstance(values, dict):
        return  # the check refuses the file
    here = values
    for depth, part in enumerate(path[:-1]):
        there = here.get(part)
        if there is None and path[:depth] != ("problems",):
            there = here[part] = {}
        if not isinstance(there, dict):
            raise AdambenchError(f"command line, {override}: {_no_way(here, path, depth)}")
        here = there
    here[str(path[-1])] = value
    source.overridden[path] = override


def _no_way(here: Mapping[str, Any], path: Where, depth: int) -> str:
    """Why an override leads nowhere: path[depth] is not a mapping among the values here."""
    part, at = str(path[depth]), ".".join(map(str, path[: depth + 1]))
    if part not in here:
        return f"{at}: {unknown(part, [name for name, item in here.items() if isinstance(item, dict)])}"
    if isinstance(here[part], list):
        return f"{at}: cannot be changed in part; give the whole list, found {show(here[part])}"
    replaced = {"dataset": "", "model": f"name: {here[part]}, ", "schedule": f"name: {here[part]}, "}
    fix = f". Instead: {at}={{{replaced[part]}{path[depth + 1]}: …}}" if part in replaced else ""
    return f"{at}: has no keys, found {show(here[part])}{fix}"


def _value(text: str, said: str) -> Any:
    """The value of a `KEY=VALUE` from the command line."""
    name = f"command line, {said}"
    if not text.strip():
        raise AdambenchError(f"{name}: has no value")
    return yamlfile.parse(text, name, numbered=False)[0]
