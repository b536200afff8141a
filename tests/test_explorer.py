"""The explorer: what it lists, explains and finds agrees with itself and with the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dskreg.explore.neighbour_shares import AT_RANDOM, BINS, LISTED, neighbour_shares
from dskreg.explorer import Change, Explorer, InputError, list_artifacts
from dskreg.graph.candidates import build
from tests.small import DEMO, SMALL, opened, random_world
from tests.worlds import EVERYTHING


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def test_recommendations_are_ranked_unseen_and_explained_by_the_same_score(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    top = explorer.recommend(profile, 20)
    assert top["rank"].tolist() == list(range(1, 21)) and top["score"].is_monotonic_decreasing
    assert not set(top["item_id"]) & set(profile.seen)
    assert top["reason"].str.startswith("Similar to").all()
    for row in top.head(3).itertuples():
        assert explorer.explain(profile, row.item_id).score == pytest.approx(row.score, rel=1e-5)


@pytest.mark.parametrize("preset", SMALL)
def test_what_was_trained_with_soft_weights_is_served_by_the_hard_draw(preset: str) -> None:
    """One user's list, all users' and the explanation agree: the relaxation belongs to training."""
    dataset = random_world(1)
    hard, soft = (
        opened(dataset, build(dataset, EVERYTHING), replace(SMALL[preset], relaxation=kind))
        for kind in ("straight-through", "soft")
    )
    lists = pd.concat(soft.lists(12))
    for user in soft.user_ids:
        profile = soft.profile(user)
        np.testing.assert_array_equal(soft.scores(profile), hard.scores(profile))
        mine, listed = lists[lists["user_id"] == user], soft.recommend(profile, 12)
        assert mine["item_id"].tolist() == listed["item_id"].tolist() and mine[
            "score"
        ].tolist() == pytest.approx(listed["score"].tolist(), abs=1e-5)
        for row in listed.itertuples():
            assert soft.explain(profile, row.item_id).score == pytest.approx(row.score, abs=1e-5)


def test_filters_only_remove(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    whole = explorer.recommend(profile, len(explorer.items))
    some = explorer.recommend(profile, 10, genres=["Mecha", "Sports"], types=["Movie"])
    assert some["type"].eq("Movie").all() and some["genres"].str.contains("Mecha|Sports").all()
    expected = whole[whole["type"].eq("Movie") & whole["genres"].str.contains("Mecha|Sports")][
        "item_id"
    ].head(10)
    assert some["item_id"].tolist() == expected.tolist()
    likes = whole["item_id"].map(explorer.items.set_index("item_id")["likes"])
    for most in (0, 5, int(likes.max())):
        little_known = explorer.recommend(profile, 10, most_likes=most)
        assert little_known["item_id"].tolist() == whole[likes <= most]["item_id"].head(10).tolist() and len(
            little_known
        )


def test_a_disliked_title_is_never_listed(explorer: Explorer) -> None:
    """Neither one that was never met nor one that was seen, by any recommender."""
    profile = explorer.profile(17)
    disliked = (
        explorer.recommend(profile, 1)["item_id"].iloc[0],
        next(i for i in profile.seen if i not in profile.history),
    )
    edited = explorer.edited(profile, disliked=disliked)
    for model in (explorer, explorer.with_seen):
        for found in (
            model.recommend(edited, len(model.items)),
            model.rivals.recommend("popularity", edited, len(model.items)),
        ):
            assert not set(found["item_id"]) & set(disliked)
    assert set(explorer.with_seen.recommend(profile, len(explorer.items))["item_id"]) >= set(disliked)


def test_a_varied_list_says_where_each_title_stands_by_score_alone(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    place = explorer.recommend(profile, len(explorer.items)).set_index("item_id")["rank"]
    varied = explorer.recommend(profile, 10, diversity=0.8)
    assert varied["score_rank"].tolist() == place[varied["item_id"]].tolist() != varied["rank"].tolist()


def test_shown_seen_titles_are_marked(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    model = explorer.with_seen
    shown = model.recommend(profile, len(explorer.items))
    assert set(shown[shown["seen"]]["item_id"]) == set(profile.seen) - set(profile.history)
    held_out = set(explorer.rivals.held_out(profile)["item_id"])
    assert set(shown[shown["held_out"]]["item_id"]) == held_out and held_out
    counts = explorer.left_out(profile)
    assert len(shown) == len(explorer.recommend(profile, len(explorer.items))) + counts["seen"]
    assert counts["held_out"] == len(held_out) and counts["history"] == len(profile.history)
    assert model.left_out(profile) == {
        "history": len(profile.history),
        "seen": 0,
        "held_out": 0,
        "disliked": 0,
    }


def test_the_model_with_seen_titles_ranks_alike_in_all_its_answers(explorer: Explorer) -> None:
    """Also with another boost, which copies the model."""
    profile = explorer.profile(17)
    for model in (explorer.with_seen, explorer.boosted(2.0).with_seen, explorer.with_seen.boosted(2.0)):
        listed = model.recommend(profile, 30)
        assert listed["seen"].any()
        assert model.rivals.recommend("DSKReG", profile, 30)["item_id"].tolist() == listed["item_id"].tolist()
        assert model.ranks(profile)[listed["item_id"]].tolist() == listed["rank"].tolist()
        assert model.smallest_removal(profile, 1).first == listed["item_id"].iloc[0]
        seventh = listed["item_id"].iloc[6]
        gone = Change(without_titles=profile.history[:1])
        found = model.what_if(profile, seventh, gone)
        assert found.rank_before == 7 and found.ranked_after == found.ranked_before
        assert profile.history[0] not in found.moves["item_id"].tolist()
    assert not explorer.recommend(profile, 30)["seen"].any()


def test_the_lists_of_all_users_equal_the_single_lists(explorer: Explorer) -> None:
    lists = pd.concat(explorer.lists(5))
    for user in (1, 17, 2000):
        mine = lists[lists["user_id"] == user]
        assert mine["item_id"].tolist() == explorer.recommend(explorer.profile(user), 5)["item_id"].tolist()
    held_out = pd.concat(explorer.lists(50, exclude="train"))
    profile = explorer.profile(17)
    listed = set(held_out[held_out["user_id"] == 17]["item_id"])
    assert not listed & set(profile.history) and listed & set(profile.seen)


def test_an_explanation_adds_up_and_names_every_candidate(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    found = explorer.explain(profile, 1, seed=4)
    rows = found.item_neighbours
    assert len(rows) == explorer.item(1)["candidates"]
    assert found.self_contribution + found.bias + rows["contribution"].sum() == pytest.approx(
        found.score, rel=1e-5
    )
    assert rows["key"].is_monotonic_decreasing and rows["picked"].sum() == found.picks
    assert rows["rank"].tolist() == list(range(1, len(rows) + 1)) and list(rows)[8] == "rank"
    assert rows["picked"].iloc[: found.picks].all()
    np.testing.assert_allclose(rows["key"], rows["logit"] + rows["noise"], atol=1e-5)
    assert rows["inclusion_probability"].sum() == pytest.approx(found.picks, abs=1e-5)
    assert rows["share"].sum() == pytest.approx(1) and found.relations["candidates"].sum() == len(rows)
    assert set(found.user_neighbours["item_id"]) == set(profile.history)
    shared = rows[rows["relation"] == "genre"].iloc[0]
    genres = set(explorer.item(1)["genres"].split(", "))
    assert set(shared["via"]) == genres & set(explorer.item(shared["item_id"])["genres"].split(", "))


def test_the_user_side_contributions_add_up_to_the_score_too(explorer: Explorer) -> None:
    """In the evidence form all liked titles count, and nothing else does."""
    profile = explorer.profile(17)
    for who in (profile, explorer.profile_of(profile.history[:5]), explorer.profile_of([])):
        for settings in ({}, {"seed": 3, "user_picks": 2}):
            found = explorer.explain(who, 1, **settings)
            rows = found.user_neighbours
            assert rows["contribution"].sum() == pytest.approx(found.score, rel=1e-4, abs=1e-6)
            assert found.common == pytest.approx(0, abs=1e-4)
            assert sorted(rows["item_id"]) == sorted(who.history) and found.user_picks == len(rows)
            # A seed's noise decides nothing here: all are picked
            assert rows["picked"].all() and (rows["noise"] == 0).all() == (not settings or not len(rows))
            assert (rows["key"] == rows["noise"]).all()
            assert (rows[["inclusion_probability", "lift", "relaxed"]] == 1).all(axis=None)
            assert rows["attention"].sum() == pytest.approx(float(len(rows) > 0))
            assert found.liked["contribution"].is_monotonic_decreasing


def test_what_a_draw_could_have_been_by_hand() -> None:
    """Lift, expected overlap and effective candidates against thousands of draws."""
    dataset = random_world(1)
    for preset in SMALL:
        explorer = opened(dataset, build(dataset, EVERYTHING), SMALL[preset])
        found = explorer.explain(explorer.profile(500), 105, picks=2)
        rows = found.item_neighbours
        count, probability = len(rows), rows["inclusion_probability"].to_numpy()
        assert count > 2
        np.testing.assert_allclose(rows["lift"] * 2 / count, probability)
        share = np.exp(rows["logit"]) / np.exp(rows["logit"]).sum()
        assert found.effective_candidates == pytest.approx(np.prod(share**-share))
        assert 1 <= found.effective_candidates <= count
        noise = np.random.default_rng(0).gumbel(size=(2, 20_000, count))
        drawn = np.argsort(-(noise + rows["logit"].to_numpy()), axis=2)[:, :, :2]
        common = (drawn[0][:, :, None] == drawn[1][:, None]).sum((1, 2))
        assert found.expected_overlap == pytest.approx(common.mean(), abs=5 * common.std() / 20_000**0.5)
        agree = 1 - 2 * (2 - common) / count  # the share of candidates that both draws treat alike
        chance = (2 / count) ** 2 + (1 - 2 / count) ** 2
        kappa = (agree - chance) / (1 - chance)
        assert found.agreement == pytest.approx(kappa.mean(), abs=5 * kappa.std() / 20_000**0.5)
        uniform = np.argsort(noise, axis=2)[:, :, :2]
        common = (uniform[0][:, :, None] == uniform[1][:, None]).sum((1, 2))
        assert found.uniform_overlap == pytest.approx(common.mean(), abs=5 * common.std() / 20_000**0.5)
        every = explorer.explain(explorer.profile(500), 105, picks=1000)
        assert (every.item_neighbours["lift"] == 1).all()
        assert every.expected_overlap == pytest.approx(count) == every.uniform_overlap
        assert every.agreement is None, "where all are picked there is nothing to tell apart"


def test_the_share_of_the_neighbours_is_the_same_wherever_it_stands(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    for most in (None, 5):
        for row in explorer.recommend(profile, 10, most_likes=most).itertuples():
            found = explorer.explain(profile, row.item_id)
            assert row.neighbour_share == pytest.approx(found.neighbour_share, abs=1e-4)
            parts = found.neighbour_contribution, found.self_contribution
            assert row.neighbour_share == pytest.approx(parts[0] / sum(parts), abs=1e-4)
    assert (explorer.recommend(explorer.profile_of([]), 5)["neighbour_share"] == 0).all()


def test_the_neighbours_share_falls_with_the_number_of_likes(explorer: Explorer) -> None:
    frame = explorer.neighbour_shares()
    assert frame["likes"].tolist() == 2 * list(BINS)
    count = frame.groupby("pairs")["count"].sum()
    assert count.to_dict() == {LISTED: 200 * 20, AT_RANDOM: 200 * 20}
    filled = frame[frame["count"] > 0]
    assert (filled["low"] <= filled["median"]).all() and (filled["median"] <= filled["high"]).all()
    for _, rows in frame.groupby("pairs"):
        median = rows.set_index("likes")["median"]
        assert median["0 (new)"] == pytest.approx(1), (
            "nothing but neighbours speaks for an item without likes"
        )
        assert 1 > median["21-50"] > median["51-100"] > median["over 100"] > 0
    rare = frame[frame["pairs"] == AT_RANDOM].set_index("likes")["median"]
    assert 1 > rare["1-2"] > rare["3-5"] > rare["21-50"], "few of them are recommended"


@pytest.mark.parametrize("preset", SMALL)
def test_the_neighbours_shares_are_those_of_the_explanations(preset: str) -> None:
    """Of all unseen titles of all users, so that the sample does not matter."""
    dataset = random_world(1)
    explorer = opened(dataset, build(dataset, EVERYTHING), SMALL[preset])
    frame = neighbour_shares(explorer.core, users=100, top=100).query("pairs == @LISTED").set_index("likes")
    likes, shares = explorer.items.set_index("item_id")["likes"], {name: [] for name in BINS}
    for user in explorer.user_ids:
        profile = explorer.profile(user)
        for item_id in explorer.items["item_id"][~explorer.items["item_id"].isin(profile.seen)]:
            name = [name for name, least in BINS.items() if likes[item_id] >= least][-1]
            shares[name].append(explorer.explain(profile, item_id).neighbour_share)
    for name, values in shares.items():
        assert frame.loc[name, "count"] == len(values)
        if values:
            np.testing.assert_allclose(
                frame.loc[name, ["low", "median", "high"]].astype(float),
                np.quantile(values, [0.25, 0.5, 0.75]),
                rtol=1e-3,
                atol=1e-4,
            )


def test_noise_belongs_to_the_title(explorer: Explorer) -> None:
    """Another user, or another history, draws the same noise for the same item and seed; another seed does
    not.
    """
    one, other = (
        explorer.explain(explorer.profile(u), 1, seed=4).item_neighbours.sort_values(["item_id", "relation"])
        for u in (17, 18)
    )
    assert one["noise"].tolist() == other["noise"].tolist()
    third = explorer.explain(explorer.profile(17), 1, seed=5).item_neighbours.sort_values(
        ["item_id", "relation"]
    )
    assert one["noise"].tolist() != third["noise"].tolist()
    dataset = random_world(1)
    paper = opened(dataset, build(dataset, EVERYTHING), SMALL["paper"])
    whole, part = (
        paper.explain(paper.profile_of(ids), 101, seed=4).user_neighbours.set_index("item_id")["noise"]
        for ids in ((102, 103, 104), (102, 104))
    )
    assert whole[part.index].tolist() == part.tolist()


def test_strangers_are_served_from_titles(explorer: Explorer) -> None:
    profile = explorer.profile_of(["30", 28, "30"])
    assert profile.history == (30, 28) and profile.user_id is None
    top = explorer.recommend(profile, 10)
    assert len(top) == 10 and not {28, 30} & set(top["item_id"])
    assert len(explorer.recommend(explorer.profile_of([]), 5)) == 5


def test_unknown_ids_and_settings_are_refused_in_words(explorer: Explorer) -> None:
    profile = explorer.profile(17)
    for call, words in (
        (lambda: explorer.profile("nobody"), "unknown user nobody"),
        (lambda: explorer.profile_of([1, 99999]), "unknown item 99999"),
        (lambda: explorer.item(-1), "unknown item -1"),
        (lambda: explorer.recommend(profile, 0), "at least 1"),
        (lambda: explorer.recommend(profile, most_likes=-1), "most_likes"),
        (lambda: explorer.explain(profile, 1, seed=-1), "seed"),
        (lambda: explorer.explain(profile, 1, picks=0), "picks"),
        (lambda: explorer.explain(profile, 1, temperature=float("nan")), "temperature"),
        (lambda: Explorer.open(DEMO / "nowhere"), "no such folder"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_searches(explorer: Explorer) -> None:
    assert explorer.find_items("POKEMON")["title"].iloc[0].startswith("Pokémon")
    assert explorer.find_items("1")["item_id"].iloc[0] == 1
    assert explorer.find_items("no such item").empty
    assert explorer.tastes.find("19", limit=7)["user_id"].astype(str).str.startswith("19").all()
    fans = explorer.tastes.find(loves="Mecha", limit=5)
    assert fans["favourites"].str.contains("Mecha").all()
    assert explorer.random_user(3) == explorer.random_user(3)


def test_maps_statistics_and_neighbours_have_their_shapes(explorer: Explorer) -> None:
    assert len(explorer.maps.titles()) == len(explorer.items) and explorer.maps.titles()["x"].notna().all()
    assert set(explorer.maps.users()["user_id"]) <= set(explorer.user_ids)
    assert (
        explorer.maps.place(explorer.profile(17)) is not None
        and explorer.maps.place(explorer.profile_of([1])) is not None
    )
    assert {"trustworthiness", "neighbour_preservation", "k", "sample", "parameters"} == set(
        explorer.maps.quality()
    )
    near = explorer.maps.similar(1, 5)
    assert len(near) == 5 and 1 not in set(near["item_id"]) and near["similarity"].is_monotonic_decreasing
    statistics = explorer.graph_statistics()
    assert statistics["mass"].sum() == pytest.approx(1, abs=1e-3)
    assert set(explorer.metrics()["baselines"]) == {"popularity", "item-kNN", "EASE"}
    assert list_artifacts(DEMO.parent) == sorted(list_artifacts(DEMO.parent)) and "demo" in list_artifacts(
        DEMO.parent
    )
