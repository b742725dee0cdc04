"""The configuration contract: what is valid, and the exact messages about mistakes."""

import re
from pathlib import Path
from typing import Any

import pytest

from adambench.config.loading import load, parse, resolved
from adambench.errors import AdambenchError
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, Adam
from adambench.schedules import InverseSqrt
from tests.conftest import Command

MORE = f"and {len(OPTIMIZERS) - 5} more"
CONTRACT = """\
name: mnist
dataset: mnist
seeds: [1, 2, 3]
tuning: {seed: 0, metric: train_loss}
problems:
  logistic:
    model: {name: logistic, l2: 0.0}
    epochs: 10
    batch_size: 128
    schedule: {name: inverse_sqrt, per: step}
  mlp:
    model: {name: mlp, hidden: [1000, 1000], dropout: 0.5}
    epochs: 5
    batch_size: 128
    optimizers: {adam: {lr: 3e-4}}
optimizers:
  nesterov: {lr: [0.01, 0.1, 1.0], momentum: 0.9}
  adam: {lr: {logspace: [1e-4, 1e-1, 7]}}
  adam_uncorrected: {name: adam, bias_correction: false, lr: 1e-3}
"""


def mistakes(text: str, *overrides: str) -> str:
    with pytest.raises(AdambenchError) as error:
        parse(text, "f.yaml", overrides=overrides)
    return error.value.message


def test_the_contract_example() -> None:
    experiment = parse(CONTRACT, "f.yaml")
    logistic, mlp = experiment.problems
    assert logistic.schedule == InverseSqrt("step")
    assert mlp.model == MLP(hidden=(1000, 1000), dropout=0.5)
    assert (logistic.epochs, mlp.epochs, logistic.seeds) == (10, 5, (1, 2, 3))
    assert [grid.label for grid in logistic.grids] == ["nesterov", "adam", "adam_uncorrected"]
    nesterov, adam, uncorrected = logistic.grids
    assert nesterov.axes == {"lr": (0.01, 0.1, 1.0), "momentum": (0.9,)}
    assert adam.axes["lr"] == (1e-4, 3.162e-4, 1e-3, 3.162e-3, 1e-2, 3.162e-2, 1e-1)
    assert uncorrected.settings == [Adam(lr=1e-3, bias_correction=False)]
    assert mlp.grids[1].settings == [Adam(lr=3e-4)]  # replaced for this problem
    assert mlp.grids[0] == nesterov


def test_resolved_gives_the_same_experiment_back() -> None:
    experiment = parse(CONTRACT, "f.yaml")
    assert parse(resolved(experiment), "g.yaml") == experiment


@pytest.mark.parametrize("name", ["1e-3", "0o7", "true", "null", "12"])
def test_a_name_that_looks_like_a_number_stays_a_name(name: str) -> None:
    experiment = parse(CONTRACT.replace("name: mnist\n", f'name: "{name}"\n'), "f.yaml")
    assert parse(resolved(experiment), "g.yaml") == experiment


