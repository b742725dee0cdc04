"""Runs that are trained together: how many can be, and their training, wherever it happens."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import threadpoolctl

from adambench.curve import Curve, Evaluation
from adambench.datasets import Dataset
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.plan import Run
from adambench.training import Training


def most_together(run: Run, dataset: Dataset) -> int:
    """`Model.most_together` for all sizes that a minibatch of the run has, in training and in evaluation."""
    trained = run.trained(dataset)
    size = min(run.batch_size, trained)
    sizes = {size, *(count % size for count in (trained, len(dataset.test.labels), run.validation))} - {0}
    with threadpoolctl.threadpool_limits(1):
        return run.model.most_together(dataset.pixels, dataset.classes, tuple(sorted(sizes)))


def train(
    runs: Sequence[Run], dataset: Dataset, checkpoints: Checkpoints | None = None
) -> Iterator[list[Evaluation | None]]:
    """Train runs that differ only in their optimizers. After each epoch, what `Training` yields.

    With checkpoints, a run that takes long is saved now and then, and goes on where it was saved; the epochs before
    are then yielded at once. Runs together go on only if they were saved at the end of the same epoch.
    """
    training, curves = _resumed(runs, dataset, checkpoints) if checkpoints else (set_up(runs, dataset), [])
    curves = curves or [[] for _ in runs]
    yield from epochs(curves)  # of which the last can be before that of the training, if all diverged
    last = time.monotonic()
    for evaluations in training:
        append(curves, evaluations)
        yield evaluations
        if checkpoints and time.monotonic() - last >= checkpoints.every and training.epoch < training.epochs:
            for run, saved, curve in zip(runs, training.save(), curves, strict=True):
                checkpoints.save(run, saved, curve)
            last = time.monotonic()


def append(curves: Sequence[list[Evaluation]], evaluations: Sequence[Evaluation | None]) -> None:
    """An epoch to the curves of runs, of which some may have diverged before."""
    for curve, evaluation in zip(curves, evaluations, strict=True):
        curve.extend([evaluation] if evaluation else [])


def epochs(curves: Sequence[Curve], start: int = 0) -> Iterator[list[Evaluation | None]]:
    """The epochs of curves after so many, as `Training` yields them."""
    for epoch in range(start, max(map(len, curves))):
        yield [curve[epoch] if epoch < len(curve) else None for curve in curves]


def _resumed(
    runs: Sequence[Run], dataset: Dataset, checkpoints: Checkpoints
) -> tuple[Training, list[list[Evaluation]]]:
    """A training that goes on from the runs' checkpoints, and the curves so far; a new one if they cannot be used."""
    with suppress(ValueError, KeyError):
        found = [checkpoint for run in runs if (checkpoint := checkpoints.load(run.id))]
        if len(found) == len(runs) and len({checkpoint.saved.numbers["epoch"] for checkpoint in found}) == 1:
            training = set_up(runs, dataset)
            training.restore([checkpoint.saved for checkpoint in found])
            return training, [list(checkpoint.curve) for checkpoint in found]
    return set_up(runs, dataset), []


def set_up(runs: Sequence[Run], dataset: Dataset) -> Training:
    """A new training of runs that differ only in their optimizers."""
    first = runs[0]
    return Training(
        first.model,
        [run.optimizer for run in runs],
        first.schedule,
        dataset.first(first.train_images),
        epochs=first.epochs,
        batch_size=first.batch_size,
        seed=first.seed,
        evaluate_train=first.evaluate_train,
        validation=first.validation,
        inspect=first.inspect,
        average=first.average,
        clip_norm=first.clip_norm,
        sampling=first.sampling,
    )
