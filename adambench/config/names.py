"""What a configuration can name: the registries of the package, and what plug-ins add to them.

A results folder is data, so a stored configuration is read without executing its plug-ins. What it names and this
package does not know is then represented by a stand-in: a frozen dataclass whose fields are the keys that the
configuration gives. It cannot train, but it has the name, the values and the source of what was trained, so its runs
have the same ids.
"""

import functools
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import PurePath
from typing import Any

from adambench.config.shown import plain
from adambench.datasets import DATASETS, Dataset
from adambench.models import MODELS, Model
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.schedules import SCHEDULES, Schedule

BASES: Mapping[str, Any] = {"optimizers": Optimizer, "schedules": Schedule, "models": Model}
KINDS = (*BASES, "datasets")
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Origin:
    """Where a rule, schedule or model comes from. source: the SHA-256 of its plug-in; empty for what is built in."""

    name: str
    source: str = ""


@dataclass(frozen=True)
class Plugin:
    """A plug-in of an experiment.

    name: as the configuration has it. defines: by kind and name, the defaults of the fields. source: its text; None for
    a stored configuration, which is read without it.
    """

    name: str
    sha256: str
    defines: Mapping[str, Mapping[str, Mapping[str, Any]]]
    source: bytes | None = field(default=None, compare=False, repr=False)

    @property
    def file(self) -> str:
        """The name of its copy in the results folder: `my_rules-<first digits of the hash>.py`."""
        digits = self.sha256[:16]
        stem = PurePath(self.name).stem if self.name.endswith(".py") else self.name
        return f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', stem).removesuffix(f'-{digits}')}-{digits}.py"


@dataclass(frozen=True)
class Known:
    """The registries that a configuration is checked against."""

    optimizers: Mapping[str, Any]
    schedules: Mapping[str, Any]
    models: Mapping[str, Any]
    datasets: Mapping[str, Any]
    plugins: tuple[Plugin, ...] = ()

    def source(self, kind: str, name: str) -> str:
        """The SHA-256 of the plug-in that defines a name; empty if none does."""
        return next((one.sha256 for one in self.plugins if name in one.defines.get(kind, ())), "")


BUILT_IN = Known(OPTIMIZERS, SCHEDULES, MODELS, DATASETS)
ORIGINS: dict[type, Origin] = {cls: Origin(name) for kind in BASES for name, cls in getattr(BUILT_IN, kind).items()}
LOADERS: dict[tuple[str, str], Callable[[], Dataset]] = {("", name): load for name, load in DATASETS.items()}


def origin(value: Any) -> Origin:
    """Of a setting, a schedule or a model."""
    return ORIGINS[type(value)]


class Recorded(dict[str, Any]):
    """A registry that gives a stand-in for every name that it does not hold."""

    def __init__(self, kind: str, known: Mapping[str, Any], plugins: Iterable[Plugin]) -> None:
        super().__init__(known)
        self.kind = kind
        for plugin in plugins:
            for name, defaults in plugin.defines.get(kind, {}).items():
                self[name] = StandIn(kind, Origin(name, plugin.sha256), defaults)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __missing__(self, name: str) -> "StandIn":
        return StandIn(self.kind, Origin(name), {})


@dataclass(frozen=True)
class StandIn:
    """Something that a stored configuration names and that is not executed, with the defaults that are stored."""

    kind: str
    origin: Origin
    defaults: Mapping[str, Any]

    def shaped(self, keys: Collection[str]) -> type:
        """A class with these fields, besides those that have a default. Keys that cannot be fields are left out.

        A field that the configuration does not give is keyword-only: a stored one gives all others.
        """
        always = ["lr"] if self.kind == "optimizers" else []  # the charts of a search need it
        names = [key for key in dict.fromkeys([*self.defaults, *keys, *always]) if self._possible(key)]
        members = ((name, _frozen(self.defaults.get(name)), name not in keys) for name in names)
        return _class(self.kind, self.origin, tuple(members))

    def _possible(self, key: str) -> bool:
        base = BASES[self.kind]
        free = key in {one.name for one in fields(base)} or not hasattr(base, key)
        return bool(FIELD.fullmatch(key)) and not keyword.iskeyword(key) and (key == "l2" or free)


def schema(found: Any, keys: Collection[str]) -> Any:
    """What a registry holds under a name, as a dataclass. keys: those that the configuration gives."""
    return found.shaped(keys) if isinstance(found, StandIn) else found


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else None if isinstance(value, dict) else value


class _Rule(Optimizer):
    def __post_init__(self) -> None:
        if None not in vars(self).values():
            super().__post_init__()

    def update(self, *_: Any) -> None:
        raise NotImplementedError("a stand-in cannot train")


class _Schedule(Schedule):
    def describe(self) -> str:
        return ""

    def factor(self, *_: Any, **__: Any) -> float:
        raise NotImplementedError("a stand-in cannot train")


class _Model(Model):
    def describe(self) -> str:
        return ""

    def build(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("a stand-in cannot train")

    def products(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("a stand-in cannot train")


STAND_INS: Mapping[str, tuple[type, Any]] = {  # what stands in, and the type of its fields
    "optimizers": (_Rule, bool | float),
    "schedules": (_Schedule, Any),
    "models": (_Model, Any),
}


@functools.cache
def _class(kind: str, origin: Origin, defaults: tuple[tuple[str, Any, bool], ...]) -> type:
    base, hint = STAND_INS[kind]
    members = [(name, hint, field(default=default, kw_only=late)) for name, default, late in defaults]
    cls = make_dataclass("StandIn", members, bases=(base,), frozen=True)
    ORIGINS[cls] = origin
    return cls


def described(value: Schedule | Model) -> str:
    """A schedule or a model in words, for titles.

    One of a plug-in: its name, and the fields that are not at their defaults. Its own words are not used, because
    reading results must not execute it, and a chart must have the same title whoever draws it.
    """
    if not origin(value).source and not isinstance(value, _Schedule | _Model):
        return value.title() if isinstance(value, Schedule) else value.describe()
    told = {f.name: plain(item) for f in fields(value) if (item := getattr(value, f.name)) != f.default}
    return " ".join([origin(value).name, *(f"{name} {item}" for name, item in told.items())])