def test_a_grid_is_the_product_of_its_axes() -> None:
    text = CONTRACT.replace("momentum: 0.9", "momentum: [0.9, 0.99]")
    settings: Any = parse(text, "f.yaml").problems[0].grids[0].settings
    assert [(s.lr, s.momentum) for s in settings] == [(r, m) for r in (0.01, 0.1, 1.0) for m in (0.9, 0.99)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # the contract's own example
        (
            "adam: {lr: {logspace: [1e-4, 1e-1, 7]}}",
            "adam: {beta_1: 0.9}",
            "f.yaml:18: optimizers.adam.beta_1: unknown. Allowed: lr, beta1, beta2, eps, bias_correction. "
            "Did you mean beta1?",
        ),
        ("seeds: [1, 2, 3]", "sedes: [1]", "f.yaml:3: sedes: unknown. Allowed: name, dataset, seeds, tuning, validation, "
         "evaluate, problems, optimizers, inspect, claims, plugins, judging, search. Did you mean seeds?"),
        ("seeds: [1, 2, 3]", "seeds: [0]", "f.yaml:3: seeds: 0 is the tuning seed; report runs need other seeds, found [0]"),
        ("seeds: [1, 2, 3]", "seeds: [1, 1]", "f.yaml:3: seeds: duplicate seed in [1, 1]"),
        ("seeds: [1, 2, 3]", "seeds: []", "f.yaml:3: seeds: must hold at least one seed, e.g. [1, 2, 3], found []"),
        ("seeds: [1, 2, 3]", "seeds: 3", "f.yaml:3: seeds: must be a list, e.g. [1, 2, 3], found 3"),
        ("seeds: [1, 2, 3]", "seeds: [1.5]", "f.yaml:3: seeds: 1st value: must be a whole number, found 1.5"),
        ("name: mnist\n", "name: ../up\n", "f.yaml:1: name: must be a name of at most 64 letters, digits, _, + or -, "
         "starting with a letter or digit, found '../up'"),
        ("name: mnist\n", "name: 3\n", "f.yaml:1: name: must be a name of at most 64 letters, digits, _, + or -, starting with a letter or digit, found 3. Put it in quotes."),
        ("dataset: mnist", "dataset: minst", "f.yaml:2: dataset: 'minst' is unknown. Allowed: mnist, words. Did you mean mnist? For your own images write {idx: FOLDER}."),
        ("dataset: mnist", "dataset: {name: mnist, idx: x}",
         "f.yaml:2: dataset: must be one of mnist, words, or {idx: FOLDER}, found {name: 'mnist', idx: 'x'}"),
        ("metric: train_loss", "metric: loss",
         "f.yaml:4: tuning.metric: 'loss' is unknown. Allowed: train_loss, test_loss, test_error, validation_loss, "
         "validation_error. Did you mean test_loss?"),
        ("epochs: 10", "epochs: 0", "f.yaml:8: problems.logistic.epochs: must be greater than 0, found 0"),
        ("epochs: 10", "epochs: true", "f.yaml:8: problems.logistic.epochs: must be a whole number, found true"),
        ("    epochs: 10\n", "", "f.yaml:6: problems.logistic: epochs is missing. Allowed: model, epochs, batch_size, "
         "schedule, validation, seeds, optimizers, figure, title, average, clip_norm, sampling, train_images, dataset."),
        ("dropout: 0.5", "weights: hee", "f.yaml:12: problems.mlp.model.weights: 'hee' is unknown. Allowed: he, glorot. Did you mean he? Or {normal: …}."),
        ("dropout: 0.5", "weights: {normal: 0}", "f.yaml:12: problems.mlp.model.weights.normal: must be greater than 0, found 0"),
        ("dropout: 0.5", "weights: {sd: 1}", "f.yaml:12: problems.mlp.model.weights.sd: unknown. Allowed: normal."),
        ("dropout: 0.5", "max_norm: -1", "f.yaml:12: problems.mlp.model.max_norm: must be at least 0, found -1"),
        ("epochs: 10", "epochs: 10\n    sampling: shufle", "f.yaml:9: problems.logistic.sampling: 'shufle' is unknown. Allowed: shuffle, with_replacement. Did you mean shuffle?"),
        ("epochs: 10", "epochs: 10\n    train_images: 0", "f.yaml:9: problems.logistic.train_images: must be greater than 0, found 0"),
        ("per: step", "per: stp", "f.yaml:10: problems.logistic.schedule.per: 'stp' is unknown. Allowed: step, epoch. Did you mean step?"),
        ("name: logistic, l2", "name: logit, l2", "f.yaml:7: problems.logistic.model.name: 'logit' is unknown. Allowed: logistic, mlp, vae. Did you mean logistic?"),
        ("name: logistic, l2: 0.0", "l2: 0.0", "f.yaml:7: problems.logistic.model: name is missing. Allowed: logistic, mlp, vae."),
        ("l2: 0.0", "l2: -1", "f.yaml:7: problems.logistic.model.l2: must be at least 0, found -1"),
        ("dropout: 0.5", "dropout: 1", "f.yaml:12: problems.mlp.model.dropout: must be at most 0.9999, found 1"),
        ("[1000, 1000]", "[1000, 0]", "f.yaml:12: problems.mlp.model.hidden: 2nd value: must be greater than 0, found 0"),
        ("{lr: 3e-4}", "{lr: '3e-4'}", "f.yaml:15: problems.mlp.optimizers.adam.lr: must be a number, found '3e-4'. Remove the quotes."),
        ("lr: 3e-4", "lr: .nan", "f.yaml:15: problems.mlp.optimizers.adam.lr: must be a finite number, found .nan"),
        ("lr: 3e-4", "lr: .inf", "f.yaml:15: problems.mlp.optimizers.adam.lr: must be a finite number, found .inf"),
        ("lr: 3e-4", "lr: true", "f.yaml:15: problems.mlp.optimizers.adam.lr: must be a number, found true"),
        ("lr: 3e-4", "lr: []", "f.yaml:15: problems.mlp.optimizers.adam.lr: a grid axis needs at least one value, found []"),
        ("[0.01, 0.1, 1.0]", "[0.01, 0.01]", "f.yaml:17: optimizers.nesterov.lr: 0.01 is given twice in [0.01, 0.01]"),
        ("[0.01, 0.1, 1.0]", "[0.01, -1]", "f.yaml:17: optimizers.nesterov.lr: 2nd value: must be greater than 0, found -1"),
        ("[1e-4, 1e-1, 7]", "[1e-4, 1e-1]",
         "f.yaml:18: optimizers.adam.lr.logspace: must be [low, high, count], e.g. [0.0001, 0.1, 7], found [0.0001, 0.1]"),
        ("[1e-4, 1e-1, 7]", "[0, 1e-1, 7]", "f.yaml:18: optimizers.adam.lr.logspace: 1st value: must be greater than 0, found 0"),
        ("[1e-4, 1e-1, 7]", "[1e-4, 1e-1, 1000000000000]",
         "f.yaml:18: optimizers.adam.lr.logspace: 3rd value: must be at most 10,000, found 1000000000000"),
        ("logspace", "linspace", "f.yaml:18: optimizers.adam.lr.linspace: unknown. Allowed: logspace, log, uniform. Did you mean logspace? A list is written [0.1, 0.2]."),
        ("{logspace: [1e-4, 1e-1, 7]}", "{0.1, 0.2}", "f.yaml:18: optimizers.adam.lr.0.1: unknown. Allowed: logspace, log, uniform. A list is written [0.1, 0.2]."),
        ("name: adam,", "name: adm,", f"f.yaml:19: optimizers.adam_uncorrected.name: 'adm' is unknown. Allowed: adam, radam, nadam, adamw, adamax {MORE}. Did you mean adam?"),
        ("name: adam, ", "", f"f.yaml:19: optimizers.adam_uncorrected: unknown. Allowed: adam_eps_hat, adagrad, adan, adam, adabelief {MORE}. "
         "A label of your own needs the name of its rule: {name: adam, …}; a rule of your own needs its file under the key plugins."),
        ("bias_correction: false", "bias_correction: 0",
         "f.yaml:19: optimizers.adam_uncorrected.bias_correction: must be true or false, found 0"),
        ("adam_uncorrected:", "adam:", "f.yaml:19: optimizers.adam: is given twice, first on line 18"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_place(old: str, new: str, message: str) -> None:
    assert old in CONTRACT
    assert message in mistakes(CONTRACT.replace(old, new, 1)).splitlines()


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = CONTRACT.replace("epochs: 10", "epochs: 0").replace("per: step", "per: x").replace("seeds:", "seed:")
    lines = [int(line.split(":")[1]) for line in mistakes(text).splitlines()]
    assert len(lines) >= 3
    assert lines == sorted(lines)


def test_a_mistake_hides_no_other_but_claims_on_a_wrong_problem() -> None:
    wrong = ["epochs=3", "dataset=minst", "judging={finl: 3}", "inspect={pionts: 3}", "problems.mlp.epochs=five"]
    wrong += ["claims=[{id: A, problem: mlp, sentence: x, quantity: final(adm), relation: <, bound: 1}]"]
    told = mistakes(CONTRACT, *wrong)
    for key in ("epochs: unknown", "dataset: 'minst'", "judging.finl", "inspect.pionts", "problems.mlp.epochs"):
        assert key in told
    assert "adm" not in told  # of a problem that has a mistake, nothing can be said of its optimizers
    assert "adm: unknown" in mistakes(CONTRACT, *wrong[:4], *wrong[5:])


@pytest.mark.parametrize("optimizers", ["[]", "{}", "3", "{adam: 3}", "{adam: {lr: x}}"])
def test_a_claim_on_problems_without_optimizers_is_no_crash(optimizers: str) -> None:
    claim = "claims=[{id: A, problem: logistic, sentence: x, quantity: '1', relation: <, bound: 1}]"
    assert "optimizers" in mistakes(CONTRACT, f"optimizers={optimizers}", claim)


def test_overrides() -> None:
    experiment = parse(CONTRACT, "f.yaml", overrides=["problems.mlp.epochs=20", "seeds=[7]", "evaluate.train=true"])
    assert experiment.problems[1].epochs == 20
    assert experiment.problems[0].seeds == (7,)
    assert experiment.evaluate.train


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("problems.mlp.hiden=[3]", "model.hidden"),
        ("problems.mlp.per=step", "schedule.per"),
        ("problems.mlp.momentum=0.9", "optimizers.NAME.momentum"),
        ("problems.mlp.learning_rate=1", "optimizers.NAME.lr"),
        ("epochs=3", "problems.NAME.epochs"),
        ("hidden=[3]", "problems.NAME.model.hidden"),
        ("lr=1", "optimizers.NAME.lr"),
        ("metric=test_loss", "tuning.metric"),
        ("final=40", "judging.final"),
        ("seed=3", "seeds"),  # what is allowed here comes first
        ("optimizers.adma.lr=1", "adam"),  # the same letters
        ("problems.mlp.eps=1", "optimizers.NAME.eps"),  # not epochs, which is less like it
        ("problems.mlp.latent=2", "model.latent"),
        ("points=3", "inspect.points"),
        ("nonsense=1", None),
    ],
)
def test_a_key_in_the_wrong_place_is_told_its_own(override: str, place: str | None) -> None:
    found = re.search(r"Did you mean (\S+)\?", mistakes(CONTRACT, override))
    assert (found and found.group(1)) == place


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("problems.mpl.epochs=2", "command line, problems.mpl.epochs=2: problems.mpl: unknown. Allowed: logistic, mlp. "
         "Did you mean mlp?"),
        ("problems.mlp.epoch=2", "command line, problems.mlp.epoch=2: problems.mlp.epoch: unknown. Allowed: model, epochs, "
         "batch_size, schedule, validation, seeds, optimizers, figure, title, average, clip_norm, sampling, train_images, dataset. "
         "Did you mean epochs?"),
        ("problems.mlp.epochs=x", "command line, problems.mlp.epochs=x: problems.mlp.epochs: must be a whole number, found 'x'"),
        ("seeds=[x]", "command line, seeds=[x]: seeds: 1st value: must be a whole number, found 'x'"),
        ("epochs", "command line, epochs: must be KEY=VALUE, for example problems.logistic.epochs=3"),
        ("epochs=", "command line, epochs=: must be KEY=VALUE, for example problems.logistic.epochs=3"),
        ("name.x=1", "command line, name.x=1: name: has no keys, found 'mnist'"),
    ],
)  # fmt: skip
def test_wrong_overrides(override: str, message: str) -> None:
    assert message in mistakes(CONTRACT, override).splitlines()


