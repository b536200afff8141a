"""Chance, user by user: how sure a mean is, and a difference between two recommenders that were asked by
the same users.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import stats

LEAST_P = float(np.finfo(float).tiny)
"""The bound of a p that is too small for a floating-point number: none is 0."""

PerPerson = dict[int, float]


def per_person(paths: list[Path], view: str, metric: str = "ndcg") -> PerPerson:
    """Each user's figure, the mean of the seeds in which she has test likes."""
    total: dict[int, list[float]] = {}
    for path in paths:
        with np.load(path.with_name(f"{path.stem}.{view}.npz")) as found:
            for user, value in zip(found["user"].tolist(), found[metric].tolist(), strict=True):
                total.setdefault(user, []).append(value)
    return {user: float(np.mean(values)) for user, values in total.items()}


def over_common_seeds(ours: list[Path], theirs: list[Path], view: str) -> tuple[PerPerson, PerPerson]:
    """All users' figures, the means over the seeds that both have: another seed is another split."""
    common = {path.stem.rpartition("-")[2] for path in ours} & {
        path.stem.rpartition("-")[2] for path in theirs
    }
    mine, other = (
        per_person([path for path in paths if path.stem.rpartition("-")[2] in common], view)
        for paths in (ours, theirs)
    )
    return mine, other


def aligned(ours: PerPerson, theirs: PerPerson) -> tuple[np.ndarray, np.ndarray]:
    """The figures `[P]` of the users that both have."""
    people = sorted(ours.keys() & theirs.keys())
    return np.array([ours[user] for user in people]), np.array([theirs[user] for user in people])


def paired(ours: PerPerson, theirs: PerPerson) -> tuple[float, float]:
    """(mean difference over the users that both have, p of the two-sided paired t-test, at least LEAST_P)."""
    mine, other = aligned(ours, theirs)
    difference = mine - other
    if len(difference) < 2 or not difference.any():
        return float(difference.mean()) if len(difference) else 0.0, 1.0
    return float(difference.mean()), max(float(stats.ttest_1samp(difference, 0.0).pvalue), LEAST_P)


def holm(p: dict[str, float]) -> dict[str, float]:
    """P corrected for as many comparisons (Holm, 1979)."""
    ordered, corrected, least = sorted(p, key=lambda name: p[name]), {}, 0.0
    for rank, name in enumerate(ordered):
        least = max(least, min(1.0, p[name] * (len(ordered) - rank)))
        corrected[name] = least
    return corrected


def interval(values: np.ndarray) -> float:
    """Half the 95 % confidence interval of the mean over users `[P]`."""
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def compared(people: np.ndarray, base: np.ndarray) -> dict[str, float]:
    """The relative `gain` over `base`, and half its 95 % confidence interval `within`, paired over the users
    `[P]`.
    """
    gain = (people - base) / base.mean()
    return {"gain": float(gain.mean()), "within": interval(gain)}
