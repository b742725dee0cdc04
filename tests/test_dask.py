"""The Dask engine, with a real scheduler and real workers: the same bits as here, and no run lost with a process."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from adambench.cli.working import reach
from adambench.datasets import Dataset
from adambench.errors import AdambenchError
from adambench.store.records import Record
from tests.conftest import SMALL, Command
from tests.test_faults import curves_of, needs_proc

pytestmark = [
    pytest.mark.skipif(find_spec("distributed") is None, reason="needs distributed: pip install 'adambench[dask]'"),
    needs_proc,
]
ADAMBENCH = str(Path(sys.executable).with_name("adambench"))
LONGER = ("problems.mlp.epochs=150", "problems.logistic.epochs=60")


class Cluster:
    """A scheduler and workers as processes, each in a session of its own."""

    def __init__(self, path: Path, scheduler: Sequence[str] = (), both: Sequence[str] = ()) -> None:
        """scheduler: more words for it. both: for workers and `run`."""
        self.path, self.words, self.both = path, scheduler, both
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()

    def start(self, words: list[str], **environment: str) -> "subprocess.Popen[bytes]":
        with (self.path / "cluster.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    words,
                    cwd=self.path,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
                )
            )
        return self.processes[-1]

    def start_scheduler(self) -> None:
        file = self.path / "scheduler.json"
        file.unlink(missing_ok=True)
        words = "--port 0 --host 127.0.0.1 --no-dashboard --scheduler-file scheduler.json"
        self.scheduler = self.start(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", *words.split(), *self.words]
        )
        while not file.exists() or not file.read_text():
            assert self.scheduler.poll() is None
            os.sched_yield()
        self.address: str = json.loads(file.read_text())["address"]

    def worker(self, jobs: int = 1, **environment: str) -> "subprocess.Popen[bytes]":
        return self.start([ADAMBENCH, "worker", self.address, "--jobs", str(jobs), *self.both], **environment)

    def run(self, *words: str) -> "subprocess.Popen[str]":
        """`adambench run small.yaml` on this cluster."""
        return subprocess.Popen(
            [ADAMBENCH, "run", "small.yaml", "--engine", "dask", "--scheduler", self.address, *self.both, *words],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reference(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """The curves of the small experiment, trained here."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}

    def curves(*words: str) -> dict[str, Any]:
        if words not in found:
            path = tmp_path_factory.mktemp("reference")
            (path / "small.yaml").write_text(SMALL.format(folder=folder))
            subprocess.run([ADAMBENCH, "run", "small.yaml", *words], cwd=path, capture_output=True, check=True)
            found[words] = curves_of(path / "results" / "small" / "runs")
        return found[words]

    return curves


def runs(path: Path) -> Path:
    return path / "results" / "small" / "runs"


def worker_process(main: int) -> int:
    """The process that trains, which the main process of `adambench worker` watches over as its nanny."""
    while True:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == str(main) and b"spawn_main" in (process / "cmdline").read_bytes():
                    return int(process.name)
        os.sched_yield()


def line_of(process: "subprocess.Popen[str]", beginning: str) -> str:
    """The next line of its output that begins so."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"no line begins with {beginning}")


def test_two_workers_give_the_bits_of_this_machine(
    cluster: Cluster, small: Path, reference: Callable[..., dict[str, Any]]
) -> None:
    """Also for a worker that joins late, and one that has to be sent the data because it cannot read the folder."""
    away = small.parent / "away"
    data = Path(small.read_text().partition("idx: ")[2].partition("}")[0])
    shutil.copytree(data, away)
    small.write_text(small.read_text().replace(str(data), str(away)))
    process = cluster.run()
    line_of(process, "small: 17 runs")
    shutil.rmtree(away)
    cluster.worker(2)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert "has no worker yet; waiting for one" in err
    assert "[17/17]" in out
    assert curves_of(runs(small.parent)) == reference()
    record = Record.parse(next(runs(small.parent).glob("*.json")).read_text())
    assert record.data["blas"]
    assert record.data["versions"]["adambench"]


@pytest.mark.parametrize("victim", ["worker", "nanny"])
def test_a_lost_worker_costs_one_retry(
    victim: str, cluster: Cluster, small: Path, reference: Callable[..., dict[str, Any]]
) -> None:
    mains = [cluster.worker(), cluster.worker()]
    process = cluster.run(*LONGER)
    line_of(process, "[2/17]")
    if victim == "nanny":
        os.kill(mains[0].pid, signal.SIGKILL)
    else:
        os.kill(worker_process(mains[0].pid), signal.SIGKILL)
    _, err = process.communicate(timeout=110)
    assert process.returncode == 0, err
    assert "failed" not in err
    assert "Traceback" not in err
    assert curves_of(runs(small.parent)) == reference(*LONGER)


ASK = """\
from pathlib import Path
from adambench.config.loading import load
from adambench.execution import plan, timing
from adambench.execution.engines.dask import Cluster

