"""Nothing is believed that was not checked: forged records, copied folders, hostile files. Each is made for real."""

import csv
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adambench
from adambench.curve import Curve
from adambench.execution import provenance
from adambench.judge.verification import MOST, Match, compare, tolerance
from adambench.store.records import Record
from tests.conftest import Command
from tests.test_results import curve, some_runs

Change = Callable[[dict[str, Any]], object]


def forge(file: Path, change: Change) -> None:
    """Edit a record and give it the checksum that belongs to the edit, as anyone can."""
    data = json.loads(file.read_text(encoding="utf-8"))
    change(data)
    data.pop("sha256", None)
    data["sha256"] = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    file.write_text(json.dumps(data), encoding="utf-8")


def elsewhere(data: dict[str, Any]) -> None:
    """Say that the run was trained on other surroundings, for which one may hope for leniency."""
    data.update(cpu="Other", blas="other", versions={**data["versions"], "numpy": "0.1"})


def last(data: dict[str, Any], name: str, factor: float) -> None:
    data["curve"][name][-1] *= factor


def cut(data: dict[str, Any]) -> None:
    data["curve"] = {name: values[:1] for name, values in data["curve"].items()}


FORGED: dict[str, tuple[Change, str]] = {  # what is changed: what `verify` answers
    "the last cost": (
        lambda data: last(data, "train_loss", -1),
        "from epoch 3 on, by 2.0e+00 where 4.5e-02 is allowed",
    ),
    "its length": (cut, "1 epochs in the record, 3 when trained again"),
    "a bit": (lambda data: last(data, "test_loss", 1 + 1e-15), "close, but not to the bit"),
}


def test_a_record_does_not_choose_how_it_is_judged(command: Command, small: Path) -> None:
    """Each forgery says that it was made elsewhere. Only the one that is within the bounds passes, as close."""
    command("run", small, "problems.mlp.epochs=1")
    files = sorted((small.parent / "results" / "small" / "runs").glob("*.json"))
    report = [
        file for file in files if {"phase": "report", "epochs": 3}.items() <= json.loads(file.read_text()).items()
    ]
    for file, (change, _) in zip(report, FORGED.values(), strict=False):
        forge(file, lambda data, change=change: (elsewhere(data), change(data)))  # type: ignore[misc]
    answer = command("verify", "--jobs", 1)
    assert answer.returncode == 1
    for _, said in FORGED.values():
        assert answer.stdout.count(said) == 1, said
    assert answer.stdout.endswith("confirmed: 14; close: 1; not confirmed: 2\n")
    for file in report[:2]:
        file.unlink()
    close = command("verify", "--jobs", 1)
    assert (close.returncode, "close: 1\n" in close.stdout) == (0, True)
    assert "cpu was Other" in close.stdout
    assert command("verify", "--jobs", 1, "--exact").returncode == 1


def again(record: Record, **last_epoch: Any) -> Curve:
    return [*record.curve[:-1], replace(record.curve[-1], **last_epoch)]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seconds": 99.0}, Match.SAME),
        ({"train_loss": 1.0 + 1e-9}, Match.CLOSE),
        ({"train_loss": 1.0 + 3 * tolerance(2)}, Match.NOT),
        ({"test_error": 0.5 + tolerance(2) / 2}, Match.CLOSE),
        ({"step": 11}, Match.NOT),
        ({"full_train_loss": 1.0}, Match.NOT),
        ({"train_loss": float("nan")}, Match.NOT),
        ({"diverged": True}, Match.NOT),
        ({"inside": ({"step": 1},)}, Match.NOT),
    ],
    ids=str,
)
def test_what_is_compared(change: dict[str, Any], match: Match) -> None:
    record = Record.of(some_runs()[0], curve(2.0, 1.0))
    assert compare(record, again(record, **change))[0] is match


def test_the_bounds_grow_by_the_rule_that_the_manual_states() -> None:
    assert [tolerance(epoch) for epoch in (1, 2, 3, 10**6)] == pytest.approx([0.005, 0.015, 0.045, MOST])
    assert MOST == 0.05


def claiming(folder: Path, bound: float) -> None:
    """State a claim in the configuration of a results folder: that something lies below a bound."""
    config = folder / "config.yaml"
    stated = (
        f"claims:\n- {{id: A1, sentence: Adam, problem: mlp, quantity: final(adam), relation: <, bound: {bound}}}\n"
    )
    config.write_text(config.read_text(encoding="utf-8") + stated, encoding="utf-8")


