"""The baselines of an opened artifact, fitted when they are first asked for. Torch-free.

They are what `pipeline.measure` tested: the settings that won on validation, fitted on everything known
before the test.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from dskreg.data.dataset import KNOWN, Dataset
from dskreg.errors import InputError
from dskreg.evaluation.baselines import MADE, Baseline, CoLikes, baselines
from dskreg.evaluation.tuning import FEW_TITLES

NAMES = tuple(MADE)
LARGE = "EASE"  # its matrix of all pairs of items is inverted: time grows with the third power
UNTUNED = (
    "This artifact does not record the tuned settings of its baselines: they run with usual settings here. "
    "Train it again for the tuned ones."
)


class FittedBaselines:
    """Each baseline fitted once, by the first request; the others wait. Otherwise read-only, so all sessions
    can share it.

    titles: how many items have a like
    note: why the settings are not the tested ones, or ""
    """

    def __init__(self, dataset: Dataset, metrics: dict[str, Any]) -> None:
        known = np.isin(dataset.fold, KNOWN) & dataset.liked
        self.titles = len(np.unique(dataset.item[known]))
        settings = metrics.get("baseline_settings") or {}
        self.note = "" if settings else UNTUNED
        self._dataset, self._lock = dataset, Lock()
        self._waiting, self._fitted = self._built(settings), dict[str, Baseline]()
        self._likes: CoLikes | None = None

    def _built(self, settings: dict[str, Any]) -> dict[str, Baseline]:
        try:
            return baselines(settings)
        except (TypeError, ValueError, AttributeError):
            self.note = UNTUNED
            return baselines()

    def settings(self, name: str) -> dict[str, float]:
        """The baseline's settings by name; InputError for an unknown baseline."""
        return (self._fitted | self._waiting)[self._known(name)].settings

    def ready(self, name: str) -> bool:
        """Is it fitted already, so that asking takes no time?"""
        return name in self._fitted

    def refusal(self, name: str) -> str:
        """Why the baseline is fitted only on demand, or ""."""
        if name != LARGE or self.titles <= FEW_TITLES or self.ready(name):
            return ""
        gigabytes = self.titles**2 * 4 / 1e9
        return f"{name} needs {gigabytes:.1f} GB of memory and some time for {self.titles:,} items"

    def get(self, name: str, large: bool = False) -> Baseline:
        """The fitted baseline.

        Raises InputError for an unknown one, and where `refusal` has a reason, unless `large`.
        """
        with self._lock:
            if self._known(name) not in self._fitted:
                if not large and (why := self.refusal(name)):
                    raise InputError(why)
                if self._likes is None:
                    self._likes = CoLikes.of(self._dataset.folds.known)
                self._fitted[name] = self._waiting[name].fit_co_likes(self._likes)
            return self._fitted[name]

    def _known(self, name: str) -> str:
        if name not in NAMES:
            raise InputError(f"unknown recommender {name}: there are {', '.join(NAMES)}")
        return name
