"""Changes to a configuration from the command line: `KEY=VALUE`, and plug-ins."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from adambench.config import yamlfile
from adambench.config.shown import show
from adambench.config.yamlfile import Path as Where
from adambench.config.yamlfile import Source
from adambench.errors import AdambenchError, unknown

BOTH = ("dataset", "seeds", "validation", "optimizers")  # keys of an experiment, and of a problem, which go before


def override(values: Any, source: Source, words: str) -> None:
    """Set one `KEY=VALUE` in the file's values."""
    key, equals, text = words.partition("=")
    path: Where = tuple(key.split("."))
    if not (equals and key and text):
        raise AdambenchError(f"command line, {words}: must be KEY=VALUE, for example problems.logistic.epochs=3")
    given = value(text, words)
    if not isinstance(values, dict):
        return  # the check refuses the file
    here = values
    for depth, part in enumerate(path[:-1]):
        there = here.get(part)
        if there is None and path[:depth] != ("problems",):
            there = here[part] = {}
        if not isinstance(there, dict):
            raise AdambenchError(f"command line, {words}: {_no_way(here, path, depth)}")
        here = there
    here[str(path[-1])] = given
    source.overridden[path] = words


def refuse_idle(values: Any, source: Source, labels: Collection[str]) -> None:
    """Raises AdambenchError for an override that changes nothing, because every problem has that key of its own.

    labels: of the optimizers that all problems shared before the overrides.
    """
    problems = values.get("problems") if isinstance(values, dict) else None
    if not isinstance(problems, dict) or not all(isinstance(problem, dict) for problem in problems.values()):
        return  # the check refuses the file
    for path, words in source.overridden.items():
        if path[0] in BOTH and problems and all(_has(problem, path, values, labels) for problem in problems.values()):
            raise AdambenchError(
                f"command line, {words}: changes nothing, because every problem has {path[0]} of its own",
                f"Change them there, for example problems.{next(iter(problems))}.{words}",
            )


def _has(problem: Mapping[str, Any], path: Where, values: Mapping[str, Any], labels: Collection[str]) -> bool:
    """Whether a problem's own values stand before those of a path. Of optimizers, each label is one value."""
    own = problem.get(str(path[0]))
    if path[0] != "optimizers" or not isinstance(own, dict):
        return path[0] in problem
    given = values["optimizers"] if isinstance(values["optimizers"], dict) else {}
    return all(label in own for label in path[1:2] or {*labels, *given})


def add_plugin(values: Any, source: Source, plugin: str) -> None:
    """Add a plug-in from the command line to the file's values; a path is relative to the present folder."""
    named = os.path.abspath(plugin) if plugin.endswith(".py") else plugin  # noqa: PTH100  # a link stays one
    if isinstance(values, dict) and isinstance(values.setdefault("plugins", []), list):
        source.overridden["plugins", len(values["plugins"])] = f"--plugin {plugin}"
        values["plugins"].append(named)


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


def value(text: str, said: str) -> Any:
    """The value of a `KEY=VALUE` from the command line."""
    name = f"command line, {said}"
    if not text.strip():
        raise AdambenchError(f"{name}: has no value")
    return yamlfile.parse(text, name, numbered=False)[0]
