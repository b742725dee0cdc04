"""The JSON Schema of a configuration, made from the dataclasses that check the file. An editor reads it.

It says what a schema can say: keys, types, ranges and names. What depends on more than one value, such as a claim about
an optimizer that is not in the file, only `adambench run` finds.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Len, doc
from pydantic import TypeAdapter

from adambench.config.check import NAME, hints_of
from adambench.config.drawing import KINDS
from adambench.config.experiment import (
    RELATIONS,
    Average,
    Count,
    Evaluate,
    Inspect,
    Judging,
    Norm,
    Search,
    Seed,
    Title,
    Tuning,
)
from adambench.config.grids import MAX_SETTINGS
from adambench.config.names import Known
from adambench.datasets.batches import Sampling
from adambench.paper import FIGURES, GRIDS

Json = dict[str, Any]
Seeds = Annotated[tuple[Seed, ...], Len(1)]
LOGSPACE = tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)], Annotated[int, Ge(2), Le(MAX_SETTINGS)]]


def json_schema(known: Known) -> Json:
    """The schema (draft 2020-12) of a configuration that can name what is known."""
    idx = _object({"idx": {"type": "string", "description": "folder of four IDX files"}, "sha256": {"type": "string"}})
    named = _object({"name": {"enum": list(known.datasets)}, "sha256": {"type": "string"}}, ["name"])
    dataset = {"anyOf": [{"enum": list(known.datasets)}, {**idx, "required": ["idx"]}, named]}
    problem = _object(
        {
            "dataset": dataset,
            "model": {"$ref": "#/$defs/model"},
            "schedule": {"$ref": "#/$defs/schedule"},
            "epochs": _hint(Annotated[Count, doc("length of a report run")]),
            "batch_size": _hint(Annotated[Count, doc("images in a minibatch")]),
            "validation": _hint(Annotated[Count, doc("training images to hold back")]),
            "train_images": _hint(Annotated[Count, doc("train on the first so many images only")]),
            "sampling": _hint(Sampling),
            "average": _hint(Annotated[Average, doc("decay of a running mean of the parameters")]),
            "clip_norm": _hint(Annotated[Norm, doc("largest norm of a gradient")]),
            "seeds": _hint(Annotated[Seeds, doc("report seeds of this problem")]),
            "optimizers": {"$ref": "#/$defs/optimizers"},
            "figure": {
                "enum": [*FIGURES, *GRIDS],
                "description": "the figure of the paper that this problem reproduces",
            },
            "title": _hint(Annotated[Title, doc("name in headings and charts")]),
        },
        ["model", "epochs", "batch_size"],
    )
    number = _hint(float)
    claim = _object(
        {
            "id": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "sentence": {"type": "string"},
            "problem": {"type": "string"},
            "quantity": {"type": "string", "description": "for example final(adam) / final(nesterov)"},
            "relation": {"enum": list(RELATIONS)},
            "bound": {"anyOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]},
        },
        ["id", "sentence", "quantity", "relation", "bound"],
    )
    whole = _object(
        {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$", "description": "results go to results/<name>"},
            "dataset": dataset,
            "seeds": _hint(Annotated[Seeds, doc("report seeds")]),
            "tuning": _dataclass(Tuning),
            "search": _dataclass(Search),
            "validation": problem["properties"]["validation"],
            "evaluate": _dataclass(Evaluate),
            "problems": _names(problem) | {"minProperties": 1},
            "optimizers": {"$ref": "#/$defs/optimizers"},
            "inspect": _dataclass(Inspect),
            "judging": _dataclass(Judging),
            "claims": {"type": "array", "items": claim},
            "plugins": {"type": "array", "description": "files with optimizers and more of your own"},
        },
        ["name", "problems"],
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An experiment of adambench",
        **whole,
        "$defs": {
            "model": _choice(known.models),
            "schedule": _choice(known.schedules),
            "optimizers": _optimizers(known.optimizers),
            **_rules(known.optimizers),
        },
    }


def _object(properties: Mapping[str, Json], required: Iterable[str] = ()) -> Json:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


def _names(item: Json) -> Json:
    """A mapping from names of the user's own."""
    return {"type": "object", "patternProperties": {f"^{NAME.pattern}$": item}, "additionalProperties": False}


def _hint(hint: Any) -> Json:
    """Of a single value, with its annotation's `doc` as the description."""
    told = next((one.documentation for one in getattr(hint, "__metadata__", ()) if hasattr(one, "documentation")), "")
    made = TypeAdapter(hint).json_schema()
    made.pop("title", None)
    if "$defs" in made:  # a small dataclass as a value, such as {normal: 0.01}
        made = _inlined(made, made.pop("$defs"))
    return made | ({"description": told} if told else {})


def _inlined(value: Any, definitions: Mapping[str, Json]) -> Any:
    """A schema whose references are replaced by what they refer to."""
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return {**_inlined(definitions[value["$ref"].rsplit("/", 1)[1]], definitions), "additionalProperties": False}
    return {key: _inlined(item, definitions) for key, item in value.items()}


def _dataclass(cls: Any, name: str | None = None, name_needed: bool = False) -> Json:
    """The fields of a dataclass. name: also that key, which has this value."""
    properties = {key: _hint(hint) for key, hint in hints_of(cls).items()}
    required = [field.name for field in fields(cls) if field.default is MISSING]
    if name:
        properties = {"name": {"const": name}, **properties}
        required += ["name"] if name_needed else []
    return _object(properties, required)


def _choice(registry: Mapping[str, Any]) -> Json:
    """A name, or a mapping with the name and some fields."""
    return {
        "anyOf": [
            {"enum": list(registry)},
            *(_dataclass(cls, name, name_needed=True) for name, cls in registry.items()),
        ]
    }


def _optimizers(registry: Mapping[str, Any]) -> Json:
    """A label is the name of a rule, or any name for an entry that names its rule."""
    named = {"$ref": "#/$defs/named_rule"}
    own = {rule: {"anyOf": [{"type": "null"}, {"$ref": f"#/$defs/rule_{rule}"}, named]} for rule in registry}
    return _names(named) | {"properties": own, "patternProperties": {_other_than(registry): named}}


def _rules(registry: Mapping[str, Any]) -> Json:
    """What `_optimizers` refers to."""
    alone = {f"rule_{rule}": _grid(rule, cls) for rule, cls in registry.items()}
    return alone | {
        "named_rule": {"required": ["name"], "anyOf": [{"$ref": f"#/$defs/rule_{rule}"} for rule in registry]}
    }


def _other_than(names: Iterable[str]) -> str:
    """A pattern for every name but these."""
    return f"^(?!({'|'.join(names)})$){NAME.pattern}$"


def _grid(rule: str, cls: Any) -> Json:
    """A rule whose hyper-parameters have a value, a list of values, or a range to divide or to draw from."""
    made = _dataclass(cls, rule)
    logspace = _object({"logspace": _hint(LOGSPACE)}, ["logspace"])
    draws = [_object({kind: _hint(tuple[float, float])}, [kind]) for kind in KINDS]
    for key, one in made["properties"].items():
        if key != "name":
            value = {k: v for k, v in one.items() if k not in ("description", "default")}
            ranges = [logspace, *draws] if "number" in json.dumps(value) else []
            made["properties"][key] = {
                "anyOf": [value, {"type": "array", "items": value, "minItems": 1}, *ranges],
                **{k: v for k, v in one.items() if k in ("description", "default")},
            }
    return made
