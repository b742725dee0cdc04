"""A small real problem for all tests: the first images of MNIST, in a folder in MNIST's own format."""

import fcntl
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest
import threadpoolctl

from adambench.cli import main
from adambench.datasets import Dataset, mnist, read_folder
from adambench.datasets.idx import header
from tests.browser import Browser

threadpoolctl.threadpool_limits(1)  # as in a worker


def pytest_xdist_auto_num_workers() -> int:
    """Two test processes a core: half of the time they wait for commands, for a browser or for the disk."""
    return 2 * (os.cpu_count() or 1)


Answer = subprocess.CompletedProcess[str]
Once = Callable[[str, Callable[[Path], object]], Path]
Command = Callable[..., Answer]
ADAMBENCH = Path(sys.executable).with_name("adambench")
FORKS = multiprocessing.get_context("forkserver")
LATE = ("api", "pages", "stored", "watched", "cli.running", "show.catalogue", "show.charts.gallery")  # not by `cli`
FORKS.set_forkserver_preload([__name__, *(f"adambench.{name}" for name in LATE), "matplotlib.backends.backend_agg"])

QUICK = ("--no-charts", "--jobs", 0)  # of `run`, where a test is about neither charts nor workers

SMALL = """\
name: small
dataset: {{idx: {folder}}}
seeds: [1, 2]
problems:
  logistic:
    model: {{name: logistic}}
    epochs: 3
    batch_size: 64
    schedule: {{name: inverse_sqrt, per: step}}
  mlp:
    model: {{name: mlp, hidden: [16], dropout: 0.5}}
    epochs: 2
    batch_size: 64
    optimizers: {{adam: {{lr: 0.003}}}}
optimizers:
  nesterov: {{lr: [0.1, 0.3, 1.0]}}
  adam: {{lr: [0.01, 0.03, 0.1]}}
"""


def _around() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


AROUND = _around()


@pytest.fixture(scope="session")
def full() -> Dataset:
    return mnist()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A folder for all test processes, filled by the first that asks: `once("name", fill)`. Do not change it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path = base / name
        with (base / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
            if not path.exists():
                new = base / f"{name}.new"
                new.mkdir()
                fill(new)
                new.rename(path)
        return path

    return folder


@pytest.fixture(scope="session")
def folder(full: Dataset, once: Once) -> Path:
    """600 training and 200 test images."""

    def fill(path: Path) -> None:
        for split, prefix, n in ((full.train, "train", 600), (full.test, "t10k", 200)):
            images, labels = split.images[:n], split.labels[:n]
            (path / f"{prefix}-images-idx3-ubyte").write_bytes(header((n, 28, 28)) + images.tobytes())
            (path / f"{prefix}-labels-idx1-ubyte").write_bytes(header((n,)) + labels.tobytes())

    return once("idx", fill)


@pytest.fixture(scope="session")
def dataset(folder: Path) -> Dataset:
    return read_folder(folder)


@pytest.fixture
def small(folder: Path, tmp_path: Path) -> Path:
    """A configuration with two problems, two optimizers and seventeen runs, each of a fraction of a second."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.format(folder=folder), encoding="utf-8")
    return path


@pytest.fixture
def installed(tmp_path: Path) -> Command:
    """The installed command, run in an empty folder: `installed("run", file)`."""

    def call(*words: object, env: Mapping[str, str] = MappingProxyType({})) -> Answer:
        line, around = [str(ADAMBENCH), *map(str, words)], {**os.environ, **env}
        return subprocess.run(line, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=120, check=False)

    return call


@pytest.fixture
def command(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, installed: Command) -> Command:
    """The same in a fork of a process that has imported adambench already: most of a short command is its start.

    It is the real one where the environment is another: imports read some of it.
    """
    outputs = tmp_path_factory.mktemp("outputs")

    def call(*words: object, env: Mapping[str, str] = MappingProxyType({})) -> Answer:
        if env or _around() != AROUND:
            return installed(*words, env=env)
        line, files = [str(ADAMBENCH), *map(str, words)], (outputs / "out", outputs / "err")
        process = FORKS.Process(target=_run, args=(line, tmp_path, dict(os.environ), files))
        process.start()
        process.join(120)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode is not None, line
        return subprocess.CompletedProcess(line, process.exitcode, *(file.read_text() for file in files))

    return call


def _run(line: Sequence[str], folder: Path, around: Mapping[str, str], files: Sequence[Path]) -> None:
    """In the fork: what the script of the installed command does."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(around)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = list(line)
    main()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("downloads"))
    yield found
    found.driver.quit()


@pytest.fixture(scope="session")
def small_results(folder: Path, once: Once) -> Path:
    """The results folder of the small experiment, which has run once. Do not change it: `ran` has a copy."""

    def fill(path: Path) -> None:
        (path / "small.yaml").write_text(SMALL.format(folder=folder), encoding="utf-8")
        subprocess.run([str(ADAMBENCH), "run", "small.yaml"], cwd=path, capture_output=True, check=True)

    return once("trained", fill) / "results"


@pytest.fixture
def ran(small: Path, small_results: Path) -> Path:
    """The configuration of the small experiment, which has just run in its folder."""
    shutil.copytree(small_results, small.parent / "results")
    return small
