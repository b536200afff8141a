"""Training runs in processes of their own: started, monitored, stopped and continued through files alone.

    FOLDER/<id>/request.json    the request
    FOLDER/<id>/process.json    pid and start time of the process
    FOLDER/<id>/journal.jsonl   the run's log for programs (dskreg/runs/journal.py)
    FOLDER/<id>/output.txt      the run's output for people
    FOLDER/<id>/stopped         present once a user has stopped the run

No state is kept in memory: it follows from these files and from whether the process is alive. So a run
outlives both the browser and the server.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dskreg.documents import read_bytes, read_json
from dskreg.errors import InputError
from dskreg.runs import process as processes
from dskreg.runs.estimate import Estimate, estimate, interactions_in, timed
from dskreg.runs.journal import Done, RunStatus, read
from dskreg.runs.request import DEMO, DEVICES, MOST_EPOCHS, MOST_SEED, NAME, Request
from dskreg.runs.run import ASKED, Run, State, Unreadable
from dskreg.storage.artifact import MANIFEST
from dskreg.text import legible

if TYPE_CHECKING:
    import psutil

__all__ = [
    "DEMO",
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

MOST = 2  # runs at a time
STARTUP = 10.0  # seconds within which a requested run has its process
TAIL = 6000  # bytes of the output that are read
ROOT = Path(__file__).resolve().parents[2]

_starting = threading.Lock()


class Runs:
    """The runs of one artifacts folder.

    folder:    holds the runs' files
    data:      holds the data sets: sub-folders of a known format
    artifacts: receives the artifacts
    """

    def __init__(self, folder: Path, data: Path, artifacts: Path) -> None:
        self.folder, self.data, self.artifacts = folder.absolute(), data.absolute(), artifacts.absolute()

    def sources(self) -> list[str]:
        """The names of the data sets, the demo first."""
        from dskreg.data.readers.load import recognised

        found = []
        for path in _entries(self.data):
            with suppress(OSError):
                known = path.is_dir() and recognised(path)
                if known and path.name != DEMO and _showable(path.name):
                    found.append(path.name)
        return [DEMO, *found]

    def estimate(
        self, data: str, preset: str, epochs: int | None, artifacts: Iterable[Path]
    ) -> tuple[int | None, Estimate | None]:
        """(interactions of the data set, how long a run on it will take by the trainings of these artifacts);
        None where unknown (dskreg/runs/estimate.py).
        """
        size = None if data == DEMO else interactions_in(self.data / data)
        return size, estimate(data, preset, epochs, size, timed(artifacts))

    def listing(self) -> tuple[list[Run], list[Unreadable]]:
        """Every run, the latest first, and the entries that cannot be read as runs."""
        found: list[Run] = []
        unreadable: list[Unreadable] = []
        for path in _entries(self.folder):
            if path.name.startswith("."):  # not a run, or not yet
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
        """The run with this id.

        Raises:
            InputError: It is unknown, or cannot be read.
        """
        found, unreadable = self.listing()
        for run in found:
            if run.id == run_id:
                return run
        for bad in unreadable:
            if bad.id == run_id:
                raise InputError(bad.problem)
        raise InputError(f"unknown run {run_id[:80]!r}")

    def start(self, request: Request) -> Run:
        """Start a run.

        Raises:
            InputError: The data set is unknown, the name is taken, too many runs are active, or a folder
                cannot be written.
        """
        with _starting:
            out = self.artifacts / request.out
            if out.exists() and not (out / MANIFEST).is_file():
                raise InputError(f"{request.out}: exists and is not an artifact; choose another name")
            if out.exists() and not request.replace:
                raise InputError(f"{request.out}: exists already; choose another name, or allow replacing it")
            self._refuse(request)
            try:
                self.artifacts.mkdir(parents=True, exist_ok=True)
                run_id = self._new(request)
                self._spawn(run_id, request, resume=False)
            except OSError as error:
                raise InputError(f"the run cannot be started: {error}") from None
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Continue a stopped, failed or lost run from its last checkpoint.

        Raises:
            InputError: The run cannot be continued.
        """
        with _starting:
            run = self.get(run_id)
            if not run.resumable:
                ended_early = run.state not in ("running", "finished")
                reason = "a later run has the same name" if ended_early else f"it is {run.state}"
                raise InputError(f"{run_id}: cannot be continued, since {reason}")
            self._refuse(run.request)
            try:
                (self.folder / run_id / "stopped").unlink(missing_ok=True)
                self._spawn(run_id, run.request, resume=True)
            except OSError as error:
                raise InputError(f"{run_id}: cannot be continued: {error}") from None
        return self.get(run_id)

    def stop(self, run_id: str) -> Run:
        """End the run's process and keep its last checkpoint; a run that has ended stays as it is."""
        run = self.get(run_id)
        if process := self._process(run_id):
            with suppress(OSError):  # an unwritable folder does not keep the process alive
                (self.folder / run_id / "stopped").touch()
            processes.end(process)
            run = self.get(run_id)
        return run

    def tail(self, run_id: str) -> str:
        """The end of the run's output.

        Raises:
            InputError: The output cannot be read.
        """
        return "\n".join(self._lines(self.get(run_id).id))

    def _refuse(self, request: Request) -> None:
        if request.data not in self.sources():
            raise InputError(f"data: expected one of {', '.join(self.sources())} (got {request.data!r})")
        running = [run.request.out for run in self.all() if run.state == "running"]
        if request.out in running:
            raise InputError(f"{request.out}: already being trained by another run")
        if len(running) >= MOST:
            raise InputError(
                f"{len(running)} runs are active ({', '.join(running)}), which is the maximum; "
                "wait until a run ends, or stop it"
            )

    def _new(self, request: Request) -> str:
        now = time.time()
        first = f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{request.out}"
        new = self.folder / f".{uuid.uuid4().hex}"  # a run becomes visible together with its request
        new.mkdir(parents=True)
        processes.write(new / "request.json", asdict(request) | {"asked": now})
        for name in itertools.chain([first], (f"{first}-{again}" for again in itertools.count(2))):
            if not os.path.lexists(self.folder / name):
                break
        os.rename(new, self.folder / name)
        return name

    def _spawn(self, run_id: str, request: Request, resume: bool) -> None:
        folder = self.folder / run_id
        command = request.command(self.data, self.artifacts, folder / "journal.jsonl", resume)
        processes.spawn(command, ROOT, folder / "output.txt", folder / "process.json")

    def _process(self, run_id: str) -> psutil.Process | None:
        return processes.living(
            self.folder / run_id / "process.json", str(self.folder / run_id / "journal.jsonl")
        )

    def _read(self, run_id: str) -> Run:
        """Raises InputError and OSError for a folder that is not a run's."""
        folder = self.folder / run_id
        if not _showable(run_id):
            raise InputError(f"{folder}: expected a name in UTF-8")
        request = read_json(folder / "request.json", ASKED)
        starting_up = (
            not os.path.lexists(folder / "process.json") and abs(time.time() - request.asked) < STARTUP
        )
        # Checked before the journal is read, which is then complete if the process has ended
        alive = starting_up or self._process(run_id) is not None
        status = _status(folder / "journal.jsonl")
        state, message = self._state(run_id, status, alive)
        return Run(run_id, request, state, status, message, resumable=state in ("stopped", "failed", "lost"))

    def _state(self, run_id: str, status: RunStatus, alive: bool) -> tuple[State, str]:
        if alive:
            return "running", ""
        if isinstance(status.end, Done):
            return "finished", ""
        if os.path.lexists(self.folder / run_id / "stopped"):
            return "stopped", ""
        if status.end:
            return "failed", status.end.message
        last = self._lines(run_id)[-1:]
        if last and last[0].startswith("error: "):
            return "failed", last[0].removeprefix("error: ")
        return "lost", ""

    def _lines(self, run_id: str) -> list[str]:
        """The last lines of the output that are not empty. Raises InputError where it cannot be read."""
        path = self.folder / run_id / "output.txt"
        text = read_bytes(path, largest=TAIL, tail=True) if os.path.lexists(path) else b""
        return [
            kept for line in text.decode("utf-8", errors="replace").splitlines() if (kept := line.rstrip())
        ]


def _entries(folder: Path) -> list[Path]:
    """The folder's entries by name; none where it cannot be listed."""
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _showable(name: str) -> bool:
    """Whether a file's name is UTF-8: other bytes cannot be sent to a browser."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _status(path: Path) -> RunStatus:
    try:
        found = path.stat()
    except OSError:
        return read(path)
    return _status_of_version(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _status_of_version(path: Path, size: int, time_ns: int) -> RunStatus:
    return read(path)
