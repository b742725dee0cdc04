"""A data set: images and labels to train on, and others to test on."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from adambench.datasets.idx import read_idx, sha256
from adambench.errors import AdambenchError

Bytes = npt.NDArray[np.uint8]

PREFIXES = {"train": "train", "test": "t10k"}  # split: how MNIST's file names begin
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"  # and how they end


@dataclass(frozen=True)
class Split:
    """images: (n, pixels) uint8, 0 to 255. labels: (n,) uint8, 0 to classes − 1."""

    images: Bytes
    labels: Bytes


@dataclass(frozen=True)
class Dataset:
    """Two splits whose images have the same size. digests: SHA-256 of the decompressed files by name."""

    train: Split
    test: Split
    classes: int
    digests: dict[str, str]

    @property
    def sha256(self) -> str:
        """One digest of all four files: tells one data set from another."""
        return hashlib.sha256("".join(self.digests.values()).encode()).hexdigest()

    @property
    def pixels(self) -> int:
        return int(self.train.images.shape[1])


def read_folder(folder: Path) -> Dataset:
    """The data set in a folder of four IDX files, gzipped or not, named as MNIST's.

    Raises AdambenchError if a file is missing or damaged, or if images and labels do not fit each other.
    """
    splits: dict[str, Split] = {}
    digests: dict[str, str] = {}
    for name, prefix in PREFIXES.items():
        images = read_idx(_find(folder, f"{prefix}-{IMAGES}"), 3)
        labels = read_idx(_find(folder, f"{prefix}-{LABELS}"), 1)
        if len(images) != len(labels):
            raise AdambenchError(f"{folder}: {len(images):,} {name} images but {len(labels):,} {name} labels")
        if images.size == 0:
            raise AdambenchError(f"{folder}: its {name} images are empty (shape {images.shape})")
        digests |= {f"{prefix}-{IMAGES}": sha256(images), f"{prefix}-{LABELS}": sha256(labels)}
        splits[name] = Split(images.reshape(len(images), -1), labels)
    train, test = splits["train"], splits["test"]
    if train.images.shape[1] != test.images.shape[1]:
        raise AdambenchError(
            f"{folder}: training images have {train.images.shape[1]} pixels, test images {test.images.shape[1]}"
        )
    classes = int(train.labels.max()) + 1
    if classes < 2:
        raise AdambenchError(f"{folder}: every training label is 0; at least two classes are needed")
    if test.labels.max() >= classes:
        raise AdambenchError(
            f"{folder}: test label {test.labels.max()} does not occur in training (0 to {classes - 1} do)"
        )
    return Dataset(train, test, classes, digests)


def _find(folder: Path, name: str) -> Path:
    with suppress(OSError):  # a path too long
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    raise AdambenchError(
        f"{folder}: has no file {name} or {name}.gz", "A data set is a folder with four IDX files named as MNIST's."
    )
