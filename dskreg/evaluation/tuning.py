"""The baselines' settings, chosen on validation: a rival that was not tuned proves nothing.

Each setting is looked for on a logarithmic axis: a coarse grid over decades, then a compass search (Kolda et
al., SIAM Review 2003) from its best point. One step along each axis, both ways, is tried; the best point
moves or, where nothing is better, the step is halved. The first steps are those of the grid, so the search
goes on beyond an edge where the best point lies there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from dskreg.data.interactions import evenly
from dskreg.evaluation.baselines import CHUNK, MADE, Baseline, CoLikes, Csr, Settings
from dskreg.evaluation.metrics import ndcg_of

TUNING_USERS = 5000  # enough to tell settings apart; more only costs time
# Above, fewer settings are tried: at 14,000 items one takes 6 (item-kNN) or 20 seconds (EASE)
FEW_TITLES = 8000
MOST_FITS = 60  # per baseline; a search that moves far ends here


@dataclass(frozen=True)
class Axis:
    """A setting on a logarithmic axis.

    grid:         exponents to the base 10 that are tried first, one apart
    least, most:  the bounds of the exponents
    value:        the setting at an exponent
    """

    grid: tuple[float, ...]
    least: float
    most: float
    value: Callable[[float], float]

    def within(self, exponent: float) -> float:
        """The exponent, or the bound that it passes."""
        return min(max(exponent, self.least), self.most)


Axes = dict[str, Axis]


def _rounded(exponent: float) -> float:
    return float(f"{10**exponent:.3g}")


def _count(exponent: float) -> float:
    return round(10**exponent)


def _from_zero(exponent: float) -> float:
    return float(f"{10**exponent - 1:.3g}")


# 100 first: the middle of each axis wins where all settings are equal, such as without validation likes.
PENALTY = Axis((2.0, 1.0, 3.0, 4.0), -1.0, 7.0, _rounded)
NEAREST = Axis((2.0, 1.0, 3.0), 0.0, 5.0, _count)
SHRINK = Axis((1.0, 0.0, 2.0), 0.0, 4.0, _from_zero)
AXES: dict[str, Axes] = {
    "popularity": {},
    "item-kNN": {"k": NEAREST, "shrink": SHRINK},
    "EASE": {"regularisation": PENALTY},
}
FINEST, FINEST_OF_MANY = 1 / 16, 1 / 4
"""The last step in decades, 15 % of a setting; and for more than FEW_TITLES, 78 %."""


def tuned(train: Csr, validation: Csr, refit: Csr | None = None) -> dict[str, Baseline]:
    """The baselines with the settings of `chosen`, which stand in each one's `settings`; `baselines` builds
    them again from there.

    Args:
        train: `[U, I]` likes to fit each setting on; also the histories.
        validation: `[U, I]` held-out likes.
        refit: `[U, I]` likes to fit the winners on; None: `train` again.
    """
    likes = CoLikes.of(train)
    settings = {name: chosen(name, likes, train, validation) for name in MADE}
    if refit is not None:
        likes = CoLikes.of(refit)
    return {name: made(**settings[name]).fit_co_likes(likes) for name, made in MADE.items()}


def chosen(name: str, likes: CoLikes, history: Csr, validation: Csr) -> Settings:
    """A baseline's settings of the best NDCG@20 on `validation` `[U, I]`, all items ranked that are not in
    the user's `history` `[U, I]`.

    Every setting is fitted on `likes`. At most 5,000 evenly spaced users with validation likes are asked;
    without any, the first setting wins.
    """
    asked = evenly(np.flatnonzero(np.diff(validation.indptr)), TUNING_USERS)
    seen, relevant = history[asked], validation[asked]

    def quality(settings: Settings) -> float:
        return _ndcg20(MADE[name](**settings), likes, seen, relevant)

    titles, axes = len(likes.titles), AXES[name]
    if "k" in axes:  # no user has more neighbours than there are items
        axes = axes | {"k": replace(NEAREST, most=np.log10(max(titles, 1)))}
    return search(
        axes,
        quality if len(asked) else lambda settings: 0.0,
        FINEST_OF_MANY if titles > FEW_TITLES else FINEST,
    )


def search(axes: Axes, quality: Callable[[Settings], float], finest: float = FINEST) -> Settings:
    """The settings of the best quality that a coarse grid and a compass search around its best point find;
    the earlier of equals.

    finest: the smallest step, in decades. At most MOST_FITS settings are tried, each once.
    """
    tried: dict[tuple[float, ...], float] = {}

    def settings(point: tuple[float, ...]) -> Settings:
        return {name: axis.value(place) for (name, axis), place in zip(axes.items(), point, strict=True)}

    def ask(point: tuple[float, ...]) -> float:
        values = tuple(settings(point).values())
        if values not in tried:
            tried[values] = quality(settings(point)) if len(tried) < MOST_FITS else -np.inf
        return tried[values]

    grid = product(*([axis.within(place) for place in axis.grid] for axis in axes.values()))
    best, step = max(grid, key=ask), 1.0
    while axes and step >= finest:
        ahead = max(_around(best, step, list(axes.values())), key=ask)
        if ask(ahead) > ask(best):
            best = ahead
        else:
            step /= 2
    return settings(best)


def _around(point: tuple[float, ...], step: float, axes: list[Axis]) -> list[tuple[float, ...]]:
    """The points one step along one axis, within its bounds."""
    moved = [(n, axis.within(point[n] + way)) for n, axis in enumerate(axes) for way in (-step, step)]
    return [(*point[:n], place, *point[n + 1 :]) for n, place in moved]


def _ndcg20(baseline: Baseline, likes: CoLikes, history: Csr, relevant: Csr) -> float:
    """Mean NDCG@20 with the histories excluded; -inf for a setting that cannot be fitted to these likes."""
    try:
        baseline.fit_co_likes(likes)
    except ValueError:  # a penalty that is too small for single precision
        return -np.inf
    values = []
    for start in range(0, history.shape[0], CHUNK):
        seen, wanted = history[start : start + CHUNK], relevant[start : start + CHUNK]
        values.append(ndcg_of(baseline.scores(seen), seen, wanted))
    return float(np.concatenate(values).mean())
