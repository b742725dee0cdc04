"""Write trajectories.json: what PyTorch computes for each rule, in float64, 50 steps, several settings each.

    pip install torch==2.13.0 && python tests/golden/make.py

The gradient is that of an ill-conditioned quadratic plus noise, so that an error in one step shows in all later ones.
Two variants that PyTorch does not have (Adam without bias correction, Adam with ε̂) are written out below, straight from the
paper, on torch tensors.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]  # only this script needs it

STEPS = 50
CURVATURE = [0.01, 1.0, 30.0, 0.0]  # the last weight sees noise alone
START = [1.0, -2.0, 0.5, 3.0]

Setting = dict[str, Any]

CASES: dict[str, list[Setting]] = {
    "sgd": [{}, {"lr": 0.05}],
    "momentum": [{}, {"lr": 0.02, "momentum": 0.5}, {"lr": 0.001, "momentum": 0.99}],
    "nesterov": [{}, {"lr": 0.02, "momentum": 0.5}, {"lr": 0.001, "momentum": 0.99}],
    "adagrad": [{}, {"lr": 0.5}, {"lr": 0.1, "eps": 0.01}],
    "rmsprop": [{}, {"lr": 0.05, "rho": 0.9}, {"lr": 0.01, "rho": 0.5, "eps": 0.001}],
    "adadelta": [{}, {"lr": 10.0, "rho": 0.95}, {"lr": 0.5, "rho": 0.8, "eps": 0.001}],
    "adam": [
        {},
        {"lr": 0.1, "beta1": 0.0},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01},
        {"lr": 0.01, "beta2": 0.9999, "eps": 0.0},
        {"lr": 0.001, "bias_correction": False},
        {"lr": 0.01, "beta1": 0.0, "beta2": 0.9999, "bias_correction": False},
    ],
    "adam_eps_hat": [{}, {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01}],
    "adamax": [{}, {"lr": 0.1, "beta1": 0.0}, {"lr": 0.05, "beta1": 0.5, "beta2": 0.9}],
}


def optimizer(rule: str, s: Setting) -> Callable[[list[Any]], Any]:
    """A setting in torch.optim, with every hyper-parameter given."""
    o = torch.optim
    lr: Setting = {"lr": s.get("lr", DEFAULT_LR[rule])}
    betas: Setting = {"betas": (s.get("beta1", 0.9), s.get("beta2", 0.999))}
    mu = {"momentum": s.get("momentum", 0.9)}
    make: dict[str, Callable[[list[Any]], Any]] = {
        "sgd": lambda p: o.SGD(p, **lr),
        "momentum": lambda p: o.SGD(p, **lr, **mu),
        "nesterov": lambda p: o.SGD(p, **lr, **mu, nesterov=True),
        "adagrad": lambda p: o.Adagrad(p, **lr, eps=s.get("eps", 1e-10)),
        "rmsprop": lambda p: o.RMSprop(p, **lr, alpha=s.get("rho", 0.99), eps=s.get("eps", 1e-8)),
        "adadelta": lambda p: o.Adadelta(p, **lr, rho=s.get("rho", 0.9), eps=s.get("eps", 1e-6)),
        "adam": lambda p: o.Adam(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "adamax": lambda p: o.Adamax(p, **lr, **betas, eps=0.0),
    }
    if rule == "adam_eps_hat" or not s.get("bias_correction", True):
        return lambda p: Plain(p[0], **lr, **betas, eps=s.get("eps", 1e-8), hat=rule == "adam_eps_hat")
    return make[rule]


DEFAULT_LR = {
    **{"sgd": 0.01, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.01, "rmsprop": 0.001, "adadelta": 1.0},
    **{"adam": 0.001, "adam_eps_hat": 0.001, "adamax": 0.002},
}


class Plain:
    """The two variants of Adam that torch.optim lacks."""

    def __init__(self, theta: Any, lr: Any, betas: Any, eps: float, hat: bool) -> None:
        self.theta, self.lr, self.betas, self.eps, self.hat = theta, lr, betas, eps, hat
        self.m, self.v, self.t = torch.zeros_like(theta), torch.zeros_like(theta), 0

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self) -> None:
        (beta1, beta2), g = self.betas, self.theta.grad
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * g
        self.v = beta2 * self.v + (1 - beta2) * g**2
        alpha = self.lr * math.sqrt(1 - beta2**self.t) / (1 - beta1**self.t) if self.hat else self.lr
        self.theta -= alpha * self.m / (self.v.sqrt() + self.eps)


def trajectory(rule: str, setting: Setting, noise: Any) -> list[list[float]]:
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    steps = optimizer(rule, setting)([theta])
    curvature = torch.tensor(CURVATURE, dtype=torch.float64)
    points = []
    for t in range(STEPS):
        theta.grad = curvature * theta.detach() + noise[t]
        steps.step()
        points.append(theta.tolist())
    return points


def main() -> None:
    noise = torch.randn(STEPS, len(START), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lines = [f'  "torch": {json.dumps(torch.__version__)}']
    lines += [f'  "{key}": {json.dumps(value)}' for key, value in (("start", START), ("curvature", CURVATURE))]
    lines.append(f'  "noise": {json.dumps(noise.tolist())}')
    rows = [
        "    " + json.dumps({"rule": rule, "setting": setting, "theta": trajectory(rule, setting, noise)})
        for rule, settings in CASES.items()
        for setting in settings
    ]
    text = "{\n" + ",\n".join(lines) + ',\n  "cases": [\n' + ",\n".join(rows) + "\n  ]\n}\n"
    Path(__file__).with_name("trajectories.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
