"""The part of the Explorer that explains: questions about one user and one item.

Each question has a module of its own and goes through the same read-only `TrainedModel`; this module holds
their signatures and checks their settings. Explorer inherits from `Explainer` instead of forwarding to a
member: every question then has one signature and one docstring, which `help(Explorer)` shows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from dskreg.errors import InputError
from dskreg.evaluation.ranking import ranks
from dskreg.explain import lists
from dskreg.explain.explanation import Explanation, explain
from dskreg.explain.whatif import Change, Counterfactual, WhatIf
from dskreg.model.sampling import DrawSettings
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

if TYPE_CHECKING:
    from dskreg.explain.draws import ListSamples, Repeats, Stability
    from dskreg.explain.entity import Entity, Relation
    from dskreg.explain.pairs import Pair


class Explainer:
    """Explanations, repeated draws and what-ifs.

    defaults: picks, user_picks and temperature of the model
    """

    def __init__(self, core: TrainedModel) -> None:
        self.core, model = core, core.artifact.config.model
        self.defaults = {
            "picks": model.picks,
            "user_picks": model.user_picks,
            "temperature": model.temperature,
        }

    def explain(
        self,
        profile: Profile,
        item_id: object,
        seed: int | None = None,
        picks: int | None = None,
        user_picks: int | None = None,
        temperature: float | None = None,
        cold_boost: float | None = None,
    ) -> Explanation:
        """Everything about one user and one item.

        Args:
            profile: Whose recommendation is explained.
            item_id: The item.
            seed: Of the Gumbel noise; None: no noise, the largest logits are picked.
            picks: Neighbours sampled for the item; None: as in training.
            user_picks: Items sampled from the history of the paper's form, None: as in training; the
                evidence form takes all.
            temperature: Of the relaxed weights that are shown beside the picks; None: as in training.
            cold_boost: How far an item without likes may rise; None: as chosen on validation.

        Raises:
            InputError: An unknown item, or a setting out of range.
        """
        settings = self._settings(seed, picks, user_picks, temperature)
        core = self.core.boosted(cold_boost)
        user, history = core.history(profile)
        item = core.directory.item(item_id)
        return explain(core, profile, item, core.trace(user, history, item, settings), settings)

    def sampled(self, profile: Profile, item_ids: Iterable[object]) -> pd.DataFrame:
        """item_id, neighbour_id, title, relation, via, contribution: the neighbours that are sampled for
        these items without noise, the largest key first. InputError for an unknown item.
        """
        return lists.sampled(self.core, profile, item_ids)

    def pair(self, one: object, other: object) -> Pair:
        """What two items have in common: shared entities, users, cosines (dskreg/explain/pairs.py).

        Raises InputError.
        """
        from dskreg.explain.pairs import pair

        return pair(self.core, one, other)

    def _settings(
        self,
        seed: int | None = None,
        picks: int | None = None,
        user_picks: int | None = None,
        temperature: float | None = None,
    ) -> DrawSettings:
        """The settings, the model's own where None; InputError for a value out of range."""
        given = {"picks": picks, "user_picks": user_picks, "temperature": temperature}
        for name, value in given.items():
            if value is not None and not value > 0:
                raise InputError(f"{name}: expected more than 0 (got {value})")
        if seed is not None and not 0 <= seed < 2**62:
            raise InputError(f"seed: expected a whole number from 0 to 2^62 (got {seed})")
        model = self.core.artifact.config.model
        return DrawSettings(
            seed, picks or model.picks, user_picks or model.user_picks, temperature or model.temperature
        )

    def repeat(
        self,
        profile: Profile,
        item_id: object,
        count: int,
        seed: int = 0,
        picks: int | None = None,
        user_picks: int | None = None,
    ) -> Repeats:
        """The draws of `count` seeds from `seed` on: how often each candidate was drawn, and each draw's
        score (dskreg/explain/draws.py).
        """
        from dskreg.explain.draws import repeat

        return repeat(self.core, profile, item_id, count, self._settings(seed, picks, user_picks))

    def list_samples(
        self,
        profile: Profile,
        item_id: object,
        count: int,
        seed: int = 0,
        top: int = 10,
        picks: int | None = None,
        user_picks: int | None = None,
    ) -> ListSamples:
        """Samples of the whole list with `count` seeds from `seed` on, for `stability`."""
        from dskreg.explain.draws import list_samples

        seeds = range(seed, seed + count)
        return list_samples(self.core, profile, item_id, seeds, top, self._settings(seed, picks, user_picks))

    def stability(
        self,
        profile: Profile,
        item_id: object,
        samples: Sequence[ListSamples],
        picks: int | None = None,
        user_picks: int | None = None,
    ) -> Stability:
        """What other samples would change: the item's rank, the top of the list, the item's neighbours
        (dskreg/explain/draws.py).
        """
        from dskreg.explain.draws import stability

        return stability(self.core, profile, item_id, samples, self._settings(0, picks, user_picks))

    def flow(
        self, profile: Profile, item_id: object, sources: int | None = None, **settings: Any
    ) -> pd.DataFrame:
        """The score as a sum over pairs (a liked item, a term of the score); `settings` as for `explain`
        (dskreg/explain/attribution.py).

        `sources`: how many liked items keep rows of their own, the others together.
        """
        from dskreg.explain.attribution import flow, strongest

        whole = flow(self.core, profile, item_id, self._settings(**settings))
        return whole if sources is None else strongest(whole, sources)

    def relaxed_score(self, profile: Profile, item_id: object, **settings: Any) -> float:
        """The score with the relaxed weights of training in the place of the picks; `settings` as for
        `explain` (dskreg/explain/draws.py).
        """
        from dskreg.explain.draws import relaxed_score

        return relaxed_score(self.core, profile, item_id, self._settings(**settings))

    def what_if(self, profile: Profile, item_id: object, change: Change, top: int = 10) -> WhatIf:
        """The item's score and rank, and the list, after a change (dskreg/explain/whatif.py).

        Raises InputError.
        """
        from dskreg.explain.whatif import what_if

        return what_if(self.core, profile, item_id, change, top)

    def entities(self, item_id: object = None) -> pd.DataFrame:
        """relation, entity, titles (that carry it), candidates (of this item through it): what a what-if can
        remove; all entities without an item.
        """
        from dskreg.explain.whatif import entities

        return entities(self.core, item_id)

    def entity(self, relation: str, name: str) -> Entity:
        """The items that carry one entity, and the sampled neighbours that it connects
        (dskreg/explain/entity.py); InputError where there is no such entity.
        """
        from dskreg.explain.entity import entity

        return entity(self.core, relation, name)

    def relation(self, profile: Profile, name: str, top: int = 10) -> Relation:
        """What one relation connects and adds to a user's scores (dskreg/explain/entity.py); InputError
        where there is no such relation.
        """
        from dskreg.explain.entity import relation

        return relation(self.core, profile, name, top)

    def ranks(self, profile: Profile) -> pd.Series:
        """Every item's rank among those that can be recommended, by item_id; of another item the rank that it
        would have.
        """
        by = self.core.order(profile, self.core.scores(profile))
        return pd.Series(ranks(by, ~self.core.hidden(profile)), index=self.core.items["item_id"])

    # Who is shown what

    @property
    def hide_seen(self) -> bool:
        """Do lists and ranks leave out whatever a user has seen?"""
        return self.core.hide_seen

    @cached_property
    def with_seen(self) -> Self:
        """The same model; lists and ranks leave out a user's history and dislikes alone, so that held-out
        items can be listed.
        """
        if not self.hide_seen:
            return self
        other = copy.copy(self)
        for name in ("rivals", "without_adult"):  # they rank
            other.__dict__.pop(name, None)
        other.core = copy.copy(self.core)
        other.core.__dict__.pop("without_adult", None)
        other.core.hide_seen = False
        return other

    def unlisted(self, profile: Profile) -> set[Any]:
        """Ids of what this user's lists leave out, whatever the filters: the history, what is disliked and,
        with `hide_seen`, all that was seen.
        """
        return {*(profile.seen if self.hide_seen else profile.history), *profile.history, *profile.disliked}

    def left_out(self, profile: Profile) -> dict[str, int]:
        """How many items this user's lists leave out: history, seen (without the history), held_out (of
        these) and disliked.
        """
        return lists.left_out(self.core, profile)

    def smallest_removal(
        self, profile: Profile, most: int = 5, item_id: object = None, top: int = 1
    ) -> Counterfactual:
        """The fewest of the user's items whose removal takes an item off the `top` of the list, and what
        comes in its place (dskreg/explain/counterfactual.py); without an item, of the first recommendation.
        """
        from dskreg.explain.whatif import smallest_removal

        return smallest_removal(self.core, profile, most, item_id, top)
