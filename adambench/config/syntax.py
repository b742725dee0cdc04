"""What is wrong with text that is not valid YAML, in words for people: which line, and what to do.

PyYAML names the token that it stumbled over, which is often on the line after the mistake.
"""

import re
import unicodedata

import yaml

SPACE_NEEDED = re.compile(r"\s*(?:- )?([\w.+-]+):[^\s/:]")  # `epochs:10`
CLOSED_BY = {"flow sequence": ("list", "[", "]"), "flow mapping": ("mapping", "{", "}")}

END = "'<stream end>'"
IN_WORDS = {  # how PyYAML begins: what to do
    "expected alphabetic or numeric character": "a value that begins with & or * must be in quotes",
    "expected chomping or indentation indicators": "a value that begins with | or > must be in quotes",
    "expected a comment or a line break": "a value that begins with | or > must be in quotes",
    "sequence entries are not allowed here": "a list item (-) must begin on a line of its own",
    "mapping keys are not allowed here": "a value that begins with ? must be in quotes",
}


def invisible(text: str) -> str:
    """The first character of text that looks like a space or like nothing, but is no space for YAML; "" if none."""
    return next((c for c in text if c not in " \n" and unicodedata.category(c) in ("Zs", "Cf")), "")


def named(character: str) -> str:
    """`a no-break space (U+00A0)`."""
    return f"a {unicodedata.name(character, 'control character').lower()} (U+{ord(character):04X})"


def corrected(character: str) -> str:
    """An `invisible` character, and what to do about it."""
    fix = "replace it with an ordinary space" if unicodedata.category(character) == "Zs" else "remove it"
    return f"{named(character)}; {fix}"


def unprintable(error: yaml.reader.ReaderError, text: str) -> tuple[int, str]:
    """As `explained`, for a character that YAML does not allow anywhere."""
    line = text.count("\n", 0, error.position) + 1
    return line, f"contains {named(chr(error.character))}, which YAML does not allow; remove it"


def explained(error: yaml.MarkedYAMLError, text: str) -> tuple[int | None, str]:
    """The line (from 1) on which the mistake is, and what is wrong with it."""
    lines = text.splitlines()
    problem, context, mark = error.problem or "", error.context or "", error.problem_mark
    if mark is None:
        return None, _in_words(problem or context)
    begun = error.context_mark.line if error.context_mark else mark.line
    if found := _spaces(lines, mark.line, begun):
        return found
    if problem.startswith("mapping values are not allowed"):
        return _unexpected_colon(lines, mark.line, mark.column)
    if problem.startswith("could not find expected ':'"):
        return _missing_colon(lines, begun)
    if problem.startswith(("expected <block end>", "expected '<document start>'")):
        return _after_block(lines, mark.line, problem)
    return _unclosed(context, problem, begun, mark.line)


def _spaces(lines: list[str], at: int, begun: int) -> tuple[int, str] | None:
    """Tabs, and characters that only look like spaces, on the lines around the mistake."""
    for i in sorted({begun, _code(lines, at, -1), at}):
        line = lines[i] if 0 <= i < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return i + 1, f"line {i + 1} is indented with a tab; YAML allows only spaces"
        for column, character in enumerate(line):
            if invisible(character) and (not line[:column].strip() or line[column - 1] in ":-,{["):
                return i + 1, f"contains {corrected(character)}"
    return None


def _code(lines: list[str], at: int, step: int) -> int:
    """The next line up (step −1) or down (1) that holds more than a comment; −1 or the number of lines if none."""
    i = at + step
    while 0 <= i < len(lines) and (not lines[i].strip() or lines[i].lstrip().startswith("#")):
        i += step
    return i


def _indent(lines: list[str], i: int) -> int:
    return len(lines[i]) - len(lines[i].lstrip(" ")) if 0 <= i < len(lines) else -1


def _indentation(lines: list[str], at: int) -> tuple[int, str]:
    """The line's indentation beside that of the lines around it."""
    here, above, below = (_indent(lines, i) for i in (at, _code(lines, at, -1), _code(lines, at, 1)))
    beside = "its neighbours" if above == below else "the line above"
    return at + 1, (
        f"line {at + 1} is indented by {here} {'space' if here == 1 else 'spaces'}, {beside} by {above}. "
        "Keys that belong together start in the same column."
    )


def _missing_colon(lines: list[str], at: int) -> tuple[int, str]:
    line = lines[at]
    if found := SPACE_NEEDED.match(line):
        return at + 1, f"a space is missing after the colon of {found.group(1)}"
    return at + 1, f"a colon is missing after {line.strip().removeprefix('- ').split(' ')[0]}, found {line.strip()!r}"


def _unexpected_colon(lines: list[str], at: int, column: int) -> tuple[int, str]:
    """PyYAML met a colon in what it took for a value that began earlier, on this line or on the one above."""
    if re.search(r":\s", lines[at][:column]):
        return at + 1, f"a value that contains a colon must be in quotes, found {lines[at].strip()!r}"
    above = _code(lines, at, -1)
    if above >= 0 and not re.search(r":(\s|$)", lines[above]):
        return _missing_colon(lines, above)
    return _indentation(lines, at)


def _unclosed(context: str, problem: str, begun: int, at: int) -> tuple[int, str]:
    """Lists, mappings and quoted text without an end, and all other mistakes."""
    if kind := next((kind for kind in CLOSED_BY if kind in context), ""):
        what, opening, closing = CLOSED_BY[kind]
        if begun == at and "but got ':'" in problem:
            return at + 1, f"a comma is missing in the {what} that begins with {opening}"
        return begun + 1, f"the {what} that begins with {opening} is not closed; add {closing}"
    if "quoted scalar" in context:
        if "escape" in problem:
            return at + 1, "a backslash in double quotes has a special meaning; use single quotes"
        return begun + 1, "a text that begins with a quotation mark is not closed; add the same mark at its end"
    return at + 1, _in_words(problem)


def _after_block(lines: list[str], at: int, problem: str) -> tuple[int, str]:
    """Something that does not belong to the keys before it."""
    found = problem.rpartition("but found ")[2].strip("'")
    if found in ("]", "}"):
        return at + 1, f"a closing {found} without its opening {'[' if found == ']' else '{'}"
    if found == "<scalar>":
        return at + 1, f"text after the end of a value, found {lines[at].strip()!r}"
    above = _code(lines, at, -1)
    if _indent(lines, above) == _indent(lines, at):
        return at + 1, "keys and list items (-) are mixed; a list is the value of a key of its own"
    return _indentation(lines, at)


def _in_words(problem: str) -> str:
    """Other problems."""
    if found := re.match(r"found character '(.+)' that cannot start any token", problem):
        return f"a value cannot begin with {found.group(1)}; put it in quotes"
    if found := re.match(r"found undefined alias '(.*)'", problem):
        return f"the alias *{found.group(1)} stands for nothing: there is no &{found.group(1)} before it"
    if "another document" in problem:
        return "a second document begins (---); a file holds one experiment"
    if found := re.match(r"expected the node content, but found (.*)", problem):
        return f"a value is missing before {found.group(1).replace(END, 'the end of the text')}"
    for beginning, words in IN_WORDS.items():
        if problem.startswith(beginning):
            return words
    return "not valid YAML: " + problem.replace(END, "the end of the text")
