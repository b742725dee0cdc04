"""Mistakes in the words of a command, in the same form as those in a file: where, what was found, what is allowed."""

import re
import sys
from typing import Any

import typer

from adambench.errors import AdambenchError, unknown

# Of the copy of click that Typer brings, which it does not name in public.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]

WORDS = {  # in what Typer says: in ours
    "Input should be": "must be",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}


def mistake(error: Any) -> AdambenchError:
    """A UsageError of Typer's as an error of ours."""
    context = error.ctx
    hint = f"`{context.command_path} --help` tells what it takes." if context else ""
    parameter, message = getattr(error, "param", None), error.format_message()
    if parameter is None:
        return AdambenchError(message, hint)
    shown = re.match(r"[\w.]*\w", parameter.metavar or "")  # as --help has it
    named = shown[0] if shown else parameter.name.upper()
    name = parameter.opts[0] if parameter.opts[0].startswith("-") else named
    if (found := _given(parameter.opts)) is None:
        return AdambenchError(f"{name}: is missing" if "Missing" in message else f"{name}: {message}", hint)
    if closed := re.search(r"[Pp]ath '(.*)' is not readable", message):
        return AdambenchError(f"{name}: {closed[1]}: cannot be read: permission denied")
    if allowed := re.findall(r"'([^']*)'", message.partition("is not one of")[2]):
        return AdambenchError(f"{name}: {found!r} is {unknown(found, allowed)}", hint)
    said = re.sub(r"^Invalid value for [^:]*: |, unable to parse.*", "", message)
    for theirs, ours in WORDS.items():
        said = said.replace(theirs, ours)
    return AdambenchError(f"{name}: {said}, found {found}", hint)


def _given(options: list[str]) -> str | None:
    """What the user gave an option, as it was typed; None if it is no option or was not given."""
    words = sys.argv[1:]
    for i, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in options and option.startswith("-"):
            return value if equals else words[i + 1] if i + 1 < len(words) else None
    return None
