"""What each relation holds of the candidate table, of the probability mass and of the noise-free draw."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.serving.trained import TrainedModel


def statistics(core: TrainedModel) -> pd.DataFrame:
    """The candidate table by relation.

    Returns:
        relation; titles that have a candidate under it; candidates; mean per title; gate; mass (mean softmax
        share); picks (mean per title, noise-free).
    """
    graph, drawn = core.graph, core.drawn
    there = graph.neighbour >= 0
    picked = drawn.picked.numpy()
    relation = np.take_along_axis(graph.relation, drawn.slot.numpy(), 1)
    rows = []
    for r, name in enumerate(graph.relations):
        mine = (graph.relation == r) & there
        gate = None if core.model.gate is None else float(core.model.gate[r])
        means = (
            mine.sum(1).mean(),
            gate,
            (core.share * mine).sum(1).mean(),
            ((relation == r) & picked).sum(1).mean(),
        )
        rows.append((name, int(mine.any(1).sum()), int(mine.sum()), *means))
    return pd.DataFrame(rows, columns=["relation", "titles", "candidates", "mean", "gate", "mass", "picks"])
