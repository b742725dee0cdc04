"""Problems with data sets of their own in one experiment."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adambench.config.loading import load, parse, resolved
from adambench.datasets import Dataset
from adambench.datasets.idx import header
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.show.words import title

TEXT = """\
name: two
dataset: {idx: idx}
seeds: [1, 2]
problems:
  digits: {model: logistic, epochs: 2, batch_size: 64}
  few: {model: logistic, epochs: 2, batch_size: 64, dataset: {idx: few}}
optimizers: {adam: {lr: [0.01, 0.03]}}
"""


@pytest.fixture
def file(folder: Path, full: Dataset, tmp_path: Path) -> Path:
    """A configuration beside two folders: the 600 images of the tests, and 300 others with their digits reversed."""
    (tmp_path / "idx").symlink_to(folder)
    (tmp_path / "few").mkdir()
    for split, prefix, n in ((full.train, "train", 300), (full.test, "t10k", 100)):
        images, labels = split.images[-n:], 9 - split.labels[-n:]
        (tmp_path / "few" / f"{prefix}-images-idx3-ubyte").write_bytes(header((n, 28, 28)) + images.tobytes())
        (tmp_path / "few" / f"{prefix}-labels-idx1-ubyte").write_bytes(header((n,)) + labels.tobytes())
    path = tmp_path / "two.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("jobs", [0, 2])
def test_each_problem_is_trained_on_its_own_data(jobs: int, file: Path, command: Callable[..., Any]) -> None:
    """The records name them, and each has the curve that an experiment on that data set alone gives."""
    answer = command("run", file, "--jobs", jobs, "--no-charts")
    assert answer.returncode == 0, answer.stderr
    runs = file.parent / "results" / "two" / "runs"
    records = [json.loads(path.read_text(encoding="utf-8")) for path in runs.iterdir()]
    experiment, data = load(file).loaded()
    digits, few = (experiment.source(problem).sha256 for problem in experiment.problems)
    assert {record["dataset"] for record in records if record["problem"] == "digits"} == {digits}
    assert {record["dataset"] for record in records if record["problem"] == "few"} == {few}
    assert {record["curve"]["step"][0] for record in records if record["problem"] == "few"} == {5}
    assert len(data[few].train.labels) == 300
    assert "on few, constant rate" in answer.stdout
    alone = (
        TEXT.replace("{idx: idx}", "{idx: few}").replace(", dataset: {idx: few}", "").replace("name: two", "name: one")
    )
    (file.parent / "one.yaml").write_text(alone, encoding="utf-8")
    assert command("run", file.parent / "one.yaml", "--jobs", 1, "--no-charts").returncode == 0
    own = {record["id"]: record["curve"]["train_loss"] for record in records if record["problem"] == "few"}
    for path in (file.parent / "results" / "one" / "runs").iterdir():
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["id"] in own:
            assert own.pop(record["id"]) == record["curve"]["train_loss"]
    assert not own
    assert command("verify", "two", "--jobs", 1).returncode == 0


def test_the_stored_configuration_names_both(file: Path) -> None:
    experiment, _ = load(file).loaded()
    assert parse(resolved(experiment), "x.yaml") == experiment
    assert resolved(experiment).count("sha256: ") == 2
    assert "on few" in title(plan.entries(experiment)[1])


def test_the_experiment_needs_none_if_every_problem_has_one(file: Path) -> None:
    text = TEXT.replace("dataset: {idx: idx}\n", "")
    with pytest.raises(AdambenchError, match=r"two\.yaml:1: dataset is missing"):
        parse(text, "two.yaml")
    own = text.replace("digits: {", "digits: {dataset: mnist, ")
    experiment = parse(own, str(file), file.parent)
    assert [experiment.source(problem).name for problem in experiment.problems] == ["mnist", ""]
    assert parse(resolved(experiment), "x.yaml") == experiment


def test_mistakes(file: Path) -> None:
    with pytest.raises(AdambenchError) as raised:
        parse(TEXT.replace("{idx: few}", "mnsit"), "x.yaml")
    assert raised.value.message.startswith("x.yaml:6: problems.few.dataset: 'mnsit' is unknown. Allowed: mnist, words.")
    file.write_text(TEXT.replace("{idx: few}", "{idx: nowhere}"), encoding="utf-8")
    with pytest.raises(AdambenchError, match="nowhere: no such folder"):
        load(file).loaded()
