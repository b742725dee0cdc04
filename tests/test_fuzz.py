"""Hostile input: whatever the bytes, the answer is an experiment or data set, or one AdambenchError."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adambench.config.experiment import Experiment
from adambench.config.loading import load, parse, resolved
from adambench.datasets.idx import header, read_idx
from adambench.errors import AdambenchError
from tests.conftest import Command
from tests.test_config import CONTRACT

fuzz = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["mnist", "adam", "sgd", "logistic", "mlp", "step", "1e-3", "1e3", "0o7", "../x", 10**400, -1, 0, 1e308]
    ),
)
words = ["name", "lr", "adam", "logspace", "mlp", "idx", "hidden", "seeds", "epochs", "x"]
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def answer(text: str) -> None:
    """An Experiment that its own resolved form gives back, or an AdambenchError that says something."""
    said: Experiment | str
    try:
        said = parse(text, "fuzz.yaml")
    except AdambenchError as error:
        said = error.message
    if isinstance(said, Experiment):
        assert parse(resolved(said), "again.yaml") == said
    else:
        assert said.startswith("fuzz.yaml")


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbfname: x")
@fuzz
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "fuzz.yaml").write_bytes(data)
    with contextlib.suppress(AdambenchError):
        load(tmp_path / "fuzz.yaml")


@given(st.text(alphabet="{}[]:,-&*!?|>'\"%@`#~ \n\tab01.e", max_size=60))
@fuzz
def test_any_yaml_like_text(text: str) -> None:
    answer(text)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in nested dicts and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, item in items for place in places(item, (*path, key))]


RIGHT = yaml.safe_load(CONTRACT.replace("1e-", "1.0e-").replace("3e-4", "3.0e-4"))


@given(st.data())
@fuzz
def test_a_right_file_with_anything_in_one_place(data: st.DataObject) -> None:
    mutated = yaml.safe_load(yaml.safe_dump(RIGHT))
    *above, last = data.draw(st.sampled_from([path for path in places(RIGHT) if path]))
    here = mutated
    for key in above:
        here = here[key]
    if data.draw(st.booleans()):
        here[last] = data.draw(values)
    elif isinstance(here, dict):
        here[data.draw(st.text(max_size=4))] = here.pop(last)
    answer(yaml.safe_dump(mutated, allow_unicode=True))


@given(st.text(max_size=8), st.text(max_size=8))
@fuzz
def test_any_override(key: str, value: str) -> None:
    with contextlib.suppress(AdambenchError):
        parse(CONTRACT, "fuzz.yaml", overrides=[f"{key}={value}", f"problems.{key}={value}"])


@given(st.binary(max_size=40), st.integers(0, 40))
@fuzz
def test_any_idx_file(tmp_path: Path, data: bytes, keep: int) -> None:
    path = tmp_path / "file"
    for content in (data, header((2, 3, 2))[:keep] + data, b"\x1f\x8b\x08" + data):
        path.write_bytes(content)
        with contextlib.suppress(AdambenchError):
            read_idx(path, 3)


HOSTILE = {
    "aliases that explode": "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefghijklm", "bcdefghijklmn", strict=True)),
    "a tag that executes": "name: !!python/object/apply:os.system ['touch pwned']",
    "a recursive anchor": "&a [*a]",
    "a recursive mapping": "a: &a {b: *a}",
    "a merge key": CONTRACT.replace("{lr: 3e-4}", "{<<: {lr: 1}}"),
    "nan": CONTRACT.replace("3e-4", ".nan"),
    "a truth for a number": CONTRACT.replace("epochs: 10", "epochs: yes"),
    "duplicate keys": CONTRACT + "name: again\n",
    "a name that climbs out": CONTRACT.replace("name: mnist\n", "name: ../../etc\n"),
    "a label that climbs out": CONTRACT.replace("adam_uncorrected", "../up"),
    "a problem that climbs out": CONTRACT.replace("  mlp:", "  a/b:"),
    "a huge grid": CONTRACT.replace("7]", "1000000000000]"),
    "a huge product": CONTRACT.replace("momentum: 0.9", "momentum: {logspace: [0.001, 0.9, 9999]}"),
    "a huge layer": CONTRACT.replace("[1000, 1000]", "[1000000000000]"),
    "an empty list": CONTRACT.replace("[1, 2, 3]", "[]"),
    "no problems": CONTRACT.split("problems:")[0] + "problems: {}\n",
    "dropout 1": CONTRACT.replace("dropout: 0.5", "dropout: 1.0"),
    "a dropout that no mask can hold": CONTRACT.replace("dropout: 0.5", "dropout: 0.99999"),
    "a path with a zero byte": CONTRACT.replace("dataset: mnist", 'dataset: {idx: "a\\0b"}'),
    "zero epochs": CONTRACT.replace("epochs: 5", "epochs: 0"),
    "seeds that repeat": CONTRACT.replace("[1, 2, 3]", "[1, 1]"),
    "the seed of tuning": CONTRACT.replace("[1, 2, 3]", "[0, 1]"),
    "a negative seed": CONTRACT.replace("[1, 2, 3]", "[-1]"),
    "two documents": CONTRACT + "---\n" + CONTRACT,
    "a control character": CONTRACT + "\x07",
    "a deep nest": "[" * 3000,
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_with_a_place(text: str) -> None:
    with pytest.raises(AdambenchError, match=r"^f\.yaml(:\d+)?: "):
        parse(text, "f.yaml")


@pytest.mark.parametrize("how", ["a tag that executes", "aliases that explode", "a huge grid", "a deep nest"])
def test_the_command_refuses_them_and_writes_nothing(how: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(HOSTILE[how])
    refused = command("run", "f.yaml")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 2
    assert [file.name for file in tmp_path.iterdir()] == ["f.yaml"]
