"""What a user can mend. Every other exception is a bug and shows its traceback."""

import difflib
from collections.abc import Iterable


class AdambenchError(Exception):
    """A mistake in the input or in the surroundings: what is wrong and, in `hint`, the likely fix.

    The command line prints both without a traceback and exits with `exit_code`: 2 for the user's input, 1 for what
    failed on the way (a full disk).
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


def unknown(word: str, allowed: Iterable[str]) -> str:
    """What to say of a word that is none of the allowed ones: `unknown. Allowed: a, b. Did you mean a?`."""
    allowed = list(allowed)
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.5)
    return f"unknown. Allowed: {', '.join(allowed) or 'none'}." + (f" Did you mean {near[0]}?" if near else "")
