"""The runs of a plan as they can be named: the same as asking the whole plan again, and a count that never goes back."""

import heapq
import random
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import pytest

from adambench.bench.plans import by_rate
from adambench.config.loading import parse
from adambench.curve import Curve, Evaluation
from adambench.execution import plan
from adambench.execution.engines import Event, Failed, Retried, Started
from adambench.execution.engines.rehearsal import Rehearsal
from adambench.execution.scheduling import execute
from adambench.execution.unfolding import Unfolding

TEXT = """\
name: x
dataset: mnist
seeds: [1, 2]
tuning: {epochs: 2}
problems:
  a: {model: logistic, epochs: 4, batch_size: 8}
  same: {model: logistic, epochs: 4, batch_size: 8, seeds: [2, 3, 4]}
  other: {model: logistic, epochs: 4, batch_size: 16}
optimizers:
  adam: {lr: [0.1, 0.2, 0.3]}
  again: {name: adam, lr: [0.3, 0.4]}
  fixed: {name: adam, lr: 0.4}
  uncorrected: {name: adam, lr: [0.1, 0.2], bias_correction: false}
  sgd:
"""


def entries() -> list[plan.Entry]:
    return plan.entries(parse(TEXT, "x.yaml"))


def curve(loss: float) -> Curve:
    return [Evaluation(1, 1, 0.1, loss, 0.0, loss, 0.5)]


@pytest.mark.parametrize("seed", range(20))
def test_runs_are_named_as_the_whole_plan_names_them(seed: int) -> None:
    """Finished in a random order, with random winners: the same runs, and a total that only grows to what it becomes."""
    rng = random.Random(seed)
    members = entries()
    curves: dict[str, Curve] = {}
    runs = Unfolding(members, curves)
    waiting, totals = list(runs.runs.values()), [runs.total]
    while waiting:
        run = waiting.pop(rng.randrange(len(waiting)))
        curves[run.id] = curve(rng.random())
        waiting += runs.finish(run)
        assert set(runs.runs) == {run.id for run in plan.runs(members, curves)}
        assert runs.done == len(curves)
        totals.append(runs.total)
    assert totals == sorted(totals)
    assert totals[-1] == len(curves) == runs.done
    assert runs.left() == []


def test_the_total_is_exact_from_the_start_where_no_grids_overlap() -> None:
    few = plan.entries(parse(TEXT.replace("  again: {name: adam, lr: [0.3, 0.4]}\n", "").replace("  same", "  #"), "x"))
    assert Unfolding(few, {}).total == sum(len(entry.outlook({})) for entry in few)


def test_half_of_a_plan_resumed_is_counted() -> None:
    members = entries()
    curves = {run.id: curve(i) for i, run in enumerate(members[0].tuning)}
    runs = Unfolding(members, curves)
    assert runs.done == 3
    assert {run.id for run in members[0].report(curves)} <= set(runs.runs)
    assert {run.id for run in runs.left()} >= set(runs.runs) - set(curves)


class Stub(Rehearsal):
    """An engine that trains nothing, and fails where it is told to."""

    def __init__(self, places: int, fails: Sequence[str] = ()) -> None:
        super().__init__(places, lambda run: 4 if run.batch_size == 8 else 1, curve=by_rate)
        self.fails = fails

    def events(self, stop: Connection | None) -> Iterator[Event]:
        if any(run.id in self.fails for run in self.groups[0][2]):
            yield Failed(0, heapq.heappop(self.groups)[2], "as it was told")
        else:
            yield from super().events(stop)


def go(engine: Stub, **given: Any) -> tuple[dict[str, Curve], list[Event]]:
    curves: dict[str, Curve] = {}
    runs = Unfolding(entries(), curves)
    with engine:
        return curves, list(execute(runs.runs.values(), curves, engine, then=runs.finish, **given))


@pytest.mark.parametrize("places", [1, 3, 100])
def test_each_run_is_started_once_with_others_of_its_minibatches(places: int) -> None:
    curves, events = go(Stub(places), work=lambda run: run.epochs + run.seed)
    groups = [event.runs for event in events if isinstance(event, Started)]
    started = [run.id for group in groups for run in group]
    assert len(started) == len(set(started)) == len(curves)
    assert {len({run.batches for run in group}) for group in groups} == {1}
    assert max(map(len, groups)) == (4 if places == 1 else max(map(len, groups)))


def test_the_longest_go_first_and_what_becomes_known_is_put_in_its_place() -> None:
    _, events = go(Stub(1), work=lambda run: run.epochs)
    lengths = [event.runs[0].epochs for event in events if isinstance(event, Started)]
    assert lengths[:2] == [4, 4]  # the report runs of fixed settings before all tuning runs
    assert lengths != sorted(lengths, reverse=True)  # report runs after the search that named them


def test_a_group_that_fails_is_tried_once_more_run_by_run() -> None:
    victim = entries()[0].tuning[1]
    curves, events = go(Stub(2, [victim.id]))
    failed = [run for event in events if isinstance(event, Failed) for run in event.runs]
    assert failed == [victim]
    assert [victim in event.runs for event in events if isinstance(event, Retried)] == [True]
    groups = [event.runs for event in events if isinstance(event, Started) and victim in event.runs]
    assert [len(group) for group in groups] == [4, 1]
    assert victim.id not in curves
