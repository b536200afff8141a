"""How many times the reliability tests try: a few in CI, all with DSKREG_LONG=1 (docs/reliability.md)."""

from __future__ import annotations

import os

LONG = os.environ.get("DSKREG_LONG") == "1"


def times(long: int, short: int) -> int:
    """`long` with DSKREG_LONG=1, else `short`."""
    return long if LONG else short
