"""The tables in README and docs are what the commands print of the committed records."""

import re
from dataclasses import replace

import pytest

from adambench import findings, report
from adambench.config import load
from adambench.results import Folder
from adambench.session import Session
from tests.test_results import PAPER

TOP = PAPER.parent.parent
BLOCK = re.compile(r"<!-- (table|claims|fairness|speed) (\w+) ?(\w*) -->\n(.*?)<!-- /\1 -->", re.DOTALL)
PAGES = ("README.md", "docs/reproduction.md")
BLOCKS = [found for page in PAGES for found in BLOCK.findall((TOP / page).read_text(encoding="utf-8"))]


def opened(name: str) -> Session:
    folder = Folder(PAPER, name)
    return Session.open(load(folder.config), folder, pytest.fail)


@pytest.mark.parametrize(("kind", "name", "problem", "text"), BLOCKS, ids=lambda value: str(value)[:20])
def test_a_table_is_what_its_command_prints(kind: str, name: str, problem: str, text: str) -> None:
    session = opened(name)
    if kind == "claims":
        printed = findings.claims_markdown({name: session.verdicts()})
    elif kind == "table":
        problems = tuple(part for part in session.experiment.problems if problem in ("", part.name))
        printed = report.markdown(replace(session.experiment, problems=problems), session.summaries())
    else:
        found = {part: rows for part, rows in session.fairness().items() if problem in ("", part)}
        search, speed = findings.fairness_tables(name, found)
        _, header, rows = speed if kind == "speed" else search
        printed = report.markdown_table(header, rows)
    assert text.strip() == printed.strip()


def test_the_readmes_table_of_schedules() -> None:
    """Three optimizers of figure 1, a column a schedule."""
    session = opened("figure1")
    finals = {
        label: [
            report.estimate(summary.train_loss)
            for name in ("step", "epoch", "constant")
            for summary in session.summaries()[name]
            if summary.optimizer == label
        ]
        for label in ("adam", "nesterov", "adagrad")
    }
    text = (TOP / "README.md").read_text(encoding="utf-8")
    for label, cells in finals.items():
        assert f"| {label} | {' | '.join(cells)} |" in text


def test_the_pages_have_tables() -> None:
    assert {(kind, name) for kind, name, _, _ in BLOCKS} >= {
        ("table", "mnist"),
        ("claims", "figure1"),
        ("fairness", "figure1"),
    }


def test_links_of_the_papers_curves_lead_somewhere() -> None:
    """Those of the other pages are held by test_manual.py."""
    file = TOP / "adambench/paper/README.md"
    for link in re.findall(r"\]\(([\w./:-]+)(?:#[\w-]*)?\)", file.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (file.parent / link).exists(), link
