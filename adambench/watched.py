"""Train an experiment while its progress is shown, in a terminal or a notebook, and told to `status`."""

import sys
from typing import TextIO

from adambench.config import loading
from adambench.datasets import Data
from adambench.execution.checkpoints import Checkpoints
from adambench.execution.engines import Failed, Retried, Silent, Trainer
from adambench.execution.estimate import Cost, rehearse
from adambench.execution.outlook import Outlook
from adambench.execution.scheduling import interruptible
from adambench.session import Session
from adambench.show.progress import Watch, failure, plan_line, stopped
from adambench.show.terminal import console, plural
from adambench.store.status import Told


def train_shown(
    session: Session,
    data: Data,
    trainer: Trainer,
    places: int,
    checkpoints: Checkpoints,
    told: Told,
    stream: TextIO | None = None,
) -> int:
    """Write the configuration, then train what is missing and record it. How many runs failed.

    places: how many groups of runs can be trained at once. stream: where the progress is shown.
    """
    out, runs, experiment = console(stream=stream), session.unfolding, session.experiment
    begun = session.begun(checkpoints)
    failed, began = 0, False
    try:
        with interruptible() as stop, trainer:  # the engine ends before a second Ctrl-C could disturb it
            records = (record.data for record in session.records.values())
            cost = Cost(data, trainer, min(places, len(runs.left())), records, stop)
            expected = rehearse(runs, cost, places, begun)
            outlook = Outlook(expected, cost, lambda: trainer.free + trainer.running, begun)
            out.print(plan_line(experiment.name, runs, places, expected.seconds), markup=False)
            session.folder.write_plugins({one.file: one.source for one in experiment.plugins if one.source is not None})
            session.folder.write_config(loading.resolved(experiment))
            began = True
            with Watch(out, runs, outlook) as watch:
                told.look = lambda: (list(watch.under_way.values()), outlook.left)
                for event in session.train(trainer, cost, stop, checkpoints, begun):
                    watch.show(event)
                    if isinstance(event, Silent):
                        told.warnings.append(event.words)
                    if isinstance(event, Retried):
                        told.warnings.append(stopped(event))
                    if isinstance(event, Failed):
                        failed += len(event.runs)
                        told.end = f"{plural(failed, 'run')} failed"
                        told.warnings.append(failure(event))
                        print(event.reason, file=sys.stderr)
    except KeyboardInterrupt:
        if began:
            session.write_tables()
        out.print("interrupted; finished runs are kept: rerun the command to resume")
        raise
    return failed
