"""The tables in README and docs are what the commands print for the committed records."""

import re

import pytest

from adambench import paper
from adambench.config.loading import load
from adambench.judge import pairing
from adambench.judge.match import Target, match
from adambench.session import Session
from adambench.show import comparing, findings, matching
from adambench.show.table import markdown, markdown_table
from adambench.show.words import estimate
from adambench.store.folder import Folder
from tests.test_results import PAPER

TOP = PAPER.parent.parent
BLOCK = re.compile(r"<!-- (table|claims|fairness|speed|match) (\w+) ?([\w-]*) -->\n(.*?)<!-- /\1 -->", re.DOTALL)
PAGES = ("README.md", "docs/reproduction.md", "docs/since-adam.md")
BLOCKS = [found for page in PAGES for found in BLOCK.findall((TOP / page).read_text(encoding="utf-8"))]


def opened(name: str) -> Session:
    folder = Folder(PAPER, name)
    return Session.open(load(folder.config), folder, pytest.fail)


@pytest.mark.parametrize(("kind", "name", "problem", "text"), BLOCKS, ids=lambda value: str(value)[:20])
def test_a_table_is_what_its_command_prints(kind: str, name: str, problem: str, text: str) -> None:
    session = opened(name)
    if kind == "claims":
        printed = markdown_table(findings.claims({name: session.verdicts()}))
    elif kind == "match":
        runs = session.candidates("1-left")
        fits = [match(Target.of(f"1-left {rule}", c, rule), runs) for rule, c in paper.curves("1-left").items()]
        printed = markdown_table(matching.matches(fits, 3, {}))
    elif kind == "table":
        names = [problem.name for problem in session.experiment.problems]
        tables = dict(zip(names, session.tables(), strict=True))
        printed = markdown([tables[problem]] if problem else list(tables.values()))
    else:
        found = {part: rows for part, rows in session.fairness().items() if problem in ("", part)}
        search, speed = findings.fairness({name: found})
        printed = markdown_table(speed if kind == "speed" else search)
    assert text.strip() == printed.strip()


def test_the_readmes_table_of_schedules() -> None:
    """Three optimizers of figure 1, with one column per schedule."""
    session = opened("figure1")
    finals = {
        label: [
            estimate(summary.finals["train_loss"])
            for name in ("step", "epoch", "constant")
            for summary in session.summaries()[name]
            if summary.optimizer == label
        ]
        for label in ("adam", "nesterov", "adagrad")
    }
    text = (TOP / "README.md").read_text(encoding="utf-8")
    for label, cells in finals.items():
        assert f"| {label} | {' | '.join(cells)} |" in text


def test_the_table_of_the_readings_of_figure_2a() -> None:
    """Adam's final cost over that of each rival, by reading."""
    readings = {
        (experiment, rival): next(v for v in opened(experiment).verdicts() if v.claim.id == f"{start}-{rival}")
        for experiment, start in (("figure2", "B1"), ("figure2_input", "constant"))
        for rival in ("nesterov", "rmsprop", "adadelta", "adagrad")
    }
    text = (TOP / "docs/reproduction.md").read_text(encoding="utf-8")
    for rival in ("nesterov", "rmsprop", "adadelta", "adagrad"):
        hidden, pixels = (readings[experiment, rival] for experiment in ("figure2", "figure2_input"))
        tried = findings.measured(pixels) if pixels.interval.n == 3 else "not yet"
        assert f"| {rival} | {findings.measured(hidden)} | {tried} | {hidden.paper:.4g} |" in text


def test_the_table_of_costs_and_errors_on_test_images() -> None:
    """Adam's final values over AdaGrad's, by experiment."""
    text = (TOP / "docs/reproduction.md").read_text(encoding="utf-8")
    for name, titles in ON_TEST.items():
        side = opened(name).side(name)
        cells: dict[str, list[str]] = {problem: [] for problem in titles}
        for metric in ("train_loss", "test_loss", "test_error"):
            for pair in pairing.compare(side, side, metric, [("adam", "adagrad")]).pairs:
                if pair.label == ("adam", "adagrad") and pair.problem[0] in titles:
                    cells[pair.problem[0]].append(comparing.ratio(pair.interval))
        for problem, title in titles.items():
            assert f"| {title} | {' | '.join(cells[problem])} |" in text


ON_TEST = {
    "figure1": {
        "step": "softmax regression, α/√step",
        "epoch": "softmax regression, α/√epoch",
        "constant": "softmax regression, constant rate",
    },
    "figure2": {"mlp": "network, dropout on the hidden units alone"},
    "figure2_input": {"constant": "network, dropout on the pixels as well"},
}


def test_the_pages_have_tables() -> None:
    assert {(kind, name) for kind, name, _, _ in BLOCKS} >= {
        ("table", "mnist"),
        ("claims", "figure1"),
        ("fairness", "figure1"),
        ("match", "figure1"),
    }


def test_the_ratios_since_adam() -> None:
    """Final test cost over Adam's, by rule and problem, ordered by their mean."""
    summaries = opened("modern").summaries()
    costs = {
        (problem, summary.optimizer): summary.finals["test_loss"].mean
        for problem, found in summaries.items()
        for summary in found
    }
    rows = {
        label: [costs[problem, label] / costs[problem, "adam"] for problem in summaries]
        for label in dict.fromkeys(label for _, label in costs)
    }
    lines = [
        f"| {label} | {' | '.join(f'{ratio:.3f}' for ratio in (*ratios, sum(ratios) / len(ratios)))} |"
        for label, ratios in sorted(rows.items(), key=lambda row: sum(row[1]))
    ]
    head = [f"| | {' | '.join((*summaries, 'mean'))} |", f"|---|{'---|' * (len(summaries) + 1)}"]
    text = (TOP / "docs/since-adam.md").read_text(encoding="utf-8")
    assert "\n".join([*head, *lines]) in text
