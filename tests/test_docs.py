"""The tables in README and docs are what the commands print for the committed records."""

import re
from dataclasses import replace

import pytest

from adambench import paper
from adambench.config.loading import load
from adambench.judge import inference, pairing
from adambench.judge.claims import INCONCLUSIVE, Verdict
from adambench.judge.inference import LEVEL, holm
from adambench.judge.match import Target, match
from adambench.judge.pairing import Pair
from adambench.session import Session
from adambench.show import comparing, findings, matching
from adambench.show.table import markdown, markdown_table
from adambench.store.folder import Folder
from tests.test_results import PAPER

TOP = PAPER.parent.parent
BLOCK = re.compile(r"<!-- (table|claims|fairness|speed|match) (\w+) ?([\w-]*) -->\n(.*?)<!-- /\1 -->", re.DOTALL)
PAGES = ("README.md", "docs/reproduction.md", "docs/since-adam.md")
BLOCKS = [found for page in PAGES for found in BLOCK.findall((TOP / page).read_text(encoding="utf-8"))]


def opened(name: str) -> Session:
    folder = Folder(PAPER, name)
    return Session.open(load(folder.config), folder, pytest.fail)


@pytest.mark.parametrize(("kind", "name", "problem", "text"), BLOCKS, ids=lambda value: str(value)[:20])
def test_a_table_is_what_its_command_prints(kind: str, name: str, problem: str, text: str) -> None:
    session = opened(name)
    if kind == "claims":
        printed = markdown_table(findings.claims({name: session.verdicts()}))
    elif kind == "match":
        runs = session.candidates("1-left")
        fits = [match(Target.of(f"1-left {rule}", c, rule), runs) for rule, c in paper.curves("1-left").items()]
        printed = markdown_table(matching.matches(fits, 3, {}))
    elif kind == "table":
        names = [problem.name for problem in session.experiment.problems]
        tables = dict(zip(names, session.tables(), strict=True))
        printed = markdown([tables[problem]] if problem else list(tables.values()))
    else:
        found = {part: rows for part, rows in session.fairness().items() if problem in ("", part)}
        search, speed = findings.fairness({name: found})
        printed = markdown_table(speed if kind == "speed" else search)
    assert text.strip() == printed.strip()


RIVALS = {"nesterov": "Nesterov", "rmsprop": "RMSProp", "adadelta": "AdaDelta", "adagrad": "AdaGrad"}


def test_the_tables_of_windows_and_of_a_falling_rate() -> None:
    """Of figure 2a with dropout on the pixels; and no window gives another verdict."""
    session = opened("figure2_input")
    windows = (10, 20, 40, 60)
    found: dict[tuple[str, float], Verdict] = {}
    for final in windows:
        session.experiment = replace(session.experiment, judging=replace(session.experiment.judging, final=final))
        found |= {(verdict.claim.id, final): verdict for verdict in session.verdicts()}
    assert {verdict.verdict for verdict in found.values()} == {"reproduced"}
    text = (TOP / "docs/reproduction.md").read_text(encoding="utf-8")
    for rival, name in RIVALS.items():
        means = [f"{found[f'constant-{rival}', final].interval.mean:.2f}".lstrip("0") for final in windows]
        p = found[f"constant-{rival}", 40].chance
        told = "< .001" if p < 0.001 else f"{p:.2g}".lstrip("0")
        assert f"| {name} | {' | '.join(means)} | {told} |" in text
        falling = found[f"decay-{rival}", 40]
        assert falling.chance < 0.001
        costs = [
            rf"{sum(one.finals['train_loss'].mean for one in rows if one.optimizer == rival):.4f}".lstrip("0")
            for rows in (session.summaries()[problem] for problem in ("constant", "decay"))
        ]
        row = rf"\| {name} \| \{costs[0]} \([^|]*\) \| \{costs[1]} \([^|]*\) \| {re.escape(findings.measured(falling))} \|"
        assert re.search(row, text), row
    (verdict,) = opened("figure2_input_rho").verdicts()
    assert verdict.verdict == "reproduced"
    assert f"(.001) | {findings.measured(verdict)} |" in text
    assert f"{verdict.verdict}, p = {verdict.chance:.2g})" in text


def test_the_table_of_distances_from_figure_2a() -> None:
    """Of what the searches chose, over 200 epochs, from the paper's curves: the rms, in per cent."""
    runs = [one for name in ("figure2", "figure2_input", "figure2_2014") for one in opened(name).candidates("2a", True)]
    targets = paper.curves("2a")
    text = (TOP / "docs/reproduction.md").read_text(encoding="utf-8")
    for (experiment, problem), begin in {
        ("figure2", "mlp"): "dropout on the hidden units alone",
        ("figure2_input", "constant"): "on the pixels as well, constant rate",
        ("figure2_input", "decay"): "on the pixels as well, 1/√epoch",
        ("figure2_2014", "constant"): "weights of 2014 as well, constant rate",
    }.items():
        own = [run for run in runs if (run.experiment, run.problem) == (experiment, problem)]
        cells = []
        for rule in ("adagrad", "nesterov", "rmsprop", "adadelta", "adam"):
            fits = match(Target.of(rule, targets[rule], rule), own).fits
            cells.append(rf"{100 * fits[0].rms:.0f} %[^|]*")
        row = r" \| ".join([re.escape(begin), *cells])
        assert re.search(rf"\| {row} \|", text), row


