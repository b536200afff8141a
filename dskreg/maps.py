"""Maps and neighbours in the embedding spaces."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dskreg.opened import Opened
from dskreg.people import Profile
from dskreg.projection import nearest
from dskreg.tastes import Tastes


class Maps:
    """What lies near what, for an opened artifact."""

    def __init__(self, core: Opened) -> None:
        self.core = core

    def item_map(self) -> pd.DataFrame:
        """The titles with their place x, y on the map, in catalogue order."""
        xy = self.core.artifact.item_map
        return self.core.items.assign(x=xy[:, 0], y=xy[:, 1])

    def user_map(self) -> pd.DataFrame:
        """user_id, x, y, liked, favourite of the people who were placed."""
        placed, tastes = self.core.artifact.user_map, Tastes(self.core.directory)
        users = placed["user"].to_numpy()
        ids = self.core.artifact.dataset.user_ids[users]
        favourite = [tastes.favourites(u, 1) for u in users]
        return pd.DataFrame({"user_id": ids, "x": placed["x"], "y": placed["y"], "liked": tastes.liked[users], "favourite": favourite})

    def place(self, profile: Profile) -> tuple[float, float] | None:
        """Where the person stands on the user map, or None for somebody who was not placed."""
        if profile.user_id is None:
            return None
        placed = self.core.artifact.user_map
        row = placed[placed["user"] == self.core.directory.user(profile.user_id)]
        return (float(row["x"].iloc[0]), float(row["y"].iloc[0])) if len(row) else None

    def quality(self) -> dict[str, Any]:
        """How far the maps of `items` and `users` keep true neighbourhoods, and how they were made."""
        return dict(self.core.artifact.metrics["maps"])

    def similar(self, item_id: object, k: int = 10) -> pd.DataFrame:
        """The k nearest titles in the original space (cosine of the embeddings after the graph), not on the map."""
        positions, similarity = nearest(self.core.representations[1], self.core.directory.item(item_id), k)
        return self.core.rows(positions).assign(similarity=similarity)
