"""A data set: images and labels for training, and others for testing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from adambench.datasets.idx import read_idx, sha256
from adambench.datasets.locating import find
from adambench.errors import AdambenchError

Bytes = npt.NDArray[np.uint8]

PREFIXES = {"train": "train", "test": "t10k"}  # of a split: the beginning of MNIST's file names
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"  # the ends of the names


@dataclass(frozen=True)
class Split:
    """images: (n, pixels) uint8, 0 to 255. labels: (n,) uint8, 0 to classes − 1."""

    images: Bytes
    labels: Bytes


@dataclass(frozen=True)
class Dataset:
    """Two splits whose images have the same size. digests: SHA-256 of the decompressed files, by name.

    validation: training images that are held back, if any; they are not in `train`.
    """

    train: Split
    test: Split
    classes: int
    digests: dict[str, str]
    validation: Split | None = None

    @property
    def sha256(self) -> str:
        """One digest of all four files, which identifies the data set."""
        return hashlib.sha256("".join(self.digests.values()).encode()).hexdigest()

    def first(self, images: int | None) -> "Dataset":
        """The same with only the first training images; all of them for None. The digests stay."""
        if images is None or images == len(self.train.labels):
            return self
        if images > len(self.train.labels):
            raise ValueError(f"there are {len(self.train.labels)} training images, not {images}")
        return replace(self, train=Split(self.train.images[:images], self.train.labels[:images]))

    @property
    def pixels(self) -> int:
        return int(self.train.images.shape[1])

    def hold_back(self, count: int, rng: np.random.Generator) -> "Dataset":
        """The data set with so many training images moved to `validation`, drawn from each class by its share.

        Fractions of an image go to the classes with the largest ones. The order of the images stays.
        """
        labels = self.train.labels
        shares = count * np.bincount(labels, minlength=self.classes) / len(labels)
        counts = shares.astype(int)
        counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
        held = np.zeros(len(labels), bool)
        for label, number in enumerate(counts):
            held[rng.permutation(np.flatnonzero(labels == label))[:number]] = True
        train, validation = (Split(self.train.images[chosen], labels[chosen]) for chosen in (~held, held))
        return replace(self, train=train, validation=validation)


Data = Mapping[str, Dataset]
"""Data sets by their SHA-256."""


def read_folder(folder: Path) -> Dataset:
    """The data set in a folder of four IDX files with the names of MNIST's, gzipped or not.

    Raises AdambenchError if a file is missing or damaged, if images and labels do not match, or if the labels are not
    0 to k − 1.
    """
    splits: dict[str, Split] = {}
    digests: dict[str, str] = {}
    files = find(folder, [f"{prefix}-{part}" for prefix in PREFIXES.values() for part in (IMAGES, LABELS)])
    for name, prefix in PREFIXES.items():
        images = read_idx(files[f"{prefix}-{IMAGES}"], 3)
        labels = read_idx(files[f"{prefix}-{LABELS}"], 1)
        if len(images) != len(labels):
            raise AdambenchError(f"{folder}: {len(images):,} {name} images but {len(labels):,} {name} labels")
        if images.size == 0:
            raise AdambenchError(f"{folder}: the {name} images are empty, found {' × '.join(map(str, images.shape))}")
        digests |= {f"{prefix}-{IMAGES}": sha256(images), f"{prefix}-{LABELS}": sha256(labels)}
        splits[name] = Split(images.reshape(len(images), -1), labels)
    train, test = splits["train"], splits["test"]
    if train.images.shape[1] != test.images.shape[1]:
        raise AdambenchError(
            f"{folder}: training images have {train.images.shape[1]} pixels, test images {test.images.shape[1]}"
        )
    return Dataset(train, test, _classes(train, test, folder), digests)


def _classes(train: Split, test: Split, folder: Path) -> int:
    """The number of classes. Raises AdambenchError if the training labels are not 0 to k − 1, each at least once."""
    counts = np.bincount(train.labels)
    classes = len(counts)
    if classes < 2:
        raise AdambenchError(f"{folder}: every training label is 0; at least two classes are needed")
    if absent := np.flatnonzero(counts == 0).tolist():
        raise AdambenchError(
            f"{folder}: label {absent[0]} never occurs: training labels must be 0 to k − 1, each at least once, "
            f"found {train.labels.min()} to {classes - 1}",
            "Number the classes from 0 without gaps.",
        )
    if test.labels.max() >= classes:
        raise AdambenchError(
            f"{folder}: test label {test.labels.max()} does not occur in training (0 to {classes - 1} do)"
        )
    return classes
