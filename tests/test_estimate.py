"""The time that runs will take: what decides it, and that it is learnt from what has ended."""

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from adambench.config.loading import parse
from adambench.curve import Evaluation
from adambench.datasets import Data, Dataset
from adambench.errors import AdambenchError
from adambench.execution import plan, timing
from adambench.execution.engines import Failed, Finished, Progressed, Retried, Started
from adambench.execution.engines.inline import Inline
from adambench.execution.engines.local import Pool
from adambench.execution.estimate import Cost, Expected, Step, rehearse
from adambench.execution.outlook import Outlook
from adambench.execution.plan import Run
from adambench.execution.scheduling import execute, local
from adambench.execution.unfolding import Unfolding, shard
from adambench.models.base import Network
from adambench.models.logistic import Logistic
from adambench.store.records import Record

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2, 3]
problems:
  linear: {model: logistic, epochs: 4, batch_size: 100}
  deep: {model: {name: mlp, hidden: [8]}, epochs: 10, batch_size: 100, optimizers: {adam: {lr: 0.1}}}
optimizers:
  adam: {lr: [0.1, 0.2, 0.3]}
"""


class Steady(Cost):
    """Steps of a millisecond, in which what is shared by those trained together takes three quarters."""

    crowded = 1.0  # an idle machine

    def crowd(self, ahead: float) -> float:
        return self.crowded if ahead else 1.0

    def _timed(self, run: Run) -> Step:
        most = 8 if type(run.model).__name__ == "Logistic" else 1
        return Step(0.75e-3, 0.25e-3, most)


@pytest.fixture
def runs() -> Unfolding:
    return Unfolding(plan.entries(parse(TEXT, "x.yaml")), {})


@pytest.fixture
def cost(dataset: Dataset) -> Steady:
    return steady({"": dataset, dataset.sha256: dataset})


def steady(data: Data, places: int = 1, records: Iterable[Mapping[str, Any]] = ()) -> Steady:
    return Steady(data, Inline(data), places, records)


def epoch(dataset: Dataset) -> float:
    """Seconds of an epoch of a run alone: its steps, and a third of that for each test image."""
    return (len(dataset.train.labels) + len(dataset.test.labels) / 3) / 100 * 1e-3


def first(runs: Unfolding, problem: str) -> Run:
    return next(run for run in runs.runs.values() if run.problem == problem)


def test_a_group_shares_work(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    run = first(runs, "linear")
    assert cost.group([run]) == pytest.approx(4 * epoch(dataset))
    assert cost.group([run] * 3) == pytest.approx(4 * epoch(dataset) * (0.75 + 3 * 0.25))
    assert cost.group([run], begun=3) == pytest.approx(epoch(dataset))
    assert cost(run) == pytest.approx(cost.group([run] * 8) / 8)
    assert cost.group([replace(run, evaluate_train=True)]) > cost.group([run])


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_real_steps_are_timed_where_they_would_be_made(jobs: int, runs: Unfolding, dataset: Dataset) -> None:
    run = first(runs, "linear")
    with local(jobs, {"": dataset}) as engine:
        cost = Cost({"": dataset}, engine, max(1, jobs))
        assert 0 < cost.group([run]) <= cost.group([run] * 8) < 8 * cost.group([run])
        assert cost.group([replace(run, epochs=20)]) == pytest.approx(10 * cost.group([replace(run, epochs=2)]))
        if isinstance(engine, Pool):
            assert len(engine.workers) == jobs
            ended = [event for event in execute([run], {}, engine) if isinstance(event, Finished | Failed)]
            assert [type(event) for event in ended] == [Finished]  # the workers that timed them train as well


def test_at_most_a_twentieth_of_a_run_s_steps_are_timed(
    runs: Unfolding, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least three. Only the images that the run trains on are counted."""
    made = 0

    def step() -> None:
        nonlocal made
        made += 1

    monkeypatch.setattr(timing, "steps", lambda *_: step)
    run = replace(first(runs, "linear"), epochs=1000, train_images=200)  # two steps an epoch
    for changed, expected in (
        (run, 100),
        (replace(run, validation=100), 50),
        (replace(run, epochs=1), timing.LEAST),
    ):
        made = 0
        timing.step_seconds(changed, 1, dataset)
        assert made == 1 + expected  # the first one is not timed


class Huge(Logistic):
    def build(self, *_: Any) -> Network:
        raise MemoryError("Unable to allocate 1 EiB")


