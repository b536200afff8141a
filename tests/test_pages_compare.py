"""The compare page on the demo, opened by link and used by its widgets."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer, Overlap
from dskreg.storage import artifact as artifacts
from dskreg.ui.common import cache
from dskreg.ui.compare import lists as ranked_lists
from dskreg.ui.compare import models, user_item
from dskreg.ui.compare.lists import Ranked
from tests import visits
from tests.small import of_few
from tests.visits import DEMO, fine, said

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
USER = 17


def visit(**parameters: object) -> AppTest:
    """The page as a new visitor sees it under this address."""
    return visits.visit("compare", **{"user": USER, "top": 8, **parameters})


def tables(app: AppTest, *columns: str) -> list[pd.DataFrame]:
    return [
        table.value for table in app.dataframe if list(columns) == list(table.value.columns)[: len(columns)]
    ]


def lists(app: AppTest) -> list[list[str]]:
    """The titles of the lists on the page."""
    return [table["title"].tolist() for table in tables(app, "rank", "title")]


def sides(app: AppTest) -> list[str]:
    """The names above the lists."""
    return [header.value.replace("\\", "") for header in app.subheader]


def metric(app: AppTest, label: str) -> str:
    return next(element.value for element in app.metric if element.label == label)


def heading(explorer: Explorer, user: int) -> str:
    label = explorer.profile(user).label
    return label[:1].upper() + label[1:]


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click()
    return fine(app.run())


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two artifacts: the demo and its copy."""
    for name in ("demo", "other"):
        shutil.copytree(DEMO, tmp_path / name)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    return tmp_path


# Recommenders


def test_the_lists_are_the_recommendations_of_dskreg_and_ease(explorer: Explorer) -> None:
    app, profile = visit(hide_seen="false"), explorer.profile(USER)
    rivals = explorer.with_seen.rivals
    expected = [rivals.recommend(name, profile, 8) for name in ("DSKReG", "EASE")]
    assert lists(app) == [table["title"].tolist() for table in expected]
    overlap = Overlap.of(*(table["item_id"].tolist() for table in expected))
    assert metric(app, "Overlap") == f"{overlap.common} of 8"
    assert metric(app, "RBO (p = 0.9)") == f"{overlap.rbo:.2f}"
    assert metric(app, "Jaccard") == f"{overlap.jaccard[-1]:.2f}"
    for shown, table in zip(tables(app, "rank", "title"), expected, strict=True):
        assert (shown["star"] == "★").tolist() == table["held_out"].tolist()


def test_a_users_figures_are_shown_and_the_best_has_a_star(explorer: Explorer) -> None:
    app, profile = visit(depth=20), explorer.profile(USER)
    figures = explorer.rivals.metrics(profile, ("DSKReG", "EASE"))
    shown = tables(app, "recommender", "recall")[0].set_index("recommender")
    assert shown.loc["EASE", "ndcg"].removesuffix(" ★") == f"{figures.loc['EASE', 'ndcg@20']:.3f}"
    winner = figures["ndcg@20"].idxmax()
    assert shown.loc[winner, "ndcg"].endswith("★")
    ranks = tables(app, "title", "DSKReG", "EASE")[-1]
    assert len(ranks) == len(explorer.rivals.held_out(profile)) and "vary by chance" in said(app)


def test_a_link_selects_two_recommenders_or_all() -> None:
    app = visit(left="popularity", right="item-kNN")
    assert sides(app)[:2] == ["popularity", "item-kNN"]
    app = visit(all_four="true")
    assert sides(app)[:4] == ["DSKReG", "popularity", "item-kNN", "EASE"]
    assert len(lists(app)) == 4 and len(tables(app, "recommender", "DSKReG", "popularity")) == 1


def test_the_two_selected_recommenders_return_after_all_were_shown() -> None:
    app = visit(left="popularity", right="item-kNN")
    for everybody in (True, True, False):
        app.toggle(key="all_four").set_value(everybody)
        app = fine(app.run())
    assert sides(app)[:2] == ["popularity", "item-kNN"] and not app.warning


def test_the_same_recommender_on_both_sides_is_not_compared() -> None:
    app = visit(left="EASE", right="EASE")
    assert "same recommender" in said(app) and not lists(app)


def test_without_held_out_items_the_list_is_that_of_the_recommendations_page(explorer: Explorer) -> None:
    app = visit(hidden="false")
    assert lists(app)[0] == explorer.recommend(explorer.profile(USER), 8)["title"].tolist()
    assert "star" not in tables(app, "rank", "title")[0]


@pytest.mark.parametrize("kind", ["custom", "edited"])
def test_a_profile_without_held_out_items_has_a_reason_in_place_of_figures(
    kind: str, explorer: Explorer
) -> None:
    if kind == "custom":
        profile, parameters = explorer.profile_of([36]), {"profile": "mine", "titles": "36"}
    else:
        profile = explorer.edited(explorer.profile(USER), ["1"], ["36"])
        parameters = {"disliked": "36", "liked": "1"}
    app, reason = visit(**parameters), explorer.rivals.untestable(profile)
    assert reason and reason in said(app) and len(lists(app)) == 2
    assert not tables(app, "recommender", "recall")


