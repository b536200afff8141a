"""Behind the veil no adult item has a name: not in any list, reason, explanation, tie, map or comparison,
however one asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dskreg.explorer import Change, Explorer, InputError
from dskreg.graph.candidates import build
from dskreg.ui.recommendations import rows
from tests.small import SMALL, opened, random_world
from tests.worlds import EVERYTHING

ADULTS = (1, 4, 5)
ITEMS = 12
SECRETS = ("secret", "Hentai")
USER, OTHER = 500, 501


def whole(preset: str) -> Explorer:
    """A world in which items 1, 4 and 5 are adult: they carry the genre Hentai and a studio of their own,
    and are entities themselves.
    """
    dataset = random_world(2, ITEMS)
    titles = [f"secret {n}" if n in ADULTS else f"plain {n}" for n in range(ITEMS)]
    items = dataset.items.assign(
        title=titles, genres=["Action, Hentai" if n in ADULTS else "Action" for n in range(ITEMS)]
    )
    entities = np.array([*dataset.entities[:8], *titles, "Hentai", "secret studio"], dtype=object)
    more = np.array(
        [(n, relation, entity) for n in ADULTS for relation, entity in ((0, 8 + ITEMS), (1, 9 + ITEMS))]
    )
    triples = {
        name: np.r_[getattr(dataset, name), more[:, c].astype(getattr(dataset, name).dtype)]
        for c, name in enumerate(("head", "relation", "tail"))
    }
    entity_item = np.r_[dataset.entity_item, np.array([-1, -1], dtype=np.int32)]
    dataset = replace(dataset, items=items, entities=entities, entity_item=entity_item, **triples)
    return opened(dataset, build(dataset, EVERYTHING), SMALL[preset])


@pytest.fixture(params=SMALL)
def both(request: pytest.FixtureRequest) -> tuple[Explorer, Explorer]:
    explorer = whole(request.param)
    return explorer, explorer.without_adult


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, pd.DataFrame):
        yield from texts(value.reset_index().to_dict("list"))
    elif is_dataclass(value):
        yield from texts([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, dict):
        yield from texts([*value, *value.values()])
    elif isinstance(value, np.ndarray):
        yield from texts(value.tolist())
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def named(value: Any) -> list[str]:
    return [text for text in texts(value) if any(secret in text for secret in SECRETS)]


def answers(explorer: Explorer, item: int) -> Iterator[tuple[str, Any]]:
    """What is said about the user and one item."""
    profile, items = explorer.profile(USER), explorer.items["item_id"].tolist()
    yield "recommend", explorer.with_seen.recommend(explorer.profile(OTHER), ITEMS, diversity=0.3)
    yield "liked", explorer.liked(explorer.edited(profile, items[:6]))
    yield "item", explorer.item(item)
    yield "find", [explorer.find_items(text) for text in ("", "secret", str(item))]
    yield "taste", explorer.taste(profile)
    yield "explain", explorer.explain(profile, item)
    yield "as JSON", json.loads(json.dumps(explorer.explain(profile, item, seed=1).to_json()))
    yield "pairs", [explorer.pair(item, other) for other in items]
    yield "repeat", explorer.repeat(profile, item, 3)
    yield "flow", explorer.flow(profile, item, picks=3 * ITEMS, user_picks=ITEMS)
    yield "entities", [explorer.entities(item), explorer.entities()]
    found = explorer.what_if(
        profile, item, Change(without_titles=profile.history[:1], without_relations=("studio",)), ITEMS
    )
    yield "what if", [found, found.neighbours]
    yield "smallest removal", explorer.smallest_removal(profile)
    yield (
        "rivals",
        [
            explorer.with_seen.rivals.recommend(name, explorer.profile(OTHER), ITEMS)
            for name in ("DSKReG", "popularity", "item-kNN", "EASE")
        ],
    )
    yield "held out", explorer.rivals.held_out(profile)
    yield "neighbours", explorer.maps.similar(item, ITEMS)
    yield "degrees", explorer.degrees
    yield "people", [explorer.tastes.find(), explorer.tastes.presets(), explorer.genres]


def test_no_adult_title_is_named_whatever_is_asked(both: tuple[Explorer, Explorer]) -> None:
    bare, veiled = both
    seen = set()
    for item in (100, 101):  # a plain item and an adult one
        assert not {what: named(said) for what, said in answers(veiled, item) if named(said)}
        seen |= {what for what, said in answers(bare, item) if named(said)}
    assert seen >= {
        "recommend",
        "liked",
        "item",
        "find",
        "explain",
        "as JSON",
        "pairs",
        "repeat",
        "flow",
        "entities",
        "what if",
        "rivals",
        "degrees",
    }


def test_the_lists_of_all_users_leave_adult_titles_out(both: tuple[Explorer, Explorer]) -> None:
    bare, veiled = both
    adult = set(bare.items["item_id"].iloc[list(ADULTS)])
    lists = pd.concat(veiled.lists(ITEMS))
    assert set(pd.concat(bare.lists(ITEMS))["item_id"]) & adult and not set(lists["item_id"]) & adult
    for user in veiled.user_ids:
        assert (
            lists[lists["user_id"] == user]["item_id"].tolist()
            == veiled.recommend(veiled.profile(user), ITEMS)["item_id"].tolist()
        )


def test_the_veil_changes_no_number_and_what_has_no_name_cannot_be_cut(
    both: tuple[Explorer, Explorer],
) -> None:
    bare, veiled = both
    profile = bare.profile(USER)
    np.testing.assert_array_equal(bare.scores(profile), veiled.scores(profile))
    for relation, entity in (
        ("genre", "Hentai"),
        ("studio", "secret studio"),
        ("studio", "(adult)"),
        ("genre", "(adult)"),
    ):
        with pytest.raises(InputError, match="unknown entity"):
            veiled.what_if(profile, 100, Change(without_entities=((relation, entity),)))
    assert bare.what_if(profile, 101, Change(without_entities=(("genre", "Hentai"),))).touched
    assert set(veiled.entities()["entity"]) == {
        entity for entity in bare.entities()["entity"] if not named(entity)
    }


def test_the_row_below_a_list_has_no_item_without_a_name(
    both: tuple[Explorer, Explorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LEAST", 1)
    named = []
    for explorer in both:
        profile = explorer.profile("502")  # who has seen no adult item
        found = [rows.related(explorer, profile, 100 + n, set()) for n in range(ITEMS) if n not in ADULTS]
        named.append(set(pd.concat(found)["item_id"]) & {100 + n for n in ADULTS})
    assert named[0] and not named[1]


def test_what_others_carry_too_keeps_its_name(both: tuple[Explorer, Explorer]) -> None:
    bare, veiled = both
    shared = set(bare.core.directory.dataset.entities[:8])
    assert shared <= set(veiled.core.directory.entities)