experiment, data = load(Path("small.yaml")).loaded()
run = plan.entries(experiment)[0].tuning[0]
timing.step_seconds = lambda *_: -1.0  # here; the workers have their own
with Cluster(ADDRESS, [experiment.source(problem) for problem in experiment.problems], data, None, print) as cluster:
    print(cluster.step_seconds(run, 1, 2) > 0, len(cluster.numbers), flush=True)
    input()
    print(cluster.step_seconds(run, 1, 2) > 0, flush=True)
    cluster.numbers.clear()
    cluster.refused = cluster._workers()
    print(cluster.step_seconds(run, 1, 2))
"""


def test_steps_are_timed_by_the_workers_also_if_one_is_lost_and_here_without_any(cluster: Cluster, small: Path) -> None:
    mains = [cluster.worker(), cluster.worker()]
    log = cluster.path / "cluster.log"
    while log.read_text().count("Registered to:") < 2:
        assert all(main.poll() is None for main in mains)
        os.sched_yield()
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK.replace("ADDRESS", repr(cluster.address))],
        cwd=small.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asking.stdout
    assert asking.stdout.readline() == "True 2\n", asking.communicate()[1]
    os.killpg(mains[0].pid, signal.SIGKILL)
    out, err = asking.communicate("\n", timeout=110)
    assert out == "True\n-1.0\n", err


def test_the_runs_of_a_worker_that_is_silent_for_long_are_tried_again(
    small: Path, reference: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask gives up a worker of which it has heard nothing for `worker-ttl`, five minutes if nothing else is set."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "10s")
    with contextlib.closing(Cluster(small.parent)) as cluster:
        mains = [cluster.worker(), cluster.worker()]
        process = cluster.run(*LONGER)
        line_of(process, "[2/17]")
        os.kill(worker_process(mains[0].pid), signal.SIGSTOP)
        _, err = process.communicate(timeout=110)
    assert process.returncode == 0, err
    assert curves_of(runs(small.parent)) == reference(*LONGER)


def test_a_lost_scheduler_ends_the_command_and_the_same_command_resumes(
    cluster: Cluster, small: Path, reference: Callable[..., dict[str, Any]]
) -> None:
    cluster.worker()
    process = cluster.run(*LONGER)
    line_of(process, "[2/17]")
    cluster.scheduler.kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the scheduler is lost\nFinished runs are kept." in err
    assert "Traceback" not in err
    kept = curves_of(runs(small.parent))
    assert len(kept) >= 2
    cluster.start_scheduler()
    cluster.worker(2)
    again = cluster.run(*LONGER)
    assert f"17 runs, {len(kept)} already done" in line_of(again, "small:")
    again.communicate(timeout=110)
    assert again.returncode == 0
    assert curves_of(runs(small.parent)) == reference(*LONGER)


def test_ctrl_c_cancels_what_is_under_way(
    cluster: Cluster, small: Path, reference: Callable[..., dict[str, Any]]
) -> None:
    cluster.worker()
    process = cluster.run("problems.mlp.epochs=1000000")
    line_of(process, "small:")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    again = cluster.run()
    again.communicate(timeout=100)  # the worker is free for it
    assert again.returncode == 0
    assert curves_of(runs(small.parent)) == reference()


@pytest.mark.skipif("avx2" not in Path("/proc/cpuinfo").read_text(), reason="needs two kernels of OpenBLAS")
def test_a_worker_with_other_kernels_is_refused_with_the_reason(cluster: Cluster, small: Path) -> None:
    cluster.worker(OPENBLAS_CORETYPE="Sandybridge")
    process = cluster.run()
    assert process.stderr
    refused = ""
    while "is refused" not in refused:
        refused = process.stderr.readline()
    assert "BLAS" in refused
    assert ", not " in refused
    cluster.worker()
    process.communicate(timeout=100)
    assert process.returncode == 0
    assert len(curves_of(runs(small.parent))) == 17


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key, both thrown away after the test."""
    if not shutil.which("openssl"):
        pytest.skip("needs the command openssl, which makes a certificate")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -out {cert} -keyout {key}"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    return cert, key


