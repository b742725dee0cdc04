"""The same training steps in PyTorch and JAX, for `adambench bench`. Neither is needed for anything else.

Each factory returns a function that trains a number of steps on one core: gather and scale a minibatch of uint8 images,
forward, backward, Adam. JAX and PyTorch "by hand" are the fastest forms that were found, since a slow rival would
flatter this package. PyTorch "as usual" is what a tutorial shows: modules, autograd, the fused Adam.
docs/speed.md lists the forms that were tried.
"""

# mypy: ignore-errors
# Neither library is installed where types are checked.

import importlib.util
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from adambench.datasets import Dataset

BATCH = 128
LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8

Train = Callable[[], Any]  # train the steps and return the cost of the last minibatch, summed over the settings
Factory = Callable[[Dataset, Sequence[int], float, int, int], Train]


def available() -> dict[str, Factory]:
    """The installed rivals, by name: factory(dataset, hidden widths, dropout rate, steps, settings together).

    The dropout rate is rounded to a multiple of 1/256, since a mask uses 8 random bits per value.
    """
    rivals = {
        "PyTorch, as usual": ("torch", pytorch_as_usual),
        "PyTorch, by hand": ("torch", pytorch),
        "JAX": ("jax", jax),
    }
    return {name: factory for name, (module, factory) in rivals.items() if importlib.util.find_spec(module)}


