"""An artifact opened: the model, its data and what follows from both. Everything that the Explorer shows
comes from this one object.

Read-only and shared by all sessions. Scores, lists, explanations, what-ifs and repeated draws go through the
same `DSKReG.user_hop`, `draw_items` and `item_hop` that training uses; nothing here approximates them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import Tensor

from dskreg.data.dataset import KNOWN, TRAIN
from dskreg.errors import InputError
from dskreg.evaluation.ranking import Scorer, catalogue_of, model_scorer
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Trace, UserHop
from dskreg.model.dskreg import UNKNOWN_USER, DSKReG
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.model.sampling import Draw, DrawSettings, node_noise
from dskreg.model.scoring import Catalogue
from dskreg.serving.baselines import FittedBaselines
from dskreg.serving.directory import Directory, Profile
from dskreg.serving.names import named_legibly
from dskreg.storage.artifact import Artifact

LARGEST_BOOST = 1000


class TrainedModel:
    """A trained model with its data.

    artifact:  what the folder holds               directory: ids, names and users
    model:     without gradients
    catalogue: all items with the noise-free picks that the artifact keeps, ready to be scored for any user
    items:     one row per item: item_id, title, type, genres, likes, candidates, ...
    kept_out:  `[I]` bool, items that no list, search or map shows (adult ones, unless they are asked for)
    hide_seen: do lists and ranks leave out all that a user has seen, or the history and dislikes alone?
    """

    def __init__(self, path: Path, artifact: Artifact) -> None:
        artifact = named_legibly(artifact)
        self.path, self.artifact, data = path, artifact, artifact.dataset
        self.model = model_of(artifact.config.model, artifact.graph, len(data.user_ids))
        self.model.load_state_dict({k: torch.from_numpy(v) for k, v in artifact.weights.items()})
        self.model.requires_grad_(False).eval()  # serving draws hard, whatever the relaxation was in training
        self.all_items = torch.arange(len(data.items))
        self.catalogue = catalogue_of(self.model, artifact.picks)
        self.kept_out = np.zeros(len(data.items), dtype=bool)
        self.hide_seen = True
        self.baselines = FittedBaselines(data, artifact.metrics)
        folds = KNOWN if artifact.config.train.refit else (TRAIN,)
        self._look_up(Directory(data, artifact.config.graph.max_share, folds))

    def _look_up(self, directory: Directory) -> None:
        self.directory = directory
        self.items = directory.dataset.items.assign(
            title=directory.titles,
            likes=directory.likes,
            candidates=(self.artifact.graph.neighbour >= 0).sum(1),
            adult=directory.adult,
        )
        self.items["type"] = self.items["type"].fillna("").astype(str) if "type" in self.items else ""
        self.items["genres"] = [", ".join(row) for row in directory.genres]

    def over(self, model: DSKReG, drawn: Draw, rows: Tensor) -> TrainedModel:
        """The same data with another `model` and the noise-free draw of all items that belongs to it, which
        differs at `rows` alone; nothing that was derived from the former draw is kept.
        """
        other = copy.copy(self)
        for name in ("share", "representations", "without_adult"):
            other.__dict__.pop(name, None)
        other.model, other.drawn = model, drawn
        other.catalogue = self.catalogue.with_part(rows, Catalogue.of(model, rows, drawn.of(rows)))
        return other

    @cached_property
    def without_adult(self) -> TrainedModel:
        """The same model where adult items are kept out of lists, searches and maps and go nameless
        elsewhere.
        """
        if not self.directory.adult.any():
            return self
        veiled = copy.copy(self)
        veiled.kept_out = self.directory.adult
        veiled._look_up(self.directory.veiled())
        return veiled

    @property
    def all_liked(self) -> bool:
        """Does every liked item count, with no draw among them?"""
        return isinstance(self.model, EvidenceDSKReG)

    @property
    def graph(self) -> CandidateGraph:
        """The candidate table."""
        return self.artifact.graph

    @property
    def cold_boost(self) -> float | None:
        """What the neighbours of an item without likes weigh beside the scale; None in the paper's form."""
        return float(self.model.evidence[2]) if isinstance(self.model, EvidenceDSKReG) else None

    def boosted(self, boost: float | None) -> TrainedModel:
        """The same model with another cold boost, 0: items without likes come last; itself for None. Only
        items without likes score otherwise.

        Raises InputError for a boost out of range, or where the model has none.
        """
        if boost in (None, self.cold_boost):
            return self
        if not 0 <= boost <= LARGEST_BOOST:
            raise InputError(f"cold boost: expected 0 to {LARGEST_BOOST:,} (got {boost:g})")
        if self.cold_boost is None:
            raise InputError("cold boost: a model of the form 'paper' has none")
        changed = copy.copy(self)
        for name in ("without_adult", "representations", "unscored"):  # hold the model or depend on the boost
            changed.__dict__.pop(name, None)
        changed.model = copy.copy(self.model)
        evidence = self.model.get_buffer("evidence").clone()
        evidence[2] = boost
        changed.model._buffers = self.model._buffers | {"evidence": evidence}
        cold = torch.from_numpy(np.flatnonzero(self.artifact.weights["likes"] == 0))
        part = Catalogue(changed.model, cold, self.catalogue.part(cold).picks)
        changed.catalogue = self.catalogue.with_part(cold, part)
        return changed

    @cached_property
    def unscored(self) -> np.ndarray:
        """`[I]` bool: items without likes where their boost is 0."""
        if self.cold_boost != 0:
            return np.zeros(len(self.all_items), dtype=bool)
        return self.artifact.weights["likes"] == 0

    # Asking the model

    def history(self, profile: Profile) -> tuple[int, np.ndarray]:
        """(user position or UNKNOWN_USER, positions of the history `[H]`)."""
        user = UNKNOWN_USER if profile.user_id is None else self.directory.user(profile.user_id)
        return user, np.array([self.directory.item(i) for i in profile.history], dtype=np.int64)

    def user_hop(
        self, user: int, history: np.ndarray, noise: Tensor | None = None, picks: int | None = None
    ) -> UserHop:
        """The user's side, once per row of `noise` `[B, H]` (B = 1 without noise).

        Of a user without a like nothing is known: e_hat_u is 0, and so is every score.
        """
        count = 1 if noise is None else len(noise)
        liked = as_batch(history).expand(count, -1)
        hop = self.model.user_hop(torch.full((count,), user), liked, noise, picks)
        return hop if len(history) else replace(hop, output=torch.zeros_like(hop.output))

    def scores(self, profile: Profile) -> np.ndarray:
        """Noise-free scores of the whole catalogue, `[I]`."""
        user = self.user_hop(*self.history(profile)).output
        with torch.no_grad():
            return self.catalogue.scores(user)[:, 0].numpy()

    def order(self, profile: Profile, score: np.ndarray) -> np.ndarray:
        """What sorts lists, `[I]`: the scores, what is unscored last; for a user without a like, the number
        of likes of each item.
        """
        return self._last(score) if profile.history else self.directory.likes.astype(np.float32)

    def _last(self, score: np.ndarray) -> np.ndarray:
        """The scores `[..., I]`, lower than all others where items are unscored."""
        if not self.unscored.any():
            return score
        return np.where(self.unscored, score.min(-1, keepdims=True) - 1, score)

    def scorer(self) -> Scorer:
        """What the lists of many users are sorted by, as `order` says; -inf for the items that are kept
        out.
        """
        scores, likes = model_scorer(self.model, self.catalogue), self.directory.likes.astype(np.float32)

        def of(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
            known = np.diff(history.indptr)[:, None] > 0
            return np.where(
                self.kept_out, np.float32(-np.inf), np.where(known, self._last(scores(users, history)), likes)
            )

        return of

    def noise(self, user: int, history: np.ndarray, item: int, seed: int) -> tuple[Tensor, Tensor]:
        """Gumbel noise (of the user `[1, H]`, of the item `[1, M]`) of a seed.

        It belongs to (seed, item) and to (seed, user, liked item): taking one item out of a history
        leaves the others' noise as it was.
        """
        of_item = node_noise(2 * seed, np.array([item]), self.model.neighbour.shape[1])
        of_titles = node_noise(2 * seed + 1, np.array([user + 1]), len(self.items))
        of_user = of_titles[:, history] if len(history) else np.zeros((1, 1), dtype=np.float32)
        return torch.from_numpy(of_user), torch.from_numpy(of_item)

    def trace(self, user: int, history: np.ndarray, item: int, settings: DrawSettings) -> Trace:
        """The pass for one user and one item (B = N = 1)."""
        items = torch.tensor([item])
        user_noise, item_noise = None, None
        if settings.seed is not None:
            user_noise, item_noise = self.noise(user, history, item, settings.seed)
        hop = self.user_hop(user, history, user_noise, settings.user_picks)
        drawn = self.model.draw_items(items, item_noise, settings.picks)
        item_hop = self.model.item_hop(hop.output, items, drawn)
        return Trace(hop, item_hop, item_hop.score.T)

    @cached_property
    def drawn(self) -> Draw:
        """The noise-free draw of all items whole, with its logits: for what explains.

        Its picks are the catalogue's.
        """
        return self.model.draw_items(self.all_items)

    @cached_property
    def share(self) -> np.ndarray:
        """softmax(s) of every item's candidates, `[I, M]`: the probability to be drawn first.

        An item without candidates has none to give.
        """
        return torch.softmax(self.drawn.logit, 1).nan_to_num().numpy()

    @cached_property
    def representations(self) -> tuple[np.ndarray, np.ndarray]:
        """Items before and after the graph, both `[I, D]`: e_i and e_hat_i.

        Of the paper's form e_hat_i for a user without preference among relations; of the evidence form it is
        the same for every user, and a score is its inner product with e_hat_u.
        """
        if self.all_liked:
            return self.model.item_embedding.numpy(), self.catalogue.vectors.numpy()
        before, after = self.model.representation(self.catalogue.picks)
        return before.numpy(), after.numpy()

    # Who is shown what

    def hidden(
        self,
        profile: Profile,
        genres: Iterable[str] = (),
        types: Iterable[str] = (),
        most_likes: int | None = None,
    ) -> np.ndarray:
        """`[I]` bool: items that this user's list leaves out: the history, what is disliked, and with
        `hide_seen` all else that was seen. An item passes with any of `genres` and any of `types`, and with
        at most `most_likes` likes that the model knows; those of 0 are ranked by the graph alone.
        """
        hidden = self.kept_out.copy()
        hidden[self.positions((*profile.history, *profile.disliked))] = True
        if self.hide_seen:
            hidden[self.positions(profile.seen)] = True
        genres, types = set(genres), set(types)
        if genres:
            hidden |= np.array([not genres & set(row) for row in self.directory.genres], dtype=bool)
        if types:
            hidden |= ~self.items["type"].isin(types).to_numpy()
        if most_likes is not None:
            hidden |= self.directory.likes > most_likes
        return hidden

    def held_out(self, profile: Profile) -> np.ndarray:
        """`[I]` bool: the test items of a dataset user."""
        if profile.user_id is None:
            return np.zeros(len(self.items), dtype=bool)
        return np.asarray(self.directory.held_out[self.directory.user(profile.user_id)].toarray()[0] > 0)

    def positions(self, item_ids: Iterable[object]) -> list[int]:
        """The positions of item ids; InputError for an unknown one."""
        return [self.directory.item(i) for i in item_ids]

    def rows(self, positions: Iterable[int]) -> pd.DataFrame:
        """item_id, title, type, genres, likes of items by position."""
        taken, names = np.fromiter(positions, np.int64), ("item_id", "title", "type", "genres", "likes")
        return pd.DataFrame({name: self.items[name].array.take(taken) for name in names})


def as_batch(history: np.ndarray) -> Tensor:
    """One history as `[1, H]`, with a -1 where it is empty."""
    return torch.from_numpy(history if len(history) else np.array([-1]))[None]
