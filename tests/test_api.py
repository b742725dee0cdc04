"""adambench in Python: the numbers of the commands, in a notebook, a script and a thread."""

import csv
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Annotated, Any

import numpy as np
import pytest
from annotated_types import Gt

import adambench
from adambench.curve import first_difference
from adambench.datasets import DATASETS
from adambench.errors import AdambenchError
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.optimizers import SGD, Adam, Optimizer
from adambench.schedules import Constant, InverseSqrt

Command = Callable[..., "CompletedProcess[str]"]
DOCS = Path(__file__).parent.parent / "docs" / "api.md"
CONFIG: dict[str, Any] = {
    "name": "small",
    "dataset": "mnist",
    "seeds": [1, 2],
    "problems": {"a": {"model": "logistic", "epochs": 2, "batch_size": 6000}},
    "optimizers": {"adam": {"lr": [0.001, 0.01]}, "sgd": {"lr": [0.1, 1.0]}},
    "claims": [
        {"id": "A", "sentence": "s", "quantity": "final(adam) / final(sgd)", "relation": "<", "bound": 1},
    ],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> adambench.Results:
    return adambench.run(CONFIG, jobs=0, results=tmp_path_factory.mktemp("api"))


def test_a_script_without_the_guard_is_told(tmp_path: Path) -> None:
    """Its workers import it, and would run it again. Without workers nothing needs a guard."""
    call = f"adambench.run({CONFIG | {'seeds': [1], 'claims': []}!r}, jobs=%d, results='%s')"
    script = tmp_path / "script.py"

    def run(*lines: str) -> "CompletedProcess[str]":
        script.write_text("\n".join(["import adambench", *lines]), encoding="utf-8")
        return subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)

    naked = run(call % (1, "naked"))
    assert "run was called by a worker that imports the script" in naked.stderr
    mixed = run(call % (0, "first"), "if __name__ == '__main__':", "    " + call % (1, "second"))
    assert (mixed.returncode, mixed.stderr) == (0, "")


@pytest.fixture
def folder(results: adambench.Results) -> Path:
    return Path(results.folder.parent)


def test_the_rows_are_those_of_the_commands(command: Command, results: adambench.Results, folder: Path) -> None:
    for name, rows in (("table", results.table()), ("claims", results.claims()), ("fairness", results.fairness())):
        printed = json.loads(command(name, "small", "--results", folder, "--format", "json").stdout)
        assert json.loads(json.dumps([{"experiment": "small", **row} for row in rows])) == printed


def test_the_curves_are_those_of_the_file(results: adambench.Results) -> None:
    with (results.folder / "curves.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    rows = results.curves()
    assert [list(row) for row in rows] == [list(row) for row in written]
    assert [float(row["train_loss"]) for row in written] == [row["train_loss"] for row in rows]
    assert len(rows) == (4 + 4) * 2


def test_a_run_that_two_labels_share_has_both_in_the_curves(tmp_path: Path) -> None:
    same = {"adam": {"lr": 0.001}, "again": {"name": "adam", "lr": 0.001}}
    found = adambench.run({**CONFIG, "optimizers": same, "claims": []}, jobs=0, results=tmp_path)
    assert [row["optimizer"] for row in found.curves()] == ["adam"] * 4 + ["again"] * 4


def test_a_copy_is_known_by_its_folder(results: adambench.Results, tmp_path: Path) -> None:
    shutil.copytree(results.folder, tmp_path / "copy")
    copy = adambench.Results.load(tmp_path / "copy")
    assert [(row["one"], row["other"]) for row in results.compare(copy)] == [("small", "copy")] * 2


def test_a_finished_experiment_is_loaded_or_run_again_without_training(
    results: adambench.Results, folder: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "small" / "runs").iterdir()}
    again = adambench.run(CONFIG, jobs=0, results=folder)
    assert again.table() == results.table() == adambench.Results.load(folder / "small").table()
    assert {path: path.stat().st_mtime_ns for path in (folder / "small" / "runs").iterdir()} == before
    assert repr(again) == "Results('small': 8 of 8 runs finished)"


