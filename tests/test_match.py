"""Which settings come nearest to a curve: planted curves are found, with their offset, jitter and shift."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adambench import paper
from adambench.cli import app
from adambench.config import shown
from adambench.config.loading import load, parse
from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.judge.match import Candidate, Match, Target, candidates, jitter, match
from adambench.session import Session
from adambench.show import charts, matching
from adambench.show.table import RENDERERS
from adambench.store.folder import Folder
from tests.conftest import Command
from tests.test_results import PAPER

EPOCHS = np.arange(1.0, 41.0)


def cost(rate: float, epochs: np.ndarray = EPOCHS) -> np.ndarray:
    return 0.2 + 1 / (1 + rate * epochs)


def candidate(rate: float, rule: str = "adam", length: int = 40) -> Candidate:
    return Candidate(
        "x", "a", rule, f"lr={rate}", f"{rule} {rate}", (cost(rate)[:length],), (f"{rule} {rate} {length}",)
    )


GRID = [*(candidate(rate) for rate in (0.1, 0.3, 1.0, 3.0)), candidate(0.32, "sgd")]


def planted(factor: float = 1.0, noise: float = 0.0, late: float = 0.0, rule: str | None = "adam") -> Match:
    """The best matches of the curve of rate .3, changed a little, from epoch 5 on."""
    epochs = EPOCHS[4:]
    jitters = np.random.default_rng(0).normal(0, noise, len(epochs)) if noise else 0.0
    return match(Target("planted", epochs, factor * cost(0.3, epochs - late) * np.exp(jitters), rule), GRID)


def test_a_planted_curve_is_found() -> None:
    found = planted()
    assert [fit.candidate.setting for fit in found.fits[:2]] == ["lr=0.3", "lr=1.0"]
    best = found.fits[0]
    assert (best.rms, best.mean, best.jitter < 1e-3, best.shift, best.epochs) == (0, 0, True, 0, 36)
    assert (found.compared, found.chance) == (4, 0)


def test_offset_jitter_and_shift_are_measured() -> None:
    (best, *_) = planted(factor=1.02).fits
    assert [best.mean, best.rms] == pytest.approx([-math.log(1.02), math.log(1.02)])
    noisy = planted(noise=0.01)
    assert noisy.fits[0].rms == pytest.approx(0.01, rel=0.3)
    assert noisy.fits[0].residual_jitter == pytest.approx(noisy.jitter, rel=0.1)
    assert [planted(late=late).fits[0].shift for late in (-1.25, 0.0, 2.0)] == [-1.25, 0.0, 2.0]


def test_jitter_is_that_of_the_noise_not_of_the_trend() -> None:
    x = np.arange(4000)
    noise = np.random.default_rng(1).normal(0, 0.02, len(x))
    assert jitter(5 - 0.001 * x + noise) == pytest.approx(0.02, rel=0.05)
    assert math.isnan(jitter(np.array([1.0, 2.0])))


def test_a_setting_is_no_rival_of_itself() -> None:
    """Its tuning run may be shorter than its report runs, and two experiments may have it."""
    again = [replace(one, experiment="y", costs=(one.costs[0][:38] * 1.001,), runs=(one.setting,)) for one in GRID]
    twice = match(Target("planted", EPOCHS[4:30], 1.02 * cost(0.3, EPOCHS[4:30]), "adam"), [*GRID, *again])
    assert len(twice.fits) == 8
    assert (twice.compared, twice.chance) == (4, 0)
    same = match(Target("planted", EPOCHS, cost(0.3), "adam"), [*GRID, *(replace(one, experiment="y") for one in GRID)])
    assert [fit.candidate.experiment for fit in same.fits] == ["x"] * 4  # the same runs take one place


def test_a_rule_is_compared_with_its_own_settings_only() -> None:
    assert planted(rule="sgd").fits[0].candidate.rule == "sgd"
    assert math.isnan(planted(rule="sgd").chance)  # one setting has no other
    assert len(planted(rule=None).fits) == 5
    assert not planted(rule="adagrad").fits


def test_the_share_of_settings_that_have_another_one_as_near() -> None:
    """With a tolerance above the distance of .3 from .32, but below all others, two of five have a twin."""
    assert planted(factor=1.0001, rule=None).chance == 0
    assert planted(factor=1.05, rule=None).chance == 2 / 5


def test_shorter_runs_are_compared_where_they_are() -> None:
    target = Target("t", EPOCHS, cost(0.3))
    (fit,) = match(target, [candidate(0.3, length=10)]).fits
    assert (fit.epochs, fit.rms) == (10, 0)
    assert not match(Target("late", EPOCHS[20:], cost(0.3)[20:]), [candidate(0.3, length=22)]).fits


TEXT = """\
name: x
dataset: mnist
seeds: [1, 2]
problems: {a: {model: logistic, epochs: 3, batch_size: 8}, b: {model: logistic, epochs: 4, batch_size: 8}}
optimizers: {adam: {lr: [0.1, 0.2], beta1: [0.8, 0.9]}, sgd: {lr: 1}}
"""


def test_candidates_are_the_settings_of_all_problems_with_all_their_runs() -> None:
    entries = plan.entries(parse(TEXT, "x.yaml"))
    curves: dict[str, Curve] = {}

    def run(lr: float, length: int) -> Curve:
        lost = lr == 0.2
        return [
            Evaluation(i + 1, train_loss=math.nan if lost and i else lr, diverged=lost and i > 0) for i in range(length)
        ]

    for _ in range(2):  # the report runs are known once the tuning runs are
        curves |= {r.id: run(r.hyperparameters["lr"], r.epochs) for r in plan.runs(entries, curves)}
    found = candidates("x", entries, curves)
    told = [(c.problem, c.setting, len(c.costs), c.length) for c in found]
    assert told == [
        ("a", "lr=0.1 beta1=0.8", 3, 3),  # tuned, and reported on two seeds
        ("a", "lr=0.1 beta1=0.9", 1, 3),
        ("a", "lr=1", 2, 3),
        ("b", "lr=0.1 beta1=0.8", 3, 4),
        ("b", "lr=0.1 beta1=0.9", 1, 4),
        ("b", "lr=1", 2, 4),
    ]
    chosen = [(c.problem, c.setting, len(c.costs)) for c in candidates("x", entries, curves, tuned=True)]
    assert chosen == [
        ("a", "lr=0.1 beta1=0.8", 2),  # what the search chose, without the run that chose it
        ("a", "lr=1", 2),
        ("b", "lr=0.1 beta1=0.8", 2),
        ("b", "lr=1", 2),
    ]


@pytest.mark.parametrize(
    ("rule", "problem", "setting", "rms", "mean"),
    [  # what docs/reproduction.md says of figure 1
        ("adagrad", "constant", "lr=0.001", 0.0225, -0.0220),
        ("nesterov", "constant", "lr=0.01 momentum=0.9", 0.0227, -0.0208),
        ("adam", "epoch", "lr=0.001", 0.0183, -0.0159),
    ],
)
def test_the_nearest_settings_of_figure_1(rule: str, problem: str, setting: str, rms: float, mean: float) -> None:
    folder = Folder(PAPER, "figure1")
    session = Session.open(load(folder.config), folder, pytest.fail)
    found = match(Target.of(rule, paper.curves("1-left")[rule], rule), session.candidates("1-left"))
    best = found.fits[0]
    assert (best.candidate.problem, best.candidate.setting) == (problem, setting)
    assert [best.rms, best.mean] == pytest.approx([rms, mean], abs=5e-5)
    assert found.compared == (231 if rule == "nesterov" else 27)


def test_the_table_in_every_format_and_the_chart() -> None:
    found = [planted(factor=1.02), match(Target("none", EPOCHS, cost(1), "adagrad"), GRID)]
    titles = {"x, a": "x, a: A network.", "x, b": "x, b: Another, which no row names."}
    table = matching.matches(found, 2, titles)
    assert len(table.rows) == 2
    for render in RENDERERS.values():
        assert "planted" in render([table])
    free = matching.matches([match(Target("any", EPOCHS, cost(1)), GRID)], 1, titles)
    assert "| any | 1 | x, a | adam lr=" in RENDERERS["markdown"]([free])  # of whichever rule
    assert "| planted | 1 | x, a | adam lr=0.3 | 1 | 36 of 36 | 1.98 % | -1.98 % | " in RENDERERS["markdown"]([table])
    assert table.notes[:2] == [
        "planted: nearest of 4 settings. 0 % of them lie as near to another setting as this one to the curve.",
        "none: no setting to compare.",
    ]
    assert table.notes[2] == "x, a: A network."  # what the problem is
    assert not any("Another" in note for note in table.notes)
    figure = charts.matching(found, titles)
    assert figure is not None
    (axes,) = figure.axes
    target, best, *_ = axes.get_lines()
    assert (np.asarray(target.get_xdata()) == EPOCHS[4:]).all()
    assert np.asarray(best.get_ydata()) == pytest.approx(cost(0.3))
    assert best.get_color() == "#bf3c42"  # Adam's, as in all charts
    curves = [np.asarray(line.get_ydata(), float) for line in axes.get_lines()]
    assert axes.get_ylim()[0] < min(one.min() for one in curves if len(one) > 3)  # not those that lead to words
    assert figure.get_supxlabel().splitlines()[-1] == "x, a: A network."
    more = charts.matching(found, titles, 1)
    assert more is not None
    assert len(figure.axes[0].texts) > len(more.axes[0].texts)  # labels of the nearest three, and of one
    assert charts.matching(found[1:], titles) is None


def test_problems_that_differ_in_their_images_alone_are_told_apart() -> None:
    titles = matching.titles({"figure1_defaults": load(PAPER / "figure1_defaults" / "config.yaml")})
    assert titles["figure1_defaults, first-epoch"] == (
        "figure1_defaults, first-epoch: Softmax regression on the first 50,000 images of MNIST, drawn with replacement, "
        "α/√epoch, 45 epochs, batch size 128."
    )
    assert len({title.partition(": ")[2] for title in titles.values()}) == len(titles) == 6


def call(*words: object) -> None:
    app(list(map(str, words)), standalone_mode=False)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The users' own curve is found: here the record of a run."""
    folder = Folder(PAPER, "mnist")
    session = Session.open(load(folder.config), folder, pytest.fail)
    run = next(run for run in session.runs if (run.problem, run.label, run.phase) == ("logistic", "sgd", "tuning"))
    lines = [f"mine,{e.epoch},{e.train_loss!r},sgd" for e in session.curves[run.id]]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["curve,epoch,train_loss,rule", *lines]), encoding="utf-8")
    call(
        "match",
        "mnist",
        "figure1",
        "--curves",
        file,
        "--results",
        PAPER,
        "--plot",
        tmp_path / "m.png",
        "--format",
        "csv",
    )
    header, first, *_ = capsys.readouterr().out.splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert (row["experiment"], row["problem"], row["rule"], float(row["rms"])) == ("mnist", "logistic", "sgd", 0)
    assert row["setting"] == f"lr={shown.shortest(run.hyperparameters['lr'])}"
    assert (tmp_path / "m.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: no column curve, found "),
        ("curve,epoch\na,1", ":1: no column train_loss, found curve, epoch"),
        ("curve,epoch,train_loss", ": has no curve"),
        ("curve;epoch;train_loss\na;1;1", ":1: no column curve, found curve;epoch;train_loss"),
        ("curve,epoch,train_loss\na,1,1,8", ":2: 4 values for 3 columns"),  # a decimal comma
        ("curve,epoch,train_loss\na,1,x", ":2: train_loss must be a number above 0, found x"),
        ("curve,epoch,train_loss\na,1,1\na,,1", ":3: epoch must be a number above 0, found nothing"),
        ("curve,epoch,train_loss\na,1,-1", ":2: train_loss must be a number above 0, found -1"),
        ("curve,epoch,train_loss,rule\na,1,1,x\na,2,1,", ":3: curve 'a' has two rules, x and none"),
        ("curve,epoch,train_loss\na,0.5,1", ":2: epoch must be at least 1, found 0.5"),
        ("curve,epoch,train_loss\na,2,1\na,2,1", ":3: epoch must be above 2, the one before, found 2"),
    ],
)
def test_a_file_of_curves_that_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AdambenchError) as raised:
        call("match", "mnist", "--curves", file, "--results", PAPER)
    assert raised.value.message == f"{file}{message}"


