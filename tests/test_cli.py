"""The installed command, end to end on a small real problem, and its answers to wrong input."""

import csv
import inspect
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adambench.cli import GROUPS, app
from adambench.config.loading import load
from adambench.errors import AdambenchError
from adambench.optimizers import OPTIMIZERS
from adambench.session import Session
from adambench.show.charts import gallery
from adambench.store.folder import Folder
from adambench.writing import write_through
from tests.conftest import ADAMBENCH, QUICK, Command
from tests.test_results import PAPER


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_run_gives_everything(command: Command, small: Path, tmp_path: Path) -> None:
    answer = command("run", small)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert "\x1b" not in answer.stdout
    assert answer.stdout.startswith("small: 17 runs, 0 already done, about ")
    results = tmp_path / "results" / "small"
    assert len(list((results / "runs").glob("*.json"))) == 17
    assert {file.name for file in (results / "figures").iterdir()} == {
        "train_loss.png",
        "test_error.png",
        "sensitivity.png",
        "heatmap.png",
        "budget.png",
    }
    curves = rows(results / "curves.csv")
    assert len(curves) == (6 + 4) * 3 + (3 + 2 + 2) * 2
    assert {row["phase"] for row in curves} == {"tuning", "report"}
    summary = {(row["problem"], row["optimizer"]): row for row in rows(results / "summary.csv")}
    assert set(summary) == {(p, o) for p in ("logistic", "mlp") for o in ("nesterov", "adam")}
    adam = [float(row["train_loss"]) for row in curves if row["problem"] == "logistic" and row["optimizer"] == "adam"
            and row["phase"] == "report" and row["epoch"] == "3"]  # fmt: skip
    assert float(summary["logistic", "adam"]["train_loss_mean"]) == pytest.approx(sum(adam) / 2)
    for path in (line.removeprefix("wrote ") for line in answer.stdout.splitlines() if line.startswith("wrote ")):
        assert (tmp_path / path).exists()
    assert load(results / "config.yaml").name == "small"

    again = command("run", small)
    assert again.stdout.startswith("small: 17 runs, 17 already done\n")

    victim = sorted((results / "runs").glob("nesterov-*.json"))[0]
    before = json.loads(victim.read_text())["curve"]["train_loss"]
    victim.unlink()
    third = command("run", small)
    assert third.stdout.startswith("small: 17 runs, 14 already done, ")
    assert third.stdout.count("tuning seed") + third.stdout.count("report seed") == 1
    assert json.loads(victim.read_text())["curve"]["train_loss"] == before

    fresh = command("run", small, "--fresh", "--jobs", 1, "--no-charts")
    assert fresh.stdout.startswith("small: 17 runs, 0 already done")
    now = rows(results / "curves.csv")
    timeless = [{k: v for k, v in row.items() if k != "seconds"} for row in now]
    assert timeless == [{k: v for k, v in row.items() if k != "seconds"} for row in curves]
    assert len(list(results.glob("runs-until-*/*.json"))) == 17

    table = command("table", "--format", "csv")
    assert [row["optimizer"] for row in csv.DictReader(table.stdout.splitlines())] == [
        row["optimizer"] for row in summary.values()
    ]
    assert len(json.loads(command("table", "small", "--format", "json").stdout)) == 4
    assert "| 1 | " in command("table", "--format", "markdown").stdout
    assert "final training cost" in command("table").stdout

    drawn = command("plot", "small", "--metric", "test_loss", "--x", "seconds", "--format", "svg")
    assert drawn.stdout == "wrote results/small/figures/test_loss_by_seconds.svg\n"
    missing = command("plot", "small", "--metric", "full_train_loss")
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (2, "small: no run measured full_train_loss")
    flat = command("plot", "small", "--metric", "penalty")
    assert (flat.returncode, "set its `l2` above 0" in flat.stderr) == (2, True)


@pytest.mark.usefixtures("ran")
def test_editing_the_file_trains_what_changed(command: Command, small: Path) -> None:
    small.write_text(small.read_text().replace("[0.01, 0.03, 0.1]", "[0.01, 0.03, 0.1, 0.3]"))
    assert "18 runs, 15 already done" in command("run", small, "--dry-run").stdout


