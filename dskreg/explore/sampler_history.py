"""How the sampler of one item came about: its probabilities, their entropy and the relations' weights at the
epochs of training that the artifact keeps (dskreg/storage/snapshots.py).

They are those of the run that made the served model, which is the one at the epoch `served`. Letters: E
epochs, C candidates of the item, R relations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.sampling import inclusion_probability
from dskreg.model.snapshots import with_sampler
from dskreg.serving.trained import TrainedModel


@dataclass(frozen=True)
class SamplerHistory:
    """The sampler of one item over the epochs.

    epochs:      epoch, entropy (mean over all items), own (of the item), each relative to the largest
                 possible, 0 .. 1; `own` is missing with fewer than two candidates
    weights:     epoch, relation, weight: v_r, or in the paper's form the relation's part of the logit
    candidates:  item_id, title, relation of the item's candidates, the likeliest of the served model first
    probability: `[E, C]` inclusion probability of each candidate at each epoch
    served:      the epoch of the model that is served
    """

    epochs: pd.DataFrame
    weights: pd.DataFrame
    candidates: pd.DataFrame
    probability: np.ndarray
    served: int

    def place(self, epoch: int) -> int:
        """The row of the last kept epoch up to this one."""
        return max(0, int(np.searchsorted(self.epochs["epoch"], epoch, side="right")) - 1)


def sampler_history(core: TrainedModel, item_id: object) -> SamplerHistory | None:
    """The history of an item's sampler; None where the artifact keeps no snapshots.

    Raises InputError for an unknown item.
    """
    item, kept = core.directory.item(item_id), core.artifact.snapshots
    if kept is None:
        return None
    epoch = kept["epoch"]
    states = [
        {name: kept[name][row] for name in kept if name not in ("epoch", "entropy")}
        for row in range(len(epoch))
    ]
    logit = np.stack([_logits(core, item, state) for state in states])
    there = np.isfinite(logit[-1])
    logit, neighbour, relation = (
        part[..., there] for part in (logit, core.graph.neighbour[item], core.graph.relation[item])
    )
    picks = core.artifact.config.model.picks
    probability = np.stack([inclusion_probability(row, picks) for row in logit])
    served = min(int(core.artifact.metrics["best_epoch"]), int(epoch[-1]))
    row = max(0, int(np.searchsorted(epoch, served, side="right")) - 1)
    order = np.argsort(-probability[row], kind="stable")
    own = kept["pair_relevance" if isinstance(core.model, EvidenceDSKReG) else "relation_logit"]
    relations = list(core.graph.relations)
    return SamplerHistory(
        epochs=pd.DataFrame({"epoch": epoch, "entropy": kept["entropy"], "own": _entropy(logit)}),
        weights=pd.DataFrame(
            {
                "epoch": np.repeat(epoch, len(relations)),
                "relation": relations * len(epoch),
                "weight": own[:, : len(relations)].ravel().astype(float),
            }
        ),
        candidates=pd.DataFrame(
            {
                "item_id": [core.directory.item_ids[j] for j in neighbour[order]],
                "title": core.directory.titles[neighbour[order]],
                "relation": [relations[r] for r in relation[order]],
            }
        ),
        probability=probability[:, order],
        served=served,
    )


def _logits(core: TrainedModel, item: int, state: dict[str, np.ndarray]) -> np.ndarray:
    """`[M]` at an epoch."""
    with torch.no_grad():
        return with_sampler(core.model, state).item_logits(torch.tensor([item]))[0].double().numpy()


def _entropy(logit: np.ndarray) -> np.ndarray:
    """H(softmax(s)) / log(C) of each row `[E]`; NaN with fewer than two candidates."""
    if logit.shape[1] < 2:
        return np.full(len(logit), np.nan)
    log_p = torch.log_softmax(torch.from_numpy(logit), 1)
    return (-(log_p.exp() * log_p).sum(1) / np.log(logit.shape[1])).numpy()
