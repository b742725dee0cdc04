"""An addition takes as many edits as docs/extending.md says, tested on a copy of the package.

The rule is signSGD, with its file, its line of OPTIMIZERS and its row of golden data. All tests of the copy that read
the registry of rules must pass.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parent.parent
RULE = '''"""SignSGD."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, doc

from adambench.optimizers.base import Array, Optimizer


@dataclass(frozen=True)
class SignSGD(Optimizer):
    """A step of the same size for every weight, against the sign of its gradient.

    θ ← θ − α·sign(g)

    Source: Bernstein et al. (2018), algorithm 1.
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.001

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        np.sign(g, out=tmp)
        tmp *= self.lr * lr_scale
        theta -= tmp
'''
COMMANDS = {"additions", "checkpoints", "cli", "lesson"}  # these use a few rules, and many commands
ALWAYS = {"contract", "json_schema", "layers", "manual", "table"}


def knowing() -> list[str]:
    """The test files that read the registry."""
    files = {file.stem.removeprefix("test_"): file for file in (TOP / "tests").glob("test_*.py")}
    imports = re.compile(r"^(from adambench\.optimizers import .*|    )\bOPTIMIZERS\b[,\n]", re.MULTILINE)
    found = {name for name, file in files.items() if imports.search(file.read_text(encoding="utf-8"))}
    return [f"tests/test_{name}.py" for name in sorted(found - COMMANDS | ALWAYS)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project without its history. The reference results are linked, not copied."""
    leave_out = shutil.ignore_patterns(".*", "__pycache__", "results", "*.egg-info", "build", "dist")
    project = shutil.copytree(TOP, tmp_path / "project", ignore=leave_out)
    (project / "results").symlink_to(TOP / "results")
    return project


def insert(file: Path, before: str, line: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, line + before), encoding="utf-8")


def python(project: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """Run Python with the copy in place of the installed package."""
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    line = [sys.executable, *map(str, words)]
    return subprocess.run(line, cwd=project, env=environment, capture_output=True, text=True, check=False)


def golden(lr: float, data: dict[str, Any]) -> list[list[float]]:
    """SignSGD on the problem of the golden data, in plain Python."""
    theta, path = list(data["start"]), []
    for noise, active in zip(data["noise"], data["active"], strict=True):
        gradients = [a * (c * x + n) for a, c, x, n in zip(active, data["curvature"], theta, noise, strict=True)]
        theta = [x - lr * ((g > 0) - (g < 0)) for x, g in zip(theta, gradients, strict=True)]
        path.append(theta)
    return path[data["every"] - 1 :: data["every"]]


@pytest.mark.skipif(
    "ADAMBENCH_ADDITIONS" not in os.environ, reason="runs much of the suite once more; CI sets ADAMBENCH_ADDITIONS"
)
def test_a_new_rule_takes_three_edits(copy: Path) -> None:
    (copy / "adambench/optimizers/signsgd.py").write_text(RULE, encoding="utf-8")
    registry = copy / "adambench/optimizers/__init__.py"
    insert(registry, "\nOPTIMIZERS: dict", "from adambench.optimizers.signsgd import SignSGD\n")
    insert(registry, '    "adam": Adam,\n', '    "signsgd": SignSGD,\n')
    file = copy / "tests/golden/trajectories.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["cases"] += [{"rule": "signsgd", "setting": {}, "theta": golden(0.001, data)}]
    file.write_text(json.dumps(data), encoding="utf-8")
    made = python(copy, "-m", "adambench", "schema", "--output", "configs/schema.json")
    assert made.returncode == 0, made.stderr

    slow = "not recorded_and_drawn and not every_model and not the_same_each_time and not for_print"  # and of no rule
    suite = python(copy, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "-k", slow, *knowing())
    assert suite.returncode == 0, suite.stdout[-3000:]
    assert "signsgd" in python(copy, "-m", "adambench", "list").stdout
    assert "θ ← θ − α·sign(g)" in python(copy, "-m", "adambench", "explain", "signsgd").stdout


def test_a_new_metric_takes_one_edit(copy: Path, small: Path) -> None:
    row = '        Metric("excess", "test cost above training cost", compares=True, of=lambda e: e.test_loss - e.train_loss),\n'
    insert(copy / "adambench/curve.py", '        Metric("penalty", "L2 term"),\n', row)
    claim = "{id: C, sentence: s, problem: mlp, quantity: 'final(adam, excess)', relation: '<', bound: 9}"
    changes = ["tuning.metric=excess", f"claims=[{claim}]", "problems.mlp.seeds=[1, 2]"]
    run = python(copy, "-m", "adambench", "run", small, *changes, "--results", small.parent / "out")
    assert run.returncode == 0, run.stderr
    out = small.parent / "out/small"
    assert (out / "curves.csv").read_text().splitlines()[0].endswith("test_error,excess")
    assert "excess_mean,excess_sd" in (out / "summary.csv").read_text().splitlines()[0]
    drawn = python(copy, "-m", "adambench", "plot", "--metric", "excess", "--results", out.parent)
    assert drawn.stdout == f"wrote {out}/figures/excess.png\n", drawn.stderr
    judged = python(copy, "-m", "adambench", "claims", "--format", "json", "--results", out.parent)
    assert [verdict["n"] for verdict in json.loads(judged.stdout)] == [2]
    wrong = python(copy, "-m", "adambench", "run", small, "tuning.metric=exces")
    assert "Did you mean excess?" in wrong.stderr
