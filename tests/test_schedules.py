"""Schedules: equal to PyTorch's, where it has them (tests/golden/make_schedules.py), and what all of them keep."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adambench.config.experiment import named
from adambench.config.loading import parse
from adambench.config.sizes import check_sizes
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, SGD, Adam, AdaMax, Nesterov
from adambench.schedules import SCHEDULES, Constant, Cosine, InverseSqrt, Linear, OneCycle, Schedule, Step
from adambench.show.catalogue import curve
from adambench.stepwise import train
from adambench.training import Training

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("schedules.json").read_text(encoding="utf-8"))
TEXT = """\
name: x
dataset: mnist
seeds: [1]
problems:
  p: {model: logistic, epochs: 2, batch_size: 100, schedule: SCHEDULE}
optimizers: {adam: {lr: 0.1, beta1: 0.9}, sgd: }
"""

every_schedule = pytest.mark.parametrize("name", SCHEDULES)


def built(case: dict[str, Any]) -> Schedule:
    fields: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in case["fields"].items()}
    return SCHEDULES[case["name"]](**fields)


@pytest.mark.parametrize("case", GOLDEN["schedules"], ids=lambda case: f"{case['name']}-{case['fields']}")
def test_rates_and_momenta_are_pytorchs(case: dict[str, Any]) -> None:
    schedule, steps = built(case), len(case["scale"])
    scales = [schedule.scale(step, 1, steps) for step in range(1, steps + 1)]
    np.testing.assert_allclose(scales, case["scale"], rtol=1e-9, atol=1e-12)
    if "decay" in case:
        decays = [schedule.beta(step, steps) for step in range(1, steps + 1)]
        np.testing.assert_allclose(np.array(decays, float), case["decay"], rtol=1e-12)


@pytest.mark.parametrize("case", GOLDEN["rules"], ids=lambda case: f"{case['rule']}-{case['setting']}")
def test_a_rule_under_one_cycle_takes_pytorchs_steps(case: dict[str, Any]) -> None:
    """The mean of gradients goes on unchanged while its decay changes from step to step."""
    rule, schedule, steps = OPTIMIZERS[case["rule"]](**case["setting"]), OneCycle(), len(case["theta"])
    theta, curvature = np.array(GOLDEN["start"]), np.array(GOLDEN["curvature"])
    state = rule.init(theta)
    for step, (noise, expected) in enumerate(zip(GOLDEN["noise"], case["theta"], strict=True), 1):
        decay = schedule.beta(step, steps)
        assert decay is not None
        rule = rule.with_decay(decay, state)
        rule.step(theta, curvature * theta + noise, state, schedule.scale(step, 1, steps))
        np.testing.assert_allclose(theta, expected, rtol=1e-10, atol=1e-10)


@every_schedule
@pytest.mark.parametrize("warmup", [0, 1, 7])
@pytest.mark.parametrize("steps", [8, 9, 100])
def test_no_rate_is_above_lr_or_below_zero(name: str, warmup: int, steps: int) -> None:
    """And a warm-up rises along a line from its first step to the schedule's first factor, which comes after it."""
    schedule = SCHEDULES[name](warmup=warmup)
    scales = [schedule.scale(step, 1, steps) for step in range(1, steps + 1)]
    assert all(0 < scale <= 1 for scale in scales)
    rise = np.linspace(0, scales[warmup], warmup + 2)[1:]
    np.testing.assert_allclose(scales[: warmup + 1], rise, rtol=1e-12)
    assert scales[warmup:] == [
        SCHEDULES[name]().scale(step, 1, steps - warmup) for step in range(1, steps - warmup + 1)
    ]


def test_schedules_without_a_horizon() -> None:
    assert [Constant().scale(step, 1, 100) for step in (1, 2, 100)] == [1, 1, 1]
    assert [InverseSqrt("step").scale(step, 3, 100) for step in (1, 4, 100)] == [1, 0.5, 0.1]
    assert [InverseSqrt("epoch").scale(100, epoch, 100) for epoch in (1, 4, 100)] == [1, 0.5, 0.1]


