"""The smallest set of likes whose removal changes the first recommendation, against brute force."""

import itertools
from dataclasses import replace

import pytest

from dskreg.explain import counterfactual
from dskreg.explorer import Explorer, Profile
from tests.small import DEMO, SMALL, of_few

TITLE = 36


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(params=[(name, seed) for name in SMALL for seed in (0, 6)], ids=str)
def small(request: pytest.FixtureRequest) -> Explorer:
    return of_few(*request.param)


def first_of(explorer: Explorer, profile: Profile) -> object:
    """The unseen item with the highest score, by a loop."""
    scores = zip(explorer.items["item_id"], explorer.scores(profile), strict=True)
    return max(((score, -n, i) for n, (i, score) in enumerate(scores) if i not in profile.seen))[2]


def displaces(explorer: Explorer, profile: Profile, removed: tuple[object, ...]) -> bool:
    less = replace(profile, history=tuple(i for i in profile.history if i not in removed))
    return first_of(explorer, less) != first_of(explorer, profile)


def by_brute_force(explorer: Explorer, profile: Profile, most: int) -> list[tuple[object, ...]]:
    """All displacing sets of the smallest possible size that leave a like."""
    for size in range(1, min(most + 1, len(profile.history))):
        if found := [
            s for s in itertools.combinations(profile.history, size) if displaces(explorer, profile, s)
        ]:
            return found
    return []


def test_the_smallest_removal_is_what_brute_force_finds(small: Explorer) -> None:
    sizes = set()
    for user in small.user_ids:
        profile = small.profile(user)
        found, expected = small.smallest_removal(profile, 12), by_brute_force(small, profile, 12)
        assert found.found == bool(expected) and found.proven
        assert not expected or set(found.removed) in [set(s) for s in expected]
        sizes.add(len(found.removed))
    assert {0, 1} <= sizes, "some users have a displacing set and some have none"


@pytest.mark.parametrize("user", [34, 17])
def test_the_smallest_removal_on_the_demo_is_what_brute_force_finds(demo: Explorer, user: int) -> None:
    profile = replace(demo.profile(user), history=demo.profile(user).history[:7])
    found, expected = demo.smallest_removal(profile, 3), by_brute_force(demo, profile, 3)
    assert found.found and found.proven and set(found.removed) in [set(s) for s in expected]


def top_of(explorer: Explorer, profile: Profile, top: int) -> list[object]:
    """The unseen items with the highest scores, by a loop."""
    scores = zip(explorer.items["item_id"], explorer.scores(profile), strict=True)
    rows = sorted((-score, n, i) for n, (i, score) in enumerate(scores) if i not in profile.seen)
    return [i for _, _, i in rows[:top]]


@pytest.mark.parametrize("top", [2, 3])
def test_an_item_is_taken_off_the_top_by_the_smallest_removal(small: Explorer, top: int) -> None:
    sizes = set()
    for user in small.user_ids:
        profile = small.profile(user)
        listed = top_of(small, profile, top)
        for place, item in enumerate(listed):
            found = small.smallest_removal(profile, 12, item, top)
            expected: list[set[object]] = []
            for size in range(1, len(profile.history)):
                for those in itertools.combinations(profile.history, size):
                    less = tuple(i for i in profile.history if i not in those)
                    if item not in top_of(small, replace(profile, history=less), top):
                        expected.append(set(those))
                if expected:
                    break
            assert found.found == bool(expected) and (found.first, found.top) == (item, top)
            assert found.rank_before == place + 1 and found.proven
            if expected:
                assert set(found.removed) in expected and found.rank_after > top
                history = tuple(i for i in profile.history if i not in found.removed)
                after = top_of(small, replace(profile, history=history), top)
                assert found.replacement == next(i for i in after if i not in listed)
            sizes.add(len(found.removed))
    assert {0, 1} <= sizes


def test_an_item_outside_the_top_has_no_removal(demo: Explorer) -> None:
    profile = demo.profile(17)
    ranked = demo.recommend(profile, 20)["item_id"].tolist()
    found = demo.smallest_removal(profile, 3, ranked[15], 10)
    assert not found.found and not found.proven and (found.rank_before, found.tried) == (16, 0)
    last = demo.smallest_removal(profile, 3, ranked[9], 10)
    assert last.found and last.replacement in demo.recommend(profile, 60)["item_id"].tolist()[10:]
    seen = demo.smallest_removal(profile, 3, profile.history[0], 10)
    assert not seen.found and seen.tried == 0


def test_a_seen_item_is_left_out_or_asked_like_any_other(demo: Explorer) -> None:
    profile = demo.profile(17)
    open_list = demo.with_seen
    listed = open_list.recommend(profile, 50)
    held_out = listed.loc[listed["seen"], ["item_id", "rank"]].iloc[0]
    left_out = demo.smallest_removal(profile, 8, held_out["item_id"], 50)
    assert not left_out.found and (left_out.rank_before, left_out.proven) == (0, False)
    asked = open_list.smallest_removal(profile, 1, held_out["item_id"], 50)
    assert asked.rank_before == held_out["rank"]
    assert held_out["item_id"] in demo.unlisted(profile)
    assert held_out["item_id"] not in open_list.unlisted(profile) >= {*profile.history}


def check(explorer: Explorer, profile: Profile, found: counterfactual.Counterfactual) -> None:
    """The lists confirm the replacement and the scores, and no smaller subset displaces the first."""
    less = replace(profile, history=tuple(i for i in profile.history if i not in found.removed))
    before, after = explorer.scores(profile), explorer.scores(less)
    first, other = explorer.core.positions((found.first, found.replacement))
    assert explorer.recommend(profile, 1)["item_id"].tolist() == [found.first]
    assert explorer.recommend(less, 1)["item_id"].tolist() == [found.replacement]
    assert (found.first_before, found.first_after) == (before[first], after[first])
    assert (found.replacement_before, found.replacement_after) == (before[other], after[other])
    assert after[other] >= after[first]
    smaller = list(itertools.combinations(found.removed, len(found.removed) - 1))
    assert not any(displaces(explorer, profile, removed) for removed in smaller)


def test_a_heuristic_search_finds_valid_sets_and_does_not_call_them_proven(
    demo: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = [demo.profile(user) for user in demo.user_ids[10:40]]
    exact = {profile: demo.smallest_removal(profile, 4) for profile in profiles}
    assert {1, 2, 3} <= {len(found.removed) for found in exact.values() if found.proven}
    for profile, found in exact.items():
        if found.found:
            check(demo, profile, found)
    for screened in (counterfactual.SCREENED, 0):
        monkeypatch.setattr(counterfactual, "BUDGET", 0)
        monkeypatch.setattr(counterfactual, "SCREENED", screened)
        for profile in profiles:
            found = demo.smallest_removal(profile, 4)
            assert found.complete == 0 and found.proven == (found.found and len(found.removed) == 1)
            assert found.found or not exact[profile].found
            if found.found:
                check(demo, profile, found)
                assert len(found.removed) >= len(exact[profile].removed)


def test_a_profile_without_likes_or_with_one_has_no_displacing_set(demo: Explorer) -> None:
    for profile in (Profile(None, (), (), "no likes"), demo.profile_of([TITLE])):
        found = demo.smallest_removal(profile, 5)
        assert not found.found and found.proven and found.tried == 0


def test_a_user_who_has_seen_everything_has_no_first_recommendation(demo: Explorer) -> None:
    everything = replace(demo.profile_of([TITLE]), seen=tuple(demo.items["item_id"]))
    found = demo.smallest_removal(everything, 5)
    assert found.first is None and not found.found
