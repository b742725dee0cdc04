"""adambench: the MNIST comparison of the Adam paper (Kingma & Ba 2015), from scratch in NumPy."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

__version__ = "0.2.0"

# OpenBLAS picks its kernels by the processor, and kernels differ in the last bits of a product. With those for AVX2,
# which nearly every x86-64 processor since about 2015 has, a product has the same bits on all of them. The ones for
# AVX-512 also give a setting of softmax regression other bits beside others than alone, so that it could not be trained
# together with them. Works before NumPy is first imported; a variable that is set already stays.
with suppress(OSError):
    if {"avx2", "fma"} <= set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split()):
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

API = {"run": "adambench.api", "Results": "adambench.api", "train": "adambench.stepwise"}
__all__ = ["Results", "__version__", "run", "train"]


def __getattr__(name: str) -> Any:
    """What `import adambench` offers, imported when it is first used: `adambench --help` shall answer at once."""
    if name not in API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # as above

    return getattr(import_module(API[name]), name)
