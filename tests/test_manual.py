"""The documentation matches the program: it covers all that a user can type, and everything in it exists."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import typer

from adambench.cli import app
from adambench.curve import METRICS
from adambench.datasets import DATASETS
from adambench.errors import AdambenchError
from adambench.models import MODELS
from adambench.optimizers import OPTIMIZERS
from adambench.schedules import SCHEDULES

TOP = Path(__file__).parent.parent
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md"))]
MANUAL = (TOP / "docs" / "manual.md").read_text(encoding="utf-8")
GROUP: Any = typer.main.get_command(app)
COMMANDS: dict[str, set[str]] = {
    name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    for name, command in GROUP.commands.items()
}
SHARED = {"--results", "--format"}  # explained once for all commands
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# A configuration with an unknown key, and the heading under which the manual lists the keys allowed there.
KEYS = {
    "{zzz: 1}": "### Keys of the experiment",
    "dataset: {zzz: 1}": "Keys of `dataset`:",
    "tuning: {zzz: 1}": "Keys of `tuning`:",
    "search: {zzz: 1}": "Keys of `search`:",
    "evaluate: {zzz: 1}": "Keys of `evaluate`:",
    "inspect: {zzz: 1}": "Keys of `inspect`:",
    "plugins: [{zzz: 1}]": "Keys of `plugins`:",
    "judging: {zzz: 1}": "Keys of `judging`:",
    "problems: {p: {zzz: 1}}": "### Keys of a problem",
    "claims: [{zzz: 1}]": "## Stating claims",
}
WHOLE = {
    "name": "name: x",
    "dataset": "dataset: mnist",
    "seeds": "seeds: [1]",
    "problems": "problems: {p: {model: logistic, epochs: 1, batch_size: 1}}",
    "optimizers": "optimizers: {sgd: {}}",
}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    """The text from a heading to the next one of the same or a higher level."""
    level = heading.index(" ")
    start = MANUAL.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(MANUAL, start)
    return MANUAL[start : end.start() if end else None]


def table(after: str, text: str = MANUAL) -> list[list[str]]:
    """The rows of the first table after a given text, without its header, each a list of cells."""
    found = re.compile(r"(?:^\|.*\n)+", re.MULTILINE).search(text, text.index(after))
    assert found, after
    lines = found.group().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(cell: str) -> list[str]:
    """The words in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def plain(value: Any) -> str:
    """A default as the manual writes it: `0.001`, `1e-08`, `true`, `[1000, 1000]`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_in_the_manual(command: str) -> None:
    text = section(f"### {command}")
    usage, *_ = text.strip().splitlines()
    assert usage.split()[:2] == ["adambench", command]
    assert set(OPTION.findall(usage)) == COMMANDS[command]
    explained = set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))
    assert COMMANDS[command] - SHARED <= explained <= COMMANDS[command]
    assert f"adambench {command}" in text.partition("```sh")[2]  # an example


def test_shared_options_are_explained_once() -> None:
    assert {OPTION.findall(row[0])[0] for row in table("Several commands share")} == SHARED


def test_every_command_in_the_manual_exists() -> None:
    told = re.findall(r"^### (.+)$", MANUAL[: MANUAL.index("\n## The YAML file")], re.MULTILINE)
    assert told == list(COMMANDS)


def test_options_of_all_commands() -> None:
    assert {option for parameter in GROUP.params for option in parameter.opts} == {
        "--version",
        "--install-completion",
        "--show-completion",
    }
    assert "`adambench --version`" in MANUAL


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_an_option_that_does_not_exist(page: Path) -> None:
    """`adambench COMMAND …`, in a block of commands or in backticks."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    for words in [*lines, *re.findall(r"`([^`]+)`", prose(page))]:
        for command, rest in re.findall(r"\badambench ([a-z][a-z-]*)\b([^|#]*)", words):
            assert command in COMMANDS, words
            assert set(OPTION.findall(rest)) <= COMMANDS[command] | {"--help"}, words


@pytest.mark.parametrize("place", KEYS)
def test_every_key_of_a_configuration_is_in_the_manual(place: str, tmp_path: Path) -> None:
    """The allowed keys are taken from the error about an unknown one."""
    key = place.partition(":")[0]
    lines = [line for name, line in WHOLE.items() if name != key]
    file = tmp_path / "experiment.yaml"
    file.write_text("\n".join([*lines, "zzz: 1" if key.startswith("{") else place]), encoding="utf-8")
    with pytest.raises(AdambenchError) as raised:
        app(["run", str(file), "--results", str(tmp_path)], standalone_mode=False)
    found = re.search(r"zzz: unknown\. Allowed: ([^.]*)\.", raised.value.message)
    assert found, raised.value.message
    assert {name for row in table(KEYS[place]) for name in names(row[0])} == set(found.group(1).split(", "))


def test_the_optimizers_of_the_manual_are_those_of_the_package() -> None:
    """The manual lists the rules that come with the package; `adambench list` also shows added ones."""
    rules, meanings = table("### Optimizers"), table("| hyper-parameter | allowed")
    told = {names(rule)[0]: dict(re.findall(r"`(\w+)` ([^\s,]+)", given)) for rule, given in rules}
    assert [rule for rule in OPTIMIZERS if rule in told] == list(told)
    for rule, given in told.items():
        defaults = {field.name: field.default for field in fields(OPTIMIZERS[rule])}
        assert list(given) == list(defaults)
        for name, default in defaults.items():
            assert given[name] == plain(default) or float(given[name]) == default
    assert {names(row[0])[0] for row in meanings} == {name for given in told.values() for name in given}


def test_every_model_is_in_the_manual() -> None:
    told: dict[str, dict[str, str]] = {}
    for model, field, default, *_ in table("### Models"):
        if model:
            told[names(model)[0]] = {}
        else:
            told[list(told)[-1]][names(field)[0]] = default
    assert told == {name: {f.name: plain(f.default) for f in fields(cls)} for name, cls in MODELS.items()}


def test_every_schedule_is_in_the_manual() -> None:
    """Fields that all schedules have are explained once."""
    told: dict[str, dict[str, str]] = {}
    for schedule, field, default, *_ in table("### Schedules"):
        if schedule:
            told[schedule.strip("`")] = {}
        if field:
            told[list(told)[-1]][names(field)[0]] = default.strip("`")
    shared = told.pop("every schedule")
    assert all(
        told[name] | shared == {f.name: plain(f.default) for f in fields(cls)} for name, cls in SCHEDULES.items()
    )
    assert told.keys() == SCHEDULES.keys()
    assert all(f.default is not MISSING for cls in SCHEDULES.values() for f in fields(cls))


def test_every_data_set_and_metric_is_in_the_manual() -> None:
    assert [names(row[0])[0] for row in table("### Data sets")] == [*DATASETS, "{idx: path/to/folder}"]
    assert {names(row[0])[0] for row in table("### Metrics")} == set(METRICS)


def test_the_manuals_example_is_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It passes the check, and its plan is printed."""
    (example,) = re.findall(r"^```yaml\n(name: .*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
    file = tmp_path / "example.yaml"
    file.write_text(example, encoding="utf-8")
    app(["run", str(file), "--results", str(tmp_path), "--dry-run"], standalone_mode=False)
    assert "adam_uncorrected" in capsys.readouterr().out


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short() -> None:
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
