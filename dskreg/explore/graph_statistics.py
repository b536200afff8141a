"""Statistics of the candidate graph: each item's degrees, how unequal they are, and totals by relation.

    paths_i = sum_r [ sum_{e of i under r} (items of e - 1) + direct links of i ]
    mass_j  = sum_i softmax(s_i)_j
    gini    = 0 where all items have the same value, towards 1 where a single item has everything

Every figure is sparse algebra or a count over the candidate table.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.evaluation.slices import gini
from dskreg.graph.entities import links
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.serving.directory import Directory
from dskreg.serving.trained import TrainedModel

MEASURES = ("paths", "candidates", "appears", "mass", "drawn")


def degrees(core: TrainedModel) -> pd.DataFrame:
    """One row per item.

    Returns:
        item_id, title;
        paths: 2-hop paths to other items in the uncut graph, over a shared entity, and direct links;
        candidates: the item's candidates, at most M;
        appears: the number of candidate lists that contain the item;
        mass: the expected number of items that sample it first (the sum of its softmax shares);
        drawn: the number of items that sample it without noise.
    """
    graph, count = core.graph, len(core.items)
    filled = graph.neighbour >= 0
    slot, picked = core.drawn.slot.numpy(), core.drawn.picked.numpy()
    sampled = np.where(picked, np.take_along_axis(graph.neighbour, slot, 1), -1)
    return pd.DataFrame(
        {
            "item_id": core.directory.item_ids,
            "title": core.directory.titles,
            "paths": paths(core.directory, graph.relations),
            "candidates": filled.sum(1),
            "appears": _rows_that_contain(graph.neighbour, count),
            "mass": np.bincount(graph.neighbour[filled], core.share[filled], minlength=count),
            "drawn": _rows_that_contain(sampled, count),
        }
    )


def _rows_that_contain(table: np.ndarray, count: int) -> np.ndarray:
    """The number of rows of `[I, S]` that contain each item, `[I]`; -1 marks an empty slot.

    An item that a row lists under two relations counts once.
    """
    ordered = np.sort(table, axis=1)
    first = np.diff(ordered, axis=1, prepend=-1) != 0
    return np.bincount(ordered[first], minlength=count)


def paths(directory: Directory, relations: tuple[str, ...]) -> np.ndarray:
    """2-hop paths out of each item under these relations, and its direct links, `[I]`."""
    total = np.zeros(len(directory.item_ids))
    for name in relations:
        carried = directory.carriers(name)
        total += _two_hop_paths(carried.T.tocsr())
        total += _direct_links(links(carried, directory.dataset.entity_item))
    return total.round().astype(np.int64)


def _two_hop_paths(holds: sparse.csr_matrix) -> np.ndarray:
    """Paths item -> middle -> another item, `[I]`, for `holds` `[middles, I]` of 0 and 1."""
    holds = holds.astype(np.float64)
    others = np.asarray(holds.sum(1)).ravel() - 1
    return holds.T @ np.maximum(others, 0)


def _direct_links(link: sparse.csr_matrix) -> np.ndarray:
    """The number of other items that each item is linked to, `[I]`."""
    return np.asarray(link.sum(1)).ravel() - link.diagonal()


def top_share(values: np.ndarray, part: float = 0.01) -> float:
    """The share of the total that the largest `part` of the values holds (at least one value)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))[::-1]
    most = max(1, round(part * len(ordered)))
    return float(ordered[:most].sum() / ordered.sum()) if len(ordered) and ordered.sum() > 0 else 0.0


def concentration(frame: pd.DataFrame) -> pd.DataFrame:
    """measure, mean, largest, top (share of the top 1 %), gini for each column of `MEASURES`."""
    rows = [
        (name, frame[name].mean(), frame[name].max(), top_share(frame[name]), gini(frame[name]))
        for name in MEASURES
    ]
    return pd.DataFrame(rows, columns=["measure", "mean", "largest", "top", "gini"])


def by_relation(core: TrainedModel) -> pd.DataFrame:
    """The candidate table by relation.

    Returns:
        relation; titles: the number of items with a candidate under it; candidates; mean: candidates per
        item; weight: v_r of the relevance, none in the paper's form; mass: mean softmax share; picks: mean
        number of sampled neighbours per item, without noise.
    """
    graph, drawn = core.graph, core.drawn
    filled, picked = graph.neighbour >= 0, drawn.picked.numpy()
    sampled_relation = np.take_along_axis(graph.relation, drawn.slot.numpy(), 1)
    rows = []
    for r, name in enumerate(graph.relations):
        mine = (graph.relation == r) & filled
        means = (
            mine.sum(1).mean(),
            float(core.model.pair_relevance[r]) if isinstance(core.model, EvidenceDSKReG) else None,
            (core.share * mine).sum(1).mean(),
            ((sampled_relation == r) & picked).sum(1).mean(),
        )
        rows.append((name, int(mine.any(1).sum()), int(mine.sum()), *means))
    return pd.DataFrame(rows, columns=["relation", "titles", "candidates", "mean", "weight", "mass", "picks"])
