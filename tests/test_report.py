"""The page of `adambench report`, as text and in a real browser: its numbers, its controls, its safety.

The tests in the browser need Debian's packages chromium and chromium-driver, and are skipped without them. The browser
has no network.
"""

import base64
import csv
import hashlib
import importlib.util
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from adambench import pages
from adambench.cli import app
from adambench.errors import AdambenchError
from adambench.judge.analysis import Estimate, band
from adambench.judge.fairness import Budget, Fairness, Reached, Stable
from adambench.session import Session
from adambench.show import findings
from adambench.show.charts.look import PALETTE, on_dark
from adambench.show.report import Chapter, section
from adambench.show.report.charts import convergence, early, heat, thinned
from adambench.show.report.page import Section, key
from adambench.show.terminal import cost
from adambench.show.words import estimate
from adambench.stored import stored
from tests.browser import Browser, Elements, in_browser
from tests.conftest import QUICK, Command, Once
from tests.test_look import MAIN, VISIONS, XYZ, least, rgb

REFERENCE = Path(__file__).parent.parent / "results" / "paper"
EXPERIMENTS = ["figure1", "inside"]  # claims, searches and the paper's curves; what happens inside
HOSTILE = """</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'"`{{7*7}}"""


def ignore(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def page(once: Once) -> Path:
    def fill(path: Path) -> None:
        (path / "report.html").write_text(pages.report(REFERENCE, EXPERIMENTS, ignore)[0], encoding="utf-8")

    return once("page", fill) / "report.html"


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return stored(REFERENCE, EXPERIMENTS, ignore, ignore)


def hostile(tmp_path: Path) -> Path:
    """A results folder whose words all try to break out of the page, beside one that is damaged."""
    results = tmp_path / "results"
    shutil.copytree(REFERENCE / "figure2_input", results / "figure2_input")
    config = results / "figure2_input" / "config.yaml"
    quoted = json.dumps(HOSTILE)
    lines = config.read_text(encoding="utf-8").replace("    batch_size:", f"    title: {quoted}\n    batch_size:")
    label = re.findall(r"^      (\w+):\n        name: ", lines, re.MULTILINE)[0]
    problem = re.findall(r"^problems:\n  (\w+):", lines, re.MULTILINE)[0]
    claim = f"- {{id: H1, sentence: {quoted}, problem: {problem}, quantity: final({label}), relation: <, bound: 9}}\n"
    lines = lines[: lines.index("claims:")] if "claims:" in lines else lines
    config.write_text(f"{lines}claims:\n{claim}", encoding="utf-8")
    for file in (results / "figure2_input" / "runs").iterdir():
        data = {**json.loads(file.read_text()), "cpu": HOSTILE, "commit": HOSTILE}
        del data["sha256"]
        data["sha256"] = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        file.write_text(json.dumps(data))
    (results / "damaged").mkdir()
    (results / "damaged" / "config.yaml").write_text(f"name: {quoted}\n")
    return results


def test_a_verdict_stands_beside_its_claim(text: str) -> None:
    """At the end of the row it would be outside of a narrow window."""
    row = re.search(r"<td[^>]*>A1-step: .*?</tr>", text, re.DOTALL)
    assert row
    words = re.sub(r"(<[^>]*>|\s)+", " ", row[0]).strip()
    assert words.startswith("A1-step: Adam and Nesterov end within 5 % of each other reproduced")


def test_the_page_needs_nothing_else_and_may_do_nothing_else(text: str) -> None:
    page = Elements(text)
    (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules.pop("default-src") == "'none'"
    assert set(rules) == {"script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert rules["img-src"] == "data:"
    for tag in ("script", "style"):
        (inner,) = (data for name, data in page.inner if name == tag and not data.startswith("["))
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not any(tag in ("link", "iframe", "img", "object", "base", "form") for tag, _ in page.found)
    links = {str(attributes["href"])[0] for attributes in page.all("a")}
    assert links == {"#"}
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.found for name in attributes)
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}  # a name, never fetched


def test_the_page_of_744_runs_is_below_three_megabytes(text: str, sessions: list[Session]) -> None:
    assert len(sessions[0].records) == 744
    assert len(text.encode()) < 3_000_000


def test_every_id_is_there_once_and_every_link_leads_to_one(text: str) -> None:
    page = Elements(text)
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(link["href"])[1:] for link in page.all("a")} <= set(map(str, ids))
    named = {attributes["aria-labelledby"] for _, attributes in page.found if "aria-labelledby" in attributes}
    assert named - {"record-title"} <= set(ids)  # the script makes that one


