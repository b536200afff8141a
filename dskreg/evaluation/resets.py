"""What each part of a model is worth: one part at a time is reset, and the NDCG of the same users is measured
again (paired differences, 95 % intervals).

    all    test likes of all items
    rare   test likes of the fifth of the liked items that fewest people like
    cold   items whose likes are hidden, ranked among themselves (cold.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dskreg.data.dataset import Folds
from dskreg.data.interactions import evenly, only, padded
from dskreg.evaluation.cold import ColdItems, hidden, some
from dskreg.evaluation.evidence import rarest
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import strangers
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.sampling import Draw, draw, gumbel
from dskreg.model.scoring import Catalogue

USERS = 2000  # asked about each part, at most
RARE = 0.2
Change = Callable[[DSKReG], None]


def _zero(*names: str) -> Change:
    def change(model: DSKReG) -> None:
        for name in names:
            getattr(model, name).zero_()

    return change


def _ignore_likes(model: DSKReG) -> None:
    model.get_parameter("pair_relevance")[-1] = 0


def _untrained(model: DSKReG) -> None:
    assert isinstance(model, EvidenceDSKReG)
    model.forget_relevance()


def _evidence(place: int, value: float) -> Change:
    def change(model: DSKReG) -> None:
        model.get_buffer("evidence")[place] = value

    return change


def _random_relations(model: DSKReG) -> None:
    relations = model.get_parameter("relation_embedding")
    relations.copy_(torch.randn(relations.shape, generator=torch.Generator().manual_seed(1)) * 0.1)


UNIFORM, STRENGTH, OWN = "sampling uniform", "sampling by strength", "own embedding off"
FLAT, UNTRAINED = "attention uniform", "relevance untrained"


def _nothing(model: DSKReG) -> None:
    """What is reset is the sampling, or the own embedding: see `drawn` and `_Asked`."""


EVIDENCE: dict[str, Change] = {
    UNIFORM: _nothing,
    STRENGTH: _nothing,
    FLAT: _zero("pair_relevance"),
    UNTRAINED: _untrained,
    "likes of neighbours ignored": _ignore_likes,
    "neighbours weigh the same for all items": _evidence(0, 1e12),
    "neighbours off": _evidence(1, 0.0),
    OWN: _nothing,
}
PAPER: dict[str, Change] = {
    UNIFORM: _nothing,
    "relevance of items off": _zero("relevance_item"),
    "relevance of relations off": _zero("relevance_relation"),
    "relation embeddings random": _random_relations,
    FLAT: _zero("relation_embedding"),
}


def drawn(model: DSKReG, items: Tensor, part: str, seed: int) -> Draw:
    """The draw of `items` `[N]`, noise-free: as the model has it, uniform, or by the strength under each
    candidate's own relation.
    """
    if part not in (UNIFORM, STRENGTH):
        return model.draw_items(items)
    logit, noise = model.item_logits(items), None
    some = torch.isfinite(logit)
    if part == UNIFORM:
        noise = gumbel(tuple(logit.shape), torch.Generator().manual_seed(seed))
        logit = torch.zeros_like(logit)
    else:
        relation = model.relation[items].long()[..., None]
        strengths = F.pad(model.strengths[items], (0, int(not model.strengths.shape[2])))  # none: zeros
        logit = strengths.gather(2, relation).squeeze(2)
    return draw(logit.masked_fill(~some, -torch.inf), noise, model.config.picks)


@torch.no_grad()
def resets(model: DSKReG, folds: Folds, seed: int, users: int = USERS) -> list[dict[str, Any]]:
    """A row for each part: part, and for `all`, `rare` and `cold` the mean NDCG@20, its relative change
    `change` and half the 95 % interval of that `within`; the first row is the model as it is. At most `users`
    users are asked about each part.
    """
    asked = _Asked(model, folds, seed, users)
    changes = EVIDENCE if isinstance(model, EvidenceDSKReG) else PAPER
    before = asked.ndcg("")
    rows = [_row("nothing reset", before, before)]
    for name, change in changes.items():
        rows.append(_row(name, before, asked.ndcg(name, change)))
    return rows


def _row(part: str, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> dict[str, Any]:
    row: dict[str, Any] = {"part": part}
    for name, values in after.items():
        base = before[name].mean() if len(values) else 0.0
        if not base:
            row[name] = {"ndcg": None, "change": None, "within": None, "users": len(values)}
            continue
        difference = (values - before[name]) / base
        row[name] = {
            "ndcg": float(values.mean()),
            "change": float(difference.mean()),
            "within": float(1.96 * difference.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
            "users": len(values),
        }
    return row


@contextmanager
def restored(model: DSKReG) -> Iterator[None]:
    """The parameters are as before after the block, but for the embeddings, which nothing here changes."""
    kept = {name: value.clone() for name, value in model.state_dict().items() if not _large(name)}
    try:
        yield
    finally:
        model.load_state_dict(kept, strict=False)


def _large(name: str) -> bool:
    return name in ("item_embedding", "user_embedding", "user_tower.weight", "item_tower.weight")


class _Asked:
    """The users of the measurement."""

    def __init__(self, model: DSKReG, folds: Folds, seed: int, users: int) -> None:
        self.model, self.seed = model, seed
        history, target = folds.known, folds.test
        self.who = evenly(np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr)), users)
        self.history, self.target = history[self.who], target[self.who]
        count = np.asarray(folds.known.sum(0)).ravel()
        self.rare = only(self.target, rarest(count, RARE))
        self.cold = ColdItems.among_themselves(folds.known, some(folds.known, seed), users)
        self.user = model.encode(
            torch.from_numpy(self.who.astype(np.int64)), torch.from_numpy(padded(self.history))
        )

    def ndcg(self, part: str, change: Change = _nothing) -> dict[str, np.ndarray]:
        """NDCG@20 per user of all, rare and cold items with `part` reset by `change`."""
        every = torch.arange(len(self.model.item_embedding))
        score = self._catalogue(part, change, every).scores(self.user).T.numpy()
        asked = np.diff(self.rare.indptr) > 0
        found = {
            "all": ndcg_of(score, self.history, self.target),
            "rare": ndcg_of(score[asked], self.history[asked], self.rare[asked]),
        }
        if isinstance(self.model, EvidenceDSKReG):
            items = torch.from_numpy(self.cold.items)
            with hidden(self.model, items):
                user = strangers(self.model, self.cold.history)
                cold = self._catalogue(part, change, items).scores(user).T.numpy()
            found["cold"] = ndcg_of(cold, None, self.cold.wanted[:, self.cold.items])
        return found

    def _catalogue(self, part: str, change: Change, items: Tensor) -> Catalogue:
        """`items` with what is drawn for them, as the reset `part` has it."""
        model = self.model
        # Of a uniform attention the sampling stays as it is
        before = drawn(model, items, part, self.seed) if part in (UNIFORM, STRENGTH, FLAT) else None
        with restored(model):
            change(model)
            catalogue = Catalogue.of(model, items, before or model.draw_items(items))
        if part == OWN:
            catalogue.vectors = catalogue.vectors - model.item_embedding[items]
        return catalogue
