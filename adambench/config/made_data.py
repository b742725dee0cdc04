"""Data sets that a plug-in makes: called with care, and checked."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.errors import AdambenchError, in_file


def loader(make: Callable[[], Any], file: str, name: str) -> Callable[[], Dataset]:
    """A data set's function that raises nothing but AdambenchError."""

    @functools.wraps(make)
    def checked() -> Dataset:
        where = f"{file}: DATASETS.{name}"
        try:
            found = make()
        except (Exception, SystemExit) as error:
            raise AdambenchError(f"DATASETS.{name}: {in_file(error, file)}") from error
        if not isinstance(found, Dataset):
            raise AdambenchError(f"{where}: must return a Dataset, found {type(found).__name__}")
        if reason := wrong(found):
            raise AdambenchError(f"{where}: {reason}")
        return _identified(found)

    return checked


def wrong(found: Dataset) -> str:
    """Why a data set cannot be used; empty if it can."""
    if isinstance(found.classes, bool) or not isinstance(found.classes, int | np.integer) or found.classes < 1:
        return f"classes must be a whole number above zero, found {found.classes!r:.60}"
    if found.validation is not None:
        return "must have no validation split: the key validation holds images back"
    if reason := _wrong_arrays("train", found.train) or _wrong_arrays("test", found.test):
        return reason
    if (pixels := found.test.images.shape[1]) != found.pixels:
        return f"all images must have the same size, found {found.pixels} pixels in train and {pixels} in test"
    highest = max(int(split.labels.max()) for split in (found.train, found.test))
    return f"labels must be 0 to {found.classes - 1}, found {highest}" if highest >= found.classes else ""


def _wrong_arrays(name: str, split: Split) -> str:
    arrays = (split.images, split.labels) if isinstance(split, Split) else ()
    if not arrays or not all(isinstance(array, np.ndarray) for array in arrays):
        found = " of " + " and ".join(type(array).__name__ for array in arrays) if arrays else ""
        return f"{name} must be a Split of two NumPy arrays, found {type(split).__name__}{found}"
    shapes = f"images {split.images.dtype} {split.images.shape}, labels {split.labels.dtype} {split.labels.shape}"
    fits = split.images.ndim == 2 and split.labels.shape == split.images.shape[:1]
    if not fits or not split.images.dtype == split.labels.dtype == "uint8":
        return f"images must be (n, pixels) and labels (n,), both uint8; found {shapes}"
    return "" if split.images.size else f"{name} holds no images, or images without pixels; found {shapes}"


def _identified(found: Dataset) -> Dataset:
    """With digests of its arrays, whatever it says: other data must not be taken for the same."""
    train, test = (Split(*map(np.ascontiguousarray, (s.images, s.labels))) for s in (found.train, found.test))
    arrays = {"train-images": train.images, "train-labels": train.labels}
    arrays |= {"test-images": test.images, "test-labels": test.labels}
    digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    return replace(found, train=train, test=test, classes=int(found.classes), digests=digests)
