"""The figures show what the numbers say: lines, colours, marks, axes. Their looks are not tested."""

import math
from typing import Any

import pytest

from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.run import plan
from adambench.show import charts

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2]
problems:
  a: {model: logistic, epochs: 3, batch_size: 8}
  b: {model: mlp, epochs: 3, batch_size: 8, optimizers: {adam: {lr: 0.1}}}
optimizers:
  adam: {lr: [0.1, 0.2, 0.3]}
  other: {name: adam, beta1: 0.5, lr: 0.1}
  sgd: {lr: [1, 2]}
"""


def curve(*losses: float) -> Curve:
    return [
        Evaluation(i + 1, 10 * (i + 1), 0.5 * (i + 1), loss, 0.0, loss, loss / 10, diverged=not math.isfinite(loss))
        for i, loss in enumerate(losses)
    ]


@pytest.fixture
def entries() -> list[plan.Entry]:
    return plan.entries(parse(TEXT, "x.yaml"))


@pytest.fixture
def curves(entries: list[plan.Entry]) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for entry in entries:
        sgd = entry.grid.label == "sgd"
        for i, run in enumerate(entry.tuning):
            found[run.id] = curve(1, math.nan) if sgd and i else curve(1, 0.5, 0.4 - 0.1 * (i == 1))
        for run in entry.report(found):
            found[run.id] = curve(1, 0.6, 0.5 if sgd else 0.2 + 0.01 * run.seed)
    return found


def test_one_panel_per_problem_like_the_paper(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes in figure.axes:
        assert axes.get_xlabel() == "iterations over entire dataset"
        assert axes.get_ylabel() == "training cost"
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert lines["adam"].get_ydata().tolist() == [1, 0.6, pytest.approx(0.215)]
        assert lines["adam"].get_xdata().tolist() == [1, 2, 3]
        assert len(axes.collections) == 3  # one band per optimizer
        assert axes.get_legend().get_texts()[0].get_text() == "sgd"  # in the order in which the lines end, from the top


def test_one_colour_per_rule_and_dashes_for_its_labels(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert lines["adam"].get_color() == lines["other"].get_color() == charts.COLOURS["adam"]
    assert lines["adam"].get_linestyle() != lines["other"].get_linestyle()


@pytest.mark.parametrize(("low", "scale"), [(0.5, "linear"), (0.001, "log")])
def test_a_wide_range_is_drawn_on_a_log_axis(
    entries: list[plan.Entry], curves: dict[str, Curve], low: float, scale: str
) -> None:
    for entry in entries:
        curves |= {run.id: curve(1, 0.6, low) for run in entry.report(curves)}
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    assert figure.axes[0].get_yscale() == scale


def test_a_diverged_optimizer_is_shown(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    runs = entries[2].report(curves)
    curves[runs[0].id], curves[runs[1].id] = curve(1, 2, math.nan), curve(1, 2, 3)
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    assert "sgd (diverged)" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    curves[runs[0].id] = curve(math.nan)
    figure = charts.convergence(entries, curves, "train_loss", "epoch")
    assert "sgd (diverged)" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_sensitivity_marks_what_was_chosen_and_what_diverged(
    entries: list[plan.Entry], curves: dict[str, Curve]
) -> None:
    figure: Any = charts.sensitivity(entries, curves)
    (axes, _) = figure.axes
    marks = {marker: [line for line in axes.get_lines() if line.get_marker() == marker] for marker in "o.x"}
    circled = [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks["o"]]
    assert (0.2, pytest.approx(0.3)) in circled
    assert [list(line.get_xdata()) for line in marks["x"] if len(line.get_xdata())] == [[2]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_nothing_to_draw_gives_no_figure(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    assert charts.convergence(entries, {}, "train_loss", "epoch") is None
    assert charts.convergence(entries, curves, "full_train_loss", "epoch") is None
    assert charts.sensitivity(entries, {}) is None


@pytest.mark.parametrize(
    ("kind", "start", "x"), [("png", b"\x89PNG", "epoch"), ("svg", b"<?xml", "step"), ("pdf", b"%PDF", "seconds")]
)
def test_files_are_the_same_each_time(
    entries: list[plan.Entry], curves: dict[str, Curve], kind: str, start: bytes, x: str
) -> None:
    def made() -> bytes:
        figure: Any = charts.convergence(entries, curves, "test_error", x)
        return charts.save(figure, kind, "x")

    first = made()
    assert first.startswith(start)
    assert made() == first


def beside_paper(name: str, last: float) -> Any:
    """Report runs that end at `last`, beside a figure of the paper."""
    entries = plan.entries(
        parse(TEXT.replace("batch_size: 8}\n  b", f"batch_size: 8, figure: {name}}}\n  b"), "x.yaml")
    )
    curves = {run.id: curve(1, 0.6, 0.5) for entry in entries for run in entry.tuning}
    curves |= {run.id: curve(1, 0.6, last) for entry in entries for run in entry.report(curves)}
    return charts.beside_paper(entries, curves)


def test_the_papers_curves_lie_under_ours_on_its_axes() -> None:
    (axes,) = beside_paper("1-left", last=0.3).axes  # the other problem names no figure
    assert (axes.get_xlim(), axes.get_ylim(), axes.get_yscale()) == ((0, 45), (0.2, 0.7), "linear")
    colours = [line.get_color() for line in axes.get_lines()]
    ours = [line.get_label() for line in axes.get_lines() if not line.get_label().startswith("_")]
    assert ours == ["adam", "other"]  # sgd is not in the paper's figure
    assert colours.count(charts.COLOURS["adam"]) == 3  # ours, two labels of it, and the paper's
    assert colours.count(charts.COLOURS["adagrad"]) == 1  # only the paper's
    assert axes.get_legend().get_texts()[-1].get_text() == "the paper, figure 1-left"


def test_costs_below_the_papers_axis_are_visible() -> None:
    (axes,) = beside_paper("2a", last=0.001).axes
    assert axes.get_ylim() == (pytest.approx(0.0009), 0.1)
    assert axes.yaxis.get_major_formatter()(0.002) == "0.002"  # not powers of ten alone, of which two would be seen
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [0.003]
    (axes,) = beside_paper("1-left", last=0.21).axes
    assert axes.get_ylim() == (0.2, 0.7)
    assert not [line for line in axes.get_lines() if line.get_linestyle() == ":"]


def test_without_a_figure_of_the_paper_there_is_no_chart(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    assert charts.beside_paper(entries, curves) is None


def test_the_search_is_drawn_rate_by_rate(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.heatmap(entries, curves)
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_xticklabels()] == ["0.1", "0.2", "0.3", "1", "2"]
    assert [text.get_text().split("\n")[0] for text in first.get_yticklabels()] == ["adam", "sgd"]
    marks = [(line.get_marker(), line.get_xdata()[0], line.get_ydata()[0]) for line in first.get_lines()]
    assert marks == [("o", 1, 0), ("o", 3, 1), ("x", 4, 1)]  # best rate of adam .2; sgd diverges at 2
    cells = first.get_images()[0].get_array()
    assert cells[0, 1] == 1.0  # the lowest of all
    assert math.isnan(cells.filled(math.nan)[1, 4])


def test_the_best_is_drawn_against_the_number_tried(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.budget(entries, curves)
    lines = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].get_lines()}
    assert lines["adam (3)"] == pytest.approx([0.4, 0.3, 0.3])


def test_a_search_in_which_all_diverged_is_not_drawn(entries: list[plan.Entry]) -> None:
    lost = {run.id: curve(math.nan) for entry in entries for run in entry.tuning}
    assert charts.budget(entries, lost) is None
    assert charts.heatmap(entries, lost) is None
