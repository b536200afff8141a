"""The reason's sentence: its parts by hand, and what it names beside the explanation of the same score."""

from __future__ import annotations

import re

import pytest

from dskreg.data.dataset import CO_LIKED
from dskreg.explain.reasons import SECOND, named, tie
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
def test_the_mark_stands_with_the_titles_it_means(titles: list[tuple[str, bool]], expected: str) -> None:
    assert named(titles) == expected


def test_ties_in_words() -> None:
    assert tie("genre", "Mecha", "Space", titles="“A”") == "genre Mecha and Space (as “A”)"
    assert tie("franchise", "Gundam", titles="“A”") == "the same franchise as “A”"
    assert tie(CO_LIKED, titles="these two") == "these two (liked by the same viewers)"
    assert tie("studio", titles="“A”") == "studio to “A”"


def test_a_sentence_names_what_adds_most_in_the_explanation(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    for row in explorer.recommend(profile, 10).itertuples():
        because, _, through = str(row.reason).partition("; drawn through ")
        explanation = explorer.explain(profile, row.item_id)
        users, items = explanation.user_neighbours, explanation.item_neighbours
        added = users["base_contribution"].fillna(0) + users["contribution"].where(users["picked"], 0)
        top = users.loc[added.sort_values(ascending=False).index[:2], "title"].tolist()
        assert re.findall("“(.*?)”", because)[0] == top[0]
        drawn = items[items["picked"]].sort_values("contribution", ascending=False)
        near = drawn[
            (drawn["contribution"] > 0) & (drawn["contribution"] >= SECOND * drawn["contribution"].max())
        ].head(2)
        said = re.findall(
            "“(.*?)”", because if re.search(r"\b(it|these two)\b", re.sub("“.*?”", "", through)) else through
        )
        assert set(said) == set(near["title"])
