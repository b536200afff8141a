"""The part of the Explorer that explains: questions about one user and one item.

Each question has a module of its own and goes through the same read-only `TrainedModel`; here stand their
names and what their settings may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from dskreg.errors import InputError
from dskreg.explain.explanation import Explanation, explain
from dskreg.explain.whatif import Change, Counterfactual, WhatIf
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

if TYPE_CHECKING:
    from dskreg.explain.draws import Repeats
    from dskreg.explain.pairs import Pair


class Questions:
    """Explanations, repeated draws and what-ifs."""

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
    ) -> Explanation:
        """Everything about one user and one item.

        Seed None: no noise, the largest logits are picked. Raises InputError.
        """
        settings = self._settings(seed, picks, user_picks, temperature)
        user, history = self.core.history(profile)
        item = self.core.directory.item(item_id)
        trace = self.core.trace(user, history, item, seed, settings)
        items = torch.tensor([item])
        base, gain = self.core.model.history_contributions(trace, items, torch.from_numpy(history))
        settings |= {"activation": self.core.artifact.config.model.activation, "seed": seed}
        return explain(
            self.core.directory,
            self.core.graph,
            trace,
            profile.user_id,
            history,
            item,
            base[:, 0].numpy(),
            gain[:, 0].numpy(),
            settings,
        )

    def pair(self, one: object, other: object) -> Pair:
        """What two items have in common: shared entities, users, cosines (dskreg/explain/pairs.py).

        Raises InputError.
        """
        from dskreg.explain.pairs import pair

        return pair(self.core, one, other)

    def _settings(
        self, seed: int | None, picks: int | None, user_picks: int | None, temperature: float | None
    ) -> dict[str, Any]:
        """picks, user_picks and temperature, the model's own where None; InputError for what cannot be."""
        given = {"picks": picks, "user_picks": user_picks, "temperature": temperature}
        for name, value in given.items():
            if value is not None and not value > 0:
                raise InputError(f"{name}: expected more than 0 (got {value})")
        if seed is not None and not 0 <= seed < 2**62:
            raise InputError(f"seed: expected a whole number from 0 to 2^62 (got {seed})")
        return {name: value or self.defaults[name] for name, value in given.items()}

    def repeat(
        self,
        profile: Profile,
        item_id: object,
        count: int,
        seed: int = 0,
        picks: int | None = None,
        user_picks: int | None = None,
    ) -> Repeats:
        """The draws of the seeds `seed` ..

        `seed + count - 1` at once: how often each candidate was drawn, and each draw's score
        (dskreg/explain/draws.py).
        """
        from dskreg.explain.draws import repeat

        return repeat(self.core, profile, item_id, count, seed, self._settings(seed, picks, user_picks, None))

    def flow(
        self, profile: Profile, item_id: object, sources: int | None = None, **settings: Any
    ) -> pd.DataFrame:
        """The score as a sum over pairs (a liked item, a part of the item), which add up to the whole;
        `settings` as for `explain` (dskreg/explain/attribution.py).

        `sources`: how many liked items keep rows of their own, the others together.
        """
        from dskreg.explain.attribution import flow, strongest

        given = {"seed": None, "picks": None, "user_picks": None} | settings
        whole = flow(self.core, profile, item_id, given["seed"], self._settings(**given, temperature=None))
        return whole if sources is None else strongest(whole, sources)

    def relaxed_score(self, profile: Profile, item_id: object, **settings: Any) -> float:
        """The score with the relaxed weights of training in the place of the picks; `settings` as for
        `explain` (dskreg/explain/draws.py).
        """
        from dskreg.explain.draws import relaxed_score

        given = {"seed": None, "picks": None, "user_picks": None, "temperature": None} | settings
        return relaxed_score(self.core, profile, item_id, given["seed"], self._settings(**given))

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

    def smallest_removal(self, profile: Profile, most: int = 5) -> Counterfactual:
        """The fewest of the user's items whose removal displaces the first recommendation, and what
        replaces it (dskreg/explain/whatif.py).
        """
        from dskreg.explain.whatif import smallest_removal

        return smallest_removal(self.core, profile, most)
