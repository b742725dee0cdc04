"""Checks a configuration against the size of its data, which is known only when the data set is read."""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from adambench.config.check import Check
from adambench.config.experiment import Experiment
from adambench.config.loading import overridden, read_text
from adambench.config.yamlfile import Path as Where
from adambench.config.yamlfile import Source
from adambench.datasets import Data
from adambench.errors import AdambenchError


def check_sizes(experiment: Experiment, data: Data, file: Path, overrides: Sequence[str] = ()) -> None:
    """Refuse what does not fit the number of training images.

    With a larger batch size, training would use the whole data set at each step, and its records would name a batch
    size that was never used. A warm-up that is longer than a run would never end.
    """
    source = Source(str(file))
    with suppress(AdambenchError):  # a pipe cannot be read again
        _, source = overridden(read_text(file), str(file), overrides)
    check = Check(source)
    for problem in experiment.problems:
        path: Where = ("problems", problem.name)
        images = len(data[experiment.source(problem).sha256].train.labels)
        first = problem.train_images or images
        trained = first - problem.validation
        if first > images:
            found = f"must be at most {images:,}, the number of training images, found {first}"
            check.fail((*path, "train_images"), found, ("dataset",), (*path, "dataset"))
            continue
        if trained < 1:
            found = f"must be less than {first:,}, the number of training images, found {problem.validation}"
            check.fail((*path, "validation"), found, ("validation",), ("dataset",), (*path, "dataset"))
            continue
        if problem.batch_size > trained:
            found = f"must be at most {trained:,}, the number of training images, found {problem.batch_size}"
            check.fail(
                (*path, "batch_size"),
                found,
                ("validation",),
                (*path, "validation"),
                ("dataset",),
                (*path, "dataset"),
                (*path, "train_images"),
            )
        shortest = min(problem.epochs, experiment.tuning.epochs or problem.epochs)
        steps, warmup = shortest * math.ceil(trained / problem.batch_size), problem.schedule.warmup
        if warmup >= steps:
            found = f"must be less than {steps:,}, the steps of the shortest run, found {warmup}"
            check.fail((*path, "schedule", "warmup"), found, (*path, "epochs"), (*path, "batch_size"), ("tuning",))
    if check.errors:
        raise AdambenchError(check.message())
