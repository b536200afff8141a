"""A process that belongs to nobody: it outlives whoever started it and is found again by what was written
down about it.

A pid alone names nobody, since the system gives it to another process later: the moment of birth and a word
of the command line that nobody else has are compared too.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from dskreg.documents import read_json

GRACE = 5.0  # seconds between asking a process to end and ending it
# Seconds that a birth may differ: where it is told by the clock, that may have been set meanwhile
CLOCK = 2.0
BOOT = Path("/proc/sys/kernel/random/boot_id")

# Of this process; asked after now and then, so that none stays a zombie
_children: dict[int, subprocess.Popen] = {}


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class Record:
    """Who a process is."""

    pid: Annotated[int, Field(ge=1, le=2**31 - 1)]
    born: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # in seconds since the beginning of `clock`
    # The boot that it was born in; "" for seconds since 1970
    clock: Annotated[str, Field(max_length=64)] = ""


RECORD = TypeAdapter(Record)


def write(path: Path, document: dict[str, object]) -> None:
    """A JSON file, whole or absent."""
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    os.replace(part, path)


def spawn(command: list[str], folder: Path, output: Path, record: Path) -> None:
    """Start `command` in `folder`, its words appended to `output`, and write down in `record` who it is.

    Raises OSError.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    environment |= {"OMP_WAIT_POLICY": "PASSIVE"}  # threads that wait asleep
    with output.open("ab") as file:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    born, clock = 0.0, boot()
    with suppress(OSError, psutil.Error):  # one that is gone already has no birth
        born = birth(psutil.Process(child.pid), clock)
    write(record, {"pid": child.pid, "born": born, "clock": clock})


def living(record: Path, word: str) -> psutil.Process | None:
    """The process written down in `record`, with `word` on its command line; None when it has ended, or there
    is no record.

    Raises:
        InputError: The record cannot be read, so nobody knows.
    """
    if not os.path.lexists(record):
        return None
    document = read_json(record, RECORD)
    _reap()
    with suppress(OSError, psutil.Error):
        process = psutil.Process(document.pid)
        words = process.cmdline() or [word]  # it has none for the moment in which it becomes the program
        same = document.clock in ("", boot()) and abs(birth(process, document.clock) - document.born) < CLOCK
        if same and word in words and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def boot() -> str:
    """The id of this boot, from which Linux counts births in ticks that no setting of the clock moves; ""
    elsewhere.
    """
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def birth(process: psutil.Process, clock: str) -> float:
    """When the process was born, in seconds since this boot, or since 1970 where `clock` is "".

    Raises OSError and psutil.Error.
    """
    if not clock:
        # On Linux ticks since the boot, added to when the clock says that the boot was
        return process.create_time()
    status = Path(f"/proc/{process.pid}/stat").read_bytes()
    # The 22nd field; a name before may hold blanks
    return int(status.rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def end(process: psutil.Process) -> None:
    """End the process and those it started: by asking, and after GRACE seconds without."""
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    for member in family:
        with suppress(psutil.Error):
            member.terminate()  # psutil signals nobody who was born later under the same pid
    for member in psutil.wait_procs(family, timeout=GRACE)[1]:
        with suppress(psutil.Error):
            member.kill()
    psutil.wait_procs(family, timeout=GRACE)
    _reap()


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)
