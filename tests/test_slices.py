"""Slices of a test: by hand on six items, and by loops over the demo's files."""

import json
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from dskreg.evaluation.slices import COLD, LIKES, Slices, gini, without_items
from dskreg.explorer import Explorer
from dskreg.ui.model import slices as panel
from tests.command_line import DEMO, run
from tests.small import of_few
from tests.visits import said, table_with, visit

K = 20


def csr(rows: list[list[int]], items: int = 6) -> sparse.csr_matrix:
    dense = np.zeros((len(rows), items), dtype=np.float32)
    for n, row in enumerate(rows):
        dense[n, row] = 1
    return sparse.csr_matrix(dense)


@pytest.fixture
def by_hand() -> Slices:
    """Lists of two places: user 0 (3 likes) finds one of two, user 1 (3 likes) its only one in the second
    place, user 2 (9 likes) nothing.
    """
    slices = Slices(6, 2)
    slices.add(np.array([[0, 1, 5], [0, 2, 5]]), csr([[0, 4], [2]]), np.array([3, 3]))
    slices.add(np.array([[0, -1]]), csr([[5]]), np.array([9]))
    return slices


def test_users_by_activity_by_hand(by_hand: Slices) -> None:
    few, many = by_hand.by_activity()
    second = 1 / np.log2(3)  # the gain of the second place
    first, other = 1 / (1 + second), second
    assert (few["slice"], few["users"], many["slice"], many["users"]) == ("3", 2, "9", 1)
    assert few["recall"] == pytest.approx((1 / 2 + 1) / 2) and few["hit"] == 1
    assert few["ndcg"] == pytest.approx((first + other) / 2)
    spread = abs(first - other) / np.sqrt(2)  # the standard deviation of two values
    assert few["within"] == pytest.approx(1.96 * spread / np.sqrt(2))
    assert (many["recall"], many["ndcg"], many["hit"], many["within"]) == (0, 0, 0, None)
    whole = by_hand.overall()
    assert whole["users"] == 3 and whole["recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_items_by_likes_and_by_genre_by_hand(by_hand: Slices) -> None:
    """Held out: 0, 2, 4, 5, of which 0 and 2 are found; places: 0 three times, 1 and 2 once."""
    rows = {row["slice"]: row for row in by_hand.by_likes(np.array([200, 5, 5, 1, 0, 0]))}
    assert list(rows) == [COLD, "1-2", "3-5", "over 100"]  # the others hold no item
    assert without_items(list(rows.values())) == "No item has 6-10, 11-20, 21-50 or 51-100 likes."
    assert without_items(Slices(8).by_likes(np.array(list(LIKES.values())))) == ""
    cold = by_hand.by_likes(np.array([1, 1, 1, 1, 1, 21]))
    assert without_items(cold) == "No item has 0, 3-5, 6-10, 11-20, 51-100 or over 100 likes."
    assert rows["over 100"] == {
        "slice": "over 100", "items": 1, "held_out": 1, "recall": 1, "held_out_share": 1 / 4,
        "list_share": 3 / 5, "coverage": 1,
    }  # fmt: skip
    assert rows["3-5"] == {
        "slice": "3-5", "items": 2, "held_out": 1, "recall": 1, "held_out_share": 1 / 4,
        "list_share": 2 / 5, "coverage": 1,
    }  # fmt: skip
    assert rows[COLD] == {
        "slice": COLD, "items": 2, "held_out": 2, "recall": 0, "held_out_share": 2 / 4,
        "list_share": 0, "coverage": 0,
    }  # fmt: skip
    assert (rows["1-2"]["recall"], rows["1-2"]["coverage"]) == (None, 0)
    carried = np.array([[1, 0], [0, 0], [1, 1], [0, 0], [1, 0], [0, 1]])
    one, two = by_hand.by_genre(["one", "two"], carried)
    assert (one["items"], one["held_out"], one["recall"], one["list_share"]) == (3, 3, 2 / 3, 4 / 5)
    assert (two["items"], two["held_out"], two["recall"], two["list_share"]) == (2, 2, 1 / 2, 1 / 5)


def test_coverage_and_popularity_bias_by_hand(by_hand: Slices) -> None:
    found = by_hand.bias(np.array([200, 5, 5, 1, 0, 1]))
    assert found["coverage"] == 3 / 6
    assert found["mean_likes_recommended"] == (3 * 200 + 5 + 5) / 5
    assert found["mean_likes_held_out"] == (200 + 5 + 0 + 1) / 4
    assert (found["head_recommended"], found["head_held_out"]) == (3 / 5, 1 / 4)  # 1 of 5 with likes
    pairs = [abs(a - b) for a in (3, 1, 1, 0, 0, 0) for b in (3, 1, 1, 0, 0, 0)]
    assert found["gini"] == pytest.approx(np.mean(pairs) / 2 / (5 / 6))
    assert gini(np.full(4, 7)) == 0 and gini(np.zeros(3)) == 0


def test_nobody_to_ask_gives_no_figure() -> None:
    slices = Slices(2)
    assert slices.by_activity() == [] and slices.overall()["recall"] is None
    assert slices.bias(np.array([1, 0]))["coverage"] == 0
    assert slices.bias(np.array([1, 0]))["mean_likes_recommended"] is None


def test_activity_groups_are_about_equal_and_hold_every_user_once() -> None:
    rng = np.random.default_rng(0)
    length = rng.integers(1, 400, 997)
    slices = Slices(6, 2)
    slices.add(np.zeros((997, 2), dtype=np.int64), csr([[0]] * 997), length)
    rows = slices.by_activity()
    assert sum(row["users"] for row in rows) == 997
    for row in rows:
        low, high = map(int, row["slice"].split("-"))
        assert row["users"] == ((length >= low) & (length <= high)).sum()
        assert abs(row["users"] - 997 / 5) < 10


# The demo, from its files


@cache
def lists() -> dict[int, list[int]]:
    explorer = Explorer.open(DEMO)
    item = {i: n for n, i in enumerate(explorer.items["item_id"])}
    user = {u: n for n, u in enumerate(explorer.user_ids)}
    rows = pd.concat(explorer.lists(K, exclude="train"))
    return {user[u]: [item[i] for i in listed] for u, listed in rows.groupby("user_id")["item_id"]}


@cache
def document() -> dict:
    explorer = Explorer.open(DEMO)
    return explorer.without_adult.rivals.slices()


def test_the_command_prints_what_the_explorer_measures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "slices", str(DEMO), "--json")
    found = json.loads(out)
    assert code == 0 and {**found.pop("recommenders")["DSKReG"], **found} == document()
    code, out, _ = run(capsys, monkeypatch, "slices", str(DEMO), "--users", "100", "--baselines", "--json")
    few = json.loads(out)
    assert code == 0 and (few["users"], few["of"]) == (100, 2000)
    assert list(few["recommenders"]) == ["DSKReG", "popularity", "item-kNN", "EASE"]
    code, text, _ = run(capsys, monkeypatch, "slices", str(DEMO), "--users", "100")
    row = few["recommenders"]["DSKReG"]["all"]
    assert code == 0 and f"{row['recall']:.3f}" in text and f"{row['ndcg']:.3f}" in text