@pytest.mark.parametrize("words", ["seeds=[7, 8]", "optimizers.adam.lr=0.1", "optimizers={adam: {lr: 0.1}}"])
def test_an_override_that_changes_nothing_is_refused(words: str) -> None:
    """A stored configuration has all keys in its problems, and they go before those of the experiment."""
    stored = resolved(parse(CONTRACT, "f.yaml"))
    with pytest.raises(AdambenchError, match=f"command line, {re.escape(words)}: changes nothing, because") as raised:
        parse(stored, "f.yaml", overrides=[words])
    assert raised.value.hint == f"Change them there, for example problems.logistic.{words}"
    parse(stored, "f.yaml", overrides=[raised.value.hint.partition("example ")[2]])
    parse(CONTRACT, "f.yaml", overrides=[words])
    parse(stored, "f.yaml", overrides=["optimizers={adagrad: {lr: 0.1}}"])  # which none of them has
    problems = "".join(
        f"  {name}: {{model: logistic, epochs: 1, batch_size: 8, optimizers: {{sgd: {{}}}}}}\n" for name in "ab"
    )
    both = f"name: x\ndataset: mnist\nseeds: [1]\nproblems:\n{problems}optimizers: {{adam: {{}}, sgd: {{}}}}\n"
    left = parse(both, "f.yaml", overrides=["optimizers={sgd: {lr: 0.3}}"])  # which takes adam away
    assert [grid.label for grid in left.problems[0].grids] == ["sgd"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: is empty"),
        ('name: "\\UFFFFFFFF"', "f.yaml: cannot be read as YAML: Python int too large to convert to C int"),
        ("- a", "f.yaml:1: must be a mapping (name, dataset, problems, …), found ['a']"),
        ("a: [", "f.yaml:1: a value is missing before the end of the text"),
        ("a: &x [*x]", "f.yaml:1: an alias that contains itself"),
        ("a: !!bool yes", "f.yaml:1: 'yes' cannot be read as true or false"),
        ("a: !!null foo", "f.yaml:1: 'foo' cannot be read as nothing"),
        ("a: !!python/object/apply:os.system [ls]", "f.yaml:1: the tag !!python/object/apply:os.system is not allowed; write plain values without tags"),
        ("a: !!int x", "f.yaml:1: 'x' cannot be read as a whole number"),
        ("? [a]\n: 1", "f.yaml:1: a key must be a word, found a list or a mapping"),
        ("[" * 5000, "f.yaml: nested too deeply"),
        ("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n" + "".join(
            f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 9)),
         "f.yaml:1: more than 200,000 values (aliases count each time they are used)"),
    ],
)  # fmt: skip
def test_what_is_not_plain_yaml_is_refused(text: str, message: str) -> None:
    assert mistakes(text) == message


