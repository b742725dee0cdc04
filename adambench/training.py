"""Train a model with one setting or several at once, and yield an evaluation after each epoch."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from adambench import inspection
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.datasets.batches import Batches, Sampling, scale
from adambench.models import Model, Network
from adambench.models.base import Array
from adambench.optimizers import Optimizer
from adambench.optimizers.base import nonzero
from adambench.optimizers.rprop import Rprop
from adambench.schedules import SCHEDULES, Schedule, Step
from adambench.setting import Clock, Evaluated, Saved, Setting, placed

NUMERICS = 2  # increased whenever the arithmetic changes, so that records of the old arithmetic are not reused


def numerics(optimizer: Optimizer, schedule: Schedule) -> int:
    """NUMERICS, and one more for each of two later changes that concerns the run.

    The first raised the floor of `nonzero`, below which some ε are, and lets schedules count epochs (those of plug-ins
    may) from the end of the warm-up. The second lets the decay of a plug-in's schedule begin after the warm-up too,
    lets `step` drop in time where a share of the run is rounded up, and shows `rprop` the signs of tiny gradients.
    """
    eps = optimizer.hyperparameters.get("eps")
    small = eps is not None and eps < nonzero(0.0, np.zeros(0, np.float32))
    own = type(schedule) not in SCHEDULES.values()
    first = small or (schedule.warmup > 0 and (own or vars(schedule).get("per") == "epoch"))
    decays = own and schedule.warmup > 0 and type(schedule).decay is not Schedule.decay
    second = decays or isinstance(schedule, Step) or isinstance(optimizer, Rprop)
    return NUMERICS + first + second


class Training:
    """Trains several settings at once on the same minibatches. The model must be able to hold that many.

    Iterating trains, and yields after each epoch a list of evaluations, one per setting in the given order. A setting
    whose cost is no longer finite has diverged: this evaluation is its last, and later lists hold None for it. Training
    ends early if all settings have diverged. No setting influences another. Between two epochs a training can be saved,
    and another training of the same settings can go on from there, with the same bits.
    """

    def __init__(
        self,
        model: Model,
        optimizers: Sequence[Optimizer],
        schedule: Schedule,
        dataset: Dataset,
        *,
        epochs: int,
        batch_size: int,
        seed: int,
        evaluate_train: bool = False,
        validation: int = 0,
        inspect: int = 0,
        average: float | None = None,
        clip_norm: float | None = None,
        sampling: Sampling = "shuffle",
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        """What is left at its default changes nothing.

        validation: training images to hold back, which the seed chooses, and to evaluate after each epoch.
        inspect: inspections of each rule per decade of steps, in `inside`, besides one at the end of each epoch.
        average: decay of the running mean of the parameters, which is evaluated beside them. clip_norm: the largest
        norm of a gradient; a longer one is scaled to it, each setting's by itself.
        """
        dataset = held_back(dataset, validation, seed)
        self.schedule, self.dataset, self.epochs = schedule, dataset, epochs
        self.evaluate_train, self.inspects = evaluate_train, inspect > 0
        self.network, self.batches, self.dropout_rng = start(
            model, len(optimizers), dataset, batch_size, seed, dtype, sampling
        )
        self.settings = [
            Setting(optimizer, self.network, i, average, clip_norm) for i, optimizer in enumerate(optimizers)
        ]
        self.average = average
        self.steps = epochs * self.batches.count
        self.inspected = inspection.points(inspect, self.steps) if inspect else frozenset()
        self.epoch = 0

    def __iter__(self) -> Iterator[list[Evaluation | None]]:
        while self.epoch < self.epochs and not all(setting.diverged for setting in self.settings):
            self.epoch += 1
            yield self._epoch(self.epoch)

    def _per_setting(self, method: str, found: Array) -> Array:
        """What a method of the model returned. Raises ValueError if it is no array of shape (settings,)."""
        network, shape = self.network, (len(self.settings),)  # network: errors of a plug-in name what is held here
        if np.shape(found) != shape:
            raise ValueError(f"{method} must return an array ({shape[0]},), found one of shape {np.shape(found)}")
        assert isinstance(network, Network)
        return np.asarray(found)  # a list times the size of a minibatch would be a longer list

    def _epoch(self, epoch: int) -> list[Evaluation | None]:
        network, batches, clock = self.network, self.batches, Clock()
        step = (epoch - 1) * batches.count
        begun = left = [setting for setting in self.settings if not setting.diverged]
        for setting in begun:
            setting.begin_epoch()
        with np.errstate(all="ignore"):  # overflow is expected: the run then counts as diverged
            clock.start()
            for images, labels in batches.epoch():
                step += 1
                costs = self._per_setting("cost", network.cost(images, labels, self.dropout_rng)) * len(labels)
                since = max(0, step - 1 - self.schedule.warmup) // batches.count + 1  # epoch after the warm-up
                factor, decay = self.schedule.scale(step, since, self.steps), self.schedule.beta(step, self.steps)
                inspecting = self.inspects and (step in self.inspected or step == epoch * batches.count)
                clock.shared(left)
                for setting in left:
                    setting.step(costs[setting.place], factor, decay, step, inspecting)
                    clock.own(setting)
                    if inspecting:
                        setting.inspect(factor)
                        clock.start()
                network.constrain()
                if self.average:
                    clock.shared(left)
                    for setting in left:
                        setting.remember()
                        clock.own(setting)
                if not all(math.isfinite(setting.cost) for setting in left):
                    left = [setting for setting in left if math.isfinite(setting.cost)]
                    if not left:
                        break
            clock.shared(left)
            found: dict[str, Evaluated] = {}
            with placed((setting, setting.evaluated()) for setting in left):
                for name, split in self._splits().items() if left else ():
                    found[name] = evaluate(network, split, batches.batch_size)
                penalty = self._per_setting("penalty", network.penalty())
            if left and self.average:
                with placed((setting, setting.averaged()) for setting in left):
                    found["average_test"] = evaluate(network, self.dataset.test, batches.batch_size)
        trained = len(self.dataset.train.labels)
        return [
            setting.end_epoch(epoch, trained, penalty, found if setting in left else {}) if setting in begun else None
            for setting in self.settings
        ]

    def _splits(self) -> dict[str, Split]:
        """What is evaluated after each epoch, as the fields of `Evaluation` name it."""
        train = self.dataset.train if self.evaluate_train else None
        splits = {"test": self.dataset.test, "full_train": train, "validation": self.dataset.validation}
        return {name: split for name, split in splits.items() if split}

    def save(self) -> list[Saved]:
        """Each setting as it is now, at the end of an epoch."""
        shared = {"epoch": self.epoch, "batches": _state(self.batches.rng), "dropout": _state(self.dropout_rng)}
        return [Saved({**shared, **saved.numbers}, saved.arrays) for saved in (s.save() for s in self.settings)]

    def restore(self, saved: Sequence[Saved]) -> None:
        """Go on where the same settings were saved at the end of one epoch. Raises ValueError if they do not fit."""
        for setting, state in zip(self.settings, saved, strict=True):
            setting.restore(state)
        self.epoch = saved[0].numbers["epoch"]
        for rng, name in ((self.batches.rng, "batches"), (self.dropout_rng, "dropout")):
            words = np.array(saved[0].numbers[name]["state"], np.uint64)
            rng.bit_generator.state = {**saved[0].numbers[name], "state": {"state": words}}


def _state(rng: np.random.Generator) -> dict[str, Any]:
    state: Mapping[str, Any] = rng.bit_generator.state
    return {**state, "state": [int(word) for word in state["state"]["state"]]}


def steps(model: Model, optimizers: Sequence[Optimizer], dataset: Dataset, batch_size: int) -> Callable[[], None]:
    """A function that performs the next training step of all settings at each call, for timing."""
    network, batches, dropout_rng = start(model, len(optimizers), dataset, batch_size, 0, np.float32)
    states = [optimizer.init(theta, network.layout) for optimizer, theta in zip(optimizers, network.theta, strict=True)]
    endless = batches.endless()

    def step() -> None:
        images, labels = next(endless)
        network.cost(images, labels, dropout_rng)
        for i, optimizer in enumerate(optimizers):
            optimizer.step(network.theta[i], network.grad[i], states[i])
        network.constrain()

    return step


def start(
    model: Model,
    settings: int,
    dataset: Dataset,
    batch_size: int,
    seed: int,
    dtype: npt.DTypeLike,
    sampling: Sampling = "shuffle",
) -> tuple[Network, Batches, np.random.Generator]:
    """Create the network, the minibatches and the generator of dropout masks.

    All randomness comes from the seed, through one generator each for the initial weights, the order of the batches
    and the dropout masks. None of them depends on the optimizer, so all optimizers get the same ones.
    """
    weights_rng, batches_rng, dropout_rng, _ = _generators(seed)
    batches = Batches(dataset.train, batch_size, batches_rng, dtype, sampling)
    network = model.build(dataset.pixels, dataset.classes, batches.batch_size, dtype, settings)
    network.init(weights_rng)
    return network, batches, dropout_rng


def held_back(dataset: Dataset, validation: int, seed: int) -> Dataset:
    """A data set without so many training images, which the seed chooses; they are its validation split."""
    return dataset.hold_back(validation, _generators(seed)[3]) if validation else dataset


def _generators(seed: int) -> list[np.random.Generator]:
    """Of the initial weights, the order of the batches, the dropout masks, and the images to hold back."""
    return [np.random.Generator(np.random.SFC64(child)) for child in np.random.SeedSequence(seed).spawn(4)]


def evaluate(network: Network, split: Split, batch_size: int) -> Evaluated:
    """The mean cost and the share of wrong labels of each setting over a split, without dropout."""
    images = np.empty((batch_size, split.images.shape[1]), network.theta.dtype)
    loss, wrong = np.zeros(len(network.theta)), np.zeros(len(network.theta))
    for start in range(0, len(split.labels), batch_size):
        raw, labels = split.images[start : start + batch_size], split.labels[start : start + batch_size]
        batch_loss, batch_wrong = network.evaluate(scale(raw, images[: len(raw)]), labels)
        if np.any((batch_wrong < 0) | (batch_wrong > len(labels))):  # not so of nan, where there are no labels
            raise ValueError(f"evaluate must return 0 to {len(labels)} wrong labels, found {batch_wrong}")
        loss += batch_loss
        wrong += batch_wrong
    return loss / len(split.labels), wrong / len(split.labels)
