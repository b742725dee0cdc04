"""Two experiments against each other: ratios by seed, what differs, and what is refused."""

import math

import pytest

from adambench.api import Results
from adambench.cli import app
from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.judge import reading
from adambench.judge.analysis import Interval
from adambench.judge.inference import evidence
from adambench.judge.pairing import Comparison, Side, compare
from adambench.show import comparing
from adambench.show.table import RENDERERS
from tests.test_results import PAPER

TEXT = """\
name: {name}
dataset: {dataset}
seeds: {seeds}
problems:
  {problem}: {{model: {model}, epochs: {epochs}, batch_size: 8}}
optimizers: {{{optimizers}}}
"""
PLAIN = {
    "name": "x",
    "dataset": "{name: mnist, sha256: " + "a" * 64 + "}",
    "seeds": "[1, 2, 3]",
    "problem": "a",
    "model": "logistic",
    "epochs": "1",
    "optimizers": "adam: {lr: 0.1}",
}
MINE, THEIRS = [0.9, 1.1, 1.3], [1.0, 1.2, 1.5]


def side(finals: dict[str, list[float]], name: str = "mine", **changes: str) -> Side:
    """An experiment whose optimizers have these final training costs, seed by seed; nan: diverged."""
    entries = plan.entries(parse(TEXT.format(**{**PLAIN, **changes}), "x.yaml"))
    curves: dict[str, Curve] = {}
    for entry in entries:
        for run, loss in zip(entry.report({}), finals.get(entry.grid.label, []), strict=False):
            curves[run.id] = [Evaluation(1, train_loss=loss, test_loss=2 * loss, diverged=math.isnan(loss))]
    return Side(name, entries, curves)


def against(mine: list[float], theirs: list[float], **changes: str) -> Comparison:
    return compare(side({"adam": mine}), side({"adam": theirs}, "theirs", **changes))


def test_a_ratio_is_that_of_claims_seed_by_seed() -> None:
    (pair,) = against(MINE, THEIRS).pairs
    assert pair.ratios == pytest.approx({1: 0.9, 2: 1.1 / 1.2, 3: 1.3 / 1.5})
    assert pair.interval == Interval.of(list(pair.ratios.values()), log=True)
    assert pair.chance == evidence([math.log(ratio) for ratio in pair.ratios.values()], "<", [0]).right
    assert (pair.finals[0].mean, pair.finals[1].n, pair.decided, pair.equal) == (1.1, 3, True, False)


def test_only_the_seeds_that_both_have_are_compared() -> None:
    found = against(MINE, [1.2, 1.5, 7.0], seeds="[2, 3, 9]")
    assert list(found.pairs[0].ratios) == [2, 3]
    assert found.pairs[0].ratios[2] == pytest.approx(1.1 / 1.2)
    assert found.pairs[0].differs == {"seeds": ("1, 2, 3", "2, 3, 9")}


def test_p_values_are_corrected_for_the_number_of_pairs() -> None:
    both = "adam: {lr: 0.1}, sgd: {lr: 0.1}"
    mine = side({"adam": MINE, "sgd": MINE}, optimizers=both)
    theirs = side({"adam": THEIRS, "sgd": THEIRS}, "theirs", optimizers=both)
    alone = against(MINE, THEIRS).pairs[0].chance
    assert [pair.chance for pair in compare(mine, theirs).pairs] == [2 * alone, 2 * alone]


def test_labels_and_problems_that_differ_can_be_paired() -> None:
    mine = side({"new": MINE}, optimizers="new: {name: adam, lr: 0.2}")
    theirs = side({"adam": THEIRS}, "theirs", problem="b")
    (pair,) = compare(mine, theirs, labels=[("new", "adam")], problems=[("a", "b")]).pairs
    assert (pair.label, pair.problem, pair.differs) == (("new", "adam"), ("a", "b"), {})
    with pytest.raises(AdambenchError, match=r"^--pair nwe=adam: nwe: unknown.*Did you mean new"):
        compare(mine, theirs, labels=[("nwe", "adam")], problems=[("a", "b")])
    with pytest.raises(AdambenchError, match=r"^--problem a=c: c: unknown"):
        compare(mine, theirs, problems=[("a", "c")])


