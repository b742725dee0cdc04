"""Reader of IDX, MNIST's own file format: a magic number, the sizes as big-endian 32-bit integers, then raw bytes."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from adambench.errors import AdambenchError

MAX_BYTES = 2**31  # a header that asks for more is taken for a damaged file


def read_idx(path: Path, ndim: int) -> npt.NDArray[np.uint8]:
    """The unsigned bytes of an IDX file, gzipped or not, as an array of ndim dimensions.

    Raises AdambenchError if the file cannot be read, is not IDX of that kind, or has another length than it says.
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if gzipped:
                with gzip.GzipFile(fileobj=raw) as unzipped:
                    return _read(unzipped, path, ndim)
            return _read(raw, path, ndim)
    except (OSError, EOFError, zlib.error) as error:
        raise AdambenchError(f"{path}: cannot be read: {error}", "Is the download complete?") from error


def header(shape: tuple[int, ...]) -> bytes:
    """What stands before the bytes of an array of that shape; 8 means unsigned bytes."""
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def sha256(array: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of the array as an IDX file, the digest that data sets publish for their decompressed files."""
    digest = hashlib.sha256(header(array.shape))
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _read(stream: BinaryIO | gzip.GzipFile, path: Path, ndim: int) -> npt.NDArray[np.uint8]:
    start = stream.read(4 + 4 * ndim)
    magic = header((0,) * ndim)[:4]
    if start[:4] != magic or len(start) != 4 + 4 * ndim:
        raise AdambenchError(
            f"{path}: not an IDX file of unsigned bytes in {ndim} dimensions "
            f"(starts with {start[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')})"
        )
    shape = struct.unpack(f">{ndim}I", start[4:])
    size = math.prod(shape)
    if size > MAX_BYTES:
        raise AdambenchError(f"{path}: its header asks for {size:,} bytes; at most {MAX_BYTES:,} are read")
    data = stream.read(size)
    if len(data) < size or stream.read(1):
        found = f"only {len(data):,}" if len(data) < size else "more"
        raise AdambenchError(f"{path}: its header says {size:,} bytes, found {found}", "Is the download complete?")
    return np.frombuffer(data, np.uint8).reshape(shape)
