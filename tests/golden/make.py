"""Write trajectories.json: what PyTorch and other libraries compute for each rule, in float64, several settings each.

    pip install torch==2.13.0 schedulefree==1.4.1 adabelief-pytorch==0.2.1 lion-pytorch==0.2.5 pytorch-optimizer==4.1.0
    pip install optax==0.2.8 && python tests/golden/make.py

The gradient is that of an ill-conditioned quadratic plus noise, so that an error in one step shows in all later ones.
Of 60 steps, every fifth is stored. Some gradients are zero: all of some steps, and some weights of others. The nine
weights are a matrix of two inputs and three outputs, and three biases, for the rules that know these.

Variants that no library has (Adam without bias correction, Adam with ε̂, AMSGrad and Yogi as their papers have them) are
written out below, straight from the papers, on torch tensors.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Only this script needs them.
import adabelief_pytorch  # type: ignore[import-not-found]
import jax  # type: ignore[import-not-found]
import lion_pytorch  # type: ignore[import-not-found]
import optax  # type: ignore[import-not-found]
import pytorch_optimizer as others  # type: ignore[import-not-found]
import schedulefree  # type: ignore[import-not-found]
import torch  # type: ignore[import-not-found]

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)  # of the product of μ in NAdam, too

STEPS, EVERY = 60, 5
INPUTS, OUTPUTS = 2, 3
CURVATURE = [0.01, 1.0, 30.0, 0.0, 0.3, 3.0, 0.1, 10.0, 0.5]  # the fourth weight sees noise alone
START = [1.0, -2.0, 0.5, 3.0, -0.1, 0.7, 0.0, -0.4, 2.0]

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
    "rprop": [{}, {"lr": 0.1}],
    "nadam": [{}, {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01}],
    "sgdw": [{}, {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.3}, {"weight_decay": 0.5, "decay_biases": False}],
    "adamw": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
    "amsgrad": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01},
        {"lr": 0.01, "beta2": 0.5, "bias_correction": False},
    ],
    "yogi": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01},
        {"lr": 0.01, "beta2": 0.5, "bias_correction": False},
    ],
    "radam": [{}, {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01}, {"lr": 0.05, "beta2": 0.5}],
    "lamb": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
    "adabelief": [{}, {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.001}],
    "adan": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.8, "beta3": 0.9, "eps": 0.01, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
    "lion": [
        {},
        {"lr": 0.01, "beta1": 0.5, "beta2": 0.8, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
    "schedule_free_sgd": [
        {"lr": 0.02},
        {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.5},
        {"lr": 0.02, "weight_decay": 0.3, "decay_biases": False},
    ],
    "schedule_free_adamw": [
        {},
        {"lr": 0.05, "beta1": 0.5, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
    "muon": [
        {},
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.5},
        {"lr": 0.1, "weight_decay": 0.3, "decay_biases": False},
    ],
}


def optimizer(rule: str, s: Setting, weights: Any, biases: Any) -> Any:
    """A setting in the library that is its reference, with every hyper-parameter given. weights: (outputs, inputs)."""
    o = torch.optim
    lr: Setting = {"lr": s.get("lr", DEFAULT_LR[rule])}
    betas: Setting = {"betas": (s.get("beta1", 0.9), s.get("beta2", 0.999))}
    mu = {"momentum": s.get("momentum", 0.9)}
    decay = s.get("weight_decay", DEFAULT_DECAY.get(rule, 0.0))
    p = [
        {"params": [weights], "weight_decay": decay},
        {"params": [biases], "weight_decay": decay if s.get("decay_biases", True) else 0.0},
    ]
    if "weight_decay" in s or rule in DEFAULT_DECAY:
        lr["weight_decay"] = decay  # the groups have their own
    if rule == "adam_eps_hat" or not s.get("bias_correction", True):
        return Plain([weights, biases], lr["lr"], betas["betas"], s.get("eps", 1e-3 if rule == "yogi" else 1e-8), rule)
    make: dict[str, Callable[[], Any]] = {
        "sgd": lambda: o.SGD(p, **lr),
        "momentum": lambda: o.SGD(p, **lr, **mu),
        "nesterov": lambda: o.SGD(p, **lr, **mu, nesterov=True),
        "adagrad": lambda: o.Adagrad(p, **lr, eps=s.get("eps", 1e-10)),
        "rmsprop": lambda: o.RMSprop(p, **lr, alpha=s.get("rho", 0.99), eps=s.get("eps", 1e-8)),
        "adadelta": lambda: o.Adadelta(p, **lr, rho=s.get("rho", 0.9), eps=s.get("eps", 1e-6)),
        "adam": lambda: o.Adam(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "adamax": lambda: o.Adamax(p, **lr, **betas, eps=0.0),
        "rprop": lambda: o.Rprop([weights, biases], **lr),
        "nadam": lambda: o.NAdam(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "sgdw": lambda: others.SGDW(p, **lr, **mu, weight_decouple=True),
        "adamw": lambda: o.AdamW(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "amsgrad": lambda: o.Adam(p, **lr, **betas, eps=s.get("eps", 1e-8), amsgrad=True),
        "yogi": lambda: others.Yogi(p, **lr, **betas, eps=s.get("eps", 1e-3), initial_accumulator=0.0),
        "radam": lambda: o.RAdam(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "lamb": lambda: Lamb(p, lr["lr"], betas["betas"], s.get("eps", 1e-6)),
        "adabelief": lambda: adabelief_pytorch.AdaBelief(
            p, **lr, **betas, eps=s.get("eps", 1e-16), rectify=False, weight_decouple=False, print_change_log=False
        ),
        "adan": lambda: others.Adan(
            p, **lr, betas=(s.get("beta1", 0.98), s.get("beta2", 0.92), s.get("beta3", 0.99)), eps=s.get("eps", 1e-8)
        ),
        "lion": lambda: lion_pytorch.Lion(p, **lr, betas=(s.get("beta1", 0.9), s.get("beta2", 0.99))),
        "schedule_free_sgd": lambda: schedulefree.SGDScheduleFree(p, **lr, **mu),
        "schedule_free_adamw": lambda: schedulefree.AdamWScheduleFree(p, **lr, **betas, eps=s.get("eps", 1e-8)),
        "muon": lambda: Muon(p, lr["lr"], s.get("momentum", 0.95)),
    }
    return make[rule]()


DEFAULT_LR = {
    **{"sgd": 0.01, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.01, "rmsprop": 0.001, "adadelta": 1.0},
    **{"adam": 0.001, "adam_eps_hat": 0.001, "adamax": 0.002, "rprop": 0.01, "nadam": 0.002, "sgdw": 0.01},
    **{"adamw": 0.001, "amsgrad": 0.001, "yogi": 0.01, "radam": 0.001, "lamb": 0.001, "adabelief": 0.001},
    **{"adan": 0.001, "lion": 0.0001, "schedule_free_sgd": 1.0, "schedule_free_adamw": 0.0025, "muon": 0.02},
}
DEFAULT_DECAY = {"sgdw": 0.01, "adamw": 0.01}


class Plain:
    """The variants that the libraries lack: Adam, AMSGrad and Yogi without bias correction, and Adam with ε̂."""

    def __init__(self, parameters: list[Any], lr: float, betas: Any, eps: float, rule: str) -> None:
        self.parameters, self.lr, self.betas, self.eps, self.rule = parameters, lr, betas, eps, rule
        self.m, self.v, self.u = ([torch.zeros_like(p) for p in parameters] for _ in range(3))
        self.t = 0

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self) -> None:
        beta1, beta2 = self.betas
        self.t += 1
        hat = self.rule == "adam_eps_hat"
        alpha = self.lr * math.sqrt(1 - beta2**self.t) / (1 - beta1**self.t) if hat else self.lr
        for i, p in enumerate(self.parameters):
            g = p.grad
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * g
            if self.rule == "yogi":
                self.v[i] = self.v[i] - (1 - beta2) * torch.sign(self.v[i] - g**2) * g**2
            else:
                self.v[i] = beta2 * self.v[i] + (1 - beta2) * g**2
            self.u[i] = torch.maximum(self.u[i], self.v[i]) if self.rule == "amsgrad" else self.v[i]
            p.sub_(alpha * self.m[i] / (self.u[i].sqrt() + self.eps))


class Muon:
    """torch.optim.Muon, in float64 throughout: it computes in bfloat16. Biases are matrices with one input."""

    def __init__(self, groups: list[Setting], lr: float, momentum: float) -> None:
        self.parameters = [group["params"][0] for group in groups]
        self.matrices = [p.data.reshape(len(p), -1).requires_grad_() for p in self.parameters]
        self.steps = [
            torch.optim.Muon([p], lr=lr, momentum=momentum, weight_decay=group["weight_decay"])
            for p, group in zip(self.matrices, groups, strict=True)
        ]

    def step(self) -> None:
        bfloat16, torch.Tensor.bfloat16 = torch.Tensor.bfloat16, torch.Tensor.clone
        for p, matrix, steps in zip(self.parameters, self.matrices, self.steps, strict=True):
            matrix.grad = p.grad.reshape(matrix.shape)
            steps.step()
        torch.Tensor.bfloat16 = bfloat16


class Lamb:
    """optax.lamb, a transform for each tensor."""

    def __init__(self, groups: list[Setting], lr: float, betas: Any, eps: float) -> None:
        self.parameters = [group["params"][0] for group in groups]
        self.transforms = [optax.lamb(lr, *betas, eps=eps, weight_decay=group["weight_decay"]) for group in groups]
        self.states = [t.init(p.detach().numpy()) for t, p in zip(self.transforms, self.parameters, strict=True)]

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            changes, self.states[i] = self.transforms[i].update(p.grad.numpy(), self.states[i], p.numpy())
            p.add_(torch.tensor(changes.tolist(), dtype=p.dtype))


def trajectory(rule: str, setting: Setting, noise: Any, active: Any) -> list[list[float]]:
    """Every fifth point."""
    theta = torch.tensor(START, dtype=torch.float64)
    weights = theta[: INPUTS * OUTPUTS].reshape(INPUTS, OUTPUTS).T.contiguous().requires_grad_()
    biases = theta[INPUTS * OUTPUTS :].clone().requires_grad_()
    steps = optimizer(rule, setting, weights, biases)
    if rule.startswith("schedule_free"):
        steps.train()
    curvature = torch.tensor(CURVATURE, dtype=torch.float64)
    points = []
    for t in range(STEPS):
        grad = active[t] * (curvature * theta + noise[t])
        weights.grad = grad[: INPUTS * OUTPUTS].reshape(INPUTS, OUTPUTS).T.contiguous()
        biases.grad = grad[INPUTS * OUTPUTS :].clone()
        steps.step()
        theta = torch.cat([weights.detach().T.reshape(-1), biases.detach()])
        points.append(theta.tolist())
    return points[EVERY - 1 :: EVERY]


def main() -> None:
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(STEPS, len(START), dtype=torch.float64, generator=random)
    active = (torch.rand(STEPS, len(START), generator=random) < 0.9).double()
    active[[7, 8, 30]] = 0.0
    active[0] = 1.0  # 0/0 without ε, in the libraries
    lines = [f'  "torch": {json.dumps(torch.__version__)}']
    problem = {"start": START, "curvature": CURVATURE, "matrix": [INPUTS, OUTPUTS], "every": EVERY}
    lines += [f'  "{key}": {json.dumps(value)}' for key, value in problem.items()]
    lines += [f'  "noise": {json.dumps(noise.tolist())}', f'  "active": {json.dumps(active.int().tolist())}']
    rows = [
        "    " + json.dumps({"rule": rule, "setting": setting, "theta": trajectory(rule, setting, noise, active)})
        for rule, settings in CASES.items()
        for setting in settings
    ]
    text = "{\n" + ",\n".join(lines) + ',\n  "cases": [\n' + ",\n".join(rows) + "\n  ]\n}\n"
    Path(__file__).with_name("trajectories.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
