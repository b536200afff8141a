"""The smallest set of a user's own items whose removal displaces a recommendation: the first one, after
PRINCE (Ghazimatin et al., WSDM 2020), or any other from the top N of the list.

A set S displaces an item from the top N when, by the model, N other items are ahead of it for the history
without S; N = 1 for the first recommendation. At least one item stays: without any, nothing would be known
of the user. What is removed stays seen, so it never replaces anything. Sizes 1, 2, ... are tried in turn,
all sets of a size against the whole catalogue as long as the budget lasts; the next sizes, where there are
few sets, against the items that are nearest to the top; and beyond that, for each of the nearest
rivals, the items that contribute most to the lead over that rival, one after the other, shrunk until no
item can be spared. Whatever is reported was found by the model on the whole catalogue.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from dskreg.evaluation.ranking import ranks, require_length
from dskreg.explain.attribution import history_contributions
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

BUDGET = 3_000_000  # (set, title) scores in which all sets of a size are tried on the whole catalogue
# Sets of one size, and the items nearest to the first place against which they are tried
SCREENED, NEAREST = 2_000, 256
TAKEN = 300_000  # items in all the histories of one size: long histories cost too
RIVALS = 10  # items that the greedy search tries to bring to the first place
BLOCK = 400_000  # (set, title) scores at once: bounds the memory


@dataclass(frozen=True)
class Counterfactual:
    """A smallest set of items whose removal displaces a recommendation from the `top` of the list, or the
    result that none was found.

    `first`: the item, which is the first recommendation unless another one was asked for; `replacement`: the
    best item that comes into the top for it. Those before are for the whole history, those after
    without the set (not a number, and 0, where none was found).
    """

    found: bool
    first: Any  # id of the item; None where there is nothing to recommend
    first_title: str
    removed: tuple[Any, ...] = ()
    replacement: Any = None
    replacement_title: str = ""
    first_before: float = math.nan
    first_after: float = math.nan
    replacement_before: float = math.nan
    replacement_after: float = math.nan
    # Every smaller set was tried on the whole catalogue; where none was found: every set that leaves an item
    proven: bool = False
    complete: int = 0  # all sets of up to so many items were tried on the whole catalogue
    most: int = 0  # larger sets were not looked for
    tried: int = 0  # sets given to the model
    top: int = 1
    # 0: the item is left out of the list; above `top`: it is not there, so that nothing can displace it
    rank_before: int = 0
    rank_after: int = 0


def smallest_removal(
    core: TrainedModel, profile: Profile, most: int, item_id: object = None, top: int = 1
) -> Counterfactual:
    """Look for a set of at most `most` items of the history that displaces the item from the `top` best.

    Of several smallest ones, the one after which it is furthest behind. Without an item: the first one.
    """
    require_length(top)
    search = Search(core, profile, None if item_id is None else core.directory.item(item_id), top)
    if search.first < 0:
        return Counterfactual(False, None, "", most=most, top=top)
    if search.rank[search.first] > top or search.first not in search.shown:
        return search.result(None, 0, most)
    largest = min(most, len(search.history) - 1)
    found: tuple[int, ...] | None = None
    complete, spent = 0, 0
    for size in range(1, largest + 1):
        count = math.comb(len(search.history), size)
        spent += count * len(search.shown)
        if spent > BUDGET or count * len(search.history) > TAKEN:
            break
        found = search.best(search.sets(size), search.shown)
        if found:
            break
        complete = size
    if not found and complete < largest:
        found = search.screen(complete, largest) or search.greedy(complete, largest)
    return search.result(found, complete, most)


class Search:
    """One user's search: sets are tuples of places in the history, items are positions."""

    def __init__(self, core: TrainedModel, profile: Profile, item: int | None = None, top: int = 1) -> None:
        self.core, self.profile, self.top = core, profile, top
        self.user, self.history = core.history(profile)
        self.shown = np.flatnonzero(~core.hidden(profile))
        self.score = core.scores(profile)
        self.rank = self._ranks(profile, self.score)
        self.order = self.shown[np.argsort(self.rank[self.shown])]
        self.first = item if item is not None else int(self.order[0]) if len(self.order) else -1
        self.tried = 0

    def sets(self, size: int) -> np.ndarray:
        """All sets of this size, `[B, size]`."""
        return np.array(list(itertools.combinations(range(len(self.history)), size)))

    def best(self, sets: np.ndarray, titles: np.ndarray) -> tuple[int, ...] | None:
        """Of the sets `[B, s]` that displace the item among `titles`, the one that leaves it furthest
        behind; None where none does.
        """
        if not len(sets):
            return None
        lead = self._lead(sets, titles)
        for n in np.argsort(-lead, kind="stable"):
            if not lead[n] >= 0:
                break
            if self.without(sets[n])[0][self.first] > self.top:  # the model's own full pass decides
                return tuple(sets[n].tolist())
        return None

    def screen(self, complete: int, largest: int) -> tuple[int, ...] | None:
        """All sets of the sizes that are small enough, against the items nearest to the top."""
        nearest = np.sort(self.order[: NEAREST + self.top])
        for size in range(complete + 1, largest + 1):
            count = math.comb(len(self.history), size)
            if count > SCREENED or count * len(self.history) > TAKEN:
                return None
            if found := self.best(self.sets(size), nearest):
                return found
        return None

    def greedy(self, complete: int, largest: int) -> tuple[int, ...] | None:
        """For each rival the items that contribute most to the lead over it; the shortest prefix that
        displaces the item, made minimal.
        """
        rivals = self.order[self.top : self.top + RIVALS]
        if not len(rivals):
            return None
        # [rivals, largest]
        ordered = np.argsort(-self._lead_contributions(rivals), axis=0, kind="stable")[:largest].T
        for size in range(complete + 1, largest + 1):
            if found := self.best(np.unique(np.sort(ordered[:, :size], axis=1), axis=0), self.shown):
                return self._shrunk(found, complete)
        return None

    def _shrunk(self, found: tuple[int, ...], complete: int) -> tuple[int, ...]:
        """The set without the items that it can spare."""
        while len(found) - 1 > complete:
            smaller = self.best(np.array(list(itertools.combinations(found, len(found) - 1))), self.shown)
            if smaller is None:
                break
            found = smaller
        return found

    def _lead_contributions(self, rivals: np.ndarray) -> np.ndarray:
        """`[H, rivals]`: what each item of the history adds to the item's score, less what it adds to the
        rival's.
        """
        items = torch.from_numpy(np.r_[self.first, rivals])
        trace = self.core.model(torch.tensor([self.user]), torch.from_numpy(self.history)[None], items)
        added = history_contributions(self.core.model, trace, items, torch.from_numpy(self.history)).numpy()
        return added[:, :1] - added[:, 1:]

    def _lead(self, sets: np.ndarray, titles: np.ndarray) -> np.ndarray:
        """`[B]`: by how much the N-th of the other ascending `titles` leads over the item once the set is
        gone; -inf where it stays in the top N.
        """
        self.tried += len(sets)
        model, catalogue, rows = self.core.model, self.core.catalogue, titles
        if 2 * len(titles) < len(catalogue.items):
            catalogue, rows = catalogue.part(torch.from_numpy(titles)), np.arange(len(titles))
        place = int(np.searchsorted(titles, self.first))
        lead = np.empty(len(sets))
        step = max(1, BLOCK // max(len(titles), len(self.history)))
        for start in range(0, len(sets), step):
            histories = self._histories(sets[start : start + step])
            with torch.no_grad():
                user = model.encode(torch.full((len(histories),), self.user), histories)
                score = catalogue.scores(user).numpy()[rows]  # [N, b]
            own, others = score[place], np.delete(score, place, axis=0)
            if len(others) < self.top:
                lead[start : start + step] = -np.inf
                continue
            nth = np.partition(others, len(others) - self.top, axis=0)[len(others) - self.top]
            # Of equal ones the first, as in the lists
            ahead = (others > own).sum(0) + (others[:place] == own).sum(0)
            lead[start : start + step] = np.where(ahead < self.top, -np.inf, nth - own)
        return lead

    def _histories(self, sets: np.ndarray) -> torch.Tensor:
        """The history without each of the sets, `[B, H - s]`."""
        kept = np.ones((len(sets), len(self.history)), dtype=bool)
        np.put_along_axis(kept, sets, False, axis=1)
        return torch.from_numpy(np.broadcast_to(self.history, kept.shape)[kept].reshape(len(sets), -1))

    def without(self, chosen: np.ndarray | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """(ranks `[I]`, scores `[I]`) without the chosen, by the pass that makes the lists."""
        out = set(np.asarray(chosen).tolist())
        history = tuple(title for n, title in enumerate(self.profile.history) if n not in out)
        then = replace(self.profile, history=history)
        score = self.core.scores(then)
        return self._ranks(then, score), score

    def _ranks(self, profile: Profile, score: np.ndarray) -> np.ndarray:
        shown = np.zeros(len(score), dtype=bool)
        shown[self.shown] = True
        return ranks(self.core.order(profile, score), shown)

    def result(self, found: tuple[int, ...] | None, complete: int, most: int) -> Counterfactual:
        """The search's outcome with ids and names."""
        ids, titles = self.core.directory.item_ids, self.core.directory.titles
        listed = bool(np.isin(self.first, self.shown))
        known: dict[str, Any] = {
            "first": ids[self.first],
            "first_title": str(titles[self.first]),
            "complete": complete,
            "most": most,
            "tried": self.tried,
            "top": self.top,
            "rank_before": int(self.rank[self.first]) if listed else 0,
        }
        if found is None:
            return Counterfactual(
                False,
                first_before=float(self.score[self.first]),
                proven=complete >= len(self.history) - 1 and 0 < known["rank_before"] <= self.top,
                **known,
            )
        rank, after = self.without(found)
        entered = self.shown[(rank[self.shown] <= self.top) & (self.rank[self.shown] > self.top)]
        other = int(entered[rank[entered].argmin()])
        return Counterfactual(
            True,
            removed=tuple(self.profile.history[n] for n in found),
            replacement=ids[other],
            replacement_title=str(titles[other]),
            first_before=float(self.score[self.first]),
            first_after=float(after[self.first]),
            replacement_before=float(self.score[other]),
            replacement_after=float(after[other]),
            rank_after=int(rank[self.first]),
            proven=complete >= len(found) - 1,
            **known,
        )
