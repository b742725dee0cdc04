"""adambench in Python, for notebooks and scripts: the experiments, numbers and charts of the commands.

>>> import adambench
>>> results = adambench.run("configs/mnist.yaml", ["problems.mlp.epochs=2"])
>>> results.table()
>>> results.figure("train_loss")
"""

import multiprocessing
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adambench.config import loading, yamlfile
from adambench.config.paths import expanded
from adambench.config.sizes import check_sizes
from adambench.errors import AdambenchError, unknown
from adambench.execution import plan
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.scheduling import local
from adambench.execution.workers import workers
from adambench.judge import pairing
from adambench.session import Session
from adambench.show import comparing, findings
from adambench.show.table import Table, html
from adambench.show.terminal import plural
from adambench.store.folder import Folder, curve_rows, is_experiment
from adambench.store.lock import locked
from adambench.store.status import Told
from adambench.stored import named, refuse_to_replace, stored
from adambench.watched import train_shown

if TYPE_CHECKING:
    from adambench.show.charts import Figure

Config = str | Path | Mapping[str, Any]


class Rows(list[dict[str, Any]]):
    """Rows of a table, a dictionary each. A notebook shows them as people read them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], tables: Sequence[Table] = ()) -> None:
        super().__init__(map(dict, rows))
        self._tables = tables

    def frame(self) -> Any:
        """A pandas.DataFrame. Raises AdambenchError if pandas is not installed."""
        try:
            import pandas  # type: ignore[import-untyped]  # noqa: PLC0415  # not needed otherwise
        except ImportError as error:
            raise AdambenchError("frame() needs pandas, which is not installed", "pip install pandas") from error
        return pandas.DataFrame(list(self))

    def _repr_html_(self) -> str | None:
        return html(self._tables) if self._tables else None


class Results:
    """The finished runs of an experiment: `run` returns it, and `Results.load` opens a folder of results."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def load(cls, folder: str | Path) -> "Results":
        """The results in a folder such as `results/mnist`. Nothing is trained or executed.

        Raises AdambenchError if the folder holds no results that can be read.
        """
        path = _path("folder", folder).absolute()
        if path.exists() and not is_experiment(path):
            return cls(named(str(path), path.parent, _warn))  # which says what it is
        return cls(*stored(path.parent, [path.name], _warn, _warn))

    @property
    def name(self) -> str:
        """That of the folder, as in the commands."""
        return self._session.name

    @property
    def folder(self) -> Path:
        return self._session.folder.path

    def table(self) -> Rows:
        """The ranking: a row for each problem and optimizer, with the columns of summary.csv. The best comes first."""
        return _rows(self._session.tables())

    def curves(self) -> Rows:
        """The columns of curves.csv: a row for each run and epoch. Losses are in nats, test_error is a share."""
        runs = plan.runs(self._session.entries, self._session.curves)  # one that two labels share, under both
        header, rows = curve_rows(runs, self._session.records)
        return Rows([dict(zip(header, row, strict=True)) for row in rows])

    def claims(self) -> Rows:
        """The claims of the configuration with their verdicts: reproduced, contradicted or inconclusive."""
        return _rows([findings.claims({self.name: self._session.verdicts()})])

    def fairness(self) -> Rows:
        """What the search gave each optimizer, and how fast each is."""
        return _rows(findings.fairness({self.name: self._session.fairness()}))

    def compare(
        self,
        other: "Results",
        metric: str | None = None,
        pairs: Sequence[tuple[str, str]] = (),
        problems: Sequence[tuple[str, str]] = (),
    ) -> Rows:
        """Ratios to the results of another experiment, seed by seed: a row for each two optimizers that are compared.

        metric: if left out that of tuning, where both have the same. pairs, problems: compare these too, though they
        have different names, ours first: [("my_rule", "adam")]. Raises AdambenchError if nothing can be compared.
        """
        if not isinstance(other, Results):
            raise AdambenchError(f"compare: must be given Results, as of Results.load, found {other!r:.60}")
        for one in (*pairs, *problems):
            if not isinstance(one, tuple | list) or len(one) != 2:
                raise AdambenchError(f"compare: must be pairs of names, e.g. [('my_rule', 'adam')], found {one!r:.60}")
        mine, theirs = self._session.side(self.name), other._session.side(other.name)
        return _rows(comparing.comparison(pairing.compare(mine, theirs, metric, pairs, problems)))

    def figure(self, kind: str = "train_loss", x: str = "epoch", over: str | None = None) -> "Figure":
        """A chart by the name of its file without the ending, e.g. train_loss, heatmap, profile or paper.

        x: `epoch`, `step` or `seconds`, for a metric along training, profile and ecdf. over: `adam,rmsprop`, two
        inspected labels over each other. Raises AdambenchError if there is no such chart, or nothing to show in it.
        """
        from adambench.show.charts.convergence import X_NAMES  # noqa: PLC0415  # matplotlib is slow to import

        if x not in X_NAMES:
            raise AdambenchError(f"figure: x: {x!r} is {unknown(x, X_NAMES)}")
        gallery = self._session.gallery
        drawings = gallery.drawings(x, over)
        wanted = kind if x == "epoch" else f"{kind}_by_{x}"
        if wanted not in drawings:
            if kind in drawings:
                raise AdambenchError(f"figure: {kind} has no axis x to choose, found x={x!r}")
            raise AdambenchError(f"figure: {kind!r} is {unknown(kind, drawings)}")
        figure = drawings[wanted]()
        if figure is None:
            raise AdambenchError(f"figure: {kind}: the finished runs of {self.name} have nothing to show in it")
        return figure

    def __repr__(self) -> str:
        unfolding = self._session.unfolding
        return f"Results({self.name!r}: {unfolding.done} of {plural(unfolding.total, 'run')} finished)"

    def _repr_html_(self) -> str:
        return html(self._session.tables())


