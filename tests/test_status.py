"""`run --detach` and `adambench status`, as a person meets them: the installed command and real processes."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from adambench.cli.background import Doing
from adambench.show.table import RENDERERS
from adambench.store.lock import holder, locked
from adambench.store.status import Status, Told, last_lines
from tests.conftest import Command
from tests.test_faults import needs_proc, wait_until_gone
from tests.test_faults import run as start

LONG = ("problems.mlp.epochs=1000000",)


@pytest.fixture
def detached(small: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Starts the small experiment in the background, and returns its process. What still runs at the end is killed."""
    monkeypatch.setenv("ADAMBENCH_TEST", str(small.parent))
    started: list[int] = []

    def go(*words: str) -> int:
        told = command("run", small, *words, "--detach")
        assert told.returncode == 0, told.stderr
        started.append(int(re.findall(r"as process (\d+);", told.stdout)[0]))
        assert f"kill {started[-1]}" in told.stdout
        return started[-1]

    yield go
    for process in started:
        if holder(small.parent / "results" / "small").startswith(f"process {process} "):
            os.kill(process, signal.SIGKILL)
    wait_until_gone(small.parent)


def state(command: Command) -> dict[str, Any]:
    (found,) = json.loads(command("status", "--format", "json").stdout)
    return dict(found)


def wait_for(path: Path, what: Callable[[Status], object]) -> Status:
    while not what(found := Status.read(path)):
        os.sched_yield()
    return found


@needs_proc
def test_a_run_in_the_background_is_told_and_can_be_stopped(
    small: Path, command: Command, detached: Callable[..., int]
) -> None:
    folder = small.parent / "results" / "small"
    process = detached(*LONG, "--jobs", "2")
    assert os.getsid(process) == process  # a session of its own, which no terminal ends
    wait_for(folder, lambda told: any("mlp" in line for line in told.under_way))
    told = command("status")
    assert re.search(r"small +running +\d+ of 17 ", told.stdout)
    assert f"trained by process {process} on" in told.stdout
    assert re.search(r"mlp \w+ lr=\S+ \w+ seed \d: epoch \d+/1000000", told.stdout)
    assert "small: 17 runs, 0 already done" in told.stdout  # its log
    found = state(command)
    assert (found["state"], found["total"]) == ("running", 17)
    assert found["seconds_left"] > 0
    assert found["process"].startswith(f"process {process} on ")
    for again in (("--detach",), ()):
        refused = command("run", small, *LONG, *again)
        assert refused.returncode == 2
        assert f"small: in use by process {process} on" in refused.stderr
    os.kill(process, signal.SIGTERM)
    wait_until_gone(small.parent)
    assert state(command)["state"] == "interrupted"
    assert "interrupted; finished runs are kept" in (folder / "run.log").read_text()


@needs_proc
def test_a_run_that_was_killed_is_not_said_to_run(small: Path, command: Command, detached: Callable[..., int]) -> None:
    folder = small.parent / "results" / "small"
    process = detached(*LONG)
    wait_for(folder, lambda told: told.under_way)
    os.kill(process, signal.SIGKILL)
    wait_until_gone(small.parent)
    found = state(command)
    assert (found["state"], found["process"], found["seconds_left"], found["under_way"]) == ("killed", None, None, [])
    assert "it was killed, or the computer was restarted" in command("status", "small").stdout


@needs_proc
def test_a_run_in_a_terminal_is_told_too(small: Path, command: Command) -> None:
    process = start(small.parent, *LONG)
    told = wait_for(small.parent / "results" / "small", lambda told: told.under_way)
    found = state(command)
    assert found["state"] == "running"
    assert told.seconds_left
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    said = command("status").stdout
    assert re.search(r"small +interrupted +\d+ of 17 +– ", said)
    assert "log" not in said


def test_a_run_in_the_background_comes_to_its_end(small: Path, command: Command) -> None:
    assert command("run", small, "--detach", "--no-charts").returncode == 0
    while holder(small.parent / "results" / "small"):
        os.sched_yield()
    assert state(command)["state"] == "finished"
    next((small.parent / "results" / "small" / "runs").glob("*.json")).unlink()
    assert state(command)["state"] == "not finished"


