"""Engines train runs. An engine starts groups of runs and reports events; here is what it reports.

`local` trains in worker processes on this machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adambench.curve import Curve, Evaluation
from adambench.run.plan import Run


@dataclass(frozen=True)
class Started:
    """A worker has been given runs; if there are several, they are trained together."""

    worker: int
    runs: Sequence[Run]


@dataclass(frozen=True)
class Progressed:
    """An epoch has ended."""

    worker: int
    runs: Sequence[Run]
    evaluations: Sequence[Evaluation | None]  # of each run; None: it diverged before


@dataclass(frozen=True)
class Finished:
    """Runs have ended, each with a curve."""

    worker: int
    runs: Sequence[Run]
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Failed:
    """Runs have stopped without a result, as when their worker died. reason: a traceback or a sentence."""

    worker: int
    runs: Sequence[Run]
    reason: str


Event = Started | Progressed | Finished | Failed
