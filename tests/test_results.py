"""The results folder: records are read back unchanged, files are written completely or not at all."""

import csv
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adambench.config.loading import load, parse
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.execution.plan import Run
from adambench.session import Session
from adambench.show import table
from adambench.store import records as results
from adambench.store.folder import CONTRACT, Folder, folders
from adambench.store.records import Record
from adambench.training import NUMERICS
from adambench.writing import write
from tests.conftest import QUICK, Command

PAPER = Path(__file__).parents[1] / "results" / "paper"

TEXT = """\
name: x
dataset: mnist
seeds: [1]
problems:
  a: {model: logistic, epochs: 3, batch_size: 8}
optimizers:
  adam: {lr: [0.1, 0.2]}
  mine: {name: sgd}
"""


def some_runs() -> list[Run]:
    return plan.runs(plan.entries(parse(TEXT, "x.yaml")), {})


def curve(*losses: float, **more: Any) -> Curve:
    """These costs, the last of them up to epoch 3 unless the run diverged."""
    losses += losses[-1:] * (3 - len(losses) if math.isfinite(losses[-1]) else 0)
    return [
        Evaluation(i + 1, 5 * i + 5, 0.1 * i, loss, 0.0, loss / 3, 0.5, diverged=not math.isfinite(loss), **more)
        for i, loss in enumerate(losses)
    ]


@pytest.mark.parametrize(
    "stored",
    [curve(2.0, 1 / 3, 1e-300), curve(1.0, full_train_loss=0.1), curve(1.0, math.nan), curve(1.0, math.inf)],
    ids=["plain", "optional columns", "nan", "inf"],
)
def test_a_record_is_read_back_to_the_bit(stored: Curve, tmp_path: Path) -> None:
    folder, run = Folder(tmp_path, "x"), some_runs()[0]
    folder.prepare()
    folder.write_record(Record.of(run, stored))
    (record,) = folder.records(warn=pytest.fail).values()
    assert record.id == run.id
    assert repr(record.curve) == repr(stored)  # nan is not equal to itself
    assert Record.parse(record.json()).json() == record.json()


def test_a_record_has_every_field(tmp_path: Path) -> None:
    run = some_runs()[2]
    file = Folder(tmp_path, "x").write_record(Record.of(run, curve(1.0, math.inf)))
    assert file == tmp_path / "x" / "runs" / f"mine-{run.id}.json"
    data = json.loads(file.read_text())
    expected = {
        "format": 1,
        "id": run.id,
        "problem": "a",
        "optimizer": "mine",
        "rule": "sgd",
        "hyperparameters": {"lr": 0.01},
        "seed": 1,
        "phase": "report",
        "status": "diverged",
        "diverged_epoch": 2,
        "dtype": "float32",
        "epochs": 3,
        "batch_size": 8,
    }
    assert expected.items() <= data.items()
    assert data["curve"]["train_loss"] == [1.0, "inf"]  # JSON has no infinity
    assert {"versions", "cpu", "blas", "commit", "time", "model", "schedule", "dataset"} <= set(data)
    assert set(data["versions"]) == {"adambench", "numpy", "python"}


def test_curves_csv_has_the_columns_of_the_contract(tmp_path: Path) -> None:
    folder, all_runs = Folder(tmp_path, "x"), some_runs()
    records = {run.id: Record.of(run, curve(2.0, math.nan)) for run in all_runs[:2]}
    path = folder.write_curves(all_runs, records)
    header, *rows = csv.reader(path.read_text().splitlines())
    assert header[:5] == ["problem", "optimizer", "setting", "phase", "seed"]
    assert header[5:] == CONTRACT
    assert CONTRACT == ["epoch", "step", "seconds", "train_loss", "test_loss", "test_error"]
    setting = "lr=0.1 beta1=0.9 beta2=0.999 eps=1e-08 bias_correction=true"
    assert rows[0] == ["a", "adam", setting, "tuning", "0", "1", "5", "0.0", "2.0", "0.6666666666666666", "0.5"]
    assert rows[1][8] == ""  # a cost that is not finite
    assert len(rows) == 4


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "deep" / "file.csv", "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AdambenchError, match=r"file\.csv: cannot be written: No space left on device"):
        write(path, "new and longer")
    assert path.read_text() == "old"
    assert [file.name for file in path.parent.iterdir()] == ["file.csv"]


def test_fresh_sets_old_records_aside(tmp_path: Path) -> None:
    folder, run = Folder(tmp_path, "x"), some_runs()[0]
    folder.prepare()
    folder.write_record(Record.of(run, curve(1.0)))
    folder.put_aside()
    assert folder.records(warn=pytest.fail) == {}
    assert len(list(folder.path.glob("runs-until-*/*.json"))) == 1


