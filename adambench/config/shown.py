"""Values in messages, as YAML writes them."""

import math
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
