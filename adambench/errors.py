"""Errors that a user can fix. Others show their traceback, but for those of the system and of plug-ins."""

import difflib
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

PLUGIN = "adambench_plugin_"  # what the names of the modules of plug-ins begin with
OF_PLUGINS = tuple(  # use them
    f"adambench.{name}"
    for name in ("training", "setting", "schedules", "optimizers.base", "inspection", "explanation", "execution.group")
)
MOST_NAMES = 15  # of the allowed ones that a message lists in full
NEAREST = 5  # that it lists if there are more
SURE, MAYBE = 0.75, 0.6  # how alike two words are, from 0 to 1, if one was probably meant

# Control characters but tab and line feed, surrogates, and what turns or isolates the direction of text.
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")

OTHER_NAMES = {  # what other programs call a key: what it is called here
    "alpha": "lr",
    "batch": "batch_size",
    "betas": "beta1",
    "epsilon": "eps",
    "learning_rate": "lr",
    "step_size": "lr",
    "weight_decay": "l2",
}


def neutral(text: str) -> str:
    """Text whose characters a terminal would obey, or that turn its direction, are replaced by a replacement character.

    Lines and tabs stay.
    """
    return text if text.isascii() and text.isprintable() else UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


class AdambenchError(Exception):
    """An error in the user's input or environment. `message` says what is wrong, `hint` says how to fix it.

    The command line prints both without a traceback and exits with `exit_code`: 2 for wrong input, 1 for a failure
    during the work, such as a full disk.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        if hint:
            self.add_note(hint)  # in a notebook, where a traceback is shown
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


def unknown(word: str, allowed: Iterable[str], elsewhere: Mapping[str, str] = MappingProxyType({})) -> str:
    """The message about a word that is not allowed: `unknown. Allowed: a, b. Did you mean a?`.

    elsewhere: words that are allowed in another place, and that place, as in `Did you mean model.hidden?`.
    """
    allowed = list(allowed)
    near = _near(word, allowed, SURE) or [elsewhere[found] for found in _near(word, list(elsewhere), SURE)]
    near = near or _near(word, allowed, MAYBE)
    listed = ", ".join(allowed) or "none"
    if len(allowed) > MOST_NAMES:
        nearest = _alike(word, allowed, NEAREST, 0)
        listed = f"{', '.join(nearest)} and {len(allowed) - NEAREST} more"
    return f"unknown. Allowed: {listed}." + (f" Did you mean {near[0]}?" if near else "")


def _near(word: str, names: Sequence[str], cutoff: float) -> list[str]:
    """The name that was probably meant, if there is one: before all, one of the same letters."""
    alike = [name for name in (word, OTHER_NAMES.get(word, word)) if name in names]
    alike += [name for name in names if sorted(name.casefold()) == sorted(word.casefold())]
    return (alike or _alike(word, names, 1, cutoff))[:1]


def _alike(word: str, names: Sequence[str], n: int, cutoff: float) -> list[str]:
    """The names that are most like a word, if capital letters are like small ones."""
    folded = {name.casefold(): name for name in names}
    return [folded[found] for found in difflib.get_close_matches(word.casefold(), list(folded), n=n, cutoff=cutoff)]


def place(error: BaseException, module: str) -> tuple[str, int] | None:
    """The file and line of the last code that took part in an exception, of modules whose names begin so."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(module) and not frame.f_code.co_filename.startswith("<")
    ]
    return frames[-1] if frames else None


def in_plugin(error: BaseException) -> str:
    """An exception in a plug-in: `my_rules.py:12: NameError: …`; empty if it was raised elsewhere.

    So is one in our training that was about something of a plug-in: `my_rules.py: Tiny: …`, if it returned no array.
    """
    said = f"{type(error).__name__}: {error}"
    if found := place(error, PLUGIN):
        return f"{found[0]}:{found[1]}: {said}"
    if not isinstance(error, TypeError | ValueError | AttributeError | LookupError | ArithmeticError):
        return ""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][:-3:-1]
    ours = [frame for frame in frames if str(frame.f_globals.get("__name__")).startswith(OF_PLUGINS)]
    for held in (type(value) for frame in ours for value in frame.f_locals.values()):
        if (module := str(held.__module__)).startswith(PLUGIN):
            return f"{_file_of(module)}: {held.__name__}: {said}; adambench check may tell more"
    return ""


def in_file(error: BaseException, file: str) -> str:
    """An exception with the last line of the plug-in that took part in it: `my_rules.py:12: NameError: …`."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{file}:{error.lineno}: {type(error).__name__}: {error.msg}"
    return in_plugin(error) or f"{file}: {type(error).__name__}: {error}"


def _file_of(module: str) -> str:
    """The file of a plug-in, as the code that it defines has it."""
    named = vars(sys.modules[module]).values()
    things = [*named, *(part for one in named if isinstance(one, type) for part in vars(one).values())]
    code = [one.__code__ for one in things if getattr(one, "__globals__", {}).get("__name__") == module]
    return next((one.co_filename for one in code if not one.co_filename.startswith("<")), "a plug-in")
