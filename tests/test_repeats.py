"""Many draws are the single draws, and their frequencies are what the exact probabilities say."""

import numpy as np
import pytest

from dskreg.explain.draws import MOST, band, running
from dskreg.explorer import Explorer, InputError
from dskreg.graph.candidates import build
from tests.small import DEMO, SMALL, opened, random_world
from tests.worlds import EVERYTHING

USER, TITLE = 17, 36


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


def small(preset: str) -> Explorer:
    dataset = random_world(0)
    return opened(dataset, build(dataset, EVERYTHING), SMALL[preset])


@pytest.mark.parametrize("preset", SMALL)
@pytest.mark.parametrize(("seed", "picks", "user_picks"), [(0, 2, 2), (7, 3, 1)])
def test_every_draw_is_the_one_that_explain_makes(
    preset: str, seed: int, picks: int, user_picks: int
) -> None:
    explorer = small(preset)
    for profile in (explorer.profile(500), explorer.profile_of([100, 103]), explorer.profile_of([])):
        made = explorer.repeat(profile, 105, 12, seed, picks, user_picks)
        single = [
            explorer.explain(profile, 105, seed=seed + c, picks=picks, user_picks=user_picks)
            for c in range(12)
        ]
        assert made.score == pytest.approx([each.score for each in single], abs=1e-5)
        times = (
            made.running.pivot(index="n", columns="candidate", values="frequency").to_numpy()
            * np.arange(1, 13)[:, None]
        )
        picked = np.diff(times, axis=0, prepend=0).round().astype(bool)
        key = list(zip(made.frame["item_id"], made.frame["relation"], strict=True))
        for each, row in zip(single, picked, strict=True):
            drawn = each.item_neighbours[each.item_neighbours["picked"]]
            assert {key[c] for c in np.flatnonzero(row)} == set(
                zip(drawn["item_id"], drawn["relation"], strict=True)
            )


def test_the_demos_draws_too(demo: Explorer) -> None:
    profile = demo.profile(USER)
    made = demo.repeat(profile, TITLE, 600, seed=40)  # more than one chunk
    for c in (0, 511, 512, 599):
        assert made.score[c] == pytest.approx(demo.explain(profile, TITLE, seed=40 + c).score, rel=1e-5)
    assert made.frame["frequency"].sum() == pytest.approx(demo.defaults["picks"])
    one = demo.explain(profile, TITLE).item_neighbours.set_index(["item_id", "relation"])[
        "inclusion_probability"
    ]
    again = made.frame.set_index(["item_id", "relation"])["inclusion_probability"]
    np.testing.assert_allclose(again, one[again.index], atol=1e-9)
    last = made.running[made.running["n"] == 600]
    np.testing.assert_allclose(last["frequency"], made.frame["frequency"])


def test_no_frequency_leaves_its_probability_behind(demo: Explorer) -> None:
    """Hoeffding's bound for the worst of C candidates: a correct sampler exceeds it once in 10^6 seeds, and
    the seed is fixed.
    """
    made = demo.repeat(demo.profile(USER), TITLE, 3000)
    bound = np.sqrt(np.log(2 * len(made.frame) / 1e-6) / (2 * made.count))
    assert (made.frame["frequency"] - made.frame["inclusion_probability"]).abs().max() < bound
    expected = made.count * made.frame["inclusion_probability"]  # a quantile of a count is a whole number
    assert (made.frame["low"] * made.count <= np.ceil(expected) + 1e-6).all()
    assert (np.floor(expected) <= made.frame["high"] * made.count + 1e-6).all()


def test_the_band_is_the_binomial_one() -> None:
    """Coin tossed 10 times: 2 to 8 heads hold 97.9 % of the outcomes, 3 to 7 only 89.1 %."""
    low, high = band(np.array([0.0, 0.5, 1.0]), 10)
    assert low.tolist() == [0.0, 0.2, 1.0] and high.tolist() == [0.0, 0.8, 1.0]


def test_running_frequencies_by_hand() -> None:
    frame = running(np.array([[True, False], [True, True], [False, True]]), np.array([1.0, 0.5]))
    assert frame["n"].tolist() == [1, 1, 2, 2, 3, 3]
    assert frame["frequency"].tolist() == pytest.approx([1, 0, 1, 0.5, 2 / 3, 2 / 3])
    assert frame["low"].tolist() == [1, 0, 1, 0, 1, 0] and frame["high"].tolist() == [1] * 6, (
        "three tosses leave everything open"
    )


