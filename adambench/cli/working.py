"""`adambench worker`: train for a Dask cluster."""

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from adambench.errors import AdambenchError

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def worker(
    scheduler: Annotated[str, typer.Argument(help="Address of a Dask scheduler, for example tcp://host:8786.")],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Number of worker processes; as many as there are cores if left out.")
    ] = None,
) -> None:
    """Train runs that `run --engine dask` hands out, until interrupted.

    Whoever can reach the scheduler can run code in this process.
    """
    from adambench.execution.scheduling import cores

    needs_distributed()
    count = str(jobs or cores())
    # One thread for each process, no limit of memory at which training would be stopped. What importing adambench has
    # set for OpenBLAS is inherited, so it comes before NumPy, whoever imports that first.
    words = ["-m", "distributed.cli.dask_worker", scheduler, "--nworkers", count, "--nthreads", "1"]
    words += ["--memory-limit", "0", "--no-dashboard"]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    os.execve(sys.executable, [sys.executable, *words], environment)


def needs_distributed() -> None:
    """Raises AdambenchError if Dask is not installed."""
    if find_spec("distributed") is None:
        raise AdambenchError(
            "Dask needs the package distributed, which is not installed", "Install it: pip install 'adambench[dask]'"
        )
