"""One process for all visitors: its libraries are imported once, its pages are computed in turn, its memory
is tidied now and then.
"""

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

SECONDS = 3.0
"""Between two looks.

Each holds up every other visitor, so one after every run is too many (benchmarks/load.py).
"""
GIVE_BACK = 30.0  # seconds between two times that freed memory goes back to the system
AT_ONCE, PATIENCE = 2, 10.0  # pages, seconds

_tidied = _given = 0.0  # when, by the monotonic clock
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
_turns = threading.BoundedSemaphore(AT_ONCE)


@cache  # once per process: what is frozen is never looked through again
def load() -> None:
    """Import dskreg.explorer with Python's collector of cycles at rest; with it, a tenth to a third of a
    second goes into looking through new classes.

    Afterwards all that is there stays out of later collections, 0.1 s of which torch and pandas would take.
    """
    gc.disable()
    try:
        from dskreg.explorer import one_thread_each

        one_thread_each()
        gc.freeze()  # before the collector wakes, or it would look through them all once
    finally:
        gc.enable()


def tidy() -> None:
    """Look for cycles of objects, such as charts are made of, every few seconds and not after every run, as
    Streamlit would (.streamlit/config.toml).
    """
    global _tidied, _given
    now = time.monotonic()
    if now - _tidied >= SECONDS:
        _tidied = now
        gc.collect()
    if now - _given >= GIVE_BACK:
        _given = now
        _give_back()


def _give_back() -> None:
    """Hand freed memory back to the system, where the C library can: glibc keeps it for each of the threads
    that have run.
    """
    if _trim is not None:
        _trim(0)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until fewer than AT_ONCE pages are being computed, PATIENCE seconds at most: then a page that
    takes long holds up nobody any more.

    Python runs one thread at a time: many that are interrupted every few milliseconds only hinder each other
    (docs/architecture.md).
    """
    mine = _turns.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if mine:
            _turns.release()
