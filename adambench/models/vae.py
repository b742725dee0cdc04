"""Variational auto-encoder, the paper's experiment on bias correction (section 6.4)."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le, doc

from adambench.models.base import Array, Labels, Model, Network, Product
from adambench.models.layers import add_penalty_gradient, dense_layers, dense_layout, dense_products, initial, penalty


@dataclass(frozen=True)
class VAE(Model):
    """Variational auto-encoder with Gaussian latents, Bernoulli pixels and a softplus layer in encoder and decoder.

    Its cost is the negative variational lower bound on log p(image) in nats. It uses one latent sample per image, and
    the divergence from the prior in closed form (Kingma and Welling 2014, equation 10). It predicts no labels.
    """

    labels = False
    hidden: Annotated[int, Gt(0), Le(100_000), doc("number of softplus units, in the encoder and in the decoder")] = 500
    latent: Annotated[int, Gt(0), Le(100_000), doc("number of dimensions of the latent z")] = 50

    def build(self, pixels: int, classes: int, batch_size: int, dtype: npt.DTypeLike, settings: int = 1) -> Network:
        if settings != 1:
            raise ValueError("a VAE is trained one setting at a time: its matrix products are wide enough")
        return AutoEncoder(self, pixels, batch_size, dtype)

    def describe(self) -> str:
        return f"auto-encoder {self.hidden}-{self.latent}" + (f" with L2 {self.l2:g}" if self.l2 else "")

    def products(self, pixels: int, classes: int, batch_size: int, settings: int = 1) -> list[Product]:
        return dense_products(list(self.shapes(pixels).values()), batch_size)

    def shapes(self, pixels: int) -> dict[str, tuple[int, int]]:
        """(n_in, n_out) of each layer by name, in order from the input image to the output."""
        return {
            "encoder hidden": (pixels, self.hidden),
            "encoder output": (self.hidden, 2 * self.latent),
            "decoder hidden": (self.latent, self.hidden),
            "decoder output": (self.hidden, pixels),
        }


class AutoEncoder(Network):
    """h = softplus(x·W₁ + b₁), (μ, ln σ²) = h·W₂ + b₂, z = μ + σ·ε, d = softplus(z·W₃ + b₃), logit p = d·W₄ + b₄."""

    def __init__(self, spec: VAE, pixels: int, batch_size: int, dtype: npt.DTypeLike) -> None:
        hidden, latent = spec.hidden, spec.latent
        self.theta, self.grad, self.parts, self.layers = dense_layers(spec.shapes(pixels), dtype)
        self.l2 = spec.l2
        # One row of noise per row of a minibatch. All evaluations use the same noise, so their costs are comparable.
        self.noise = np.random.Generator(np.random.SFC64(0)).standard_normal((batch_size, latent), np.float32)
        widths = {"a": hidden, "h": hidden, "dh": hidden, "q": 2 * latent, "dq": 2 * latent, "z": latent, "dz": latent}
        widths |= {"c": hidden, "d": hidden, "dd": hidden, "logits": pixels, "p": pixels}
        self.buffers: dict[str, Array] = {name: np.empty((batch_size, width), dtype) for name, width in widths.items()}

    def layout(self, vector: Array) -> list[Array]:
        return dense_layout(self.layers, vector)

    def init(self, rng: np.random.Generator) -> None:
        """Draw weights from N(0, 1/n_in). Biases are zero."""
        for layer in self.layers:
            layer.W[:] = initial("he", layer.W.shape, layer.W.dtype, rng, relu=False)
            layer.b[:] = 0

    def cost(self, images: Array, labels: Labels, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal((len(images), self.layers[2].W.shape[0]), self.theta.dtype)
        total = self.forward(images, noise)
        self.backward(images, noise)
        add_penalty_gradient(self.layers, self.l2)
        return np.array([total / len(images)])

    def evaluate(self, images: Array, labels: Labels) -> tuple[Array, npt.NDArray[Any]]:
        return np.array([self.forward(images, self.noise[: len(images)])]), np.array([np.nan])

    def penalty(self) -> Array:
        return penalty(self.layers, self.l2)

    def forward(self, x: Array, noise: Array) -> float:
        """The negative bound, summed over a minibatch: E[−log p(x | z)] + KL(q(z | x) ‖ p(z)). noise: ε (b, latent)."""
        self.b = {name: buffer[: len(x)] for name, buffer in self.buffers.items()}
        a, h, q, z, c, d, logits, p = (self.b[name] for name in ("a", "h", "q", "z", "c", "d", "logits", "p"))
        encoder, output, decoder, pixels = self.layers
        encoder.forward(x, a)
        softplus(a, h)
        output.forward(h, q)
        mu, log_var = np.split(q, 2, axis=1)
        self.sigma = np.exp(log_var / 2)
        np.multiply(self.sigma, noise, out=z)
        z += mu
        decoder.forward(z, c)
        softplus(c, d)
        pixels.forward(d, logits)
        # −log p(x | z) = Σ softplus(l) − x·l
        softplus(logits, p)
        nll = float(np.sum(p, dtype=np.float64)) - float(np.vdot(x, logits))
        # KL = ½ Σ (μ² + σ² − 1 − ln σ²)
        divergence = np.square(mu) + np.square(self.sigma) - 1 - log_var
        return nll + 0.5 * float(np.sum(divergence, dtype=np.float64))

    def backward(self, x: Array, noise: Array) -> None:
        """Compute the gradient of the mean over the minibatch of the last call of `forward`."""
        a, h, dh, q, dq, z, dz, c, d, dd, logits, p = self.b.values()
        encoder, output, decoder, pixels = self.layers
        n = len(x)
        # ∂/∂l = (sigmoid(l) − x)/n;  sigmoid(l) = exp(l − softplus(l))
        np.subtract(logits, p, out=p)
        np.exp(p, out=p)
        p -= x
        p /= n
        pixels.backward(d, p, dd)
        dd *= np.exp(c - d)
        decoder.backward(z, dd, dz)
        # ∂/∂μ = ∂/∂z + μ/n;  ∂/∂ln σ² = ∂/∂z·ε·σ/2 + (σ² − 1)/(2n)
        mu, _ = np.split(q, 2, axis=1)
        d_mu, d_log_var = np.split(dq, 2, axis=1)
        np.add(dz, mu / n, out=d_mu)
        np.multiply(dz, noise * self.sigma / 2, out=d_log_var)
        d_log_var += (np.square(self.sigma) - 1) / (2 * n)
        output.backward(h, dq, dh)
        dh *= np.exp(a - h)
        encoder.backward(x, dh)


def softplus(a: Array, out: Array) -> None:
    """log(1 + exp(a)), computed as max(a, 0) + log(1 + exp(−|a|)) so that exp cannot overflow."""
    np.abs(a, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    np.log(out, out=out)
    out += np.maximum(a, 0)
