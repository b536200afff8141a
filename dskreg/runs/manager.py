"""Training runs as processes of their own: started, watched, stopped and continued from anywhere, by way of
files alone.

    FOLDER/<id>/request.json   what was asked for            FOLDER/<id>/journal.jsonl   what the run tells (dskreg/runs/journal.py)
    FOLDER/<id>/process.json   pid and birth of its process  FOLDER/<id>/output.txt      what it wrote for people
    FOLDER/<id>/stopped        somebody stopped it

Nobody remembers a state: it follows from these files and from whether the process lives, so a run outlives
the browser and the server.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pydantic
from pydantic import TypeAdapter

from dskreg.documents import read_bytes, read_json
from dskreg.errors import InputError
from dskreg.runs import process as detached
from dskreg.runs.journal import Done, Moment, Row, RunStatus, read
from dskreg.runs.request import DEMO, DEVICES, FORM, MOST_EPOCHS, MOST_SEED, NAME, Request
from dskreg.storage.artifact import MANIFEST
from dskreg.text import legible

if TYPE_CHECKING:
    import psutil

__all__ = [
    "DEVICES",
    "MOST",
    "MOST_EPOCHS",
    "MOST_SEED",
    "NAME",
    "Request",
    "Run",
    "Runs",
    "State",
    "Unreadable",
]

State = Literal["running", "finished", "failed", "stopped", "lost"]
MOST = 2  # runs at a time
SETTLING = 10.0  # seconds within which a run that was asked for has its process
TAIL = 6000  # bytes
ROOT = Path(__file__).resolve().parents[2]

_starting = threading.Lock()


@pydantic.dataclasses.dataclass(frozen=True, config=FORM, kw_only=True)
class Asked(Request):
    """A request as request.json holds it."""

    asked: Moment  # seconds since 1970


ASKED = TypeAdapter(Asked)


@dataclass(frozen=True)
class Run:
    """One run as it stands."""

    id: str
    request: Asked
    state: State
    told: RunStatus
    message: str  # the error of a failed run; "" otherwise
    resumable: bool  # it ended early, and no later run has taken its name

    @property
    def best(self) -> Row | None:
        """The epoch with the highest validation NDCG so far; None before the first."""
        return max(
            (row for row in self.told.epochs if row.ndcg is not None),
            key=lambda row: row.ndcg or 0.0,
            default=None,
        )


@dataclass(frozen=True)
class Unreadable:
    """What lies among the runs and cannot be read as one."""

    id: str
    problem: str  # in a sentence


class Runs:
    """The runs of one artifacts folder.

    folder:    where the runs' files lie
    data:      its sub-folders of a known format are what one may train on, beside the demo
    artifacts: where the artifacts are made
    """

    def __init__(self, folder: Path, data: Path, artifacts: Path) -> None:
        self.folder, self.data, self.artifacts = folder.absolute(), data.absolute(), artifacts.absolute()

    def sources(self) -> list[str]:
        """The names of what can be trained on, the demo first."""
        from dskreg.data.readers import kaggle, kgat, recbole

        found = []
        for path in _entries(self.data):
            with suppress(OSError):
                known = path.is_dir() and any(reader.recognises(path) for reader in (kgat, recbole, kaggle))
                if known and path.name != DEMO and _showable(path.name):
                    found.append(path.name)
        return [DEMO, *found]

    def listing(self) -> tuple[list[Run], list[Unreadable]]:
        """Every run, the latest first, and what cannot be read as one: whatever lies in a folder, the others
        are as they were.
        """
        found: list[Run] = []
        unreadable: list[Unreadable] = []
        for path in _entries(self.folder):
            if path.name.startswith("."):  # no run's, or one that is being made
                continue
            try:
                found.append(self._read(path.name))
            except InputError as error:
                unreadable.append(Unreadable(legible(path.name), str(error)))
            except OSError as error:
                unreadable.append(
                    Unreadable(legible(path.name), f"{path}: cannot be read ({error.strerror or error})")
                )
        found.sort(key=lambda run: (-run.request.asked, run.id))
        taken = [run.request.out for run in found]
        runs = [
            replace(run, resumable=run.resumable and run.request.out not in taken[:n])
            for n, run in enumerate(found)
        ]
        return runs, unreadable

    def all(self) -> list[Run]:
        """Every run that can be read, the latest first."""
        return self.listing()[0]

    def get(self, run_id: str) -> Run:
        """The run; InputError for one that is unknown or cannot be read."""
        found, unreadable = self.listing()
        for run in found:
            if run.id == run_id:
                return run
        for bad in unreadable:
            if bad.id == run_id:
                raise InputError(bad.problem)
        raise InputError(f"unknown run {run_id[:80]!r}")

    def start(self, request: Request) -> Run:
        """Begin a run.

        Raises:
            InputError: the data are not offered, the name is taken, too many runs are under way, or a folder
                cannot be written.
        """
        with _starting:
            out = self.artifacts / request.out
            if out.exists() and not (out / MANIFEST).is_file():
                raise InputError(f"{request.out}: exists and is no artifact; choose another name")
            if out.exists() and not request.replace:
                raise InputError(
                    f"{request.out}: exists already; choose another name, or allow it to be replaced"
                )
            self._refuse(request)
            try:
                self.artifacts.mkdir(parents=True, exist_ok=True)
                run_id = self._new(request)
                self._spawn(run_id, request, resume=False)
            except OSError as error:
                raise InputError(f"the run cannot be started: {error}") from None
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Go on from the last checkpoint of a run that was stopped, failed or was lost.

        Raises InputError where that cannot be.
        """
        with _starting:
            run = self.get(run_id)
            if not run.resumable:
                raise InputError(
                    f"{run_id}: cannot be continued, it is {run.state} or a later run has taken its name"
                )
            self._refuse(run.request)
            try:
                (self.folder / run_id / "stopped").unlink(missing_ok=True)
                self._spawn(run_id, run.request, resume=True)
            except OSError as error:
                raise InputError(f"{run_id}: cannot be continued: {error}") from None
        return self.get(run_id)

    def stop(self, run_id: str) -> Run:
        """End the run's process; its last checkpoint stays. A run that has ended is left as it is."""
        run = self.get(run_id)
        if process := self._process(run_id):
            with suppress(OSError):  # the process is ended also where that cannot be written down
                (self.folder / run_id / "stopped").touch()
            detached.end(process)
            run = self.get(run_id)
        return run

    def tail(self, run_id: str) -> str:
        """The end of what the run wrote for people. Raises InputError where it cannot be read."""
        return "\n".join(self._lines(self.get(run_id).id))

    def _refuse(self, request: Request) -> None:
        if request.data not in self.sources():
            raise InputError(f"data: expected one of {', '.join(self.sources())} (got {request.data!r})")
        running = [run.request.out for run in self.all() if run.state == "running"]
        if request.out in running:
            raise InputError(f"{request.out}: a run is making it at this moment")
        if len(running) >= MOST:
            raise InputError(
                f"{len(running)} runs are under way ({', '.join(running)}), and {MOST} are allowed at a time; wait for one, or stop it"
            )

    def _new(self, request: Request) -> str:
        now = time.time()
        first = f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{request.out}"
        new = self.folder / f".{uuid.uuid4().hex}"  # nobody sees a run without its request
        new.mkdir(parents=True)
        detached.write(new / "request.json", asdict(request) | {"asked": now})
        for name in itertools.chain([first], (f"{first}-{again}" for again in itertools.count(2))):
            if not os.path.lexists(self.folder / name):
                break
        os.rename(new, self.folder / name)
        return name

    def _spawn(self, run_id: str, request: Request, resume: bool) -> None:
        folder = self.folder / run_id
        command = request.command(self.data, self.artifacts, folder / "journal.jsonl", resume)
        detached.spawn(command, ROOT, folder / "output.txt", folder / "process.json")

    def _process(self, run_id: str) -> psutil.Process | None:
        return detached.living(
            self.folder / run_id / "process.json", str(self.folder / run_id / "journal.jsonl")
        )

    def _read(self, run_id: str) -> Run:
        """Raises InputError and OSError for what is no run's folder."""
        folder = self.folder / run_id
        if not _showable(run_id):
            raise InputError(f"{folder}: expected a name in UTF-8")
        request = read_json(folder / "request.json", ASKED)
        settling = (
            not os.path.lexists(folder / "process.json") and abs(time.time() - request.asked) < SETTLING
        )
        # Asked before the journal is read: its last word is then in it
        alive = settling or self._process(run_id) is not None
        told = _told(folder / "journal.jsonl")
        state, message = self._state(run_id, told, alive)
        return Run(run_id, request, state, told, message, resumable=state in ("stopped", "failed", "lost"))

    def _state(self, run_id: str, told: RunStatus, alive: bool) -> tuple[State, str]:
        if alive:
            return "running", ""
        if isinstance(told.end, Done):
            return "finished", ""
        if os.path.lexists(self.folder / run_id / "stopped"):
            return "stopped", ""
        if told.end:
            return "failed", told.end.message
        last = self._lines(run_id)[-1:]
        return (
            ("failed", last[0].removeprefix("error: "))
            if last and last[0].startswith("error: ")
            else ("lost", "")
        )

    def _lines(self, run_id: str) -> list[str]:
        """The last lines of the output. Raises InputError where it cannot be read."""
        path = self.folder / run_id / "output.txt"
        text = read_bytes(path, largest=TAIL, tail=True) if os.path.lexists(path) else b""
        return [
            kept for line in text.decode("utf-8", errors="replace").splitlines() if (kept := line.rstrip())
        ]


def _entries(folder: Path) -> list[Path]:
    """What lies in the folder, by name; nothing where it cannot be listed."""
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _showable(name: str) -> bool:
    """Whether a file's name is text: bytes that are not UTF-8 cannot be sent to a browser."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _told(path: Path) -> RunStatus:
    try:
        status = path.stat()
    except OSError:
        return read(path)
    return _told_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _told_once(path: Path, size: int, time_ns: int) -> RunStatus:
    return read(path)
