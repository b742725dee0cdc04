"""How problems, metrics and values are called in headings, axes and tables."""

import math

from adambench.config.experiment import DataSource, Experiment, Problem
from adambench.config.names import described, origin
from adambench.curve import FINAL, METRICS
from adambench.datasets import DATASETS
from adambench.docstring import docstring
from adambench.execution.plan import Entry
from adambench.judge.analysis import Estimate
from adambench.show.terminal import cost, plural

TOO_LARGE = 1e6  # to be written digit by digit


def title(entry: Entry) -> str:
    """`Softmax regression on MNIST, α/√step, 10 epochs`: the problem's own title, or what it is."""
    return problem_title(entry.experiment, entry.problem)


def problem_title(experiment: Experiment, problem: Problem) -> str:
    """With the name of the problem in front if another problem has the same title."""
    own = _title(experiment, problem)
    others = [(one.name, _title(experiment, one)) for one in experiment.problems if one is not problem]
    alike = any(own in (title, named(name, title)) for name, title in others)
    return named(problem.name, own) if alike else own


def _title(experiment: Experiment, problem: Problem) -> str:
    if problem.title:
        return problem.title
    what = data_and_model(experiment, problem)
    return f"{what}, {described(problem.schedule)}, {plural(problem.epochs, 'epoch')}"


def data_and_model(experiment: Experiment, problem: Problem) -> str:
    """`Softmax regression on MNIST`."""
    what = f"{described(problem.model)} on {_images(experiment, problem)}"
    return what if origin(problem.model).source else what[0].upper() + what[1:]  # a name of a plug-in stays as it is


def named(name: str, title: str) -> str:
    """`mlp: Network 1000-1000 on MNIST`, whether or not the title of the problem begins with its name."""
    return f"{name}: {title.removeprefix(f'{name}: ')}"


def _images(experiment: Experiment, problem: Problem) -> str:
    """`the first 50,000 images of MNIST, drawn with replacement`."""
    first = f"the first {problem.train_images:,} images of " if problem.train_images else ""
    drawn = ", drawn with replacement" if problem.sampling == "with_replacement" else ""
    return f"{first}{dataset_title(experiment.source(problem))}{drawn}"


def dataset_title(source: DataSource) -> str:
    """`MNIST`, `a synthetic bag of words`, or the name of a folder."""
    if source.name in DATASETS and not source.plugin:
        told = docstring(DATASETS[source.name]).split(":")[0].strip()
        return told[0].lower() + told[1:] if told.startswith(("A ", "An ")) else told
    return source.name or source.idx.rstrip("/").rsplit("/", 1)[-1]


def selection(experiment: Experiment) -> str:
    """How the best settings are chosen, in words."""
    tuning = experiment.tuning
    seeds = f"seed{'s' if tuning.seeds else ''} {', '.join(map(str, tuning.every))}"
    return f"best setting: lowest mean {tuning.metric} over the last {FINAL:.0%} of the epochs on {seeds}"


def axis_label(metric: str) -> str:
    """`training cost (nats)`, `test error (%)`."""
    facts = METRICS[metric]
    unit = "%" if facts.percent else facts.unit
    return f"{facts.label} ({unit})" if unit else facts.label


def estimate(value: Estimate, scale: float = 1.0) -> str:
    """`0.2603 ± 0.0004`: the spread with one figure, two if the first is a 1, the mean to the same place.

    `1.81e+28 ± 8.6e+27` from a million on.
    """
    mean, sd = value.mean * scale, value.sd * scale
    if value.n == 0 or math.isnan(mean):
        return "–"
    if not math.isfinite(mean):
        return "∞"
    if math.isnan(sd) or sd == 0:
        return cost(mean)
    if max(abs(mean), sd) >= TOO_LARGE:
        return f"{mean:.3g} ± {sd:.1e}"
    exponent = math.floor(math.log10(sd))
    places = max(0, -exponent + (1 if sd < 2 * 10**exponent else 0))
    return f"{mean:.{places}f} ± {sd:.{places}f}"
