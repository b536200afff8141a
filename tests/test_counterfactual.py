"""The smallest set of somebody's titles without which something else would be first: what brute force finds,
and what is claimed of it holds.
"""

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


@pytest.fixture(params=[(name, seed) for name in SMALL for seed in (0, 1)], ids=str)
def small(request: pytest.FixtureRequest) -> Explorer:
    return of_few(*request.param)


def first_of(explorer: Explorer, profile: Profile) -> object:
    """The unseen title with the highest score, by a loop."""
    scores = zip(explorer.items["item_id"], explorer.scores(profile), strict=True)
    return max(((score, -n, i) for n, (i, score) in enumerate(scores) if i not in profile.seen))[2]


def displaces(explorer: Explorer, profile: Profile, removed: tuple[object, ...]) -> bool:
    less = replace(profile, history=tuple(i for i in profile.history if i not in removed))
    return first_of(explorer, less) != first_of(explorer, profile)


def by_brute_force(explorer: Explorer, profile: Profile, most: int) -> list[tuple[object, ...]]:
    """All displacing sets of the smallest size there is that leave a title."""
    for size in range(1, min(most + 1, len(profile.history))):
        if found := [
            s for s in itertools.combinations(profile.history, size) if displaces(explorer, profile, s)
        ]:
            return found
    return []


def test_the_smallest_removal_is_what_brute_force_finds(small: Explorer) -> None:
    for user in small.user_ids:
        profile = small.profile(user)
        found, expected = small.smallest_removal(profile, 12), by_brute_force(small, profile, 12)
        assert found.found == bool(expected) and found.proven
        assert not expected or set(found.removed) in [set(s) for s in expected]


@pytest.mark.parametrize("user", [34, 17])
def test_on_the_demo_too(demo: Explorer, user: int) -> None:
    profile = replace(demo.profile(user), history=demo.profile(user).history[:7])
    found, expected = demo.smallest_removal(profile, 3), by_brute_force(demo, profile, 3)
    assert found.found == bool(expected) and (not expected or found.proven)
    assert not expected or set(found.removed) in [set(s) for s in expected]


def checked(explorer: Explorer, profile: Profile, found: counterfactual.Counterfactual) -> None:
    """What is claimed holds by the lists: displaced, by whom, the scores, and no title can be spared."""
    less = replace(profile, history=tuple(i for i in profile.history if i not in found.removed))
    before, after = explorer.scores(profile), explorer.scores(less)
    first, other = explorer.core.positions((found.first, found.replacement))
    assert explorer.recommend(profile, 1)["item_id"].tolist() == [found.first]
    assert explorer.recommend(less, 1)["item_id"].tolist() == [found.replacement]
    assert (found.first_before, found.first_after) == (before[first], after[first])
    assert (found.replacement_before, found.replacement_after) == (before[other], after[other]) and after[
        other
    ] >= after[first]
    assert not any(
        displaces(explorer, profile, s)
        for s in itertools.combinations(found.removed, len(found.removed) - 1)
        if s
    )


def test_without_a_budget_the_claims_hold_all_the_same(
    demo: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screened and greedy: what is found is verified and minimal, and not called proven unless it is."""
    profiles = [demo.profile(user) for user in demo.user_ids[:12]]
    sizes = {profile: demo.smallest_removal(profile, 4) for profile in profiles}
    for screened in (counterfactual.SCREENED, 0):
        monkeypatch.setattr(counterfactual, "BUDGET", 0)
        monkeypatch.setattr(counterfactual, "SCREENED", screened)
        for profile in profiles:
            found = demo.smallest_removal(profile, 4)
            assert found.complete == 0 and found.proven == (found.found and len(found.removed) == 1)
            if found.found:
                checked(demo, profile, found)
                assert (
                    not sizes[profile].found
                    or not sizes[profile].proven
                    or len(found.removed) >= len(sizes[profile].removed)
                )
    for profile in profiles:
        if sizes[profile].found:
            checked(demo, profile, sizes[profile])


def test_nobody_and_one_title(demo: Explorer) -> None:
    nobody = Profile(None, (), (), "nobody")
    found = demo.smallest_removal(nobody, 5)
    assert not found.found and found.proven and found.tried == 0
    one = demo.profile_of([TITLE])
    found = demo.smallest_removal(one, 5)
    assert found.proven and found.tried == 0 and not found.found, (
        "without its only title nothing is known of the person"
    )
    everything = replace(one, seen=tuple(demo.items["item_id"]))
    found = demo.smallest_removal(everything, 5)
    assert found.first is None and not found.found
