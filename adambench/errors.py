"""The one exception for what a user can mend. Everything else is a bug and shows its traceback."""


class AdambenchError(Exception):
    """A mistake in the input or in the surroundings: what is wrong and, in `hint`, the likely fix.

    The command line prints both without a traceback and exits with code 2.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
