"""A process that belongs to nobody: it outlives whoever started it and is found again by what was written down about it.

A pid alone names nobody, since the system gives it to another process later: the moment of birth and a word of the command line
that nobody else has are compared too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

GRACE = 5.0  # seconds between asking a process to end and ending it
CLOCK = 2.0  # seconds that a birth may differ: the clock may have been set meanwhile

_children: dict[int, subprocess.Popen] = {}  # of this process; asked after now and then, so that none stays a zombie


@contextmanager
def lenient() -> Iterator[None]:
    """Files come and go, processes end: what cannot be read at this moment is not there."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):  # InputError is a ValueError
        return


def write(path: Path, document: dict[str, object]) -> None:
    """A JSON file, whole or absent."""
    part = path.with_name(f".{path.name}")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    os.replace(part, path)


def spawn(command: list[str], folder: Path, output: Path, record: Path) -> None:
    """Start `command` in `folder`, its words appended to `output`, and write down in `record` who it is. Raises OSError."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    environment |= {"OMP_WAIT_POLICY": "PASSIVE", "TQDM_MININTERVAL": "30"}  # threads that wait asleep; bars that do not fill the disk
    with output.open("ab") as file:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    _children[child.pid] = child
    born = 0.0
    with lenient():  # one that is gone already has no birth
        born = psutil.Process(child.pid).create_time()
    write(record, {"pid": child.pid, "born": born})


def living(record: Path, word: str) -> psutil.Process | None:
    """The process written down in `record`, with `word` on its command line; None when it has ended."""
    with lenient():
        document = json.loads(record.read_text(encoding="utf-8"))
        pid = int(document["pid"])
        _reap()
        process = psutil.Process(pid)
        words = process.cmdline() or [word]  # it has none for the moment in which it becomes the program
        same = abs(process.create_time() - float(document["born"])) < CLOCK and word in words
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def end(process: psutil.Process) -> None:
    """End the process and those it started: by asking, and after GRACE seconds without."""
    family = [process]
    with lenient():
        family += process.children(recursive=True)
    for member in family:
        with lenient():
            member.terminate()  # psutil signals nobody who was born later under the same pid
    for member in psutil.wait_procs(family, timeout=GRACE)[1]:
        with lenient():
            member.kill()
    psutil.wait_procs(family, timeout=GRACE)
    _reap()


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)
