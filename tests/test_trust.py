"""Nothing is believed that was not checked: forged records, copied folders, hostile files. Each is made for real."""

import csv
import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adambench
from adambench.config.check import fits
from adambench.config.loading import parse
from adambench.curve import Curve
from adambench.datasets import read_folder
from adambench.datasets.idx import header
from adambench.errors import AdambenchError
from adambench.execution import provenance
from adambench.judge.verification import MOST, Match, compare, tolerance
from adambench.show.table import RENDERERS, Column, Table, markdown, markdown_table
from adambench.store.folder import Folder
from adambench.store.lock import locked
from adambench.store.records import Record
from adambench.store.schema import WHOLE, check
from adambench.writing import write
from tests.conftest import QUICK, Command
from tests.test_results import PAPER, TEXT, curve, some_runs

PROGRAM = Path(sys.executable).with_name("adambench")
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
    "its length": (cut, "curve: must have epochs 1 to 3, found 1 epochs"),
    "a bit": (lambda data: last(data, "test_loss", 1 + 1e-15), "close, but not to the bit"),
}


def test_a_record_does_not_choose_how_it_is_judged(command: Command, small: Path) -> None:
    """Each forgery says that it was made elsewhere. Only the one that is within the bounds passes, as close."""
    command("run", small, "problems.mlp.epochs=1", *QUICK)
    files = sorted((small.parent / "results" / "small" / "runs").glob("*.json"))
    report = [
        file for file in files if {"phase": "report", "epochs": 3}.items() <= json.loads(file.read_text()).items()
    ]
    for file, (change, _) in zip(report, FORGED.values(), strict=False):
        forge(file, elsewhere)
        forge(file, change)
    answer = command("verify", "--jobs", 1)
    assert answer.returncode == 1
    for _, said in FORGED.values():
        assert (answer.stdout + answer.stderr).count(said) == 1, said
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
        ({"train_loss": 1.0 + 2 * tolerance(3)}, Match.NOT),
        ({"test_error": 0.5 + tolerance(3) / 2}, Match.CLOSE),
        ({"penalty": -0.0}, Match.CLOSE),  # not the same bit as 0.0
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
    assert compare(record, record.curve[:-1])[1] == "not confirmed: 3 epochs in the record, 2 when trained again"


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


@pytest.mark.usefixtures("ran")
def test_a_copied_folder_is_another_experiment(command: Command, small: Path) -> None:
    """The copy has the same name inside; the contradicted claim of the first is judged beside it, not replaced."""
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


@pytest.mark.usefixtures("ran")
def test_of_two_files_with_different_curves_of_a_run_none_is_taken(command: Command, small: Path) -> None:
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
    again = command("run", small, *QUICK)
    assert again.stdout.startswith("small: 17 runs, 16 already done")
    assert {path.name for path in runs.glob("*.broken")} == {"a-copy.json.broken", f"{file.name}.broken"}


NAMES = ("struct", "types", "signal", "pickle", "select", "numpy")  # of modules that a worker imports


def test_a_folder_is_not_searched_for_modules(command: Command, small: Path) -> None:
    """Modules with the names of Python's own lie in the current folder; a worker that took one would leave a trace."""
    for name in NAMES:
        (small.parent / f"{name}.py").write_text(f"open({str(small.parent / 'trace')!r}, 'w')\n")
    answer = command("run", small, "--jobs", 1, "--no-charts")
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