def test_of_an_experiment_beside_itself_only_the_named_pairs_are_compared() -> None:
    mine = side({"adam": MINE, "sgd": THEIRS}, optimizers="adam: {lr: 0.1}, sgd: {lr: 0.1}")
    found = compare(mine, mine, labels=[("adam", "sgd")])
    assert [pair.label for pair in found.pairs] == [("adam", "sgd")]
    assert not found.left_out
    assert reading.comparison(found)[0].startswith(
        "The first ends at a lower training cost than the second: on a adam = sgd"
    )
    with pytest.raises(AdambenchError, match="the same experiment twice"):
        compare(mine, mine)


def test_the_same_word_twice_is_the_same_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "sparse", "sparse", "--results", str(PAPER), "--format", "csv"]
    app([*words, "--pair", "adam=adagrad"], standalone_mode=False)
    assert capsys.readouterr().out.count("\n") == 3  # a header, and a row for each problem
    for more, said in (([], "the same experiment twice"), (["--pair", "adam=adam"], "no two different optimizers")):
        with pytest.raises(AdambenchError, match=said):
            app([*words, *more], standalone_mode=False)


def test_what_differs_in_the_protocols_is_told() -> None:
    changes = {"epochs": "2", "model": "{name: logistic, l2: 0.1}", "optimizers": "adam: {name: sgd}"}
    found = against(MINE, THEIRS, **changes)
    (pair,) = found.pairs
    assert pair.differs == {
        "model": ("name=logistic l2=0.0", "name=logistic l2=0.1"),
        "epochs": ("1", "2"),
        "rule": ("adam", "sgd"),
    }
    assert "The protocols differ in model, epochs and rule." in " ".join(reading.comparison(found))
    table = comparing.comparison(found)[1]
    assert ["a", "optimizers.adam", "adam", "sgd"] in table.cells
    assert against(MINE, THEIRS).pairs[0].differs == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": "{name: mnist, sha256: " + "b" * 64 + "}"}, "a: dataset: another one"),
        ({"model": "{name: mlp, hidden: [4]}"}, r"a: model: another one \(logistic, mlp\)"),
        ({"seeds": "[7, 8, 9]"}, "a, adam: seeds: none in common, found 1, 2, 3 and 7, 8, 9"),
        ({"optimizers": "sgd: {}"}, "a: optimizers: no common label, found adam and sgd"),
        ({"problem": "b"}, "problems: no common name, found a and b"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_field(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(AdambenchError, match=f"mine and theirs: nothing to compare\n{reason}"):
        compare(side({"adam": MINE}), side({"adam": THEIRS, "sgd": THEIRS}, "theirs", **changes))


def test_a_metric_that_one_of_them_lacks() -> None:
    mine, theirs = side({"adam": MINE}), side({"adam": THEIRS}, "theirs")
    with pytest.raises(AdambenchError, match="a, adam: mine: validation_loss: not measured"):
        compare(mine, theirs, "validation_loss")
    with pytest.raises(AdambenchError, match="theirs: no finished report run"):
        compare(mine, side({}, "theirs"))
    with pytest.raises(AdambenchError, match="losss: unknown"):
        compare(mine, theirs, "losss")
    assert compare(mine, theirs, "test_loss").pairs[0].finals[0].mean == pytest.approx(2.2)


def test_values_below_zero_have_no_ratio() -> None:
    with pytest.raises(AdambenchError, match="train_loss: below zero, where a ratio says nothing"):
        against([-2.0, -2.1, -2.2], [-1.0, -1.1, -1.2])


def test_one_that_is_left_out_does_not_stop_the_others() -> None:
    two = "adam: {}, sgd: {}"
    found = compare(side({"adam": MINE}, optimizers=two), side({"adam": THEIRS, "sgd": MINE}, "b", optimizers=two))
    assert [pair.label for pair in found.pairs] == [("adam", "adam")]
    assert found.left_out == ["a, sgd: mine: no finished report run"]


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        (MINE, THEIRS, "mine ends at a lower training cost than theirs: on a adam (10.6 % below)."),
        (THEIRS, MINE, "mine ends at a higher training cost than theirs: on a adam (11.8 % above)."),
        ([1, 1, 4], [1, 2, 1], "Chance could explain the difference: on a adam (26.0 % above)."),
        (MINE, MINE, "Equal: on a adam."),
        ([1], [2], "No test, for lack of seeds or of values that are finite: on a adam (50.0 % below)."),
        ([1, math.nan, 1], MINE, "No test, for lack of seeds or of values that are finite: on a adam."),
        ([math.nan] * 3, MINE, "Chance could explain the difference: on a adam."),  # that three of three diverge
        ([math.nan] * 3, [math.nan] * 3, "Equal: on a adam."),
    ],
)
def test_what_it_says(mine: list[float], theirs: list[float], said: str) -> None:
    found = against(mine, theirs)
    assert reading.comparison(found) == [said]
    assert said in RENDERERS["markdown"](comparing.comparison(found))