def test_mistakes_are_told_before_anything_is_started(small: Path, command: Command) -> None:
    told = command("run", small, "--detach", "--dry-run")
    assert (told.returncode, told.stderr.splitlines()[0]) == (2, "--detach: --dry-run trains nothing")
    wrong = command("run", small, "--detach", "seeds=[0]")
    assert wrong.returncode == 2
    assert "seeds" in wrong.stderr
    assert not (small.parent / "results").exists()


def test_the_lock_says_who_holds_it_and_looking_takes_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path) == ""
    with locked(tmp_path):
        assert holder(tmp_path).startswith(f"process {os.getpid()} on ")
    assert holder(tmp_path) == ""
    with locked(tmp_path):
        pass


def test_how_a_run_ended_is_told(tmp_path: Path) -> None:
    with Told(tmp_path) as told:
        told.keep(lambda _: None)("mind the gap")
        assert Status.read(tmp_path).end == ""
    assert Status.read(tmp_path).end == "finished"
    assert Status.read(tmp_path).warnings == ["mind the gap"]
    with pytest.raises(OSError, match="no more"), Told(tmp_path):
        raise OSError("no more")
    assert Status.read(tmp_path).end == "failed: no more"
    with pytest.raises(MemoryError), Told(tmp_path):
        raise MemoryError
    assert Status.read(tmp_path).end == "failed: MemoryError"
    with pytest.raises(KeyboardInterrupt), Told(tmp_path):
        raise KeyboardInterrupt
    assert Status.read(tmp_path).end == "interrupted"


def test_what_is_under_way_is_told_by_itself(tmp_path: Path) -> None:
    with Told(tmp_path, every=0.001) as told:
        told.look = lambda: (["one", "two"], 7.0)
        found = wait_for(tmp_path, lambda status: status.under_way)
        assert (found.under_way, found.seconds_left) == (["one", "two"], 7.0)


STRANGE = (
    '{"warnings": 5}',
    '{"end": ["x"]}',
    '{"started": 1e999}',
    '{"started": true}',
    '{"process": 1.5}',
    "[" * 100_000,
)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"zzz": 1}', *STRANGE], ids=lambda text: text[:20])
def test_a_status_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / ".status.json").write_text(text)
    assert Status.read(tmp_path) == Status()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_nothing_waits_for_a_pipe_of_that_name(tmp_path: Path) -> None:
    for name in (".status.json", ".lock", "run.log"):
        os.mkfifo(tmp_path / name)
    assert (Status.read(tmp_path), holder(tmp_path), last_lines(tmp_path / "run.log", 0)) == (Status(), "", [])


@pytest.mark.usefixtures("ran")
def test_what_a_stranger_wrote_into_a_status_does_nothing_to_the_terminal(command: Command, small: Path) -> None:
    folder = small.parent / "results" / "small"
    next((folder / "runs").glob("adam-*.json")).unlink()  # of a finished experiment no warnings are told
    (folder / ".status.json").write_text(json.dumps({"started": 1.0, "warnings": ["\x1b[2Jred"], "end": "\x1b]0;x"}))
    for kind in RENDERERS:
        told = command("status", "--format", kind)
        assert (told.returncode, "\x1b" in told.stdout) == (0, False)
        assert "[2Jred" in told.stdout or kind not in ("text", "csv")


def test_a_clock_that_was_set_back_adds_no_time() -> None:
    told = Status(time=time.time() + 3600, seconds_left=10.0)
    assert Doing(cast("Any", None), "process 7", told).seconds_left == 10.0


def test_only_a_log_of_this_run_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    assert last_lines(log, 0) == []
    log.write_text("".join(f"{line}\n" for line in range(9)))
    assert last_lines(log, 0) == ["4", "5", "6", "7", "8"]
    assert last_lines(log, log.stat().st_mtime + 1) == []
