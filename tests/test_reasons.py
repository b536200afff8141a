"""The reason for a recommendation: its words, and its names against the explanation of the same score."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from dskreg.explain.reasons import COMMONEST, SECOND, TOLD, WIDESPREAD, linked
from dskreg.explorer import Explorer
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def test_what_titles_share_in_words() -> None:
    assert linked("studio", "“A” and “B”", "Bones") == "Shares studio Bones with “A” and “B”."
    assert linked("studio", "“A”", "Studio Pierrot") == "Shares Studio Pierrot with “A”."
    assert linked("franchise", "“A”", "Gundam") == "Same franchise as “A”."
    assert linked("sequel", "“A”") == "Linked to “A” by sequel."


def test_a_reason_names_the_largest_contributions_of_the_explanation(explorer: Explorer) -> None:
    profile, seen = explorer.profile(17), set()
    for row in explorer.recommend(profile, 20).itertuples():
        similar, _, through = str(row.reason).partition(", which user 17 liked.")
        explanation = explorer.explain(profile, row.item_id)
        liked = explanation.liked
        assert re.findall("“(.*?)”", similar)[0] == liked["title"].iloc[0]
        assert row.because == liked["item_id"].iloc[0]
        told = explanation.neighbour_share >= TOLD
        assert bool(through) == told
        if told:
            items = explanation.item_neighbours
            sampled = items[items["picked"]].sort_values("contribution", ascending=False)
            least = SECOND * sampled["contribution"].max()
            strongest = sampled[sampled["contribution"] >= least].head(2)
            assert set(re.findall("“(.*?)”", through)) <= set(strongest["title"])
        seen.add(told)
    assert seen == {True, False}


def carriers_of(explorer: Explorer, relation: str) -> dict[str, int]:
    """{entity: number of titles that carry it}."""
    directory = explorer.core.directory
    degree = np.asarray(directory.carriers(relation).sum(0)).ravel()
    return {str(directory.entities[e]): int(degree[e]) for e in np.flatnonzero(degree)}


def test_a_reason_names_the_most_specific_shared_entity_and_never_the_commonest(explorer: Explorer) -> None:
    """Franchise and studio before genre; the two commonest genres, or what a fifth carries, never."""
    named = set()
    for user in (3, 17, 34):
        profile = explorer.profile(user)
        for row in explorer.recommend(profile, 30).itertuples():
            _, _, through = str(row.reason).partition(" liked. ")
            if not through:
                continue
            titles = set(re.findall("“(.*?)”", through))
            items = explorer.explain(profile, row.item_id).item_neighbours
            sampled = items[items["picked"]].sort_values("contribution", ascending=False)
            sampled = sampled[sampled["contribution"] >= SECOND * sampled["contribution"].max()].head(2)
            shared = {
                (carriers_of(explorer, relation)[entity], relation, entity): neighbours
                for relation, words in zip(sampled["relation"], sampled["via"], strict=True)
                for entity in words
                if entity not in explorer.genres[:COMMONEST]
                and carriers_of(explorer, relation)[entity] <= WIDESPREAD * len(explorer.items)
                for neighbours in [set(sampled["title"][[entity in via for via in sampled["via"]]])]
            }
            if not shared:
                assert through.startswith("Linked to")
                continue
            fewest = min(count for count, *_ in shared)
            assert through in {
                linked(relation, ours, entity)
                for (count, relation, entity), neighbours in shared.items()
                if count == fewest and neighbours == titles
                for ours in (through.partition(" with " if " with “" in through else " as ")[2][:-1],)
            }
            named.add(through.split()[0])
    assert named == {"Shares", "Same"}


def test_a_reason_speaks_of_a_user_by_name_and_to_the_visitor(explorer: Explorer) -> None:
    def first(profile: object) -> str:
        return str(explorer.recommend(profile, 1)["reason"].iloc[0])  # type: ignore[arg-type]

    user, own = explorer.profile(34), explorer.profile_of(["36", "1"])
    assert ", which user 34 liked." in first(user) and " you " not in first(user)
    assert ", which user 34 (edited) liked." in first(explorer.edited(user, liked=[36]))
    assert ", which you liked." in first(own)
    nothing = replace(own, history=())
    assert "Similar" not in first(nothing)
