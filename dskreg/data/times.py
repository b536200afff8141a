"""Timestamps as data sets have them: numbers of several units, and dates as text."""

from __future__ import annotations

import numpy as np
import pandas as pd

FORMATS = (
    *("ISO8601", "%m %d, %Y", "%b %d, %Y", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
)
"""Of dates as text: 2018-01-31 and 2018-01-31T12:00:00Z; 01 31, 2018 (Amazon); Jan 31, 2018; Wed Jan 31
12:00:00 +0100 2018 (Goodreads); Wed, 31 Jan 2018 12:00:00 +0100; 31.01.2018, also with a time of day.
"""
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # (smallest median, units per second)
_DAYS = (19_000_101, 21_001_231)  # YYYYMMDD


def format_of(text: str) -> str | None:
    """The one of FORMATS that reads the text, or None."""
    return next((form for form in FORMATS if not np.isnan(parsed(pd.Series([text]), form)[0])), None)


def parsed(texts: pd.Series, form: str) -> np.ndarray:
    """`[n]` seconds since 1970, in UTC where no zone is named; NaN for what is no date of this form."""
    found = pd.to_datetime(texts.str.strip(), format=form, utc=True, errors="coerce")
    return (found - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64)


def seconds(numbers: np.ndarray) -> np.ndarray | None:
    """`[n]` seconds since 1970 of numbers in seconds, milli-, micro- or nanoseconds, or written YYYYMMDD;
    NaN stays. None where every number is NaN.
    """
    there = numbers[np.isfinite(numbers)]
    if not len(there):
        return None
    if (there >= _DAYS[0]).all() and (there <= _DAYS[1]).all():
        texts = pd.Series(numbers).map(lambda day: f"{day:.0f}")
        return parsed(texts, "%Y%m%d")
    median = float(np.median(np.abs(there)))
    return numbers / next((units for least, units in _UNITS if median >= least), 1.0)


def day(time: float) -> str:
    """The date of a time in seconds since 1970, as YYYY-MM-DD."""
    try:
        return pd.Timestamp(time, unit="s").strftime("%Y-%m-%d")
    except (ValueError, OverflowError):
        return f"{time:g}"
