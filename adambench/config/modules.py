"""Executes the source of a plug-in and checks what it defines.

The source is executed under a module name that is made from its SHA-256. So two versions of a file can be used side by
side. A setting, schedule or model of a plug-in is sent to a worker process with the source, which is executed there.
"""

import ast
import copyreg
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields, is_dataclass
from types import ModuleType
from typing import Any

from adambench.config.check import Check
from adambench.config.made_data import loader
from adambench.config.names import BASES, BUILT_IN, FIELD, KINDS, LOADERS, ORIGINS, Origin
from adambench.config.yamlfile import Path as Where
from adambench.config.yamlfile import Source
from adambench.errors import PLUGIN, AdambenchError, in_file

FIXED = ("__post_init__", "hyperparameters")  # of a rule, whose numbers are those that the configuration has
LARGEST = 1e300  # default of a hyper-parameter
DEFINES = "adambench_defines"  # in an executed module: what it defines, by kind and name


def load(source: bytes, file: str) -> Mapping[str, Mapping[str, Any]]:
    """What a plug-in defines, by kind and name, and its `references`. It is executed once in a process.

    file: for messages. Raises AdambenchError, with the line of the plug-in, if it cannot be used.
    """
    name = f"{PLUGIN}{hashlib.sha256(source).hexdigest()}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = file  # with which a plug-in finds what lies beside it
        sys.modules[name] = module  # dataclasses look their module up
        try:
            with _untouched(file):
                exec(compile(source, file, "exec", optimize=0), module.__dict__)  # 0: docstrings and asserts are kept
            setattr(module, DEFINES, _registered(module, source, file))
        except BaseException as error:
            del sys.modules[name]
            if isinstance(error, AdambenchError | KeyboardInterrupt):
                raise
            raise AdambenchError(in_file(error, file)) from error
    found: Mapping[str, Mapping[str, Any]] = getattr(sys.modules[name], DEFINES)
    return found


@contextmanager
def _untouched(file: str) -> Iterator[None]:
    """Raises AdambenchError if the registries of the package are changed, after they are as they were."""
    before = {kind: dict(getattr(BUILT_IN, kind)) for kind in KINDS}
    changed = []
    try:
        yield
    finally:
        for kind, names in before.items():
            registry = getattr(BUILT_IN, kind)
            if registry != names:
                registry.clear()
                registry.update(names)
                changed.append(kind.upper())
    if changed:
        own = f"{changed[0]} = {{'my_name': …}}"
        raise AdambenchError(f"{file}: changes adambench's own {changed[0]}; write a dict of its own: {own}")


def _registered(module: ModuleType, source: bytes, file: str) -> dict[str, dict[str, Any]]:
    """Check what a module defines, and note where it comes from. Raises AdambenchError that lists every mistake."""
    check = Check(Source(file, lines=_lines(source)))
    sha256 = hashlib.sha256(source).hexdigest()
    found = {kind: _accepted(check, kind, module) for kind in KINDS}
    if not any(found.values()) and not check.errors:
        check.fail((), f"defines none of {', '.join(map(str.upper, KINDS))}, e.g. OPTIMIZERS = {{'my_rule': MyRule}}")
    references = getattr(module, "REFERENCES", {})
    for name, reference in references.items() if isinstance(references, dict) else [("", None)]:
        if name not in found["optimizers"] or not (isinstance(reference, str) or callable(reference)):
            said = "must give, for a name of OPTIMIZERS, a class such as 'torch.optim.AdamW', or a function"
            if name not in found["optimizers"]:
                said += f"; OPTIMIZERS has {', '.join(found['optimizers']) or 'none'}"
            check.fail(("REFERENCES", str(name)), said)
    if check.errors:
        raise AdambenchError(check.message())
    for kind, names in found.items():
        for name, thing in names.items():
            if kind == "datasets":
                names[name] = LOADERS[sha256, name] = loader(thing, file, name)
            else:
                ORIGINS[thing] = Origin(name, sha256)
                copyreg.pickle(thing, functools.partial(_reduced, source, file, kind, name))
    return {**found, "references": references}


def _reduced(source: bytes, file: str, kind: str, name: str, value: Any) -> tuple[Any, ...]:
    """How a setting, schedule or model of a plug-in is sent to another process: with the source."""
    return _rebuilt, (source, file, kind, name, asdict(value))


def _rebuilt(source: bytes, file: str, kind: str, name: str, values: Mapping[str, Any]) -> Any:
    return load(source, file)[kind][name](**values)


