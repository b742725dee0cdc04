"""A page of HTML that works offline: its styles, its script and its numbers are inside, and no request leaves it."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from adambench import __version__

SHARED = resources.files("adambench.show") / "static"


def render(static: Traversable, template: str, styles: Sequence[str], scripts: Sequence[str], **words: Any) -> str:
    """A template, filled. It and the files of styles and scripts are in the folder `static`, or are those of all pages.

    The template gets `policy`, `style`, `script`, `version` and the words. Every word is escaped unless it is Markup.
    """
    style, script = ("\n".join(_text(static, name) for name in names) for names in (styles, scripts))
    environment = Environment(
        loader=FunctionLoader(lambda name: _text(static, name)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        policy=_policy(style, script),
        style=Markup(style),  # ours, not from a results folder
        script=Markup(script),
        version=__version__,
        **words,
    )


def embedded(data: Any) -> Markup:
    """JSON for a script element: no character in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"))  # ASCII only
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _text(static: Traversable, name: str) -> str:
    own = static / name
    return (own if own.is_file() else SHARED / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """What the page may do: run its script, use its styles, and draw the pictures that it made itself."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