def pytorch_as_usual(dataset: Dataset, hidden: Sequence[int], dropout: float, steps: int, settings: int = 1) -> Train:
    """Several settings are trained one after the other."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = torch.tensor(dataset.train.images), torch.tensor(dataset.train.labels).long()
    layers = []
    for w in weights(dataset, hidden, 1):
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.from_numpy(w), torch.zeros(len(w))
        layers += [linear, nn.ReLU(), nn.Dropout(dropout)]
    model = nn.Sequential(*layers[:-2])
    adam = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
    batches = minibatches(len(labels))

    def train():
        for _ in range(steps * settings):
            chosen = torch.from_numpy(next(batches))
            x = images.index_select(0, chosen).float().div_(255)
            adam.zero_grad()
            loss = nn.functional.cross_entropy(model(x), labels[chosen])
            loss.backward()
            adam.step()
        return settings * loss.item()

    return train


def pytorch(dataset: Dataset, hidden: Sequence[int], dropout: float, steps: int, settings: int = 1) -> Train:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = torch.tensor(dataset.train.images), torch.tensor(dataset.train.labels).long()
    one_hot = torch.eye(dataset.classes)
    W = [torch.from_numpy(w) for w in weights(dataset, hidden, settings)]
    theta = W + [torch.zeros(len(w), 1) for w in W]
    grad, m, v, change = ([torch.zeros_like(p) for p in theta] for _ in range(4))
    dW, bias, dbias = grad[: len(W)], theta[len(W) :], grad[len(W) :]
    t = [torch.zeros(()) for _ in theta]
    rates = torch.full((settings, 1, 1), LR)
    batches = minibatches(len(labels))

    def adam(parameters, lr):
        torch._foreach_add_(t, 1)
        torch._fused_adam_(
            parameters, grad, m, v, [], t,
            lr=lr, beta1=BETA1, beta2=BETA2, weight_decay=0.0, eps=EPS, amsgrad=False, maximize=False,
        )  # fmt: skip

    def step():
        chosen = torch.from_numpy(next(batches))
        x, y = images.index_select(0, chosen).float().mul_(1 / 255), labels.index_select(0, chosen)
        h, gates = [x.t()], []  # the input of each layer, one image per column
        for w, b in zip(W[:-1], bias[:-1], strict=True):
            z = torch.addmm(b, w, h[-1])
            kept = z > 0
            if dropout:
                words = torch.empty(z.numel() // 8, dtype=torch.int64).random_(-(2**63), None)
                kept &= words.view(torch.uint8).view(z.shape) >= round(256 * dropout)
            gates.append(kept.float().mul_(1 / (1 - dropout)))
            h.append(z.mul_(gates[-1]))
        p = torch.addmm(bias[-1], W[-1], h[-1]).view(settings, -1, BATCH).softmax(1)
        d = p.sub(one_hot.index_select(1, y)).div_(BATCH).view(-1, BATCH)
        for k in reversed(range(len(W))):
            torch.mm(d, h[k].t(), out=dW[k])
            torch.sum(d, 1, keepdim=True, out=dbias[k])
            if k:
                d = torch.mm(W[k].t(), d).mul_(gates[k - 1])
        if settings == 1:
            adam(theta, LR)
        else:  # one call for all settings at a rate of 1, then multiply each change by its setting's rate
            torch._foreach_zero_(change)
            adam(change, 1.0)
            for whole, part in zip(theta, change, strict=True):
                whole.view(settings, -1, whole.shape[1]).addcmul_(part.view(settings, -1, whole.shape[1]), rates)
        return p, y

    @torch.inference_mode()
    def train():
        for _ in range(steps):
            p, y = step()
        return float(-p[:, y, torch.arange(BATCH)].log().mean(1).sum())

    return train


def jax(dataset: Dataset, hidden: Sequence[int], dropout: float, steps: int, settings: int = 1) -> Train:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp

    images, labels = jnp.asarray(dataset.train.images), jnp.asarray(dataset.train.labels)
    theta = [(jnp.asarray(w), jnp.zeros((len(w), 1))) for w in weights(dataset, hidden, settings)]
    batches = minibatches(len(labels))

    def cost(theta, x, y, key):
        h = x.T  # one image per column
        for w, b in theta[:-1]:
            h = jax.nn.relu(w @ h + b)
            if dropout:
                key, mask = jax.random.split(key)
                words = jax.random.bits(mask, (h.size // 4,))  # of 32 bits each, enough for four values
                kept = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(h.shape) >= round(256 * dropout)
                h = jnp.where(kept, h * (1 / (1 - dropout)), 0.0)
        w, b = theta[-1]
        logits = (w @ h + b).reshape(settings, -1, BATCH)
        return -(jax.nn.log_softmax(logits, 1) * jax.nn.one_hot(y, dataset.classes).T).sum() / BATCH

    def step(carry, chosen):
        theta, m, v, t, key, rates = carry
        key, masks = jax.random.split(key)
        x = images[chosen].astype(jnp.float32) * (1 / 255)
        loss, g = jax.value_and_grad(cost)(theta, x, labels[chosen], masks)
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)

        correction = jnp.sqrt(1 - BETA2**t)
        alpha = rates * correction / (1 - BETA1**t)

        def update(p, m, v):
            each = jnp.repeat(alpha, len(p) // settings)[:, None]
            return p - each * m / (jnp.sqrt(v) + EPS * correction)

        return (jax.tree.map(update, theta, m, v), m, v, t, key, rates), loss

    scan = jax.jit(lambda carry, order: jax.lax.scan(step, carry, order), donate_argnums=0)
    m, v = (jax.tree.map(jnp.zeros_like, theta) for _ in range(2))
    state = (theta, m, v, jnp.float32(0), jax.random.key(0, impl="threefry2x32"), jnp.full(settings, LR))

    def train():
        nonlocal state
        order = np.stack(list(itertools.islice(batches, steps)))
        state, losses = jax.block_until_ready(scan(state, order))
        return float(losses[-1])

    return train


def weights(dataset: Dataset, hidden: Sequence[int], settings: int) -> list[np.ndarray]:
    """The initial weights (n_out, n_in) of each layer, drawn as in this package.

    Softmax regression starts at zero and stacks its settings.
    """
    if hidden and settings != 1:
        raise ValueError("only softmax regression trains several settings together")
    rng = np.random.default_rng(0)
    widths = [dataset.pixels, *hidden, settings * dataset.classes]
    scales = [(2 / n) ** 0.5 for n in widths[:-2]] + [widths[-2] ** -0.5 if hidden else 0.0]
    return [
        rng.standard_normal((n_out, n_in), np.float32) * np.float32(scale)
        for (n_in, n_out), scale in zip(itertools.pairwise(widths), scales, strict=True)
    ]


def minibatches(images: int) -> Iterator[np.ndarray]:
    """Indices of whole minibatches, in a new random order each epoch."""
    rng = np.random.default_rng(0)
    while True:
        yield from rng.permutation(images)[: images // BATCH * BATCH].reshape(-1, BATCH)
