"""What a training step costs.

In come the package's own models and rules; out come seconds, each beside something timed in turn with it: the bare
matrix products (`steps`), and the same step in PyTorch and JAX (`rivals`).
"""