def test_figures_have_the_names_of_the_files(results: adambench.Results) -> None:
    for kind, x in (("train_loss", "epoch"), ("test_error", "seconds"), ("heatmap", "epoch")):
        figure: Any = results.figure(kind, x)
        assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(AdambenchError, match=r"figure: 'heatmop' is unknown\. Allowed: .* Did you mean heatmap\?"):
        results.figure("heatmop")
    with pytest.raises(AdambenchError, match="figure: paper: the finished runs of small have nothing to show in it"):
        results.figure("paper")


def test_an_axis_that_is_none_is_told(results: adambench.Results) -> None:
    with pytest.raises(AdambenchError, match=r"figure: x: 'second' is unknown\. Allowed: .* Did you mean seconds"):
        results.figure("train_loss", x="second")


def test_a_notebook_shows_tables(results: adambench.Results) -> None:
    assert results._repr_html_().startswith("<table>")
    assert results.table()._repr_html_() == results._repr_html_()
    assert results.curves()._repr_html_() is None


def test_mistakes_are_errors_with_the_likely_fix(tmp_path: Path) -> None:
    with pytest.raises(AdambenchError, match=r"config: seed: unknown\. Allowed: .* Did you mean seeds\?"):
        adambench.run({**CONFIG, "seed": 1}, results=tmp_path)
    with pytest.raises(AdambenchError, match=r"command line, problems\.a\.epochs=0: .*must be greater than 0"):
        adambench.run(CONFIG, ["problems.a.epochs=0"], results=tmp_path)
    with pytest.raises(AdambenchError, match=r"config: problems\.a\.batch_size: must be at most 60,000"):
        adambench.run(
            {**CONFIG, "problems": {"a": {**CONFIG["problems"]["a"], "batch_size": 70_000}}}, results=tmp_path
        )
    with pytest.raises(AdambenchError, match="config: must hold names, numbers, lists and dictionaries, found"):
        adambench.run({**CONFIG, "seeds": {3}}, results=tmp_path)
    wrong: dict[Any, Any] = {**CONFIG, ("a", "b"): 1}
    with pytest.raises(AdambenchError, match=r"config: keys must be text, found \('a', 'b'\)"):
        adambench.run(wrong, results=tmp_path)
    with pytest.raises(AdambenchError, match="holds no experiment") as error:
        adambench.Results.load(tmp_path / "nothing")
    assert error.value.__notes__ == [error.value.hint]
    adambench.run({**CONFIG, "seeds": [1], "claims": []}, jobs=0, results=tmp_path)
    with pytest.raises(AdambenchError, match="a folder of experiments, and one is needed") as error:
        adambench.Results.load(tmp_path)
    assert error.value.hint == f"For example: {tmp_path / 'small'}. It has: small."


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """An experiment whose configuration is computed is that of the same numbers in Python."""
    config = {**CONFIG, "claims": [], "optimizers": {"adam": {"lr": [0.01, 0.1]}}}
    plain = adambench.run(config, jobs=0, results=tmp_path)
    computed = {
        "optimizers": {"adam": {"lr": [np.longdouble(0.01), *np.array([0.1])]}},
        "seeds": tuple(np.array([1, 2])),
    }
    again = adambench.run({**config, **computed}, jobs=0, results=tmp_path)
    assert again.curves() == plain.curves()


@dataclass(frozen=True)
class Repeated(Optimizer):
    """A class of the caller's own, with a field of which nothing can be checked."""

    lr: Annotated[float, Gt(0)] = 0.1
    repeats: Annotated[int, Gt(0)] = 2
    warm: int | None = 3  # a float then, as every number of a rule
    centre: Ellipsis = 0.0  # type: ignore[valid-type]

    def update(self, theta: Any, g: Any, slots: Any, tmp: Any, t: int, lr_scale: float) -> None:
        theta -= self.lr * lr_scale * self.repeats * g


