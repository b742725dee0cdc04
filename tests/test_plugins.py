"""Plug-ins: they are like what is built in, an edited one is trained again, and nothing that reads results executes one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adambench
from adambench.config import loading
from adambench.config.loading import resolved
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.optimizers import OPTIMIZERS
from tests.conftest import QUICK, Command

RULES = '''\
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt, doc

from adambench.datasets import Dataset, read_folder
from adambench.models import Logistic
from adambench.optimizers.base import Array, Optimizer
from adambench.schedules import Schedule

SIZE = 1.0


@dataclass(frozen=True)
class Signs(Optimizer):
    """A step of the same size for every weight, against the sign of its gradient.

    θ ← θ − α·sign(g)

    Source: Bernstein et al. (2018).
    """

    lr: Annotated[float, Gt(0), doc("step size α")] = 0.001
    fast: bool = False

    def update(self, theta: Array, g: Array, slots: Sequence[Array], tmp: Array, t: int, lr_scale: float) -> None:
        np.sign(g, out=tmp)
        tmp *= SIZE * self.lr * lr_scale
        theta -= tmp


@dataclass(frozen=True)
class Halving(Schedule):
    """A rate that is halved."""

    every: Annotated[int, Gt(0)] = 10

    def describe(self) -> str:
        return "never shown"

    def factor(self, step: int, epoch: int, steps: int) -> float:
        return 0.5 ** ((epoch - 1) // self.every)


@dataclass(frozen=True)
class Plain(Logistic):
    """Softmax regression by another name."""

    widths: tuple[int, ...] = (3, 4)


def few() -> Dataset:
    """A folder: the one of the tests."""
    return read_folder(Path("{folder}"))


OPTIMIZERS = {{"signs": Signs}}
SCHEDULES = {{"halving": Halving}}
MODELS = {{"plain": Plain}}
DATASETS = {{"few": few}}
'''
CONFIG = """\
name: mine
plugins: [rules.py]
dataset: few
seeds: [1, 2]
problems:
  own: {{model: {{name: plain, widths: [5]}}, epochs: 2, batch_size: 64, schedule: {{name: halving, every: 1}}}}
  built_in: {{model: logistic, epochs: 2, batch_size: 64}}
optimizers:
  signs: {{lr: [0.001, 0.003]}}
  other: {{name: signs, lr: 0.01, fast: true}}
  adam: {{lr: 0.01}}
claims:
  - {{id: C, sentence: it wins, problem: own, quantity: final(signs) / final(adam), relation: <, bound: 1}}
"""
READING = (
    ["status"],
    ["table"],
    ["table", "--format", "csv"],
    ["plot"],
    ["fairness"],
    ["claims"],
    ["show"],
    ["merge", "results"],
)


def written(folder: Path, place: Path) -> Path:
    """A configuration with a plug-in that defines one of each kind."""
    (place / "rules.py").write_text(RULES.format(folder=folder), encoding="utf-8")
    file = place / "mine.yaml"
    file.write_text(CONFIG.format(), encoding="utf-8")
    return file


@pytest.fixture
def mine(folder: Path, tmp_path: Path) -> Path:
    return written(folder, tmp_path)


@pytest.fixture(scope="module")
def finished(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which it was trained by two workers, and what the command printed."""
    place = tmp_path_factory.mktemp("finished")
    line = [str(Path(sys.executable).with_name("adambench")), "run", str(written(folder, place)), "--jobs", "2"]
    run = subprocess.run(line, cwd=place, capture_output=True, text=True, check=True)
    return place, run.stdout


