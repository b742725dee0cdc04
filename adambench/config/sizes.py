"""Checks a configuration against the size of its data, which is known only when the data set is read."""

import math

from adambench.config.check import Check
from adambench.config.experiment import Experiment, Problem
from adambench.config.yamlfile import Path as Where
from adambench.datasets import Data
from adambench.errors import AdambenchError


def check_sizes(experiment: Experiment, data: Data) -> None:
    """Refuse what does not fit the number of training images, at the place where it is written."""
    check = Check(experiment.written)
    for problem in experiment.problems:
        images = len(data[experiment.source(problem).sha256].train.labels)
        shortest = min(problem.epochs, experiment.tuning.epochs or problem.epochs)
        check_problem(check, problem, images, shortest, ("problems", problem.name))
    if check.errors:
        raise AdambenchError(check.message())


def check_problem(check: Check, problem: Problem, images: int, epochs: int, path: Where) -> None:
    """Note what does not fit a data set with so many training images. epochs: of the shortest run.

    With a larger batch size, training would use the whole data set at each step, and its records would name a batch
    size that was never used. A warm-up that is longer than a run would never end.
    """
    first = problem.train_images or images
    trained = first - problem.validation
    if first > images:
        found = f"must be at most {images:,}, the number of training images, found {first}"
        check.fail((*path, "train_images"), found, ("dataset",), (*path, "dataset"))
        return
    if trained < 1:
        found = f"must be less than {first:,}, the number of training images, found {problem.validation}"
        check.fail((*path, "validation"), found, ("validation",), ("dataset",), (*path, "dataset"))
        return
    if problem.batch_size > trained:
        found = f"must be at most {trained:,}, the number of training images, found {problem.batch_size}"
        causes = [(*path, "validation"), (*path, "dataset"), (*path, "train_images")]
        check.fail((*path, "batch_size"), found, ("validation",), ("dataset",), *causes)
    steps, warmup = epochs * math.ceil(trained / problem.batch_size), problem.schedule.warmup
    if warmup >= steps:
        found = f"must be less than {steps:,}, the steps of the shortest run, found {warmup}"
        check.fail((*path, "schedule", "warmup"), found, (*path, "epochs"), (*path, "batch_size"), ("tuning",))
