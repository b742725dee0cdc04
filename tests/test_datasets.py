"""MNIST is intact. The IDX reader accepts valid files and refuses others."""

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from adambench import datasets
from adambench.datasets import Dataset, mnist, read_folder
from adambench.datasets.base import Split
from adambench.datasets.batches import Batches
from adambench.datasets.idx import header, read_idx
from adambench.errors import AdambenchError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def test_mnist_is_whole(full: Dataset) -> None:
    assert full.train.images.shape == (60_000, 784)
    assert full.test.images.shape == (10_000, 784)
    assert full.train.images.dtype == np.uint8
    assert (full.classes, full.pixels) == (10, 784)
    assert np.bincount(full.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert full.digests == datasets.MNIST_DIGESTS


def test_a_changed_mnist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets.MNIST_DIGESTS, LABELS, "0" * 64)
    with pytest.raises(AdambenchError, match="the files are not the published MNIST"):
        mnist()


def test_a_folder_may_be_gzipped_or_not(folder: Path, dataset: Dataset, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    zipped = read_folder(tmp_path)
    assert zipped.sha256 == dataset.sha256
    assert (zipped.train.images == dataset.train.images).all()


def broken(folder: Path, tmp_path: Path, name: str, data: bytes) -> Path:
    """A copy of the folder with one file's bytes replaced."""
    copy = tmp_path / "broken"
    shutil.copytree(folder, copy)
    (copy / name).write_bytes(data)
    return copy


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (IMAGES, b"", "not an IDX file of unsigned bytes in 3 dimensions (starts with nothing, expected 00 00 08 03)"),
        (IMAGES, header((2, 28)) + bytes(56), "not an IDX file of unsigned bytes in 3 dimensions"),
        (IMAGES, b"P6 not an IDX file", "(starts with 50 36 20 6e, expected 00 00 08 03)"),
        (IMAGES, header((3, 28, 28)) + bytes(100), "its header says 2,352 bytes, found only 100"),
        (IMAGES, header((1, 2, 2)) + bytes(5), "its header says 4 bytes, found more"),
        (
            IMAGES,
            header((60_000, 1000, 1000)),
            "its header says 60,000,000,000 bytes; at most 2,147,483,648 are allowed",
        ),
        (IMAGES, gzip.compress(header((1, 2, 2)) + bytes(10**7), mtime=0), "its header says 4 bytes, found more"),
        (IMAGES, gzip.compress(header((600, 28, 28)) + bytes(784 * 600), mtime=0)[:-50], "cannot be read: "),
        (IMAGES, b"\x1f\x8b and no gzip", "cannot be read: "),
        (IMAGES, header((5, 28, 28)) + bytes(5 * 784), "5 train images but 600 train labels"),
        (IMAGES, header((600, 0, 28)), "the train images are empty, found 600 × 0 × 28"),
        (IMAGES, header((600, 2, 2)) + bytes(2400), "training images have 4 pixels, test images 784"),
        (LABELS, header((600,)) + bytes(600), "every training label is 0"),
        (LABELS, header((600,)) + bytes([0, 1] * 300), "test label 9 does not occur in training (0 to 1 do)"),
    ],
)
def test_a_wrong_file_is_refused(folder: Path, tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(AdambenchError, match=re.escape(message)) as error:
        read_folder(broken(folder, tmp_path, name, data))
    assert str(tmp_path) in error.value.message


def test_a_missing_file_is_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / LABELS).unlink()
    with pytest.raises(AdambenchError, match=f"has no file {LABELS} or {LABELS}.gz"):
        read_folder(tmp_path / "copy")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdambenchError, match="cannot be read"):
        read_idx(tmp_path, 3)


def test_batches_hold_every_image_once_and_the_last_is_short(dataset: Dataset) -> None:
    batches = Batches(dataset.train, 128, np.random.default_rng(0), np.float32)
    seen = [(images.copy(), labels.copy()) for images, labels in batches.epoch()]
    assert [len(labels) for _, labels in seen] == [128, 128, 128, 128, 88]
    images = np.concatenate([images for images, _ in seen])
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() == 1
    labels = np.concatenate([labels for _, labels in seen])
    assert (np.bincount(labels) == np.bincount(dataset.train.labels)).all()
    expected = np.sort(dataset.train.images.sum(axis=1, dtype=np.int64))
    assert (np.sort((images * 255).round().sum(axis=1, dtype=np.float64).astype(np.int64)) == expected).all()


def test_the_order_is_new_each_epoch_and_given_by_the_generator(dataset: Dataset) -> None:
    def labels(batches: Batches) -> list[int]:
        return [int(label) for _, labels in batches.epoch() for label in labels]

    one, other = (Batches(dataset.train, 50, np.random.default_rng(7), np.float32) for _ in range(2))
    first, second = labels(one), labels(one)
    assert first != second
    assert (labels(other), labels(other)) == (first, second)


def test_sampling_with_replacement_draws_every_image_from_the_whole_split(full: Dataset) -> None:
    """As many steps and images an epoch; a share 1 − 1/e of the images is seen."""
    labels = Split(np.zeros((5000, 1), np.uint8), (np.arange(5000) % 250).astype(np.uint8))
    batches = Batches(labels, 128, np.random.default_rng(0), np.float32, "with_replacement")
    seen = [batch.copy() for _, batch in batches.epoch()]
    assert [len(batch) for batch in seen] == [128] * 39 + [8]
    some = Batches(full.train, 128, np.random.default_rng(0), np.float32, "with_replacement")
    order = np.random.default_rng(0).integers(60_000, size=60_000)
    assert (np.concatenate([batch.copy() for _, batch in some.epoch()]) == full.train.labels[order]).all()
    assert len(np.unique(order)) / 60_000 == pytest.approx(1 - np.exp(-1), abs=0.01)


def test_the_first_training_images(dataset: Dataset) -> None:
    some = dataset.first(100)
    assert (some.train.labels == dataset.train.labels[:100]).all()
    assert len(some.train.images) == 100
    assert (some.test, some.sha256, dataset.first(None)) == (dataset.test, dataset.sha256, dataset)
    with pytest.raises(ValueError, match="there are 600 training images, not 601"):
        dataset.first(601)