def run(
    config: Config, overrides: Sequence[str] = (), jobs: int | None = None, results: str | Path = "results"
) -> Results:
    """Train what is missing of an experiment, as `adambench run` does, and return all its results.

    config: a YAML file, or its content as a dictionary. overrides: `KEY=VALUE` changes, for example
    `problems.mlp.epochs=2`. jobs: worker processes; None: as many as there are cores, 0: train in this process.
    results: the folder that holds a folder for each experiment.

    A script that calls this with worker processes needs `if __name__ == "__main__":` around it, because a worker
    imports the script. Finished runs are recorded as they end, so a call that was interrupted resumes.
    Raises AdambenchError for a mistake in the configuration, and if a run fails twice.
    """
    # As multiprocessing itself asks: a worker that still imports the script cannot start workers of its own.
    if jobs != 0 and getattr(multiprocessing.current_process(), "_inheriting", False):
        raise AdambenchError(
            "run was called by a worker that imports the script", 'Put it below `if __name__ == "__main__":`.'
        )
    if not (isinstance(overrides, list | tuple) and all(isinstance(change, str) for change in overrides)):
        raise AdambenchError(f"overrides: must be a list like ['problems.mlp.epochs=2'], found {overrides!r:.60}")
    if isinstance(config, Mapping):
        experiment = loading.parse(yamlfile.dump(_plain(config)), "config", overrides=overrides, numbered=False)
    else:
        experiment = loading.load(_path("config", config), overrides)
    experiment, data = experiment.loaded()
    check_sizes(experiment, data)
    folder = Folder(_path("results", results), experiment.name)
    if overrides:
        refuse_to_replace(folder, experiment)
    with locked(folder.prepare(), _warn), Told(folder.path) as told:
        checkpoints = Checkpoints(folder.checkpoints.absolute())
        session = Session.open(experiment, folder, told.keep(_warn), set_aside=True)
        jobs = workers(jobs, session.unfolding.left(), data, session.warn)
        failed = train_shown(session, data, local(jobs, data, checkpoints), max(1, jobs), checkpoints, told)
        session.write_tables()
    if failed:
        raise AdambenchError(f"{plural(failed, 'run')} failed twice", "Call it again to try again.", exit_code=1)
    return Results(session)


def _path(name: str, given: Any) -> Path:
    """A path with `~` and environment variables expanded, as in the commands. Raises AdambenchError if it is none."""
    if not isinstance(given, str | os.PathLike):
        raise AdambenchError(f"{name}: must be a path, found {given!r:.60}")
    return expanded(Path(given))


def _plain(value: Any) -> Any:
    """What YAML can hold: NumPy's numbers and arrays as Python's, paths as text. Raises AdambenchError for the rest."""
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.floating):
        return float(value)
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise AdambenchError(f"config: must hold names, numbers, lists and dictionaries, found {value!r:.60}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise AdambenchError(f"config: keys must be text, found {key!r:.60}")
    return key


def _rows(tables: Sequence[Table]) -> Rows:
    return Rows([row for table in tables for row in table.records], tables)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