BAD: dict[str, tuple[Change, str]] = {  # what is changed in a record: why it is refused
    "no curve": (lambda data: data.pop("curve"), "curve is missing"),
    "a null": (lambda data: data["curve"]["train_loss"].__setitem__(1, None), "curve.train_loss: 2nd value: must be a number"),
    "a null column": (lambda data: data["curve"].update(step=None), "curve.step: must be a list"),
    "an empty curve": (lambda data: data.update(curve={k: [] for k in data["curve"]}), "curve: must have epochs 1 to 3, found 0"),
    "huge costs": (lambda data: data["curve"].update(train_loss=[1e308] * 3), "curve.train_loss: 1st value: must be at most"),
    "a short column": (lambda data: data["curve"]["step"].pop(), "curve: columns of different lengths"),
    "another column": (lambda data: data["curve"].update(more=[1, 2, 3]), "unexpected columns: "),
    "one epoch": (cut, "curve: must have epochs 1 to 3, found 1"),
    "an epoch twice": (lambda data: data["curve"].update(epoch=[1, 2, 2]), "curve: must have epochs 1 to 3"),
    "text": (lambda data: data["curve"]["test_loss"].__setitem__(0, "1.0"), "curve.test_loss: 1st value: must be a number"),
    "a share": (lambda data: data["curve"]["test_error"].__setitem__(0, 2.0), "curve.test_error: 1st value: must be at most 1"),
    "a group": (lambda data: data.update(together=None), "together: must be a whole number, found nothing"),
    "an infinity": (lambda data: data.update(seconds=float("inf")), "seconds: must be "),
    "a status": (lambda data: data.update(status="diverged", diverged_epoch=3), "status: diverged, which its costs do not say"),
    "a hidden end": (lambda data: data["curve"]["train_loss"].__setitem__(-1, "nan"), "status: finished, which its costs"),
    "a label": (lambda data: data.update(optimizer="../../x"), "optimizer: must be a name"),
    "an id": (lambda data: data.update(id="x" * 16), "id: must be hexadecimal"),
    "a path": (lambda data: data.update(id=".."), "id: must have at least 16 characters"),
    "versions": (lambda data: data.update(versions=[]), "versions: "),
    "inspections": (lambda data: data.update(inside={"step": [1], "part": []}), "inside: columns of different lengths"),
    "digits": (lambda data: data.update(seed=10**4000), "seed: must be "),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), BAD.values(), ids=BAD)
def test_a_record_has_a_schema(change: Change, reason: str, tmp_path: Path) -> None:
    """The checksum of each is right. What is refused is said, and the other record is read."""
    folder = Folder(tmp_path, "x")
    folder.prepare()
    good, bad = (folder.write_record(Record.of(run, curve(3.0, 2.0, 1.0))) for run in some_runs()[:2])
    forge(bad, change)
    warnings: list[str] = []
    assert set(folder.records(warnings.append)) == {good.stem.rpartition("-")[2]}
    (warning,) = warnings
    assert warning.startswith(f"{bad}: {reason}")
    assert len(warning) < 400


@pytest.mark.usefixtures("ran")
def test_a_forged_record_stops_nothing(command: Command, small: Path) -> None:
    """Set aside and trained again by `run`; skipped by the others; so is a neighbour whose configuration is not one."""
    folder = small.parent / "results" / "small"
    neighbour = folder.with_name("a-neighbour")
    neighbour.mkdir()
    (neighbour / "config.yaml").write_text("name: [\n")
    first, second, *_ = sorted((folder / "runs").glob("adam-*.json"))
    forge(first, lambda data: data.pop("curve"))
    forge(second, lambda data: data.update(format=2))
    for words in (["table"], ["plot"], ["claims"], ["fairness"], ["show", first.stem], ["verify", "--sample", 1]):
        answer = command(*words)
        assert "Traceback" not in answer.stderr
        assert answer.returncode == (2 if words[0] in ("claims", "show") else 1), words
        assert f"{first.name}: curve is missing; skipped" in answer.stderr
        assert words[0] == "show" or "a-neighbour/config.yaml:2: " in answer.stderr
    assert command("table", "a-neighbour").returncode == 2
    newer = second.read_bytes()
    again = command("run", small, *QUICK)
    assert again.returncode == 0
    assert f"{first.name}: curve is missing; set aside as {first.name}.broken" in again.stderr
    assert f"{second.name}: format 2, written by a newer adambench; this one reads 1; left as it is" in again.stderr
    assert second.read_bytes() == newer
    assert second.with_name(f"{second.stem}.1.json").exists()
    assert command("run", small, *QUICK).stdout.startswith("small: 17 runs, 17 already done")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.usefixtures("ran")
def test_nothing_waits_for_a_pipe(command: Command, small: Path) -> None:
    folder = small.parent / "results" / "small"
    os.mkfifo(folder / "runs" / "adam-pipe.json")
    os.mkfifo(folder / "checkpoints.npz")
    (folder.parent / "other").mkdir()
    os.mkfifo(folder.parent / "other" / "config.yaml")
    answer = command("table")
    assert (answer.returncode, "adam-pipe.json: not a regular file; skipped" in answer.stderr) == (0, True)