def test_an_item_without_candidates_draws_nothing() -> None:
    dataset = random_world(0)
    graph = build(dataset, EVERYTHING)
    graph.neighbour[4] = -1
    for preset, scores in (("default", 1), ("paper", 3)):
        explorer = opened(dataset, graph, SMALL[preset])
        made = explorer.repeat(explorer.profile(500), 104, 3, user_picks=1)
        assert made.frame.empty and made.running.empty
        assert len(set(made.score)) == scores, "the paper's form still draws on the user's side"


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_an_impossible_count_is_refused(demo: Explorer, count: int) -> None:
    with pytest.raises(InputError, match="count"):
        demo.repeat(demo.profile(USER), TITLE, count)


@pytest.mark.parametrize("preset", SMALL)
def test_samples_of_the_list_are_those_that_explain_makes(preset: str) -> None:
    explorer = small(preset)
    ids = explorer.items["item_id"].tolist()
    for profile in (explorer.profile(500), explorer.profile_of([100, 103])):
        made = explorer.list_samples(profile, 105, 5, seed=3, top=4)
        shown = [ids.index(i) for i in explorer.recommend(profile, len(ids))["item_id"]]
        for c in range(5):
            each = {i: explorer.explain(profile, i, seed=3 + c) for i in ids}
            score = np.array([each[i].score for i in ids])
            best = sorted((score[i] for i in shown), reverse=True)[:4]  # some differ by rounding alone
            listed = made.listed[c][made.listed[c] >= 0]
            assert score[listed] == pytest.approx(best, abs=1e-5) and set(listed) <= set(shown)
            others = np.array([score[i] for i in shown if i != ids.index(105)])
            better = [int((others > score[ids.index(105)] + slack).sum()) for slack in (1e-5, -1e-5)]
            assert 1 + better[0] <= made.rank[c] <= 1 + better[1]
            rows = each[105].item_neighbours.query("picked")
            assert made.picked[c].sum() == len(rows)
            neighbour = explorer.core.graph.neighbour[ids.index(105)]
            leading = rows.loc[rows["contribution"].idxmax(), "item_id"]
            assert ids[neighbour[made.leading[c]]] == leading


def test_stability_is_counted_by_hand(demo: Explorer) -> None:
    profile, picks = demo.profile(USER), demo.defaults["picks"]
    parts = [demo.list_samples(profile, TITLE, 10, seed=seed, top=10) for seed in (0, 10)]
    found = demo.stability(profile, TITLE, parts)
    lists = [set(row.tolist()) for part in parts for row in part.listed]
    served = set(demo.core.positions(demo.recommend(profile, 10)["item_id"]))
    pairs = [len(a & b) / 10 for n, a in enumerate(lists) for b in lists[:n]]
    assert found.count == 20 and found.overlap == pytest.approx(np.mean(pairs))
    assert found.kept == pytest.approx(np.mean([len(a & served) / 10 for a in lists]))
    assert found.served == demo.ranks(profile)[TITLE]
    shares = found.items.set_index("item_id")["share"]
    assert shares.sum() == pytest.approx(10) and set(demo.core.positions(shares.index)) == set.union(
        served, *lists
    )
    rows, expected = found.neighbours, demo.explain(profile, TITLE).item_neighbours
    assert rows["frequency"].sum() == pytest.approx(picks) and rows["leading"].sum() == pytest.approx(1)
    together = rows.merge(expected, on=["item_id", "relation"], suffixes=("", "_exact"))
    assert len(together) == len(rows) and (together["picked"] == together["picked_exact"]).all()
    assert together["inclusion_probability"].tolist() == pytest.approx(
        together["inclusion_probability_exact"].tolist()
    )
    single = demo.repeat(profile, TITLE, 20).frame.set_index(["item_id", "relation"])["frequency"]
    assert rows.set_index(["item_id", "relation"])["frequency"].to_dict() == pytest.approx(single.to_dict())


def test_one_sample_agrees_with_itself_and_a_number_of_samples_is_asked_for(demo: Explorer) -> None:
    profile = demo.profile(USER)
    assert demo.stability(profile, TITLE, [demo.list_samples(profile, TITLE, 1)]).overlap == 1
    for count in (0, MOST + 1):
        with pytest.raises(InputError, match=r"expected 1 to"):
            demo.list_samples(profile, TITLE, count)