def test_the_momentum_moves_against_the_rate() -> None:
    schedule = OneCycle()
    found = [(schedule.scale(s, 1, 1001), schedule.decay(s, 1001)) for s in (1, 251, 1001)]
    np.testing.assert_allclose(np.array(found, float), [(0.04, 0.95), (1, 0.85), (1e-5, 0.95)], rtol=2e-3, atol=5e-6)
    assert OneCycle(cycle_momentum=False).decay(5, 10) is None


def test_the_decay_is_beta1_or_else_momentum() -> None:
    assert Adam().with_decay(0.5) == Adam(beta1=0.5)
    assert Nesterov().with_decay(0.5) == Nesterov(momentum=0.5)
    assert SGD().with_decay(0.5) == SGD()


@pytest.mark.parametrize("rule", [Adam(), AdaMax()])
def test_the_mean_of_gradients_survives_a_change_of_its_decay(rule: Any) -> None:
    theta = np.ones(3)
    state = rule.init(theta)
    rule.step(theta, np.array([1.0, -2.0, 0.5]), state)
    mean = rule.moments(state)["m"]
    np.testing.assert_allclose(rule.with_decay(0.3, state).moments(state)["m"], mean, rtol=1e-14)


def test_a_slot_is_a_sum_only_if_the_rule_says_so() -> None:
    """A rule of somebody's own may call a mean M, or anything else."""
    rule = Adam()
    state = rule.init(np.ones(3))
    state.slots["M"] += 2.0

    class Own(Adam):
        mean_decay = ""

    Own().with_decay(0.3, state)
    assert state.slots["M"].tolist() == [2.0] * 3
    rule.with_decay(0.3, state)
    assert state.slots["M"][0] == pytest.approx(2 * 0.1 / 0.7)
    for name, kind in OPTIMIZERS.items():
        assert ("M" in kind.slot_names) == bool(kind.mean_decay), name


def test_the_horizon_is_the_whole_run(dataset: Dataset) -> None:
    """600 images in batches of 60 for two epochs are 20 steps: a drop at 75 % of the run comes with step 16."""
    given: dict[str, Any] = {"epochs": 2, "batch_size": 60, "seed": 1}
    flat, dropped, short = (
        [(e.epoch, e.train_loss, e.test_loss) for e in train(Logistic(), Adam(), schedule, dataset, **given | more)]
        for schedule, more in ((Constant(), {}), (Step(drops=(0.75,)), {}), (Step(drops=(0.75,)), {"epochs": 1}))
    )
    assert dropped[0] == flat[0]
    assert dropped[1] != flat[1]
    assert short[0] != flat[0]  # with one epoch, the drop comes with step 9


def test_a_drop_comes_with_its_step_though_the_product_is_rounded_up() -> None:
    for percent in range(1, 100):  # .07 · 100 is a little more than 7
        drop = Step(drops=(percent / 100,), gamma=0.5)
        assert [drop.factor(step, 1, 100) for step in (percent, percent + 1)] == [1, 0.5]


@dataclass(frozen=True)
class Rising(Constant):
    """A decay that rises along a line, told as NumPy's smallest kind of number."""

    def decay(self, step: int, steps: int) -> float:
        return np.float32(step / steps)  # type: ignore[return-value]


def test_a_decay_begins_after_the_warm_up_and_is_a_number_of_python() -> None:
    found = [Rising(warmup=4).beta(step, 12) for step in (1, 4, 5, 6, 11)]
    assert found == [0.125, 0.125, 0.125, 0.25, 0.875]
    assert {type(decay) for decay in found} == {float}


