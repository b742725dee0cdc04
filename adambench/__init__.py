"""adambench: the MNIST comparison of the Adam paper, from scratch in NumPy."""

__version__ = "0.1.0"