def test_an_expensive_baseline_is_computed_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dskreg.serving.baselines.FEW_TITLES", 3)
    fresh = Explorer.open(DEMO)
    monkeypatch.setattr(cache, "open_explorer", lambda path: fresh)
    app = visit(right="EASE")
    assert "needs" in said(app) and not fresh.rivals.ready("EASE")
    app.toggle(key="large").set_value(True)
    assert len(lists(fine(app.run()))) == 2 and fresh.rivals.ready("EASE")


# Users


def test_two_users_are_compared_by_lists_and_likes(explorer: Explorer) -> None:
    app = visit(what="users", other=34)
    assert lists(app) == [
        explorer.recommend(explorer.profile(user), 8)["title"].tolist() for user in (USER, 34)
    ]
    both = set(explorer.profile(USER).history) & set(explorer.profile(34).history)
    assert f"both like **{len(both)}**" in said(app)


def test_a_pinned_user_stays_when_the_sidebar_selects_another(explorer: Explorer) -> None:
    app = press(visit(what="users"), "Pin")
    assert "Both sides show the same user" in said(app)
    app.text_input(key="user").set_value("34")
    app = fine(app.run())
    assert sides(app)[:2] == [heading(explorer, 34), heading(explorer, USER)]
    app = press(app, "Swap")
    assert sides(app)[:2] == [heading(explorer, USER), heading(explorer, 34)]
    app.button_group(key="what").set_value("items")
    app = fine(app.run())
    assert app.session_state["other"] == "34"  # other views keep the pinned user


def test_a_link_carries_a_pinned_custom_profile(explorer: Explorer) -> None:
    titles = [str(key) for key in explorer.items.sort_values("likes", ascending=False)["item_id"].head(3)]
    app = press(visit(what="users", profile="mine", titles=",".join(titles)), "Pin")
    carried = {field: app.text_input(key=field).value for field in ("other", "other_liked")}
    assert carried == {"other": "", "other_liked": ",".join(titles)}
    app = visit(what="users", **carried)
    assert lists(app)[1] == explorer.recommend(explorer.profile_of(titles), 8)["title"].tolist()


def test_a_pinned_edited_user_keeps_the_edits(explorer: Explorer) -> None:
    gone = str(explorer.profile(USER).history[0])
    app = press(visit(what="users", disliked=gone, liked="36"), "Pin")
    carried = {field: app.text_input(key=field).value for field in ("other", "other_liked", "other_disliked")}
    other = explorer.edited(
        explorer.profile(USER), carried["other_liked"].split(",") if carried["other_liked"] else (), [gone]
    )
    app = visit(what="users", user=34, **carried)
    assert lists(app)[1] == explorer.recommend(other, 8)["title"].tolist()


def test_an_unknown_other_user_is_named_and_can_be_replaced() -> None:
    app = visit(what="users", other="nobody")
    assert "nobody" in said(app) and len(lists(app)) == 2
    assert not press(app, "Keep suggested user").warning


# Items


def test_two_items_are_compared_by_scores_ranks_and_neighbours(explorer: Explorer) -> None:
    one, other = explorer.recommend(explorer.profile(USER), 8)["item_id"].head(2).tolist()
    app = visit(what="items", item=one, other_title=other)
    scores = [element.value for element in app.metric if element.label == "Score"]
    assert scores == [f"{explorer.explain(explorer.profile(USER), key).score:.2f}" for key in (one, other)]
    assert [element.value for element in app.metric if element.label == "Rank"] == ["1", "2"], (
        "as in the recommendations"
    )
    assert metric(app, "Aggregated similarity") == f"{explorer.pair(one, other).after:.2f}"
    assert lists(app) == [explorer.maps.similar(key, 20)["title"].tolist() for key in (one, other)]


def test_the_selected_item_can_be_pinned_and_an_unknown_one_is_named(explorer: Explorer) -> None:
    app = press(visit(what="items", item=36), "Pin selected item")
    assert app.text_input(key="other_title").value == "36" and "same item" in said(app)
    app = visit(what="items", other_title="999999999")
    assert "999999999" in said(app)
    assert not press(app, "Keep the recommendation").warning


# Models


def test_a_single_model_comes_with_the_command_that_trains_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = visit(what="models")
    assert "only one model" in said(app) and "--seed" in app.code[-1].value


def test_a_model_and_its_copy_agree_in_everything(two: Path) -> None:
    app = visit(what="models")
    assert metric(app, "Overlap") == "8 of 8" and metric(app, "Kendall's tau") == "+1.00"
    assert lists(app)[0] == lists(app)[1]
    assert "same settings" in said(app) and "figures are comparable" in said(app)


def foreign(folder: Path, **changes: object) -> None:
    """Save the folder's artifact as if it had been trained on other data."""
    made = artifacts.load(folder)
    artifacts.save(replace(made, dataset=replace(made.dataset, **changes)), folder)


