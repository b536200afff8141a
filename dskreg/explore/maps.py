"""Maps and nearest neighbours in the embedding spaces of an opened artifact.

There are two kinds of points: titles, aggregated (e_hat_i; of the paper's form for a user without relation
preferences) or raw (e_i), and users (e_hat_u). Each has two projections: t-SNE, stored in the artifact, and
PCA, computed here. Nearest neighbours are those in the embedding space; those on the map are given as well,
so that projection errors are visible. Titles that are kept out never appear.
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
from dskreg.serving.directory import Profile, to_python
from dskreg.serving.tastes import Tastes
from dskreg.serving.trained import TrainedModel

Kind = Literal["titles", "users"]
Space = Literal["aggregated", "raw"]
Method = Literal["tsne", "pca"]
PCA_SAMPLE = 300  # anchors for the quality of a PCA map, which is measured on demand


class Maps:
    """The maps and nearest neighbours of an opened artifact."""

    def __init__(self, core: TrainedModel) -> None:
        self.core = core
        self.plane = lru_cache(maxsize=None)(self._plane)
        self._measured = lru_cache(maxsize=None)(self._measure)
        self._lengths = lru_cache(maxsize=None)(lambda *of: np.linalg.norm(self.vectors(*of), axis=1))

    # Points

    def titles(self, space: Space = "aggregated", method: Method = "tsne") -> pd.DataFrame:
        """item_id, title, type, genres, likes, candidates, rarest, cluster, x, y in catalogue order.

        rarest is the title's genre that the fewest titles carry; "" where it has none.
        """
        xy = self.xy("titles", space, method)
        columns = ["item_id", "title", "type", "genres", "likes", "candidates"]
        cluster = self.core.artifact.item_map["cluster"].to_numpy()
        frame = self.core.items[columns].assign(rarest=self._rarest, cluster=cluster, x=xy[:, 0], y=xy[:, 1])
        return frame[~self.core.kept_out].reset_index(drop=True)

    def users(self, method: Method = "tsne") -> pd.DataFrame:
        """user_id, liked, favourite, rarity, cluster, x, y of the users on the map."""
        placed, tastes, xy = self.core.artifact.user_map, self.tastes, self.xy("users", method=method)
        users = placed["user"].to_numpy()
        return pd.DataFrame(
            {
                "user_id": self.core.artifact.dataset.user_ids[users],
                "liked": tastes.liked[users],
                "favourite": self._favourites,
                "rarity": tastes.rarity[users],
                "cluster": placed["cluster"].to_numpy(),
                "x": xy[:, 0],
                "y": xy[:, 1],
            }
        )

    def carriers(self, relation: str, entity: str) -> list[Any]:
        """The ids of the titles that carry an entity of this label under the relation.

        Raises InputError where no title carries it.
        """
        directory = self.core.directory
        named = np.flatnonzero((directory.entities == entity) & ~directory.nameless)
        known = relation in directory.dataset.relations and len(named) > 0
        carried = directory.carriers(relation)[:, named].sum(axis=1) if known else np.zeros(0)
        found = np.flatnonzero(np.asarray(carried).ravel())
        if not len(found):
            raise InputError(f"unknown entity {entity}: no title carries it under {relation}")
        return [directory.item_ids[item] for item in found if not self.core.kept_out[item]]

    def xy(self, kind: Kind, space: Space = "aggregated", method: Method = "tsne") -> np.ndarray:
        """Positions of all titles, kept out or not, or of the users on the map, `[N, 2]`.

        A t-SNE map that is taller than wide is turned: its axes have no meaning, and screens are wide.
        """
        _check(kind=(kind, ("titles", "users")))
        _check(space=(space, ("aggregated", "raw")), method=(method, ("tsne", "pca")))
        if method == "pca":
            return np.asarray(self.plane(kind, space).xy)
        table = self.core.artifact.user_map if kind == "users" else self.core.artifact.item_map
        across, down = (float(np.ptp(table[name])) if len(table) else 0.0 for name in ("x", "y"))
        at = table[["x", "y"] if kind == "users" or space == "aggregated" else ["raw_x", "raw_y"]].to_numpy()
        return np.ascontiguousarray(at[:, ::-1]) if down > across else at

    def vectors(self, kind: Kind, space: Space = "aggregated") -> np.ndarray:
        """The points of a map before the projection, `[N, D]`."""
        return self._user_vectors if kind == "users" else self.core.representations[space == "aggregated"]

    # A user

    def place(self, profile: Profile, method: Method = "tsne") -> tuple[float, float] | None:
        """The profile's position on the map of users; None without likes, or where the map is empty.

        A user on the map keeps the stored position. Any other profile is placed by its embedding: on t-SNE
        by openTSNE's transform, which leaves the other points where they are, on PCA by projection.
        """
        row = self._row(profile)
        xy = self.xy("users", method=method)
        if row is not None:
            return float(xy[row, 0]), float(xy[row, 1])
        if not len(xy) or not profile.history:
            return None
        vector = self._vector(profile)
        if method == "pca":
            return self.plane("users", "aggregated").place(vector)
        return place(vector, self._user_vectors, xy)

    # Nearest neighbours

    def similar(self, item_id: object, k: int = 10) -> pd.DataFrame:
        """item_id, title, type, genres, likes, similarity (cosine) of the k nearest titles, aggregated."""
        item = self.core.directory.item(item_id)
        vectors = self.vectors("titles")
        close = closeness(vectors, vectors[item], lengths=self._lengths("titles", "aggregated"))
        found = nearest_of(close, k, self._excluded(item))
        return self.core.rows(found).assign(similarity=close[found])

    def near(
        self,
        kind: Kind,
        who: object,
        k: int = 10,
        metric: Metric = "cosine",
        space: Space = "aggregated",
        method: Method = "tsne",
        on_map: bool = False,
    ) -> pd.DataFrame:
        """The k nearest neighbours of a title or user, nearest first.

        Args:
            who: a title's id; a user's id or a Profile.
            metric: `closeness` is the cosine or the Euclidean distance in the embedding space.
            space, method: the map on which `map_rank` is counted.
            on_map: whether the neighbours are those on the map, instead of those in the embedding space.

        Returns:
            item_id, title, type, genres, likes of titles, or user_id, liked, favourite of users; closeness;
            rank and map_rank: the place among all points by distance in the embedding space and on the map.
        """
        _check(metric=(metric, ("cosine", "euclidean")))
        xy = self.xy(kind, space, method)
        vector, at, excluded = self._anchor(kind, who, space, method)
        close = closeness(self.vectors(kind, space), vector, metric, self._lengths(kind, space))
        mapped = -((xy - at) ** 2).sum(axis=1)
        found = nearest_of(mapped if on_map else close, k, excluded)
        if kind == "titles":
            frame = self.core.rows(found)
        else:
            frame = self.users(method).iloc[found][["user_id", "liked", "favourite"]].reset_index(drop=True)
            frame["user_id"] = [to_python(user) for user in frame["user_id"]]
        shown = close[found] if metric == "cosine" else -close[found]
        ranks = ranks_of(close, found, excluded), ranks_of(mapped, found, excluded)
        return frame.assign(closeness=shown, rank=ranks[0], map_rank=ranks[1])

    def moved(self) -> pd.DataFrame:
        """The effect of aggregation: item_id, title, likes, cosine, kept, x, y, raw_x, raw_y.

        kept is the share of a title's nearest neighbours before aggregation (15 in a catalogue of usual
        size) that are also among the nearest after it; cosine is that of the two vectors.
        """
        before, after = self.core.representations
        cosine = (units(before) * units(after)).sum(axis=1)
        frame = self.core.items[["item_id", "title", "likes"]].assign(cosine=cosine)
        frame["kept"] = self.core.artifact.item_map["kept"].to_numpy()
        frame[["x", "y"]], frame[["raw_x", "raw_y"]] = self.xy("titles"), self.xy("titles", "raw")
        return frame[~self.core.kept_out].reset_index(drop=True)

    # Regions and quality

    def regions(
        self, kind: Kind = "titles", space: Space = "aggregated", method: Method = "tsne"
    ) -> pd.DataFrame:
        """cluster, x, y, label, lift, titles (or users: the cluster's size) of every cluster, largest first.

        The label names the genres that are over-represented among the cluster's titles, or among its users'
        favourites, by their lift; it is empty where there are none.
        """
        names = self.core.directory.genre_names
        if kind == "users":
            cluster = self.core.artifact.user_map["cluster"].to_numpy()
            shown = np.ones(len(cluster), dtype=bool)
            favourites = [[name == favourite for name in names] for favourite in self._favourites]
            carried = np.array(favourites, dtype=np.float64).reshape(len(cluster), len(names))
        else:
            cluster, shown = self.core.artifact.item_map["cluster"].to_numpy(), ~self.core.kept_out
            carried = self.core.directory.genre_matrix.astype(np.float64)
        cluster, carried, xy = cluster[shown], carried[shown], self.xy(kind, space, method)[shown]
        frame, at = label(cluster, carried, names), middles(cluster, xy)
        frame.insert(1, "x", at[:, 0])
        frame.insert(2, "y", at[:, 1])
        return frame.rename(columns={"size": kind}).dropna(subset=["x", "y"]).reset_index(drop=True)

    def quality(
        self, kind: Kind = "titles", space: Space = "aggregated", method: Method = "tsne"
    ) -> dict[str, Any]:
        """trustworthiness, neighbour_preservation, k, sample, parameters of a map."""
        if method == "pca":
            return dict(self._measured(kind, space))
        stored = "users" if kind == "users" else "titles" if space == "aggregated" else "raw"
        return dict(self.core.artifact.metrics["maps"][stored])

    @cached_property
    def tastes(self) -> Tastes:
        """The tastes of all users."""
        return Tastes(self.core.directory)

    # Internals

    @cached_property
    def _rarest(self) -> np.ndarray:
        """The genre of every title that the fewest titles carry, `[N]` text."""
        directory = self.core.directory
        carried = directory.genre_matrix
        if not directory.genre_names:
            return np.full(len(carried), "", dtype=object)
        titles = np.where(carried > 0, carried.sum(axis=0), np.inf)
        names = np.array(directory.genre_names, dtype=object)[titles.argmin(axis=1)]
        return np.where(carried.any(axis=1), names, "")

    @cached_property
    def _user_vectors(self) -> np.ndarray:
        users = self.core.artifact.user_map["user"].to_numpy()
        return user_vectors(self.core.model, users, self.core.directory.history)

    @cached_property
    def _favourites(self) -> list[str]:
        return [self.tastes.favourites(user, 1) for user in self.core.artifact.user_map["user"]]

    def _plane(self, kind: Kind, space: Space) -> Plane:
        return principal(self.vectors(kind, space))

    def _measure(self, kind: Kind, space: Space) -> dict[str, Any]:
        vectors, plane = self.vectors(kind, space), self.plane(kind, space)
        k, sample = neighbours_for(len(vectors)), min(PCA_SAMPLE, len(vectors))
        trust, kept = quality(vectors, plane.xy, k, sample, seed=0)
        return {
            "trustworthiness": trust,
            "neighbour_preservation": kept,
            "k": k,
            "sample": sample,
            "parameters": {"method": "PCA", "metric": "cosine", "variance": list(plane.shares)},
        }

    def _vector(self, profile: Profile) -> np.ndarray:
        return np.asarray(self.core.user_hop(*self.core.history(profile)).output[0].numpy())

    def _row(self, profile: Profile) -> int | None:
        """The row of an unedited user of the map; None for any other profile."""
        if profile.user_id is None or profile.edited:
            return None
        user = self.core.directory.user(profile.user_id)
        rows = np.flatnonzero(self.core.artifact.user_map["user"].to_numpy() == user)
        return int(rows[0]) if len(rows) else None

    def _excluded(self, item: int) -> np.ndarray:
        return self.core.kept_out | (np.arange(len(self.core.kept_out)) == item)

    def _anchor(
        self, kind: Kind, who: object, space: Space, method: Method
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The vector `[D]` of a title or user, its position `[2]`, and the points to leave out `[N]`."""
        if kind == "titles":
            item = self.core.directory.item(who)
            return self.vectors(kind, space)[item], self.xy(kind, space, method)[item], self._excluded(item)
        profile = who if isinstance(who, Profile) else self.core.directory.profile(who)
        at = self.place(profile, method)
        if at is None:
            raise InputError(f"{profile.label}: not on the map, since the profile likes no title")
        row = self._row(profile)
        own = np.arange(len(self._user_vectors)) == (-1 if row is None else row)
        return self._vector(profile), np.array(at), own


def _check(**given: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, allowed) in given.items():
        if value not in allowed:
            raise InputError(f"{name}: expected one of {', '.join(allowed)} (got {value!r})")