def test_what_cannot_be_matched(tmp_path: Path) -> None:
    with pytest.raises(AdambenchError, match=r"^inside: no problem names a figure of the paper that has curves"):
        call("match", "inside", "--results", PAPER)
    with pytest.raises(AdambenchError, match=r"c.csv: cannot be read: No such file"):
        call("match", "mnist", "--curves", tmp_path / "c.csv", "--results", PAPER)
    file = tmp_path / "c.csv"
    file.write_text("curve,epoch,train_loss,rule\na,1,1,x\na,2,1,x\na,3,1,x\n", encoding="utf-8")
    with pytest.raises(AdambenchError, match=r"^curve a: rule 'x' is unknown\. Allowed: "):
        call("match", "mnist", "--curves", file, "--results", PAPER)
    file.write_text("curve,epoch,train_loss,rule\na,1,1,muon\na,2,1,muon\na,3,1,muon\n", encoding="utf-8")
    with pytest.raises(
        AdambenchError, match=r"^no run has three points in common with a curve: the longest has epochs 1 "
    ):
        call("match", "mnist", "--curves", file, "--results", PAPER)  # a rule that has no run there
    file.write_text("curve,epoch,train_loss\na,1,1\na,2,1\n", encoding="utf-8")
    with pytest.raises(AdambenchError, match=r"^no run has three points in common with a curve"):
        call("match", "mnist", "--curves", file, "--results", PAPER)


def test_a_picture_beside_a_table_for_programs_is_not_told(command: Command, tmp_path: Path) -> None:
    """Standard output then holds the table alone."""
    where = ["--results", PAPER, "--nearest", 1, "--plot", tmp_path / "m.png"]
    json.loads(command("match", "figure1_defaults", "--format", "json", *where).stdout)
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    assert f"wrote {tmp_path / 'm.png'}\n" in command("match", "figure1_defaults", *where).stdout
