"""One process for all visitors: pages are computed in turn, no visitor waits for ever, and what is taken is
given back.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.ui.common import runtime

ROOT = Path(__file__).resolve().parents[1]


def test_few_pages_at_once_and_the_next_as_soon_as_one_is_done() -> None:
    inside, most, done, lock = 0, 0, 0, threading.Lock()

    def page() -> None:
        nonlocal inside, most, done
        with runtime.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside, done = inside - 1, done + 1

    visitors = [threading.Thread(target=page) for _ in range(12)]
    began = time.monotonic()
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert done == 12 and most == runtime.AT_ONCE and time.monotonic() - began < runtime.PATIENCE


def test_who_has_waited_long_goes_on_without_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PATIENCE", 0.05)
    with runtime.turn(), runtime.turn():
        for _ in range(2):  # and gives back none that it never had: the semaphore would complain
            with runtime.turn():
                pass
    assert free() == runtime.AT_ONCE


def test_a_page_that_breaks_off_gives_its_turn_back() -> None:
    for _ in range(runtime.AT_ONCE + 1):
        with pytest.raises(KeyError), runtime.turn():
            raise KeyError
    assert free() == runtime.AT_ONCE


@pytest.mark.parametrize("folder", ["artifacts", "tests"])  # a model, and none: that page stops early
def test_every_run_of_the_app_takes_one_turn_and_gives_it_back(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(ROOT / folder))
    during: list[int] = []
    turn = runtime.turn

    def counted() -> object:
        taken = turn()
        during.append(free())
        return taken

    monkeypatch.setattr(runtime, "turn", counted)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception and during == [runtime.AT_ONCE] and free() == runtime.AT_ONCE
    app.run()
    assert len(during) == 2 and free() == runtime.AT_ONCE


def free() -> int:
    """How many turns can be had without waiting."""
    taken = 0
    while runtime._turns.acquire(blocking=False):
        taken += 1
    for _ in range(taken):
        runtime._turns.release()
    return taken


def test_freed_memory_goes_back_to_the_system_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    clock = [1000.0]
    monkeypatch.setattr(runtime, "_trim", asked.append)
    monkeypatch.setattr(runtime.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(runtime, "_given", 0.0)
    monkeypatch.setattr(runtime, "_tidied", 0.0)
    for later in (0.0, 1.0, 0.9 * runtime.GIVE_BACK, runtime.GIVE_BACK):
        clock[0] = 1000.0 + later
        runtime.tidy()
    assert asked == [0, 0]
    monkeypatch.setattr(runtime, "_trim", None)  # another C library has no such thing
    runtime._give_back()
