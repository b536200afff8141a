"""How much each relation counts: for everybody (the gate) and for one person (the attention's preference).

alpha_j  = p_r(j) / sum over the picks of p_r,  p_r = exp(e_hat_u . e_r)          the weight of a pick j under relation r(j)
preference_r = p_r / mean over all relations                                        1: neither preferred nor shunned
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from dskreg.opened import Opened
from dskreg.people import Profile


def leaning(core: Opened, profile: Profile, item_id: object, seed: int | None, settings: dict[str, Any]) -> pd.DataFrame:
    """relation, gate (None without gates), preference: for the person as drawn with `seed` for this title; `settings` holds user_picks."""
    user, history = core.history(profile)
    noise = None if seed is None else core.noise(user, history, core.directory.item(item_id), seed)[0]
    person = core.user_hop(user, history, noise, settings["user_picks"]).output[0]
    names, gate = core.graph.relations, core.model.gate
    weight = torch.softmax((core.model.relation_embedding @ person).double(), 0)[: len(names)]
    gates = [None] * len(names) if gate is None else gate[: len(names)].tolist()
    return pd.DataFrame({"relation": names, "gate": gates, "preference": (weight / weight.mean()).tolist()})


def statistics(core: Opened) -> pd.DataFrame:
    """The candidate table by relation.

    Returns:
        relation; titles that have a candidate under it; candidates; mean per title; gate; mass (mean softmax share); picks (mean per title, noise-free).
    """
    graph, drawn = core.graph, core.drawn
    there = graph.neighbour >= 0
    picked = drawn.picked.numpy()
    relation = np.take_along_axis(graph.relation, drawn.slot.numpy(), 1)
    rows = []
    for r, name in enumerate(graph.relations):
        mine = (graph.relation == r) & there
        gate = None if core.model.gate is None else float(core.model.gate[r])
        means = (mine.sum(1).mean(), gate, (core.share * mine).sum(1).mean(), ((relation == r) & picked).sum(1).mean())
        rows.append((name, int(mine.any(1).sum()), int(mine.sum()), *means))
    return pd.DataFrame(rows, columns=["relation", "titles", "candidates", "mean", "gate", "mass", "picks"])
