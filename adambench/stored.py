"""The experiments in a results folder, opened without executing anything that they name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from adambench.config import loading
from adambench.config.experiment import Experiment
from adambench.errors import AdambenchError
from adambench.session import Session, Warn
from adambench.store.folder import Folder, folders, holds_experiments, is_experiment


def stored(
    results: Path,
    names: list[str] | None,
    warn: Warn,
    unreadable: Warn,
    read: Callable[[Path], Experiment] = loading.read,
) -> list[Session]:
    """The experiments of those names in a results folder, or all of them. Raises AdambenchError if none can be read.

    unreadable: is told of each one that cannot be read while others can. read: from its configuration; the default
    executes none of its plug-ins.
    """
    sessions, errors = [], []
    for folder in folders(results, names):
        try:
            sessions.append(Session.open(read(folder.config), folder, warn))
        except AdambenchError as error:
            errors.append(error)
    if not sessions:
        raise errors[0] if len(errors) == 1 else _all(errors)
    for bad in errors:
        unreadable(f"skipped: {bad.message}")
    return sessions


def _all(errors: Sequence[AdambenchError]) -> AdambenchError:
    """One error of several."""
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    return AdambenchError("\n".join(error.message for error in errors), "\n".join(hints))


def named(word: str, results: Path, warn: Warn) -> Session:
    """One experiment: of that name in a results folder, or in the folder with that path. Raises AdambenchError."""
    path = Path(word)
    if "/" not in word and not (is_experiment(path) and not is_experiment(results / word)):
        return stored(results, [word], warn, warn)[0]
    if holds_experiments(path) and not is_experiment(path):
        inner = sorted(config.parent.name for config in path.glob("*/config.yaml"))
        raise AdambenchError(
            f"{word}: a folder of experiments, and one is needed",
            f"For example: {path / inner[0]}. It has: {', '.join(inner)}.",
        )
    if not is_experiment(path):
        raise AdambenchError(f"{word}: not the results folder of an experiment, which holds a config.yaml")
    path = path.resolve()
    return stored(path.parent, [path.name], warn, warn)[0]


def refuse_to_replace(folder: Folder, experiment: Experiment) -> None:
    """Raises AdambenchError if a results folder holds another version of an experiment.

    For an experiment that was changed on the command line: its table and charts would replace those of the other.
    """
    if not folder.config.is_file():
        return
    if changed := loading.differences(loading.read(folder.config).without_places, experiment.without_places):
        raise AdambenchError(
            f"{folder.path}: holds another version of this experiment; it differs in {', '.join(changed[:3])}"
            + (" and more" if len(changed) > 3 else ""),
            f"Add name=NAME to keep both, for example name={experiment.name}_2. To replace it, edit the file instead.",
        )
