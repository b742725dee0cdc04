"""Checkpoints: a run in the middle, in a file, so that a run whose process was killed does not start again.

A checkpoint is written whole or not at all, at the end of an epoch, and removed once the run is recorded. It is an npz
archive of plain arrays, in which nothing can be executed.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adambench.curve import Curve, Evaluation
from adambench.errors import AdambenchError
from adambench.execution.plan import Run
from adambench.execution.provenance import provenance
from adambench.setting import Saved
from adambench.training import NUMERICS
from adambench.writing import prepare, write

ID = re.compile(r"[0-9a-f]{16}")  # of a run
EVERY = 60.0  # seconds between two checkpoints, at least


@dataclass(frozen=True)
class Checkpoint:
    """A run at the end of an epoch: how it goes on, and its curve so far."""

    saved: Saved
    curve: Curve


@dataclass(frozen=True)
class Checkpoints:
    """A folder of them, a file `<id>.npz` for each run. every: seconds that a run trains, at least, before the next."""

    folder: Path
    every: float = EVERY

    def prepare(self) -> None:
        """Create the folder and check that it is writable. Raises AdambenchError if not."""
        prepare(self.folder, f"{self.folder}: checkpoints", "Choose another folder with --scratch, or leave it out.")

    def save(self, run: Run, saved: Saved, curve: Curve) -> None:
        """Replace the run's checkpoint. If it cannot be written, the former one stays."""
        told = {"id": run.id, **_surroundings(), **saved.numbers, "curve": [asdict(e) for e in curve]}
        arrays: dict[str, Any] = {"numbers": np.frombuffer(json.dumps(told).encode(), np.uint8), **saved.arrays}
        archive = io.BytesIO()
        np.savez(archive, **arrays)  # without allow_pickle, which NumPy 2.0 would take for one more array
        with suppress(AdambenchError):
            write(self._file(run.id), archive.getvalue())

    def load(self, id_: str) -> Checkpoint | None:
        """None if there is none. Raises ValueError that says why if it is damaged or was not made here for this run."""
        try:
            with self._file(id_).open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            numbers: dict[str, Any] = json.loads(arrays.pop("numbers").tobytes())
            curve = [Evaluation(**evaluation) for evaluation in numbers.pop("curve")]
            found = numbers.pop("id")
        except FileNotFoundError:
            return None
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError("damaged") from error
        if found != id_:
            raise ValueError(f"of another run, {found}")
        for name, now in _surroundings().items():
            if (then := numbers.pop(name, None)) != now:
                raise ValueError(f"made with {name} {then}, not {now}")
        return Checkpoint(Saved(numbers, arrays), curve)

    def epochs(self, warn: Callable[[str], object]) -> dict[str, int]:
        """By id, the epochs that are behind each run. One that cannot be used is left out with a warning."""
        found = {}
        for file in sorted(self._files()):
            try:
                if checkpoint := self.load(file.stem):
                    found[file.stem] = int(checkpoint.saved.numbers["epoch"])
            except (ValueError, KeyError) as error:
                warn(f"{file}: {error}; this run starts again")
        return found

    def remove(self, ids: Sequence[str] | None = None) -> None:
        """Remove the checkpoints of these runs, or all of them, and the folder if it is empty."""
        with suppress(OSError):
            for file in self._files() if ids is None else map(self._file, ids):
                file.unlink(missing_ok=True)
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        """All checkpoints, and nothing else that may lie beside them."""
        return [file for file in self.folder.glob("*.npz") if ID.fullmatch(file.stem)]

    def _file(self, id_: str) -> Path:
        return self.folder / f"{id_}.npz"


def _surroundings() -> dict[str, Any]:
    """What can change the bits of a curve that goes on elsewhere."""
    now = provenance()
    return {"numerics": NUMERICS, "numpy": now["versions"]["numpy"], "BLAS": now["blas"]}
