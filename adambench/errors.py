"""Errors that a user can fix. Every other exception is a bug and shows its traceback."""

import difflib
from collections.abc import Iterable


class AdambenchError(Exception):
    """An error in the user's input or environment. `message` says what is wrong, `hint` says how to fix it.

    The command line prints both without a traceback and exits with `exit_code`: 2 for wrong input, 1 for a failure
    during the work, such as a full disk.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


def unknown(word: str, allowed: Iterable[str]) -> str:
    """The message about a word that is not allowed: `unknown. Allowed: a, b. Did you mean a?`."""
    allowed = list(allowed)
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f"unknown. Allowed: {', '.join(allowed) or 'none'}." + (f" Did you mean {near[0]}?" if near else "")