def test_the_tables_saved_from_the_page_are_those_of_the_commands(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = [str(button["data-text"]) for button in Elements(text).all("button") if "data-save" in button]
    found = {row for one in saved for row in values(one)}
    for command in ("table", "claims", "fairness"):
        names = EXPERIMENTS if command != "claims" else EXPERIMENTS[:1]
        app([command, *names, "--format", "csv", "--results", str(REFERENCE)], standalone_mode=False)
        assert values(capsys.readouterr().out) <= found, command
    for name in EXPERIMENTS:
        app(["table", name, "--format", "latex", "--results", str(REFERENCE)], standalone_mode=False)
        assert set(capsys.readouterr().out.splitlines()) - {""} <= {line for one in saved for line in one.splitlines()}


def values(text: str) -> set[frozenset[tuple[str, str]]]:
    """The rows of a CSV file: the values that each has, with their columns."""
    return {
        frozenset((key, one) for key, one in row.items() if key and one) for row in csv.DictReader(io.StringIO(text))
    }


def test_words_from_results_are_never_elements(tmp_path: Path) -> None:
    text, warnings = pages.report(hostile(tmp_path), None, ignore)
    page = Elements(text)
    assert len(page.all("script")) == 2
    assert not page.all("img")
    assert "&lt;/script&gt;&lt;script&gt;" in text  # shown, as words
    assert "{{7*7}}" in text  # and not computed
    assert len(warnings) == 1
    assert warnings[0].startswith("damaged: cannot be shown")
    assert "damaged" in text[text.index('class="failed"') :]


PLUGIN = """
from dataclasses import dataclass

from adambench.optimizers import SGD


@dataclass(frozen=True)
class Mine(SGD):
    # <b>mine</b>
    pass


OPTIMIZERS = {"mine": Mine}
"""


def test_a_page_holds_its_plugins_and_says_where_the_data_are(ran: Path, command: Command) -> None:
    """As text: a stranger can read and save the one, and put another path in the place of the other."""
    (ran.parent / "mine.py").write_text(PLUGIN)
    ran.write_text(ran.read_text().replace("optimizers:\n  nesterov", "optimizers:\n  mine: {lr: 0.1}\n  nesterov"))
    assert command("run", ran, "--plugin", ran.parent / "mine.py", *QUICK).returncode == 0
    text = " ".join(pages.report(ran.parent / "results", ["small"], ignore)[0].split())
    assert "# &lt;b&gt;mine&lt;/b&gt; pass OPTIMIZERS = {&#34;mine&#34;: Mine}" in text
    assert "<b>mine</b>" not in text
    (file,) = (ran.parent / "results/small/plugins").iterdir()
    assert f"The plug-in, as <code>plugins/{file.name}</code>" in text
    assert f'data-name="{file.name}"' in text
    folder = ran.read_text().partition("idx: ")[2].partition("}")[0]
    assert f"They were read from the folder <code>{folder}</code>" in text


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.yaml").write_text("name: [\n")
    with pytest.raises(AdambenchError, match="damaged: cannot be shown"):
        pages.report(tmp_path, None, ignore)


def test_a_bug_in_one_experiment_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = section

    def broken(chapter: Chapter) -> Section:
        if chapter.experiment.name == "inside":
            raise ValueError(HOSTILE)
        return whole(chapter)

    monkeypatch.setattr(pages, "section", broken)
    text, left_out = pages.report(REFERENCE, ["inside", "figure2_input"], ignore)
    assert ">figure2_input</h2>" in text
    assert left_out == [f"inside: cannot be shown: ValueError: {HOSTILE}"]
    assert not Elements(text).all("img")


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(REFERENCE / "inside", tmp_path / "inside")
    app(["report", "inside", "--results", str(tmp_path)], standalone_mode=False)
    assert capsys.readouterr().out == f"wrote {tmp_path / 'inside' / 'report.html'}\n"
    app(["report", "--results", str(tmp_path), "--output", str(tmp_path / "new" / "a.html")], standalone_mode=False)
    assert (tmp_path / "new" / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(AdambenchError, match=r"a\.pdf: the page is HTML"):
        app(["report", "--results", str(tmp_path), "--output", "a.pdf"], standalone_mode=False)


@pytest.mark.parametrize("thin", [thinned, early])
def test_a_thinned_line_keeps_its_ends(thin: Callable[[int, int], list[int]]) -> None:
    assert thin(5, 9) == [0, 1, 2, 3, 4]
    for count in (10, 45, 200, 100_000):
        places = thin(count, 9)
        assert places == sorted(set(places))
        assert (places[0], places[-1]) == (0, count - 1)
        assert len(places) <= 9


def test_long_searches_are_thinned_to_the_lowest_rows(sessions: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    entry = next(entry for entry in sessions[0].entries if entry.grid.label == "nesterov")
    whole = heat(entry, sessions[0].curves)
    monkeypatch.setattr("adambench.show.report.charts.MOST_ROWS", 2)
    few = heat(entry, sessions[0].curves)
    assert sum(len(row["cells"]) for row in whole) == 77
    lowest = sorted(min(cell[2] for cell in row["cells"] if cell[2]) for row in whole)[:2]
    assert sorted(min(cell[2] for cell in row["cells"] if cell[2]) for row in few) == lowest
    assert any(cell[3] for row in few for cell in row["cells"])  # the chosen one stays


def test_the_chart_opens_on_the_metric_that_ranks() -> None:
    """In modern the settings are chosen, and ranked, by validation cost."""
    (session,) = stored(REFERENCE, ["modern"], ignore, ignore)
    members = [entry for entry in session.entries if entry.problem.name == "softmax"]
    first, *more = convergence(members, session.curves)["metrics"]
    assert first == session.experiment.tuning.metric == "validation_loss"
    assert "train_loss" in more


def test_an_optimizer_that_diverged_at_once_is_in_the_legend(small: Path, command: Command) -> None:
    command("run", small, "problems.logistic.optimizers={nesterov: {lr: 1e38}, adam: {}}", *QUICK)
    (session,) = stored(small.parent / "results", ["small"], pytest.fail, pytest.fail)
    drawn = convergence([entry for entry in session.entries if entry.problem.name == "logistic"], session.curves)
    assert {line["label"]: line["diverged"] for line in drawn["series"]} == {"nesterov": True, "adam": False}


def test_lines_stand_out_on_a_dark_page() -> None:
    found = [on_dark(colour) for colour in PALETTE]
    (paper,) = rgb(["#15181d"])
    assert ((rgb(found) @ XYZ[1] + 0.05) / (paper @ XYZ[1] + 0.05)).min() >= 3
    assert least([found[index] for index in MAIN], "normal") >= 17
    assert min(least([found[index] for index in MAIN], vision) for vision in VISIONS) >= 8


# In the browser


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 900, 1400])
def test_the_page_opens_without_an_error_or_a_request(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.requests()
    browser.open(page, width, scheme)
    browser.run("$$('details').forEach((one) => { one.open = true; })")
    browser.until("return $$('[data-runs] tbody tr').length > 100")
    assert browser.run("return document.documentElement.scrollWidth") <= width  # only tables and charts scroll
    assert browser.errors() == []
    assert {url for url in browser.requests() if url.split(":")[0] not in ("about", "data")} == {page.as_uri()}


@in_browser
def test_every_number_is_that_of_table_as_json(
    browser: Browser, page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app(["table", *EXPERIMENTS, "--format", "json", "--results", str(REFERENCE)], standalone_mode=False)
    expected = json.loads(capsys.readouterr().out)
    browser.open(page)
    shown = browser.run("""
        return $$('.experiment').flatMap((e) => [...e.querySelectorAll('[data-chart=convergence]')].flatMap((figure) => {
          const table = figure.parentNode.querySelector('table');
          const lines = [...figure.querySelectorAll('.legend button')].map((b) => [b.querySelector('.name').textContent, b.querySelector('.final').textContent]);
          return [...table.tBodies[0].rows].map((row) => ({
            experiment: e.querySelector('h2').textContent, legend: Object.fromEntries(lines),
            cells: [...row.cells].map((c) => c.textContent), keys: [...row.cells].map((c) => c.dataset.key) }));
        }));""")
    assert len(shown) == len(expected)
    for row, facts in zip(shown, expected, strict=True):

        def told(metric: str, scale: float = 1.0, facts: Any = facts) -> str:
            sd = facts[f"{metric}_sd"]
            return estimate(Estimate(facts[f"{metric}_mean"], np.nan if sd is None else sd, facts["n"]), scale)

        assert row["experiment"] == facts["experiment"]
        _, optimizer, setting, final, n, error, seconds, status = row["cells"]
        assert optimizer == facts["optimizer"]
        assert set(setting.removesuffix(" (fixed)").split()) <= set(facts["setting"].split())
        assert final == row["legend"][optimizer] == told("train_loss")
        assert (error, int(n), status) == (told("test_error", 100), facts["n"], facts["status"])
        assert seconds == f"{facts['seconds_mean']:.1f}"
        assert float(row["keys"][3]) == facts["train_loss_mean"]  # to the last bit
        assert float(row["keys"][5]) == facts["test_error_mean"]


@in_browser
def test_the_cursor_reads_mean_and_range(browser: Browser, page: Path, sessions: list[Session]) -> None:
    browser.open(page)
    browser.run("""
        const slider = $('[data-chart=convergence] input[type=range]');
        slider.value = 9; slider.dispatchEvent(new Event('input'));""")
    lines = browser.run(
        "return $('[data-chart=convergence]').querySelectorAll('.legend button').values().toArray().map((b) => [b.querySelector('.name').textContent, b.querySelector('.value').textContent])"
    )
    session = sessions[0]
    members = {entry.grid.label: entry for entry in session.entries if entry.problem.name == "step"}
    assert {label for label, _ in lines} == set(members)
    for label, told in lines:
        found = band(members[label].report(session.curves), session.curves, "train_loss", "epoch")
        mean, low, high = (cost(float(values[9])) for values in (found.mean, found.low, found.high))
        assert told.rstrip(")").replace("–", "(").split("(")[0].strip() == f"at cursor {mean}"
        assert f"({low}–{high})" in told
    assert (
        browser.run("return $('[data-chart=convergence] input[type=range]').getAttribute('aria-valuetext')")
        == "epoch 10"
    )


@in_browser
def test_the_controls_of_a_chart_work(browser: Browser, page: Path) -> None:
    browser.open(page)

    def seen(script: str) -> Any:
        return browser.run(f"const f = $('[data-chart=convergence]'), view = f.querySelector('.drawing svg'); {script}")

    def toggle(words: str) -> None:
        seen(
            f"[...f.querySelectorAll('label')].find((l) => l.textContent.includes({words!r})).querySelector('input').click()"
        )

    def choose(place: int, value: str) -> None:
        seen(
            f"const s = f.querySelectorAll('select')[{place}]; s.value = {value!r}; s.dispatchEvent(new Event('change'));"
        )

    lines = "return f.querySelectorAll('.drawing .line').length"
    assert seen(lines) == 8
    seen("f.querySelector('.legend button').click()")
    assert seen(lines) == 7
    assert seen("return f.querySelector('.legend button').getAttribute('aria-pressed')") == "false"
    seen("f.querySelector('.legend button').click()")
    assert seen(lines) == 8
    path = "return view.querySelector('.line').getAttribute('d')"
    drawn = [seen(path)]
    for change in ("logarithmic", "close-up"):
        toggle(change)
        drawn.append(seen(path))
    assert len(set(drawn)) == 3
    assert seen("return view.querySelectorAll('.paper').length") == 0
    toggle("paper")
    assert seen("return view.querySelectorAll('.paper').length") >= 3
    choose(1, "seconds")
    assert "CPU seconds of training" in seen("return view.textContent")
    assert seen("return view.querySelectorAll('.paper').length") == 0  # the paper has no seconds
    seen("f.querySelector('details').open = true")
    browser.until("return $$('[data-chart=convergence] details td').length > 10")
    numbers = "return f.querySelector('details table').textContent"
    costs = seen(numbers)
    choose(0, "test_error")
    assert "test error (%)" in seen("return view.textContent")
    assert seen(numbers) != costs  # an open table follows the chart
    assert browser.errors() == []


@in_browser
def test_a_heading_sorts_its_table(browser: Browser, page: Path) -> None:
    browser.open(page)

    def column(place: int) -> list[str]:
        found: list[str] = browser.run(
            "const t = $('[data-chart=convergence]').parentNode.querySelector('table');"
            f"return [...t.tBodies[0].rows].map((r) => r.cells[{place}].textContent)"
        )
        return found

    def click(place: int) -> None:
        browser.run(f"$('[data-chart=convergence]').parentNode.querySelectorAll('table th button')[{place}].click()")

    before = column(1)
    click(1)
    assert column(1) == sorted(before)
    click(5)
    errors = [float(cell.split()[0]) for cell in column(5)]
    assert errors == sorted(errors)
    click(5)
    assert [float(cell.split()[0]) for cell in column(5)] == sorted(errors, reverse=True)
    click(5)
    assert column(1) == before


@in_browser
def test_arrow_keys_pick_a_setting_and_enter_opens_its_record(
    browser: Browser, page: Path, sessions: list[Session]
) -> None:
    browser.open(page)
    heat_map = "[data-chart=heat] .drawing svg"
    first = browser.run("return $('[data-chart=heat] .readout').textContent")
    browser.press(heat_map, "ARROW_RIGHT")
    second = browser.run("return $('[data-chart=heat] .readout').textContent")
    browser.press(heat_map, "ARROW_DOWN")
    third = browser.run("return $('[data-chart=heat] .readout').textContent")
    assert len({first, second, third}) == 3
    assert first.startswith("adam lr=0.3: final training cost (nats) 0.2233")
    assert "lr=1:" in second
    assert third.startswith("nesterov momentum=0.9 lr=1:")
    ours = "const key = new KeyboardEvent('keydown', {key: 'Enter', cancelable: true}); $(arguments[0]).dispatchEvent(key);"
    assert browser.run(f"{ours} return key.defaultPrevented", heat_map)  # it does not reach the record's Close button
    browser.run("$('#record').close()")
    browser.press(heat_map, "ENTER")
    browser.until("return $('#record').open")
    id_ = third.split()[-1]
    dialog = browser.run("return $('#record').textContent")
    assert sessions[0].records[id_].data["sha256"] in dialog
    assert f"adambench show {id_}" in dialog
    browser.open(page, anchor=f"#run-{id_}")  # a record has an address
    assert browser.run("return $('#record').open")
    browser.press("#record button", "ESCAPE")
    browser.until("return !$('#record').open && !location.hash")
    assert browser.errors() == []


@in_browser
def test_the_slider_of_inspected_steps_moves_the_spread(browser: Browser, page: Path, sessions: list[Session]) -> None:
    browser.open(page)
    browser.run(
        "const s = $('[data-chart=inside] input[type=range]'); s.value = 0; s.dispatchEvent(new Event('input'));"
    )
    label = browser.run("return $('[data-chart=inside] .drawing:last-of-type svg').getAttribute('aria-label')")
    records = [record for record in sessions[1].records.values() if record.data["optimizer"] == "adam"]
    columns = records[0].data["inside"]
    assert f"adam, all parameters: median {cost(columns['snr_50'][columns['part'].index('all')])}" in label
    assert "At step 1:" in browser.run("return $('[data-chart=inside]').textContent")


@in_browser
def test_charts_and_tables_are_saved(browser: Browser, page: Path) -> None:
    browser.open(page, scheme="dark")
    browser.run("$$('[data-chart=convergence] .tools button').slice(0, 2).forEach((button) => button.click())")
    drawing = browser.saved("figure1-step-convergence.svg").decode()
    tree = ElementTree.fromstring(drawing)
    assert "class=" not in drawing
    assert "style=" not in drawing
    assert "adagrad 0.297 ± 0.003" in "".join(tree.itertext())  # the legend is in the picture
    assert 'fill="#ffffff"' in drawing  # on white, though the page is dark
    assert browser.saved("figure1-step-convergence.png").startswith(b"\x89PNG")
    browser.run("$('[data-save=csv]').click()")
    (csv,) = [browser.saved(name) for name in ["figure1.csv"]]
    assert csv.decode().startswith("experiment,id,sentence,problem")
    browser.run("$('[data-save=yaml]').click()")
    assert browser.saved("figure1.yaml") == (REFERENCE / "figure1" / "config.yaml").read_bytes()
    assert browser.errors() == []


@in_browser
def test_light_and_dark(browser: Browser, page: Path) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    for scheme, expected in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 24, 29)")):
        browser.open(page, scheme=scheme)
        assert browser.run(paper) == expected
        line = "return getComputedStyle($('[data-chart=convergence] .line')).stroke"
        before = browser.run(line)
        browser.run("$('#theme').click()")
        assert browser.run(paper) != expected
        assert browser.run(line) != before


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """On a page with every kind of part, small enough for axe to look at everything."""
    page = tmp_path / "report.html"
    page.write_text(pages.report(REFERENCE, ["figure2_search", "figure2_input", "inside"], ignore)[0], encoding="utf-8")
    spec = importlib.util.find_spec("axe_core_python")
    assert spec
    assert spec.origin
    browser.open(page, scheme=scheme)
    browser.run("$$('details').forEach((one) => { one.open = true; })")
    browser.run("$('[data-chart=inside] input[type=range]').dispatchEvent(new Event('input'))")
    browser.until("return $$('[data-runs] tbody tr').length > 30")
    browser.driver.set_script_timeout(120)
    browser.driver.execute_script(Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    for where in ("document", "'#record'"):
        if where != "document":
            browser.run("$('[data-chart=heat] .readout a').click()")
            browser.until("return $('#record').open && $('#record .drawing svg')")
        faults = browser.driver.execute_async_script(
            f"const done = arguments[0]; axe.run({where}, {{resultTypes: ['violations']}}).then((r) => done(r.violations.filter((v) =>"
            "['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes[0].html, v.nodes[0].failureSummary])));"
        )
        assert faults == []


@in_browser
def test_the_policy_holds_against_hostile_words(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(pages.report(hostile(tmp_path), None, ignore)[0], encoding="utf-8")
    browser.open(page)
    browser.run("$$('details').forEach((one) => { one.open = true; })")
    browser.run("$('[data-runs] a').click()")
    browser.until("return $('#record').open")
    assert HOSTILE in browser.run("return $('#record').textContent")
    assert browser.run("return $$('img').length + $$('main script').length") == 0
    assert browser.errors() == []
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"x\" onerror=\"window.hacked = 1\">')")
    browser.until("return fetch('https://example.org/').then(() => false, () => true)")
    assert browser.run("return window.hacked") is None
    assert len([message for message in browser.errors() if "Content Security Policy" in message]) >= 2


def test_every_column_of_numbers_sorts_as_numbers() -> None:
    """The value of a cell is a number, however it is written."""
    row = Fairness("adam", 3, Budget([1, 2, 3], [3.0, 2.0, 1.0], [], []), Stable(0.5, True), 0, 1.0, Estimate(1.1, 0.1, 3), 0.1,
                   1.5, [Reached(3.0, 2.0, 4.0)], [Reached(0.3, 0.2, 0.4)], 1, [7], {"lr": 1.0})  # fmt: skip
    search, speed = findings.fairness({"x": {"a": ("A", [0.5], [row], "")}})
    columns = [column for table in (search, speed) for column in table.columns]
    told = {column.name for column in columns if not key(column.value(row))}
    assert told == {"optimizer", "importance", "together", "best of 9"}  # of which the last has no value here