def test_results_that_are_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(AdambenchError, match="results cannot be written there"):
        Folder(tmp_path, "x").prepare()


def test_a_record_of_another_format_is_not_read() -> None:
    run = some_runs()[0]
    data = {**Record.of(run, curve(1.0)).data, "format": 99}
    with pytest.raises(ValueError, match="format 99"):
        Record.parse(json.dumps(data))


def test_a_record_of_other_columns_is_not_read() -> None:
    data = dict(Record.of(some_runs()[0], curve(1.0)).data)
    data = {**data, "curve": {**data["curve"], "more": [1]}}
    del data["sha256"]
    with pytest.raises(ValueError, match="columns"):
        Record.parse(json.dumps({**data, "sha256": results._digest(data)}))


UNDER_WAY: set[str] = set()  # experiments of days of one core, committed as they finish


@pytest.mark.parametrize("folder", sorted(PAPER.glob("*/config.yaml")), ids=lambda path: path.parent.name)
def test_reference_results_are_valid_and_in_their_plan(folder: Path) -> None:
    """Every record in results/paper is valid and in its plan; none is missing but of what is UNDER_WAY.

    And summary.csv is what the code would write.
    """
    session = Session.open(load(folder), Folder(PAPER, folder.parent.name), pytest.fail)
    assert {run.id for run in session.runs} >= set(session.records)
    planned = {run.id for entry in session.entries for run in entry.outlook(session.curves)}
    assert (set(session.records) == planned) is (folder.parent.name not in UNDER_WAY)
    assert {record.data["numerics"] for record in session.records.values()} == {NUMERICS}
    if (summary := folder.with_name("summary.csv")).exists():
        assert summary.read_text(encoding="utf-8") == table.csv(session.tables())


def test_settings_in_words() -> None:
    run = replace(some_runs()[0])
    assert run.setting == "lr=0.1 beta1=0.9 beta2=0.999 eps=1e-08 bias_correction=true"


def test_what_is_up_to_date_is_not_made_again(command: Command, small: Path) -> None:
    """After a change of a file, a record or the configuration, it is."""
    folder = small.parent / "results" / "small"
    figure, table = folder / "figures" / "train_loss.png", folder / "summary.csv"
    command("run", small, "--no-charts")
    assert table.is_file()
    assert not figure.parent.exists()
    assert f"wrote {figure.relative_to(small.parent)}\n" in command("run", small).stdout  # what was left out
    whole, drawn = table.read_bytes(), figure.stat().st_mtime_ns
    again = command("run", small)
    assert "small are up to date." in again.stdout
    assert "wrote" not in again.stdout
    assert figure.stat().st_mtime_ns == drawn
    table.write_bytes(whole + b"edited")
    assert "summary.csv" in command("run", small).stdout
    assert table.read_bytes() == whole
    figure.unlink()
    command("run", small)
    assert figure.is_file()
    small.write_text(small.read_text().replace("    epochs: 3\n", "    title: Another\n    epochs: 3\n"))
    assert "wrote" in command("run", small).stdout
    (folder / ".made.json").write_text("[" * 100_000)
    assert "wrote" in command("run", small, "--no-charts").stdout
    (folder / ".made.json").unlink()
    os.mkfifo(folder / ".made.json")  # which no one ever writes to
    assert "wrote" in command("run", small, "--no-charts").stdout


def test_a_folder_of_experiments_does_not_become_an_experiment(command: Command, small: Path) -> None:
    (small.parent / "results" / "small" / "other").mkdir(parents=True)
    (small.parent / "results" / "small" / "other" / "config.yaml").write_text("")
    answer = command("run", small, *QUICK)
    assert answer.returncode == 2
    assert "results/small: is a folder of experiments, so no experiment can have the name small here" in answer.stderr
    copy = small.parent / "results" / "own" / "backup" / "config.yaml"
    assert command("run", small, "name=own", *QUICK).returncode == 0
    copy.parent.mkdir()
    copy.write_text("")
    assert command("run", small, "name=own", *QUICK).returncode == 0  # a copy in its folder is no experiment


def test_what_cannot_be_entered_is_told_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder like lost+found, at the root of a disk, stands in nobody's way."""
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.yaml").write_text("")
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "lost+found")
    assert [folder.path.name for folder in folders(tmp_path, None)] == ["x"]
    with pytest.raises(AdambenchError, match=r"lost\+found: cannot be read: permission denied"):
        folders(tmp_path, ["lost+found"])
