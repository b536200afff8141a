"""The process that serves all users: imports its libraries once, limits concurrent pages, frees memory."""

import ctypes
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache

# Seconds between two garbage collections: each delays all users, so not after every run (benchmarks/load.py)
COLLECT_EVERY = 3.0
TRIM_EVERY = 30.0  # seconds between two returns of freed memory to the system
MOST_PAGES, PATIENCE = 2, 10.0  # pages computed at once; seconds that another waits

# glibc keeps freed memory for each thread until it is told to return it; other C libraries have no such call
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


_loading = threading.Lock()


def load() -> None:
    """Import dskreg.explorer without garbage collection, which would take 0.1 to 0.3 s.

    The imported objects are frozen: scanning them would add 0.1 s to each later collection.
    """
    with _loading:
        _load()


@cache  # once per process: frozen objects are never collected
def _load() -> None:
    gc.disable()
    try:
        from dskreg.explorer import one_thread_each

        one_thread_each()
        gc.freeze()  # before gc.enable(), or one collection would scan them all
    finally:
        gc.enable()


@asynccontextmanager
async def preload(_app: object) -> AsyncIterator[None]:
    """The server's lifespan: `load` begins in a thread, while the first browser fetches the app's files."""

    def ahead() -> None:
        with suppress(Exception):  # the first page meets the same error, and shows it
            load()

    threading.Thread(target=ahead, name="preload", daemon=True).start()
    yield


class Cleaner:
    """Collects reference cycles, such as those of charts, and returns freed memory, every few seconds.

    Streamlit would collect after every run (switched off in .streamlit/config.toml).
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        trim: Callable[[int], object] | None = _malloc_trim,
    ) -> None:
        self.clock, self.trim = clock, trim
        self.collected = self.trimmed = 0.0  # times of the clock

    def __call__(self) -> None:
        """Do what is due."""
        now = self.clock()
        if now - self.collected >= COLLECT_EVERY:
            self.collected = now
            gc.collect()
        if self.trim is not None and now - self.trimmed >= TRIM_EVERY:
            self.trimmed = now
            self.trim(0)


class Turns:
    """Limits how many pages are computed at once.

    Python runs one thread at a time, and switching between many threads slows all of them.
    """

    def __init__(self, most: int = MOST_PAGES, patience: float = PATIENCE) -> None:
        self.semaphore, self.patience = threading.BoundedSemaphore(most), patience

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a turn; after `patience` seconds, run without one."""
        acquired = self.semaphore.acquire(timeout=self.patience)
        try:
            yield
        finally:
            if acquired:
                self.semaphore.release()


tidy, turn = Cleaner(), Turns()
