"""What a run costs the process that plans and records it, in small plans and in large ones. Nothing is trained."""

import time
from collections.abc import Sequence

from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.execution import plan
from adambench.execution.engines import Finished
from adambench.execution.engines.rehearsal import Rehearsal
from adambench.execution.plan import Run
from adambench.execution.scheduling import execute
from adambench.execution.unfolding import Unfolding
from adambench.store.records import Record

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)


def by_rate(run: Run) -> Curve:
    """The lower the rate, the lower the cost."""
    lr = run.optimizer.hyperparameters["lr"]
    return [Evaluation(epoch, epoch, 0.0, lr, 0.0, lr, 0.1) for epoch in range(1, run.epochs + 1)]


def growth(sizes: Sequence[int] = SIZES) -> dict[int, float]:
    """CPU seconds a run by runs in the plan: planning, scheduling, counting and the text of the record."""
    return {size: _seconds(size) / size for size in sizes}


def _seconds(size: int) -> float:
    """Of a plan of that many runs, a multiple of 100: for each optimizer 97 tuning runs and three report runs."""
    grids = "".join(
        f"  a{i}: {{name: adam, eps: {1e-8 * (1 + i):.4e}, lr: {{logspace: [0.001, 1, 97]}}}}\n"
        for i in range(size // 100)
    )
    text = f"""\
name: growth
dataset: mnist
seeds: [1, 2, 3]
problems: {{p: {{model: logistic, epochs: 10, batch_size: 128}}}}
optimizers:
{grids}"""
    experiment = parse(text, "growth.yaml")
    start = time.process_time()
    curves: dict[str, Curve] = {}
    runs = Unfolding(plan.entries(experiment), curves)
    with Rehearsal(2, lambda _: 4, curve=by_rate) as engine:
        for event in execute(runs.runs.values(), curves, engine, then=runs.finish):
            if isinstance(event, Finished):
                for run, curve in zip(event.runs, event.curves, strict=True):
                    Record.of(run, curve).json()
    assert runs.done == runs.total == size
    return time.process_time() - start
