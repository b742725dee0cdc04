"""Inspection and `explain`: moments by hand, unchanged runs, quantiles, records, figures, the made-up words."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adambench import explanation, inspection
from adambench.cli import app
from adambench.config.loading import parse, resolved
from adambench.curve import Evaluation
from adambench.datasets import Dataset
from adambench.datasets.bag_of_words import FUNCTION_WORDS, VOCABULARY, words
from adambench.errors import AdambenchError
from adambench.execution import plan
from adambench.models import MODELS
from adambench.models.mlp import MLP
from adambench.optimizers import OPTIMIZERS, Optimizer, State
from adambench.optimizers.base import Array
from adambench.schedules import SCHEDULES
from adambench.show import charts
from adambench.show.charts.gallery import Gallery
from adambench.stepwise import train
from adambench.store.records import Record
from tests.conftest import Command

GRADS = [1.0, -2.0, 0.5, 0.0, 3.0]
Step = tuple[dict[str, float], float]  # moments, Δθ


def sgd(grads: Sequence[float], lr: float) -> list[Step]:
    return [({}, -lr * g) for g in grads]


def momentum(grads: Sequence[float], lr: float, momentum: float, nesterov: bool = False) -> list[Step]:
    b, steps = 0.0, []
    for g in grads:
        b = momentum * b + g
        steps.append(({"b": b}, -lr * (g + momentum * b if nesterov else b)))
    return steps


def adagrad(grads: Sequence[float], lr: float, eps: float) -> list[Step]:
    s, steps = 0.0, []
    for g in grads:
        s += g * g
        steps.append(({"s": s}, -lr * g / (math.sqrt(s) + eps)))
    return steps


def rmsprop(grads: Sequence[float], lr: float, rho: float, eps: float) -> list[Step]:
    v, steps = 0.0, []
    for g in grads:
        v = rho * v + (1 - rho) * g * g
        steps.append(({"v": v}, -lr * g / (math.sqrt(v) + eps)))
    return steps


def adadelta(grads: Sequence[float], lr: float, rho: float, eps: float) -> list[Step]:
    v, a, steps = 0.0, 0.0, []
    for g in grads:
        v = rho * v + (1 - rho) * g * g
        d = g * math.sqrt(a + eps) / math.sqrt(v + eps)
        a = rho * a + (1 - rho) * d * d
        steps.append(({"v": v, "a": a}, -lr * d))
    return steps


def adam(
    grads: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    bias_correction: bool = True,
    hat: bool = False,
) -> list[Step]:
    m, v, steps = 0.0, 0.0, []
    for t, g in enumerate(grads, 1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        c1, c2 = (1 - beta1**t, 1 - beta2**t) if bias_correction else (1.0, 1.0)
        change = lr * math.sqrt(c2) / c1 * m / (math.sqrt(v) + eps) if hat else lr * m / c1 / (math.sqrt(v / c2) + eps)
        steps.append(({"m": m, "v": v, "m̂": m / c1, "v̂": v / c2}, -change))
    return steps


def adamax(grads: Sequence[float], lr: float, beta1: float, beta2: float) -> list[Step]:
    m, u, steps = 0.0, 0.0, []
    for t, g in enumerate(grads, 1):
        m, u = beta1 * m + (1 - beta1) * g, max(beta2 * u, abs(g))
        steps.append(({"m": m, "m̂": m / (1 - beta1**t), "u": u}, -lr / (1 - beta1**t) * m / u))
    return steps


BY_HAND: dict[str, Callable[..., list[Step]]] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": partial(momentum, nesterov=True),
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adam_eps_hat": partial(adam, hat=True),
    "adamax": adamax,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_explained_by_hand(name: str) -> None:
    rule = OPTIMIZERS[name]()
    worked = explanation.work(rule, GRADS, theta=0.7)
    theta = 0.7
    for step, (values, change) in zip(worked, BY_HAND[name](GRADS, **rule.hyperparameters), strict=True):
        assert step.values == pytest.approx(values, rel=1e-12)
        assert list(step.values) == list(values)  # in the order of the equations
        assert step.change == pytest.approx(change, rel=1e-9)
        theta += change
        assert step.theta == pytest.approx(theta, rel=1e-12)
        if "m̂" in values:
            scale = values["u"] if "u" in values else math.sqrt(values["v̂"])
            assert step.snr == pytest.approx(values["m̂"] / scale, rel=1e-12)
        else:
            assert step.snr is None


def test_what_the_step_would_be_without_correction() -> None:
    rule = OPTIMIZERS["adam"]()
    worked = explanation.work(rule, GRADS)
    without = adam(GRADS, **{**rule.hyperparameters, "bias_correction": False})
    assert [step.uncorrected for step in worked] == [pytest.approx(change, rel=1e-9) for _, change in without]
    uncorrected: Any = OPTIMIZERS["adam"](bias_correction=False)  # type: ignore[call-arg]  # this rule has it
    assert all(step.uncorrected is None for step in explanation.work(uncorrected, GRADS))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_has_equations_and_a_source(name: str) -> None:
    first, equations, prose = explanation.parts(OPTIMIZERS[name])
    assert first.endswith(".")
    assert any(line.startswith("θ ← θ") for line in equations)
    assert "Source: " in prose


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_explain_prints_every_rule(command: Command, name: str) -> None:
    answer = command("explain", name, "lr=0.5", "--grads", "1,-2,0.5")
    assert answer.returncode == 0, answer.stderr
    assert "n_hat" not in answer.stdout
    assert "θ ← θ" in answer.stdout
    assert "lr=0.5" in answer.stdout
    last = answer.stdout.rstrip().splitlines()[-1].replace("−", "-").split()
    assert (last[0], last[1]) == ("3", "0.5")
    rule: Any = OPTIMIZERS[name]
    theta = explanation.work(rule(lr=0.5), [1, -2, 0.5])[-1].theta
    assert f"{theta:.4g}" in last


@pytest.mark.parametrize(
    ("rule", "ratio"), [("adam", "m̂/√v̂"), ("adamax", "m̂/u"), ("adabelief", "m̂/√ŝ"), ("adan", "m̂/√n̂")]
)
def test_explain_names_the_divisor(rule: str, ratio: str, capsys: pytest.CaptureFixture[str]) -> None:
    app(["explain", rule], standalone_mode=False)
    assert ratio in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["adma"], "adma: unknown. Allowed: adamax, adan, adam, "),
        (["adam", "beta_1=0"], "command line, beta_1=0: beta_1: unknown. Allowed: lr, beta1, beta2, eps, bias_correction. Did you mean beta1?"),
        (["adam", "beta1=2"], "command line, beta1=2: beta1: must be less than 1, found 2"),
        (["adam", "beta1"], "beta1: a hyper-parameter needs a value"),
        (["adam", "--grads", "1,x"], "--grads 1,x: must be numbers separated by commas"),
        (["adam", "--grads", "inf"], "--grads, --theta: must be finite"),
    ],
)  # fmt: skip
def test_explain_and_wrong_input(command: Command, given: list[str], said: str) -> None:
    answer = command("explain", *given)
    assert (answer.returncode, answer.stderr[: len(said)]) == (2, said)


def test_inspections_are_log_spaced() -> None:
    found = sorted(inspection.points(4, 1000))
    assert found == [1, 2, 3, 6, 10, 18, 32, 56, 100, 178, 316, 562, 1000]
    assert max(inspection.points(4, 777)) == 777


def trained(dataset: Dataset, rule: str, inspect: int, model: Any = None) -> list[Any]:
    given: dict[str, Any] = {"epochs": 3, "batch_size": 64, "seed": 1, "inspect": inspect}
    model = model or MLP(hidden=(8,), dropout=0.5)
    return list(train(model, OPTIMIZERS[rule](), SCHEDULES["inverse_sqrt"](), dataset, **given))


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_inspection_changes_no_bit(dataset: Dataset, rule: str) -> None:
    blind, seeing = trained(dataset, rule, 0), trained(dataset, rule, 8)
    for a, b in zip(blind, seeing, strict=True):
        assert (a.train_loss, a.test_loss, a.test_error, a.penalty) == (
            b.train_loss,
            b.test_loss,
            b.test_error,
            b.penalty,
        )
        assert len(a.inside) == 0
    rows = [row for evaluation in seeing for row in evaluation.inside]
    assert sorted({row["step"] for row in rows}) == sorted({*inspection.points(8, 30), 10, 20, 30})
    assert [row["part"] for row in rows[:3]] == ["all", "layer 1", "layer 2"]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_inspected(dataset: Dataset, model: str) -> None:
    assert trained(dataset, "adam", 2, MODELS[model]())[0].inside


def test_quantiles_are_those_of_the_quantities() -> None:
    rng = np.random.default_rng(0)
    rule, theta = OPTIMIZERS["adam"](), rng.standard_normal(1001)
    state = rule.init(theta)
    for _ in range(3):
        grad = rng.standard_normal(1001)
        before = theta.copy()
        rule.step(theta, grad, state, 0.5)
    kept = (theta.copy(), grad.copy(), {name: slot.copy() for name, slot in state.slots.items()})
    whole, part = inspection.inspect(rule, state, before, theta, grad, 0.5, {"half": slice(0, 500)})
    moments = rule.moments(state)
    snr = np.abs(moments["m_hat"]) / np.sqrt(moments["v_hat"])
    for percent in inspection.QUANTILES:
        assert whole[f"snr_{percent}"] == pytest.approx(np.percentile(snr, percent), rel=1e-4)
        assert part[f"snr_{percent}"] == pytest.approx(np.percentile(snr[:500], percent), rel=1e-4)
        assert whole[f"grad_{percent}"] == pytest.approx(np.percentile(np.abs(grad), percent), rel=1e-4)
        assert whole[f"step_{percent}"] == pytest.approx(whole[f"snr_{percent}"], rel=1e-3)  # |Δθ|/α = SNR but for ε
    assert whole["correction1"] == pytest.approx(1 - 0.9**3)
    assert whole["correction2"] == pytest.approx(1 - 0.999**3)
    assert whole["ratio"] == pytest.approx(np.linalg.norm(theta - before) / np.linalg.norm(before))
    assert (theta == kept[0]).all()
    assert (grad == kept[1]).all()
    assert all((state.slots[name] == slot).all() for name, slot in kept[2].items())


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("sgd", {"grad", "step"}),
        ("momentum", {"grad", "step", "mean"}),
        ("adagrad", {"grad", "step", "scale"}),
        ("rmsprop", {"grad", "step", "scale"}),
        ("adam", {"grad", "step", "scale", "mean", "snr"}),
        ("adamax", {"grad", "step", "scale", "mean", "snr"}),
    ],
)
def test_a_rule_shows_what_it_has(rule: str, names: set[str]) -> None:
    optimizer, theta = OPTIMIZERS[rule](), np.zeros(3)
    state = optimizer.init(theta)
    optimizer.step(theta, np.array([1.0, 0.0, -1.0]), state)
    found = inspection.quantities(optimizer, state, theta, np.array([1.0, 0.0, -1.0]), 1.0)
    assert set(found) == names
    assert found.get("snr", np.zeros(3))[1] == 0  # a gradient that has always been 0 has no noise and no signal


def test_the_signal_fades_near_an_optimum() -> None:
    """Automatic annealing (section 2.1): on a noisy quadratic the effective step falls near the minimum."""
    rng = np.random.default_rng(0)
    rule, theta = OPTIMIZERS["adam"](lr=0.01), np.full(500, 3.0)  # type: ignore[call-arg]
    state, medians = rule.init(theta), {}
    for t in range(1, 2001):
        before, grad = theta.copy(), theta + 0.5 * rng.standard_normal(500)
        rule.step(theta, grad, state)
        if t in (10, 2000):
            (row,) = inspection.inspect(rule, state, before, theta, grad, 1.0, {})
            medians[t] = row["snr_50"], row["step_50"]
    assert medians[10][0] > 0.9
    assert medians[2000][0] < 0.3
    assert medians[2000][1] < 0.3


TEXT = """\
name: x
dataset: {idx: FOLDER}
seeds: [1, 2]
problems:
  mlp: {model: {name: mlp, hidden: [8]}, epochs: 2, batch_size: 64}
