"""A made-up bag of words: sparse features, most of them rare, as the film reviews of the paper's section 6.1 have."""

import numpy as np

from adambench.datasets.base import Dataset, Split
from adambench.datasets.idx import sha256

VOCABULARY = 10_000  # words, the number that the paper used
DOCUMENTS = {"train": 5_000, "test": 1_000}
LENGTH = (50, 250)  # tokens of a document, evenly distributed
FUNCTION_WORDS = 20  # the most frequent words say nothing about the label
CERTAINTY = 10.0  # how sharply the score decides the label


def words() -> Dataset:
    """A made-up bag of words: 5,000 + 1,000 documents over 10,000 words of Zipf's frequencies, two classes, seeded.

    A feature is 255 if the word is in the document. Word k comes with a probability proportional to 1/k. Every word but
    the twenty most frequent has a weight between −1 and 1. A document's score is the sum of its words' weights over the
    root of their number; its label is drawn from the logistic function of ten times what that is above the median. So
    rare words carry most of what there is to learn, the paper's reason for AdaGrad and Adam on sparse features. It is
    no natural language: words are independent.
    """
    rng = np.random.Generator(np.random.PCG64(2015))
    frequency = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    weights = 2 * rng.random(VOCABULARY) - 1
    weights[:FUNCTION_WORDS] = 0
    splits = {name: _documents(count, frequency / frequency[-1], weights, rng) for name, count in DOCUMENTS.items()}
    digests = {
        f"{name}-{part}": sha256(data)
        for name, split in splits.items()
        for part, data in (("images", split.images), ("labels", split.labels))
    }
    return Dataset(splits["train"], splits["test"], classes=2, digests=digests)


def _documents(count: int, frequency: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> Split:
    """frequency: cumulative, of each word."""
    low, high = LENGTH
    lengths = low + (rng.random(count) * (high - low)).astype(int)
    document = np.repeat(np.arange(count), lengths)
    images = np.zeros((count, VOCABULARY), np.uint8)
    images[document, np.searchsorted(frequency, rng.random(len(document)))] = 255
    of, word = np.nonzero(images)
    score = np.bincount(of, weights[word], count) / np.sqrt(np.bincount(of, minlength=count))
    labels = rng.random(count) < 1 / (1 + np.exp(-CERTAINTY * (score - np.median(score))))
    return Split(images, labels.astype(np.uint8))
