"""Training images that are held back: which they are, what is measured on them, and what they decide."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adambench.config.loading import parse, resolved
from adambench.config.sizes import check_sizes
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.base import Split
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.execution.group import most_together
from adambench.models.mlp import MLP
from adambench.models.vae import VAE
from adambench.optimizers import SGD, Adam
from adambench.schedules import Constant
from adambench.stepwise import train
from adambench.store.records import Record

TEXT = """\
name: x
dataset: mnist
seeds: [1]
tuning: {metric: train_loss}
validation: 150
problems:
  a: {model: logistic, epochs: 1, batch_size: 50}
  b: {model: logistic, epochs: 1, batch_size: 50, validation: 100}
optimizers: {adam: {lr: [0.01, 0.1]}}
"""


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("count", [1, 7, 100, 333, 599])
def test_every_class_gives_its_share(count: int, dataset: Dataset) -> None:
    found = dataset.hold_back(count, rng(0))
    assert found.validation
    assert len(found.validation.labels) == count
    assert len(found.train.labels) == 600 - count
    exact = count * np.bincount(dataset.train.labels, minlength=10) / 600
    assert (np.abs(np.bincount(found.validation.labels, minlength=10) - exact) < 1).all()
    assert found.digests == dataset.digests
    assert found.test is dataset.test


def test_no_image_is_lost_or_used_twice(dataset: Dataset) -> None:
    images = np.arange(600 * 784, dtype=np.uint32).view(np.uint8).reshape(600, -1)  # all different
    found = replace(dataset, train=Split(images, dataset.train.labels)).hold_back(200, rng(1))
    assert found.validation
    firsts = [split.images.view(np.uint32)[:, 0] // 784 for split in (found.train, found.validation)]
    assert sorted(np.concatenate(firsts)) == list(range(600))
    for places, split in zip(firsts, (found.train, found.validation), strict=True):
        assert (np.diff(places) > 0).all()
        assert (dataset.train.labels[places] == split.labels).all()


def test_the_seed_chooses(dataset: Dataset) -> None:
    one, same, other = (dataset.hold_back(100, rng(seed)).train.labels for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_what_is_measured(dataset: Dataset) -> None:
    """As a training on the other images whose test set is the images held back."""
    given: dict[str, Any] = {"epochs": 2, "batch_size": 64, "seed": 5}
    model = MLP(hidden=(8,), dropout=0.2)

    def curve(data: Dataset, **more: Any) -> list[Evaluation]:
        return list(train(model, Adam(), Constant(), data, **given, **more))

    found = curve(dataset, validation=100, evaluate_train=True)
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(5).spawn(4)[3]))
    by_hand = dataset.hold_back(100, generator)
    assert by_hand.validation
    expected = curve(replace(by_hand, test=by_hand.validation, validation=None), evaluate_train=True)
    assert [e.validation_loss for e in found] == [e.test_loss for e in expected]
    assert [e.validation_error for e in found] == [e.test_error for e in expected]
    for name in ("step", "train_loss", "full_train_loss", "full_train_error"):
        assert [getattr(e, name) for e in found] == [getattr(e, name) for e in expected]
    assert found[-1].step == 16  # 500 images
    assert curve(dataset)[0].validation_loss is None


def test_a_run_that_diverges_is_not_evaluated(dataset: Dataset) -> None:
    (last,) = train(
        MLP(hidden=(8,)), SGD(lr=1e38), Constant(), dataset, epochs=2, batch_size=64, seed=1, validation=100
    )
    assert last.diverged
    assert last.validation_loss is None


def test_the_record_of_a_run_that_diverges_is_read_again() -> None:
    """Its last cost is not finite, and has no validation cost beside it."""
    run = plan.entries(parse(TEXT.replace("epochs: 1", "epochs: 2"), "x.yaml"))[0].tuning[0]
    first = Evaluation(1, 9, 0.1, 0.5, 0.0, 0.6, 0.2, validation_loss=0.7, validation_error=0.3)
    last = Evaluation(2, 18, 0.2, float("nan"), 0.0, float("nan"), 1.0, diverged=True)
    again = Record.parse(Record.of(run, [first, last]).json())
    assert [one.validation_loss for one in again.curve] == [0.7, None]
    assert again.curve[-1].diverged


def test_only_the_key_changes_ids_and_the_stored_configuration() -> None:
    experiment = parse(TEXT, "x.yaml")
    assert [problem.validation for problem in experiment.problems] == [150, 100]
    assert parse(resolved(experiment), "x.yaml") == experiment
    without = parse(TEXT.replace("validation: 150\n", "").replace(", validation: 100", ""), "x.yaml")
    assert "validation" not in resolved(without)
    (with_, *_), (plain, *_) = (entry.tuning for e in (experiment, without) for entry in plan.entries(e)[:1])
    assert with_.numbers == {**plain.numbers, "validation": 150}
    assert with_.id != plain.id


def test_every_size_of_a_minibatch_counts_for_training_together(dataset: Dataset) -> None:
    asked = []

    class Asked(VAE):
        def most_together(self, pixels: int, classes: int, sizes: Any) -> int:
            asked.append(sizes)
            return super().most_together(pixels, classes, sizes)

    run = replace(plan.entries(parse(TEXT, "x.yaml"))[0].tuning[0], model=Asked(), batch_size=64)
    most_together(run, dataset)
    assert asked == [(2, 8, 22, 64)]  # 450 of 600 images, 200 of the test set, 150 held back


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("validation: 150", "validation: 0", "x.yaml:5: validation: must be greater than 0, found 0"),
        ("validation: 100", "validation: x", "x.yaml:8: problems.b.validation: must be a whole number, found 'x'"),
        ("train_loss}\nvalidation: 150", "validation_loss}",
         "x.yaml:6: problems.a: holds back no images, so tuning.metric cannot be validation_loss. Add for example "
         "validation: 10000, here or for the whole experiment."),
        ("adam: {lr: [0.01, 0.1]}}", "adam: {lr: 0.1}}\nclaims: [{id: C, sentence: s, problem: a, "
         "quantity: 'final(adam, validation_error)', relation: <, bound: 1}]", ""),
    ],
)  # fmt: skip
def test_mistakes(old: str, new: str, message: str) -> None:
    text = TEXT.replace(old, new)
    assert text != TEXT
    if not message:
        parse(text, "x.yaml")
        text, message = text.replace("validation: 150\n", ""), "x.yaml:9: claims.C.quantity: a holds back no images"
    with pytest.raises(AdambenchError) as raised:
        parse(text, "x.yaml")
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize(("count", "message"), [(600, "a.validation: must be less than 600"), (580, "at most 20")])
def test_images_must_be_left(count: int, message: str, tmp_path: Path, dataset: Dataset) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(TEXT.replace("150", str(count)), encoding="utf-8")
    with pytest.raises(AdambenchError, match=message):
        check_sizes(parse(file.read_text(encoding="utf-8"), str(file)), {"": dataset})


def test_a_search_by_validation(command: Callable[..., Any], small: Path, tmp_path: Path) -> None:
    """The lowest validation error chooses; tables, charts and files have the new metrics; verify confirms."""
    text = small.read_text(encoding="utf-8")
    small.write_text(text + "validation: 120\ntuning: {metric: validation_error}\n", encoding="utf-8")
    answer = command("run", small, "--jobs", 1)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert "tuned and ranked by validation error" in answer.stdout
    results = tmp_path / "results" / "small"
    assert {"validation_loss.png", "validation_error.png"} <= {path.name for path in (results / "figures").iterdir()}
    rows = list(csv.DictReader((results / "summary.csv").read_text(encoding="utf-8").splitlines()))
    records = [json.loads(path.read_text(encoding="utf-8")) for path in (results / "runs").iterdir()]
    for row in rows:
        own = [r for r in records if r["problem"] == row["problem"] and r["optimizer"] == row["optimizer"]]
        tuned = {r["hyperparameters"]["lr"]: r["curve"]["validation_error"][-1] for r in own if r["phase"] == "tuning"}
        reported = [r for r in own if r["phase"] == "report"]
        if tuned:
            assert {tuned[r["hyperparameters"]["lr"]] for r in reported} == {min(tuned.values())}
        mean = np.mean([r["curve"]["validation_error"][-1] for r in reported])
        assert float(row["validation_error_mean"]) == pytest.approx(mean)
    header = (results / "curves.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith("test_error,validation_loss,validation_error")
    assert command("verify", "small", "--jobs", 1).returncode == 0


def test_tuning_on_the_test_set_is_warned_of(command: Callable[..., Any], small: Path) -> None:
    answer = command("run", small, "tuning.metric=test_error", "--dry-run")
    assert answer.stderr.startswith(
        "warning: the settings are chosen by the test error, so the test set is part of the"
    )
    assert command("run", small, "--dry-run").stderr == ""
