"""How unevenly the graph connects titles, and what the cut to M candidates and the sampler make of it.

    paths_i   = sum_r [ sum_{e carried under r} (carriers(e) - 1) + direct links ]     ways out of i: title -> entity (or viewer) -> title
    mass_j    = sum_i softmax(s_i)_j                                                   titles that a noisy draw would expect to draw j FIRST
    gini      = 0 where all titles have the same, towards 1 where one has everything

Everything is sparse algebra or a count over the candidate table: about a second for 12,000 titles would be
slow.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.data.dataset import CO_LIKED
from dskreg.data.interactions import train_matrix
from dskreg.graph.entities import links
from dskreg.serving.directory import Directory
from dskreg.serving.trained import TrainedModel

MEASURES = ("paths", "candidates", "appears", "mass", "drawn")


def degrees(core: TrainedModel) -> pd.DataFrame:
    """One row per title.

    Returns:
        item_id, title;
        paths: two-step ways to other titles in the graph before its cut (over a shared entity, or a viewer
            who liked both), and direct links;
        candidates: how many the table keeps of it, at most M;
        appears: in how many titles' tables it stands itself;
        mass: how many of them would draw it first, in expectation (the sum of its shares of the probability
            mass);
        drawn: how many draw it without noise.
    """
    graph, count = core.graph, len(core.items)
    there = graph.neighbour >= 0
    slot, picked = core.drawn.slot.numpy(), core.drawn.picked.numpy()
    return pd.DataFrame(
        {
            "item_id": core.directory.item_ids,
            "title": core.directory.titles,
            "paths": paths(core.directory, graph.relations),
            "candidates": there.sum(1),
            "appears": _rows_with(graph.neighbour, count),
            "mass": np.bincount(graph.neighbour[there], core.share[there], minlength=count),
            "drawn": _rows_with(np.where(picked, np.take_along_axis(graph.neighbour, slot, 1), -1), count),
        }
    )


def _rows_with(table: np.ndarray, count: int) -> np.ndarray:
    """In how many rows of `[I, S]` each title stands `[I]`; -1 is nobody.

    Under two relations in one row it counts once.
    """
    ordered = np.sort(table, axis=1)
    first = np.diff(ordered, axis=1, prepend=-1) != 0
    return np.bincount(ordered[first], minlength=count)


def paths(directory: Directory, relations: tuple[str, ...]) -> np.ndarray:
    """Two-step ways out of each title under these relations, and its direct links, `[I]`."""
    total = np.zeros(len(directory.item_ids))
    for name in relations:
        if name == CO_LIKED:
            total += _ways(train_matrix(directory.dataset, directory.folds))
        else:
            carried = directory.carriers(name)
            total += _ways(carried.T.tocsr()) + _direct(links(carried, directory.dataset.entity_item))
    return total.round().astype(np.int64)


def _ways(holds: sparse.csr_matrix) -> np.ndarray:
    """Title -> middle -> another title: `holds` `[middles, I]` 0/1."""
    holds = holds.astype(np.float64)
    others = np.asarray(holds.sum(1)).ravel() - 1
    return holds.T @ np.maximum(others, 0)


def _direct(link: sparse.csr_matrix) -> np.ndarray:
    """How many others each title is linked to `[I]`; a link to itself leads nowhere."""
    return np.asarray(link.sum(1)).ravel() - link.diagonal()


def gini(values: np.ndarray) -> float:
    """The Gini coefficient of values >= 0: half the mean difference of two of them, over their mean.

    0 where all are equal, or there is nothing.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, total = len(ordered), ordered.sum()
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total)) if total > 0 else 0.0


def top_share(values: np.ndarray, part: float = 0.01) -> float:
    """What share of the total the largest `part` of the values hold (at least one of them)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))[::-1]
    most = max(1, round(part * len(ordered)))
    return float(ordered[:most].sum() / ordered.sum()) if len(ordered) and ordered.sum() > 0 else 0.0


def concentration(frame: pd.DataFrame) -> pd.DataFrame:
    """measure, mean, largest, top (share of the best 1 %), gini for each column of `MEASURES`."""
    rows = [
        (name, frame[name].mean(), frame[name].max(), top_share(frame[name]), gini(frame[name]))
        for name in MEASURES
    ]
    return pd.DataFrame(rows, columns=["measure", "mean", "largest", "top", "gini"])