def test_a_copied_folder_is_another_experiment(command: Command, small: Path) -> None:
    """The copy has the same name inside; the contradicted claim of the first is judged beside it, not replaced."""
    command("run", small)
    first, copy = (small.parent / "results" / name for name in ("small", "zcopy"))
    shutil.copytree(first, copy)
    claiming(first, 0.0)
    claiming(copy, 1e9)
    claims = command("claims", "--format", "csv")
    assert claims.returncode == 1
    verdicts = [(row["experiment"], row["verdict"]) for row in csv.DictReader(claims.stdout.splitlines())]
    assert verdicts == [("small", "contradicted"), ("zcopy", "reproduced")]
    for words in (["fairness"], ["table"]):
        told = list(csv.DictReader(command(*words, "--format", "csv").stdout.splitlines()))
        assert {row["experiment"] for row in told} - {"experiment"} == {"small", "zcopy"}
    assert {line.split("/")[1] for line in command("plot").stdout.splitlines()} == {"small", "zcopy"}


def test_of_two_files_with_different_curves_of_a_run_none_is_taken(command: Command, small: Path) -> None:
    command("run", small)
    runs = small.parent / "results" / "small" / "runs"
    file = sorted(runs.glob("adam-*.json"))[0]
    shutil.copy(file, runs / "a-copy.json")
    assert command("table").stderr == ""  # the same curve twice is no conflict
    forge(runs / "a-copy.json", lambda data: last(data, "train_loss", 0.5))
    id_ = json.loads(file.read_text())["id"]
    table = command("table")
    for name in ("a-copy.json", file.name):
        assert f"runs/{name}: 2 files hold different curves of run {id_}; none is used; skipped" in table.stderr
    assert command("verify", "--jobs", 1).stdout.endswith("confirmed: 16; not confirmed: 2\n")
    shutil.copytree(runs.parent, small.parent / "results" / "other")
    (small.parent / "results" / "other" / "runs" / file.name).unlink()
    (runs / "a-copy.json").unlink()
    show = command("show", id_)
    assert (show.returncode, "has different curves in results/other, results/small" in show.stderr) == (2, True)
    (runs / "a-copy.json").write_bytes((runs.parent.parent / "other" / "runs" / "a-copy.json").read_bytes())
    again = command("run", small)
    assert again.stdout.startswith("small: 17 runs, 16 already done")
    assert {path.name for path in runs.glob("*.broken")} == {"a-copy.json.broken", f"{file.name}.broken"}


NAMES = ("struct", "types", "signal", "pickle", "select", "numpy")  # of modules that a worker imports


def test_a_folder_is_not_searched_for_modules(command: Command, small: Path) -> None:
    """Modules with the names of Python's own lie in the current folder; a worker that took one would leave a trace."""
    for name in NAMES:
        (small.parent / f"{name}.py").write_text(f"open({str(small.parent / 'trace')!r}, 'w')\n")
    answer = command("run", small, "--jobs", 1)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert not (small.parent / "trace").exists()


def git(folder: Path, *words: str) -> str:
    person = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *person, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_runs_nothing_and_is_asked_of_the_source_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository whose monitor, hooks and filters leave a trace: around an installed copy, then as its source."""
    trace, source, package = tmp_path / "trace", tmp_path / "source", tmp_path / "source" / "adambench"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git(source, "init", "-q")
    (source / ".gitattributes").write_text("*.py filter=evil\n")
    git(source, "add", ".")
    git(source, "commit", "-qm", "one")
    commit = git(source, "rev-parse", "HEAD").strip()
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"):
        git(source, "config", key, f"touch {trace}; false")
    (package / "__init__.py").write_text("# edited\n")
    monkeypatch.setattr(adambench, "__file__", str(package / "__init__.py"))
    monkeypatch.setenv("GIT_DIR", str(Path(__file__).parents[1] / ".git"))
    assert provenance._commit() == f"{commit}-dirty"
    (package / "__init__.py").write_text("")
    assert provenance._commit() == commit
    deep = source / "lib" / "adambench"
    deep.mkdir(parents=True)
    monkeypatch.setattr(adambench, "__file__", str(deep / "__init__.py"))
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    assert provenance._commit() is None
    assert not trace.exists()
