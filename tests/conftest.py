"""A small real problem for all tests: the first images of MNIST, in a folder in MNIST's own format."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import threadpoolctl

from adambench.datasets import Dataset, mnist, read_folder
from adambench.datasets.idx import header

threadpoolctl.threadpool_limits(1)  # as in a worker

Command = Callable[..., "subprocess.CompletedProcess[str]"]

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


@pytest.fixture(scope="session")
def full() -> Dataset:
    return mnist()


@pytest.fixture(scope="session")
def folder(full: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 training and 200 test images."""
    path = tmp_path_factory.mktemp("idx")
    for split, prefix, n in ((full.train, "train", 600), (full.test, "t10k", 200)):
        images, labels = split.images[:n], split.labels[:n]
        (path / f"{prefix}-images-idx3-ubyte").write_bytes(header((n, 28, 28)) + images.tobytes())
        (path / f"{prefix}-labels-idx1-ubyte").write_bytes(header((n,)) + labels.tobytes())
    return path


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
def command(tmp_path: Path) -> Command:
    """The installed command, run in an empty folder: `command("run", file)`."""
    installed = Path(sys.executable).with_name("adambench")

    def call(*words: object, env: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
        line, around = [str(installed), *map(str, words)], {**os.environ, **env}
        return subprocess.run(line, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=120, check=False)

    return call
