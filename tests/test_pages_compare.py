"""The compare page on the demo, driven as a visitor would: by link and by widget."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer, Overlap
from dskreg.storage import artifact as artifacts
from dskreg.ui.common import cache
from dskreg.ui.compare import bump_chart, models
from dskreg.ui.compare import lists as beside
from dskreg.ui.compare.lists import Ranked
from tests.visits import DEMO, ROOT, fine, said

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
VIEWER = 17


def visit(**parameters: object) -> AppTest:
    """The page as a fresh browser sees it under this address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    asked = {key: str(value) for key, value in {"user": VIEWER, "top": 8, **parameters}.items()}
    for key, value in asked.items():
        app.query_params[key] = value
    app.run()
    app.switch_page("pages/compare.py")
    for key, value in asked.items():  # AppTest forgets the page's own on its way
        app.query_params[key] = value
    return fine(app.run())


def tables(app: AppTest, *columns: str) -> list[pd.DataFrame]:
    return [
        table.value for table in app.dataframe if list(columns) == list(table.value.columns)[: len(columns)]
    ]


def lists(app: AppTest) -> list[list[str]]:
    """The titles of the lists that stand side by side."""
    return [table["title"].tolist() for table in tables(app, "rank", "title")]


def sides(app: AppTest) -> list[str]:
    """The names above the lists."""
    return [header.value.replace("\\", "") for header in app.subheader]


def metric(app: AppTest, label: str) -> str:
    return next(element.value for element in app.metric if element.label == label)


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


def test_the_model_beside_ease_is_what_both_recommend(explorer: Explorer) -> None:
    app, profile = visit(), explorer.profile(VIEWER)
    expected = [explorer.rivals.recommend(name, profile, 8, hide_seen=False) for name in ("DSKReG", "EASE")]
    assert lists(app) == [table["title"].tolist() for table in expected]
    overlap = Overlap.of(*(table["item_id"].tolist() for table in expected))
    assert metric(app, "In both lists") == f"{overlap.common} of 8"
    assert metric(app, "Top agreement") == f"{overlap.rbo:.2f}"
    assert metric(app, "Shared part") == f"{overlap.jaccard[-1]:.2f}"
    for shown, table in zip(tables(app, "rank", "title"), expected, strict=True):
        assert (shown["star"] == "★").tolist() == table["held_out"].tolist()


def test_the_persons_figures_and_ranks_are_shown_whoever_wins(explorer: Explorer) -> None:
    app, profile = visit(depth=20), explorer.profile(VIEWER)
    figures = explorer.rivals.metrics(profile, ("DSKReG", "EASE"))
    shown = tables(app, "recommender", "recall")[0].set_index("recommender")
    assert shown.loc["EASE", "ndcg"].removesuffix(" ★") == f"{figures.loc['EASE', 'ndcg@20']:.3f}"
    winner = figures["ndcg@20"].idxmax()
    assert shown.loc[winner, "ndcg"].endswith("★")
    ranks = tables(app, "title", "DSKReG", "EASE")[-1]
    assert len(ranks) == len(explorer.rivals.held_out(profile)) and "owe much to chance" in said(app)


def test_any_two_and_all_four_come_from_the_link() -> None:
    app = visit(left="popularity", right="item-kNN")
    assert sides(app)[:2] == ["popularity", "item-kNN"]
    app = visit(all_four="true")
    assert sides(app)[:4] == ["DSKReG", "popularity", "item-kNN", "EASE"]
    assert len(lists(app)) == 4 and len(tables(app, "recommender", "DSKReG", "popularity")) == 1


def test_the_two_chosen_come_back_after_all_four() -> None:
    app = visit(left="popularity", right="item-kNN")
    for everybody in (True, True, False):
        app.toggle(key="all_four").set_value(everybody)
        app = fine(app.run())
    assert sides(app)[:2] == ["popularity", "item-kNN"] and not app.warning


def test_the_same_recommender_twice_says_so() -> None:
    assert "same recommender" in said(visit(left="EASE", right="EASE"))


def test_without_hidden_titles_the_list_is_the_recommendations_page(explorer: Explorer) -> None:
    app = visit(hidden="false")
    assert lists(app)[0] == explorer.recommend(explorer.profile(VIEWER), 8)["title"].tolist()
    assert "star" not in tables(app, "rank", "title")[0]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"profile": "mine", "titles": "36"}, "made by hand"), ({"disliked": "36", "liked": "1"}, "edited")],
)
def test_who_cannot_be_tested_is_told_why(parameters: dict[str, str], words: str) -> None:
    app = visit(**parameters)
    assert words in said(app) and len(lists(app)) == 2
    assert not tables(app, "recommender", "recall") and not [
        toggle for toggle in app.toggle if toggle.key == "hidden"
    ]


