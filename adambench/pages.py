"""Experiments in a results folder to a page that shows them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from adambench.config import loading
from adambench.errors import AdambenchError
from adambench.session import Session
from adambench.show.report import Chapter, page, section
from adambench.store.folder import folders


def chapter(session: Session) -> Chapter:
    """Everything that a page shows of an experiment. Records that are not in its plan are left out."""
    problems = [problem.name for problem in session.experiment.problems]
    texts = session.folder.read_plugins()
    return Chapter(
        name=session.name,
        experiment=session.experiment,
        entries=session.entries,
        curves=session.curves,
        records={run.id: session.records[run.id] for run in session.runs if run.id in session.records},
        config=session.folder.config.read_text(encoding="utf-8"),
        digest=session.folder.digest(),
        rankings=dict(zip(problems, session.tables(named=True), strict=True)),
        verdicts=session.verdicts(),
        fairness=session.fairness(),
        plugins={one.file: texts[one.file] for one in session.experiment.plugins if one.file in texts},
    )


def report(results: Path, names: Sequence[str] | None, warn: Callable[[str], object]) -> tuple[str, list[str]]:
    """A page about experiments, by default all in the results folder. Only data are read; nothing is executed.

    warn: is told of records that are skipped. Second, why experiments are left out; the page says so too. Raises
    AdambenchError if none can be shown.
    """
    sections = []
    unreadable: dict[str, str] = {}
    for folder in folders(results, names):
        try:
            sections.append(section(chapter(Session.open(loading.read(folder.config), folder, warn))))
        except AdambenchError as error:
            unreadable[folder.path.name] = error.message
        except Exception as error:  # a folder from a stranger can hold anything; the others still make a page
            unreadable[folder.path.name] = f"{type(error).__name__}: {error}"
    reasons = [f"{name}: cannot be shown: {reason}" for name, reason in unreadable.items()]
    if not sections:
        raise AdambenchError("\n".join(reasons))
    return page(sections, unreadable), reasons