def test_a_whole_temporary_file_is_adopted_and_strange_files_stay(tmp_path: Path) -> None:
    """As on the image of a disk that was copied between the writing of a record and its renaming."""
    folder = Folder(tmp_path, "x")
    folder.prepare()
    whole, half = (folder.write_record(Record.of(run, curve(3.0, 2.0, 1.0))) for run in some_runs()[:2])
    text = whole.read_text()
    whole.rename(whole.with_name(f".{whole.name}.0123abcd.tmp"))
    half.rename(half.with_name(f".{half.name}.0123abcd.tmp")).write_text(text[:99])
    newer = f".adam-{'0' * 16}.json.0123abcd.tmp"
    (folder.runs / newer).write_text(json.dumps({**json.loads(text), "format": 99}))
    others = {newer, ".notes.tmp", "results.tmp", ".a.txt.tmp"}
    for mine in others - {newer}:
        (folder.runs / mine).write_text("mine")
    assert folder.records(pytest.fail) == {}
    assert set(folder.records(pytest.fail, set_aside=True)) == {some_runs()[0].id}
    assert {path.name for path in folder.runs.iterdir()} == {whole.name, *others}


def refusing(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, code: int) -> None:
    """Let a call of the operating system answer that the file system does not have it."""

    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, name, refuse)


