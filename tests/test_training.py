"""The training loop: its measurements, its repeatability, and when it stops."""

import inspect
import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.errors import AdambenchError
from adambench.models.logistic import Logistic, SoftmaxRegression
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, ScheduleFreeSGD
from adambench.schedules import Constant, InverseSqrt, Schedule
from adambench.setting import clip
from adambench.stepwise import train
from adambench.training import Training, evaluate, steps

DROPPED = MLP(hidden=(16,), dropout=0.5, input_dropout=0.2)


def go(dataset: Dataset, optimizer: Optimizer, model: Any = DROPPED, **given: Any) -> list[Evaluation]:
    options: dict[str, Any] = {"epochs": 2, "batch_size": 64, "seed": 1, **given}
    schedule: Schedule = options.pop("schedule", Constant())
    return list(train(model, optimizer, schedule, dataset, **options))


def untimed(curve: list[Evaluation]) -> list[Evaluation]:
    return [replace(evaluation, seconds=0.0) for evaluation in curve]


RATES = {
    **{"sgd": 0.3, "momentum": 0.1, "nesterov": 0.1, "adadelta": 3.0, "sgdw": 0.1, "schedule_free_sgd": 0.3},
    **{"radam": 0.1, "lamb": 0.1, "muon": 0.1},
}


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_every_rule_learns_and_repeats_to_the_bit(rule: str, dataset: Dataset) -> None:
    rate = RATES.get(rule, 0.01)
    optimizer: Any = replace(OPTIMIZERS[rule](), lr=rate)  # type: ignore[call-arg]  # every rule has lr
    curve = go(dataset, optimizer, Logistic(), epochs=3)
    assert curve[-1].train_loss < 1.2 < curve[0].train_loss + 0.5
    assert curve[-1].test_error < 0.4
    assert untimed(go(dataset, optimizer, Logistic(), epochs=3)) == untimed(curve)


def test_seeds_matter(dataset: Dataset) -> None:
    assert untimed(go(dataset, Adam(), seed=1)) == untimed(go(dataset, Adam(), seed=1))
    assert untimed(go(dataset, Adam(), seed=1)) != untimed(go(dataset, Adam(), seed=2))


def test_every_optimizer_sees_the_same_weights_batches_and_masks(dataset: Dataset) -> None:
    """With steps too small to change a bit, the costs of all optimizers are the same."""
    curves = [
        untimed(go(dataset, replace(cls(), lr=1e-30)))  # type: ignore[call-arg]  # every rule has lr
        for cls in OPTIMIZERS.values()
    ]
    assert all(curve == curves[0] for curve in curves)


def test_what_an_epoch_measures(dataset: Dataset) -> None:
    """600 images in batches of 64 make ten steps per epoch, the last one short. train_loss is the mean over images."""
    first, second = go(dataset, SGD(lr=1e-30), Logistic(l2=0.1))
    assert [(e.epoch, e.step) for e in (first, second)] == [(1, 10), (2, 20)]
    assert 0 < first.seconds < second.seconds
    assert first.train_loss == pytest.approx(math.log(10), rel=1e-6)  # zero weights
    assert first.test_loss == pytest.approx(math.log(10), rel=1e-6)
    assert first.penalty == pytest.approx(0, abs=1e-20)
    assert first.full_train_loss is None


def test_the_training_set_is_measured_on_request(dataset: Dataset) -> None:
    plain, asked = go(dataset, Adam(lr=0.01)), go(dataset, Adam(lr=0.01), evaluate_train=True)
    assert [e.train_loss for e in plain] == [e.train_loss for e in asked]  # asking changes nothing
    loss, error = asked[-1].full_train_loss, asked[-1].full_train_error
    assert loss is not None
    assert error is not None
    assert loss < asked[-1].train_loss  # dropout off
    assert 0 < error < 0.9


def test_l2_shrinks_the_weights_and_is_reported_apart(dataset: Dataset) -> None:
    free, held = (go(dataset, SGD(lr=0.1), Logistic(l2=l2), epochs=5)[-1] for l2 in (1e-9, 1.0))
    assert held.penalty < 0.5 * free.penalty * 1e9
    assert held.train_loss > free.train_loss