def test_dry_run_writes_nothing(command: Command, small: Path, tmp_path: Path) -> None:
    answer = command("run", small, "--dry-run", "problems.mlp.seeds=[5]")
    assert answer.returncode == 0
    assert answer.stdout.startswith("small: 15 runs, 0 already done")
    assert "lr=0.1,0.3,1" in answer.stdout
    rows = json.loads(command("run", small, "--dry-run", "--format", "json").stdout)
    assert [row["varied"] for row in rows if row["problem"] == "mlp"] == ["lr=0.1,0.3,1", None]  # no dash for programs
    assert not (tmp_path / "results").exists()


def test_a_table_for_a_program_is_alone_on_standard_output(command: Command, small: Path) -> None:
    """Also while there is something to train; the rest is beside it."""
    answer = command("run", small, "--format", "json", *QUICK)
    assert {row["status"] for row in json.loads(answer.stdout)} == {"finished"}
    assert "small: 17 runs" in answer.stderr
    assert "wrote results/small/runs" in answer.stderr
    again = command("run", small, "--format", "csv", *QUICK)
    assert again.stdout.startswith("problem,")
    assert "wrote results/small/runs" not in again.stderr  # nothing was trained


def test_an_option_begins_at_home(command: Command, tmp_path: Path) -> None:
    """A shell leaves `~` in `--output=~/x`."""
    answer = command("schema", "--output=~/schema.json", env={"HOME": str(tmp_path)})
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "schema.json").is_file()


def test_the_training_set_on_request(command: Command, small: Path, tmp_path: Path) -> None:
    command("run", small, "evaluate.train=true", "problems.mlp.epochs=1", *QUICK)
    header = (tmp_path / "results" / "small" / "curves.csv").read_text().splitlines()[0]
    assert header.endswith("test_error,full_train_loss,full_train_error")
    assert command("plot", "--metric", "full_train_error").returncode == 0


def test_claims_and_fairness_of_the_reference_results(command: Command, tmp_path: Path) -> None:
    """A fresh clone judges, reports and draws without training."""
    reference = tmp_path / "paper"
    shutil.copytree(PAPER / "figure1", reference / "figure1")
    where = ("figure1", "--results", reference)
    answer = command("claims", *where)
    assert answer.returncode == 1, answer.stderr  # two readings of the schedule contradict the paper
    assert "A2-step AdaGrad ends above both: reproduced\n" in answer.stdout
    assert "A2-epoch AdaGrad ends above both: contradicted\n" in answer.stdout
    assert "6 claims: 4 reproduced, 2 contradicted" in answer.stdout
    judged = json.loads(command("claims", *where, "--format", "json").stdout)
    assert [verdict["n"] for verdict in judged] == [5] * 6
    assert all(verdict["low"] <= verdict["mean"] <= verdict["high"] for verdict in judged)
    assert command("claims", *where, "--format", "markdown").stdout.count("\n| A") == 6
    told = json.loads(command("fairness", *where, "--format", "json").stdout)
    assert {(row["problem"], row["optimizer"]) for row in told} == {
        (problem.name, grid.label)
        for problem in load(reference / "figure1/config.yaml").problems
        for grid in problem.grids
    }
    assert (
        "figure1, step: Softmax regression on MNIST, α/√step, 45 epochs; the search"
        in command("fairness", *where).stdout
    )
    assert command("plot", *where, "--paper").stdout == f"wrote {reference / 'figure1' / 'figures' / 'paper.png'}\n"


@pytest.mark.usefixtures("ran")
def test_claims_decide_the_exit_code(command: Command, small: Path) -> None:
    """Three experiments differ only in their claim and use the records of one run."""
    config = small.parent / "results/small/config.yaml"
    lines = "claims:\n- {id: C, sentence: so, problem: logistic, quantity: final(adam), relation: '>', bound: %s}\n"
    text = config.read_text()
    one_seed = text.replace("seeds:\n    - 1\n    - 2\n", "seeds:\n    - 1\n")
    assert one_seed != text
    for content, bound, code, strict in ((text, "0", 0, 0), (text, "99", 1, 1), (one_seed, "0", 0, 1)):
        config.write_text(content + lines % bound)
        assert command("claims", "small").returncode == code
        assert command("claims", "small", "--strict").returncode == strict


