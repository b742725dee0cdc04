"""The figures show what the numbers say: lines, colours, marks, axes. How they look is for the eye."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import matplotlib
import pytest

from adambench.config.loading import parse, read
from adambench.curve import Curve, Evaluation
from adambench.execution import plan
from adambench.optimizers import OPTIMIZERS, SGD, Adam
from adambench.session import Session
from adambench.show import charts
from adambench.show.charts.base import shortened
from adambench.show.charts.ends import spread_out
from adambench.show.charts.ticks import Numbers, Places, short
from adambench.show.words import problem_title
from adambench.store.folder import Folder
from tests.test_results import PAPER

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


def drawn(axes: Any) -> dict[str, Any]:
    """The lines of a panel by label; those that only lead to words left out."""
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


def written(axes: Any) -> list[str]:
    """What stands at the ends of the lines, the highest first."""
    notes = [text for text in axes.texts if text.xy[0] > 1]
    return [text.get_text() for text in sorted(notes, key=lambda text: -text.xy[1])]


def test_a_panel_for_each_problem(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [
        "Softmax regression on MNIST, constant rate, 3 epochs",
        "Network 1000-1000 on MNIST, constant rate, 3 epochs",
    ]
    for axes in figure.axes:
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel() == "training cost (nats)"
        lines = drawn(axes)
        assert lines["adam"].get_ydata().tolist() == [1, 0.6, pytest.approx(0.215)]
        assert lines["adam"].get_xdata().tolist() == [1, 2, 3]
        assert len(axes.collections) == len(lines)  # a band for each
    assert written(figure.axes[0]) == ["sgd  0.5000", "adam = other  0.215 ± 0.007"]
    (below,) = [text.get_text() for text in figure.axes[0].texts if text.xy == (0, 0)]
    assert below.replace("\n", " ") == "adam and other end at the same training cost."
    assert figure.get_supxlabel().startswith("Line: mean of 2 seeds. Band: from the lowest to the highest of them.")


def test_errors_are_in_per_cent(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    (axes, _) = cast(Any, charts.convergence(entries, curves, "test_error", "epoch")).axes
    assert axes.get_ylabel() == "test error (%)"
    assert axes.yaxis.get_major_formatter()(0.05) == "5"
    assert written(axes)[0] == "sgd  5.000"


def test_a_title_of_ones_own(curves: dict[str, Curve]) -> None:
    text = TEXT.replace("epochs: 3, batch_size: 8}\n  b", "epochs: 3, batch_size: 8, title: My problem}\n  b")
    own = plan.entries(parse(text, "x.yaml"))
    figure: Any = charts.convergence(own, curves, "train_loss", "epoch")
    assert figure.axes[0].get_title(loc="left") == "My problem"


def test_a_dollar_in_a_title_begins_no_formula(curves: dict[str, Curve]) -> None:
    text = TEXT.replace("batch_size: 8}\n  b", "batch_size: 8, title: 'x_^ $\\foo$ y'}\n  b")
    figure: Any = charts.convergence(plan.entries(parse(text, "x.yaml")), curves, "train_loss", "epoch")
    assert charts.save(figure, "png", "")  # as mathematics it would be an error
    assert figure.axes[0].get_title(loc="left") == r"x_^ \$\foo\$ y"


def test_problems_with_one_title_have_a_panel_each(curves: dict[str, Curve]) -> None:
    """Their names tell them apart."""
    text = TEXT.replace("batch_size: 8", "batch_size: 8, title: Same")
    figure: Any = charts.convergence(plan.entries(parse(text, "x.yaml")), curves, "train_loss", "epoch")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a: Same", "b: Same"]


def test_labels_of_one_rule_differ(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    for run in entries[1].report(curves):
        curves[run.id] = curve(1, 0.6, 0.4)
    lines = drawn(cast(Any, charts.convergence(entries, curves, "train_loss", "epoch")).axes[0])
    assert lines["adam"].get_color() == charts.colour("adam")
    assert lines["adam"].get_color() != lines["other"].get_color()
    assert lines["adam"].get_linestyle() != lines["other"].get_linestyle()
    assert lines["adam"].get_marker() != lines["other"].get_marker()


@pytest.mark.parametrize(("low", "scale"), [(0.5, "linear"), (0.001, "log"), (0.0, "symlog")])
def test_a_wide_range_is_drawn_on_a_log_axis_and_zero_has_a_place(
    entries: list[plan.Entry], curves: dict[str, Curve], low: float, scale: str
) -> None:
    for entry in entries:
        curves |= {run.id: curve(1, low or 0.01, low) for run in entry.report(curves)}
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    assert figure.axes[0].get_yscale() == scale
    bottom, _ = figure.axes[0].get_ylim()
    assert bottom <= low


def test_panels_of_one_model_share_their_range() -> None:
    text = TEXT.replace("b: {model: mlp", "b: {model: logistic, schedule: inverse_sqrt")
    entries = plan.entries(parse(text, "x.yaml"))
    found = {run.id: curve(1, 0.6, 0.5) for entry in entries for run in entry.tuning}
    for entry in entries:
        found |= {run.id: curve(9 if entry.problem.name == "a" else 1, 0.6, 0.5) for run in entry.report(found)}
    one, other = cast(Any, charts.convergence(entries, found, "train_loss", "epoch")).axes
    assert one.get_ylim() == other.get_ylim()


def test_a_single_epoch_is_seen(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    for entry in entries:
        curves |= {run.id: curve(0.5) for run in entry.report(curves)}
    (axes, _) = cast(Any, charts.convergence(entries, curves, "train_loss", "epoch")).axes
    line = drawn(axes)["adam"]
    assert (line.get_marker() not in ("", "None"), line.get_ydata().tolist()) == (True, [0.5])
    assert axes.get_xlim() == (0, 2)
    for entry in entries:
        curves |= {run.id: curve(0.5 + 0.1 * run.seed) for run in entry.report(curves)}
    (axes, _) = cast(Any, charts.convergence(entries, curves, "train_loss", "epoch")).axes
    spread = axes.collections[0].get_segments()[0]  # a band would have no width
    assert spread.tolist() == [[1, pytest.approx(0.6)], [1, pytest.approx(0.7)]]


def test_a_diverged_optimizer_is_shown(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    runs = entries[2].report(curves)
    for first in (curve(1, 2, math.nan), curve(math.nan)):
        curves[runs[0].id], curves[runs[1].id] = first, curve(1, 2, 3)
        figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
        assert written(figure.axes[0])[0] == "sgd: diverged"
        assert charts.save(figure, "png", "x")


def test_problems_of_one_model_in_which_all_diverged_are_drawn() -> None:
    """They share an axis, of numbers that are not there."""
    same = plan.entries(parse(TEXT.replace("model: mlp", "model: logistic"), "x.yaml"))
    lost = {run.id: curve(math.nan) for entry in same for run in (*entry.tuning, *entry.report({}))}
    lost |= {run.id: curve(math.nan) for entry in same for run in entry.report(lost)}
    figure: Any = charts.convergence(same, lost, "train_loss", "epoch")
    assert [written(axes)[0] for axes in figure.axes] == ["sgd: diverged"] * 2
    assert charts.save(figure, "png", "x")


def test_the_penalty_is_drawn_only_where_there_is_one(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    assert charts.convergence(entries, curves, "penalty", "epoch") is None
    with_l2 = {id_: [replace(e, penalty=0.1) for e in found] for id_, found in curves.items()}
    assert charts.convergence(entries, with_l2, "penalty", "epoch")


def test_seconds_say_which_runs_were_trained_together(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    together = {run.id: 4 for run in entries[0].report(curves)}
    figure: Any = charts.convergence(entries, curves, "train_loss", "seconds", together)
    first, second = (" ".join(text.get_text() for text in axes.texts).replace("\n", " ") for axes in figure.axes)
    assert "do not compare the seconds of these groups: sgd alone; adam and other 4 at a time." in first
    assert "seconds" not in second  # where each was trained alone


def test_sensitivity_marks_what_was_chosen_and_what_diverged(
    entries: list[plan.Entry], curves: dict[str, Curve]
) -> None:
    figure: Any = charts.sensitivity(entries, curves)
    (axes, _) = figure.axes
    circled = [line for line in axes.get_lines() if line.get_fillstyle() == "none"]
    assert (0.2, pytest.approx(0.3)) in [(line.get_xdata()[0], line.get_ydata()[0]) for line in circled]
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in crosses] == [[2]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_ylabel() == "final training cost (nats), tuning seed"


def test_a_rate_that_blew_up_does_not_flatten_the_others(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    curves[entries[0].tuning[2].id] = curve(1, 1e9, 1e9)
    figure: Any = charts.sensitivity(entries, curves)
    low, high = figure.axes[0].get_ylim()
    assert high == pytest.approx(100 * 0.4)  # the best of sgd, the worst of the two
    assert low < 0.3
    assert drawn(figure.axes[0])["adam"].get_ydata().tolist()[-1] > high  # it leaves the picture at the top


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
    figure = beside_paper("1-left", last=0.3)
    (axes,) = figure.axes  # the other problem names no figure
    assert (axes.get_xlim(), axes.get_ylim(), axes.get_yscale()) == ((0, 45), (0.2, 0.7), "linear")
    assert list(drawn(axes)) == ["adam"]  # the other label has the same curve; sgd is not in the paper's figure
    dotted = [line.get_color() for line in axes.get_lines() if line.get_alpha() == 0.55]
    assert sorted(dotted) == sorted(map(charts.colour, ["adam", "nesterov", "adagrad"]))
    assert "Dotted, pale: the paper's own curves." in figure.get_supxlabel()


def test_costs_below_the_papers_axis_are_seen() -> None:
    (axes,) = beside_paper("2a", last=0.001).axes
    assert axes.get_ylim() == (pytest.approx(0.0009), 0.1)
    assert axes.yaxis.get_major_formatter()(0.002) == "2e-3"
    assert [line.get_ydata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [0.003]
    assert "the paper's axis ends here" in [text.get_text() for text in axes.texts]
    (axes,) = beside_paper("1-left", last=0.21).axes
    assert axes.get_ylim() == (0.2, 0.7)
    assert not [line for line in axes.get_lines() if line.get_linestyle() == ":"]


def test_no_figure_of_the_paper_no_chart(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    assert charts.beside_paper(entries, curves) is None


def test_the_search_is_drawn_rate_by_rate(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.heatmap(entries, curves)
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_xticklabels()] == ["0.1", "0.2", "0.3", "1", "2"]
    assert [text.get_text().split(" ")[0] for text in first.get_yticklabels()] == ["adam", "sgd"]
    marks = [(line.get_marker(), line.get_ydata()[0]) for line in first.get_lines()]
    assert marks == [("o", 0), ("o", 1), ("x", 1)]  # the best rates of adam and sgd; sgd diverges at 2
    cells = first.collections[0].get_array().reshape(2, 5)
    assert cells[0, 1] == 1.0  # the lowest of all
    assert cells.mask[1].tolist() == [True, True, True, False, True]  # not tried, or diverged
    assert len(first.collections) == 2  # the diverged cell is painted, those not tried are not
    assert len(figure.axes) == len({e.problem.name for e in entries if len(e.tuning) > 1}) + 1  # one colour bar


def test_a_cost_of_zero_is_the_best_and_no_other_is_called_so(
    entries: list[plan.Entry], curves: dict[str, Curve]
) -> None:
    curves |= {run.id: curve(1, 0.5, 0.0) for run in entries[2].tuning[:1]}
    cells = cast(Any, charts.heatmap(entries, curves)).axes[0].collections[0].get_array().reshape(2, 5)
    assert cells[1, 3] == 1.0
    assert cells[0, :3].min() > 10
    (axes, *_) = cast(Any, charts.budget(entries, curves)).axes
    assert set(drawn(axes)) == {"adam", "sgd"}
    (axes, *_) = cast(Any, charts.sensitivity(entries, curves)).axes
    assert {line.get_label() for line in axes.get_lines()} >= {"adam", "sgd"}


def test_the_best_is_drawn_against_the_number_tried(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.budget(entries, curves)
    lines = drawn(figure.axes[0])
    assert lines["adam"].get_ydata().tolist() == pytest.approx([0.4, 0.3, 0.3])
    assert written(figure.axes[0])[-1] == "adam (3)  0.3000"


def test_a_search_in_which_all_diverged_is_not_drawn(entries: list[plan.Entry]) -> None:
    lost = {run.id: curve(math.nan) for entry in entries for run in entry.tuning}
    assert charts.budget(entries, lost) is None
    assert charts.heatmap(entries, lost) is None
    assert charts.sensitivity(entries, lost)  # crosses alone


def many(labels: int, epochs: int, rates: int = 2) -> tuple[list[plan.Entry], dict[str, Curve]]:
    """An experiment of many labels, each with its own final cost."""
    rules = list(OPTIMIZERS)
    lines = [
        f"  {rules[k % len(rules)]}_{k}: {{name: {rules[k % len(rules)]}, lr: {{logspace: [1e-4, {k + 1}, {rates}]}}}}"
        for k in range(labels)
    ]
    text = TEXT[: TEXT.index("optimizers:\n  adam")].replace(
        "  b: {model: mlp, epochs: 3, batch_size: 8, optimizers: {adam: {lr: 0.1}}}\n", ""
    )
    entries = plan.entries(parse(text + "optimizers:\n" + "\n".join(lines), "x.yaml"))
    curves: dict[str, Curve] = {}
    for k, entry in enumerate(entries):
        curves |= {run.id: curve(*(1 / (1 + i) + k / 50 for i in range(epochs))) for run in entry.tuning}
    for k, entry in enumerate(entries):
        curves |= {run.id: curve(*(1 / (1 + i) + k / 40 for i in range(epochs))) for run in entry.report(curves)}
    return entries, curves


@pytest.mark.parametrize(("labels", "epochs"), [(1, 1), (2, 45), (14, 3), (27, 45)])
def test_labels_do_not_cover_each_other_or_the_lines(labels: int, epochs: int) -> None:
    entries, curves = many(labels, epochs)
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
    charts.save(figure, "png", "x")  # lays the figure out
    (axes,) = figure.axes
    notes = [text for text in axes.texts if text.xy[0] > 1]
    boxes = sorted((text.get_window_extent() for text in notes), key=lambda box: float(box.y0))
    assert len(boxes) <= labels
    assert all(upper.y0 >= lower.y0 + 0.7 * lower.height for lower, upper in itertools.pairwise(boxes))
    assert all(box.x0 > axes.get_window_extent().x1 for box in boxes)
    assert axes.get_window_extent().width > 0.4 * figure.bbox.width


FORMS = [charts.PAGE, charts.Form(width=3.5), charts.Form(width=5.5), charts.Form(slide=True)]


@pytest.mark.parametrize("form", FORMS, ids=["page", "3.5 inches", "5.5 inches", "slide"])
@pytest.mark.parametrize("labels", [1, 8, 40])
@pytest.mark.parametrize("kind", [charts.budget, charts.sensitivity, charts.heatmap])
def test_charts_of_a_search_have_room_for_many_labels(kind: Any, labels: int, form: charts.Form) -> None:
    """Axes keep their width, and no words are outside the figure or over the title."""
    figure: Any = kind(*many(labels, 3), form=form)
    with form.style():
        figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_window_extent().width > (0.4 if form == charts.PAGE else 0.2) * figure.bbox.width
    assert axes.get_window_extent().height > 30  # a row of the heat map
    for legend in figure.legends:
        assert legend.get_window_extent().x1 <= figure.bbox.width + 1
    title = axes._left_title.get_window_extent()
    for other in figure.axes:
        labels_of_axes = [other.xaxis.label, other.yaxis.label, *other.texts]
        for text in (text for text in labels_of_axes if text.get_text()):
            box = text.get_window_extent()
            assert text is not axes.yaxis.label or box.height < axes.get_window_extent().height * 1.4
            assert 0 <= box.x0 <= box.x1 <= figure.bbox.width + 1
            assert not box.overlaps(title)


@pytest.mark.parametrize("form", FORMS, ids=["page", "3.5 inches", "5.5 inches", "slide"])
def test_long_names_do_not_take_the_panel_s_room(form: charts.Form) -> None:
    """Of an optimizer and a problem with 50 letters each; the names are shortened so that they stay different."""
    long = "the_quick_brown_fox_jumps_over_the_lazy_dog_again_"
    text = TEXT.replace("  a: {", f"  {long}: {{").replace("  adam: {lr", f"  {long}: {{name: adam, lr")
    text = text.replace(", optimizers: {adam: {lr: 0.1}}", "")
    entries = plan.entries(parse(text, "x.yaml"))
    curves: dict[str, Curve] = {}
    for entry in entries:
        curves |= {run.id: curve(1, 0.5) for run in entry.tuning}
    for entry in entries:
        curves |= {run.id: curve(1, 0.5) for run in entry.report(curves)}
    drawn = [charts.convergence(entries, curves, "train_loss", "epoch", form=form)]
    drawn += [charts.heatmap(entries, curves, form), charts.budget(entries, curves, form)]
    for figure in cast(list[Any], drawn):
        with form.style():
            figure.draw_without_rendering()
        axes = figure.axes[0]
        assert axes.get_window_extent().width > 0.2 * axes.figure.bbox.width / axes.get_gridspec().ncols
        assert axes._left_title.get_window_extent().x1 <= figure.bbox.width + 1


def test_names_are_shortened_so_that_they_differ() -> None:
    assert shortened(["adam", 30 * "a", 29 * "a" + "b"], 10) == ["adam", "aaaaa…aaaa", "aaaaa…aaab"]
    assert shortened([30 * "a", 40 * "a"], 10) == [30 * "a", 40 * "a"]
    assert shortened(["sgd_momentum = rmsprop_momentum"], 12) == ["sgd_momentum = rmspro…entum"]


def test_equal_curves_of_many_labels_are_named_in_short() -> None:
    many_entries, _ = many(8, 3)
    same = {run.id: curve(1, 0.5) for entry in many_entries for run in entry.tuning}
    same |= {run.id: curve(1, 0.5) for entry in many_entries for run in entry.report(same)}
    figure: Any = charts.convergence(many_entries, same, "train_loss", "epoch")
    assert written(figure.axes[0]) == ["sgd_0 = 7 others  0.5000"]


def test_numbers_along_a_short_range_are_plain() -> None:
    """Less than a power of ten: 3e-3 and not 3 × 10⁻³."""
    figure: Any = charts.sensitivity(*many(1, 3, rates=3))
    axes = figure.axes[0]
    axes.set_xlim(3e-3, 2e-2)
    figure.canvas.draw()
    words = [text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_majorticklabels()]
    words += [text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_minorticklabels()]
    assert any(words)
    assert not any("$" in word for word in words)


def test_a_hundred_rates_are_thinned_out() -> None:
    entries, curves = many(2, 2, rates=100)
    (axes, _) = cast(Any, charts.heatmap(entries, curves)).axes
    assert len(axes.get_xticks()) <= 13


@pytest.mark.parametrize("width", [3.5, 5.5])
def test_a_figure_for_print_has_its_width_and_small_type(
    entries: list[plan.Entry], curves: dict[str, Curve], width: float
) -> None:
    form = charts.Form(width)
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch", form=form)
    assert figure.get_figwidth() == width
    sizes = {text.get_fontsize() for axes in figure.axes for text in (axes.xaxis.label, axes.title, *axes.texts)}
    assert 8 <= min(sizes) <= max(sizes) <= 12
    assert b"/Type3" not in charts.save(figure, "pdf", "x", form)
    assert b"<text" in charts.save(figure, "svg", "x", form)


def test_a_slide_has_larger_type(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    figure: Any = charts.convergence(entries, curves, "train_loss", "epoch", form=charts.Form(slide=True))
    assert figure.axes[0].xaxis.label.get_fontsize() > 13


def test_the_users_own_style_changes_nothing(entries: list[plan.Entry], curves: dict[str, Curve]) -> None:
    def made() -> bytes:
        figure: Any = charts.convergence(entries, curves, "train_loss", "epoch")
        return charts.save(figure, "png", "x")

    plain = made()
    ugly: Any = {"axes.facecolor": "black", "text.usetex": True, "lines.linewidth": 9, "font.size": 30}
    with matplotlib.rc_context(ugly):
        assert made() == plain


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([0.5], [0.5]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
        ([0.2, 0.9, 1.0], [0.2, 0.9, 1.0]),
    ],
)
def test_places_of_labels(wanted: list[float], places: list[float]) -> None:
    assert spread_out(wanted, 0.1) == pytest.approx(places)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3e-4, "3e-4"),
        (0.00031622, "3.2e-4"),
        (0.5, "0.5"),
        (1000, "1000"),
        (0, "0"),
        (1e5, "1e5"),
        (0.0316, "0.0316"),
        (math.nan, "–"),
    ],
)
def test_numbers_on_axes(value: float, words: str) -> None:
    assert short(value) == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.1, 0.2, 0.5], ["0.1", "0.2", "0.5"]),
        ([2.3, 2.302, 2.304], ["2.3", "2.302", "2.304"]),  # not three times 2.3
        ([2.25, 2.275, 2.3], ["2.25", "2.275", "2.3"]),  # not in steps of .02 and .03
        ([1000, 1000.5], ["1000", "1000.5"]),
        ([3e-4, 3.005e-4], ["3e-4", "3.005e-4"]),
        ([0.0, 0.5], ["0", "0.5"]),
    ],
)
def test_numbers_side_by_side_have_the_figures_they_need(values: list[float], words: list[str]) -> None:
    assert Numbers().format_ticks(values) == words


@pytest.mark.parametrize("ends", [(0.26, 0.45), (0.5, 0.6), (2.29, 2.31), (0.05, 3.0), (0.9, 1.1)])
def test_a_logarithmic_axis_has_three_numbers(ends: tuple[float, float]) -> None:
    low, high = ends
    assert sum(low <= place <= high for place in Places(high / low).tick_values(low, high)) >= 3


@pytest.mark.parametrize("name", ["mnist", "sparse", "figure1_defaults", "modern"])
def test_the_committed_pictures_are_those_of_the_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, with the matplotlib that drew them."""
    session = Session.open(read(PAPER / name / "config.yaml"), Folder(PAPER, name), pytest.fail)
    file = PAPER / name / "figures/train_loss.png"
    if matplotlib.__version__.encode() not in file.read_bytes():
        pytest.skip("drawn by another version of matplotlib")
    committed = file.read_bytes()
    drawn: dict[str, bytes] = {}

    def keep(chart: str, data: bytes) -> Path:
        drawn[chart] = data
        return file

    monkeypatch.setattr(session.folder, "write_figure", keep)
    session.draw({"train_loss": session.gallery.usual()["train_loss"]}, "png")
    assert drawn == {"train_loss.png": committed}


def test_rules_in_a_valley() -> None:
    figure: Any = charts.valley({"adam": Adam(lr=0.1), "sgd": SGD()}, 20)
    paths, costs = figure.axes
    start, end = costs.get_lines()[0].get_ydata()[[0, -1]]
    assert (start, len(costs.get_lines()), end < start) == ((1 + 20 * 0.36) / 2, 2, True)
    assert len(paths.get_lines()[0].get_xdata()) == 21


def test_titles_that_would_collide_are_told_apart() -> None:
    """One problem has the title that another gets when its name is put in front."""
    text = """\
name: x
dataset: mnist
seeds: [1]
problems:
  p: {title: "q: T", model: logistic, epochs: 1, batch_size: 100}
  q: {title: T, model: logistic, epochs: 1, batch_size: 100}
  r: {title: T, model: logistic, epochs: 1, batch_size: 100}
optimizers: {adam: {}}
"""
    experiment = parse(text, "x.yaml")
    assert [problem_title(experiment, one) for one in experiment.problems] == ["p: q: T", "q: T", "r: T"]
