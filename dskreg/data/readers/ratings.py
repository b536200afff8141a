"""Which ratings are likes, and whether the threshold suits their scale."""

from __future__ import annotations

import numpy as np

from dskreg.data.dataset import counted
from dskreg.data.readers.files import Source
from dskreg.errors import InputError

CHOSEN = "chosen from the scale"  # the threshold
_SCALES = ((1, 1), (5, 4), (10, 7), (100, 70))
"""(end of a scale, the rating from which on an item is liked there)."""
_LOW = 4  # the largest rating is more than so many times the threshold: hardly the threshold of that scale


def usual_threshold(largest: float) -> float:
    """The rating from which on an item is liked, by the scale that the largest rating is on."""
    return next((like for end, like in _SCALES if like <= largest <= end), 0.7 * largest)


def reaching(
    file: str, column: str, rating: np.ndarray, threshold: float, origin: str
) -> tuple[np.ndarray, list[str]]:
    """(which of the ratings `[n]` reach the threshold, notes on it, where it is from and how many are below);
    raises InputError where none does.
    """
    place = f"{file}: {column} from {float(rating.min()):g} to {float(rating.max()):g}"
    liked = rating >= threshold
    if not liked.any():
        raise InputError(f"{place}, but a like needs {threshold:g} ({origin}): lower the threshold")
    return liked, [
        f"{place}: a rating of at least {threshold:g} is a like ({origin})",
        *([f"{place}: every rating is a like"] if liked.all() else []),
        *counted((int((~liked).sum()), "rating", f"of {file} below {threshold:g}: seen, not liked")),
    ]


def likes(
    source: Source, column: str, rating: np.ndarray, asked: float | None
) -> tuple[np.ndarray, list[str]]:
    """Which of the ratings reach the threshold.

    Args:
        source: The file of the ratings.
        column: Its column of ratings.
        rating: `[n]`, all finite.
        asked: The threshold; None: by the scale.

    Returns:
        `[n]` bool, and notes: the threshold where the scale decides, how many are below it, and whether it is
        too low to tell likes apart.

    Raises:
        InputError: None of them reaches it.
    """
    if not len(rating):
        return np.zeros(0, bool), []
    smallest, largest = float(rating.min()), float(rating.max())
    scale = usual_threshold(largest)
    if asked is None:
        return reaching(source.name, column, rating, scale, CHOSEN)
    threshold = asked
    if largest < threshold:
        told = f"ratings that reach data.like_threshold = {threshold:g}, but the largest is {largest:g}"
        source.fail(0, column, f"{told}; try --set data.like_threshold={scale:g}")
    liked = rating >= threshold
    hint = f"; try --set data.like_threshold={scale:g}" if scale > threshold else ""
    place = f"{source.name}: ratings from {smallest:g} to {largest:g}, data.like_threshold = {threshold:g}"
    if liked.all():
        return liked, [f"{place}: every rating is a like{hint}"]
    below = counted(
        (
            int((~liked).sum()),
            "rating",
            f"of {source.name} below data.like_threshold = {threshold:g}: seen, not liked",
        )
    )
    if largest > _LOW * threshold > 0:
        below.append(f"{place}: {int(liked.sum()):,} of {len(liked):,} ratings are likes{hint}")
    return liked, below