@pytest.mark.parametrize("model", [Logistic(), Logistic(l2=1e-3), MLP(hidden=(16,), l2=1e-3), DROPPED])
@pytest.mark.parametrize("lr", [1e6, 1e30, 1e38, 1e300])
def test_divergence_is_data(model: Any, lr: float, dataset: Dataset) -> None:
    """Divergence raises no warning and no exception. The last evaluation is marked, or the curve is complete."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = go(dataset, SGD(lr=lr), model)
    assert curve[-1].diverged or len(curve) == 2
    assert not any(evaluation.diverged for evaluation in curve[:-1])
    if lr >= 1e38:
        assert curve[-1].diverged


class Listed(SoftmaxRegression):
    """Tells its costs as a list, of which there is one for each setting."""

    def cost(self, images: Any, labels: Any, rng: Any) -> Any:
        return list(super().cost(images, labels, rng))


class Lists(Logistic):
    def build(self, *given: Any, **more: Any) -> Any:
        network = super().build(*given, **more)
        network.__class__ = Listed
        return network


def test_a_list_of_costs_is_as_good_as_an_array(dataset: Dataset) -> None:
    assert untimed(go(dataset, Adam(), Lists())) == untimed(go(dataset, Adam(), Logistic()))


def test_a_validation_cost_that_is_not_finite_is_divergence(dataset: Dataset) -> None:
    """Although the cost before the only step is finite, and so is that of blank test images."""
    blank = replace(dataset, test=Split(np.zeros_like(dataset.test.images), dataset.test.labels))
    (last,) = go(blank, SGD(lr=1e38), Logistic(), validation=100, epochs=1, batch_size=500)
    assert math.isfinite(last.train_loss)
    assert math.isfinite(last.test_loss)
    assert last.validation_loss is not None
    assert not math.isfinite(last.validation_loss)
    assert last.diverged


def changed(dataset: Dataset, **change: Any) -> Dataset:
    return replace(dataset, train=Split(**{**vars(dataset.train), **change}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda train: {"images": train.images / 255}, "images must be .* both uint8; found images float64"),
        (lambda train: {"labels": train.labels[:-1]}, r"images must be \(n, pixels\) and labels \(n,\)"),
        (lambda train: {"labels": train.labels + np.uint8(1)}, "labels must be 0 to 9, found 10"),
    ],
)
def test_a_data_set_that_cannot_be_trained_on_is_refused(change: Any, said: str, dataset: Dataset) -> None:
    with pytest.raises(AdambenchError, match="^train: dataset: " + said):
        go(changed(dataset, **change(dataset.train)), Adam())


def test_the_epoch_that_diverges_ends_at_once(dataset: Dataset) -> None:
    (last,) = go(dataset, SGD(lr=1e38), MLP(hidden=(16,)))
    assert last.diverged
    assert last.epoch == 1
    assert last.step < 10


def test_the_caller_may_stop(dataset: Dataset) -> None:
    curve: Iterator[Evaluation] = train(DROPPED, Adam(), Constant(), dataset, epochs=100, batch_size=64, seed=1)
    assert next(curve).epoch == 1


def test_numpy_settings_are_left_alone(dataset: Dataset) -> None:
    before = np.geterr()
    for _ in train(Logistic(), SGD(lr=1e38), Constant(), dataset, epochs=2, batch_size=64, seed=1):
        assert np.geterr() == before


def test_the_schedule_reaches_the_optimizer(dataset: Dataset) -> None:
    """In one epoch of ten steps, α/√epoch equals the constant α, but α/√step does not."""
    plain = go(dataset, SGD(lr=0.1), epochs=1)
    assert untimed(go(dataset, SGD(lr=0.1), epochs=1, schedule=InverseSqrt("epoch"))) == untimed(plain)
    assert untimed(go(dataset, SGD(lr=0.1), epochs=1, schedule=InverseSqrt("step"))) != untimed(plain)


def test_steps_continue_past_the_end_of_an_epoch(dataset: Dataset) -> None:
    step = steps(Logistic(), [Adam(), SGD()], dataset, 300)
    for _ in range(5):
        step()


def test_max_norm_holds_after_every_step(dataset: Dataset) -> None:
    model = MLP(hidden=(16,), max_norm=0.5)
    training = Training(model, [Adam(lr=0.1)], Constant(), dataset, epochs=1, batch_size=64, seed=1)
    next(iter(training))
    norms = np.linalg.norm(training.network.theta[0][: 784 * 16].reshape(784, 16), axis=0)
    assert norms.max() == pytest.approx(0.5, rel=1e-5)
    assert untimed(go(dataset, Adam(lr=0.1), model)) != untimed(go(dataset, Adam(lr=0.1), MLP(hidden=(16,))))


def test_sampling_changes_the_batches_only(dataset: Dataset) -> None:
    one, other = (go(dataset, SGD(lr=0.1), Logistic(), sampling=kind) for kind in ("shuffle", "with_replacement"))
    assert [e.step for e in one] == [e.step for e in other]
    assert one[0].train_loss != other[0].train_loss


def together(dataset: Dataset, optimizers: list[Optimizer], **given: Any) -> list[list[Evaluation]]:
    """The curves of several settings of softmax regression, trained together."""
    options: dict[str, Any] = {"epochs": 2, "batch_size": 64, "seed": 1, **given}
    rows = list(Training(Logistic(), optimizers, Constant(), dataset, **options))
    return [untimed([row[i] for row in rows if row[i]]) for i in range(len(optimizers))]  # type: ignore[misc]


def test_the_average_is_that_of_section_7_2_and_changes_nothing_else(dataset: Dataset) -> None:
    """θ̄_t = Σ β^(t−i)·θ_i, divided by the sum of its weights; here after each of 20 steps of one large minibatch."""
    options: dict[str, Any] = {"epochs": 20, "batch_size": 600, "seed": 1}
    training = Training(DROPPED, [Adam(lr=0.01)], Constant(), dataset, **options, average=0.8, dtype=np.float64)
    plain = Training(DROPPED, [Adam(lr=0.01)], Constant(), dataset, **options, dtype=np.float64)
    mean, weight = np.zeros_like(training.network.theta[0]), 0.0
    for (with_mean,), (without,) in zip(training, plain, strict=True):
        assert with_mean
        assert without
        theta = training.network.theta[0]
        assert (theta == plain.network.theta[0]).all()
        mean, weight = 0.8 * mean + theta, 0.8 * weight + 1
        plain.network.theta[0] = mean / weight
        loss, error = evaluate(plain.network, dataset.test, 600)
        assert with_mean.average_test_loss == pytest.approx(loss[0], rel=1e-9)
        assert with_mean.average_test_error == pytest.approx(error[0])
        plain.network.theta[0] = theta
        left_out = replace(with_mean, seconds=0.0, average_test_loss=None, average_test_error=None)
        assert left_out == replace(without, seconds=0.0)


def test_a_long_gradient_is_scaled_to_the_norm() -> None:
    grad = np.array([3.0, -4.0])
    clip(grad, 6.0)
    assert grad.tolist() == [3, -4]
    clip(grad, 1.0)
    np.testing.assert_allclose(grad, [0.6, -0.8], rtol=1e-15)
    zero = np.zeros(2)
    clip(zero, 1.0)
    assert not zero.any()
    long = np.full(4, 1e30, np.float32)  # whose squares overflow
    with np.errstate(over="ignore"):
        clip(long, 1.0)
    assert long.tolist() == [0.5] * 4
    for norm, element in ((1e6, 5e5), (1e35, 1e30)):
        long = np.full(4, 1e30, np.float32)
        with np.errstate(over="ignore"):
            clip(long, norm)
        assert long.tolist() == pytest.approx([element] * 4)
    infinite = np.array([np.inf, 1.0], np.float32)
    with np.errstate(all="ignore"):
        clip(infinite, 1.0)
    assert np.isnan(infinite[0])  # the run has diverged


def test_clipping_bounds_the_step_of_sgd(dataset: Dataset) -> None:
    training = Training(
        DROPPED, [SGD(lr=0.1)], Constant(), dataset, epochs=1, batch_size=600, seed=1, clip_norm=0.01, dtype=np.float64
    )
    before = training.network.theta[0].copy()
    next(iter(training))
    assert np.linalg.norm(training.network.theta[0] - before) == pytest.approx(0.1 * 0.01, rel=1e-9)


def test_a_clip_that_is_never_reached_changes_no_bit(dataset: Dataset) -> None:
    assert untimed(go(dataset, Adam(), clip_norm=1e9)) == untimed(go(dataset, Adam()))
    assert untimed(go(dataset, Adam(), clip_norm=1e-3)) != untimed(go(dataset, Adam()))


def test_averages_and_clips_of_settings_together_have_the_bits_that_they_have_alone(dataset: Dataset) -> None:
    """One of them diverges, and the schedule-free one is evaluated elsewhere."""
    rules: list[Optimizer] = [SGD(lr=0.3), Adam(lr=0.01), SGD(lr=1e300), ScheduleFreeSGD(lr=0.3), SGD(lr=0.03)]
    given: dict[str, Any] = {"average": 0.9, "clip_norm": 0.3}
    many = together(dataset, rules, **given)
    for rule, curve in zip(rules, many, strict=True):
        assert repr(curve) == repr(together(dataset, [rule], **given)[0])
    assert many[0][-1].average_test_loss != many[4][-1].average_test_loss
    assert many[2][-1].diverged


def test_a_schedule_free_rule_is_measured_at_its_average_and_trains_on(dataset: Dataset) -> None:
    rule = ScheduleFreeSGD(lr=0.3)
    training = Training(Logistic(l2=0.1), [rule], Constant(), dataset, epochs=3, batch_size=64, seed=1)
    for (evaluation,) in training:
        assert evaluation
        (setting,), network = training.settings, training.network
        y = setting.theta.copy()
        setting.theta[:] = rule.evaluated(y, setting.state)
        assert (setting.theta != y).any()
        assert evaluation.test_loss == evaluate(network, dataset.test, 64)[0][0]
        assert evaluation.penalty == network.penalty()[0]
        setting.theta[:] = y


def test_the_average_is_of_the_parameters_that_the_model_allows(dataset: Dataset) -> None:
    """The average of weights that obey a max-norm obeys it too, whatever the steps between lead to."""
    model = MLP(hidden=(16,), max_norm=0.5)
    training = Training(model, [SGD(lr=3.0)], Constant(), dataset, epochs=1, batch_size=64, seed=1, average=0.5)
    next(iter(training))
    weights, *_ = training.network.layout(training.settings[0].averaged())
    assert np.linalg.norm(weights, axis=0).max() <= 0.5 * (1 + 1e-5)


def test_train_holds_matrix_products_to_one_thread(dataset: Dataset) -> None:
    """And only while it trains: what else the caller does is the caller's."""

    def threads() -> int:
        return max(int(pool["num_threads"]) for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")

    seen = []

    class Watched(Constant):
        def factor(self, *given: int) -> float:
            seen.append(threads())
            return super().factor(*given)

    with threadpoolctl.threadpool_limits(2):
        usual = threads()
        for _ in train(Logistic(), Adam(), Watched(), dataset, epochs=1, batch_size=200, seed=1):
            assert threads() == usual
    assert set(seen) == {1}


def test_epochs_are_counted_from_the_end_of_a_warm_up(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two and a half epochs of four steps rise along a line to the rate itself; then t counts whole epochs."""
    factors: list[float] = []
    step = Optimizer.step

    def watched(self: Optimizer, *given: Any, **more: Any) -> None:
        factors.append(inspect.signature(step).bind(self, *given, **more).arguments.get("lr_scale", 1.0))
        step(self, *given, **more)

    monkeypatch.setattr(Optimizer, "step", watched)
    size = math.ceil(len(dataset.train.labels) / 4)
    for _ in train(Logistic(), SGD(), InverseSqrt("epoch", warmup=10), dataset, epochs=6, batch_size=size, seed=1):
        pass
    rising = [step / 11 for step in range(1, 11)]
    assert factors == pytest.approx([*rising, *[1.0] * 4, *[1 / math.sqrt(2)] * 4, *[1 / math.sqrt(3)] * 4, 0.5, 0.5])