@pytest.fixture
def trained(finished: tuple[Path, str], tmp_path: Path) -> str:
    """A copy of it in the folder of the test."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    return finished[1]


def records(path: Path, name: str = "mine") -> dict[str, Any]:
    found = (json.loads(file.read_text()) for file in (path / "results" / name / "runs").glob("*.json"))
    return {record["id"]: record for record in found}


def test_everything_of_a_plugin_is_used_and_then_read_without_it(
    trained: str, command: Command, tmp_path: Path
) -> None:
    """The tables are the same when the plug-in is gone, here and in a merged folder that keeps its text."""
    assert "own: plain widths [5] on few, halving every 1, 2 epochs" in trained
    (tmp_path / "rules.py").unlink()
    table = command("table")
    assert (table.returncode, table.stderr) == (0, "")
    assert (
        table.stdout.splitlines()[1:]
        == trained[trained.index("own: ") :].splitlines()[1 : len(table.stdout.splitlines())]
    )
    verdict = command("claims", "--format", "json")
    assert [found["n"] for found in json.loads(verdict.stdout)] == [2]
    assert command("merge", "results", "--results", "copy").returncode == 0
    assert command("table", "--results", "copy").stdout == table.stdout
    kept = [[file.read_text() for file in (tmp_path / part / "mine/plugins").iterdir()] for part in ("results", "copy")]
    assert kept[0] == kept[1] == [RULES.format(folder=re.findall(r'Path\("(.*)"\)', kept[0][0])[0])]
    one = next(id_ for id_, record in records(tmp_path).items() if record["rule"] == "signs")
    assert "rule_source" in command("show", one).stdout


def test_ids_are_the_same_when_read(mine: Path, tmp_path: Path) -> None:
    """The stored configuration gives the runs that were planned, with the values of the plug-in's own types."""
    experiment = loading.load(mine)
    stored = tmp_path / "config.yaml"
    stored.write_text(loading.resolved(experiment), encoding="utf-8")
    mine.with_name("rules.py").unlink()
    read = loading.read(stored)
    ids = [[run.id for entry in plan.entries(one) for run in entry.outlook({})] for one in (experiment, read)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 16
    assert loading.resolved(read) == loading.resolved(experiment)
    assert loading.differences(read, experiment) == []


ODD = """\
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from adambench.models import MLP
from adambench.models.mlp import Normal
from adambench.optimizers.base import Optimizer
from adambench.schedules import Cosine


@dataclass(frozen=True)
class Late(Optimizer):
    \"\"\"A rule whose rate is not its first field.\"\"\"

    _floor: ClassVar[float] = 1e-9
    k: float = 2.0
    lr: float = 0.5

    def update(self, theta, g, slots, tmp, t, lr_scale):
        theta -= self.lr / self.k * g


@dataclass(frozen=True)
class Mine(MLP):
    \"\"\"It inherits fields that are keyword-only, and has one more, whose default is a dataclass.\"\"\"

    start: Literal["he"] | Normal = field(default=Normal(0.25), kw_only=True)


@dataclass(frozen=True)
class Slow(Cosine):
    \"\"\"Another default of an inherited field, and a field that is keyword-only.\"\"\"

    warmup: int = field(default=3, kw_only=True)
    late: bool = field(default=False, kw_only=True)


OPTIMIZERS = {"late": Late}
MODELS = {"mine": Mine}
SCHEDULES = {"slow": Slow}
"""
ODD_CONFIG = """\
name: odd
dataset: mnist
plugins: [odd.py]
seeds: [1]
search: {random: 5}
problems:
  a: {model: mine, epochs: 2, batch_size: 64, schedule: slow}
  b: {model: {name: mine, max_norm: 2.0, start: {normal: 0.5}}, epochs: 2, batch_size: 64, schedule: {name: slow, warmup: 0, late: true}}
optimizers:
  late: {lr: {log: [0.01, 1.0]}, k: {uniform: [1, 3]}}
"""


def test_the_plan_is_the_same_when_read_whatever_the_fields_are(tmp_path: Path) -> None:
    """Their order, fields that are keyword-only, defaults that are redefined or dataclasses."""
    (tmp_path / "odd.py").write_text(ODD)
    experiment = loading.parse(ODD_CONFIG, "odd.yaml", tmp_path)
    (tmp_path / "config.yaml").write_text(loading.resolved(experiment))
    read = loading.read(tmp_path / "config.yaml")
    ids = [[run.id for entry in plan.entries(one) for run in entry.outlook({})] for one in (experiment, read)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2 * (5 + 1)
    assert loading.resolved(read) == loading.resolved(experiment)


def test_only_runs_that_use_a_plugin_have_its_hash(mine: Path) -> None:
    without = mine.read_text().replace("plugins: [rules.py]\n", "").replace("dataset: few", "dataset: mnist")
    without = re.sub(r"  own:.*\n|  signs:.*\n|  other:.*\n|claims:\n.*\n", "", without)
    with_ = mine.read_text().replace("dataset: few", "dataset: mnist")
    found = [
        {run.id for entry in plan.entries(one) for run in entry.outlook({}) if not run.sources}
        for one in (loading.parse(with_, "f", mine.parent), loading.parse(without, "f"))
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 2


def test_an_edited_constant_trains_only_its_runs_again(folder: Path, mine: Path, command: Command) -> None:
    text = mine.read_text().replace("dataset: few", f"dataset: {{idx: {folder}}}")
    mine.write_text(re.sub(r"  own:.*\n|claims:\n.*\n", "", text))
    assert command("run", mine, "--jobs", 0, "--no-charts").returncode == 0
    before = records(mine.parent)
    rules = mine.with_name("rules.py")
    rules.write_text(rules.read_text().replace("SIZE = 1.0", "SIZE = 0.5"))
    again = command("run", mine, "--jobs", 0, "--no-charts")
    assert "8 runs, 2 already done" in again.stdout, again.stdout
    new = {id_: record for id_, record in records(mine.parent).items() if id_ not in before}
    assert len(new) == 6
    assert {record["rule"] for record in new.values()} == {"signs"}
    curves = {
        (r["optimizer"], r["phase"], r["seed"], json.dumps(r["hyperparameters"])): r["curve"] for r in before.values()
    }
    for r in new.values():
        old = curves.get((r["optimizer"], r["phase"], r["seed"], json.dumps(r["hyperparameters"])))
        assert old is None or old["train_loss"] != r["curve"]["train_loss"]
    kept = sorted((mine.parent / "results/mine/plugins").iterdir())
    assert [("SIZE = 0.5" in file.read_text()) for file in kept].count(True) == 1
    assert len(kept) == 2
    assert "8 runs, 8 already done" in command("run", "results/mine/config.yaml", "--dry-run").stdout


@pytest.mark.usefixtures("trained")
def test_verify_executes_the_stored_text(command: Command, tmp_path: Path) -> None:
    (tmp_path / "rules.py").unlink()
    answer = command("verify", "--jobs", 0)
    assert (answer.returncode, answer.stdout.count("the same to the bit")) == (0, 16), answer.stderr
    (kept,) = (tmp_path / "results/mine/plugins").iterdir()
    kept.write_text(kept.read_text().replace("SIZE = 1.0", "SIZE = 2.0"))
    answer = command("verify")
    assert answer.returncode == 2
    assert "is not the plug-in that is named here" in answer.stderr


MARK = "\nfrom pathlib import Path as P\nP('{marker}').write_text('executed')\n"


@pytest.mark.usefixtures("trained")
def test_nothing_that_reads_results_executes_a_plugin(command: Command, tmp_path: Path) -> None:
    """A folder from a stranger, whose configuration names files and a module that write a marker when executed."""
    marker = tmp_path / "marker"
    stranger = tmp_path / "results/mine"
    code = MARK.format(marker=marker)
    for file in (*stranger.glob("plugins/*.py"), stranger / "evil.py", tmp_path / "rules.py", tmp_path / "evil.py"):
        file.write_text(code)
    config = stranger / "config.yaml"
    text = config.read_text()
    one = next(iter(records(tmp_path)))
    for plugins in (
        "",
        "- evil.py\n",
        f"- {stranger}/evil.py\n",
        "- evil\n",
        "- name: evil.py\n  optimizers: {adam: {lr: 1.0}}\n",
    ):
        config.write_text(text.replace("plugins:\n", f"plugins:\n{plugins}"))
        for words in READING if not plugins else (["table"],):
            answer = command(
                *words, *([one] if words == ["show"] else []), *(["--results", "copy"] if words[0] == "merge" else [])
            )
            assert "Traceback" not in answer.stderr
            assert not marker.exists(), words
    config.write_text(text)
    assert command("verify").returncode == 2  # the text was changed: its hash is checked before it is executed
    assert not marker.exists()
    command("run", tmp_path / "mine.yaml", *QUICK)
    assert marker.exists()  # the marker works


@pytest.mark.usefixtures("ran")
def test_an_unknown_rule_and_a_bad_folder_stop_no_others(command: Command, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(results / "small", results / "later")
    later = (results / "later/config.yaml").read_text().replace("name: small", "name: later", 1)
    (results / "later/config.yaml").write_text(later.replace("name: nesterov", "name: unheard_of"))
    alone = command("table", "small").stdout
    answer = command("table")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert all(line in answer.stdout for line in alone.splitlines())
    assert "small, logistic" in answer.stdout
    assert "later, logistic" in answer.stdout
    (results / "damaged").mkdir()
    (results / "damaged/config.yaml").write_text("name: [\n")
    shutil.copytree(results / "small/runs", results / "damaged/runs")
    for words in (["table"], ["plot"], ["fairness"], ["status"]):
        answer = command(*words)
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"warning: skipped: {results.relative_to(tmp_path)}/damaged/config.yaml:2: ")
        assert len(answer.stderr.splitlines()) == 1
        assert ("nesterov" if words[0] in ("table", "fairness") else "small") in answer.stdout
    assert command("table", "small").returncode == 0
    assert command("table", "damaged").returncode == 2


def test_on_the_command_line(mine: Path, command: Command) -> None:
    mine.write_text(mine.read_text().replace("plugins: [rules.py]\n", ""))
    refused = command("run", mine, "--dry-run")
    assert (refused.returncode, "halving" in refused.stderr) == (2, True)
    assert "12 runs" not in refused.stdout
    planned = command("run", mine, "--dry-run", "--plugin", "rules.py")
    assert planned.returncode == 0, planned.stderr
    listed = command("list", "--plugin", "rules.py", "--format", "json")
    names = {(item["kind"], item["name"]) for item in json.loads(listed.stdout)}
    assert {("optimizers", "signs"), ("schedules", "halving"), ("models", "plain"), ("data sets", "few")} <= names
    told = command("explain", "signs", "adam", "lr=0.5", "--plugin", "rules.py", "--plot", "valley.svg")
    assert told.returncode == 0, told.stderr
    assert "Δθ signs" in told.stdout
    assert command("explain", "signs").returncode == 2


def test_a_script_keeps_the_text_too(mine: Path, tmp_path: Path) -> None:
    results = adambench.run(mine, ["problems.own.epochs=1"], jobs=0, results=tmp_path / "results")
    assert {row["rule"] for row in results.table()} == {"signs", "adam"}
    assert [file.read_text() for file in (tmp_path / "results/mine/plugins").iterdir()] == [
        mine.with_name("rules.py").read_text()
    ]


def test_an_installed_module_is_a_plugin(mine: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    package = mine.parent / "site/my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    rules = mine.with_name("rules.py").rename(package / "rules.py")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    mine.write_text(mine.read_text().replace("[rules.py]", "[my_package.rules]"))
    run = command("run", mine, "--jobs", 2, "--no-charts")
    assert run.returncode == 0, run.stderr
    assert [file.name.partition("-")[0] for file in (mine.parent / "results/mine/plugins").iterdir()] == [
        "my_package.rules"
    ]
    (package / "more.py").write_text("")
    rules.write_text("import my_package.more\n" + rules.read_text())
    refused = command("run", mine, *QUICK)
    assert "rules.py:1: imports another module of its package, but a plug-in is one file" in refused.stderr


CLASS = "from dataclasses import dataclass\nfrom adambench.optimizers import Adam, Optimizer\n"
RULE = (
    CLASS
    + "@dataclass(frozen=True)\nclass A(Optimizer):\n    {}\n    def update(self, *_): ...\nOPTIMIZERS = {{'a': A}}\n"
)
SCHEDULE = (
    "from dataclasses import dataclass\nfrom adambench.schedules import Schedule\n@dataclass(frozen=True)\n"
    "class Falling(Schedule):\n    decay: float = 0.9\n    def factor(self, step, epoch, steps): return self.decay\n"
    "    def describe(self): return ''\n"
    "SCHEDULES = {'falling': Falling}\n"
)
MADE = (
    "from adambench.datasets.base import Split; x = np.arange(24, dtype=np.uint8).reshape(3, 8); "
    "y = np.arange(3, dtype=np.uint8); return Dataset({}, {}, {}, dict())"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import math\nmath.nothing\n", "bad.py:2: AttributeError: module 'math' has no attribute 'nothing'"),
        ("x = (\n", "bad.py:1: SyntaxError: '(' was never closed"),
        ("raise SystemExit(3)\n", "bad.py:1: SystemExit: 3"),
        ("x = 1\n", "bad.py: defines none of OPTIMIZERS, SCHEDULES, MODELS, DATASETS, e.g. OPTIMIZERS = {'my_rule': MyRule}"),
        ("x = 1\nOPTIMIZERS = [3]\n", "bad.py:2: OPTIMIZERS: must be a dict, e.g. {'my_rule': MyRule}, found list"),
        ("OPTIMIZERS = {\n  'a b': 3}\n", "bad.py:2: OPTIMIZERS.a b: must be a name of at most 64 letters"),
        ("OPTIMIZERS = {\n  'a': 3}\n", "bad.py:2: OPTIMIZERS.a: must be a subclass of Optimizer, found 3"),
        ("MODELS = {'a': int}\n", "bad.py:1: MODELS.a: must be a subclass of Model, found <class 'int'>"),
        ("DATASETS = {'a': 3}\n", "bad.py:1: DATASETS.a: must be a function without arguments that returns a Dataset, found 3"),
        (CLASS + "OPTIMIZERS = {'adam': Adam}\n", "bad.py:3: OPTIMIZERS.adam: adam already exists in adambench; choose another name"),
        (CLASS + "OPTIMIZERS = {'a': Adam}\n", "bad.py:3: OPTIMIZERS.a: Adam is not defined in this file but in adambench.optimizers.adam"),
        (CLASS + "class A(Adam): ...\nOPTIMIZERS = {'a': A}\n", "bad.py:4: OPTIMIZERS.a: must be a frozen dataclass; write @dataclass(frozen=True) above class A"),
        (CLASS + "@dataclass(frozen=True)\nclass A(Adam): ...\nOPTIMIZERS = {'a': A, 'b': A}\n", "bad.py:5: OPTIMIZERS.a: A has two names"),
        (CLASS + "@dataclass(frozen=True)\nclass A(Optimizer): lr: float = 1.0\nOPTIMIZERS = {'a': A}\n", "bad.py:5: OPTIMIZERS.a: A lacks update"),
        (CLASS + "@dataclass(frozen=True)\nclass A(Adam):\n    def update(self, g): ...\nOPTIMIZERS = {'a': A}\n",
         "bad.py:6: OPTIMIZERS.a: A.update must take self, theta, g, slots, tmp, t, lr_scale"),
        (RULE.format("rate: float = 1.0"), "bad.py:7: OPTIMIZERS.a: A needs a field lr"),
        (RULE.format("lr: float"), "bad.py:5: OPTIMIZERS.a.lr: needs a default"),
        (RULE.format("lr: float = 'x'"), "bad.py:5: OPTIMIZERS.a.lr: must be a number, found 'x'"),
        (RULE.format("lr: float = 1.0; mode: str = 'x'"), "bad.py:5: OPTIMIZERS.a.mode: must be a number or true or false"),
        (RULE.format("lr: float = 1.0; clip: int = 10**400"), "bad.py:5: OPTIMIZERS.a.clip: must be at most 1e+300"),
        (RULE.format("lr: float = 1.0; decay: float = 0.1").replace("A(Optimizer)", "A(Decaying)").replace("\n", "\nfrom adambench.optimizers.decay import Decaying\n", 1),
         "bad.py:8: OPTIMIZERS.a: A must not have a field decay: Decaying has something else of that name"),
        (RULE.format("lr: 'Foo' = 1.0"), "bad.py:7: OPTIMIZERS.a: has an annotation that cannot be checked: name 'Foo' is not defined"),
        (RULE.format("lr: Adam = 1.0"), "bad.py:7: OPTIMIZERS.a: has an annotation that cannot be checked: "),
        (RULE.format("lr: float = 1.0\n    def __post_init__(self): ..."), "bad.py:8: OPTIMIZERS.a: A must not define __post_init__"),
        (RULE.format("lr: float = 1.0; λ: float = 0.1"), "bad.py:7: OPTIMIZERS.a: A must not have a field λ: a key of a configuration has at most 64 letters"),
        (RULE.format("lr: float = 1.0; _k: float = 0.1"), "bad.py:7: OPTIMIZERS.a: A must not have a field _k: "),
        ("from adambench.optimizers import OPTIMIZERS\nOPTIMIZERS['mine'] = 3\n",
         "bad.py: changes adambench's own OPTIMIZERS; write a dict of its own: OPTIMIZERS = {'my_name': …}"),
        ("from adambench.optimizers import OPTIMIZERS\nOPTIMIZERS['mine'] = 3\n1 / 0\n", "bad.py:3: ZeroDivisionError"),
        ("from adambench.optimizers import OPTIMIZERS\n", "bad.py: defines none of OPTIMIZERS"),
        (SCHEDULE, "bad.py:8: SCHEDULES.falling: Falling must not have a field decay: Schedule has something else of that name"),
        (RULE.format("lr: float = 1.0") + "REFERENCES = {'b': 'torch.optim.SGD'}\n", "bad.py:8: REFERENCES.b: must give, for a name of OPTIMIZERS"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_plugin_is_told_with_its_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text(text, encoding="utf-8")
    with pytest.raises(AdambenchError) as raised:
        loading.parse("name: x\nplugins:\n  - bad.py\n", "x.yaml")
    assert f"x.yaml:3: plugins: 1st value: {said}" in raised.value.message
    assert "mine" not in OPTIMIZERS


@pytest.mark.parametrize("text", ["1 / 0", "raise SystemExit(0)", "x = ("])
def test_a_package_that_fails_is_told(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of a module is executed to find the module."""
    package = tmp_path / "failing"
    package.mkdir()
    (package / "__init__.py").write_text(text)
    (package / "rules.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AdambenchError, match=r"x\.yaml:3: plugins: 1st value: failing\.rules: its package fails: "):
        loading.parse("name: x\nplugins:\n  - failing.rules\n", "x.yaml")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("bad.py", "x.yaml:2: plugins: must be a list, e.g. [bad.py], found 'bad.py'"),
        ("[nowhere.py]", "x.yaml:2: plugins: 1st value: nowhere.py: no such file; Python files there: good.py"),
        ("[no.such]", "x.yaml:2: plugins: 1st value: no.such: cannot be found: No module named 'no'"),
        ("[no such]", "x.yaml:2: plugins: 1st value: no such: no such file or installed module"),
        ("[3]", "x.yaml:2: plugins: 1st value: must be a mapping (name, sha256), found 3"),
        ("[{name: good.py, sha256: '00'}]", "x.yaml:2: plugins: 1st value: good.py: is not the plug-in that is named here"),
        ("[good.py, good.py]", "x.yaml:2: plugins: 2nd value: good.py: OPTIMIZERS.a: another plug-in has this name"),
    ],
)  # fmt: skip
def test_a_plugin_that_is_not_there(value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.py").write_text(RULE.format("lr: float = 1.0"), encoding="utf-8")
    with pytest.raises(AdambenchError) as raised:
        loading.parse(f"name: x\nplugins: {value}\n", "x.yaml")
    assert any(line.startswith(said) for line in raised.value.message.splitlines()), raised.value.message


def test_hyperparameters_of_a_plugin_are_checked_with_their_line(mine: Path) -> None:
    text = mine.read_text().replace("lr: [0.001, 0.003]", "lr: [0.001, -1], fats: true").replace("every: 1", "every: 0")
    with pytest.raises(AdambenchError) as raised:
        loading.parse(text, "m.yaml", mine.parent)
    assert raised.value.message.splitlines() == [
        "m.yaml:6: problems.own.schedule.every: must be greater than 0, found 0",
        "m.yaml:9: optimizers.signs.fats: unknown. Allowed: lr, fast. Did you mean fast?",
        "m.yaml:9: optimizers.signs.lr: 2nd value: must be greater than 0, found -1",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", "must return a Dataset, found int"),
        ("1 / 0", "rules.py:57: ZeroDivisionError: division by zero"),
        ("d = read_folder(Path('{folder}')); return Dataset(d.test, type(d.test)(d.test.images / 255, d.test.labels), 10, dict())",
         "images must be (n, pixels) and labels (n,), both uint8; found images float64 (200, 784)"),
        (MADE.format("Split(x.tolist(), y)", "Split(x, y)", 3), "train must be a Split of two NumPy arrays, found Split of list and ndarray"),
        (MADE.format("(x, y)", "Split(x, y)", 3), "train must be a Split of two NumPy arrays, found tuple"),
        (MADE.replace("dict()", "dict(), Split(x, y)").format("Split(x, y)", "Split(x, y)", 3), "must have no validation split"),
        (MADE.format("Split(x, y)", "Split(x, y)", "'3'"), "classes must be a whole number above zero, found '3'"),
        (MADE.format("Split(x, y)", "Split(x, y)", 2), "labels must be 0 to 1, found 2"),
        (MADE.format("Split(x, y)", "Split(x[:0], y[:0])", 3), "test holds no images, or images without pixels"),
        (MADE.format("Split(x, y)", "Split(x[:, :5], y)", 3), "all images must have the same size, found 8 pixels in train and 5 in test"),
    ],
)  # fmt: skip
def test_a_wrong_data_set_is_told(body: str, said: str, folder: Path, mine: Path) -> None:
    rules = mine.with_name("rules.py")
    rules.write_text(rules.read_text().replace(f'return read_folder(Path("{folder}"))', body.format(folder=folder)))
    with pytest.raises(AdambenchError) as raised:
        loading.load(mine).dataset.load()
    assert said in raised.value.message


def test_data_sets_are_told_apart_by_their_arrays(mine: Path) -> None:
    """Whatever digests they give; else one would be trained on in place of the other. Strided arrays are copied."""
    rules = mine.with_name("rules.py")
    body = MADE.format("Split(x[:, ::2], y)", "Split(x[:, ::2] // {}, y)", "y.max() + 1")
    more = "".join(f"\n\ndef d{i}() -> Dataset:\n    {body.format(i)}\n" for i in (1, 2, 3))
    rules.write_text(rules.read_text() + more + '\nDATASETS |= {"d1": d1, "d2": d2, "d3": d3, "again": lambda: d1()}\n')
    text = mine.read_text()
    found = {
        name: loading.parse(text.replace("dataset: few", f"dataset: {name}"), "m.yaml", mine.parent).dataset.load()
        for name in ("d1", "d2", "d3", "again")
    }
    assert len({one.sha256 for one in found.values()}) == 3
    assert found["d1"].sha256 == found["again"].sha256
    assert found["d1"].train.images.flags.c_contiguous


def test_a_stored_default_that_is_no_number_is_told(mine: Path, tmp_path: Path) -> None:
    stored = tmp_path / "config.yaml"
    stored.write_text(resolved(loading.load(mine).loaded()[0]))
    for wrong in ("abc", "[1]", "1" + 400 * "0"):
        stored.write_text(
            stored.read_text().replace("lr: 0.001,", f"lr: {wrong},").replace("lr: 0.001\n", f"lr: {wrong}\n")
        )
        with pytest.raises(AdambenchError, match=r"optimizers\.signs\.lr: must be"):
            loading.read(stored)


def test_the_page_leads_from_a_rule_to_a_verdict(folder: Path, command: Command, tmp_path: Path) -> None:
    """docs/extending.md, followed block by block on a folder of images."""
    page = (Path(__file__).parent.parent / "docs/extending.md").read_text(encoding="utf-8")
    rule, reference, schedule = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[:3]
    (tmp_path / "my_rules.py").write_text("\n".join([rule, reference, schedule]), encoding="utf-8")
    (config,) = re.findall(r"^```yaml\n(name: .*?)^```", page, re.MULTILINE | re.DOTALL)
    config = config.replace("dataset: mnist ", f"dataset: {{idx: {folder}}} ").replace(
        "[1e-4, 1e-1, 7]", "[1e-3, 1e-1, 2]"
    )
    config = config.replace("{name: inverse_sqrt, per: epoch}", "{name: my_halving, every: 2}")
    (tmp_path / "mine.yaml").write_text(config, encoding="utf-8")
    checked = command("check", "my_rules.py")
    assert checked.returncode == 0, checked.stdout
    assert "16 checks: 16 passed." in checked.stdout
    assert "my_halving" in checked.stdout
    told = command("explain", "my_signum", "adam", "--plugin", "my_rules.py", "--grads", "1,-2,0.5")
    assert told.returncode == 0, told.stderr
    assert command("run", "mine.yaml", "--jobs", 0, "--no-charts").returncode == 0
    (verdict,) = json.loads(command("claims", "mine", "--format", "json").stdout)
    assert (verdict["n"], verdict["verdict"] in ("reproduced", "contradicted", "inconclusive")) == (5, True)


@pytest.mark.parametrize("jobs", [0, 1])
def test_what_a_model_or_schedule_returns_wrongly_is_told_of_it(
    jobs: int, small: Path, command: Command, tmp_path: Path
) -> None:
    """The exception is then raised in code of ours."""
    text = (
        "from dataclasses import dataclass\nfrom adambench.models.mlp import MLP\n"
        "from adambench.schedules import Constant\n"
        "from adambench.models.logistic import Logistic, SoftmaxRegression\n\n\n"
        "@dataclass(frozen=True)\nclass Scalar(MLP):\n    def build(self, *given, **more):\n"
        "        class Net(type(net := super().build(*given, **more))):\n"
        "            def cost(self, *given):\n                return float(super().cost(*given)[0])\n"
        "        net.__class__ = Net\n        return net\n\n\n"
        "@dataclass(frozen=True)\nclass High(Constant):\n    def factor(self, step, epoch, steps):\n        return 'high'\n\n\n"
        "@dataclass(frozen=True)\nclass Cycle(Constant):\n    def decay(self, step, steps):\n        return 1.0\n\n\n"
        "class Many(SoftmaxRegression):\n    def evaluate(self, images, labels):\n"
        "        loss, wrong = super().evaluate(images, labels)\n        return loss, wrong * 0 + 99\n\n\n"
        "@dataclass(frozen=True)\nclass Counts(Logistic):\n    def build(self, *given, **more):\n"
        "        net = super().build(*given, **more)\n        net.__class__ = Many\n        return net\n\n\n"
        "MODELS = {'scalar': Scalar, 'many': Counts}\nSCHEDULES = {'high': High, 'cycle': Cycle}\n"
    )
    (tmp_path / "mine.py").write_text(text)
    for change, said in (
        ("problems.mlp.model.name=scalar", "mine.py: Net: "),
        ("problems.logistic.schedule=high", "mine.py: High: ValueError: the factor must be a number"),
        (
            "problems.logistic.schedule=cycle",
            "mine.py: Cycle: ValueError: decay must be a number from 0 to below 1, or None",
        ),
        (
            "problems.logistic.model=many",
            "mine.py: Many: ValueError: evaluate must return 0 to 64 wrong labels, found [99",
        ),
    ):
        run = command("run", small, "--plugin", "mine.py", change, f"name=x{jobs}", "--no-charts", "--jobs", jobs)
        assert run.returncode == (1 if jobs else 2)
        assert said in run.stderr
        assert "Traceback" not in run.stderr
        shutil.rmtree(tmp_path / "results")


@pytest.mark.parametrize(
    "line",
    [
        "        theta -= self.lr * undefined",
        "        raise ValueError('no')",
        "        self.cache = 1",
        "        raise SystemExit(0)",
        "        open('/nonexistent')",
    ],
)
def test_an_exception_in_a_rule_is_told_with_its_line(line: str, small: Path, command: Command, tmp_path: Path) -> None:
    """By `check`, by `explain` and by `run`, and never with a traceback."""
    text = (
        "from dataclasses import dataclass\nfrom adambench.optimizers.base import Optimizer\n\n\n@dataclass(frozen=True)\n"
        'class Mine(Optimizer):\n    """Wrong.\n\n    θ ← θ − α·g\n\n    Source: none.\n    """\n\n    lr: float = 0.1\n\n'
        f"    def update(self, theta, g, slots, tmp, t, lr_scale):\n{line}\n\n\nOPTIMIZERS = {{'mine': Mine}}\n"
    )
    (tmp_path / "mine.py").write_text(text)
    place = text.splitlines().index(line) + 1
    checked = command("check", "mine.py")
    assert f"on line {place}: " in " ".join(checked.stdout.split())
    explained = command("explain", "mine", "--plugin", "mine.py")
    assert explained.returncode == 2
    small.write_text(small.read_text().replace("optimizers:\n  nesterov", "optimizers:\n  mine: {lr: 0.1}\n  nesterov"))
    run = command("run", small, "--plugin", tmp_path / "mine.py", "--no-charts")
    assert run.returncode == 1
    for answer in (checked, explained, run):
        assert "Traceback" not in answer.stdout + answer.stderr
    for answer in (explained, run):
        assert f"mine.py:{place}: " in answer.stderr
