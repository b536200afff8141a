"""The cold boost: how far items without likes may rise, the same in lists, explanations and commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.errors import InputError
from dskreg.explorer import Explorer
from tests.command_line import run
from tests.small import DEMO, of_few


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


def test_it_scales_the_scores_of_items_without_likes_and_no_others(demo: Explorer) -> None:
    profile, cold = demo.profile(17), demo.items["likes"].to_numpy() == 0
    own, once, thrice = (model.scores(profile) for model in (demo, demo.boosted(1), demo.boosted(3)))
    assert np.array_equal(own[~cold], thrice[~cold]) and np.abs(once[cold]).max() > 0
    np.testing.assert_allclose(thrice[cold], 3 * once[cold], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(own[cold], demo.cold_boost * once[cold], rtol=1e-4, atol=1e-6)
    assert np.array_equal(demo.scores(profile), own), "the model itself stays as it is"


def test_without_a_boost_or_with_the_models_own_lists_are_the_same(demo: Explorer) -> None:
    profile = demo.profile(17)
    for boost in (None, demo.cold_boost):
        pd.testing.assert_frame_equal(demo.recommend(profile, cold_boost=boost), demo.recommend(profile))


def test_lists_and_explanations_have_the_same_score_at_every_boost(demo: Explorer) -> None:
    profile = demo.profile(17)
    for boost in (0, 0.5, 6.0):
        listed = demo.recommend(profile, 3, most_likes=0, cold_boost=boost)
        for row in listed.itertuples():
            found = demo.explain(profile, row.item_id, cold_boost=boost)
            assert found.score == pytest.approx(row.score, rel=1e-4, abs=1e-6)
            assert found.neighbour_contribution == pytest.approx(found.score, rel=1e-4, abs=1e-6)


def test_at_zero_items_without_likes_come_last(demo: Explorer) -> None:
    profile = demo.profile(17)
    listed = demo.with_seen.recommend(profile, len(demo.items), cold_boost=0)
    cold = listed["likes"].to_numpy() == 0
    assert listed["score"].min() < 0 and not listed["score"][cold].any()
    assert cold[-cold.sum() :].all() and 0 < cold.sum() == (demo.items["likes"] == 0).sum()
    whole = next(demo.lists(len(demo.items), "train", cold_boost=0))
    mine = whole[whole["user_id"] == 17].merge(demo.items[["item_id", "likes"]])
    assert not (mine["likes"].to_numpy()[: -cold.sum()] == 0).any()
    assert not mine["score"].to_numpy()[-cold.sum() :].any()


def test_it_reaches_the_lists_of_all_users(demo: Explorer) -> None:
    likes = demo.items.set_index("item_id")["likes"]
    cold = [
        (likes[next(demo.lists(10, cold_boost=boost))["item_id"]] == 0).mean() for boost in (0, 1, 6, 1000)
    ]
    assert cold[0] == 0 and cold == sorted(cold) and cold[-1] > 0.9
    only = next(demo.lists(5, most_likes=0, cold_boost=6))
    assert (likes[only["item_id"]] == 0).all()


def test_adult_items_stay_left_out(demo: Explorer) -> None:
    assert demo.without_adult.boosted(3).adult == demo.without_adult.adult


@pytest.mark.parametrize("boost", [-1.0, 1000.5, float("nan"), float("inf")])
def test_a_boost_out_of_range_is_refused(boost: float, demo: Explorer) -> None:
    for ask in (demo.boosted, lambda x: demo.recommend(demo.profile(17), cold_boost=x)):
        with pytest.raises(InputError, match=r"cold boost: expected 0 to 1,000 \(got "):
            ask(boost)


def test_a_model_of_the_papers_form_has_none() -> None:
    explorer = of_few("paper", 0)
    assert explorer.cold_boost is None and explorer.boosted(None) is explorer
    with pytest.raises(InputError, match="of the form 'paper' has none"):
        explorer.recommend(explorer.profile_of([100]), cold_boost=2.0)


def test_the_command_line_lists_and_explains_with_it(
    demo: Explorer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        return run(capsys, monkeypatch, *words)

    question = ("recommend", "demo", "--history", "1,2,3,4", "--most-likes", "0", "--top", "2")
    _, out, _ = ask(*question, "--cold-boost", "6", "--json")
    rows = json.loads(out)["items"]
    assert all(demo.item(row["item_id"])["likes"] == 0 for row in rows)
    explain = ("explain", "demo", "--history", "1,2,3,4", "--item", str(rows[0]["item_id"]))
    _, out, _ = ask(*explain, "--cold-boost", "6", "--json")
    found = json.loads(out)
    assert found["score"] == pytest.approx(rows[0]["score"], rel=1e-5)
    added = sum(row["contribution"] for row in found["liked"])
    assert added + found["common"] == pytest.approx(found["score"], rel=1e-4)
    assert found["own_contribution"] + found["neighbour_contribution"] == pytest.approx(found["score"])
    _, out, _ = ask(*explain)
    first, own, neighbours = out.splitlines()[:3]
    assert first.startswith(f"{found['title']}: score ") and own.split() == [
        "own",
        "embedding",
        "0.0000",
        "0%",
    ]
    assert neighbours.split()[0] == "neighbours" and neighbours.endswith("100%") and "bias" not in out
    out_file = tmp_path / "lists.parquet"
    assert (
        ask("recommend", "demo", "--all-users", "--top", "1", "--cold-boost", "1000", "--out", str(out_file))[
            0
        ]
        == 0
    )
    listed = pd.read_parquet(out_file)["item_id"]
    assert (demo.items.set_index("item_id")["likes"][listed] == 0).mean() > 0.9
