"""Starting the app: `dskreg app` hands app.py to Streamlit, from a clone and from an installed package alike.

Streamlit reads the theme and the server's options from .streamlit/config.toml beside app.py, whatever the
current folder is. What the command line sets goes before that file.
"""

from __future__ import annotations

import os
import runpy
import socket
import sys
from pathlib import Path

from dskreg.errors import InputError
from dskreg.storage import places


def words(port: int | None, address: str | None) -> list[str]:
    """The command line of Streamlit."""
    flags = {"server.port": port, "server.address": address}
    given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    return ["streamlit", "run", str(places.APP / "app.py"), "--server.showEmailPrompt=false", *given]


def folders(artifacts: Path | None) -> dict[str, str]:
    """The environment variables that tell the app where its artifacts and data are.

    The bundled demo is offered beside the artifacts unless DSKREG_DEMO says otherwise.
    """
    return {
        "DSKREG_ARTIFACTS": str((artifacts or places.artifacts_folder()).absolute()),
        "DSKREG_DATA": os.environ.get("DSKREG_DATA") or str(Path("data").absolute()),
        "DSKREG_DEMO": os.environ.get("DSKREG_DEMO") or "on",
    }


def start(port: int | None, address: str | None, artifacts: Path | None) -> None:
    """Run the app in this process until it is stopped.

    Raises:
        InputError: The port or the address cannot be used, or `artifacts` is no folder.
    """
    if artifacts is not None and artifacts.exists() and not artifacts.is_dir():
        raise InputError(f"--artifacts: expected a folder (got {artifacts})")
    _require_free(port, address or "localhost")
    os.environ.update(folders(artifacts))
    sys.argv = words(port, address)
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _require_free(port: int | None, address: str) -> None:
    """Raise InputError where the port (any port, for None) cannot be listened on at the address."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(address, port or 0, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InputError(f"--address: expected an address of this machine (got {address!r})") from None
    try:
        with socket.socket(family, kind) as probe:
            if os.name == "posix":  # a port that was in use a moment ago is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        option = f"--port: {port} on {address}" if port else f"--address: {address}"
        raise InputError(f"{option} cannot be used ({error.strerror or error})") from None
