"""Runs that are trained together: how many can be, and their training, wherever it happens."""

from collections.abc import Iterator, Sequence

import threadpoolctl

from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.models import Model
from adambench.run.plan import Run
from adambench.training import train_together


def most_together(model: Model, dataset: Dataset, batch_size: int) -> int:
    """`Model.most_together` for all sizes that a minibatch of this data set has, in training and in evaluation."""
    size = min(batch_size, len(dataset.train.labels))
    sizes = {size, *(len(split.labels) % size for split in (dataset.train, dataset.test))} - {0}
    with threadpoolctl.threadpool_limits(1):
        return model.most_together(dataset.pixels, dataset.classes, tuple(sorted(sizes)))


def train(runs: Sequence[Run], dataset: Dataset) -> Iterator[list[Evaluation | None]]:
    """Train runs that differ only in their optimizers. After each epoch, what `train_together` yields."""
    first = runs[0]
    return train_together(
        first.model,
        [run.optimizer for run in runs],
        first.schedule,
        dataset,
        epochs=first.epochs,
        batch_size=first.batch_size,
        seed=first.seed,
        evaluate_train=first.evaluate_train,
        inspect=first.inspect,
    )