def test_a_training_takes_a_class_of_ones_own() -> None:
    sizes = {"epochs": 1, "batch_size": 6000, "seed": 1}
    data, train = DATASETS["mnist"](), partial(adambench.train, Logistic())
    (own,), (same,) = (list(train(rule, Constant(), data, **sizes)) for rule in (Repeated(), SGD(lr=0.2)))
    assert own.train_loss == pytest.approx(same.train_loss, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sampling": "shufle"}, "sampling: 'shufle' is unknown. Allowed: shuffle, with_replacement. Did you mean shuffle?"),
        ({"schedule": InverseSqrt(per="steps")}, "schedule.per: 'steps' is unknown. Allowed: step, epoch. Did you mean step?"),  # type: ignore[arg-type]
        ({"model": MLP(weights="xavier")}, "model.weights: 'xavier' is unknown. Allowed: he, glorot."),  # type: ignore[arg-type]
        ({"model": MLP}, "model: must be like MODELS['mlp'](), found <class "),
        ({"optimizer": "adam"}, "optimizer: must be like OPTIMIZERS['adam'](lr=0.001), found 'adam'"),
        ({"optimizer": Adam(lr=-0.05)}, "optimizer.lr: must be greater than 0, found -0.05"),
        ({"dataset": "mnist"}, "dataset: must be like DATASETS['mnist'](), found 'mnist'"),
        ({"epochs": 2.5}, "epochs: must be a whole number, found 2.5"),
        ({"epochs": 0}, "epochs: must be greater than 0, found 0"),
        ({"seed": None}, "seed: must be a whole number, found nothing"),
        ({"clip_norm": -1}, "clip_norm: must be greater than 0, found -1"),
        ({"average": 1.0}, "average: must be less than 1, found 1.0"),
        ({"validation": -5}, "validation: must be at least 0, found -5"),
        ({"validation": 60_000}, "validation: must be less than 60,000, the number of training images, found 60000"),
        ({"batch_size": 60_001}, "batch_size: must be at most 60,000, the number of training images, found 60001"),
        ({"schedule": Constant(warmup=99)}, "schedule.warmup: must be less than 10, the steps of the shortest run, found 99"),
        ({"optimizer": Repeated(lr=-1)}, "optimizer.lr: must be greater than 0, found -1.0"),
        ({"optimizer": Repeated(repeats=0)}, "optimizer.repeats: must be greater than 0, found 0"),
        ({"dtype": "int8"}, "dtype: must be float32 or float64, found 'int8'"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_training_refuses_what_a_configuration_does(given: dict[str, Any], said: str) -> None:
    """At once, and not at the first epoch."""
    usual = {"model": Logistic(), "optimizer": Adam(), "schedule": Constant(), "dataset": DATASETS["mnist"]()}
    sizes = {"epochs": 1, "batch_size": 6000, "seed": 1}
    with pytest.raises(AdambenchError) as error:
        adambench.train(**{**usual, **sizes, **given})
    assert str(error.value).startswith(f"train: {said}")


def test_a_training_takes_numbers_of_numpy() -> None:
    kinds: tuple[Any, ...] = (int, np.int64)
    one, other = (
        list(
            adambench.train(
                *(MLP(hidden=(kind(4),)), Adam(), Constant(warmup=kind(1)), DATASETS["mnist"]()),
                epochs=kind(1),
                batch_size=kind(6000),
                seed=kind(1),
            )
        )
        for kind in kinds
    )
    assert first_difference(one, other) is None


def test_it_runs_in_a_thread(tmp_path: Path) -> None:
    found: list[adambench.Results] = []
    config = {**CONFIG, "seeds": [1], "optimizers": {"adam": {}}, "claims": []}
    thread = threading.Thread(target=lambda: found.append(adambench.run(config, jobs=0, results=tmp_path)))
    thread.start()
    thread.join()
    assert [row["status"] for row in found[0].table()] == ["finished"]


def test_every_public_name_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    methods = [name for name in vars(adambench.Results) if not name.startswith("_")]
    missing = [name for name in [*adambench.__all__, *methods, "frame"] if not re.search(rf"`[\w.]*{name}\b", text)]
    assert missing == []


def test_the_examples_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(DOCS.parent.parent / "configs")
    (tmp_path / "results").symlink_to(DOCS.parent.parent / "results")
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    exec(compile("\n".join(blocks), str(DOCS), "exec"), {"__name__": "docs"})  # our own page