def test_a_file_system_without_comforts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No fsync, no chmod, no lock, as on network mounts: files are written, and a warning tells what is not safe."""
    refusing(monkeypatch, os, "fsync", errno.EINVAL)
    refusing(monkeypatch, os, "chmod", errno.EPERM)
    assert write(tmp_path / "file", "text").read_text() == "text"
    fcntl = pytest.importorskip("fcntl")
    refusing(monkeypatch, fcntl, "flock", errno.ENOLCK)
    warnings: list[str] = []
    with locked(tmp_path, warnings.append):
        pass
    assert ["two runs on it will not notice each other" in warning for warning in warnings] == [True]


def test_the_umask_wins(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert write(tmp_path / "file", "").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    assert write(tmp_path / "other", "").stat().st_mode & 0o777 == 0o666 & ~before


def test_the_folder_is_flushed_after_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[bool] = []
    real = os.fsync

    def flush(handle: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        real(handle)

    monkeypatch.setattr(os, "fsync", flush)
    write(tmp_path / "file", "text")
    assert flushed == [False, True]


def test_the_lock_file_follows_no_link_and_truncates_nothing(tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "folder"
    mine.write_text("mine")
    folder.mkdir()
    lock = folder / ".lock"
    lock.symlink_to(mine)
    with pytest.raises(AdambenchError, match="cannot be locked: Too many levels of symbolic links"), locked(folder):
        pass
    lock.unlink()
    os.link(mine, lock)
    with locked(folder):
        pass
    assert mine.read_text() == "mine"
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(AdambenchError, match="is not a file"), locked(folder):
        pass


def test_a_deleted_configuration_is_written_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "x")
    folder.write_config("name: x\n")
    shutil.rmtree(folder.path)
    folder.write_record(Record.of(some_runs()[0], curve(1.0)))
    assert folder.config.read_text() == "name: x\n"


HOSTILE = {  # what a configuration holds: the words in TEXT, what stands there instead, what is said
    "a number of 5,000 digits": ("epochs: 3", f"epochs: {'9' * 5000}", "cannot be read as a whole number"),
    "as many in hexadecimal": ("seeds: [1]", f"seeds: [0x{'f' * 5000}]", "cannot be read as a whole number"),
    "the largest rates": ("[0.1, 0.2]", "{logspace: [1e-4, 1.7976931348623157e308, 5]}", "must be at most 1e+300"),
    "a list of a megabyte": ("seeds: [1]", f"seeds: [{'1,' * 500_000}1]", "has 500,"),
    "a thousand minus signs": ("  mine:", "XXX", "must have at most 200 operations"),
}


@pytest.mark.parametrize(("old", "new", "said"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_numbers_are_told_in_a_line(old: str, new: str, said: str) -> None:
    stated = f"claims:\n- {{id: A, sentence: S, quantity: '{'-' * 1000}final(adam)', relation: <, bound: 0}}\n"
    text = TEXT + stated if new == "XXX" else TEXT.replace(old, new)
    with pytest.raises(AdambenchError) as error:
        parse(text, "x.yaml")
    assert said in error.value.message
    assert len(error.value.message) < 300


@pytest.mark.parametrize("shape", [(0, 2**32 - 1, 2**32 - 1), (2**32 - 1,) * 3, (2, 2**31, 0), (0, 0, 0)], ids=str)
def test_hostile_shapes_are_told(shape: tuple[int, ...], tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"):
        (tmp_path / name).write_bytes(header(shape))
        (tmp_path / name.replace("images-idx3", "labels-idx1")).write_bytes(header((2,)) + bytes(2))
    with pytest.raises(AdambenchError, match=r"are allowed|images but"):
        read_folder(tmp_path)


EVIL = "\x1b]0;x\x07\x9b31m\u202e"


def test_no_format_obeys_a_cell() -> None:
    """Escapes of terminals, HTML, a link, and a formula in a cell, a heading and a note of every format."""
    words = f"=HYPERLINK(1)|{EVIL}<script>[a](javascript:b)\n\\input{{c}}"
    table = Table("", [Column("a<b", lambda row: row, left=True)], [words])
    for name, render in RENDERERS.items():
        made = render([table])
        assert not any(character in made for character in EVIL if not character.isprintable()), name
    assert "&lt;script>[a]\\(java" in markdown([table])
    assert RENDERERS["csv"]([table]).splitlines()[1].startswith("\"'=HYPER") or "'=HYPER" in RENDERERS["csv"]([table])
    assert "<script>" not in RENDERERS["html"]([table])
    assert r"\input" not in RENDERERS["latex"]([table])
    assert markdown_table(Table("", [Column("x", str)], ["<= 0.7"])).endswith("| <= 0.7 |\n")


@pytest.mark.parametrize("place", ["{KEY: 1}", "[KEY]", "KEY"])
def test_escapes_in_a_configuration_are_refused(place: str) -> None:
    with pytest.raises(AdambenchError, match=r"contains a control character \(U\+001B\); remove it"):
        parse(f"name: {place.replace('KEY', chr(34) + chr(92) + 'e[31mx' + chr(34))}\n", "x.yaml")


def test_escapes_in_a_record_are_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "x")
    file = folder.write_record(Record.of(some_runs()[0], curve(1.0)))
    for name in ("cpu", "blas", "time", "more"):
        forge(file, lambda data, name=name: data.update({name: EVIL}))  # type: ignore[misc]
        warnings: list[str] = []
        assert not folder.records(warnings.append)
        assert "contains a control character" in warnings[0]
        forge(file, lambda data, name=name: data.update({name: "x"}))  # type: ignore[misc]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["list"], ["table", "--results", str(PAPER), "mnist"], ["--version"]], ids=str)
def test_a_full_disk_at_the_output_is_a_message(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run([str(PROGRAM), *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (1, "No space left on device\n")


def test_a_current_folder_that_is_gone_is_a_message(tmp_path: Path) -> None:
    code = f"import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); os.execv({str(PROGRAM)!r}, ['adambench', 'table'])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode in (1, 2)
    assert "Traceback" not in answer.stderr


def test_no_temporary_folder_is_a_message(command: Command, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "import tempfile\ndef gone():\n    raise FileNotFoundError(2, 'No usable temporary directory found')\n"
    (small.parent / "sitecustomize.py").write_text(f"{broken}tempfile.gettempdir = tempfile._gettempdir = gone\n")
    monkeypatch.setenv("PYTHONPATH", str(small.parent))
    answer = command("run", small, "--no-charts")
    assert answer.returncode == 1
    assert "No usable temporary directory" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_record_is_checked_as_a_whole_and_then_by_its_parts() -> None:
    """Every committed record takes the quick way; what the quick way refuses, the slow one names."""
    for file in sorted(PAPER.glob("*/runs/*.json"))[::40]:
        assert fits(WHOLE, json.loads(file.read_text(encoding="utf-8"))), file
    data = json.loads(file.read_text(encoding="utf-8"))
    for wrong in ({"seed": -1}, {"curve": {**data["curve"], "more": []}}, {"inside": None}, {"epochs": "4"}):
        assert not fits(WHOLE, {**data, **wrong})
        with pytest.raises(ValueError, match=r".+"):
            check({**data, **wrong})