optimizers:
  adam: {lr: 0.001}
  adam_uncorrected: {name: adam, lr: 0.001, bias_correction: false}
  sgd: {lr: 0.1}
inspect: {optimizers: [adam, adam_uncorrected], points: 3}
"""


def test_inspection_is_asked_for_by_label_and_kept_by_the_resolved_file() -> None:
    experiment = parse(TEXT, "x.yaml")
    assert parse(resolved(experiment), "again.yaml") == experiment
    looked = {(run.label, run.seed): run.inspect for entry in plan.entries(experiment) for run in entry.report({})}
    assert {key for key, points in looked.items() if points} == {("adam", 1), ("adam_uncorrected", 1)}
    plain = plan.entries(parse(TEXT.replace("inspect:", "#"), "x.yaml"))
    ids = [
        {run.label: run.id for entry in some for run in entry.report({})[:1]}
        for some in (plan.entries(experiment), plain)
    ]
    assert ids[0]["sgd"] == ids[1]["sgd"]
    assert ids[0]["adam"] != ids[1]["adam"]  # records with and without inspections have different ids


def test_an_unknown_label_is_reported() -> None:
    with pytest.raises(
        AdambenchError,
        match=r"x.yaml:10: inspect.optimizers: 1st value: 'adams' is unknown. Allowed: adam, .*Did you mean adam\?",
    ):
        parse(TEXT.replace("[adam, adam_uncorrected]", "[adams]"), "x.yaml")


def test_inspections_are_recorded_and_drawn(command: Command, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(TEXT.replace("FOLDER", str(folder)))
    answer = command("run", file)
    assert answer.returncode == 0, answer.stderr
    (record,) = [
        found
        for path in (tmp_path / "results/x/runs").glob("adam-*.json")
        if "inside" in (found := Record.parse(path.read_text())).data
    ]
    columns = record.data["inside"]
    assert {len(values) for values in columns.values()} == {len(columns["step"])}
    assert columns["part"][:3] == ["all", "layer 1", "layer 2"]
    assert "inside" not in command("show", record.id).stdout
    figures = tmp_path / "results/x/figures"
    assert command("plot", "x", "--inspect").returncode == 0
    assert command("plot", "--inspect", "--over", "adam,adam_uncorrected").returncode == 0
    names = {path.name for path in figures.glob("inside*")}
    assert names == {f"inside-mlp-{label}.png" for label in ("adam", "adam_uncorrected", "adam-adam_uncorrected")}
    wrong = command("plot", "--inspect", "--over", "adam,sgd")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (
        2,
        "--over adam,sgd: sgd: unknown. Allowed: adam, adam_uncorrected.",
    )
    assert command("plot", "--over", "adam,sgd").returncode == 2
    again = command("verify", "x")
    assert again.stdout.count("the same to the bit") == 6, again.stdout


def test_the_panels_show_the_columns(dataset: Dataset) -> None:
    entries = plan.entries(parse(TEXT, "x.yaml"))
    run = entries[0].report({})[0]
    curve = trained(dataset, "adam", 4)
    data = json.loads(Record.of(run, curve).json())["inside"]
    figure: Any = charts.inside([charts.Inspected(run, "adam", curve, data)])
    cost, snr, scale, corrections = figure.axes  # Adam's effective step is its signal-to-noise ratio
    whole = [i for i, part in enumerate(data["part"]) if part == "all"]
    assert snr.get_lines()[0].get_ydata().tolist() == [data["snr_50"][i] for i in whole]
    assert snr.get_lines()[0].get_xdata().tolist() == [data["step"][i] for i in whole]
    assert snr.get_lines()[1].get_ydata() == [1, 1]  # the bound α
    assert snr.get_ylabel().startswith("signal-to-noise ratio\n= effective step")
    assert cost.get_lines()[0].get_ydata().tolist() == [evaluation.train_loss for evaluation in curve]
    assert corrections.get_lines()[0].get_ydata().tolist() == [data["correction1"][i] for i in whole]
    assert all(axes.get_xscale() == "log" for axes in figure.axes)
    assert scale.get_yscale() == "log"


@pytest.mark.parametrize(
    ("rule", "more", "mean", "scale", "corrections"),
    [
        ("adam", "", r"|\hat m|", r"\sqrt{\hat v}", 2),
        ("adam", ", bias_correction: false", "|m|", r"\sqrt{v}", 0),
        ("adabelief", "", r"|\hat m|", r"\sqrt{\hat s}", 2),
        ("adan", "", r"|\hat m|", r"\sqrt{\hat n}", 1),  # whose divisor is corrected by β₃
        ("lion", "", "", "", 0),  # which has two βs and corrects nothing
        ("mine", "", r"|\mathrm{mean}|", r"\mathrm{divisor}", 1),  # of a plug-in: like Adam here, but who knows
    ],
)
def test_the_panels_have_the_symbols_of_the_rule(
    dataset: Dataset, rule: str, more: str, mean: str, scale: str, corrections: int
) -> None:
    known = "adam" if rule == "mine" else rule
    text = TEXT.replace("adam: {lr: 0.001}", f"{known}: {{lr: 0.001{more}}}").replace("[adam, adam", f"[{known}, adam")
    run = plan.entries(parse(text, "x.yaml"))[0].report({})[0]
    curve = trained(dataset, known, 4)
    data = json.loads(Record.of(run, curve).json())["inside"]
    figure: Any = charts.inside([charts.Inspected(run, rule, curve, data)])
    labels = {axes.get_ylabel().partition("\n")[0]: axes for axes in figure.axes}
    told = labels["signal-to-noise ratio"].get_ylabel() if mean else ""
    assert told.endswith(f"${mean}$$\\,/\\,$${scale}$") or not mean
    assert ("scale" in labels and labels["scale"].get_ylabel() == f"scale\n${scale}$") is bool(scale)
    assert len(labels["correction"].get_legend_handles_labels()[1] if "correction" in labels else ()) == corrections


def test_made_up_words_are_sparse_and_the_same_every_time() -> None:
    dataset = words()
    assert dataset.sha256.startswith("acf1e350")
    images = dataset.train.images
    assert images.shape == (5_000, VOCABULARY)
    assert set(np.unique(images)) == {0, 255}
    often = (images > 0).mean(axis=0)
    assert often[0] > 0.99
    assert 0.3 < often[FUNCTION_WORDS] < 0.7
    assert 0.5 < (often < 0.005).mean() < 0.8  # most words are in less than one document of 200
    assert 0.48 < dataset.train.labels.mean() < 0.52


def test_a_run_that_diverged_at_once_is_drawn() -> None:
    run = plan.entries(parse(TEXT, "x.yaml"))[0].report({})[0]
    columns: dict[str, Any] = {"step": [1], "part": ["all"], "ratio": ["nan"]} | {
        f"snr_{q}": ["nan"] for q in inspection.QUANTILES
    }
    lost = [Evaluation(1, 1, 0.0, math.nan, 0.0, math.nan, math.nan, diverged=True)]
    assert charts.inside([charts.Inspected(run, "adam", lost, columns)])


def test_explain_shows_an_overflow_without_a_warning(command: Command) -> None:
    answer = command("explain", "adam", "--grads", "1e200,1")
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_what_is_recorded_of_every_rule_is_a_size(rule: str) -> None:
    """A mean of changes, as Adan has, may be below zero: it is not what the rule divides by."""
    rng = np.random.default_rng(0)
    optimizer = OPTIMIZERS[rule]()
    theta = rng.normal(size=60)
    state = optimizer.init(theta)
    for _ in range(20):
        before, grad = theta.copy(), rng.normal(size=60)
        optimizer.step(theta, grad, state)
        for name, values in inspection.quantities(optimizer, state, theta - before, grad, 0.1).items():
            assert np.isfinite(values).all(), name
            assert (values >= 0).all(), name


def test_of_a_plug_in_only_the_reserved_names_count() -> None:
    """A slot `s` may be anything; `divisor` is what the rule says that it divides by."""

    @dataclass(frozen=True)
    class Mine(Optimizer):
        lr: float = 0.1
        slot_names = ("b", "s")

        def update(self, theta: Array, g: Array, slots: Any, tmp: Array, t: int, lr_scale: float) -> None:
            slots[0][:] = slots[1][:] = np.abs(g)
            theta -= self.lr * lr_scale * g

    class Told(Mine):
        def moments(self, state: State) -> dict[str, Array]:
            return {**super().moments(state), "divisor": state.slots["s"] + 1}

    theta = np.zeros(3)
    for rule, names in ((Mine(), {"grad", "step"}), (Told(), {"grad", "step", "scale"})):
        state = rule.init(theta)
        rule.step(theta, np.ones(3), state)
        found = inspection.quantities(rule, state, theta, np.ones(3), 1.0)
        assert set(found) == names
    assert (found["scale"] == 2).all()


def test_charts_of_names_that_run_together_do_not_replace_each_other() -> None:
    """Problem `a` with label `b-c`, and problem `a-b` with label `c`."""
    text = """\
name: x
dataset: mnist
seeds: [1]
problems:
  a: {model: logistic, epochs: 1, batch_size: 100}
  a-b: {model: logistic, epochs: 1, batch_size: 100}
optimizers: {b-c: {name: adam}, c: {name: adam}}
"""
    entries = plan.entries(parse(text, "x.yaml"))
    ids = [run.id for entry in entries for run in entry.report({})]
    records: Any = {id_: SimpleNamespace(data={"inside": {"step": []}}) for id_ in ids}
    drawn = Gallery(entries, records, dict.fromkeys(ids, ()), {}).inspected(None)
    assert list(drawn) == ["inside-a-b-c", "inside-a-c", "inside-a-b-b-c", "inside-a-b-c-"]
