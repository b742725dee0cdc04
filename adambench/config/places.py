"""Where a key belongs, for the message about one that stands too high up in the file."""

from dataclasses import fields

from adambench.config.check import hints_of
from adambench.config.experiment import Evaluate, Inspect, Judging, Search, Tuning
from adambench.config.names import Known

PROBLEM = (
    *("model", "epochs", "batch_size", "schedule", "validation", "seeds", "optimizers", "figure", "title"),
    *("average", "clip_norm", "sampling", "train_images", "dataset"),
)
PARTS = {"tuning": Tuning, "judging": Judging, "search": Search, "evaluate": Evaluate, "inspect": Inspect}


def in_a_problem(known: Known) -> dict[str, str]:
    """The keys of its optimizers, schedule and model: `hidden`: `model.hidden`."""
    return {
        key: f"{place}.{key}"
        for place, classes in (
            ("schedule", known.schedules),
            ("model", known.models),
            ("optimizers.NAME", known.optimizers),  # last, because `momentum` is most often theirs
        )
        for cls in classes.values()
        if isinstance(cls, type)  # not of a plug-in that is read without being executed
        for key in hints_of(cls)
    }


def in_an_experiment(known: Known) -> dict[str, str]:
    """The keys of its parts and problems: `epochs`: `problems.NAME.epochs`."""
    inner = {
        key: place if place.startswith("optimizers") else f"problems.NAME.{place}"
        for key, place in in_a_problem(known).items()
    }
    parts = {field.name: f"{part}.{field.name}" for part, cls in PARTS.items() for field in fields(cls)}
    return inner | parts | {key: f"problems.NAME.{key}" for key in PROBLEM}