def test_run_says_how_to_judge_the_claims_of_its_file(command: Command, small: Path) -> None:
    small.write_text(
        small.read_text()
        + "claims: [{id: C, sentence: so, problem: mlp, quantity: final(adam), relation: '<', bound: 9}]\n"
    )
    said = command("run", small, "--results", "elsewhere").stdout
    told = "To judge its 1 claim: adambench claims small --results elsewhere"
    assert told in said
    assert command(*told.split()[6:]).returncode == 0


def test_list_names_everything(command: Command) -> None:
    answer = command("list")
    for word in (
        *OPTIMIZERS,
        "logistic",
        "mlp",
        "mnist",
        "inverse_sqrt",
        "constant",
        "idx",
        "bias_correction",
        "0.999",
    ):
        assert word in answer.stdout


@pytest.mark.parametrize("file", ["2024.yaml", "MY_NAME.yaml", "null.yaml", "two words.yaml"])
def test_what_init_writes_can_be_read(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app(["init", file], standalone_mode=False)
    assert load(Path(file)).name == ("MY_NAME" if file.startswith("MY") else "starter")
    assert f"adambench run {shlex.quote(file)}\n" in Path(file).read_text(encoding="utf-8")


def test_init_writes_a_valid_file_and_overwrites_none(command: Command, tmp_path: Path) -> None:
    assert command("init", "mine.yaml").stdout == "wrote mine.yaml; now: adambench run mine.yaml\n"
    assert load(tmp_path / "mine.yaml").name == "mine"
    changed = command("run", "mine.yaml", "problems.logistic.epochs=3", "--dry-run")  # the README's first change
    assert (changed.returncode, changed.stdout.split(",")[0]) == (0, "mine: 27 runs")
    again = command("init", "mine.yaml")
    assert (again.returncode, again.stderr.splitlines()[0]) == (2, "mine.yaml: already exists")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "nothing.yaml"], 2, "nothing.yaml: cannot be read: No such file or directory"),
        (["run", "small.yaml", "problems.mlp.epochs=0"], 2, "problems.mlp.epochs: must be greater than 0, found 0"),
        (["run", "small.yaml", "--jobs", "-1"], 2, "--jobs: must be at least 0, found -1"),
        (["run"], 2, "CONFIG: is missing"),
        (["table"], 2, "results: holds no experiment"),
        (["plot", "--results", "nowhere"], 2, "nowhere: holds no experiment"),
        (["plot", "--x", "day"], 2, "--x: 'day' is unknown. Allowed: epoch, step, seconds."),
        (["nonsense"], 2, "No such command"),
        (["run", "small.yaml", "dataset.idx=nowhere"], 2, "command line, dataset.idx=nowhere: dataset: /"),
        (["run", "small.yaml", "--results", "small.yaml"], 2, "results cannot be written there"),
    ],
)
def test_wrong_input(command: Command, small: Path, words: list[str], code: int, said: str) -> None:
    assert small.exists()
    answer = command(*words)
    assert answer.returncode == code
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [["init", LONG], ["table", "--results", LONG], ["run", f"{LONG}/a.yaml"], ["run", "small.yaml", f"dataset={{idx: {LONG}}}"],
     ["run", "/dev/zero"], ["show", LONG], ["run", LONG]],
    ids=lambda words: words[0] + words[-1][-12:],
)  # fmt: skip
def test_impossible_paths(command: Command, small: Path, words: list[str]) -> None:
    assert small.exists()
    answer = command(*words)
    assert answer.returncode in (1, 2)
    assert "Traceback" not in answer.stderr
    assert answer.stderr.strip()


