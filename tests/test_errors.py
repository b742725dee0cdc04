"""Forty mistaken inputs and the exact first line of the answer: place, what was found, what is allowed, the likely fix."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from adambench.cli import main
from adambench.config.loading import load, parse, resolved
from adambench.config.yamlfile import ordinal
from adambench.curve import METRICS
from adambench.datasets import Dataset, read_folder
from adambench.datasets.idx import header
from adambench.errors import AdambenchError, unknown
from adambench.optimizers import OPTIMIZERS
from tests.test_results import PAPER

FILE = """\
name: small
dataset: mnist
seeds: [1, 2, 3]
tuning: {seed: 0}
problems:
  mlp:
    model: {name: mlp, hidden: [100], dropout: 0.5}
    epochs: 2
    batch_size: 64
optimizers:
  adam: {lr: [0.01, 0.1]}
  sgd: {lr: 0.1}
claims:
  - {id: A1, sentence: Adam is lower, quantity: final(adam) - final(sgd), relation: <, bound: 0}
"""
SOME_RULES = f"adam_eps_hat, adamw, adamax, adam, radam and {len(OPTIMIZERS) - 5} more"
ADAM = "lr, beta1, beta2, eps, bias_correction"
PYTHON = re.compile(r"\b(True|False|None|NoneType|dict|tuple|str|int|bool|float|Traceback|pydantic)\b")

EDITED = {  # what is wrong: the words in FILE, what stands there instead, the first line of the answer
    "a data set that is not known": (
        "dataset: mnist", "dataset: fashion_mnist",
        "f.yaml:2: dataset: 'fashion_mnist' is unknown. Allowed: mnist, words. For your own images write {idx: FOLDER}."),
    "a path for a data set": (
        "dataset: mnist", "dataset: data/fashion",
        "f.yaml:2: dataset: 'data/fashion' is unknown. Allowed: mnist, words. For your own images write {idx: data/fashion}."),
    "a misspelt key": (
        "adam: {lr: [0.01, 0.1]}", "adam: {beta_1: 0.9}",
        f"f.yaml:11: optimizers.adam.beta_1: unknown. Allowed: {ADAM}. Did you mean beta1?"),
    "a key of other programs": (
        "adam: {lr: [0.01, 0.1]}", "adam: {learning_rate: 0.01}",
        f"f.yaml:11: optimizers.adam.learning_rate: unknown. Allowed: {ADAM}. Did you mean lr?"),
    "weight decay of an optimizer": (
        "sgd: {lr: 0.1}", "sgd: {lr: 0.1, weight_decay: 0.1}",
        "f.yaml:12: optimizers.sgd.weight_decay: unknown. Allowed: lr. Decoupled decay is a hyper-parameter of sgdw, adamw and other rules. The L2 penalty belongs to the model: "
        "model: {name: mlp, l2: 0.01}."),
    "weight decay of a model": (
        "dropout: 0.5", "weight_decay: 0.5",
        "f.yaml:7: problems.mlp.model.weight_decay: unknown. Allowed: l2, hidden, dropout, input_dropout, weights, max_norm. Did you mean l2?"),
    "a label without its rule": (
        "sgd: {lr: 0.1}", "adam_with_small_steps: {lr: 0.1}",
        f"f.yaml:12: optimizers.adam_with_small_steps: unknown. Allowed: {SOME_RULES}. A label of your own needs the name of its "
        "rule: {name: adam, …}; a rule of your own needs its file under the key plugins."),
    "no space after a colon": (
        "adam: {lr: [0.01, 0.1]}", "adam: {lr:0.01}",
        f"f.yaml:11: optimizers.adam.lr:0.01: unknown. Allowed: {ADAM}. A space is missing after lr."),
    "a word for a metric": (
        "{seed: 0}", "{metric: error}",
        "f.yaml:4: tuning.metric: 'error' is unknown. Allowed: train_loss, test_loss, test_error, validation_loss, validation_error. Did you mean test_error?"),
    "a list item": (
        "[1, 2, 3]", "[1, two]", "f.yaml:3: seeds: 2nd value: must be a whole number, found 'two'"),
    "a list that is text": (
        "[1, 2, 3]", "1, 2, 3", "f.yaml:3: seeds: must be a list, e.g. [1, 2, 3], found '1, 2, 3'"),
    "one layer that is no list": (
        "[100]", "100", "f.yaml:7: problems.mlp.model.hidden: must be a list, e.g. [1000, 1000], found 100"),
    "optimizers in a list": (
        "  adam: {lr: [0.01, 0.1]}\n  sgd: {lr: 0.1}\n", "  - adam\n",
        "f.yaml:10: optimizers: must be a mapping (e.g. {adam: {lr: 0.001}}), found ['adam']"),
    "an optimizer that is a number": (
        "adam: {lr: [0.01, 0.1]}", "adam: 0.01", "f.yaml:11: optimizers.adam: must be a mapping (e.g. {lr: 0.001}), found 0.01"),
    "labels to inspect": (
        "optimizers:\n", "inspect: {optimizers: adam}\noptimizers:\n",
        "f.yaml:10: inspect.optimizers: must be a list, e.g. [adam, nesterov], found 'adam'"),
    "a truth value of YAML 1.1": (
        "optimizers:\n", "evaluate: {train: yes}\noptimizers:\n", "f.yaml:10: evaluate.train: must be true or false, found 'yes'"),
    "values of YAML": (
        "epochs: 2", "epochs: {a: true, b: null}",
        "f.yaml:8: problems.mlp.epochs: must be a whole number, found {a: true, b: null}"),
    "a number in quotes": (
        "epochs: 2", 'epochs: "2"', "f.yaml:8: problems.mlp.epochs: must be a whole number, found '2'. Remove the quotes."),
    "the bound of a claim": (
        "bound: 0", "bound: zero", "f.yaml:14: claims.A1.bound: must be a number, found 'zero'"),
    "the quantity of a claim": (
        "final(adam)", "final(adma)", "f.yaml:14: claims.A1.quantity: adma: unknown. Allowed: adam, sgd. Did you mean adam?"),
    "wrong indentation": (
        "    epochs: 2", "   epochs: 2",
        "f.yaml:8: line 8 is indented by 3 spaces, its neighbours by 4. Keys that belong together start in the same column."),
    "a tab": (
        "    epochs: 2", "\tepochs: 2", "f.yaml:8: line 8 is indented with a tab; YAML allows only spaces"),
    "a missing colon": (
        "epochs: 2", "epochs 2", "f.yaml:8: a colon is missing after epochs, found 'epochs 2'"),
    "a no-break space": (
        "epochs: 2", "epochs:\N{NO-BREAK SPACE}2",
        "f.yaml:8: contains a no-break space (U+00A0); replace it with an ordinary space"),
    "a merge key": (
        "epochs: 2", "<<: {epochs: 2}", "f.yaml:8: merge keys (<<) are not supported; write the keys out"),
    "a tag": (
        "epochs: 2", "epochs: !!python/name:os 2",
        "f.yaml:8: the tag !!python/name:os is not allowed; write plain values without tags"),
    "an open bracket": (
        "[1, 2, 3]", "[1, 2, 3", "f.yaml:3: the list that begins with [ is not closed; add ]"),
    "a missing folder": (
        "dataset: mnist", "dataset: {idx: data/fashoin}", "f.yaml:2: dataset: {here}/data/fashoin: no such folder; {here}/data holds fashion/"),
    "a folder without the files": (
        "dataset: mnist", "dataset: {idx: data/fashion}",
        "f.yaml:2: dataset: {here}/data/fashion: has no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz; it holds images.zip, notes.txt"),
    "a batch larger than the data set": (
        "batch_size: 64", "batch_size: 60001",
        "f.yaml:9: problems.mlp.batch_size: must be at most 60,000, the number of training images, found 60001"),
}  # fmt: skip

COMMANDS = {  # what is wrong: the command, the first line of the answer
    "an override out of range": (
        "run f.yaml problems.mlp.epochs=0",
        "command line, problems.mlp.epochs=0: problems.mlp.epochs: must be greater than 0, found 0"),
    "an override that is no list": (
        "run f.yaml seeds=3", "command line, seeds=3: seeds: must be a list, e.g. [1, 2, 3], found 3"),
    "an override that is not YAML": (
        "run f.yaml seeds=[1", "command line, seeds=[1: the list that begins with [ is not closed; add ]"),
    "an override that loses a key": (
        "run f.yaml problems.mlp.model={hidden: [9]}",
        "command line, problems.mlp.model={hidden: [9]}: problems.mlp.model: name is missing. Allowed: logistic, mlp, vae."),
    "an override that breaks another key": (
        "run f.yaml tuning.seed=2",
        "command line, tuning.seed=2: seeds: 2 is the tuning seed; report runs need other seeds, found [1, 2, 3]"),
    "an override below a word": (
        "run f.yaml dataset.idx=data",
        "command line, dataset.idx=data: dataset: has no keys, found 'mnist'. Instead: dataset={idx: …}"),
    "an experiment for --results": (
        "table --results results/mnist",
        "results/mnist: the folder of one experiment, but --results takes the folder that contains it"),
    "a path for an experiment": (
        "table results/mnist", "results/mnist: a path, but `table` takes the name of an experiment"),
    "results for a configuration": (
        "run results/mnist", "results/mnist: the results folder of an experiment, but `run` needs a YAML file"),
    "a setting that is not a number": (
        "explain adam lr=fast", "command line, lr=fast: lr: must be a number, found 'fast'"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with results and with a folder of data that is no data set."""
    monkeypatch.chdir(tmp_path)
    for name in ("results/mnist/config.yaml", "data/fashion/images.zip", "data/fashion/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def answer(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the command says of a mistake: lines on standard error, nothing else, exit code 2, no word of Python's."""
    monkeypatch.setattr(sys, "argv", ["adambench", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert not PYTHON.search(said.err), said.err
    return said.err.splitlines()


def test_there_are_forty() -> None:
    assert len(EDITED) + len(COMMANDS) == 40


@pytest.mark.parametrize(("old", "new", "message"), EDITED.values(), ids=EDITED)
def test_a_mistaken_file(
    old: str, new: str, message: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert FILE.count(old) == 1
    Path("f.yaml").write_text(FILE.replace(old, new), encoding="utf-8")
    first, *_ = answer(["run", "f.yaml", "--jobs", "1"], monkeypatch, capsys)
    assert first == message.replace("{here}", str(here))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: small", " name: small", "2: line 2 is indented by 0 spaces, the line above by 1. "
         "Keys that belong together start in the same column."),
        ("name: small", "name: &", "1: a value that begins with & or * must be in quotes"),
        ("name: small", "name: @small", "1: a value cannot begin with @; put it in quotes"),
        ("name: small", "name: *small", "1: the alias *small stands for nothing: there is no &small before it"),
        ("name: small", "name: - small", "1: a list item (-) must begin on a line of its own"),
        ("name: small", "name: 'small", "1: a text that begins with a quotation mark is not closed; "
         "add the same mark at its end"),
        ("name: small", 'name: "s" mall', "1: text after the end of a value, found 'name: \"s\" mall'"),
        ("name: small", "name small", "1: a colon is missing after name, found 'name small'"),
        ("name: small", "name:small", "1: a space is missing after the colon of name"),
        ("name: small", "name: a: b", "1: a value that contains a colon must be in quotes, found 'name: a: b'"),
        ("name: small", "name: \N{NO-BREAK SPACE}small", "1: a value begins or ends with a no-break space (U+00A0); "
         "replace it with an ordinary space"),
        ("name: small", "na\N{ZERO WIDTH SPACE}me: small", "1: a key contains a zero width space (U+200B); remove it"),
        ("name: small", "name: sm\aall", "1: contains a control character (U+0007), which YAML does not allow; remove it"),
        ("problems:", "problems", "5: a colon is missing after problems, found 'problems'"),
        ("[1, 2, 3]", "[1, 2, 3]]", "3: a closing ] without its opening ["),
        ("[1, 2, 3]", "[1, , 3]", "3: a value is missing before ','"),
        ("{seed: 0}", "{seed: 0 metric: train_loss}", "4: a comma is missing in the mapping that begins with {"),
        ("  mlp:\n", "  - mlp\n  mlp:\n", "7: keys and list items (-) are mixed; a list is the value of a key of its own"),
        ("dataset: mnist", 'dataset: {idx: "C:\\data"}', "2: a backslash in double quotes has a special meaning; "
         "use single quotes"),
        ("optimizers:", "---\noptimizers:", "10: a second document begins (---); a file holds one experiment"),
    ],
)  # fmt: skip
def test_text_that_is_not_yaml(old: str, new: str, message: str) -> None:
    assert FILE.count(old) == 1
    with pytest.raises(AdambenchError) as error:
        parse(FILE.replace(old, new), "f.yaml")
    assert error.value.message == f"f.yaml:{message}"


@pytest.mark.parametrize(("command", "message"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.usefixtures("here")
def test_a_mistaken_command(
    command: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("f.yaml").write_text(FILE, encoding="utf-8")
    words = command.split(" ", 2) if command.startswith("run") else command.split()
    first, *_ = answer(words, monkeypatch, capsys)
    assert first == message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("plot --metric=train_los", f"--metric: 'train_los' is {unknown('train_los', METRICS)}"),
        ("table --format xml", "--format: 'xml' is unknown. Allowed: text, markdown, csv, json, latex, html."),
        ("run f.yaml --jobs many", "--jobs: must be a whole number, found many"),
        ("run f.yaml --jobs -3", "--jobs: must be at least 0, found -3"),
        ("plot --width two", "--width: must be a number, found two"),
        ("run", "CONFIG: is missing"),
        ("tabel", "No such command 'tabel'. Did you mean 'table'?"),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_mistaken_option(
    command: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, hint = answer(command.split(), monkeypatch, capsys)
    assert first == message
    assert hint.endswith(" --help` tells what it takes.")


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        ("table --results results/mnist", "table mnist"),
        ("table --format csv --results=results/mnist", "table mnist --format csv"),
        ("run f.yaml --results results/mnist", "run f.yaml"),
        ("fairness other/mnist/", "fairness mnist --results other"),
        ("plot other", "plot --results other"),
        ("plot ./other", "plot --results other"),
        ("show 3f2a --results other/mnist", "show 3f2a --results other"),
        ("run other/mnist", "run other/mnist/config.yaml --results other"),
        ("run results/mnist", "run results/mnist/config.yaml"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_right_command_is_given(
    command: str, fix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other/mnist").mkdir(parents=True)
    Path("other/mnist/config.yaml").touch()
    *_, hint = answer(command.split(), monkeypatch, capsys)
    assert hint in (f"Try: adambench {fix}", "other is a folder of experiments: use --results other.")


@pytest.mark.parametrize("place", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("form", ["{}", "{}.gz", "dotted"])
def test_files_as_they_are_distributed_just_work(place: str, form: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        name = file.name.replace("-idx", ".idx") if form == "dotted" else form.format(file.name)
        (tmp_path / place / name).write_bytes(file.read_bytes())
    assert read_folder(tmp_path).sha256 == read_folder(folder).sha256


def test_home_and_environment_variables_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    for path, expanded in (("~/x", "x"), ("$DATA/x", "data/x"), ("${DATA}", "data")):
        experiment = parse(FILE.replace("dataset: mnist", f'dataset: {{idx: "{path}"}}'), "f.yaml")
        assert experiment.dataset.idx == str(tmp_path / expanded)
        assert parse(resolved(experiment), "again.yaml") == experiment
    with pytest.raises(AdambenchError, match="no such folder") as error:
        read_folder(tmp_path / "$NOT_SET")
    assert error.value.hint == "The environment variable NOT_SET is not set."


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2, 3] * 200, "label 0 never occurs: training labels must be 0 to k − 1, each at least once, found 1 to 3"),
        ([0, 1, 3] * 200, "label 2 never occurs: training labels must be 0 to k − 1, each at least once, found 0 to 3"),
    ],
)
def test_labels_run_from_zero_without_gaps(folder: Path, tmp_path: Path, labels: list[int], message: str) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(header((600,)) + np.array(labels, np.uint8).tobytes())
    with pytest.raises(AdambenchError, match=re.escape(message)):
        read_folder(tmp_path)


def test_a_large_batch_is_refused_by_run_alone(
    small: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Older configurations with one still load, so that their records can be read, and keep their ids."""
    monkeypatch.chdir(small.parent)
    text = small.read_text(encoding="utf-8").replace("    batch_size: 64\n    optim", "    batch_size: 1000\n    optim")
    small.write_text(text, encoding="utf-8")
    assert load(small).problems[1].batch_size == 1000
    first, *_ = answer(["run", "small.yaml"], monkeypatch, capsys)
    found = f"must be at most {len(dataset.train.labels)}, the number of training images, found 1000"
    assert first == f"small.yaml:13: problems.mlp.batch_size: {found}"
    words = ["run", "small.yaml", "problems.mlp.batch_size=601"]
    assert answer(words, monkeypatch, capsys)[0].startswith("command line, problems.mlp.batch_size=601: problems.mlp.")


def test_committed_configurations_are_unchanged_by_reading_them() -> None:
    for config in PAPER.glob("*/config.yaml"):
        assert resolved(load(config)) == config.read_text(encoding="utf-8"), os.fspath(config)


def test_long_lists_of_allowed_names_are_cut() -> None:
    names = [f"run{i:02}" for i in range(40)]
    assert unknown("ADAM", ["sgd", "adan", "adam"]) == "unknown. Allowed: sgd, adan, adam. Did you mean adam?"
    assert (
        unknown("run7", names) == "unknown. Allowed: run37, run27, run17, run07, run39 and 35 more. Did you mean run37?"
    )


def test_ordinals() -> None:
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 111]
    assert [ordinal(n) for n in numbers] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "22nd",
        "111th",
    ]
