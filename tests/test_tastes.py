"""Finding users: every column and order compared with the definitions on the hand-drawn world."""

from collections import Counter
from dataclasses import replace
from math import log2

import numpy as np
import pytest

from dskreg.data.dataset import Dataset
from dskreg.serving.directory import Directory
from dskreg.serving.tastes import ORDERS, PAIRS, Tastes
from tests.worlds import checkerboard, hand_drawn

GENRES = ["Mecha, Space", "Mecha, Space", "Space", "Cooking", ""]  # of A to E, as the drawing has them
# Training, validation and what lies outside the core; not the held-out E
LIKES = {500: "ABC", 501: "ABD", 502: "CD"}
FANS = {"A": 2, "B": 2, "C": 0, "D": 2, "E": 0}  # in training


def with_genres(dataset: Dataset, genres: list[str]) -> Dataset:
    return replace(dataset, items=dataset.items.assign(genres=genres))


@pytest.fixture
def tastes() -> Tastes:
    return Tastes(Directory(with_genres(hand_drawn(), GENRES)))


def test_the_table_counts_liked_and_seen_items(tastes: Tastes) -> None:
    table = tastes.find().set_index("user_id")
    assert table["liked"].to_dict() == {500: 3, 501: 3, 502: 2}
    assert table["seen"].to_dict() == {500: 3, 501: 4, 502: 3}


def test_rarity_is_the_mean_self_information_of_the_likes(tastes: Tastes) -> None:
    for user, titles in LIKES.items():
        bits = [log2(3 / max(FANS[title], 1)) for title in titles]
        assert tastes.find(str(user))["rarity"].item() == pytest.approx(sum(bits) / len(bits))


def test_liking_only_what_all_users_like_has_rarity_zero() -> None:
    alike = replace(
        hand_drawn(),
        user=np.arange(3, dtype=np.int32),
        item=np.zeros(3, np.int32),
        liked=np.ones(3, bool),
        fold=np.zeros(3, np.int8),
    )
    assert Tastes(Directory(alike)).rarity.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("id", [500, 501, 502]), ("most likes", [500, 501, 502]), ("fewest likes", [502, 500, 501])],
)
def test_users_are_sorted_and_ties_keep_the_order_of_the_data(
    tastes: Tastes, order: str, expected: list[int]
) -> None:
    assert tastes.find(order=order)["user_id"].tolist() == expected


def test_most_unusual_and_most_typical_are_opposite_orders(tastes: Tastes) -> None:
    unusual = tastes.find(order="most unusual")
    assert unusual["rarity"].is_monotonic_decreasing
    assert sorted(unusual["rarity"]) == tastes.find(order="most typical")["rarity"].tolist()


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_lists_the_same_users(tastes: Tastes, order: str) -> None:
    assert set(tastes.find(order=order)["user_id"]) == set(LIKES)


def test_the_prefix_and_the_number_of_likes_narrow_the_search(tastes: Tastes) -> None:
    assert tastes.find("50")["user_id"].tolist() == [500, 501, 502]
    assert tastes.find(" 501 ")["user_id"].tolist() == [501]
    assert tastes.find("1").empty
    assert tastes.find(least=3)["user_id"].tolist() == [500, 501]
    assert tastes.find(most=2)["user_id"].tolist() == [502]
    assert len(tastes.find(limit=1)) == 1


def test_users_who_love_a_genre_have_it_and_users_who_avoid_it_do_not(tastes: Tastes) -> None:
    assert tastes.find(loves="Cooking")["user_id"].tolist() == [501, 502]
    assert tastes.find(avoids="Cooking")["user_id"].tolist() == [500]
    assert tastes.find(loves="Mecha", avoids="Cooking")["user_id"].tolist() == [500]
    assert tastes.find(loves="Space", avoids="Space").empty