def test_a_terminal_without_greek_letters(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    answer = command("list")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "learning rate ?" in answer.stdout


def test_labels_that_share_a_setting_are_counted_once(command: Command, small: Path) -> None:
    """Their runs are counted once too, whichever setting is chosen."""
    answer = command("run", small, "problems.logistic.optimizers={adam_b: {name: adam, lr: 0.1}}", *QUICK)
    assert answer.returncode == 0
    counts = [line[1 : line.index("]")].split("/") for line in answer.stdout.splitlines() if line.startswith("[")]
    assert int(counts[-1][0]) == int(counts[-1][1]) == len(counts)


def test_ctrl_c_keeps_what_is_done(small: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "adambench", "run", str(small), "problems.logistic.epochs=1000", "--jobs", "1"]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        for said in process.stdout:
            if said.startswith("[2/17]"):
                os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
    assert len(list((tmp_path / "results" / "small" / "runs").glob("*.json"))) >= 2
    assert rows(tmp_path / "results" / "small" / "curves.csv")


def test_help_and_version(command: Command) -> None:
    assert "run" in command("--help").stdout
    assert command("--version").stdout.startswith("adambench 0.")


@pytest.mark.parametrize("backend", ["module://nothing.of.the.kind", "nonsense", "TkAgg"])
def test_charts_do_not_depend_on_the_surroundings(
    command: Command, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """A notebook exports MPLBACKEND; a matplotlibrc in the folder asks for TeX and a dark style."""
    monkeypatch.setenv("MPLBACKEND", backend)
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: black\nbackend: TkAgg\n")
    answer = command("run", small, "problems.mlp.epochs=1")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.index("final training cost") < answer.stdout.index(
        "wrote results/small/figures/train_loss.png"
    )


def test_a_chart_that_fails_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("broken")

    experiment = load(PAPER / "mnist/config.yaml")
    warnings: list[str] = []
    shutil.copytree(PAPER / "mnist", tmp_path / "mnist")
    session = Session.open(experiment, Folder(tmp_path, "mnist"), warnings.append)
    monkeypatch.setattr(gallery, "heatmap", fail)
    fail.__name__ = "heatmap"
    assert [path.name for path in session.draw(session.gallery.search(), "svg")] == ["sensitivity.svg", "budget.svg"]
    assert warnings == ["the chart heatmap could not be drawn: ZeroDivisionError: broken"]


def test_a_file_that_the_user_names_is_written_through_links_and_into_pipes(command: Command, tmp_path: Path) -> None:
    assert command("schema", "--output", "/dev/stdout").stdout.startswith("{")
    (tmp_path / "link.txt").symlink_to("shared/file.txt")
    write_through(tmp_path / "link.txt", "words")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "shared/file.txt").read_text() == "words"
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        write_through(tmp_path / "pipe", "words")
        assert reader.communicate()[0] == "words"
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(AdambenchError, match="Is a directory"):
        write_through(tmp_path, "words")


@pytest.mark.usefixtures("ran")
def test_an_override_does_not_replace_the_experiment(command: Command, small: Path, tmp_path: Path) -> None:
    table = (tmp_path / "results/small/summary.csv").read_bytes()
    changed = command("run", small, "tuning.metric=test_error", "problems.mlp.epochs=1", *QUICK)
    assert (changed.returncode, changed.stdout) == (2, "")
    assert changed.stderr.splitlines() == [
        "results/small: holds another version of this experiment; it differs in problems.mlp.epochs, tuning.metric",
        "Add name=NAME to keep both, for example name=small_2. To replace it, edit the file instead.",
    ]
    assert (tmp_path / "results/small/summary.csv").read_bytes() == table
    kept = command("run", small, "tuning.metric=test_error", "problems.mlp.epochs=1", "name=small_2", *QUICK)
    assert kept.returncode == 0
    assert "tuned and ranked by test error" in kept.stdout
    again = command("run", small, "tuning.metric=test_error", "problems.mlp.epochs=1", "name=small_2", *QUICK)
    assert "already done\n" in again.stdout


def test_explain_side_by_side_and_in_a_valley(command: Command, tmp_path: Path) -> None:
    answer = command("explain", "adam", "rmsprop", "lr=0.1", "beta1=0", "--plot", "valley.svg", "--steps", 9)
    assert answer.returncode == 0, answer.stderr
    assert "rmsprop: lr=0.1 rho=0.99 eps=1e-08\n" in answer.stdout
    assert answer.stdout.endswith("wrote valley.svg\n")
    assert "adam: lr=0.1 beta1=0" in (tmp_path / "valley.svg").read_text(encoding="utf-8")
    for words, said in (
        (["adam", "sgd", "rho=0.9"], "rho: unknown"),
        (["lr=1"], "no optimizer is named"),
        (["adam", "--plot", "x.gif"], "--plot x.gif: needs"),
    ):
        wrong = command("explain", *words)
        assert (wrong.returncode, said in wrong.stderr) == (2, True), wrong.stderr


@pytest.fixture
def viewed(tmp_path: Path) -> Path:
    """A results folder with two experiments. The newest chart is that of the first, the newest page that of all."""
    for name in ("one", "two"):
        (tmp_path / name / "figures").mkdir(parents=True)
        (tmp_path / name / "config.yaml").touch()
    for age, file in enumerate(
        ["report.html", "one/figures/a.png", "one/report.html", "two/figures/b.svg", "two/notes.txt"]
    ):
        (tmp_path / file).touch()
        os.utime(tmp_path / file, (1e9 - age, 1e9 - age))
    return tmp_path


@pytest.mark.parametrize(
    ("names", "newest"), [([], "report.html"), (["one"], "one/figures/a.png"), (["two"], "two/figures/b.svg")]
)
def test_open_shows_what_was_written_last(
    viewed: Path, names: list[str], newest: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: not shown.append(address))  # type: ignore[func-returns-value]
    monkeypatch.setenv("DISPLAY", ":0")
    app(["open", *names, "--results", str(viewed)], standalone_mode=False)
    assert shown == [(viewed / newest).as_uri()]
    assert capsys.readouterr() == (f"{viewed / newest}\n", "")


def test_open_without_a_display_or_a_page(command: Command, viewed: Path) -> None:
    away = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    answer = command("open", "--results", viewed, env=away)
    assert (answer.returncode, answer.stdout) == (0, f"{viewed / 'report.html'}\n")
    assert answer.stderr == "warning: no browser could be started here: open the file yourself\n"
    (viewed / "two" / "figures" / "b.svg").unlink()
    answer = command("open", "two", "--results", viewed, env=away)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        f"two in {viewed}: there is no page and no chart yet\nWrite a page: adambench report two --results {viewed}\n"
    )