def test_numbers_are_those_of_yaml_1_2() -> None:
    text = CONTRACT.replace("[0.01, 0.1, 1.0]", "[1e-3, 1E2, .5, 5., 0x10, 0o17, +1.5e+3]")
    assert parse(text, "f.yaml").problems[0].grids[0].axes["lr"] == (0.001, 100, 0.5, 5, 16, 15, 1500)


def test_what_looks_like_a_space_is_stored_in_quotes() -> None:
    experiment = parse(CONTRACT.replace("    epochs: 10\n", '    epochs: 10\n    title: "Softmax\\_"\n', 1), "f.yaml")
    assert experiment.problems[0].title == "Softmax\N{NO-BREAK SPACE}"
    assert parse(resolved(experiment), "g.yaml") == experiment


def test_what_could_not_be_read_again_is_refused_before_anything_is_trained(
    small: Path, command: Command, tmp_path: Path
) -> None:
    odd = tmp_path / "a\N{RIGHT-TO-LEFT MARK}b"
    (tmp_path / "folder").mkdir()
    odd.symlink_to(small.parent)
    images = re.search(r"idx: (.*?)}", small.read_text())
    assert images
    odd.joinpath("images").symlink_to(images.group(1))
    small.write_text(small.read_text().replace(images.group(1), "images"))
    answer = command("run", odd / small.name)
    assert answer.returncode == 2
    assert "small: its configuration could not be read again" in answer.stderr
    assert "a value contains a right-to-left mark (U+200F)" in answer.stderr
    assert not (tmp_path / "results").exists()