def test_a_large_ease_waits_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dskreg.serving.baselines.FEW_TITLES", 3)
    fresh = Explorer.open(DEMO)
    monkeypatch.setattr(cache, "open_explorer", lambda path: fresh)
    app = visit(right="EASE")
    assert "needs" in said(app) and not fresh.rivals.ready("EASE")
    app.toggle(key="large").set_value(True)
    assert len(lists(fine(app.run()))) == 2 and fresh.rivals.ready("EASE")


# People


def test_two_people_stand_side_by_side(explorer: Explorer) -> None:
    app = visit(what="people", other=34)
    assert lists(app) == [
        explorer.recommend(explorer.profile(user), 8)["title"].tolist() for user in (VIEWER, 34)
    ]
    both = set(explorer.profile(VIEWER).history) & set(explorer.profile(34).history)
    assert f"both like **{len(both)}**" in said(app)


def test_a_pinned_person_stays_while_the_sidebar_goes_on(explorer: Explorer) -> None:
    app = press(visit(what="people"), "Pin")
    assert "Both sides are the same person" in said(app)
    app.text_input(key="user").set_value("34")
    app = fine(app.run())
    assert sides(app)[:2] == ["User 34", f"User {VIEWER}"]
    app = press(app, "Swap")
    assert sides(app)[:2] == [f"User {VIEWER}", "User 34"]
    app.button_group(key="what").set_value("titles")
    app = fine(app.run())
    assert app.session_state["other"] == "34"  # what was pinned is not forgotten on the way


def test_a_pinned_hand_made_profile_is_carried_by_the_link(explorer: Explorer) -> None:
    titles = [str(key) for key in explorer.items.sort_values("likes", ascending=False)["item_id"].head(3)]
    app = press(visit(what="people", profile="mine", titles=",".join(titles)), "Pin")
    carried = {field: app.text_input(key=field).value for field in ("other", "other_liked")}
    assert carried == {"other": "", "other_liked": ",".join(titles)}
    app = visit(what="people", **carried)
    assert lists(app)[1] == explorer.recommend(explorer.profile_of(titles), 8)["title"].tolist()


def test_a_pinned_edited_viewer_keeps_the_changes(explorer: Explorer) -> None:
    gone = str(explorer.profile(VIEWER).history[0])
    app = press(visit(what="people", disliked=gone, liked="36"), "Pin")
    carried = {field: app.text_input(key=field).value for field in ("other", "other_liked", "other_disliked")}
    other = explorer.edited(
        explorer.profile(VIEWER), carried["other_liked"].split(",") if carried["other_liked"] else (), [gone]
    )
    app = visit(what="people", user=34, **carried)
    assert lists(app)[1] == explorer.recommend(other, 8)["title"].tolist()


def test_an_unknown_other_person_is_named_with_a_way_out() -> None:
    app = visit(what="people", other="nobody")
    assert "nobody" in said(app) and len(lists(app)) == 2
    assert not press(app, "Keep the suggested person").warning


# Titles


def test_two_titles_with_scores_ties_and_neighbours(explorer: Explorer) -> None:
    one, other = explorer.recommend(explorer.profile(VIEWER), 8)["item_id"].head(2).tolist()
    app = visit(what="titles", item=one, other_title=other)
    scores = [element.value for element in app.metric if element.label == "Score"]
    assert scores == [f"{explorer.explain(explorer.profile(VIEWER), key).score:.2f}" for key in (one, other)]
    assert [element.value for element in app.metric if element.label == "Rank"] == ["1", "2"], (
        "as in the recommendations"
    )
    assert metric(app, "Alike, after") == f"{explorer.pair(one, other).after:.2f}"
    assert lists(app) == [explorer.maps.similar(key, 20)["title"].tolist() for key in (one, other)]


def test_a_title_is_pinned_and_an_unknown_one_named(explorer: Explorer) -> None:
    app = press(visit(what="titles", item=36), "Pin the present title")
    assert app.text_input(key="other_title").value == "36" and "same title" in said(app)
    app = visit(what="titles", other_title="999999999")
    assert "999999999" in said(app)
    assert not press(app, "Keep the recommendation").warning


# Models


def test_one_model_alone_says_how_to_make_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = visit(what="models")
    assert "only one model" in said(app) and "--seed" in app.code[-1].value


def test_a_model_beside_its_copy_agrees_in_everything(two: Path) -> None:
    app = visit(what="models")
    assert metric(app, "In both lists") == "8 of 8" and metric(app, "Same order") == "+1.00"
    assert lists(app)[0] == lists(app)[1]
    assert "same settings" in said(app) and "can be held against each other" in said(app)


def foreign(folder: Path, **changes: object) -> None:
    """The artifact of the folder with other names: as if made from other data."""
    from dataclasses import replace

    made = artifacts.load(folder)
    artifacts.save(replace(made, dataset=replace(made.dataset, **changes)), folder)


