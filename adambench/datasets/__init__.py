"""The data sets by name. Any other data set is read from a folder of files in MNIST's format, by `read_folder`."""

from collections.abc import Callable
from pathlib import Path

from adambench.datasets.bag_of_words import words
from adambench.datasets.base import Data, Dataset, read_folder
from adambench.errors import AdambenchError

# The published SHA-256 of the four decompressed files.
MNIST_DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def mnist() -> Dataset:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 pixels (LeCun and Cortes)."""
    folder = Path(__file__).parent / "mnist"
    dataset = read_folder(folder)
    if dataset.digests != MNIST_DIGESTS:
        raise AdambenchError(f"{folder}: the files are not the published MNIST", "Install adambench again.")
    return dataset


DATASETS: dict[str, Callable[[], Dataset]] = {"mnist": mnist, "words": words}

__all__ = ["DATASETS", "Data", "Dataset", "read_folder"]
