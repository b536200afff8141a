"""Maps and neighbours in the embedding spaces of an opened artifact.

Two kinds of points: titles, after the graph (aggregated: e_hat_i for a viewer without preference among
relations) or before it (raw: e_i); users (e_hat_u). Two maps of each: t-SNE, stored with the artifact, and
PCA, computed here. Neighbours are those of the original space; the map's own are given beside them, so that
one can see where the map errs. Titles that are kept out appear nowhere.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from dskreg.embedding.clusters import label, middles
from dskreg.embedding.neighbours import (
    Metric,
    closeness,
    nearest_of,
    neighbours_for,
    quality,
    ranks_of,
    units,
)
from dskreg.embedding.projection import Plane, place, principal
from dskreg.embedding.users import user_vectors
from dskreg.errors import InputError
from dskreg.serving.directory import Profile, plain
from dskreg.serving.tastes import Tastes
from dskreg.serving.trained import TrainedModel

Kind = Literal["titles", "users"]
Space = Literal["aggregated", "raw"]
Method = Literal["tsne", "pca"]
PCA_SAMPLE = 300  # anchors of a PCA map's quality, which is measured when it is asked for


class Maps:
    """What lies near what, for an opened artifact."""

    def __init__(self, core: TrainedModel) -> None:
        self.core = core
        self.plane, self._measured = (
            lru_cache(maxsize=None)(self._plane),
            lru_cache(maxsize=None)(self._measure),
        )

    # Points

    def titles(self, space: Space = "aggregated", method: Method = "tsne") -> pd.DataFrame:
        """item_id, title, type, genres, likes, candidates, cluster, x, y in catalogue order, without the
        titles that are kept out.
        """
        xy = self.xy("titles", space, method)
        columns = ["item_id", "title", "type", "genres", "likes", "candidates"]
        frame = self.core.items[columns].assign(
            cluster=self.core.artifact.item_map["cluster"].to_numpy(), x=xy[:, 0], y=xy[:, 1]
        )
        return frame[~self.core.kept_out].reset_index(drop=True)

    def users(self, method: Method = "tsne") -> pd.DataFrame:
        """user_id, liked, favourite, oddness, cluster, x, y of the people who were placed."""
        placed, tastes, xy = self.core.artifact.user_map, self.tastes, self.xy("users", method=method)
        users = placed["user"].to_numpy()
        return pd.DataFrame(
            {
                "user_id": self.core.artifact.dataset.user_ids[users],
                "liked": tastes.liked[users],
                "favourite": self._favourites,
                "oddness": tastes.rarity[users],
                "cluster": placed["cluster"].to_numpy(),
                "x": xy[:, 0],
                "y": xy[:, 1],
            }
        )

    def xy(self, kind: Kind, space: Space = "aggregated", method: Method = "tsne") -> np.ndarray:
        """`[N, 2]` places, of all titles (kept out or not) or of the placed users."""
        _known(
            kind=(kind, ("titles", "users")),
            space=(space, ("aggregated", "raw")),
            method=(method, ("tsne", "pca")),
        )
        if method == "pca":
            return np.asarray(self.plane(kind, space).xy)
        artifact = self.core.artifact
        if kind == "users":
            return artifact.user_map[["x", "y"]].to_numpy()
        return artifact.item_map[["x", "y"] if space == "aggregated" else ["raw_x", "raw_y"]].to_numpy()

    def vectors(self, kind: Kind, space: Space = "aggregated") -> np.ndarray:
        """`[N, D]`, the points of a map before they were flattened."""
        return self._user_vectors if kind == "users" else self.core.representations[space == "aggregated"]

    # A person

    def place(self, profile: Profile, method: Method = "tsne") -> tuple[float, float] | None:
        """Where the person stands on the map of users; None for somebody without a liked title, or where
        nobody was placed.

        Who is on the map unedited stands there. Anybody else is placed by what the model makes of the
        history: on t-SNE by openTSNE's transform, which leaves the others where they are, on PCA by
        projection.
        """
        row = self._row(profile)
        xy = self.xy("users", method=method)
        if row is not None:
            return float(xy[row, 0]), float(xy[row, 1])
        if not len(xy) or not profile.history:
            return None
        vector = self._vector(profile)
        return (
            self.plane("users", "aggregated").place(vector)
            if method == "pca"
            else place(vector, self._user_vectors, xy)
        )

    # Neighbours

    def similar(self, item_id: object, k: int = 10) -> pd.DataFrame:
        """item_id, title, type, genres, likes, similarity of the k nearest titles in the original space
        (cosine after the graph), not on the map.
        """
        item = self.core.directory.item(item_id)
        vectors = self.vectors("titles")
        close = closeness(vectors, vectors[item])
        found = nearest_of(close, k, self._left_out(item))
        return self.core.rows(found).assign(similarity=close[found])

    def near(
        self,
        kind: Kind,
        who: object,
        k: int = 10,
        metric: Metric = "cosine",
        space: Space = "aggregated",
        method: Method = "tsne",
    ) -> pd.DataFrame:
        """The k nearest of a title or person in the original space, nearest first.

        Args:
            who: a title's id; a user's id or a Profile.
            metric: the column `closeness` holds the cosine or the Euclidean distance.
            space, method: the map on which `map_rank` is counted.

        Returns:
            For titles item_id, title, type, genres, likes, for users user_id, liked, favourite; then
            closeness, rank, and
            map_rank: the place among all points by distance on the map, 1 for the nearest.
        """
        return self._listed(kind, who, k, metric, space, method, on_map=False)

    def near_on_map(
        self,
        kind: Kind,
        who: object,
        k: int = 10,
        metric: Metric = "cosine",
        space: Space = "aggregated",
        method: Method = "tsne",
    ) -> pd.DataFrame:
        """The k nearest on the map, nearest first; the columns of `near`, where `rank` is the true one, in
        the original space.
        """
        return self._listed(kind, who, k, metric, space, method, on_map=True)

    def moved(self) -> pd.DataFrame:
        """What the graph changed: item_id, title, likes, kept, cosine, x, y, raw_x, raw_y.

        kept is the share of a title's nearest neighbours before the graph (15 in a catalogue of usual size)
        that are still among its nearest after it; cosine is that of its two vectors.
        """
        before, after = self.core.representations
        cosine = (units(before) * units(after)).sum(axis=1)
        places = self.core.artifact.item_map
        frame = self.core.items[["item_id", "title", "likes"]].assign(
            kept=places["kept"].to_numpy(), cosine=cosine
        )
        for column in ("x", "y", "raw_x", "raw_y"):
            frame[column] = places[column].to_numpy()
        return frame[~self.core.kept_out].reset_index(drop=True)

    # Reading a map

    def regions(
        self, kind: Kind = "titles", space: Space = "aggregated", method: Method = "tsne"
    ) -> pd.DataFrame:
        """cluster, x, y, label, lift, titles (their number; `users` for users) of every cluster, the largest
        first.

        The label names the genres that the cluster's titles, or its users' favourites, have much more often
        than all (their lift); it is empty where none is.
        """
        names = self.core.directory.genre_names
        if kind == "users":
            cluster, shown = (
                self.core.artifact.user_map["cluster"].to_numpy(),
                np.ones(len(self.core.artifact.user_map), dtype=bool),
            )
            carried = np.array(
                [[name == favourite for name in names] for favourite in self._favourites], dtype=np.float64
            ).reshape(len(cluster), len(names))
        else:
            cluster, shown = self.core.artifact.item_map["cluster"].to_numpy(), ~self.core.kept_out
            carried = self.core.directory.genre_matrix.astype(np.float64)
        cluster, carried, xy = cluster[shown], carried[shown], self.xy(kind, space, method)[shown]
        frame = label(cluster, carried, names)
        at = middles(cluster, xy)
        frame.insert(1, "x", at[:, 0])
        frame.insert(2, "y", at[:, 1])
        return frame.rename(columns={"size": kind}).dropna(subset=["x", "y"]).reset_index(drop=True)

    def quality(
        self, kind: Kind = "titles", space: Space = "aggregated", method: Method = "tsne"
    ) -> dict[str, Any]:
        """trustworthiness, neighbour_preservation, k, sample, parameters of a map: how far it keeps true
        neighbourhoods, and how it was made.
        """
        if method == "tsne":
            return dict(
                self.core.artifact.metrics["maps"][
                    "users" if kind == "users" else "titles" if space == "aggregated" else "raw"
                ]
            )
        return dict(self._measured(kind, space))

    @cached_property
    def tastes(self) -> Tastes:
        """Everybody's taste."""
        return Tastes(self.core.directory)

    # Within

    @cached_property
    def _user_vectors(self) -> np.ndarray:
        return user_vectors(
            self.core.model, self.core.artifact.user_map["user"].to_numpy(), self.core.directory.history
        )

    @cached_property
    def _favourites(self) -> list[str]:
        return [self.tastes.favourites(user, 1) for user in self.core.artifact.user_map["user"]]

    def _plane(self, kind: Kind, space: Space) -> Plane:
        return principal(self.vectors(kind, space))

    def _measure(self, kind: Kind, space: Space) -> dict[str, Any]:
        vectors, plane = self.vectors(kind, space), self.plane(kind, space)
        k, sample = neighbours_for(len(vectors)), min(PCA_SAMPLE, len(vectors))
        trust, kept = quality(vectors, plane.xy, k, sample, seed=0)
        parameters = {"method": "PCA", "metric": "cosine", "variance": list(plane.shares)}
        return {
            "trustworthiness": trust,
            "neighbour_preservation": kept,
            "k": k,
            "sample": sample,
            "parameters": parameters,
        }

    def _vector(self, profile: Profile) -> np.ndarray:
        return np.asarray(self.core.user_hop(*self.core.history(profile)).output[0].numpy())

    def _row(self, profile: Profile) -> int | None:
        """The person's row among those placed; None for the others, and for an edited profile."""
        if profile.user_id is None or profile.edited:
            return None
        rows = np.flatnonzero(
            self.core.artifact.user_map["user"].to_numpy() == self.core.directory.user(profile.user_id)
        )
        return int(rows[0]) if len(rows) else None

    def _left_out(self, item: int) -> np.ndarray:
        return self.core.kept_out | (np.arange(len(self.core.kept_out)) == item)

    def _anchor(
        self, kind: Kind, who: object, space: Space, method: Method
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(vector `[D]`, place `[2]`, `[N]` bool who is no neighbour) of a title or person."""
        if kind == "titles":
            item = self.core.directory.item(who)
            return self.vectors(kind, space)[item], self.xy(kind, space, method)[item], self._left_out(item)
        profile = who if isinstance(who, Profile) else self.core.directory.profile(who)
        at = self.place(profile, method)
        if at is None:
            raise InputError(f"{profile.label}: not on the map, since the profile likes no title")
        row = self._row(profile)
        return (
            self._vector(profile),
            np.array(at),
            np.arange(len(self._user_vectors)) == (-1 if row is None else row),
        )

    def _listed(
        self, kind: Kind, who: object, k: int, metric: Metric, space: Space, method: Method, on_map: bool
    ) -> pd.DataFrame:
        _known(metric=(metric, ("cosine", "euclidean")))
        xy = self.xy(kind, space, method)
        vector, at, left_out = self._anchor(kind, who, space, method)
        close = closeness(self.vectors(kind, space), vector, metric)
        mapped = -((xy - at) ** 2).sum(axis=1)
        found = nearest_of(mapped if on_map else close, k, left_out)
        if kind == "titles":
            frame = self.core.rows(found)
        else:
            frame = self.users(method).iloc[found][["user_id", "liked", "favourite"]].reset_index(drop=True)
            frame["user_id"] = [plain(user) for user in frame["user_id"]]
        shown = close[found] if metric == "cosine" else -close[found]
        return frame.assign(
            closeness=shown, rank=ranks_of(close, found, left_out), map_rank=ranks_of(mapped, found, left_out)
        )


def _known(**given: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, allowed) in given.items():
        if value not in allowed:
            raise InputError(f"{name}: expected one of {', '.join(allowed)} (got {value!r})")
