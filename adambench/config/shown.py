"""Values as YAML writes them, in messages and tables."""

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np


def show(value: Any) -> str:
    """A value as YAML writes it, cut off after sixty characters; `nothing` for an empty value."""
    text = "nothing" if value is None else _flow(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _flow(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case list() | tuple():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return repr(value)


def plain(value: Any) -> Any:
    """As YAML has it: NumPy's numbers as Python's, tuples as lists, dataclasses as mappings."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def shortest(value: Any) -> str:
    """A hyper-parameter as YAML has it, in the shortest form that is exact: 0.001, 1e-05, 3, true."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else repr(value)


def words(hyperparameters: Mapping[str, Any]) -> str:
    """`lr=0.001 bias_correction=false`."""
    return " ".join(f"{name}={shortest(value)}" for name, value in hyperparameters.items())
