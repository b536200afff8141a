"""The candidate table of every item, with exact inclusion probabilities, as one long table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from dskreg.explain.pairs import via_words
from dskreg.model.sampling import inclusion_probability
from dskreg.serving.trained import TrainedModel

ITEMS = 256  # in a chunk
_TEXTS, _NUMBERS = ("title", "candidate", "relation", "via"), ("logit", "inclusion_probability")


def neighbours(core: TrainedModel) -> Iterator[pd.DataFrame]:
    """The candidates of all items but those that the model keeps out of lists, a chunk of whole items at a
    time; of an item the largest logit first.

    Returns:
        item_id, title, candidate_id, candidate (its title), relation, via (the shared entities; "" for a
        direct triple), logit (-inf: never sampled), inclusion_probability (exact, of K without replacement),
        served (sampled without noise, as every list uses it).
    """
    items = np.flatnonzero(~core.kept_out)
    for start in range(0, max(len(items), 1), ITEMS):
        yield _frame(core, items[start : start + ITEMS])


def _frame(core: TrainedModel, items: np.ndarray) -> pd.DataFrame:
    directory, graph, drawn, k = core.directory, core.graph, core.drawn, core.model.config.picks
    parts = []
    for item in items:
        count = int((graph.neighbour[item] >= 0).sum())  # the candidates come first
        neighbour, relation = graph.neighbour[item, :count], graph.relation[item, :count]
        logit = drawn.logit[item, :count].double().numpy()
        served = np.zeros(count, dtype=bool)
        served[drawn.slot[item][drawn.picked[item]].numpy()] = True
        order = np.argsort(-logit, kind="stable")
        via = via_words(directory, graph, int(item), neighbour, relation)
        probability = inclusion_probability(logit, k)
        parts.append(
            {
                "item": np.full(count, item),
                "other": neighbour[order],
                "relation": [graph.relations[r] for r in relation[order]],
                "via": [", ".join(via[n]) for n in order],
                "logit": logit[order],
                "inclusion_probability": probability[order],
                "served": served[order],
            }
        )
    whole = {
        name: np.concatenate([np.asarray(part[name]) for part in parts] or [np.zeros(0)])
        for name in ("item", "other", "relation", "via", "logit", "inclusion_probability", "served")
    }
    ids = directory.dataset.items["item_id"].to_numpy()
    item, other = whole["item"].astype(np.int64), whole["other"].astype(np.int64)
    frame = pd.DataFrame(
        {
            "item_id": ids[item],
            "title": directory.titles[item],
            "candidate_id": ids[other],
            "candidate": directory.titles[other],
            **{name: whole[name] for name in ("relation", "via", *_NUMBERS, "served")},
        }
    )
    texts = dict.fromkeys(_TEXTS, "string")
    if not np.issubdtype(ids.dtype, np.integer):
        texts |= {"item_id": "string", "candidate_id": "string"}
    return frame.astype(texts | dict.fromkeys(_NUMBERS, "float64") | {"served": "bool"})
