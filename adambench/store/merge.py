"""The union of results folders: the records of all of them, or a refusal before anything is written."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from adambench.config import loading
from adambench.curve import first_difference
from adambench.errors import AdambenchError
from adambench.store.folder import Folder, folders
from adambench.store.lock import locked
from adambench.store.records import Record


@dataclass(frozen=True)
class Merged:
    """An experiment in the destination: how many records it has got, and how many it holds now."""

    folder: Folder
    new: int
    total: int


def merge(sources: Sequence[Path], results: Path, warn: Callable[[str], object]) -> list[Merged]:
    """Copy into a results folder the records of others that it lacks, experiment by experiment.

    A record that is there stays. Of equal runs from several folders, the one that finished first is copied. Raises
    AdambenchError, before a record or a configuration is written, if a run has two different curves or an experiment
    two configurations.
    """
    by_name: dict[str, list[Folder]] = {}
    for source in sources:
        for folder in folders(source, None, option=""):
            by_name.setdefault(folder.path.name, []).append(folder)
    with ExitStack() as stack:
        here = {name: Folder(results, name) for name in by_name}
        created = [name for name, folder in here.items() if not folder.path.is_dir()]
        for name, folder in here.items():
            if name not in created:
                stack.enter_context(locked(folder.path, warn))
                folder.tidy()  # a record may have kept its temporary name
        found = {name: _union(here[name], parts, warn) for name, parts in by_name.items()}
        merged = []
        for name, (config, new, total) in found.items():
            here[name].prepare()
            if name in created:
                stack.enter_context(locked(here[name].path, warn))
            here[name].records(warn, set_aside=True)  # else a copy could replace a file that is no record
            here[name].write_config(config)
            for part in by_name[name]:
                here[name].write_plugins(part.read_plugins())
            for record in new:
                here[name].write_record(record)
            merged.append(Merged(here[name], len(new), total))
    return merged


def _union(here: Folder, parts: Sequence[Folder], warn: Callable[[str], object]) -> tuple[str, list[Record], int]:
    """The configuration, the records that are missing here, and how many records there are then."""
    configured = [folder for folder in (here, *parts) if folder.config.is_file()]
    _check_configurations(configured)
    owners = {id_: (here, record) for id_, record in here.records(lambda _: None).items()}
    conflicts = []
    for part in parts:
        for id_, record in part.records(warn).items():
            owner, other = owners.setdefault(id_, (part, record))
            if (epoch := first_difference(other.curve, record.curve)) is not None:
                conflicts.append(f"{record.file} differs from epoch {epoch} on in {owner.path} and {part.path}")
            if owner is not here and record.age < other.age:
                owners[id_] = (part, record)
    conflicts += [said for folder in (here, *parts) for said in folder.disputed]
    if conflicts:
        raise AdambenchError(
            "\n".join(conflicts),
            "Nothing was written. `adambench verify` tells which of two curves can be repeated on this machine.",
        )
    new = [record for _, (owner, record) in sorted(owners.items()) if owner is not here]
    return configured[0].config.read_text(encoding="utf-8"), new, len(owners)


def _check_configurations(parts: Iterable[Folder]) -> None:
    """All must be of the same experiment; only where the data set lies may differ."""
    first, *others = ((part, loading.read(part.config).without_places) for part in parts)
    for part, experiment in others:
        if experiment != first[1]:
            keys = loading.differences(first[1], experiment) or ["a plug-in"]
            raise AdambenchError(
                f"{part.config}: is not the configuration in {first[0].config}; it differs in {', '.join(keys)}",
                "Nothing was written. Parts are of one configuration, which `run --shard K/N` divides. If yours have "
                "other seeds or settings, copy the files of both runs/ into one folder, and run a file that asks for "
                "all: what is there is not trained again.",
            )