def test_budgets_that_differ_are_told() -> None:
    searched = side({"adam": THEIRS}, "theirs", optimizers="adam: {lr: [0.1, 0.2]}")
    for entry in searched.entries:
        curves = {run.id: [Evaluation(1, train_loss=run.hyperparameters["lr"])] for run in entry.candidates}
        searched.curves.update(curves)  # type: ignore[attr-defined]
        searched.curves.update(  # type: ignore[attr-defined]
            {run.id: [Evaluation(1, train_loss=1.0)] for run in entry.report(curves)}
        )
    found = compare(side({"adam": MINE}), searched)
    assert "The budgets differ" in reading.comparison(found)[-1]
    assert comparing.comparison(found)[0].cells[0][-1] == "1, 2"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`sparse` of the reference results against itself, by its name and by its path."""
    app(["compare", "sparse", str(PAPER / "sparse"), "--results", str(PAPER)], standalone_mode=False)
    assert f"sparse against {PAPER / 'sparse'}: final training cost (nats), seed by seed" in capsys.readouterr().out


@pytest.mark.parametrize("format_", RENDERERS)
def test_every_format(format_: str) -> None:
    out = RENDERERS[format_](comparing.comparison(against(MINE, THEIRS, epochs="2")))
    assert ("0.894201403" if format_ in ("csv", "json") else "0.8942") in out
    assert ("epochs: 1; 2" if format_ in ("csv", "json") else "What differs in the protocols") in out


def test_in_python_and_for_programs() -> None:
    results = Results.load(PAPER / "sparse")
    rows = results.compare(Results.load(PAPER / "sparse"))
    assert {row["ratio"] for row in rows} == {1.0}
    assert rows[0]["one"] == rows[0]["other"] == "sparse"
    assert rows[0]["p"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([PAPER, PAPER / "sparse"], "a folder of experiments, and one is needed"),
        ([PAPER / "none", PAPER / "sparse"], "none: not the results folder of an experiment"),
        ([PAPER / "inside", PAPER / "sparse"], "nothing to compare\n"),
        ([PAPER / "sparse", PAPER / "sparse", "--pair", "adam"], "--pair adam: must be MINE=THEIRS"),
    ],
)
def test_mistakes_on_the_command_line(words: list[object], said: str) -> None:
    with pytest.raises(AdambenchError) as raised:
        app(["compare", *map(str, words)], standalone_mode=False)
    assert said in raised.value.message
    assert raised.value.exit_code == 2
