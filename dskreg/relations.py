"""The relations as points: how alike their embeddings e_r are, how much each counts, and how much of the draw it gets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.leaning import statistics
from dskreg.neighbours import units
from dskreg.opened import Opened
from dskreg.projection import principal


def relations(core: Opened) -> pd.DataFrame:
    """relation, gate g_r (None where the preset has none), mass (mean share of the probability to be drawn), x, y (PCA of e_r)."""
    told = statistics(core)[["relation", "gate", "mass"]]
    xy = principal(_vectors(core)).xy
    return told.assign(x=xy[:, 0], y=xy[:, 1])


def relation_similarity(core: Opened) -> pd.DataFrame:
    """The cosine of every two relations' embeddings; rows and columns are the relations."""
    names, unit = list(core.graph.relations), units(_vectors(core).astype(np.float64))
    return pd.DataFrame(unit @ unit.T, index=names, columns=names)


def _vectors(core: Opened) -> np.ndarray:
    """e_r `[R, D]`; a graph without relations has one row that belongs to none."""
    return core.model.relation_embedding.detach().numpy()[: len(core.graph.relations)]
