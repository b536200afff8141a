"""A detached process, identified by its pid, start time and an argument on its command line.

It outlives the process that started it. The pid alone is not enough, since the system reuses it.
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

GRACE = 5.0  # seconds between asking a process to end and killing it
# Seconds by which a start time may differ: a clock may have been adjusted meanwhile
CLOCK = 2.0
BOOT = Path("/proc/sys/kernel/random/boot_id")

# Children of this process; polled now and then, so that none remains a zombie
_children: dict[int, subprocess.Popen] = {}


@dataclass(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class Record:
    """The identity of a process."""

    pid: Annotated[int, Field(ge=1, le=2**31 - 1)]
    born: Annotated[float, Field(ge=0, allow_inf_nan=False)]  # start time, in seconds since `clock` began
    # The id of the boot; "" where `born` counts from 1970
    clock: Annotated[str, Field(max_length=64)] = ""


RECORD = TypeAdapter(Record)


def write(path: Path, document: dict[str, object]) -> None:
    """Write a JSON file that is either whole or absent."""
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    os.replace(part, path)


def spawn(command: list[str], folder: Path, output: Path, record: Path) -> None:
    """Start `command` in `folder`, append its output to `output`, and write its identity to `record`.

    Raises:
        OSError: The process cannot be started, or a file cannot be written.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    environment |= {"OMP_WAIT_POLICY": "PASSIVE"}  # waiting threads sleep
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
    with suppress(OSError, psutil.Error):  # a process that has already ended has no start time
        born = birth(psutil.Process(child.pid), clock)
    write(record, {"pid": child.pid, "born": born, "clock": clock})


def living(record: Path, word: str) -> psutil.Process | None:
    """The process of `record`, with the argument `word`; None where it has ended, or there is no record.

    Raises:
        InputError: The record cannot be read.
    """
    if not os.path.lexists(record):
        return None
    document = read_json(record, RECORD)
    _reap()
    with suppress(OSError, psutil.Error):
        process = psutil.Process(document.pid)
        words = process.cmdline() or [word]  # empty for a moment while the program is loaded
        same = document.clock in ("", boot()) and abs(birth(process, document.clock) - document.born) < CLOCK
        if same and word in words and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def boot() -> str:
    """The id of this boot on Linux, where start times in ticks ignore changes of the clock; "" elsewhere."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def birth(process: psutil.Process, clock: str) -> float:
    """The start time of the process, in seconds since this boot, or since 1970 where `clock` is "".

    Raises OSError and psutil.Error.
    """
    if not clock:
        return process.create_time()
    status = Path(f"/proc/{process.pid}/stat").read_bytes()
    # The 22nd field; the name in an earlier field may contain blanks
    return int(status.rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def end(process: psutil.Process) -> None:
    """Terminate the process and its children, and kill them after GRACE seconds."""
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    for member in family:
        with suppress(psutil.Error):
            member.terminate()  # psutil checks that the pid was not reused
    for member in psutil.wait_procs(family, timeout=GRACE)[1]:
        with suppress(psutil.Error):
            member.kill()
    psutil.wait_procs(family, timeout=GRACE)
    _reap()


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)
