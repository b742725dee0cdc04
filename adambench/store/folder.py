"""The results folder of an experiment. Nothing else writes the records, tables and figures in it.

results/<experiment>/config.yaml, runs/<label>-<id>.json, curves.csv, summary.csv, figures/. File names are labels for
people; a record is identified by the id inside it. The checkpoints beside them are those of `run`.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adambench.curve import METRICS, first_difference
from adambench.errors import AdambenchError, neutral, unknown
from adambench.execution.plan import Run
from adambench.store.files import csv_text, read, set_aside_file, temporary_for, uncollected, why_not
from adambench.store.records import FORMAT, NewerFormatError, Record
from adambench.writing import prepare, sync_folder, write

CONTRACT = ["epoch", "step", "seconds", "train_loss", "test_loss", "test_error"]  # curves.csv always has these


class Folder:
    """results/<experiment>/."""

    def __init__(self, root: Path, experiment: str) -> None:
        self.path = root / experiment
        self.config = self.path / "config.yaml"
        self.runs = self.path / "runs"
        self.figures = self.path / "figures"
        self.checkpoints = self.path / "checkpoints"
        self.plugins = self.path / "plugins"
        self.log = self.path / "run.log"  # of `run --detach`
        self._text = ""  # of the configuration, once it is written
        self.newer: set[str] = set()  # names of records that a newer version has written
        self.disputed: list[str] = []  # sentences on runs that have different curves here

    def prepare(self) -> Path:
        """Create the folder and check that it is writable. Raises AdambenchError if not, or if it holds experiments."""
        if holds_experiments(self.path) and not is_experiment(self.path):
            raise AdambenchError(
                f"{self.path}: is a folder of experiments, so no experiment can have the name {self.path.name} here",
                f"Choose another name, or another folder with --results; {self.path} is one for --results.",
            )
        prepare(self.runs, f"{self.path}: results", "Choose another folder with --results.")
        for folder in (self.path, self.path.parent):
            sync_folder(folder)
        return self.path

    def put_aside(self) -> None:
        """Rename the folder of records and create an empty one."""
        try:
            self.runs.rename(self.path / f"runs-until-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
            self.runs.mkdir()
        except OSError as error:
            raise AdambenchError(f"{self.runs}: cannot be moved away: {error.strerror}", exit_code=1) from error

    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the resolved configuration."""
        return _sha256(self.config.read_bytes())[:16]

    @uncollected()
    def records(self, warn: Callable[[str], object], set_aside: bool = False) -> dict[str, Record]:
        """The records of finished runs, by id. A file that is not a valid record is skipped with a warning.

        So are all files of a run that has two different curves. Of equal curves, the one that finished first is taken.
        set_aside: rename such files, and adopt or delete the temporary files of killed processes. Only for the holder
        of the lock.
        """
        found: dict[str, list[tuple[Path, Record]]] = {}
        if set_aside:
            self.tidy()
        try:
            files = sorted(path for path in self.runs.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            files = []
        except OSError as error:
            raise AdambenchError(f"{self.runs}: cannot be read: {error.strerror}") from error
        for file in files:
            try:
                record = Record.parse(read(file))
            except NewerFormatError as error:
                self.newer.add(file.name)
                warn(f"{file}: {error}; left as it is")
            except (ValueError, OSError, RecursionError, MemoryError) as error:
                if isinstance(error, PermissionError) and set_aside:
                    raise AdambenchError(f"{file}: cannot be read: {error.strerror}") from error
                warn(f"{file}: {why_not(error)}; {set_aside_file(file) if set_aside else 'skipped'}")
            else:
                found.setdefault(record.id, []).append((file, record))
        records = {}
        for id_, claimants in found.items():
            _, first = min(claimants, key=lambda claimant: claimant[1].age)
            others = (other.curve for _, other in claimants if other is not first)
            if any(first_difference(first.curve, other) for other in others):
                names = ", ".join(file.name for file, _ in claimants)
                self.disputed.append(f"{self.runs}: {names} hold different curves of run {id_}")
                for file, _ in claimants:
                    reason = f"{len(claimants)} files hold different curves of run {id_}; none is used"
                    warn(f"{file}: {reason}; {set_aside_file(file) if set_aside else 'skipped'}")
            else:
                records[id_] = first
        return records

    def tidy(self) -> None:
        """Give a whole record in a temporary file its name, as after a power cut before that; delete the other ones.

        Only for the holder of the lock.
        """
        for file in filter(temporary_for, self.path.rglob(".*.tmp")):
            with suppress(OSError):
                try:
                    whole = self.runs / Record.parse(read(file)).file
                    if file.parent == self.runs and not os.path.lexists(whole):
                        file.rename(whole)
                        continue
                except NewerFormatError:
                    continue
                except (ValueError, RecursionError, MemoryError):
                    pass  # half of a record, or none
                file.unlink(missing_ok=True)

    def write_record(self, record: Record) -> Path:
        """Write a record, beside a newer format's of the same name, and the configuration if it has been deleted."""
        if self._text and not self.config.exists():
            self.write_config(self._text)
        file = self.runs / record.file
        return write(file.with_stem(f"{file.stem}.{FORMAT}") if file.name in self.newer else file, record.json())

    def write_config(self, text: str) -> Path:
        self._text = text
        return write(self.config, text)

    def write_plugins(self, texts: Mapping[str, bytes]) -> None:
        """Keep the texts of plug-ins, by file name. A file name contains the hash, so none replaces another."""
        for name, text in texts.items():
            write(self.plugins / name, text)

    def read_plugins(self) -> dict[str, bytes]:
        """The texts of plug-ins by file name, those whose hash is the one in the name. Nothing is executed."""
        texts = {file.name: file.read_bytes() for file in sorted(self.plugins.glob("*.py"))}
        return {name: text for name, text in texts.items() if name.endswith(f"-{_sha256(text)[:16]}.py")}

    def write_figure(self, name: str, data: bytes) -> Path:
        return write(self.figures / name, data)

    def write_table(self, name: str, text: str) -> Path:
        return write(self.path / name, text)

    def write_curves(self, runs: Iterable[Run], records: Mapping[str, Record]) -> Path:
        """Write curves.csv, with one row per run and epoch."""
        return self.write_table("curves.csv", csv_text(*curve_rows(runs, records)))


def curve_rows(runs: Iterable[Run], records: Mapping[str, Record]) -> tuple[list[str], Iterable[list[Any]]]:
    """The columns of curves.csv, and a row per run and epoch.

    After the columns of CONTRACT come the other metrics that are finite and not zero in at least one row.
    """
    known = [(run, records[run.id]) for run in runs if run.id in records]
    others = [metric for name, metric in METRICS.items() if name not in CONTRACT]
    extra = [m for m in others if any(_says_something(m.value(e)) for _, record in known for e in record.curve)]
    header = ["problem", "optimizer", "setting", "phase", "seed", *CONTRACT, *(metric.name for metric in extra)]
    rows = (
        [run.problem, run.label, run.setting, run.phase, run.seed]
        + [getattr(evaluation, name) for name in CONTRACT]
        + [metric.value(evaluation) for metric in extra]
        for run, record in known
        for evaluation in record.curve
    )
    return header, rows


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _says_something(value: float) -> bool:
    return math.isfinite(value) and value != 0


def folders(results: Path, names: Sequence[str] | None, option: str = "--results ") -> list[Folder]:
    """The experiments with these names in a results folder, or all. Raises AdambenchError if one is missing.

    option: what comes before the folder on the command line.
    """
    try:
        there = sorted(path.parent.name for path in results.glob("*/config.yaml") if _usable(path))
        inner = sorted({path.parent.parent for path in results.glob("*/*/config.yaml")})
    except OSError as error:
        raise AdambenchError(f"{results}: cannot be read: {error.strerror}") from error
    if not there:
        parent = results.resolve().parent
        above = f"It is the folder of one experiment; use {parent}." if is_experiment(results) else ""
        first = "Run one first: adambench run configs/mnist.yaml" if option else ""
        hint = f"{inner[0]} does: use {option}{inner[0]}." if inner else above or first
        reason = ", because there is no such folder" if not results.exists() else ", because it is a file"
        raise AdambenchError(
            f"{results}: holds no experiment{'' if results.is_dir() else reason}",
            hint,
        )
    for name in names or []:
        if name not in there and (results / name).is_dir() and not os.access(results / name, os.R_OK | os.X_OK):
            raise AdambenchError(f"{results / name}: cannot be read: permission denied")
        if name not in there:
            group = next((path for path in (results / name, Path(name)) if holds_experiments(path)), None)
            raise AdambenchError(
                f"{name}: {unknown(name, there)}",
                f"{group} is a folder of experiments: use --results {group}."
                if group
                else f"These are the experiments in {results}.",
            )
    return [Folder(results, name) for name in dict.fromkeys(names or there)]


def _usable(config: Path) -> bool:
    """Whether it is a file, in a folder whose name can be printed."""
    return config.is_file() and neutral(config.parent.name) == config.parent.name


def is_experiment(path: Path) -> bool:
    """Whether a folder is the results folder of one experiment."""
    return os.path.isfile(path / "config.yaml")  # noqa: PTH113  # False for a name that is too long, where Path raises


def holds_experiments(path: Path) -> bool:
    """Whether a folder contains the results folders of experiments."""
    try:
        return any(path.glob("*/config.yaml"))
    except (OSError, ValueError):
        return False