def test_all_users_together_have_the_metrics_of_the_artifact() -> None:
    kept = json.loads((DEMO / "metrics.json").read_text())
    for name in ("recall", "ndcg", "hit"):
        assert document()["all"][name] == pytest.approx(kept["metrics"][f"{name}@20"], rel=1e-3)
    assert document()["users"] == document()["of"] == kept["users"]
    assert document()["bias"]["coverage"] == pytest.approx(kept["metrics"]["coverage@20"], abs=5e-3)


def test_items_of_the_demo_by_loops_over_its_files() -> None:
    rows = pd.read_parquet(DEMO / "interactions.parquet").query("liked")
    items = pd.read_parquet(DEMO / "items.parquet")
    likes = Counter(rows.loc[rows["fold"] != 2, "item"])
    test = [(u, i) for u, i in zip(*rows.loc[rows["fold"] == 2, ["user", "item"]].to_numpy().T, strict=True)]
    places = Counter(i for listed in lists().values() for i in listed)
    low = list(LIKES.values())
    for n, row in enumerate(document()["likes"]):
        high = low[n + 1] if n + 1 < len(low) else 10**9
        mine = {i for i in range(len(items)) if low[n] <= likes[i] < high}
        held = [(u, i) for u, i in test if i in mine]
        assert (row["items"], row["held_out"]) == (len(mine), len(held))
        if held:
            assert row["recall"] == pytest.approx(np.mean([i in lists()[u] for u, i in held]), abs=2e-3)
        assert row["list_share"] == pytest.approx(sum(places[i] for i in mine) / (K * 2000), abs=1e-3)
    genre = document()["genres"][0]
    mine = {n for n, text in enumerate(items["genres"]) if genre["slice"] in text.split(", ")}
    held = [(u, i) for u, i in test if i in mine]
    assert (genre["items"], genre["held_out"]) == (len(mine), len(held))
    assert genre["recall"] == pytest.approx(np.mean([i in lists()[u] for u, i in held]), abs=2e-3)
    bias = document()["bias"]
    assert bias["mean_likes_held_out"] == pytest.approx(np.mean([likes[i] for _, i in test]))
    assert bias["mean_likes_recommended"] == pytest.approx(
        sum(count * likes[i] for i, count in places.items()) / sum(places.values()), rel=1e-3
    )


# The panel on the Model page


def test_the_panel_shows_the_groups_that_the_link_asks_for() -> None:
    found = document()
    app = visit("model", slices="users")
    shown = table_with(app, "slice", "ndcg").set_index("slice")
    for row in [*found["activity"], found["all"]]:
        mine = shown.loc[row["slice"]]
        assert mine["users"] == f"{row['users']:,}" and mine["recall"] == f"{row['recall']:.3f}"
        assert mine["ndcg"] == f"{row['ndcg']:.3f} \u00b1 {row['within']:.3f}"
    tiles = {metric.label: metric.value for metric in app.metric}
    bias = found["bias"]
    assert tiles["Coverage@20"] == f"{bias['coverage']:.0%}" and tiles["Gini"] == f"{bias['gini']:.2f}"
    assert tiles["Likes in lists"] == f"{bias['mean_likes_recommended']:,.0f}"
    head, wanted = bias["head_recommended"], bias["head_held_out"]
    assert head > wanted
    assert f"{head:.0%}** of the recommendations, more than its **{wanted:.0%}**" in said(app)
    app = visit("model", slices="genres")
    shown = table_with(app, "slice", "coverage")
    assert shown["slice"].tolist() == [row["slice"] for row in found["genres"]]


def test_a_world_without_test_users_has_no_slices_to_show() -> None:
    found = of_few("default", 0).rivals.slices()  # nothing is held out
    assert (found["users"], found["activity"], found["genres"]) == (0, [], [])
    assert panel.bias_in_words(found) == ""
