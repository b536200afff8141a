"""Progress of work that is no loop of its own: something calls `step` whenever a part of it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[Iterator, int, str], Iterator]
"""(the steps, how many, what they are) -> the same steps, shown as they are taken."""


def silent(steps: Iterator, count: int, label: str) -> Iterator:
    """A `Progress` that shows nothing."""
    return steps


@contextmanager
def stepwise(progress: Progress, count: int, label: str) -> Iterator[Callable[[], object]]:
    """`step`, to be called at most `count` times, more calls show nothing; what is left at the end is passed
    over.
    """
    steps = progress(iter(range(count)), count, label)
    steps = iter(steps)
    yield lambda: next(steps, None)
    deque(steps, maxlen=0)
