"""Training runs as processes of their own: started, watched, stopped and continued from anywhere, by way of files alone.

    FOLDER/<id>/request.json   what was asked for            FOLDER/<id>/journal.jsonl   what the run tells (dskreg/journal.py)
    FOLDER/<id>/process.json   pid and birth of its process  FOLDER/<id>/output.txt      what it wrote for people
    FOLDER/<id>/stopped        somebody stopped it

Nobody remembers a state: it follows from these files and from whether the process lives, so a run outlives the browser and the server.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dskreg import detached
from dskreg.artifact import MANIFEST
from dskreg.detached import lenient
from dskreg.errors import InputError
from dskreg.journal import Told, read
from dskreg.request import DEMO, DEVICES, MOST_EPOCHS, MOST_SEED, NAME, Request

if TYPE_CHECKING:
    import psutil

__all__ = ["DEVICES", "MOST", "MOST_EPOCHS", "MOST_SEED", "NAME", "Request", "Run", "Runs", "State"]

State = Literal["running", "finished", "failed", "stopped", "lost"]
MOST = 2  # runs at a time
SETTLING = 10.0  # seconds within which a run that was asked for has its process
TAIL = 6000  # bytes
ROOT = Path(__file__).resolve().parents[1]

_starting = threading.Lock()


@dataclass(frozen=True)
class Run:
    """One run as it stands."""

    id: str
    request: Request
    asked: float  # seconds since 1970
    state: State
    told: Told
    message: str  # the error of a failed run; "" otherwise
    resumable: bool  # it ended early, and no later run has taken its name

    @property
    def best(self) -> dict[str, Any]:
        """The epoch with the highest validation NDCG so far; {} before the first."""
        rows = [row for row in self.told.epochs if row.get("ndcg") is not None]
        return max(rows, key=lambda row: row["ndcg"]) if rows else {}


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
        from dskreg.data import kaggle, recbole, text

        found = []
        with lenient():
            for path in sorted(self.data.iterdir()):
                if path.is_dir() and path.name != DEMO and any(reader.recognises(path) for reader in (text, recbole, kaggle)):
                    found.append(path.name)
        return [DEMO, *found]

    def all(self) -> list[Run]:
        """Every run, the latest first."""
        names: list[str] = []
        with lenient():
            names = [path.name for path in self.folder.iterdir()]
        found: list[Run] = []
        for name in names:
            with lenient():
                found.append(self._read(name))
        found.sort(key=lambda run: (-run.asked, run.id))
        taken = [run.request.out for run in found]
        return [replace(run, resumable=run.resumable and run.request.out not in taken[:place]) for place, run in enumerate(found)]

    def get(self, run_id: str) -> Run:
        """The run; InputError for an unknown one."""
        for run in self.all():
            if run.id == run_id:
                return run
        raise InputError(f"unknown run {run_id[:80]!r}")

    def start(self, request: Request) -> Run:
        """Begin a run.

        Raises:
            InputError: the data are not offered, the name is taken, too many runs are under way, or a folder cannot be written.
        """
        with _starting:
            out = self.artifacts / request.out
            if out.exists() and not (out / MANIFEST).is_file():
                raise InputError(f"{request.out}: exists and is no artifact; choose another name")
            if out.exists() and not request.replace:
                raise InputError(f"{request.out}: exists already; choose another name, or allow it to be replaced")
            self._refuse(request)
            try:
                self.artifacts.mkdir(parents=True, exist_ok=True)
                run_id = self._new(request)
                self._spawn(run_id, request, resume=False)
            except OSError as error:
                raise InputError(f"the run cannot be started: {error}") from None
        return self.get(run_id)

    def resume(self, run_id: str) -> Run:
        """Go on from the last checkpoint of a run that was stopped, failed or was lost. Raises InputError where that cannot be."""
        with _starting:
            run = self.get(run_id)
            if not run.resumable:
                raise InputError(f"{run_id}: cannot be continued, it is {run.state} or a later run has taken its name")
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
            (self.folder / run_id / "stopped").touch()
            detached.end(process)
            run = self.get(run_id)
        return run

    def tail(self, run_id: str) -> str:
        """The end of what the run wrote for people, without its progress bars."""
        return "\n".join(self._lines(self.get(run_id).id))

    def _refuse(self, request: Request) -> None:
        if request.data not in self.sources():
            raise InputError(f"data: expected one of {', '.join(self.sources())} (got {request.data!r})")
        running = [run.request.out for run in self.all() if run.state == "running"]
        if request.out in running:
            raise InputError(f"{request.out}: a run is making it at this moment")
        if len(running) >= MOST:
            raise InputError(f"{len(running)} runs are under way ({', '.join(running)}), and {MOST} are allowed at a time; wait for one, or stop it")

    def _new(self, request: Request) -> str:
        now = time.time()
        name = f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{request.out}"
        for again in itertools.count(2):
            try:
                (self.folder / name).mkdir(parents=True)
                break
            except FileExistsError:
                name = f"{name.removesuffix(f'-{again - 1}')}-{again}"
        detached.write(self.folder / name / "request.json", asdict(request) | {"asked": now})
        return name

    def _spawn(self, run_id: str, request: Request, resume: bool) -> None:
        folder = self.folder / run_id
        command = request.command(self.data, self.artifacts, folder / "journal.jsonl", resume)
        detached.spawn(command, ROOT, folder / "output.txt", folder / "process.json")

    def _process(self, run_id: str) -> psutil.Process | None:
        return detached.living(self.folder / run_id / "process.json", str(self.folder / run_id / "journal.jsonl"))

    def _read(self, run_id: str) -> Run:
        folder = self.folder / run_id
        document = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        asked = float(document.pop("asked"))
        request = Request(**document | {"settings": tuple(document["settings"])})
        settling = not (folder / "process.json").exists() and time.time() - asked < SETTLING
        alive = settling or self._process(run_id) is not None  # asked before the journal is read: its last word is then in it
        told = _told(folder / "journal.jsonl")
        state, message = self._state(run_id, told, alive)
        return Run(run_id, request, asked, state, told, message, resumable=state in ("stopped", "failed", "lost"))

    def _state(self, run_id: str, told: Told, alive: bool) -> tuple[State, str]:
        if alive:
            return "running", ""
        if told.end.get("event") == "done":
            return "finished", ""
        if (self.folder / run_id / "stopped").exists():
            return "stopped", ""
        if told.end.get("event") == "error":
            return "failed", str(told.end.get("message", ""))
        last = self._lines(run_id)[-1:]
        return ("failed", last[0].removeprefix("error: ")) if last and last[0].startswith("error: ") else ("lost", "")

    def _lines(self, run_id: str) -> list[str]:
        """The last lines of the output; what a progress bar has overwritten is left out."""
        text = ""
        with lenient(), (self.folder / run_id / "output.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            text = file.read().decode("utf-8", errors="replace")
        return [kept for line in text.split("\n") if (kept := line.rpartition("\r")[2].rstrip())]


def _told(path: Path) -> Told:
    try:
        status = path.stat()
    except OSError:
        return read(path)
    return _told_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _told_once(path: Path, size: int, time_ns: int) -> Told:
    return read(path)
