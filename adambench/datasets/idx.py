"""Reads IDX, the file format of MNIST: a magic number, the sizes as big-endian 32-bit integers, then the bytes."""

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

MAX_BYTES = 2**31  # a header that announces more belongs to a damaged file


def read_idx(path: Path, ndim: int) -> npt.NDArray[np.uint8]:
    """The unsigned bytes of an IDX file, gzipped or not, as an array of ndim dimensions.

    Raises AdambenchError if the file cannot be read, is another kind of file, or is longer or shorter than its header
    says.
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if gzipped:
                with gzip.GzipFile(fileobj=raw) as unzipped:
                    return _read(unzipped, path, ndim)
            return _read(raw, path, ndim)
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        raise AdambenchError(f"{path}: cannot be read: {error}", "Is the download complete?") from error


def header(shape: tuple[int, ...]) -> bytes:
    """The header of an array of that shape; 8 means unsigned bytes."""
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def sha256(array: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of the array as a decompressed IDX file, which is the digest that data sets publish."""
    digest = hashlib.sha256(header(array.shape))
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _read(stream: BinaryIO | gzip.GzipFile, path: Path, ndim: int) -> npt.NDArray[np.uint8]:
    start = stream.read(4 + 4 * ndim)
    magic = header((0,) * ndim)[:4]
    if start[:4] != magic or len(start) != 4 + 4 * ndim:
        raise AdambenchError(
            f"{path}: not an IDX file of unsigned bytes in {ndim} dimensions "
            f"(starts with {start[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')})",
            _other_format(start),
        )
    shape = struct.unpack(f">{ndim}I", start[4:])
    size = math.prod(shape)
    if (most := math.prod(max(1, length) for length in shape)) > MAX_BYTES:  # a zero hides what no array can have
        raise AdambenchError(
            f"{path}: its header says {most:,} bytes; at most {MAX_BYTES:,} are allowed", "Is the file damaged?"
        )
    data = stream.read(size)
    if len(data) < size or stream.read(1):
        found = f"only {len(data):,}" if len(data) < size else "more"
        raise AdambenchError(f"{path}: its header says {size:,} bytes, found {found}", "Is the download complete?")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _other_format(start: bytes) -> str:
    """A hint about files that people download by mistake."""
    if start[:2] == b"PK":
        return "It is a ZIP archive: extract it first."
    if start.lstrip()[:1] == b"<":
        return "It is a web page: download the file itself."
    return ""
