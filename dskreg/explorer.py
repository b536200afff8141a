"""The only door to a trained model for the app, notebooks and the command line's reading commands: plain
values and DataFrames come out.

Users, lists and the whole model stand here, questions about one item in explainer.py, larger subjects in a
module each, such as `maps`, `rivals`, `degrees`. All of them ask the same read-only `TrainedModel`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from dskreg.console import Progress, silent
from dskreg.errors import InputError
from dskreg.evaluation.slices import COLD
from dskreg.explain import lists
from dskreg.explain.explainer import Explainer
from dskreg.explain.explanation import Explanation
from dskreg.explain.report import html_report, sentences
from dskreg.explain.whatif import Change, Counterfactual, WhatIf
from dskreg.explore import description, notes
from dskreg.explore.comparison import MODEL
from dskreg.explore.graph_statistics import by_relation, concentration, degrees
from dskreg.explore.notes import Notebook
from dskreg.explore.overlap import Overlap
from dskreg.serving.directory import Profile, to_python
from dskreg.serving.diversity import intra_list_similarity
from dskreg.serving.tastes import ORDERS, Tastes
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from dskreg.storage.artifact import fingerprint, list_artifacts
from dskreg.text import flat, harmless, image_address, legible, number, percent, signed, signed_percent

if TYPE_CHECKING:
    from dskreg.explore.comparison import Comparison
    from dskreg.explore.maps import Maps
    from dskreg.explore.sampler_history import SamplerHistory

__all__ = [
    "COLD",
    "MODEL",
    "ORDERS",
    "Change",
    "Counterfactual",
    "Explanation",
    "Explorer",
    "InputError",
    "Overlap",
    "Profile",
    "WhatIf",
    "fingerprint",
    "flat",
    "harmless",
    "html_report",
    "legible",
    "list_artifacts",
    "notes",
    "number",
    "one_thread_each",
    "percent",
    "sentences",
    "signed",
    "signed_percent",
]


def one_thread_each() -> None:
    """Let every product be computed in the thread that asks for it: products of milliseconds, spread over all
    processors by several threads at once, wait for each other by spinning.
    """
    torch.set_num_threads(1)


class Explorer(Explainer):
    """An opened artifact, read-only and shared by all sessions: only caches of derived values change."""

    def __init__(self, core: TrainedModel) -> None:
        super().__init__(core)
        self.path, self.directory, self.model = core.path, core.directory, core.model
        data, manifest = core.artifact.dataset, core.artifact.manifest
        assert manifest is not None
        self.name, self.content = core.path.name, str(manifest["content"])
        self.simulated, self.data_name = data.format == "demo", data.name
        self.user_ids, self.user_count = data.user_ids, len(data.user_ids)
        self.items, self.genres = core.items, core.directory.genre_names
        self.relations = list(core.graph.relations)
        self.types = [t for t in self.items["type"].value_counts().index if t]
        self.cold_boost = core.cold_boost
        self.samples_likes = not core.all_liked  # the paper's form draws among a user's likes too
        self.adult, self.adult_titles = not core.kept_out.any(), int(core.directory.adult.sum())

    @classmethod
    def open(cls, path: str | Path) -> Explorer:
        """Read and verify the artifact at `path`; InputError when it is missing, incomplete or altered."""
        try:
            return cls(TrainedModel(Path(path), artifacts.load(Path(path))))
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: weights and tables do not fit together; train it again") from None

    @cached_property
    def without_adult(self) -> Explorer:
        """The same model; adult items are in no list, search or map, and nameless elsewhere."""
        return self if self.core.without_adult is self.core else Explorer(self.core.without_adult)

    def boosted(self, boost: float) -> Explorer:
        """The same model with another cold boost (`metrics()["evidence"]`)."""
        core = self.core.boosted(boost)
        return self if core is self.core else Explorer(core)

    def info(self) -> dict[str, Any]:
        """What the artifact holds and how it was made; every file's hash was verified when it was opened."""
        return description.info(self.core)

    @cached_property
    def notebook(self) -> Notebook:
        """The notes on recommendations and neighbours, kept beside the artifact (dskreg/explore/notes.py)."""
        return Notebook(self.core)

    # Users and items

    @cached_property
    def tastes(self) -> Tastes:
        """Finding users: `tastes.find`, `tastes.presets`, `tastes.step`."""
        return Tastes(self.directory)

    def random_user(self, seed: int) -> Any:
        """A user with a history, the same for the same seed."""
        active = np.flatnonzero(self.tastes.liked)
        if not len(active):
            raise InputError(f"{self.name}: nobody here has a history")
        return to_python(self.user_ids[np.random.default_rng(seed).choice(active)])

    def profile(self, user_id: object) -> Profile:
        """A dataset user; InputError for an unknown id."""
        return self.directory.profile(user_id)

    def profile_of(self, item_ids: Iterable[object]) -> Profile:
        """A custom profile; InputError that names unknown items."""
        return self.directory.profile_of(item_ids)

    def edited(
        self, profile: Profile, liked: Iterable[object] = (), disliked: Iterable[object] = ()
    ) -> Profile:
        """The profile with items added and taken out; InputError for an unknown one."""
        return self.directory.edited(profile, liked, disliked)

    def taste(self, profile: Profile) -> pd.DataFrame:
        """genre, liked, share, lift: the profile's likes beside those of all users."""
        return self.tastes.taste(profile)

    def liked(self, profile: Profile) -> pd.DataFrame:
        """The history's items, the best known first."""
        return self.core.rows(self.core.positions(profile.history)).sort_values(
            "likes", ascending=False, ignore_index=True
        )

    def find_items(self, text: str, limit: int = 20) -> pd.DataFrame:
        """Items that contain `text`, whatever its case and diacritics."""
        return self.core.rows(self.directory.find_items(text, limit))

    @cached_property
    def posters(self) -> dict[Any, str]:
        """{item id: address of its image} of the items whose data give one that is safe to fetch."""
        if "image" not in self.items:
            return {}
        shown = self.items[~self.core.kept_out]
        found = zip(shown["item_id"].tolist(), shown["image"].fillna("").map(image_address), strict=True)
        return {id_: address for id_, address in found if address}

    def item(self, item_id: object) -> dict[str, Any]:
        """One item's row; InputError for an unknown id."""
        row = self.items.iloc[self.directory.item(item_id)]
        return {str(k): None if pd.isna(v) else to_python(v) for k, v in row.items()}

    # Lists

    def scores(self, profile: Profile) -> np.ndarray:
        """Noise-free scores of the whole catalogue, `[I]`."""
        return self.core.scores(profile)

    def recommend(
        self,
        profile: Profile,
        top: int = 10,
        genres: Iterable[str] = (),
        types: Iterable[str] = (),
        most_likes: int | None = None,
        diversity: float = 0.0,
        cold_boost: float | None = None,
    ) -> pd.DataFrame:
        """rank, item_id, title, type, genres, likes, score, score_rank, neighbour_share (of the score),
        seen, held_out, reason, because (id of the liked item with the largest contribution, or None) of the
        best items that pass the filters.

        A user without a like is listed the most liked items, each with the score 0.
        `most_likes`: only items that so many users like, or fewer. `diversity` 0 .. 1 trades score for
        variety (dskreg/serving/diversity.py); `score_rank` is the rank by score alone.
        `cold_boost` 0 .. 1000: how far items without likes
        may rise, 0: as if unscored, they come last; None: as chosen on validation. Raises InputError when
        `top` is below 1, `most_likes` below 0 or another number out of range.
        """
        core = self.core.boosted(cold_boost)
        return lists.recommend(core, profile, top, genres, types, most_likes, diversity)

    def listing(
        self, profile: Profile, listed: np.ndarray, score: np.ndarray, score_rank: np.ndarray
    ) -> pd.DataFrame:
        """The columns of `recommend` for items by position `listed` `[N]`, in this order; `score` and
        `score_rank` of them.
        """
        return lists.listing(self.core, profile, listed, score, score_rank)

    def intra_list_similarity(self, item_ids: Iterable[object]) -> float:
        """The mean cosine of all pairs of these items, after the graph."""
        return intra_list_similarity(self.core.representations[1][self.core.positions(item_ids)])

    def lists(
        self, top: int, exclude: str = "seen", most_likes: int | None = None, cold_boost: float | None = None
    ) -> Iterator[pd.DataFrame]:
        """user_id, rank, item_id, score of all users' best items, as `recommend` gives them, a chunk of
        users at a time.

        exclude: `seen` leaves out everything a user has met; `train` only the history (all likes but the
        held-out test likes), so that these can be recommended. most_likes, cold_boost: as for `recommend`.
        """
        return lists.of_all_users(self.core.boosted(cold_boost), top, exclude, most_likes)

    @cached_property
    def rivals(self) -> Comparison:
        """The model and the baselines: lists, metrics, slices (dskreg/explore/comparison.py)."""
        from dskreg.explore.comparison import Comparison

        return Comparison(self.core)

    # The whole model

    @cached_property
    def maps(self) -> Maps:
        """Maps and neighbours in the embedding spaces (dskreg/explore/maps.py)."""
        from dskreg.explore.maps import Maps

        return Maps(self.core)

    @cached_property
    def degrees(self) -> pd.DataFrame:
        """Each item's neighbours, and how often it is drawn (dskreg/explore/graph_statistics.py)."""
        return degrees(self.core)

    def concentration(self) -> pd.DataFrame:
        """measure, mean, largest, top (the share of the best 1 %), gini of each column of `degrees`."""
        return concentration(self.degrees)

    def metrics(self) -> dict[str, Any]:
        """users, metrics, baselines and their settings on the test split, as measured when it was made;
        best_epoch, start, evidence, resets, refit.
        """
        return description.metrics(self.core)

    def card(self, form: str = "md", users: int | None = None, progress: Progress = silent) -> str:
        """The model card as `md` or `html` (dskreg/explore/card.py); slices of at most `users` users."""
        from dskreg.explore.card import written

        sliced = self.rivals.slices(MODEL, users, progress=progress)
        return written(form, self.info(), self.metrics(), sliced, self.simulated)

    def _repr_html_(self) -> str:
        from dskreg.explore.card import brief

        return brief(self.info(), self.metrics(), self.simulated)

    def training_history(self) -> pd.DataFrame:
        """One row per epoch; epoch 0 is the start, before any step."""
        return pd.DataFrame(self.core.artifact.history)

    def sampler_history(self, item_id: object) -> SamplerHistory | None:
        """An item's sampler over the epochs of training; None where the artifact keeps no snapshots."""
        from dskreg.explore.sampler_history import sampler_history

        return sampler_history(self.core, item_id)

    def neighbour_shares(self) -> pd.DataFrame:
        """The sampled neighbours' share of the score by likes (dskreg/explore/neighbour_shares.py)."""
        from dskreg.explore.neighbour_shares import neighbour_shares

        return neighbour_shares(self.core)

    def graph_statistics(self) -> pd.DataFrame:
        """Per relation: items that have a candidate under it, candidates, mean per item, weight, mass (mean
        softmax share), picks (mean, noise-free).
        """
        return by_relation(self.core)