def test_steps_that_cannot_be_made_end_in_an_error(runs: Unfolding, dataset: Dataset) -> None:
    """Where memory does not suffice, and where a worker dies. Nothing is left running."""
    large = replace(first(runs, "deep"), model=Huge())
    for jobs in (0, 2):
        with local(jobs, {"": dataset}) as engine, pytest.raises(AdambenchError, match="deep: does not fit into mem"):
            Cost({"": dataset}, engine, max(1, jobs)).group([large])
    with Pool(1, {"": dataset}) as pool:
        pool.step_seconds(first(runs, "linear"), 1, 1)
        reader, writer = multiprocessing.Pipe(duplex=False)
        writer.send(None)
        with pytest.raises(KeyboardInterrupt):
            pool.step_seconds(first(runs, "linear"), 1, 1, reader)
    with Pool(1, {"": dataset}) as pool:
        pool.step_seconds(first(runs, "linear"), 1, 1)
        pool.workers[0].process.kill()
        with pytest.raises(AdambenchError, match="linear: its process ended with exit code -9"):
            Cost({"": dataset}, pool).group([first(runs, "linear")])
        assert not pool.workers


def test_the_rehearsal_counts_groups_places_and_what_waits_for_a_search(
    runs: Unfolding, cost: Cost, dataset: Dataset
) -> None:
    """On one place: three runs of deep, the search of linear in one group, then its three seeds, one after another."""
    linear, deep = 4 * epoch(dataset), 10 * epoch(dataset)
    search = linear * (0.75 + 3 * 0.25)
    alone = rehearse(runs, cost, 1)
    assert alone.seconds == pytest.approx(3 * deep + search + 3 * linear)
    assert alone.busy == pytest.approx({"deep": 3 * deep, "linear": search + 3 * linear})
    many = rehearse(runs, cost, 100)  # each run alone; the longest chain is that of deep
    assert many.seconds == pytest.approx(max(deep, 2 * linear))
    two = rehearse(runs, cost, 2)
    assert alone.seconds / 2 <= two.seconds <= alone.seconds
    assert runs.curves == {}


