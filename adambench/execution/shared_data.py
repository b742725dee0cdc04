"""One copy of a data set for all processes: an unnamed file that each maps into its memory.

The file has no name, so nothing is left of it when the last process that uses it ends, however it ends.
"""

import mmap
import tempfile
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection

import numpy as np

from adambench.datasets.base import Dataset, Split
from adambench.errors import AdambenchError

PARTS = (("train", "images"), ("train", "labels"), ("test", "images"), ("test", "labels"))
CAN_SEND = hasattr(reduction, "send_handle") and hasattr(reduction, "recv_handle") and hasattr(mmap, "PROT_READ")


@dataclass(frozen=True)
class Layout:
    """How a data set lies in the file."""

    shapes: tuple[tuple[int, ...], ...]  # of PARTS, one after the other
    classes: int
    digests: dict[str, str]
    whole: Dataset | None = None  # where no open file can be sent, the data set itself

    def map(self, handle: int) -> Dataset:
        """The data set in an open file."""
        mapped = mmap.mmap(handle, 0, prot=mmap.PROT_READ)
        arrays, offset = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            arrays.append(np.frombuffer(mapped, np.uint8, size, offset).reshape(shape))
            offset += size
        return Dataset(Split(*arrays[:2]), Split(*arrays[2:]), self.classes, self.digests)

    def receive(self, connection: Connection) -> Dataset:
        """In a worker: the data set that `Shared.send` sent."""
        return self.whole or self.map(reduction.recv_handle(connection))


class Shared:
    """A data set in such a file, for the parent. A context manager."""

    def __init__(self, dataset: Dataset) -> None:
        arrays = [getattr(getattr(dataset, split), part) for split, part in PARTS]
        shapes = tuple(array.shape for array in arrays)
        self.layout = Layout(shapes, dataset.classes, dataset.digests, None if CAN_SEND else dataset)
        try:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
            for array in arrays if CAN_SEND else ():
                self.file.write(array)
            self.file.flush()
        except OSError as error:
            where = tempfile.gettempdir()
            hint = "The environment variable TMPDIR names another folder for temporary files."
            raise AdambenchError(f"{where}: cannot hold the data set: {error.strerror}", hint, exit_code=1) from error

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def send(self, connection: Connection, pid: int | None) -> None:
        """To a worker, which takes it with `Layout.receive`."""
        if CAN_SEND:
            reduction.send_handle(connection, self.file.fileno(), pid)
