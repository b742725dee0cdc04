"""Measure what a training step costs.

Each step of the package is timed alternately with a reference: the bare matrix products (`steps`), or the same step in
PyTorch and JAX (`rivals`).
"""
