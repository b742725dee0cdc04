"""The page of `adambench lesson`: its recordings are the rules' own steps, its words are true, its controls work.

The tests in the browser are skipped without one, as those of the report.
"""

import base64
import hashlib
import html
import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adambench
from adambench.cli import app
from adambench.errors import AdambenchError
from adambench.explanation import CURVATURE, START, Descent, descend
from adambench.optimizers import OPTIMIZERS, Optimizer
from adambench.optimizers.base import Array
from adambench.show.lesson import lesson
from adambench.show.lesson.labs import LABS
from adambench.show.lesson.recordings import AXES, FAR, LOST, NOISE, QUANTITIES, STEPS, TRACKS, noise
from adambench.store.folder import Folder
from tests.browser import Browser, Elements, in_browser
from tests.conftest import Once

REFERENCE = Path(__file__).parent.parent / "results" / "paper"


@pytest.fixture(scope="module")
def page(once: Once) -> Path:
    return once("lesson", lambda path: (path / "lesson.html").write_text(lesson(), encoding="utf-8")) / "lesson.html"


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def embedded(text: str) -> Any:
    """What the page's script reads."""
    (data,) = re.findall(r'<script type="application/json" id="numbers">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)


@pytest.fixture(scope="module")
def words(text: str) -> str:
    """What a reader reads: without elements, styles and scripts, and with single spaces."""
    body = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", body)).split())


def step_by_step(rule: Optimizer, added: Array, rates: Array) -> tuple[Array, Array]:
    """The path and the gradients of a rule, as plainly as possible: a vector of two, step by step."""
    theta = np.array(START)
    state = rule.init(theta)
    path, grads = [theta.copy()], []
    with np.errstate(all="ignore"):
        for extra, rate in zip(added, rates, strict=True):
            grads.append(CURVATURE * theta + extra)
            rule.step(theta, grads[-1], state, rate)
            path.append(theta.copy())
    return np.array(path), np.array(grads)


def decoded(embedded: Any, name: str, place: int) -> tuple[Array, Array]:
    """A recording (quantity, weight, step), NaN where there is no number; and the largest of each (quantity, weight)."""
    count = len(QUANTITIES) * 2
    size = count * (4 + 2 * STEPS)
    data = base64.b64decode(embedded["tracks"][name]["data"])[size * place :][:size]
    most = np.frombuffer(data[: 4 * count], "<f4").reshape(-1, 2)
    shares = np.frombuffer(data[4 * count :], "<i2").reshape(-1, 2, STEPS).astype(float)
    return np.where(shares == LOST, np.nan, shares / 32767) * most[..., None], most


@pytest.mark.parametrize("name", TRACKS)
def test_the_page_holds_the_steps_of_the_rules(embedded: Any, name: str) -> None:
    """For positions from the first to the last of each rule, with each noise."""
    track, facts = TRACKS[name], embedded["tracks"][name]
    rules = list(track.rules())
    assert len(base64.b64decode(facts["data"])) == len(rules) * len(NOISE) * 8 * (4 + 2 * STEPS)
    assert [len(embedded["axes"][axis]["values"]) for axis in facts["axes"]] == [*(len(AXES[a]) for a in track.axes), 3]
    rates = np.array([track.schedule.scale(t, 1, STEPS) for t in range(1, STEPS + 1)])
    for place in sorted({*range(0, len(rules), 5), len(rules) - 1}):
        values = np.unravel_index(place, [len(AXES[axis]) for axis in track.axes])
        setting = {axis: AXES[axis][at] for axis, at in zip(track.axes, values, strict=True)}
        rule: Any = replace(track.rule, **setting)
        for level in range(len(NOISE)):
            found, most = decoded(embedded, name, place * len(NOISE) + level)
            path, grads = step_by_step(rule, noise()[:, level], rates)
            there = np.logical_and.accumulate(np.abs(path[:-1]).max(axis=1) <= FAR)
            assert np.array_equal(np.isnan(found[0, 0]), ~there)
            for quantity, true in ((0, np.diff(path, axis=0)), (1, grads)):
                wrong = np.abs(found[quantity] - true.T)[:, there].max(axis=1)
                assert (wrong <= most[quantity] / 65534 * 1.01 + 1e-12).all(), (setting, QUANTITIES[quantity])
            drawn = np.cumsum(found[0][:, there], axis=1) + np.array(START)[:, None]
            assert np.abs(drawn - path[1:].T[:, there]).max() <= STEPS * most[0].max() / 65534


def test_the_averages_are_those_of_the_rule(embedded: Any) -> None:
    """By the equations of the paper, from the gradients alone."""
    place = list(TRACKS["adam"].rules()).index(OPTIMIZERS["adam"](**{"lr": 0.1}))
    found, most = decoded(embedded, "adam", place * len(NOISE) + 1)
    m = v = np.zeros(2)
    for t in range(1, STEPS + 1):
        g = found[1][:, t - 1]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        assert found[2][:, t - 1] == pytest.approx(m / (1 - 0.9**t), abs=float(most[1].max()) / 1e4)
        assert found[3][:, t - 1] == pytest.approx(np.sqrt(v / (1 - 0.999**t)), abs=float(most[1].max()) / 1e4)
    sgd, _ = decoded(embedded, "sgd", 0)
    assert np.isnan(sgd[QUANTITIES.index("scale")]).all()


def test_descents_side_by_side_are_those_alone() -> None:
    adam, added = OPTIMIZERS["adam"](), noise()
    together = descend(adam, added)
    for level in range(len(NOISE)):
        alone = descend(adam, added[:, level])
        assert np.array_equal(alone.path, together.path[:, level])
        assert alone.means is not None
        assert together.means is not None
        assert np.array_equal(alone.means, together.means[:, level])


def test_the_page_is_the_same_every_time_and_small(text: str) -> None:
    assert lesson() == text
    assert len(text.encode()) < 1_300_000


def test_the_page_needs_nothing_else_and_may_do_nothing_else(text: str) -> None:
    page = Elements(text)
    (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    for tag in ("script", "style"):
        (inner,) = (data for name, data in page.inner if name == tag and not data.startswith("{"))
        assert rules[f"{tag}-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()}'"
    assert rules["default-src"] == "'none'"
    assert not any(tag in ("link", "iframe", "img", "object", "base", "form") for tag, _ in page.found)
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.found for name in attributes)
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(link["href"]) for link in page.all("a")} <= {f"#{id_}" for id_ in ids}
    assert [figure["data-lab"] for figure in page.all("figure")] == list(LABS)


# The words


def descent(name: str, level: float, **setting: float | bool) -> Descent:
    changes: dict[str, Any] = setting
    return descend(OPTIMIZERS[name](**changes), noise()[:, NOISE.index(level)])


def steps(found: Descent, weight: int, alpha: float) -> Array:
    """The effective steps |Δθ|/α of a weight."""
    return np.abs(np.diff(found.path[:, weight])) / alpha


def test_what_the_lesson_says_of_its_figures_is_so(words: str) -> None:
    late = descent("adam", 0.5, lr=0.03, beta1=0.99).path
    assert f"swings through the valley to x = {late[:, 0].max():.2f}, and to y = −{-late[:, 1].min():.2f}" in words
    bouncing = descent("momentum", 0.0, lr=0.1, momentum=0.0).path[:, 1]
    assert bouncing[::2] == pytest.approx(0.6)
    assert bouncing[1::2] == pytest.approx(-0.6)
    long = descent("adam", 0.0, lr=0.03)
    assert long.scales is not None
    assert f"at step 100 its scale is still {long.scales[-1, 1]:.1f}" in words
    assert 180 < long.grads[0, 1] / abs(long.grads[-1, 1]) < 220  # "two hundred times smaller"
    assert f"up to {steps(descent('adam', 0.0, lr=0.03, beta2=0.5), 1, 0.03).max():.1f} α" in words
    raw = steps(descent("adam", 0.0, lr=0.03, bias_correction=False), 0, 0.03)
    assert (
        f"{raw[0]:.1f} α = 0.1/√0.001, and it gets worse before it gets better: {raw.max():.1f} α at step {raw.argmax() + 1}"
        in words
    )
    for beta1, told in ((0.0, "With β₁ = 0 the first step is {:.1f} α"), (0.99, "With 0.99 it is {:.1f} α")):
        first = steps(descent("adam", 0.0, lr=0.03, beta1=beta1, bias_correction=False), 0, 0.03)[0]
        assert told.format(first) in words
    assert steps(descent("adam", 0.0, lr=0.03, beta2=0.99, bias_correction=False), 0, 0.03)[0] == pytest.approx(1)
    quiet, loud = (steps(descent("adam", level, lr=0.03), 0, 0.03) for level in (0.0, 2.0))
    assert quiet[:20].min() > 0.8
    assert (
        f"on average {loud[:10].mean():.1f} α in the first ten steps, where the other lane takes {quiet[:10].mean():.2f} α"
        in words
    )
    every = [
        steps(descent("adam", level, lr=lr), w, lr).max()
        for level in NOISE
        for lr in (0.01, 0.03, 0.1, 0.3)
        for w in (0, 1)
    ]
    assert 1 < max(every) < 1.005


def height(found: Descent, last: int = 30) -> float:
    return float((found.path[-last:] ** 2 @ CURVATURE).mean() / 2)


def test_what_the_lesson_says_of_other_rules_is_so(words: str) -> None:
    assert height(descent("adam", 2.0, lr=0.1)) < height(descent("adam", 2.0, lr=0.3))  # the circle grows with α
    assert f"it gets stuck halfway, at x = −{-descent('adagrad', 0.0, lr=0.03).path[-1, 0]:.2f}" in words
    assert abs(descent("adam", 0.0, lr=0.03).path[-1, 0]) < 0.01  # arrives
    assert height(descent("adagrad", 0.0, lr=0.3)) < height(descent("adam", 0.0, lr=0.3))
    assert height(descent("adagrad", 2.0, lr=0.3)) < height(descent("adam", 2.0, lr=0.3))
    for lr in AXES["lr"]:
        like = TRACKS["adam_as_adagrad"]
        same = descend(replace(like.rule, **{"lr": lr}), noise(), like.schedule).path
        assert np.abs(same - descend(OPTIMIZERS["adagrad"](**{"lr": lr}), noise()).path).max() < 1e-7
    largest, mean = descent("adamax", 0.5, lr=0.1).scales, descent("adam", 0.5, lr=0.1).scales
    assert largest is not None
    assert mean is not None
    assert (
        f"from {largest[0, 1]:.1f} to {largest[-1, 1]:.1f} in 100 steps, where √v̂ falls to {mean[-1, 1]:.1f}" in words
    )


def test_what_the_lesson_says_of_mnist_is_measured(text: str, words: str) -> None:
    rows = adambench.Results.load(REFERENCE / "figure1").table()
    final = {(row["optimizer"], row["problem"]): f"{row['train_loss_mean']:.4f}" for row in rows}
    found = re.findall(r'<th scope="row" class="words">(\w+)</th>(.*?)</tr>', text)
    assert {name.lower(): re.findall(r"<td>(.*?)</td>", cells) for name, cells in found} == {
        name: [final[name, problem] for problem in ("step", "epoch", "constant")]
        for name in ("adam", "nesterov", "adagrad")
    }
    wrong = {(row["optimizer"], row["problem"]): f"{100 * row['test_error_mean']:.1f}" for row in rows}
    assert f"({wrong['adagrad', 'step']} % errors, Adam {wrong['adam', 'step']} %)" in words
    assert wrong["adagrad", "epoch"] == wrong["adagrad", "constant"]
    others = f"Adam {wrong['adam', 'epoch']} and {wrong['adam', 'constant']} %"
    assert f"({wrong['adagrad', 'epoch']} %; {others})" in words
    records = Folder(REFERENCE, "inside").records(lambda _: None).values()
    (columns,) = (record.data["inside"] for record in records if record.data["optimizer"] == "adam")
    median = {
        step: snr
        for step, part, snr in zip(columns["step"], columns["part"], columns["snr_50"], strict=True)
        if part == "all"
    }
    told = f"{median[10]:.2g} at step 10, {median[100]:.2g} at step 100, {median[1000]:.2g} at step 1,000 and {median[max(median)]:.1g} after 20 epochs"
    assert told in words


# The command


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "new" / "adam.html"
    app(["lesson", "--output", str(file)], standalone_mode=False)
    assert capsys.readouterr().out == f"wrote {file}\n"
    assert file.read_text(encoding="utf-8") == text
    with pytest.raises(AdambenchError, match=r"adam\.pdf: the page is HTML"):
        app(["lesson", "--output", "adam.pdf"], standalone_mode=False)


# In the browser


@in_browser
@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (800, "dark"), (1200, "light")])
def test_the_page_opens_without_an_error_or_a_request(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.requests()
    browser.open(page, width, scheme)
    browser.run("$$('details').forEach((one) => { one.open = true; })")
    assert browser.run("return document.documentElement.scrollWidth") <= width  # only tables scroll
    assert browser.run("return $$('.lab').every((lab) => lab.querySelectorAll('.lane .drawing svg').length >= 2)")
    assert browser.errors() == []
    assert {url for url in browser.requests() if url.split(":")[0] not in ("about", "data")} == {page.as_uri()}


def now(browser: Browser, lab: str) -> list[list[str]]:
    """The numbers below a figure, a row for each lane."""
    found: list[list[str]] = browser.run(
        f"return [...$('[data-lab={lab}] tbody').rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return found


@in_browser
def test_sliders_move_by_keyboard_and_show_the_steps_of_the_rule(browser: Browser, page: Path) -> None:
    browser.open(page)
    before = now(browser, "bound")
    slider = "[data-lab=bound] .lane:nth-child(2) input[data-axis=lr]"
    browser.press(slider, "ARROW_LEFT")
    assert browser.run(f"return $('{slider}').getAttribute('aria-valuetext')") == "0.1"
    browser.press("[data-lab=bound] input[data-axis=noise]", "END")
    for _ in range(3):
        browser.press("[data-lab=bound] input[data-axis=step]", "ARROW_LEFT")
    left, right = now(browser, "bound")
    assert left != before[0]
    assert right[0] == "Adam, α 0.1, β₁ 0.9, β₂ 0.999, σ 2"
    found = descent("adam", 2.0, lr=0.1)
    assert found.means is not None
    assert found.scales is not None
    t = STEPS - 3
    mean, scale = found.means[t - 1, 1], found.scales[t - 1, 1]
    x, y = found.path[t]
    expected = [
        x,
        y,
        (x * x + 20 * y * y) / 2,
        found.grads[t - 1, 1],
        mean,
        scale,
        mean / scale,
        steps(found, 1, 0.1)[t - 1],
    ]
    shown = [float(cell.replace("−", "-")) for cell in right[1:]]
    assert shown == pytest.approx(expected, rel=0.006, abs=2e-4)
    said = browser.run("return $('[data-lab=bound] input[data-axis=step]').getAttribute('aria-valuetext')")
    assert said.startswith("97; Left at step 97 at height")
    assert browser.errors() == []


@in_browser
def test_a_rule_is_chosen_and_has_its_own_sliders(browser: Browser, page: Path) -> None:
    browser.open(page)
    seen = "return [...$('[data-lab=all] .lane').querySelectorAll('input')].filter((one) => !one.closest('label').hidden).length"
    assert browser.run(seen) == 2
    browser.run("const s = $('[data-lab=all] .lane select'); s.value = 'adam'; s.dispatchEvent(new Event('change'));")
    assert browser.run(seen) == 4
    browser.run("$('[data-lab=all] .lane input[type=checkbox]').click()")
    assert now(browser, "all")[0][0] == "Adam, α 0.03, β₁ 0.9, β₂ 0.999, no bias correction, σ 0.5"
    left, right = now(browser, "adagrad")
    assert left[7] == "–"  # no mean, so no ratio
    browser.run(
        "const s = $('[data-lab=adagrad] .lane:nth-child(2) select'); s.value = 'adam_as_adagrad'; s.dispatchEvent(new Event('change'));"
    )
    left, again = now(browser, "adagrad")
    assert again != right
    assert again[1:3] == left[1:3]  # Adam is AdaGrad there


@in_browser
def test_a_rule_that_leaves_the_valley_is_said_to(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("[data-lab=rate] .lane:nth-child(2) input[data-axis=lr]", "END")
    assert now(browser, "rate")[1][1:4] == ["–", "–", "–"]
    said = browser.run("return $('[data-lab=rate] .lane:nth-child(2) svg[role=img]').getAttribute('aria-label')")
    assert "out of the valley" in said
    assert browser.errors() == []


@in_browser
def test_play_draws_step_by_step(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("$('[data-lab=mean] .clock button').click()")
    assert browser.run("return $('[data-lab=mean] .clock button').textContent") == "Pause"
    browser.until("return Number($('[data-lab=mean] input[data-axis=step]').value) >= 3")
    browser.run("$('[data-lab=mean] .clock button').click()")
    at = int(browser.run("return $('[data-lab=mean] input[data-axis=step]').value"))
    drawn = browser.run(
        "return $('[data-lab=mean] .drawing .line:not(.pale-line)').getAttribute('d').split('L').length"
    )
    assert drawn == at + 1
    assert browser.run("return $('[data-lab=mean] .clock button').textContent") == "Play"


@in_browser
def test_all_steps_are_there_as_a_table(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("$('[data-lab=snr] details').open = true")
    browser.until("return $$('[data-lab=snr] details tbody tr').length === 100")
    browser.run("$('[data-lab=snr] details button').click()")
    lines = browser.saved("snr.csv").decode().splitlines()
    path = descent("adam", 0.0, lr=0.03).path
    assert lines[0].startswith("t,Left x,Left change of x,Left grad of x,Left mean of x,Left scale of x,Left y,")
    assert [float(line.split(",")[1]) for line in lines[1:]] == pytest.approx(path[1:, 0].tolist(), abs=1e-4)


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, page: Path, scheme: str) -> None:
    spec = importlib.util.find_spec("axe_core_python")
    assert spec
    assert spec.origin
    browser.open(page, scheme=scheme)
    browser.run("$$('.try details').forEach((one) => { one.open = true; })")
    browser.driver.set_script_timeout(120)
    browser.driver.execute_script(Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    faults = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations.filter((v) =>"
        "['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes[0].html, v.nodes[0].failureSummary])));"
    )
    assert faults == []