def test_the_table_of_the_readings_of_figure_2a() -> None:
    """Adam's final cost over that of each rival, by reading."""
    readings = {
        (experiment, rival): next(v for v in opened(experiment).verdicts() if v.claim.id == f"{start}-{rival}")
        for experiment, start in (("figure2", "B1"), ("figure2_input", "constant"))
        for rival in RIVALS
    }
    text = (TOP / "docs/reproduction.md").read_text(encoding="utf-8")
    for rival in RIVALS:
        hidden, pixels = (readings[experiment, rival] for experiment in ("figure2", "figure2_input"))
        cells = [findings.measured(hidden), findings.measured(pixels), against_rival("figure2_2014", rival)]
        assert f"| {rival} | {' | '.join(cells)} | {hidden.paper:.4g} |" in text


def against_rival(name: str, rival: str) -> str:
    """Adam's final cost over a rival's on the only problem."""
    side = opened(name).side(name)
    (pair,) = pairing.compare(side, side, "train_loss", [("adam", rival)]).pairs
    return comparing.ratio(pair.interval)


ON_TEST = {
    ("figure1", "A2-step"): ("α/√step", "softmax regression (figure 1), rate α/√step"),
    ("figure1", "A2-epoch"): ("α/√epoch", "softmax regression, rate α/√epoch"),
    ("figure1", "A2-constant"): ("constant rate", "softmax regression, constant rate"),
    ("figure2", "B1-adagrad"): (
        "dropout on the hidden units alone",
        "network (figure 2a), half of the hidden units dropped, constant rate",
    ),
    ("figure2_input", "constant-adagrad"): (
        "dropout on the pixels as well",
        "a fifth of the pixels dropped too, constant rate",
    ),
    ("figure2_input", "decay-adagrad"): ("the same, α/√epoch", "a fifth of the pixels dropped too, rate α/√epoch"),
    ("figure2_2014", "constant-adagrad"): (
        "the same at a constant rate, weights from N(0, .01²)",
        "smaller initial weights too, constant rate",
    ),
}


def test_the_tables_of_adam_against_adagrad() -> None:
    """Final values of three metrics: ratios with intervals in reproduction.md, and in per cent in the README.

    Those of the training cost were claimed before the runs. The others are corrected for their number here.
    """
    found: list[list[Pair]] = []
    claimed: list[Verdict] = []
    for name, claim in ON_TEST:
        side = opened(name).side(name)
        [verdict] = [v for v in opened(name).verdicts() if v.claim.id == claim]
        problem = verdict.claim.problem
        pairs = [pairing.compare(side, side, metric, [("adam", "adagrad")]).pairs for metric in ON]
        wanted = ((problem, problem), ("adam", "adagrad"))
        found.append([pair for some in pairs for pair in some if (pair.problem, pair.label) == wanted])
        claimed.append(verdict)
    chances = iter(
        holm([min(inference.tested(list(p.ratios.values()), True, "<", [1.0])[1]) for row in found for p in row[1:]])
    )
    pages = {page: (TOP / page).read_text(encoding="utf-8") for page in ("README.md", "docs/reproduction.md")}
    for (long, short), row, verdict in zip(ON_TEST.values(), found, claimed, strict=True):
        assert (
            f"{long} | {' | '.join(comparing.ratio(pair.interval) for pair in row)} |" in pages["docs/reproduction.md"]
        )
        unsure = [verdict.verdict == INCONCLUSIVE, *(next(chances) >= LEVEL for _ in row[1:])]
        said = [against(pair.interval.mean) + " \\*" * by_chance for pair, by_chance in zip(row, unsure, strict=True)]
        assert f"| {short} | {' | '.join(said)} |" in pages["README.md"]
    adam, adagrad = (100 * one.mean for one in found[0][2].finals)
    assert (
        f"({against(found[0][2].interval.mean)}: {adam:.1f} % of errors instead of {adagrad:.1f} %)"
        in pages["README.md"]
    )


ON = ("train_loss", "test_loss", "test_error")


def against(ratio: float) -> str:
    return f"{abs(100 * (ratio - 1)):.0f} % {'lower' if ratio < 1 else 'higher'}"


def test_the_pages_have_tables() -> None:
    assert {(kind, name) for kind, name, _, _ in BLOCKS} >= {
        ("table", "mnist"),
        ("claims", "figure1"),
        ("fairness", "figure1"),
        ("match", "figure1"),
    }


def test_the_ratios_since_adam() -> None:
    """Final test cost over Adam's, by rule and problem, ordered by their mean."""
    summaries = opened("modern").summaries()
    costs = {
        (problem, summary.optimizer): summary.finals["test_loss"].mean
        for problem, found in summaries.items()
        for summary in found
    }
    rows = {
        label: [costs[problem, label] / costs[problem, "adam"] for problem in summaries]
        for label in dict.fromkeys(label for _, label in costs)
    }
    lines = [
        f"| {label} | {' | '.join(f'{ratio:.3f}' for ratio in (*ratios, sum(ratios) / len(ratios)))} |"
        for label, ratios in sorted(rows.items(), key=lambda row: sum(row[1]))
    ]
    head = [f"| | {' | '.join((*summaries, 'mean'))} |", f"|---|{'---|' * (len(summaries) + 1)}"]
    text = (TOP / "docs/since-adam.md").read_text(encoding="utf-8")
    assert "\n".join([*head, *lines]) in text
