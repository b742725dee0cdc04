"""Write schedules.json: the rates and momenta of torch.optim.lr_scheduler, and rules trained under OneCycleLR, in float64.

    pip install torch==2.13.0 && python tests/golden/make_schedules.py

PyTorch's OneCycleLR ends one step earlier than ours (and fast.ai's), and its last rate is relative to its first. So it
gets one step more, and pct_start and final_div_factor are converted.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]  # only this script needs it

STEPS = 40
START, CURVATURE = [1.0, -2.0, 0.5, 3.0], [0.01, 1.0, 30.0, 0.0]
CYCLES: list[dict[str, Any]] = [
    {"pct_start": 0.25, "div": 25.0, "div_final": 1e5},
    {"pct_start": 0.4, "div": 10.0, "div_final": 1e3},
]
S = torch.optim.lr_scheduler


def one_cycle(optimizer: Any, lr: float, pct_start: float, div: float, div_final: float) -> Any:
    share, final = (pct_start * STEPS + 1) / (STEPS + 1), div_final / div
    given = {"div_factor": div, "final_div_factor": final, "base_momentum": 0.85, "max_momentum": 0.95}
    return S.OneCycleLR(optimizer, lr, total_steps=STEPS + 1, pct_start=share, **given)


def warm_cosine(optimizer: Any) -> Any:
    up = S.LambdaLR(optimizer, lambda t: (t + 1) / 9)
    return S.SequentialLR(optimizer, [up, S.CosineAnnealingLR(optimizer, STEPS - 8)], [8])


RATES: list[tuple[str, dict[str, Any], Callable[[Any], Any]]] = [
    ("cosine", {}, lambda o: S.CosineAnnealingLR(o, STEPS)),
    ("cosine", {"end": 0.1}, lambda o: S.CosineAnnealingLR(o, STEPS, 0.1)),
    ("cosine", {"warmup": 8}, warm_cosine),
    ("linear", {}, lambda o: S.LinearLR(o, 1.0, 0.0, STEPS)),
    ("linear", {"end": 0.2}, lambda o: S.LinearLR(o, 1.0, 0.2, STEPS)),
    ("step", {}, lambda o: S.MultiStepLR(o, [STEPS // 2, 3 * STEPS // 4])),
    ("step", {"drops": [0.3], "gamma": 0.5}, lambda o: S.MultiStepLR(o, [12], 0.5)),
    *(("one_cycle", cycle, lambda o, cycle=cycle: one_cycle(o, 1.0, **cycle)) for cycle in CYCLES),
]
RULES: list[tuple[str, dict[str, Any], Callable[..., Any]]] = [
    ("adam", {"lr": 0.1}, torch.optim.Adam),
    ("adam", {"lr": 0.05, "beta1": 0.5}, torch.optim.Adam),
    ("momentum", {"lr": 0.01}, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    ("nesterov", {"lr": 0.01}, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True)),
]


def rates(make: Callable[[Any], Any]) -> tuple[list[float], list[float]]:
    """The rate and β₁ of each step."""
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for _ in range(STEPS):
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]))
        optimizer.step()
        scheduler.step()
    return [float(rate) for rate, _ in found], [beta1 for _, beta1 in found]


def trajectory(make: Callable[..., Any], lr: float, noise: Any) -> list[list[float]]:
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make([theta], lr=lr)
    scheduler = one_cycle(optimizer, lr, **CYCLES[0])
    points = []
    for t in range(STEPS):
        theta.grad = torch.tensor(CURVATURE, dtype=torch.float64) * theta.detach() + noise[t]
        optimizer.step()
        scheduler.step()
        points.append(theta.tolist())
    return points


def main() -> None:
    warnings.simplefilter("ignore")  # SequentialLR calls its parts in an order that PyTorch itself warns about
    noise = torch.randn(STEPS, len(START), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    schedules = []
    for name, fields, make in RATES:
        scale, decay = rates(make)
        schedules.append(
            {"name": name, "fields": fields, "scale": scale} | ({"decay": decay} if "div" in fields else {})
        )
    rules = [{"rule": r, "setting": s, "theta": trajectory(make, s["lr"], noise)} for r, s, make in RULES]
    lines = [f'  "torch": {json.dumps(torch.__version__)}', f'  "start": {START}', f'  "curvature": {CURVATURE}']
    lines.append(f'  "noise": {json.dumps(noise.tolist())}')
    for key, rows in (("schedules", schedules), ("rules", rules)):
        lines.append(f'  "{key}": [\n    ' + ",\n    ".join(map(json.dumps, rows)) + "\n  ]")
    Path(__file__).with_name("schedules.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
