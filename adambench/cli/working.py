"""`adambench worker`: train for a Dask cluster. And what both ends of a cluster need: the package, TLS."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from adambench.errors import AdambenchError

QUIET = {  # Dask's profile of what its workers do, and its look a thousand times a minute at how late events are
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}

PATIENCE = 30.0  # seconds for which a worker waits for its scheduler, as Dask does

TlsCa = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TLS: certificate of the authority that the cluster trusts.")
]
TlsCert = Annotated[Path | None, typer.Option(metavar="FILE", help="TLS: the certificate of this side.")]
TlsKey = Annotated[Path | None, typer.Option(metavar="FILE", help="TLS: the private key of this side.")]


def worker(
    scheduler: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Address of a Dask scheduler, for example tcp://host:8786.")
    ],
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Number of worker processes; as many as there are cores if left out.")
    ] = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Train runs that `run --engine dask` hands out, until interrupted.

    Whoever can reach the scheduler or this process can run code in it. TLS with certificates of your own prevents that.
    """
    from adambench.execution.workers import THREADS, cores

    needs_distributed()
    files = tls_files("worker", scheduler, tls_ca, tls_cert, tls_key)
    reach(scheduler, PATIENCE)
    count = str(jobs or cores())
    # One thread for each process, no limit of memory at which training would be stopped. What importing adambench has
    # set for OpenBLAS is inherited, so it comes before NumPy, whoever imports that first.
    words = ["-m", "distributed.cli.dask_worker", scheduler, "--nworkers", count, "--nthreads", "1"]
    words += ["--memory-limit", "0", "--no-dashboard"]
    for name, file in zip(("--tls-ca-file", "--tls-cert", "--tls-key"), files, strict=False):
        words += [name, str(file)]
    environment = {
        **QUIET,
        **os.environ,
        **dict.fromkeys(THREADS, "1"),
        "PYTHONSAFEPATH": "1",
    }  # not the current folder
    os.execve(sys.executable, [sys.executable, *words], environment)


def reach(scheduler: str, seconds: float) -> None:
    """Wait so long for something that listens at an address. Raises AdambenchError if nothing does.

    Dask would wait too, but would end in many pages of tracebacks.
    """
    import socket
    import time

    host, end = check_address(scheduler), time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(host, timeout=5).close()
        except (OSError, UnicodeError) as error:
            if time.monotonic() >= end:
                reason = getattr(error, "strerror", None) or error
                raise AdambenchError(
                    f"{scheduler}: cannot be reached: {reason}", "Start a scheduler first: dask scheduler"
                ) from error
            time.sleep(1)
        else:
            return


def check_address(scheduler: str) -> tuple[str, int]:
    """The host and the port of a scheduler. Raises AdambenchError if it is no address."""
    from urllib.parse import urlsplit

    with suppress(ValueError):
        parts = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.port
    raise AdambenchError(
        f"{scheduler}: must be an address like tcp://host:8786, or tls://host:8786 for a scheduler with TLS",
        "`dask scheduler` prints its address when it starts.",
    )


def needs_distributed() -> None:
    """Raises AdambenchError if Dask is not installed."""
    if find_spec("distributed") is None:
        raise AdambenchError(
            "Dask needs the package distributed, which is not installed", "Install it: pip install 'adambench[dask]'"
        )


def tls_files(side: str, scheduler: str, ca: Path | None, cert: Path | None, key: Path | None) -> Sequence[Path]:
    """The three files, or none, which leaves TLS to Dask's own configuration of a side (`client` or `worker`).

    Raises AdambenchError if the scheduler's address asks for something else, or if they are no certificates.
    """
    import ssl

    import dask

    files = [file.absolute() for file in (ca, cert, key) if file]
    if files and len(files) < 3:
        raise AdambenchError("--tls-ca, --tls-cert and --tls-key need each other")
    if files and not scheduler.startswith("tls://"):
        raise AdambenchError(
            f"--tls-ca: needs a scheduler with TLS, but found {scheduler}",
            "The address of such a scheduler begins with tls://, for example tls://host:8786.",
        )
    if not files and scheduler.startswith("tls://") and not dask.config.get(f"distributed.comm.tls.{side}.cert", None):
        raise AdambenchError(
            f"{scheduler}: a scheduler with TLS, but no certificate is known",
            "Give --tls-ca, --tls-cert and --tls-key, or name the files in Dask's configuration.",
        )
    if files:
        for option, file in zip(("--tls-ca", "--tls-cert", "--tls-key"), files, strict=True):
            if not Path(file).is_file():
                raise AdambenchError(f"{option} {file}: there is no such file")
        asked = f"--tls-ca {files[0]}"
        try:
            context = ssl.create_default_context(cafile=files[0])
            asked = f"--tls-cert {files[1]}, --tls-key {files[2]}"
            context.load_cert_chain(files[1], files[2])
        except OSError as error:  # also of what is no certificate, or another's key
            raise AdambenchError(f"{asked}: {error.strerror or error}") from error
    return files