def test_a_label_may_be_a_word_that_yaml_1_1_takes_for_a_truth() -> None:
    text = CONTRACT.replace("adam_uncorrected:", "no:")
    assert parse(text, "f.yaml").problems[0].grids[2].label == "no"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x80"])
def test_a_binary_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(data)
    with pytest.raises(AdambenchError, match="not a text file in UTF-8"):
        load(tmp_path / "x.yaml")


def test_a_missing_file_is_refused_with_a_guess(tmp_path: Path) -> None:
    (tmp_path / "mnist.yaml").write_text(CONTRACT)
    with pytest.raises(AdambenchError, match="cannot be read: No such file") as error:
        load(tmp_path / "mnits.yaml")
    assert error.value.hint == f"Did you mean {tmp_path / 'mnist.yaml'}?"
    (tmp_path / "another.yaml").write_text(CONTRACT)
    (tmp_path / "mnits.yaml").symlink_to("nowhere")
    with pytest.raises(AdambenchError) as error:
        load(tmp_path / "mnits.yaml")
    assert error.value.hint == f"Did you mean {tmp_path / 'mnist.yaml'}?"  # and neither itself nor another
    with pytest.raises(AdambenchError, match="a folder, but `run` needs a YAML file"):
        load(tmp_path)


def test_an_idx_folder_is_relative_to_the_file(folder: Path) -> None:
    file = folder / "x.yaml"
    file.write_text(CONTRACT.replace("dataset: mnist", "dataset: {idx: .}"))
    try:
        assert load(file).dataset.idx == str(folder)
    finally:
        file.unlink()


@pytest.mark.parametrize("file", sorted(Path(__file__).parents[1].glob("configs/**/*.yaml")), ids=str)
def test_every_config_of_the_repository_is_right(file: Path) -> None:
    assert load(file).problems
