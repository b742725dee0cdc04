"""Multi-layer perceptron, the paper's multi-layer neural network (section 6.2)."""

import itertools
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le, doc

from adambench.models.base import Array, Labels, Model, Network, Product, softmax_nll, wrong_labels
from adambench.models.layers import (
    Mask,
    Normal,
    add_penalty_gradient,
    dense_layers,
    dense_layout,
    dense_products,
    initial,
    limit_norms,
    penalty,
)

MOST_DROPPED = 0.9999  # a rate that 16 random bits can distinguish from 1


@dataclass(frozen=True)
class MLP(Model):
    """Multi-layer perceptron with rectified linear units and optional dropout."""

    hidden: Annotated[
        tuple[Annotated[int, Gt(0), Le(100_000)], ...], doc("width of each hidden layer, in order from the input")
    ] = (1000, 1000)
    dropout: Annotated[float, Ge(0), Le(MOST_DROPPED), doc("rate at which hidden units are dropped")] = 0.0
    input_dropout: Annotated[float, Ge(0), Le(MOST_DROPPED), doc("rate at which pixels are dropped")] = 0.0
    weights: Annotated[Literal["he", "glorot"] | Normal, doc("how the initial weights are drawn")] = field(
        default="he", kw_only=True
    )
    max_norm: Annotated[
        float, Ge(0), doc("largest norm of the weights into a hidden unit, kept after each step; 0: no limit")
    ] = field(default=0.0, kw_only=True)

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        if settings != 1:
            raise ValueError("an MLP is trained one setting at a time: its matrix products are wide enough")
        return Perceptron(self, pixels, classes, batch_size, dtype)

    def describe(self) -> str:
        layers = f"network {'-'.join(map(str, self.hidden))}" if self.hidden else "network without hidden layers"
        parts = [f"dropout {self.dropout:g}"] if self.dropout else []
        parts += [f"input dropout {self.input_dropout:g}"] if self.input_dropout else []
        parts += [f"L2 {self.l2:g}"] if self.l2 else []
        parts += [f"{self.weights} weights"] if self.weights != "he" else []
        parts += [f"norms up to {self.max_norm:g}"] if self.max_norm else []
        return layers + (f" with {', '.join(parts)}" if parts else "")

    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        return dense_products(self.shapes(pixels, classes), batch_size)

    def shapes(self, pixels: int, classes: int) -> list[tuple[int, int]]:
        """(n_in, n_out) of each layer, in order from the input."""
        return list(itertools.pairwise([pixels, *self.hidden, classes]))


class Perceptron(Network):
    """h₀ = dropout(x);  h_k = dropout(relu(h_{k−1}·W_k + b_k));  p(class | x) ∝ exp(h_last·W + b)."""

    def __init__(self, spec: MLP, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike) -> None:
        shapes = {f"layer {k}": shape for k, shape in enumerate(spec.shapes(pixels, classes), 1)}
        self.theta, self.grad, self.parts, self.layers = dense_layers(shapes, dtype)
        self.l2, self.weights, self.max_norm = spec.l2, spec.weights, spec.max_norm
        self.dropped: Array = np.empty((batch_size, pixels), dtype) if spec.input_dropout else np.empty(0, dtype)
        self.h: list[Array] = [
            np.empty((batch_size, width), dtype) for width in (*spec.hidden, classes)
        ]  # the last one holds the logits
        self.gates: list[Array] = [np.empty((batch_size, width), dtype) for width in spec.hidden]
        self.dh: list[Array] = [np.empty((batch_size, width), dtype) for width in spec.hidden]
        self.active = [np.empty((batch_size, width), bool) for width in spec.hidden]
        self.input_mask = Mask(spec.input_dropout, batch_size, pixels) if spec.input_dropout else None
        self.masks = [Mask(spec.dropout, batch_size, width) for width in spec.hidden] if spec.dropout else []

    def layout(self, vector: Array) -> list[Array]:
        return dense_layout(self.layers, vector)

    def init(self, rng: np.random.Generator) -> None:
        """Draw the weights as `weights` says. Biases are zero."""
        for layer in self.layers:
            layer.W[:] = initial(self.weights, layer.W.shape, layer.W.dtype, rng, relu=layer is not self.layers[-1])
            layer.b[:] = 0

    def constrain(self) -> None:
        """Hold the norm of the weights into each hidden unit to at most max_norm (Srivastava et al. 2014, §5.1)."""
        if self.max_norm:
            limit_norms(self.layers[:-1], self.max_norm)

    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        logits = self.logits(images, rng)
        nll = softmax_nll(logits.T[None], labels, gradient=True)
        self.backward(logits)
        add_penalty_gradient(self.layers, self.l2)
        return nll / len(labels)

    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[np.int_]]:
        logits = self.logits(images).T[None]
        wrong = wrong_labels(logits, labels)
        return softmax_nll(logits, labels), wrong

    def penalty(self) -> Array:
        return penalty(self.layers, self.l2)

    def logits(self, images: Array, rng: np.random.Generator | None = None) -> Array:
        """Unnormalised log-probabilities (b, classes), in a reused buffer. rng: for dropout; None turns it off."""
        b = len(images)
        self.inputs = [images, *(h[:b] for h in self.h)]  # the input of each layer, and last the logits
        if rng and self.input_mask:
            self.inputs[0] = np.multiply(images, self.input_mask.draw(rng, b), out=self.dropped[:b])
            self.inputs[0] *= self.input_mask.scale
        for k, layer in enumerate(self.layers):
            h = self.inputs[k + 1]
            layer.forward(self.inputs[k], h)
            if k == len(self.layers) - 1:
                break
            if rng is None:
                np.maximum(h, 0, out=h)
            else:
                h *= self._gate(k, h, rng)
        return self.inputs[-1]

    def _gate(self, k: int, z: Array, rng: np.random.Generator) -> Array:
        """The derivative of h = dropout(relu(z)): 0 or the scale factor of dropout. h = z·gate and dz = dh·gate."""
        b = len(z)
        gate, active = self.gates[k][:b], np.greater(z, 0, out=self.active[k][:b])
        if self.masks:
            active &= self.masks[k].draw(rng, b)
        np.copyto(gate, active)
        if self.masks:
            gate *= self.masks[k].scale
        return gate

    def backward(self, delta: Array) -> None:
        """Compute the gradient of the parameters. delta: (b, classes), that of the last call's logits."""
        b = len(delta)
        for k in reversed(range(1, len(self.layers))):
            dh = self.dh[k - 1][:b]
            self.layers[k].backward(self.inputs[k], delta, dh)
            dh *= self.gates[k - 1][:b]
            delta = dh
        self.layers[0].backward(self.inputs[0], delta)
