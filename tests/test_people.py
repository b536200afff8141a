"""Profiles changed by hand, and the directory without adult items."""

from dataclasses import replace

import pytest

from dskreg.errors import InputError
from dskreg.serving.directory import VEILED, Directory
from tests.worlds import A, B, C, D, E, hand_drawn

ID = 100  # of item A


@pytest.fixture
def directory() -> Directory:
    return Directory(hand_drawn())


def ids(*titles: int) -> tuple[int, ...]:
    return tuple(title + ID for title in titles)


def test_a_like_joins_the_history_and_is_seen(directory: Directory) -> None:
    before = directory.profile(502)
    after = directory.edited(before, liked=ids(A))
    assert after.history == (*before.history, *ids(A))
    assert after.liked == ids(A)
    assert set(after.seen) == set(before.seen) | set(ids(A))
    assert after.user_id == before.user_id


def test_a_dislike_leaves_the_history_and_is_remembered(directory: Directory) -> None:
    after = directory.edited(directory.profile(500), disliked=ids(B))
    assert after.history == ids(A, C)
    assert after.disliked == ids(B)


def test_what_is_both_liked_and_disliked_is_disliked(directory: Directory) -> None:
    after = directory.edited(directory.profile(502), liked=ids(A, B), disliked=ids(A))
    assert (after.liked, after.disliked) == (ids(B), ids(A))


def test_liking_what_is_liked_changes_nothing(directory: Directory) -> None:
    before = directory.profile(500)
    assert directory.edited(before, liked=before.history) == before
    assert directory.edited(before) is before


def test_ids_may_be_texts_and_come_twice(directory: Directory) -> None:
    before = directory.profile(502)
    assert directory.edited(before, liked=["100", "100", 101]) == directory.edited(before, liked=ids(A, B))


def test_the_order_of_the_edits_does_not_matter_to_the_history(directory: Directory) -> None:
    before = directory.profile(500)
    one, other = (directory.edited(before, liked=liked, disliked=ids(B)) for liked in (ids(D, E), ids(E, D)))
    assert set(one.history) == set(other.history) == set(ids(A, C, D, E))


def test_a_hand_made_profile_loses_what_it_dislikes(directory: Directory) -> None:
    after = directory.edited(directory.profile_of(ids(A, B)), disliked=ids(A))
    assert after.history == after.seen == ids(B)
    assert (after.user_id, after.liked, after.disliked) == (None, (), ids(A))


def test_the_label_says_what_was_changed(directory: Directory) -> None:
    profile = directory.profile(500)
    assert directory.edited(profile, liked=ids(D)).label == "user 500, edited (+1)"
    assert (
        directory.edited(profile, liked=ids(D, E), disliked=ids(A)).label == "user 500, edited (+2, \u22121)"
    )
    assert not profile.edited
    assert directory.edited(profile, disliked=ids(E)).edited


@pytest.mark.parametrize("edits", [{"liked": ["7"]}, {"disliked": ["7"]}], ids=str)
def test_an_unknown_title_is_refused_in_words(directory: Directory, edits: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match="unknown item 7"):
        directory.edited(directory.profile(500), **edits)


# Adult items


@pytest.fixture
def shelves() -> tuple[Directory, Directory]:
    """B and D are adult; the directory as it is and veiled."""
    world = hand_drawn()
    open_ = Directory(
        replace(
            world, items=world.items.assign(genres=["Action", "Action, Hentai", "Drama", "EROTICA", None])
        )
    )
    return open_, open_.veiled()


def test_adult_titles_are_those_of_an_adult_genre_whatever_its_case(
    shelves: tuple[Directory, Directory],
) -> None:
    for directory in shelves:
        assert directory.adult.tolist() == [False, True, False, True, False]


def test_veiled_titles_have_no_name_and_cannot_be_found(shelves: tuple[Directory, Directory]) -> None:
    open_, veiled = shelves
    assert veiled.titles.tolist() == ["A", VEILED, "C", VEILED, "E"]
    for text in ("B", "D", "adult", "101", "103", ""):
        assert not set(veiled.find_items(text, 10)) & {B, D}
    assert open_.find_items("B", 10).tolist() == [B]


def test_no_adult_genre_is_offered_behind_the_veil(shelves: tuple[Directory, Directory]) -> None:
    open_, veiled = shelves
    assert set(open_.genre_names) - set(veiled.genre_names) == {"Hentai", "EROTICA"}
    assert veiled.genres == [["Action"], ["Action"], ["Drama"], [], []]
    assert veiled.genre_matrix.shape == (5, len(veiled.genre_names))


def test_the_veil_changes_no_user_and_leaves_the_open_directory_as_it_was(
    shelves: tuple[Directory, Directory],
) -> None:
    open_, veiled = shelves
    assert veiled.profile(500) == open_.profile(500)
    assert veiled.item(101) == open_.item(101) == B
    assert open_.titles.tolist() == list("ABCDE")
