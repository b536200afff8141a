"""The maps that an artifact keeps: items before and after the graph, and a sample of users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dskreg.config import Config
from dskreg.data.dataset import Dataset
from dskreg.embedding.clusters import clusters
from dskreg.embedding.neighbours import kept
from dskreg.embedding.projection import Projection, project
from dskreg.embedding.users import user_vectors
from dskreg.model.dskreg import DSKReG


@dataclass(frozen=True)
class MapsMade:
    """What an artifact keeps of its maps."""

    # x, y (after the graph), raw_x, raw_y (before it), cluster, kept (of the nearest before the graph, the
    # share still among them)
    titles: pd.DataFrame
    users: pd.DataFrame  # user (position), x, y, cluster; a sample of those with a history
    quality: dict[str, dict[str, Any]]  # of the maps "titles", "raw", "users"


def maps(model: DSKReG, data: Dataset, config: Config, say: Callable[[str], object]) -> MapsMade:
    """The maps of the items before and after the graph, and of a sample of users."""
    settings, seed = config.projection, config.seed
    before, after = (vectors.numpy() for vectors in model.representation())
    titles = project(after, settings, seed, say, "titles after the graph")
    raw = project(before, settings, seed, say, "titles before the graph", start=titles.xy)
    history = data.folds.known
    active = np.flatnonzero(np.diff(history.indptr))
    users = np.sort(np.random.default_rng(seed).permutation(active)[: settings.users])
    user_points = user_vectors(model, users, history)
    placed = project(user_points, settings, seed, say, "users")
    return MapsMade(
        pd.DataFrame(
            {
                "x": titles.xy[:, 0],
                "y": titles.xy[:, 1],
                "raw_x": raw.xy[:, 0],
                "raw_y": raw.xy[:, 1],
                "cluster": clusters(after, settings.clusters, seed),
                "kept": kept(raw.near, titles.near),
            }
        ),
        pd.DataFrame(
            {
                "user": users,
                "x": placed.xy[:, 0],
                "y": placed.xy[:, 1],
                "cluster": clusters(user_points, settings.clusters, seed),
            }
        ),
        {"titles": _quality(titles), "raw": _quality(raw), "users": _quality(placed)},
    )


def _quality(made: Projection) -> dict[str, Any]:
    return {
        "trustworthiness": made.trustworthiness,
        "neighbour_preservation": made.neighbour_preservation,
        "k": made.neighbours,
        "sample": made.sample,
        "parameters": made.parameters,
    }
