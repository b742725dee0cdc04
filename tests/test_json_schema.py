"""The JSON Schema: every configuration of the project is valid, and mistakes are refused by it as by `run`."""

import json
from pathlib import Path

import jsonschema
import pytest

from adambench.config import yamlfile
from adambench.config.json_schema import json_schema
from adambench.config.loading import parse, starter
from adambench.config.names import BUILT_IN
from adambench.config.plugins import registries
from adambench.errors import AdambenchError

TOP = Path(__file__).parent.parent
FILES = sorted([*(TOP / "configs").rglob("*.yaml"), *(TOP / "results" / "paper").glob("*/config.yaml")])
FILE = """\
name: small
dataset: mnist
seeds: [1, 2, 3]
tuning: {seed: 0, metric: train_loss}
problems:
  mlp:
    model: {name: mlp, hidden: [100], dropout: 0.5, weights: {normal: 0.01}}
    schedule: {name: inverse_sqrt, per: step}
    epochs: 2
    batch_size: 64
optimizers:
  adam: {lr: [0.001, 0.01], beta1: 0.9}
  sgd:
  mine: {name: adam, lr: {logspace: [1.0e-4, 1.0e-1, 4]}, bias_correction: [true, false]}
claims:
  - {id: A, sentence: s, quantity: final(adam) / final(sgd), relation: "<", bound: 1}
"""
MISTAKES = [
    ("name: small", "name: a/b"),
    ("name: small\n", ""),
    ("dataset: mnist", "dataset: fashion"),
    ("dataset: mnist", "dataset: {ixd: x}"),
    ("[1, 2, 3]", "[1, two]"),
    ("[1, 2, 3]", "[]"),
    ("[1, 2, 3]", "[-1]"),
    ("metric: train_loss", "metric: loss"),
    ("seed: 0", "sed: 0"),
    ("name: mlp, hidden", "name: cnn, hidden"),
    ("hidden: [100]", "hidden: 100"),
    ("dropout: 0.5", "dropout: 1.5"),
    ("{normal: 0.01}", "{normal: 0}"),
    ("{normal: 0.01}", "xavier"),
    ("per: step", "per: stp"),
    ("epochs: 2", "epochs: 0"),
    ("    epochs: 2\n", ""),
    ("epochs: 2", "epochs: 2\n    sampling: none"),
    ("epochs: 2", "epochs: 2\n    epoch: 2"),
    ("beta1: 0.9", "beta_1: 0.9"),
    ("beta1: 0.9", "beta1: 1.0"),
    ("lr: [0.001, 0.01]", "lr: -0.1"),
    ("lr: [0.001, 0.01]", "lr: []"),
    ("{name: adam, lr", "{name: adma, lr"),
    ("mine: {name: adam, lr", "mine: {lr"),
    ("1.0e-1, 4]", "1.0e-1]"),
    ("[true, false]", "[true, maybe]"),
    ('relation: "<"', "relation: is"),
    ("bound: 1}", "bound: one}"),
    (", bound: 1}", "}"),
]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema(BUILT_IN)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TOP)))
def test_every_configuration_is_valid(file: Path, validator: jsonschema.Draft202012Validator) -> None:
    value, _ = yamlfile.parse(file.read_text(encoding="utf-8"), file.name)
    if plugins := value.get("plugins"):
        validator = jsonschema.Draft202012Validator(
            json_schema(registries([str(file.parent / one) for one in plugins]))
        )
    validator.validate(value)


def test_the_starter_and_the_file_of_this_test_are_valid(validator: jsonschema.Draft202012Validator) -> None:
    for text in (starter("starter.yaml"), FILE):
        validator.validate(yamlfile.parse(text, "x.yaml")[0])
        parse(text, "x.yaml")


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_a_mistake_is_refused_by_both(old: str, new: str, validator: jsonschema.Draft202012Validator) -> None:
    assert FILE.count(old) == 1
    text = FILE.replace(old, new)
    assert not validator.is_valid(yamlfile.parse(text, "x.yaml")[0])
    with pytest.raises(AdambenchError):
        parse(text, "x.yaml")


def test_the_committed_schema_is_that_of_the_package() -> None:
    assert json.loads((TOP / "configs" / "schema.json").read_text(encoding="utf-8")) == json_schema(BUILT_IN), (
        "make it again: adambench schema --output configs/schema.json"
    )


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if "configs" in file.parts and file.name != "reddi.yaml"],
    ids=lambda file: file.name,
)  # reddi.yaml names a data set and a model of its plug-in
def test_an_editor_finds_the_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    assert (
        file.parent / first.removeprefix("# yaml-language-server: $schema=")
    ).resolve() == TOP / "configs/schema.json"
