"""The process that serves all users: pages take turns, nobody waits for ever, and resources are returned."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.ui.common import runtime
from dskreg.ui.common.runtime import Cleaner, Turns

ROOT = Path(__file__).resolve().parents[1]


def free(turns: Turns) -> int:
    """How many turns can be taken without waiting."""
    taken = 0
    while turns.semaphore.acquire(blocking=False):
        taken += 1
    for _ in range(taken):
        turns.semaphore.release()
    return taken


def test_at_most_two_pages_are_computed_at_once_and_all_are_computed() -> None:
    inside, most, done, lock = 0, 0, 0, threading.Lock()
    turns = Turns(2, 10.0)

    def page() -> None:
        nonlocal inside, most, done
        with turns():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside, done = inside - 1, done + 1

    threads = [threading.Thread(target=page) for _ in range(12)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == 12 and most == 2 and time.monotonic() - began < 10.0


def test_a_page_that_has_waited_long_enough_runs_without_a_turn() -> None:
    turns = Turns(2, 0.05)
    with turns(), turns():
        for _ in range(2):  # and returns none: the semaphore would raise an error
            with turns():
                pass
    assert free(turns) == 2


def test_a_page_that_raises_an_error_returns_its_turn() -> None:
    turns = Turns(2, 0.05)
    for _ in range(3):
        with pytest.raises(KeyError), turns():
            raise KeyError
    assert free(turns) == 2


@pytest.mark.parametrize("folder", ["artifacts", "tests"])  # with a model, and without one
def test_every_run_of_the_app_takes_one_turn_and_returns_it(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(ROOT / folder))
    turns = Turns(2, 10.0)
    before: list[int] = []

    def counted() -> object:
        before.append(free(turns))
        return turns()

    monkeypatch.setattr(runtime, "turn", counted)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception and before == [2] and free(turns) == 2
    app.run()
    assert before == [2, 2] and free(turns) == 2


def test_freed_memory_is_returned_to_the_system_at_intervals() -> None:
    trimmed: list[int] = []
    now = [1000.0]
    clean = Cleaner(lambda: now[0], trimmed.append)
    for later in (0.0, 1.0, 0.9 * runtime.TRIM_EVERY, runtime.TRIM_EVERY):
        now[0] = 1000.0 + later
        clean()
    assert trimmed == [0, 0]


def test_a_system_that_cannot_take_memory_back_is_not_asked() -> None:
    Cleaner(lambda: 1000.0, None)()
