"""Experiments in a results folder to a page that shows them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from adambench.config import loading
from adambench.errors import AdambenchError
from adambench.session import Session
from adambench.show.report import Chapter, page
from adambench.store.folder import folders


def chapter(session: Session) -> Chapter:
    """Everything that a page shows of an experiment. Records that are not in its plan are left out."""
    problems = [problem.name for problem in session.experiment.problems]
    return Chapter(
        experiment=session.experiment,
        entries=session.entries,
        curves=session.curves,
        records={run.id: session.records[run.id] for run in session.runs if run.id in session.records},
        config=session.folder.config.read_text(encoding="utf-8"),
        digest=session.folder.digest(),
        rankings=dict(zip(problems, session.tables(named=True), strict=True)),
        verdicts=session.verdicts(),
        fairness=session.fairness(),
    )


def report(results: Path, names: Sequence[str] | None, warn: Callable[[str], object]) -> str:
    """A page about experiments, by default all in the results folder. Only data are read; nothing is executed.

    One that cannot be read is a warning, and the page says why. Raises AdambenchError if none can be read.
    """
    chapters: list[Chapter] = []
    unreadable: dict[str, str] = {}
    for folder in folders(results, names):
        try:
            chapters.append(chapter(Session.open(loading.read(folder.config), folder, warn)))
        except AdambenchError as error:
            unreadable[folder.path.name] = error.message
        except Exception as error:  # a folder from a stranger can hold anything; the others still make a page
            unreadable[folder.path.name] = f"{type(error).__name__}: {error}"
    reasons = [f"{name}: cannot be shown: {reason}" for name, reason in unreadable.items()]
    if not chapters:
        raise AdambenchError("\n".join(reasons))
    for reason in reasons:
        warn(reason)
    return page(chapters, unreadable)
