"""Multi-layer perceptron, the paper's multi-layer neural network (section 6.2)."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le, Lt, doc

from adambench.models.base import Array, Classifier, Model, Network
from adambench.models.layers import Dropout


@dataclass(frozen=True)
class MLP(Model):
    """Perceptron with hidden layers of rectified linear units, and dropout if asked for."""

    hidden: Annotated[
        tuple[Annotated[int, Gt(0), Le(100_000)], ...], doc("width of each hidden layer, from the input up")
    ] = (
        1000,
        1000,
    )
    dropout: Annotated[float, Ge(0), Lt(1), doc("rate at which hidden units are dropped")] = 0.0
    input_dropout: Annotated[float, Ge(0), Lt(1), doc("rate at which pixels are dropped")] = 0.0

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike) -> Network:
        return Perceptron(self, pixels, classes, batch_size, dtype)


class Perceptron(Classifier):
    """h₀ = x;  h_k = dropout(relu(h_{k−1}·W_k + b_k));  log p(class | x) ∝ h_last·W + b."""

    def __init__(self, spec: MLP, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike) -> None:
        widths = [pixels, *spec.hidden, classes]
        super().__init__(widths, spec.l2, dtype)
        self.h: list[Array] = [np.empty((batch_size, width), dtype) for width in widths]  # the last: the logits
        self.dh: list[Array] = [np.empty((batch_size, width), dtype) for width in spec.hidden]
        self.active = [np.empty((batch_size, width), bool) for width in spec.hidden]
        rates = [spec.input_dropout, *(spec.dropout for _ in spec.hidden), 0.0]
        self.dropouts = [
            Dropout(rate, batch_size, width, dtype) if rate else None for rate, width in zip(rates, widths, strict=True)
        ]

    def init(self, rng: np.random.Generator) -> None:
        """He et al. (2015) for the layers before a ReLU, N(0, 2/n_in); N(0, 1/n_in) for the output; biases zero."""
        for layer in self.layers:
            gain = 1 if layer is self.layers[-1] else 2
            layer.W[:] = rng.standard_normal(layer.W.shape, layer.W.dtype) * (gain / len(layer.W)) ** 0.5
            layer.b[:] = 0

    def logits(self, images: Array, rng: np.random.Generator | None = None) -> Array:
        self.inputs = [images, *(h[: len(images)] for h in self.h[1:])]  # what each layer sees; the last: the logits
        if rng and self.dropouts[0]:
            self.inputs[0] = self.h[0][: len(images)]
            self.dropouts[0].forward(images, rng, out=self.inputs[0])
        for k, layer in enumerate(self.layers):
            h = self.inputs[k + 1]
            layer.forward(self.inputs[k], h)
            if layer is not self.layers[-1]:
                np.maximum(h, 0, out=h)
                dropout = self.dropouts[k + 1]
                if rng and dropout:
                    dropout.forward(h, rng, out=h)
        return self.inputs[-1]

    def backward(self, delta: Array) -> None:
        for k in reversed(range(1, len(self.layers))):
            dh, h, active = self.dh[k - 1][: len(delta)], self.inputs[k], self.active[k - 1][: len(delta)]
            self.layers[k].backward(h, delta, dh)
            dropout = self.dropouts[k]
            if dropout:
                dropout.backward(dh)
            np.greater(h, 0, out=active)
            dh *= active
            delta = dh
        self.layers[0].backward(self.inputs[0], delta)
