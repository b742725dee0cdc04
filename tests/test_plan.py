"""The tuning protocol: which runs there are, which setting is chosen, and what a run's id depends on."""

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from adambench.config.experiment import Experiment
from adambench.config.loading import parse, resolved
from adambench.curve import Curve, Evaluation, final, first_difference
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.execution import group, plan
from adambench.execution.plan import Run
from adambench.optimizers import Adam, Rprop
from adambench.schedules import Cosine, InverseSqrt, Schedule, Step
from adambench.stepwise import train

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2]
tuning: {seed: 9, epochs: 2}
problems:
  a: {model: logistic, epochs: 4, batch_size: 8}
  b: {model: logistic, epochs: 4, batch_size: 16, seeds: [5], optimizers: {adam: {lr: 0.1}}}
optimizers:
  adam: {lr: [0.1, 0.2, 0.3]}
  sgd:
"""


PLAIN = """\
name: x
dataset: mnist
seeds: [1]
problems: {a: {model: {name: mlp, hidden: [8], dropout: 0.5}, epochs: 1, batch_size: 128}}
optimizers: {adam: {}}
"""
TEXTS = {
    "plain": PLAIN,
    "weights": PLAIN.replace("dropout", "weights: {normal: 0.01}, dropout"),
    "max_norm": PLAIN.replace("dropout", "max_norm: 3, dropout"),
    "sampling": PLAIN.replace("epochs", "sampling: with_replacement, epochs"),
    "train_images": PLAIN.replace("epochs", "train_images: 50000, epochs"),
}


@pytest.fixture
def experiment() -> Experiment:
    return parse(TEXT, "x.yaml")


def curve(*losses: float) -> Curve:
    return [
        Evaluation(i + 1, i + 1, 0.1, loss, 0.0, loss, 0.5, diverged=not math.isfinite(loss))
        for i, loss in enumerate(losses)
    ]


def tuned(entries: list[plan.Entry], *finals: Curve) -> dict[str, Curve]:
    """Curves of the tuning runs of the first entry."""
    return {run.id: found for run, found in zip(entries[0].tuning, finals, strict=False)}


def test_tuning_first_then_the_best_setting_on_each_report_seed(experiment: Experiment) -> None:
    entries = plan.entries(experiment)
    before = plan.runs(entries, {})
    assert [(run.problem, run.label, run.phase, run.seed) for run in before] == [
        *[("a", "adam", "tuning", 9)] * 3,
        ("a", "sgd", "report", 1),  # one setting: nothing to tune
        ("a", "sgd", "report", 2),
        ("b", "adam", "report", 5),
        ("b", "sgd", "report", 5),
    ]
    assert {run.epochs for run in before if run.phase == "tuning"} == {2}
    curves = tuned(entries, curve(1, 0.5), curve(1, 0.3), curve(1, 0.4))
    after = plan.runs(entries, curves)
    assert len(after) == sum(len(entry.outlook({})) for entry in entries) == 9
    chosen: Any = {
        run.optimizer for run in after if run.problem == "a" and run.label == "adam" and run.phase == "report"
    }
    assert chosen == {Adam(lr=0.2)}


def test_nothing_is_chosen_before_the_whole_grid_is_known(experiment: Experiment) -> None:
    entries = plan.entries(experiment)
    assert entries[0].best(tuned(entries, curve(1, 0.5), curve(1, 0.3))) is None


def test_a_diverged_setting_is_not_chosen(experiment: Experiment) -> None:
    entries = plan.entries(experiment)
    best = entries[0].best(tuned(entries, curve(0.1, math.nan), curve(1, 0.9), curve(0.1, math.inf)))
    assert best == Adam(lr=0.2)


def test_if_all_diverge_the_one_that_lasted_longest_stands_for_them(experiment: Experiment) -> None:
    entries = plan.entries(experiment)
    best = entries[0].best(tuned(entries, curve(math.inf), curve(1, math.nan), curve(1, math.nan)))
    assert best == Adam(lr=0.2)


def test_of_equals_the_first_is_chosen(experiment: Experiment) -> None:
    entries = plan.entries(experiment)
    assert entries[0].best(tuned(entries, *[curve(1, 0.5)] * 3)) == Adam(lr=0.1)


def test_the_tuning_metric_decides() -> None:
    entries = plan.entries(parse(TEXT.replace("epochs: 2}", "metric: test_error}"), "x.yaml"))
    curves = {}
    for run, error in zip(entries[0].tuning, (0.3, 0.2, 0.1), strict=True):
        curves[run.id] = [replace(curve(error * 9)[0], train_loss=1 - error, test_error=error)]
    assert entries[0].best(curves) == Adam(lr=0.3)


@pytest.mark.parametrize(("length", "last"), [(1, 1), (10, 1), (20, 1), (45, 3), (100, 5), (200, 10)])
def test_final_is_the_mean_of_the_last_twentieth(length: int, last: int) -> None:
    losses = [float(i) for i in range(length)]
    assert final(curve(*losses), "train_loss") == pytest.approx(sum(losses[-last:]) / last)


def test_a_window_takes_one_epoch_at_least() -> None:
    assert final([Evaluation(1, train_loss=2.0), Evaluation(2, train_loss=1.0)], "train_loss", 1e-12) == 1.0


def test_final_of_a_diverged_run_is_infinite() -> None:
    assert final(curve(1, math.nan), "train_loss") == math.inf
    assert final([replace(curve(1)[0], test_loss=math.inf, diverged=True)], "test_error") == math.inf


def some_run() -> Run:
    return plan.entries(parse(TEXT, "x.yaml"))[0].tuning[0]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 10},
        {"epochs": 3},
        {"batch_size": 9},
        {"dataset": "another"},
        {"evaluate_train": True},
        {"optimizer": Adam(lr=0.1, eps=1e-7)},
        {"optimizer": Adam(lr=0.1, bias_correction=False)},
        {"model": parse(TEXT.replace("logistic", "mlp"), "x").problems[0].model},
        {"schedule": parse(TEXT.replace("epochs: 4", "schedule: inverse_sqrt, epochs: 4"), "x").problems[0].schedule},
    ],
    ids=str,
)
def test_an_id_depends_on_what_decides_the_numbers(change: dict[str, Any]) -> None:
    assert replace(some_run(), **change).id != some_run().id


@pytest.mark.parametrize("change", [{"problem": "renamed"}, {"label": "renamed"}, {"phase": "report"}], ids=str)
def test_an_id_does_not_depend_on_labels(change: dict[str, Any]) -> None:
    assert replace(some_run(), **change).id == some_run().id


def test_ids_are_stable() -> None:
    """If the ids change, no stored record is found any more. Then increase NUMERICS and note it in the changelog."""
    assert replace(some_run(), dataset="0" * 64).id == "04cdfd3702ca9872"


def test_records_of_another_floor_are_not_reused() -> None:
    """The arithmetic of ε = 0 changed, and no other: only these settings have another id."""
    assert {some_run().numbers["numerics"], replace(some_run(), optimizer=Adam(eps=1e-16)).numbers["numerics"]} == {2}
    assert replace(some_run(), optimizer=Adam(eps=0.0)).numbers["numerics"] == 3
    assert replace(some_run(), optimizer=Rprop()).numbers["numerics"] == 3  # it did not see the smallest signs
    assert replace(some_run(), optimizer=Adam(eps=0.0), schedule=Step()).numbers["numerics"] == 4


@pytest.mark.parametrize(
    ("schedule", "numerics"),
    [
        (InverseSqrt(per="epoch"), 2),
        (InverseSqrt(per="step", warmup=3), 2),
        (InverseSqrt(per="epoch", warmup=3), 3),  # it once counted epochs from the beginning of the warm-up
        (Cosine(warmup=3), 2),
        (Step(), 3),  # of which some drops once came a step late
    ],
)
def test_records_of_another_schedule_are_not_reused(schedule: Schedule, numerics: int) -> None:
    assert replace(some_run(), schedule=schedule).numbers["numerics"] == numerics


def test_later_keys_change_an_id_only_if_they_are_used() -> None:
    """At their defaults they are neither in the numbers of a run nor in the stored configuration."""
    plain = TEXTS["plain"]
    for key, told in TEXTS.items():
        experiment = parse(told, "x.yaml")
        (entry,) = plan.entries(experiment)
        (run,) = entry.report({})
        names = {"weights", "max_norm"} & set(run.numbers["model"]) | {"sampling", "train_images"} & set(run.numbers)
        assert names == (set() if key == "plain" else {key})
        assert parse(resolved(experiment), "again.yaml") == experiment
        assert all((name in resolved(experiment)) == (name == key) for name in TEXTS if name != "plain")
    ids = {plan.entries(parse(text, "x.yaml"))[0].report({})[0].id for text in TEXTS.values()}
    assert len(ids) == len(TEXTS)
    written_out = plain.replace("dropout: 0.5", "dropout: 0.5, weights: he, max_norm: 0").replace(
        "epochs", "sampling: shuffle, epochs"
    )
    assert plan.entries(parse(written_out, "x.yaml"))[0].report({})[0].id in ids


def test_a_run_of_fewer_images_is_trained_on_the_first_of_them(dataset: Dataset) -> None:
    text = TEXTS["train_images"].replace("mnist", "{idx: x}").replace("batch_size: 128", "batch_size: 64")
    (run,) = plan.entries(parse(text.replace("50000", "200"), "x.yaml"))[0].report({})
    ((evaluation,),) = group.train([run], dataset)
    assert evaluation is not None
    assert evaluation.step == 4
    (first,) = train(run.model, run.optimizer, run.schedule, dataset.first(200), epochs=1, batch_size=64, seed=1)
    assert first_difference([first], [evaluation]) is None


def test_average_and_clip_norm_decide_the_id_only_where_they_are_given(experiment: Experiment) -> None:
    (plain,) = {run.id for run in plan.runs(plan.entries(experiment), {}) if (run.label, run.seed) == ("sgd", 5)}
    found = {plain}
    for key, value in (("average", 0.99), ("clip_norm", 1.0)):
        given = parse(TEXT, "x.yaml", overrides=[f"problems.b.{key}={value}"])
        (run,) = (run for run in plan.runs(plan.entries(given), {}) if (run.label, run.seed) == ("sgd", 5))
        assert run.numbers[key] == value
        found.add(run.id)
        assert f"{key}: {value}" in resolved(given)
        assert parse(resolved(given), "x.yaml").problems == given.problems
    assert len(found) == 3
    assert "average" not in resolved(experiment)
    assert "clip_norm" not in resolved(experiment)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("average=1", "average: must be less than 1, found 1"),
        ("average=0", "average: must be greater than 0, found 0"),
        ("clip_norm=0", "clip_norm: must be greater than 0, found 0"),
        ("clip_norm=.inf", "clip_norm: must be a finite number, found .inf"),
    ],
)
def test_the_ranges_of_average_and_clip_norm(key: str, said: str) -> None:
    with pytest.raises(AdambenchError, match=re.escape(said)):
        parse(TEXT, "x.yaml", overrides=[f"problems.b.{key}"])
