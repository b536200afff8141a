"""The relations as points: how alike their embeddings e_r are, how much each counts, and how much of the draw it gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from dskreg.neighbours import units
from dskreg.opened import Opened
from dskreg.projection import principal


def relations(core: Opened) -> pd.DataFrame:
    """relation, gate g_r (None where the preset has none), mass (mean share of the probability to be drawn), x, y (PCA of e_r)."""
    graph, gate = core.graph, core.model.gate
    xy = principal(_vectors(core)).xy
    share = torch.softmax(core.drawn.logit, 1).nan_to_num().numpy()
    there = graph.neighbour >= 0
    rows = [
        (name, None if gate is None else float(gate[r]), float((share * ((graph.relation == r) & there)).sum(1).mean()), *xy[r])
        for r, name in enumerate(graph.relations)
    ]
    return pd.DataFrame(rows, columns=["relation", "gate", "mass", "x", "y"])


def relation_similarity(core: Opened) -> pd.DataFrame:
    """The cosine of every two relations' embeddings; rows and columns are the relations."""
    names, unit = list(core.graph.relations), units(_vectors(core).astype(np.float64))
    return pd.DataFrame(unit @ unit.T, index=names, columns=names)


def _vectors(core: Opened) -> np.ndarray:
    """e_r `[R, D]`; a graph without relations has one row that belongs to none."""
    return core.model.relation_embedding.detach().numpy()[: len(core.graph.relations)]