def _accepted(check: Check, kind: str, module: ModuleType) -> dict[str, Any]:
    """What a module has in OPTIMIZERS, SCHEDULES, … as far as it can be used."""
    registry, here = getattr(module, kind.upper(), {}), (kind.upper(),)
    if registry is getattr(BUILT_IN, kind):  # imported from adambench
        return {}
    if not isinstance(registry, dict):
        check.fail(here, f"must be a dict, e.g. {{'my_rule': MyRule}}, found {type(registry).__name__}")
        return {}
    for name, thing in registry.items():
        path = (*here, str(name))
        if check.name(name, path) is None:
            continue
        if name in getattr(BUILT_IN, kind):
            check.fail(path, f"{name} already exists in adambench; choose another name")
        elif kind == "datasets":
            if not callable(thing):
                check.fail(path, f"must be a function without arguments that returns a Dataset, found {thing!r:.60}")
        elif reason := _unfit(thing, kind, module):
            check.fail(path, reason)
        elif [*registry.values()].count(thing) > 1:
            check.fail(path, f"{thing.__name__} has two names; make a subclass for each")
        else:
            check.defaults(thing, path)
            if kind == "optimizers":
                _check_numbers(check, thing, path)
                _check_slots(check, thing.slot_names, path)
    return dict(registry)


def _check_slots(check: Check, names: Any, path: Where) -> None:
    listed = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    if not listed or len(set(names)) < len(names):
        check.fail(
            path, f"slot_names must be a tuple of different names, e.g. ('m', 'v') or ('m',), found {names!r:.60}"
        )


def _check_numbers(check: Check, rule: Any, path: Where) -> None:
    for one in fields(rule):
        if one.default is MISSING:
            continue  # which is told already
        if not isinstance(one.default, bool | int | float):
            check.fail((*path, one.name), "must be a number or true or false: it is a hyper-parameter")
        elif abs(one.default) > LARGEST:
            check.fail((*path, one.name), f"must be at most {LARGEST:g}")


def _unfit(thing: Any, kind: str, module: ModuleType) -> str:  # noqa: PLR0911  # a line for each reason
    """Why something cannot be an optimizer, schedule or model; empty if it can."""
    base = BASES[kind]
    if not (isinstance(thing, type) and issubclass(thing, base)):
        return f"must be a subclass of {base.__name__}, found {thing!r:.60}"
    if not is_dataclass(thing) or "__dataclass_params__" not in vars(thing):
        return f"must be a frozen dataclass; write @dataclass(frozen=True) above class {thing.__name__}"
    if thing.__module__ != module.__name__:
        return f"{thing.__name__} is not defined in this file but in {thing.__module__}; make a subclass of it here"
    if inspect.isabstract(thing):
        return f"{thing.__name__} lacks {', '.join(sorted(thing.__abstractmethods__))}"
    for name in sorted(getattr(base, "__abstractmethods__", ())):
        needed = inspect.signature(getattr(base, name))
        if not _takes(getattr(thing, name), list(needed.parameters)):
            return f"{thing.__name__}.{name} must take {', '.join(needed.parameters)}"
    for name in thing.__dataclass_fields__:
        for cls in thing.__mro__[1:]:
            if name in vars(cls) and name not in getattr(cls, "__dataclass_fields__", ()):
                return f"{thing.__name__} must not have a field {name}: {cls.__name__} has something else of that name"
    if odd := next((one.name for one in fields(thing) if not FIELD.fullmatch(one.name)), ""):
        allowed = "at most 64 letters from a to z, digits and _, starting with a letter"
        return f"{thing.__name__} must not have a field {odd}: a key of a configuration has {allowed}"
    if "name" in thing.__dataclass_fields__:
        return (
            f"{thing.__name__} must not have a field name: in a configuration, the key `name` says which one is meant"
        )
    if kind == "optimizers" and "lr" not in thing.__dataclass_fields__:
        return f"{thing.__name__} needs a field lr, the learning rate, which the schedule multiplies"
    own = [name for name in FIXED if kind == "optimizers" and name in vars(thing)]
    return f"{thing.__name__} must not define {own[0]}: the numbers of a setting are its fields" if own else ""


def _takes(method: Callable[..., Any], names: Sequence[str]) -> bool:
    """Whether a method can be called with as many arguments."""
    try:
        inspect.signature(method).bind(*names)
    except TypeError:
        return False
    return True


def _lines(source: bytes) -> dict[Where, int]:
    """The lines of the registries in the source of a plug-in, of their entries, and of the fields of their classes."""
    body = ast.parse(source).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    lines: dict[Where, int] = {}
    for node in body:
        targets: Iterable[ast.expr] = getattr(node, "targets", None) or [getattr(node, "target", ast.Constant(0))]
        for target in targets:
            if not (isinstance(target, ast.Name) and target.id.lower() in (*KINDS, "references")):
                continue
            lines[target.id,] = node.lineno
            if isinstance(value := getattr(node, "value", None), ast.Dict):
                for key, item in zip(value.keys, value.values, strict=True):
                    if isinstance(key, ast.Constant):
                        lines[target.id, str(key.value)] = key.lineno
                        for line in classes[item.id].body if isinstance(item, ast.Name) and item.id in classes else ():
                            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                                lines[target.id, str(key.value), line.target.id] = line.lineno
    return lines
