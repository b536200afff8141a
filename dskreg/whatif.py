"""What if something were gone, or came: recomputed by the same model, never approximated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from dskreg.explanation import Explanation
from dskreg.opened import Opened
from dskreg.people import Profile


@dataclass(frozen=True)
class Change:
    """What is taken away, and what is added."""

    without_titles: tuple[Any, ...] = ()  # of the person's history
    with_titles: tuple[Any, ...] = ()  # added to the history
    without_neighbours: tuple[tuple[Any, str], ...] = ()  # (title id, relation): candidates of the title under inspection
    without_entities: tuple[tuple[str, str], ...] = ()  # (relation, entity), everywhere in the graph
    without_relations: tuple[str, ...] = ()  # everywhere in the graph


@dataclass(frozen=True)
class WhatIf:
    """Before and after a change."""

    before: Explanation
    after: Explanation
    moves: pd.DataFrame


@dataclass(frozen=True)
class Counterfactual:
    """A smallest set of titles whose removal displaces the first recommendation."""

    removed: tuple[Any, ...]


def what_if(core: Opened, profile: Profile, item_id: object, change: Change, top: int) -> WhatIf:
    """The change's effect."""
    raise NotImplementedError


def smallest_removal(core: Opened, profile: Profile, most: int) -> Counterfactual:
    """The smallest removal."""
    raise NotImplementedError