def test_users_of_other_data_are_compared_by_the_likes_that_both_models_know(
    two: Path, explorer: Explorer
) -> None:
    made = artifacts.load(two / "other").dataset
    foreign(two / "other", name="elsewhere", items=made.items.assign(item_id=made.items["item_id"] + 100_000))
    app = visit(what="models")
    assert "ids of other data belong to other users" in said(app) and not lists(app)
    app.toggle(key="by_titles").set_value(True)
    app = fine(app.run())
    assert metric(app, "Overlap") == "8 of 8"
    history = explorer.profile(USER).history
    assert f"{len(history)} of the {len(history)} liked items" in said(app)
    assert "figures are not comparable" in said(app)


def test_models_without_a_common_item_are_not_compared(two: Path) -> None:
    made = artifacts.load(two / "other").dataset
    foreign(
        two / "other",
        name="elsewhere",
        items=made.items.assign(title="No. " + made.items["item_id"].astype(str)),
    )
    app = visit(what="models", profile="mine", titles="36")
    assert "knows none of" in said(app) and not lists(app)


def test_a_user_whom_the_other_model_lacks_is_compared_by_likes(two: Path, explorer: Explorer) -> None:
    foreign(two / "other", user_ids=artifacts.load(two / "other").dataset.user_ids + 5_000)
    app = visit(what="models", by_titles="true")
    assert f"does not know {explorer.profile(USER).label}" in said(app) and metric(app, "Overlap") == "8 of 8"


@pytest.mark.parametrize(
    "parameters", [{"what": "apples"}, {"what": "models", "other_model": "../../etc"}], ids=str
)
def test_an_invalid_parameter_is_named_and_the_default_is_shown(
    two: Path, parameters: dict[str, str]
) -> None:
    app = visit(**parameters)
    assert app.warning and lists(app)


# Parts


def ranking(name: str, titles: str, hidden: str = "") -> Ranked:
    rows = [(rank, f"id {letter}", letter, letter in hidden) for rank, letter in enumerate(titles, 1)]
    return Ranked(name, pd.DataFrame(rows, columns=["rank", "item_id", "title", "held_out"]))


def test_the_move_of_an_item_is_said_in_words() -> None:
    assert [ranked_lists.move(*pair) for pair in ((1, 4), (4, 1), (2, 2), (3, None))] == [
        "up 3",
        "down 3",
        "same rank",
        "only here",
    ]


def test_the_table_of_ranks_starts_with_the_items_that_all_lists_share() -> None:
    table = ranked_lists.ranks_table([ranking("one", "abc", "b"), ranking("other", "cxa")])
    assert table["title"].tolist() == ["a", "c", "b", "x"]
    assert table["0"].tolist()[:3] == [1, 3, 2] and table["0"].isna().tolist() == [False, False, False, True]
    assert table["1"].tolist()[:2] == [3, 1]
    assert table.loc[table["title"] == "b", "star"].item() == "★"


def test_two_items_of_the_same_title_stay_two_items() -> None:
    ground = models.Ground(False, False)
    same = pd.DataFrame({"rank": [1, 2], "item_id": [5, 6], "title": ["Twin", "twin"], "held_out": False})
    keys = models.keys(same, "here", ground)
    assert keys[0] == "twin" and len(set(keys)) == 2
    assert not np.array_equal(keys, models.keys(same, "there", ground))


def test_one_item_for_two_users_says_what_depends_on_the_user() -> None:
    explorer = Explorer.open(DEMO)
    one, two = explorer.profile(USER), explorer.profile(34)
    item = explorer.recommend(one, 3)["item_id"].iloc[2]
    app = visit(what="users", other=34, item=item)
    said_first = "The same for both users: **which neighbours are sampled and their attention**. Different: "
    assert f"{said_first}**what each of them adds and the score**" in said(app)
    (table,) = tables(app, "term", "first", "second")
    for name, profile in (("first", one), ("second", two)):
        found = explorer.explain(profile, item)
        assert table[name].sum() == pytest.approx(found.score, abs=1e-4)
        assert f"score **{found.score:.3f}**, rank **{explorer.ranks(profile)[item]:,}**" in said(app)


def test_in_the_papers_form_attention_depends_on_the_user() -> None:
    explorer = of_few("paper", 0)
    first = explorer.profile(500)
    item = next(  # whose neighbours come under two relations
        i
        for i in explorer.items["item_id"]
        if explorer.explain(first, i).item_neighbours.query("picked")["relation"].nunique() > 1
    )
    one, two = (explorer.explain(explorer.profile(user), item) for user in (500, 501))
    words = user_item.in_words(one, two, explorer.samples_likes)
    assert words.startswith(
        "The same for both users: **which neighbours are sampled**. Different: **their att"
    )
    assert "Different" not in user_item.in_words(one, one, explorer.samples_likes)
    table = user_item.terms(one, two)
    assert table["second"].sum() == pytest.approx(two.pre_activation_score, abs=1e-5)
    assert not table["attention"].equals(table["attention_second"])