def test_with_tls_nobody_without_the_certificate_gets_in(
    certificate: tuple[Path, Path], command: Command, small: Path, reference: Callable[..., dict[str, Any]]
) -> None:
    cert, key = map(str, certificate)
    ours = ["--tls-ca", cert, "--tls-cert", cert, "--tls-key", key]
    theirs = ["--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key, "--protocol", "tls"]
    cluster = Cluster(small.parent, theirs, ours)
    try:
        assert cluster.address.startswith("tls://")
        cluster.worker(2)
        _, err = (process := cluster.run()).communicate(timeout=110)
        assert process.returncode == 0, err
        assert curves_of(runs(small.parent)) == reference()
        stranger = ["run", small, "--results", "new", "--engine", "dask", "--scheduler"]
        for address, told in (
            (cluster.address, "a scheduler with TLS, but no certificate is known"),
            (cluster.address.replace("tls://", "tcp://"), "no Dask scheduler answers"),
        ):
            refused = command(*stranger, address)
            assert refused.returncode
            assert refused.stderr.startswith(f"{address}: {told}")
            assert "Traceback" not in refused.stderr
    finally:
        cluster.close()


def test_mistakes_about_tls(command: Command, small: Path, tmp_path: Path) -> None:
    file = str(small)
    whole = ["--tls-ca", file, "--tls-cert", file, "--tls-key"]
    for words, told in (
        (["tls://x:1", "--tls-ca", file], "--tls-ca, --tls-cert and --tls-key need each other"),
        (["tcp://x:1", *whole, file], "--tls-ca: needs a scheduler with TLS, but found tcp://x:1"),
        (["tls://x:1", *whole, "gone.pem"], f"--tls-key {tmp_path / 'gone.pem'}: there is no such file"),
        (["tls://x:1", *whole, file], f"--tls-ca {file}: "),
        (["tls://x:1"], "tls://x:1: a scheduler with TLS, but no certificate is known"),
    ):
        answer = command("worker", *words)
        assert answer.returncode == 2
        assert answer.stderr.startswith(told)
        assert "Traceback" not in answer.stderr
    assert command("run", small, *whole, file).returncode == 2
    assert not (tmp_path / "results").exists()


def test_no_scheduler_is_told(command: Command, small: Path) -> None:
    """And what is there is put aside only for what can train anew."""
    kept = small.parent / "results" / "small" / "runs" / "kept.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    answer = command("run", small, "--fresh", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert answer.returncode == 1
    assert "tcp://127.0.0.1:9: no Dask scheduler answers" in answer.stderr
    assert kept.exists()
    assert command("run", small, "--engine", "dask").returncode == 2
    assert command("run", small, "--scheduler", "tcp://127.0.0.1:9").returncode == 2


@pytest.mark.parametrize("address", ["nowhere", "http://localhost:1", "tcp://localhost", "inproc://x", "tcp://a:b"])
def test_what_is_no_address_is_refused_at_once(address: str, command: Command, small: Path) -> None:
    with pytest.raises(AdambenchError, match=f"^{address}: must be an address like tcp://host:8786"):
        reach(address, 10)
    if address == "nowhere":
        answer = command("run", small, "--engine", "dask", "--scheduler", address)
        assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 2)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("127.0.0.1:1", "Connection refused"),
    ],
)
def test_a_worker_says_that_its_scheduler_cannot_be_reached(address: str, reason: str) -> None:
    with pytest.raises(AdambenchError, match=f"^{address}: cannot be reached: {reason}"):
        reach(address, 0)


def test_data_of_another_digest_are_not_taken(dataset: Dataset, folder: Path) -> None:
    from adambench.config.experiment import DataSource  # noqa: PLC0415
    from adambench.execution.engines import dask_worker  # noqa: PLC0415  # needs distributed

    assert dask_worker.prepare(DataSource(idx=str(folder), sha256=dataset.sha256), dataset.sha256)
    assert not dask_worker.prepare(DataSource(idx=str(folder), sha256="0" * 64), "0" * 64)
    assert not dask_worker.prepare(DataSource(idx=str(folder / "nowhere")), "1" * 64)


def test_a_worker_trains_the_rule_and_the_data_of_a_plugin(cluster: Cluster, folder: Path, tmp_path: Path) -> None:
    """It gets the text with the runs: the file is gone before the worker starts, and the data are sent."""
    from tests.test_plugins import written  # noqa: PLC0415

    file = written(folder, tmp_path).rename(tmp_path / "small.yaml")
    file.write_text(file.read_text().replace("name: mine", "name: small"), encoding="utf-8")
    subprocess.run([ADAMBENCH, "run", "small.yaml", "--results", "here"], cwd=tmp_path, capture_output=True, check=True)
    process = cluster.run()
    line_of(process, "small: 16 runs")
    (tmp_path / "rules.py").unlink()
    cluster.worker()
    _, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert curves_of(runs(tmp_path)) == curves_of(tmp_path / "here/small/runs")
