"""Docstrings, which the program shows, also where Python has stripped them (`python -OO`, `PYTHONOPTIMIZE=2`)."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def docstring(thing: Callable[..., Any]) -> str:
    """The docstring of a class or function, without its indentation; empty if it has none."""
    if sys.flags.optimize > 1:
        with suppress(OSError, TypeError):  # no source, as that of a plug-in, whose docstrings are kept
            (node,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
            assert isinstance(node, ast.ClassDef | ast.FunctionDef)
            return ast.get_docstring(node) or ""
    return inspect.cleandoc(thing.__doc__ or "")