@pytest.mark.parametrize(("group", "function", "example"), [(g, f, e) for g, c in GROUPS.items() for f, e in c.items()])
def test_every_help_has_an_example_of_its_command(group: str, function: Callable[..., None], example: str) -> None:
    name, *words = shlex.split(example)
    (info,) = (info for info in app.registered_commands if info.callback is function)
    assert (info.name, info.rich_help_panel, info.epilog) == (name, group, f"Example: adambench {example}")
    parameters = inspect.signature(function).parameters
    options = [word[2:].replace("-", "_") for word in words if word.startswith("--")]
    assert set(options) <= set(parameters)
    for paragraph in (inspect.getdoc(function) or "").split("\n\n"):
        assert "\n" not in paragraph  # the help would keep that end of a line


def test_the_shell_completes_experiments_metrics_and_ids(command: Command, small: Path) -> None:
    runs = small.parent / "results" / "ours" / "runs"
    runs.mkdir(parents=True)
    (runs / "adam-0123456789abcdef.json").touch()
    (runs.parent / "config.yaml").touch()

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        asked = {"_ADAMBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        return command(env=asked).stdout.split()

    assert completed("adambench table o") == ["ours"]
    assert completed("adambench show 01") == ["0123456789abcdef"]
    assert completed("adambench plot --metric test_") == ["test_loss", "test_error"]
    assert completed("adambench fair") == ["fairness"]


@pytest.mark.parametrize("words", ["--help", "list", "explain my_rule --plugin my_rule.py", "check my_rule.py"])
def test_what_the_source_says_is_shown_though_python_strips_it(
    installed: Command, command: Command, words: str
) -> None:
    """With PYTHONOPTIMIZE=2 there are no docstrings, which explain the rules and the commands."""
    command("init", "--plugin", "my_rule.py")
    plain, stripped = command(*words.split()), installed(*words.split(), env={"PYTHONOPTIMIZE": "2"})
    assert (stripped.returncode, stripped.stdout, stripped.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert plain.returncode == 0


def test_sigterm_ends_a_command_like_ctrl_c(tmp_path: Path) -> None:
    """Also one that does not train: here it waits for its configuration, which comes through a pipe."""
    os.mkfifo(tmp_path / "x.yaml")
    process = subprocess.Popen([ADAMBENCH, "lr-find", tmp_path / "x.yaml"], stderr=subprocess.PIPE)
    with (tmp_path / "x.yaml").open("wb"):  # opens when the command has opened the other end
        process.terminate()
        assert process.wait(timeout=30) == 130
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