@pytest.mark.parametrize("schedule", [OneCycle(warmup=3), Cosine(), Linear(end=0.5)])
def test_a_training_goes_on_with_the_same_bits(schedule: Schedule, dataset: Dataset) -> None:
    """Saved in the middle of the cycle and restored, for rules with β₁, with μ and with neither."""
    given: dict[str, Any] = {"epochs": 4, "batch_size": 100, "seed": 1}
    optimizers = [Adam(lr=0.01), Nesterov(lr=0.1), SGD(lr=0.1)]

    def losses(training: Training) -> list[list[float]]:
        return [[evaluation.test_loss for evaluation in row if evaluation] for row in training]

    for optimizer in optimizers:
        whole = losses(Training(MLP(hidden=(8,)), [optimizer], schedule, dataset, **given))
        first = Training(MLP(hidden=(8,)), [optimizer], schedule, dataset, **given)
        begun = iter(first)
        next(begun), next(begun)
        second = Training(MLP(hidden=(8,)), [optimizer], schedule, dataset, **given)
        second.restore(json_copied(first))
        assert losses(second) == whole[2:]


def json_copied(training: Training) -> Any:
    """As a checkpoint keeps it."""
    return [
        type(saved)(json.loads(json.dumps(saved.numbers)), {name: array.copy() for name, array in saved.arrays.items()})
        for saved in training.save()
    ]


def test_a_warm_up_that_is_not_asked_for_is_not_in_the_numbers() -> None:
    assert named(InverseSqrt()) == {"name": "inverse_sqrt", "per": "step"}
    assert named(InverseSqrt(warmup=5)) == {"name": "inverse_sqrt", "per": "step", "warmup": 5}


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("{name: one_cycle, momentum: [0.9]}", "momentum: must be a list of 3 values, e.g. [0.95, 0.85, 0.95], found [0.9]"),
        ("{name: step, drops: [1.5]}", "drops: 1st value: must be less than 1, found 1.5"),
        ("{name: cosine, warmup: 1.5}", "warmup: must be a whole number, found 1.5"),
        ("{name: linear, horizon: 3}", "horizon: unknown. Allowed: end, warmup."),
    ],
)  # fmt: skip
def test_mistakes(schedule: str, message: str) -> None:
    with pytest.raises(AdambenchError) as raised:
        parse(TEXT.replace("SCHEDULE", schedule), "f.yaml")
    assert raised.value.message == f"f.yaml:5: problems.p.schedule.{message}"


def test_beta1_cannot_be_searched_where_the_schedule_sets_it() -> None:
    text = TEXT.replace("beta1: 0.9", "beta1: [0.8, 0.9]")
    with pytest.raises(AdambenchError, match="moves beta1 of adam at every step, so it cannot be a grid axis"):
        parse(text.replace("SCHEDULE", "one_cycle"), "f.yaml")
    parse(text.replace("SCHEDULE", "{name: one_cycle, cycle_momentum: false}"), "f.yaml")
    with pytest.raises(AdambenchError, match=r"moves beta1 of adam at every step, so its value 0.5 would not be used"):
        parse(TEXT.replace("beta1: 0.9", "beta1: 0.5").replace("SCHEDULE", "one_cycle"), "f.yaml")
    free = TEXT.replace("adam:", "schedule_free_adamw:").replace("beta1: 0.9", "beta1: [0.8, 0.9]")
    parse(free.replace("SCHEDULE", "one_cycle"), "f.yaml")  # the schedule does not move what it averages with


def test_a_warm_up_ends_before_the_shortest_run(tmp_path: Path, full: Dataset) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(TEXT.replace("SCHEDULE", "{name: cosine, warmup: 12}"), encoding="utf-8")
    experiment = parse(file.read_text(encoding="utf-8"), str(file))
    check_sizes(experiment, {"": full.first(601)})
    with pytest.raises(AdambenchError, match=r"schedule\.warmup: must be less than 12, the steps of the shortest run"):
        check_sizes(experiment, {"": full.first(600)})


def test_the_small_curves() -> None:
    assert curve(Constant()) == "█" * 40
    assert curve(Step()) == "█" * 20 + "▂" * 10 + "▁" * 10
    assert curve(Linear()) == "".join(sorted(curve(Linear()), reverse=True))
    assert curve(OneCycle()).index("█") < 12
