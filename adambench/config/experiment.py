"""The terms of an experiment: its problems, each with the optimizers to compare and the settings to try."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len, Lt, doc

from adambench.config.names import LOADERS, Plugin, origin
from adambench.config.quantity import Quantity
from adambench.config.shown import plain
from adambench.config.yamlfile import Source
from adambench.curve import COMPARED, FINAL
from adambench.datasets import Dataset, read_folder
from adambench.datasets.batches import Sampling
from adambench.errors import AdambenchError
from adambench.models import Model
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.schedules import Schedule

Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
Title = Annotated[str, Len(1, 100)]
Count = Annotated[int, Gt(0), Le(1_000_000)]
Average = Annotated[float, Gt(0), Lt(1)]
Norm = Annotated[float, Gt(0)]
if TYPE_CHECKING:
    Metric = str
else:  # the registered names, which pydantic reads at run time
    Metric = Literal[tuple(COMPARED)]
RELATIONS = ("<", "<=", ">", ">=", "between")


@dataclass(frozen=True)
class Tuning:
    """How the best setting is chosen: the lowest final `metric`, a mean over seeds that no report run uses."""

    seed: Annotated[Seed, doc("of every tuning run")] = 0
    metric: Annotated[Metric, doc("what is compared")] = "train_loss"
    epochs: Annotated[Count | None, doc("of a tuning run; as many as a report run has if left out")] = None
    seeds: Annotated[tuple[Seed, ...], doc("of the tuning runs of each setting, in place of seed")] = ()

    @property
    def every(self) -> tuple[int, ...]:
        """The seeds on which each setting is tried."""
        return self.seeds or (self.seed,)


@dataclass(frozen=True)
class Search:
    """How settings are tried that are given as ranges."""

    random: Annotated[int, Ge(2), Le(10_000), doc("settings drawn for every optimizer that has a range")]


@dataclass(frozen=True)
class Judging:
    """How report runs are judged. The search always takes the last 5 % of the epochs."""

    final: Annotated[
        float, Gt(0), Le(1_000_000), doc("a final value is the mean over so many last epochs; below 1: a share of them")
    ] = FINAL
    smooth: Annotated[Count, doc("epochs that are averaged to say when a run first reaches a cost")] = 1


@dataclass(frozen=True)
class Evaluate:
    """What is measured at the end of an epoch in addition to the test set."""

    train: Annotated[bool, doc("cost and error on the whole training set too, dropout off")] = False


@dataclass(frozen=True)
class Inspect:
    """Which optimizers are inspected while they train, in the report run of the first seed."""

    optimizers: Annotated[tuple[str, ...], doc("labels")] = ()
    points: Annotated[
        int, Gt(0), Le(100), doc("inspections per decade of steps, besides one at the end of each epoch")
    ] = 8


@dataclass(frozen=True)
class DataSource:
    """Where a data set comes from: a registered `name`, or `idx`, a folder of IDX files. `sha256` identifies it.

    plugin: the SHA-256 of the plug-in that defines the name; empty if none does.
    """

    name: str = ""
    idx: str = ""
    sha256: str = ""
    plugin: str = ""

    @property
    def without_place(self) -> "DataSource":
        """The digest alone, if it is known."""
        return DataSource(sha256=self.sha256) if self.sha256 else self

    def load(self) -> Dataset:
        """The data set. Raises AdambenchError if it cannot be read, or if sha256 is given and differs."""
        if self.name and (self.plugin, self.name) not in LOADERS:
            raise AdambenchError(f"{self.name}: the plug-in that defines this data set is not loaded")
        dataset = LOADERS[self.plugin, self.name]() if self.name else read_folder(Path(self.idx))
        if self.sha256 not in ("", dataset.sha256):
            raise AdambenchError(
                f"{self.name or self.idx}: not the data set that the configuration names "
                f"(found sha256 {dataset.sha256[:12]}…, expected {self.sha256[:12]}…)",
                "Remove the key `sha256` of `dataset` to use these files.",
            )
        return dataset


@dataclass(frozen=True)
class Grid:
    """The settings of one optimizer to try: all combinations of the values on its axes, or those drawn at random.

    kind: the class of the rule; None: the one that is built in under its name. drawn: the settings of a random search,
    in the order of the axes, which then hold the drawn values. given: its ranges and lists, as the configuration has
    them.
    """

    label: str
    rule: str
    axes: Mapping[str, tuple[Any, ...]]  # every hyper-parameter, in the order of the rule
    kind: type[Optimizer] | None = None
    drawn: tuple[tuple[Any, ...], ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> list[Optimizer]:
        rule, points = self.kind or OPTIMIZERS[self.rule], self.drawn or itertools.product(*self.axes.values())
        return [rule(**dict(zip(self.axes, point, strict=True))) for point in points]

    @property
    def varied(self) -> list[str]:
        """The hyper-parameters that have more than one value."""
        return [name for name, values in self.axes.items() if len(values) > 1]


@dataclass(frozen=True)
class Problem:
    """Model, training budget and data set, and the optimizers to compare on it."""

    name: str
    model: Model
    schedule: Schedule
    epochs: int
    batch_size: int
    seeds: tuple[int, ...]
    grids: tuple[Grid, ...]
    figure: str | None = None  # of the paper, whose curves are drawn with these
    title: str | None = None  # for headings and charts, in place of a description
    average: float | None = None  # decay of the running mean of the parameters, evaluated beside them
    clip_norm: float | None = None  # largest norm of a gradient
    validation: int = 0  # training images held back
    sampling: Sampling = "shuffle"
    train_images: int | None = None  # the first of them; all if None
    dataset: DataSource | None = None  # None: that of the experiment


@dataclass(frozen=True)
class Claim:
    """A sentence that the runs can support or contradict: a quantity and the bound for it.

    problem: the one that measures are about that name none; empty if every measure names one.
    """

    id: str
    sentence: str
    problem: str
    quantity: Quantity
    relation: str  # one of RELATIONS
    bound: tuple[float, ...]  # one number, or two for `between`


@dataclass(frozen=True)
class Experiment:
    """A checked YAML file. written: where its values stand, for messages about what only the data can show."""

    name: str
    dataset: DataSource
    tuning: Tuning
    evaluate: Evaluate
    problems: tuple[Problem, ...]
    claims: tuple[Claim, ...] = ()
    inspect: Inspect = Inspect()
    plugins: tuple[Plugin, ...] = ()
    judging: Judging = Judging()
    search: Search | None = None
    written: Source = field(default_factory=lambda: Source("config"), compare=False, repr=False)

    def source(self, problem: Problem) -> DataSource:
        """Where the data set of a problem comes from."""
        return problem.dataset or self.dataset

    @property
    def without_places(self) -> "Experiment":
        """As experiments are compared: where a data set lies does not matter."""
        problems = tuple(replace(one, dataset=one.dataset and one.dataset.without_place) for one in self.problems)
        return replace(self, dataset=self.dataset.without_place, problems=problems)

    def loaded(self, given: Mapping[str, Dataset] = MappingProxyType({})) -> tuple["Experiment", dict[str, Dataset]]:
        """The experiment with the digest of every data set, and the data sets, by digest. Each is read once.

        given: data sets by digest, which are taken in place of those at the recorded places. Raises AdambenchError if
        one cannot be read, or has another digest than the configuration says.
        """
        paths: dict[DataSource, tuple[str, ...]] = {self.dataset: ("dataset",)}
        paths |= {one.dataset: ("problems", one.name, "dataset") for one in self.problems[::-1] if one.dataset}
        sources = dict.fromkeys(self.source(problem) for problem in self.problems)
        data = {source: given.get(source.sha256) or self._read(source, paths[source]) for source in sources}
        known = {source: replace(source, sha256=dataset.sha256) for source, dataset in data.items()}
        problems = tuple(
            replace(problem, dataset=problem.dataset and known[problem.dataset]) for problem in self.problems
        )
        whole = replace(self, dataset=known.get(self.dataset, self.dataset), problems=problems)
        return whole, {dataset.sha256: dataset for dataset in data.values()}

    def _read(self, source: DataSource, path: tuple[str, ...]) -> Dataset:
        try:
            return source.load()
        except AdambenchError as error:
            causes = [(*path, key) for key in ("idx", "name", "sha256")]
            where = f"{self.written.place(path, causes)[1]}: {self.written.words(path)}"
            raise AdambenchError(f"{where}: {error.message}", error.hint, error.exit_code) from error


def named(value: Any) -> dict[str, Any]:
    """A model, schedule or optimizer in the form of the YAML file: `{name: …, field: value, …}`.

    A field that was added later is keyword-only. It is left out at its default, so that older ids do not change.
    """
    default = {field.name for field in fields(value) if field.kw_only and getattr(value, field.name) == field.default}
    return {"name": origin(value).name, **{key: item for key, item in plain(value).items() if key not in default}}