def test_what_is_done_already_and_other_shards_are_not_rehearsed(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    ids = {run.id: 9 for run in runs.runs.values() if run.problem == "deep"}
    assert rehearse(runs, cost, 1, ids).busy["deep"] == pytest.approx(3 * epoch(dataset))
    done = Unfolding(runs.entries, {}, lambda _: False)
    assert rehearse(done, cost, 1) == Expected(0.0, {})
    half = Unfolding(runs.entries, {}, shard("1/2"))
    other = Unfolding(runs.entries, {}, shard("2/2"))
    assert rehearse(half, cost, 1).seconds + rehearse(other, cost, 1).seconds < rehearse(runs, cost, 1).seconds


def test_a_machine_that_does_other_work_takes_longer(runs: Unfolding, cost: Steady, dataset: Dataset) -> None:
    alone = rehearse(runs, cost, 1)
    cost.crowded = 3.0
    assert rehearse(runs, cost, 1).seconds == pytest.approx(3 * alone.seconds)
    assert rehearse(runs, cost, 1).busy == alone.busy
    idle = Cost({"": dataset}, Inline({"": dataset}))
    assert idle.crowd(2.0) > 0.9
    assert idle.crowd(0.9) == 1.0  # the look would take longer than what it tells of is worth


def record_of(run: Run, seconds: float, **changes: Any) -> dict[str, Any]:
    curve = [Evaluation(e, e, seconds * e / run.epochs, 1.0, 0.0, 1.0, 0.1) for e in range(1, run.epochs + 1)]
    return {**Record.of(run, curve).data, **changes}


def test_records_of_like_runs_on_this_machine_correct_what_was_timed(
    runs: Unfolding, dataset: Dataset, cost: Cost
) -> None:
    run = replace(first(runs, "linear"), dataset=dataset.sha256)
    took = 3 * run.epochs * len(dataset.train.labels) / 100 * 1e-3  # three times as long as expected
    before = [record_of(run, took)]
    assert steady({dataset.sha256: dataset}, 1, before).group([run]) == pytest.approx(3 * cost.group([run]))
    for change in ({"cpu": "another"}, {"blas": "another"}, {"batch_size": 7}, {"model": {"name": "mlp"}}):
        assert steady({dataset.sha256: dataset}, 1, [{**before[0], **change}]).group([run]) == pytest.approx(
            cost.group([run])
        )


def test_a_clock_too_coarse_for_a_step_is_no_error(
    runs: Unfolding, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where steps seem to take no time, what like runs took tells nothing."""
    monkeypatch.setattr(Steady, "_timed", lambda *_: Step(0.0, 0.0, 1))
    run = replace(first(runs, "linear"), dataset=dataset.sha256)
    assert steady({dataset.sha256: dataset}, 1, [record_of(run, 1.0)]).group([run]) == 0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def thousand_seconds(runs: Unfolding, dataset: Dataset) -> Run:
    """A run whose minibatches are single images, so that its epochs are long."""
    return replace(first(runs, "deep"), batch_size=1, epochs=round(1000 / (100 * epoch(dataset))))


def epochs(run: Run) -> Iterator[Sequence[Evaluation]]:
    for number in range(1, run.epochs + 1):
        yield [Evaluation(number, train_loss=1.0)]


@pytest.mark.parametrize("slower", [0.5, 1.0, 3.0, 12.0])
def test_the_outlook_learns_how_long_an_epoch_really_takes(
    slower: float, runs: Unfolding, cost: Cost, dataset: Dataset
) -> None:
    """Three runs of a thousand seconds, one after another, of which each takes `slower` times that."""
    run, clock = thousand_seconds(runs, dataset), Clock()
    outlook = Outlook(Expected(3000, {"deep": 3000}), cost, lambda: 1, clock=clock)
    assert outlook.left == 3000
    for which in range(3):
        outlook.note(Started(0, [run]))
        for number, evaluations in enumerate(epochs(run), 1):
            clock.now += 1000 / run.epochs * slower
            outlook.note(Progressed(0, [run], evaluations))
            if which + number / run.epochs > 0.1:
                really = slower * 1000 * (3 - which - number / run.epochs)
                assert outlook.left == pytest.approx(really, rel=0.1, abs=1)
        outlook.note(Finished(0, [run], [[]]))
    assert outlook.left == pytest.approx(0, abs=1)
    assert outlook.done == pytest.approx(outlook.whole, rel=1e-3)


def test_a_machine_that_slept_is_not_a_slow_one(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    run, clock = thousand_seconds(runs, dataset), Clock()
    outlook = Outlook(Expected(1000, {"deep": 1000}), cost, lambda: 1, clock=clock)
    outlook.note(Started(0, [run]))
    for number, evaluations in zip(range(1, run.epochs // 2), epochs(run), strict=False):
        clock.now += 1000 / run.epochs + (10_000 if number == run.epochs // 4 else 0)
        outlook.note(Progressed(0, [run], evaluations))
    assert outlook.left == pytest.approx(500, rel=0.05)


def test_a_crowded_machine_is_expected_to_stay_crowded(runs: Unfolding, cost: Cost) -> None:
    outlook = Outlook(Expected(3000, {"deep": 1000}, 3.0), cost, lambda: 1, clock=Clock())
    outlook.note(Started(0, [first(runs, "deep")]))
    assert outlook.left == pytest.approx(3000, rel=0.01)


def test_the_end_is_that_of_the_longest_run(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    """Two places, of which one has nothing to do any more."""
    run, clock = thousand_seconds(runs, dataset), Clock()
    outlook = Outlook(Expected(1000, {"deep": 1000}), cost, lambda: 2, clock=clock)
    outlook.note(Started(0, [run]))
    assert outlook.left == pytest.approx(1000, rel=0.01)
    clock.now += 400  # no news: it goes down by itself
    assert outlook.left == pytest.approx(600, rel=0.02)


def test_what_a_lost_worker_had_done_is_done_again(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    run, clock = thousand_seconds(runs, dataset), Clock()
    outlook = Outlook(Expected(2000, {"deep": 2000}), cost, lambda: 1, clock=clock)
    outlook.note(Started(0, [run]))
    for _, evaluations in zip(range(run.epochs // 2), epochs(run), strict=False):
        clock.now += 1000 / run.epochs
        outlook.note(Progressed(0, [run], evaluations))
    assert outlook.left == pytest.approx(1500, rel=0.01)
    outlook.note(Retried(0, [run], "lost"))
    assert outlook.left == pytest.approx(2000, rel=0.01)
    assert outlook.done == pytest.approx(0, abs=1)


def test_epochs_from_a_checkpoint_teach_nothing(runs: Unfolding, cost: Cost, dataset: Dataset) -> None:
    run, clock = thousand_seconds(runs, dataset), Clock()
    half = run.epochs // 2
    outlook = Outlook(Expected(500, {"deep": 500}), cost, lambda: 1, {run.id: half}, clock)
    outlook.note(Started(0, [run]))
    for _, evaluations in zip(range(half), epochs(run), strict=False):  # at once
        outlook.note(Progressed(0, [run], evaluations))
    assert outlook.left == pytest.approx(500, rel=0.01)
    assert outlook.done == 0
