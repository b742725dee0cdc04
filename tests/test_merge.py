"""Shards, and the union of their records."""

import csv
import io
import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from adambench.errors import AdambenchError
from adambench.execution.unfolding import shard
from adambench.store.folder import Folder
from adambench.store.lock import holder
from adambench.store.merge import merge
from adambench.store.records import Record
from tests.conftest import QUICK, Command
from tests.test_results import PAPER, curve, some_runs
from tests.test_unfolding import entries


def test_each_run_is_in_one_part() -> None:
    runs = [run for entry in entries() for run in entry.candidates]
    parts = [[run.id for run in runs if shard(f"{k}/3")(run)] for k in (1, 2, 3)]
    assert sorted(itertools.chain(*parts)) == sorted(run.id for run in runs)
    assert all(parts)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", "1/" + 5000 * "9"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AdambenchError, match=f"--shard {text}: must be a part"):
        shard(text)


def timeless(summary: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(summary.read_text().splitlines())
    return [{key: value for key, value in row.items() if key != "seconds_mean"} for row in rows]


def test_a_dry_run_of_a_shard_shows_its_runs_alone(command: Command, small: Path) -> None:
    """The parts add up to the tuning runs of the whole, and to the report runs whose setting is known: those of mlp."""

    def shown(*words: str) -> dict[str, tuple[int, int]]:
        rows = csv.DictReader(io.StringIO(command("run", small, "--dry-run", "--format", "csv", *words).stdout))
        return {
            f"{row['problem']} {row['optimizer']}": (int(row["tuning runs"]), int(row["report runs"])) for row in rows
        }

    whole, parts = shown(), [shown("--shard", f"{k}/2") for k in (1, 2)]
    for name, (tuning, report) in whole.items():
        found = [sum(part[name][place] for part in parts) for place in (0, 1)]
        assert found == [tuning, 0 if tuning else report]
    assert all(part != whole for part in parts)
    assert "small: 17 runs" in command("run", small, "--dry-run").stdout
    told = [int(command("run", small, "--dry-run", "--shard", f"{k}/2").stdout.split()[1]) for k in (1, 2)]
    assert told == [sum(map(sum, part.values())) for part in parts]


def test_merged_shards_are_the_whole(command: Command, small: Path) -> None:
    """Tuning by parts, merged; report runs by parts of that, merged in either order; the same as one run."""
    top = small.parent
    for part in ("1/2", "2/2"):
        answer = command("run", small, "--shard", part, "--results", f"part{part[0]}", *QUICK)
        assert answer.returncode == 0, answer.stderr
        assert f"This was part {part}." in answer.stdout
    assert command("merge", "part1", "part2", "--results", "tuned").returncode == 0
    for part in "12":
        shutil.copytree(top / "tuned", top / f"both{part}")
        command("run", small, "--shard", f"{part}/2", "--results", f"both{part}", *QUICK)
    one = command("merge", "both1", "both2", "--results", "one")
    assert command("merge", "both2", "both1", "part1", "--results", "other").returncode == 0
    assert "small: 17 new records, 17 in one/small/runs" in one.stdout
    merged = (top / "one" / "small" / "summary.csv").read_bytes()
    assert (top / "other" / "small" / "summary.csv").read_bytes() == merged
    assert command("run", small, "--results", "one", *QUICK).stdout.startswith("small: 17 runs, 17 already done\n")
    assert (top / "one" / "small" / "summary.csv").read_bytes() == merged
    command("run", small, "--results", "whole", *QUICK)
    assert timeless(top / "whole" / "small" / "summary.csv") == timeless(top / "one" / "small" / "summary.csv")
    again = command("merge", "both1", "whole", "--results", "one")
    assert "small: 0 new records, 17 in" in again.stdout


CONFIG = """\
name: x
dataset: mnist
seeds: [1]
problems:
  a: {model: logistic, epochs: 3, batch_size: 8}
optimizers:
  adam: {lr: [0.1, 0.2]}
  mine: {name: sgd}
"""


def folder(root: Path, *losses: float, config: str = CONFIG) -> Folder:
    """A results folder with the first run, whose costs these are."""
    made = Folder(root, "x")
    made.prepare()
    made.write_config(config)
    made.write_record(Record.of(some_runs()[0], curve(*losses)))
    return made


def test_two_curves_of_a_run_are_refused_by_name(tmp_path: Path) -> None:
    folder(tmp_path / "a", 2.0, 1.0)
    folder(tmp_path / "b", 2.0, 1.0000000000000002)
    with pytest.raises(AdambenchError, match=rf"adam-{some_runs()[0].id}\.json differs from epoch 2 on in .*a/x and"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c", pytest.fail)
    assert not (tmp_path / "c").exists()


def test_seconds_may_differ_and_what_is_there_stays(tmp_path: Path) -> None:
    here = folder(tmp_path / "here", 2.0)
    before = {file.name: file.read_bytes() for file in here.runs.iterdir()}
    other = folder(tmp_path / "other", 2.0)
    other.write_record(Record.of(some_runs()[0], [replace(evaluation, seconds=9.0) for evaluation in curve(2.0)]))
    other.write_record(Record.of(some_runs()[1], curve(1.0)))
    (merged,) = merge([tmp_path / "other"], tmp_path / "here", pytest.fail)
    assert (merged.new, merged.total) == (1, 2)
    assert before.items() <= {file.name: file.read_bytes() for file in here.runs.iterdir()}.items()


def test_a_new_folder_is_locked_while_it_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run could begin in it, and both would write."""
    folder(tmp_path / "a", 2.0)
    write, held = Folder.write_record, []

    def watched(self: Folder, record: Record) -> None:
        held.append(holder(self.path))
        write(self, record)

    monkeypatch.setattr(Folder, "write_record", watched)
    merge([tmp_path / "a"], tmp_path / "c", pytest.fail)
    assert len(held) == 1
    assert all(held)


def test_the_folder_of_one_experiment_is_none_of_results(tmp_path: Path) -> None:
    inner = PAPER / "mnist"
    with pytest.raises(AdambenchError, match="mnist: holds no experiment") as raised:
        merge([inner], tmp_path, pytest.fail)
    assert raised.value.hint == f"It is the folder of one experiment; use {PAPER}."


def test_two_configurations_are_refused(tmp_path: Path) -> None:
    folder(tmp_path / "a", 2.0)
    folder(tmp_path / "b", 2.0, config=CONFIG.replace("epochs: 3", "epochs: 4"))
    with pytest.raises(AdambenchError, match=r"is not the configuration in .*; it differs in problems\.\w+\.epochs\n"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c", pytest.fail)
    assert not (tmp_path / "c").exists()


def test_a_name_that_leads_out_of_the_folder_is_left_behind(tmp_path: Path) -> None:
    made = folder(tmp_path / "a", 2.0)
    record = Record.of(replace(some_runs()[1], label="../../evil"), curve(1.0))
    (made.runs / "evil.json").write_text(record.json())
    warnings: list[str] = []
    (merged,) = merge([tmp_path / "a"], tmp_path / "c", warnings.append)
    assert "evil.json: optimizer: must be a name of" in warnings[0]
    assert (merged.total, len(list(tmp_path.rglob("*.json")))) == (1, 3)


def test_a_damaged_record_is_left_behind(tmp_path: Path) -> None:
    made = folder(tmp_path / "a", 2.0)
    (made.runs / "adam-0.json").write_text("{")
    warnings: list[str] = []
    (merged,) = merge([tmp_path / "a"], tmp_path / "c", warnings.append)
    assert (merged.new, merged.total) == (1, 1)
    assert "not JSON; skipped" in warnings[0]


def test_two_curves_in_one_folder_are_refused_too(tmp_path: Path) -> None:
    """In the destination, where the copy would replace one of them, and in a source."""
    here = folder(tmp_path / "here", 2.0)
    twin = Record.of(some_runs()[0], curve(3.0))
    (here.runs / "twin.json").write_text(twin.json())
    before = {file.name: file.read_bytes() for file in here.runs.iterdir()}
    folder(tmp_path / "other", 2.0)
    for sources, results in (([tmp_path / "other"], tmp_path / "here"), ([tmp_path / "here"], tmp_path / "new")):
        with pytest.raises(AdambenchError, match=r"twin\.json hold different curves of run"):
            merge(sources, results, lambda _: None)
    assert {file.name: file.read_bytes() for file in here.runs.iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_a_damaged_file_of_the_destination_is_set_aside_not_replaced(tmp_path: Path) -> None:
    here = folder(tmp_path / "here", 2.0)
    (file,) = here.runs.iterdir()
    file.write_text("mine, by hand")
    folder(tmp_path / "other", 2.0)
    warnings: list[str] = []
    (merged,) = merge([tmp_path / "other"], tmp_path / "here", warnings.append)
    assert (merged.new, merged.total) == (1, 1)
    assert file.with_name(f"{file.name}.broken").read_text() == "mine, by hand"
    assert warnings == [f"{file}: not JSON; set aside as {file.name}.broken"]


def test_a_record_that_kept_its_temporary_name_is_compared_too(tmp_path: Path) -> None:
    """As after a power cut. The next `run` would give it its own."""
    here = folder(tmp_path / "here", 2.0)
    (file,) = here.runs.iterdir()
    file.rename(file.with_name(f".{file.name}.0123abcd.tmp"))
    folder(tmp_path / "other", 3.0)
    with pytest.raises(AdambenchError, match="differs from epoch 1 on in"):
        merge([tmp_path / "other"], tmp_path / "here", pytest.fail)


def test_a_destination_without_its_configuration_is_compared_too(tmp_path: Path) -> None:
    here = folder(tmp_path / "here", 2.0)
    here.config.unlink()
    folder(tmp_path / "other", 3.0)
    with pytest.raises(AdambenchError, match="differs from epoch 1 on in"):
        merge([tmp_path / "other"], tmp_path / "here", pytest.fail)