def test_other_viewers_are_not_the_same_person_but_titles_can_be(two: Path, explorer: Explorer) -> None:
    made = artifacts.load(two / "other").dataset
    foreign(two / "other", name="elsewhere", items=made.items.assign(item_id=made.items["item_id"] + 100_000))
    app = visit(what="models")
    assert "an id means somebody else in other data" in said(app) and not lists(app)
    app.toggle(key="by_titles").set_value(True)
    app = fine(app.run())
    assert metric(app, "In both lists") == "8 of 8"
    history = explorer.profile(VIEWER).history
    assert f"{len(history)} of the {len(history)} liked titles" in said(app)
    assert "cannot be held against each other" in said(app)


def test_nothing_in_common_is_said(two: Path) -> None:
    made = artifacts.load(two / "other").dataset
    foreign(
        two / "other",
        name="elsewhere",
        items=made.items.assign(title="No. " + made.items["item_id"].astype(str)),
    )
    app = visit(what="models", profile="mine", titles="36")
    assert "knows none of" in said(app) and not lists(app)


def test_a_viewer_who_is_missing_in_the_same_data_is_compared_by_titles(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign(two / "other", user_ids=artifacts.load(two / "other").dataset.user_ids + 5_000)
    app = visit(what="models", by_titles="true")
    assert "does not know user 17" in said(app) and metric(app, "In both lists") == "8 of 8"


@pytest.mark.parametrize(
    "parameters", [{"what": "apples"}, {"what": "models", "other_model": "../../etc"}], ids=str
)
def test_garbage_in_the_link_is_named(two: Path, parameters: dict[str, str]) -> None:
    app = visit(**parameters)
    assert app.warning and lists(app)


# The pieces


def ranking(name: str, titles: str, hidden: str = "") -> Ranked:
    rows = [(rank, f"id {letter}", letter, letter in hidden) for rank, letter in enumerate(titles, 1)]
    return Ranked(name, pd.DataFrame(rows, columns=["rank", "item_id", "title", "held_out"]))


def test_moves_in_words() -> None:
    assert [beside.move(*pair) for pair in ((1, 4), (4, 1), (2, 2), (3, None))] == [
        "up 3",
        "down 3",
        "same",
        "only here",
    ]


def test_the_ranks_as_a_table_start_with_what_all_share() -> None:
    table = beside.ranks_table([ranking("one", "abc", "b"), ranking("other", "cxa")])
    assert table["title"].tolist() == ["a", "c", "b", "x"]
    assert table["0"].tolist()[:3] == [1, 3, 2] and table["0"].isna().tolist() == [False, False, False, True]
    assert table["1"].tolist()[:2] == [3, 1]
    assert table.loc[table["title"] == "b", "star"].item() == "★"


def test_the_drawing_joins_what_both_lists_hold_and_nothing_else() -> None:
    one, other = ranking("one", "abcd", "d"), ranking("other", "bade")
    figure = bump_chart.slope(
        [(ranked.name, ranked.entries) for ranked in (one, other)], beside.found_in([one, other])
    )
    lines = {
        trace.name: [(x, y) for x, y in zip(trace.x, trace.y, strict=True) if x is not None]
        for trace in figure.data
        if trace.mode == "lines"
    }
    assert lines == {"rises": [(0, 2), (1, 1), (0, 4), (1, 3)], "falls": [(0, 1), (1, 2)]}
    stars = [
        (x, y)
        for trace in figure.data
        if trace.name == bump_chart.FOUND
        for x, y in zip(trace.x, trace.y, strict=True)
    ]
    alone = [
        (x, y)
        for trace in figure.data
        if trace.name == bump_chart.ALONE
        for x, y in zip(trace.x, trace.y, strict=True)
    ]
    assert stars == [(0, 4), (1, 3)] and alone == [(0, 3), (1, 4)]


def test_titles_are_never_markup_in_the_drawing() -> None:
    bad = ranking("<b>one</b>", ["<a href=x>", "b"])  # type: ignore[arg-type]
    document = bump_chart.slope([(bad.name, bad.entries), (bad.name, bad.entries)]).to_json()
    assert "<a href" not in document.replace("\\u003c", "<") and "<b>" not in document.replace("\\u003c", "<")


def test_titles_of_one_name_are_two_titles(explorer: Explorer) -> None:
    ground = models.Ground(False, False)
    same = pd.DataFrame({"rank": [1, 2], "item_id": [5, 6], "title": ["Twin", "twin"], "held_out": False})
    keys = models.keys(same, "here", ground)
    assert keys[0] == "twin" and len(set(keys)) == 2
    assert not np.array_equal(keys, models.keys(same, "there", ground))