def test_the_share_of_a_genre_counts_at_least_ten_likes() -> None:
    # (user, likes, likes of Mecha): half of twelve is a larger share than all of three
    likes = [(0, 12, 6), (1, 3, 3)]
    user = np.repeat([0, 1], [12, 3]).astype(np.int32)
    item = np.concatenate([np.arange(count) for _, count, _ in likes]).astype(np.int32)
    world = checkerboard(2, 12)
    world = replace(world, user=user, item=item, liked=np.ones(15, bool), fold=np.zeros(15, np.int8))
    tastes = Tastes(Directory(with_genres(world, ["Mecha"] * 6 + [""] * 6)))
    assert tastes.share("Mecha", np.array([0, 1])).tolist() == pytest.approx([0.5, 0.3])
    assert tastes.find(loves="Mecha")["user_id"].tolist() == [500, 501]


def test_an_unknown_genre_does_not_filter(tastes: Tastes) -> None:
    assert tastes.find(loves="Nothing", avoids="Nowhere").equals(tastes.find())


def test_favourites_exceed_the_overall_share_and_have_two_likes_or_more(tastes: Tastes) -> None:
    overall = Counter(
        genre
        for title, fans in FANS.items()
        for genre in GENRES["ABCDE".index(title)].split(", ")
        for _ in range(fans)
    )
    for user, titles in LIKES.items():
        own = Counter(genre for title in titles for genre in GENRES["ABCDE".index(title)].split(", "))
        excess = {
            genre: count / len(titles) - overall[genre] / sum(FANS.values())
            for genre, count in own.items()
            if count >= 2
        }
        expected = sorted((genre for genre in excess if excess[genre] > 0), key=lambda genre: -excess[genre])
        assert tastes.favourites(user - 500) == ", ".join(expected)


def test_the_taste_of_a_profile_counts_the_genres_of_its_items(tastes: Tastes) -> None:
    table = tastes.taste(tastes.directory.profile(501)).set_index("genre")
    assert table["liked"].to_dict() == {"Mecha": 2, "Space": 2, "Cooking": 1}
    assert table["share"].to_dict() == pytest.approx({"Mecha": 2 / 3, "Space": 2 / 3, "Cooking": 1 / 3})
    # This user's shares equal the overall shares
    assert table["lift"].to_dict() == pytest.approx({"Mecha": 1, "Space": 1, "Cooking": 1})


# Stepping


def test_steps_are_cyclic_and_reversible(tastes: Tastes) -> None:
    assert [tastes.step(user, 1) for user in LIKES] == [501, 502, 500]
    for by in (1, 2, 5):
        assert [tastes.step(tastes.step(user, by), -by) for user in LIKES] == list(LIKES)


def test_steps_skip_users_without_likes() -> None:
    world = hand_drawn()
    kept = world.user != 1
    some = replace(
        world, user=world.user[kept], item=world.item[kept], liked=world.liked[kept], fold=world.fold[kept]
    )
    tastes = Tastes(Directory(some))
    assert (tastes.step(500, 1), tastes.step(502, -1)) == (502, 500)
    assert (tastes.step(501, 1), tastes.step(501, -1)) == (502, 500)


def test_without_any_likes_a_step_stays_at_the_same_user() -> None:
    world = hand_drawn()
    nobody = replace(
        world, user=world.user[:0], item=world.item[:0], liked=world.liked[:0], fold=world.fold[:0]
    )
    assert Tastes(Directory(nobody)).step(501, 1) == 501


# Presets


def test_presets_match_their_names_and_contain_no_user_twice() -> None:
    world = checkerboard(40, 40)
    loves, avoids = PAIRS[0]
    tastes = Tastes(Directory(with_genres(world, [loves, avoids] * 20)))
    table = tastes.presets()
    assert table["user_id"].is_unique
    user_of = dict(zip(table["name"], table["user_id"], strict=True))
    for loved, avoided in ((loves, avoids), (avoids, loves)):
        genres = tastes.taste(tastes.directory.profile(user_of[f"Loves {loved}, avoids {avoided}"]))[
            "genre"
        ].tolist()
        assert genres == [loved]


def test_presets_without_genres_remain(tastes: Tastes) -> None:
    bare = Tastes(Directory(hand_drawn()))
    assert set(bare.presets()["name"]) <= {
        "Most unusual taste",
        "Most typical taste",
        "Most active",
        "New user",
    }
    assert "Most active" in set(bare.presets()["name"])
