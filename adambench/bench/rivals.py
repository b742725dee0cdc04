"""The same training steps in PyTorch and JAX, for `adambench bench`. Neither is needed for anything else.

Each factory returns a function that trains a number of steps on one core: gather and scale a minibatch of uint8 images,
forward, backward, Adam. PyTorch's Adam is the fused one; JAX's step is compiled whole, with a scan over the steps.
"""

# mypy: ignore-errors
# Neither library is installed where types are checked.

import importlib.util
import itertools
import os
from collections.abc import Callable, Sequence

import numpy as np

from adambench.datasets import Dataset

BATCH = 128


def available() -> dict[str, Callable[[Dataset, Sequence[int], float, int], Callable[[], object]]]:
    """Those that are installed, by name: factory(dataset, hidden widths, dropout rate, steps)."""
    rivals = {"PyTorch": ("torch", pytorch), "JAX": ("jax", jax)}
    return {name: factory for name, (module, factory) in rivals.items() if importlib.util.find_spec(module)}


def pytorch(dataset: Dataset, hidden: Sequence[int], dropout: float, steps: int) -> Callable[[], object]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = torch.tensor(dataset.train.images), torch.tensor(dataset.train.labels).long()
    widths = [dataset.pixels, *hidden, dataset.classes]
    layers = []
    for n_in, n_out in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(dropout)]
    model = nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def train() -> None:
        order = torch.randperm(len(labels))[: BATCH * steps]
        for chosen in order.split(BATCH):
            x = images[chosen].float().div_(255)
            adam.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(x), labels[chosen]).backward()
            adam.step()

    return train


def jax(dataset: Dataset, hidden: Sequence[int], dropout: float, steps: int) -> Callable[[], object]:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp

    images, labels = jnp.asarray(dataset.train.images), jnp.asarray(dataset.train.labels)
    widths = [dataset.pixels, *hidden, dataset.classes]
    rng = np.random.default_rng(0)
    theta = [
        (jnp.asarray(rng.standard_normal((a, b)) * (2 / a) ** 0.5, jnp.float32), jnp.zeros(b, jnp.float32))
        for a, b in itertools.pairwise(widths)
    ]
    zeros = jax.tree.map(jnp.zeros_like, theta)

    def cost(theta, x, y, key):
        for i, (w, b) in enumerate(theta):
            x = x @ w + b
            if i < len(theta) - 1:
                key, mask = jax.random.split(key)
                x = jax.nn.relu(x) * jax.random.bernoulli(mask, 1 - dropout, x.shape) / (1 - dropout)
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None].astype(jnp.int32), 1).mean()

    def step(carry, chosen):
        theta, m, v, t, key = carry
        key, mask = jax.random.split(key)
        x = images[chosen].astype(jnp.float32) / 255
        g = jax.grad(cost)(theta, x, labels[chosen], mask)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        alpha = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        theta = jax.tree.map(lambda p, m, v: p - alpha * m / (jnp.sqrt(v) + 1e-8), theta, m, v)
        return (theta, m, v, t, key), None

    scan = jax.jit(lambda carry, order: jax.lax.scan(step, carry, order)[0], donate_argnums=0)
    state = [(theta, zeros, jax.tree.map(jnp.zeros_like, theta), jnp.float32(0), jax.random.key(0, impl="rbg"))]

    def train() -> None:
        order = rng.permutation(len(labels))[: BATCH * steps].reshape(steps, BATCH)
        state[0] = jax.block_until_ready(scan(state[0], jnp.asarray(order)))

    return train
