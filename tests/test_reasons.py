"""The sentence of a reason: its parts, and its names compared with the explanation of the same score."""

from __future__ import annotations

import re

import pytest

from dskreg.explain.reasons import SECOND, TOLD, in_words, named
from dskreg.explorer import Explorer
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        ([("“A”", False)], "“A”"),
        ([("“A”", True)], "“A”, which you liked"),
        ([("“A”", False), ("“B”", False)], "“A” and “B”"),
        ([("“A”", True), ("“B”", True)], "“A” and “B”, which you liked"),
        ([("“A”", False), ("“B”", True)], "“B”, which you liked, and “A”"),
    ],
)
def test_liked_titles_are_marked_as_liked(titles: list[tuple[str, bool]], expected: str) -> None:
    assert named(titles) == expected


def test_relations_and_entities_in_words() -> None:
    assert in_words("genre", "Mecha", "Space", titles="“A”") == "genre Mecha and Space (as “A”)"
    assert in_words("franchise", "Gundam", titles="“A”") == "the same franchise as “A”"
    assert in_words("studio", titles="“A”") == "studio to “A”"


def test_a_reason_names_the_largest_contributions_of_the_explanation(explorer: Explorer) -> None:
    profile, seen = explorer.profile(17), set()
    for row in explorer.recommend(profile, 10).itertuples():
        because, _, through = str(row.reason).partition("; sampled through ")
        explanation = explorer.explain(profile, row.item_id)
        items = explanation.item_neighbours
        assert re.findall("“(.*?)”", because)[0] == explanation.liked["title"].iloc[0]
        sampled = items[items["picked"]].sort_values("contribution", ascending=False)
        least = SECOND * sampled["contribution"].max()
        strongest = sampled[(sampled["contribution"] > 0) & (sampled["contribution"] >= least)].head(2)
        said = re.findall(
            "“(.*?)”", because if re.search(r"\b(it|these two)\b", re.sub("“.*?”", "", through)) else through
        )
        told = explanation.neighbour_share >= TOLD
        assert set(said) == (set(strongest["title"]) if told else set()) and bool(through) == told
        seen.add(told)
    assert seen == {True, False}
