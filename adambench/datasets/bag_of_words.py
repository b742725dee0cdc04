"""A synthetic bag of words: sparse features, most of them rare, like the film reviews of the paper's section 6.1."""

import numpy as np

from adambench.datasets.base import Dataset, Split
from adambench.datasets.idx import sha256

VOCABULARY = 10_000  # words, as in the paper
DOCUMENTS = {"train": 5_000, "test": 1_000}
LENGTH = (50, 250)  # tokens per document, uniformly distributed
FUNCTION_WORDS = 20  # the most frequent words carry no information about the label
CERTAINTY = 10.0  # how strongly the label depends on the score


def words() -> Dataset:
    """A synthetic bag of words: 5,000 + 1,000 documents over 10,000 words of Zipf's frequencies, two classes, seeded.

    A feature is 255 if the document contains the word. Word k occurs with a probability proportional to 1/k. Every word
    except the twenty most frequent has a weight between −1 and 1. The score of a document is the sum of its words'
    weights divided by the square root of their number. Its label is 1 with the probability that the logistic function
    gives for ten times the difference between the score and the median score. Rare words therefore carry most of the
    information, which is the paper's reason for AdaGrad and Adam on sparse features. Unlike in natural language, words
    are independent.
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
    """frequency: the cumulative frequency of each word."""
    low, high = LENGTH
    lengths = low + (rng.random(count) * (high - low)).astype(int)
    document = np.repeat(np.arange(count), lengths)
    images = np.zeros((count, VOCABULARY), np.uint8)
    images[document, np.searchsorted(frequency, rng.random(len(document)))] = 255
    of, word = np.nonzero(images)
    score = np.bincount(of, weights[word], count) / np.sqrt(np.bincount(of, minlength=count))
    labels = rng.random(count) < 1 / (1 + np.exp(-CERTAINTY * (score - np.median(score))))
    return Split(images, labels.astype(np.uint8))
