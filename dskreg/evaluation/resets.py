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

from dskreg.data.dataset import Folds
from dskreg.data.interactions import evenly, only, padded
from dskreg.evaluation.cold import ColdItems, hidden, some
from dskreg.evaluation.evidence import rarest
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import strangers
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.sampling import gumbel
from dskreg.model.scoring import Catalogue

USERS = 2000  # asked about each part, at most
RARE = 0.2
Change = Callable[[DSKReG], None]


def _equal(*names: str) -> Change:
    def change(model: DSKReG) -> None:
        for name in names:
            value = getattr(model, name)
            value.fill_(float(value.mean()))

    return change


def _zero(*names: str) -> Change:
    def change(model: DSKReG) -> None:
        for name in names:
            getattr(model, name).zero_()

    return change


def _all_strengths(model: DSKReG) -> None:
    """Draws by the strength under all relations together, none of which counts more than another."""
    weights = model.get_parameter("pair_relevance")
    weights[:-1], weights[-1] = 1.0, 0.0


def _evidence(place: int, value: float) -> Change:
    def change(model: DSKReG) -> None:
        model.get_buffer("evidence")[place] = value

    return change


def _random_relations(model: DSKReG) -> None:
    relations = model.get_parameter("relation_embedding")
    relations.copy_(torch.randn(relations.shape, generator=torch.Generator().manual_seed(1)) * 0.1)


UNIFORM, OWN = "sampling uniform", "own embedding off"
EVIDENCE: dict[str, Change] = {
    UNIFORM: _zero("pair_relevance"),
    "sampling by strength": _all_strengths,
    "attention uniform": _zero("pair_attention", "own_attention", "relation_attention"),
    "gates equal": _equal("log_gate"),
    "neighbours weigh the same for all items": _evidence(0, 1e12),
    "neighbours off": _evidence(1, 0.0),
    OWN: lambda model: None,
}
PAPER: dict[str, Change] = {
    UNIFORM: _zero("relevance_item", "relevance_relation"),
    "relevance of items off": _zero("relevance_item"),
    "relevance of relations off": _zero("relevance_relation"),
    "relation embeddings random": _random_relations,
    "attention uniform": _zero("relation_embedding"),
}


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
        with restored(model):
            change(model)
            rows.append(_row(name, before, asked.ndcg(name)))
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

    def ndcg(self, part: str) -> dict[str, np.ndarray]:
        """NDCG@20 per user of all, rare and cold items."""
        every = torch.arange(len(self.model.item_embedding))
        score = self._catalogue(part, every).scores(self.user).T.numpy()
        asked = np.diff(self.rare.indptr) > 0
        found = {
            "all": ndcg_of(score, self.history, self.target),
            "rare": ndcg_of(score[asked], self.history[asked], self.rare[asked]),
        }
        if isinstance(self.model, EvidenceDSKReG):
            items = torch.from_numpy(self.cold.items)
            with hidden(self.model, items):
                cold = self._catalogue(part, items).scores(strangers(self.model, self.cold.history)).T.numpy()
            found["cold"] = ndcg_of(cold, None, self.cold.wanted[:, self.cold.items])
        return found

    def _catalogue(self, part: str, items: torch.Tensor) -> Catalogue:
        """`items` with what is drawn for them, as the reset `part` has it."""
        model, noise = self.model, None
        if part == UNIFORM:
            shape = (len(items), model.neighbour.shape[1])
            noise = gumbel(shape, torch.Generator().manual_seed(self.seed))
        catalogue = Catalogue.of(model, items, model.draw_items(items, noise))
        if part == OWN:
            catalogue.vectors = catalogue.vectors - model.item_embedding[items]
        return catalogue
