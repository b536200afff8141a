"""The what-if page on the demo, opened by link and used by its widgets."""

import json
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Change, Counterfactual, Explorer, Profile
from dskreg.ui.common.widgets import plain
from dskreg.ui.what_if import changes, counterfactual, moves
from tests import visits
from tests.visits import DEMO, fine, said, table_with

UNCHANGED = "No changes yet"
USER = 34

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(**parameters: object) -> AppTest:
    """The page as a new visitor sees it under this address."""
    return visits.visit("what_if", **{"user": USER, **parameters})


def chart(app: AppTest) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def metric(app: AppTest, label: str) -> str:
    return next(element.value for element in app.metric if element.label == label)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module")
def profile(explorer: Explorer) -> Profile:
    return explorer.profile(USER)


@pytest.fixture(scope="module")
def first(explorer: Explorer, profile: Profile) -> int:
    return int(explorer.recommend(profile, 1)["item_id"].iloc[0])


@pytest.fixture(scope="module")
def reason(explorer: Explorer, profile: Profile) -> Counterfactual:
    found = explorer.smallest_removal(profile)
    assert found.found
    return found


def test_the_page_shows_the_served_score_and_rank_before_any_change(
    explorer: Explorer, profile: Profile, first: int
) -> None:
    app = visit()
    assert explorer.item(first)["title"] in said(app) and UNCHANGED in said(app)
    assert (
        metric(app, "Rank") == "1" and metric(app, "Score") == f"{explorer.explain(profile, first).score:.3f}"
    )
    assert not app.get("plotly_chart") and app.button[[b.label for b in app.button].index("Reset")].disabled


def test_a_link_with_every_kind_of_change_shows_what_the_explorer_computes(
    explorer: Explorer, profile: Profile, first: int
) -> None:
    sampled = explorer.explain(profile, first).item_neighbours.iloc[0]
    other = explorer.recommend(profile, 2)["item_id"].iloc[1]
    change = Change(
        profile.history[:1],
        (other,),
        ((sampled["item_id"], sampled["relation"]),),
        (("genre", "Mecha"), ("length", "1 episode")),
        ("source",),
    )
    app = visit(
        without=profile.history[0],
        added=other,
        no_neighbours=f"{sampled['item_id']}:{sampled['relation']}",
        no_entities="genre:Mecha,length:1 episode",
        no_relations="source",
        top=7,
    )
    expected = explorer.what_if(profile, first, change, 7)
    assert (
        not app.warning
        and metric(app, "Score") == f"{expected.after.score:.3f}"
        and metric(app, "Rank") == f"{expected.rank_after:,}"
    )
    table = table_with(app, "words", "rank_after")
    assert table["item_id"].tolist() == expected.moves["item_id"].tolist()
    words = [moves.in_words(row.rank_before, row.rank_after, 7) for row in expected.moves.itertuples()]
    assert table["words"].tolist() == words and "dropped out (liked now)" in words
    points = [trace for trace in chart(app)["data"] if trace["mode"] == "markers" and trace["x"]]
    assert [len(trace["x"]) for trace in points] == [len(table)] * 2
    neighbours = table_with(app, "change", "contribution_after")
    assert neighbours["title"].tolist() == expected.neighbours["title"].tolist()
    before, after = neighbours["contribution_before"], neighbours["contribution_after"]
    assert (neighbours["change"] == "added").tolist() == ((before == 0) & (after != 0)).tolist()
    assert (neighbours["change"] == "removed").tolist() == ((before != 0) & (after == 0)).tolist()
    chosen = {key: app.multiselect(key=f"choose_{key}").value for key in changes.FIELDS}
    assert all(chosen.values()) and chosen["no_entities"] == ["genre:Mecha", "length:1 episode"]


def test_a_chosen_removal_changes_the_score_and_reset_undoes_it(
    explorer: Explorer, profile: Profile, first: int
) -> None:
    app = visit()
    title = app.multiselect(key="choose_without").options[0]
    fine(app.multiselect(key="choose_without").select(title).run())
    gone = app.text_input(key="without").value
    assert explorer.item(gone)["title"] == title
    assert (
        metric(app, "Score")
        == f"{explorer.what_if(profile, first, Change(without_titles=(int(gone),)), 10).after.score:.3f}"
    )
    app.button[[b.label for b in app.button].index("Reset")].click()
    assert UNCHANGED in said(fine(app.run())) and app.text_input(key="without").value == ""


def test_an_item_is_found_by_its_title_and_added(explorer: Explorer, profile: Profile) -> None:
    app = visit()
    fine(app.text_input(key="what_if_search").set_value("one punch").run())
    item = explorer.find_items("one punch", 1)["item_id"].iloc[0]
    fine(app.button(key=f"what_if_add {item}").click().run())
    assert app.text_input(key="added").value == str(item) and app.multiselect(key="choose_added").value == [
        str(item)
    ]
    fine(app.text_input(key="what_if_search").set_value("zzzzz").run())
    assert "No item contains this text" in said(app)


def test_applying_the_counterfactual_displaces_the_first_recommendation(
    explorer: Explorer, reason: Counterfactual
) -> None:
    app = visit(item=36, no_relations="source")
    assert all(
        name in said(app)
        for name in (
            reason.first_title,
            reason.replacement_title,
            *(explorer.item(i)["title"] for i in reason.removed),
        )
    )
    app.button(key="apply_counterfactual").click()
    fine(app.run())
    assert (
        app.text_input(key="without").value == ",".join(map(str, reason.removed))
        and app.text_input(key="no_relations").value == ""
    )
    assert app.text_input(key="item").value == str(reason.first)
    table = table_with(app, "words")
    assert table["item_id"].iloc[0] == reason.replacement and int(metric(app, "Rank")) > 1
    assert metric(app, "Score") == f"{reason.first_after:.3f}"


def test_the_page_begins_with_the_smallest_removal_that_takes_the_item_off_the_list(
    explorer: Explorer, profile: Profile
) -> None:
    listed = explorer.recommend(profile, 6)
    item, title = int(listed["item_id"][3]), listed["title"][3]
    found = explorer.smallest_removal(profile, counterfactual.MOST, item, 6)
    assert found.found and found.rank_before == 4
    app = visit(item=item, top=6)
    words = f"leaves the top 6: it falls from rank **4** to **{found.rank_after}**, and"
    sentence = next(text.value for text in app.markdown if words in text.value)
    assert plain(title) in sentence and plain(found.replacement_title) in sentence
    assert all(plain(explorer.item(i)["title"]) in sentence for i in found.removed)
    assert app.subheader[0].value == "Minimal counterfactual explanation"
    fine(app.button(key="apply_counterfactual").click().run())
    assert app.text_input(key="without").value == ",".join(map(str, found.removed))
    assert metric(app, "Rank") == f"{found.rank_after:,}" and app.text_input(key="item").value == str(item)
    assert not [button for button in app.button if button.key == "apply_counterfactual"], "it is applied"
    assert f"*{plain(title)}* falls from rank **4** to **{found.rank_after}**" in said(app)
    table = table_with(app, "words", "rank_after")
    assert moves.summary(table, 6) in said(app)
    below = explorer.recommend(profile, 9)["item_id"].iloc[8]
    assert "has rank **9**, outside the top 6" in said(visit(item=below, top=6))


def test_the_list_after_a_change_is_one_sentence() -> None:
    def of(*pairs: tuple[object, object]) -> str:
        before, after = zip(*pairs, strict=True)
        frame = pd.DataFrame(
            {"rank_before": before, "rank_after": after, "title": list("ABCDE")[: len(pairs)]}
        )
        return moves.summary(moves.with_words(frame, 3), 3)

    assert of((1, 1), (2, 2), (3, 3)) == "The top 3 stays as it was."
    expected = "Of the top 3, **1** keeps its rank and **1** moves up; *D* drops out and *C* comes in."
    assert of((1, 1), (3, 2), (7, 3), (2, 5)) == expected
    assert of((2, 1), (3, 2), (5, 3), (1, pd.NA)) == (
        "Of the top 3, **2** move up; *D* drops out and *C* comes in."
    )
    assert of((8, 1), (9, 2), (1, 7), (2, 8)) == "*C* and *D* drop out and *A* and *B* come in."


@pytest.mark.parametrize(
    ("parameters", "left_out"),
    [
        ({"without": "99999"}, "99999"),
        ({"without": "<b>x</b>,,"}, "<b>x</b>"),
        ({"added": "nothing"}, "nothing"),
        ({"no_neighbours": "99999:genre"}, "99999:genre"),
        ({"no_neighbours": ":"}, ":"),
        ({"no_entities": "genre"}, "genre"),
        ({"no_entities": "genre:No Such:Genre"}, "genre:No Such:Genre"),
        ({"no_relations": "genre:x"}, "genre:x"),
    ],
)
def test_changes_that_a_link_cannot_make_are_named_and_left_out(
    parameters: dict[str, str], left_out: str
) -> None:
    app = visit(**parameters)
    text = said(app).replace("\u2060", "")  # invisible, inside words that Markdown would join
    assert left_out in text and "left out" in text and UNCHANGED in text
    fine(app.button(key="notice Remove from link").click().run())
    assert not app.warning and not app.text_input(key=next(iter(parameters))).value


def test_the_known_ids_of_a_link_are_applied(profile: Profile) -> None:
    app = visit(without=f"{profile.history[0]}, 99999")
    assert "99999" in said(app) and app.multiselect(key="choose_without").value == [str(profile.history[0])]
    fine(app.button(key="notice Remove from link").click().run())
    assert app.text_input(key="without").value == str(profile.history[0]) and not app.warning


def test_names_with_commas_and_colons_survive_the_link() -> None:
    for names in (("genre", "Sci-Fi"), ("studio", "Bones, Inc: 100%"), ("a:b", "%3A"), ("x",)):
        (code,) = changes.codes(changes.escaped(*names))
        assert changes.parts(code) == names


def test_a_profile_with_one_liked_item_can_be_changed(explorer: Explorer) -> None:
    app = visit(profile="mine", titles="36")
    assert "depends on the only liked item" in said(app)
    app = visit(profile="mine", titles="36", without="36")
    assert table_with(app, "words").shape[0] >= 10


def test_a_user_without_likes_has_nothing_to_remove(profile: Profile) -> None:
    app = visit(disliked=",".join(map(str, profile.history)), no_relations="genre")
    assert "no liked items that could be removed" in said(app) and len(table_with(app, "words")) >= 10


KNOWN = {"rank_before": 1, "first": 36, "first_title": "Fullmetal *Alchemist*", "most": 5, "tried": 7}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Counterfactual(False, proven=True, **KNOWN), "stays first whichever of the 24 liked items"),
        (Counterfactual(False, **KNOWN), "No tested removal of up to 5 liked items replaces"),
    ],
)
def test_a_missing_counterfactual_is_explained(outcome: Counterfactual, words: str) -> None:
    text = counterfactual.not_found(outcome, likes=24)
    assert words in text and r"*Fullmetal \*Alchemist\**" in text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"found": False, "proven": True}, "scored 7 shortened histories."),
        ({"found": False, "complete": 1}, "Each of the 24 items was tried alone; larger sets were searched"),
        ({"found": False, "complete": 1}, "a set that changes it may still exist"),
        ({"found": True, "complete": 0}, "All sets were searched heuristically: not proven minimal"),
        ({"found": True, "complete": 2}, "All sets of up to 2 items were tried; larger sets were searched"),
        ({"found": True, "complete": 2, "proven": True}, "Proven minimal: every smaller set was tried"),
    ],
)
def test_only_a_proven_counterfactual_is_called_minimal(outcome: dict[str, Any], words: str) -> None:
    removed = (1, 21, 8) if outcome["found"] else ()
    found = Counterfactual(**KNOWN, removed=removed, **outcome)
    text = counterfactual.search_extent(found, likes=24)
    assert words in text and ("Proven minimal" in text) == bool(found.found and found.proven)


def test_a_search_without_a_result_is_shown_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Explorer, "smallest_removal", lambda *_: Counterfactual(False, complete=1, **KNOWN))
    app = visit(user=100)  # a user whose answer is not cached
    assert "No tested removal" in said(app) and "a set that changes it may still exist" in said(app)
    assert not [button for button in app.button if button.key == "apply_counterfactual"]


def test_a_seen_item_has_no_rank(explorer: Explorer, profile: Profile) -> None:
    app = visit(item=profile.history[0], no_relations="genre")
    assert metric(app, "Rank") == "–" and "no rank" in said(app)


def test_an_item_without_relations_has_no_sampled_neighbours(explorer: Explorer) -> None:
    app = visit(no_relations=",".join(explorer.relations))
    assert metric(app, "Sampled neighbours") == "0" and "Added: none" in said(app)


def test_a_move_is_said_in_words() -> None:
    words = [
        moves.in_words(before, after, 10)
        for before, after in ((4, 1), (1, 4), (2, 2), (14, 9), (3, 23), (3, pd.NA), (pd.NA, 2))
    ]
    assert words == [
        "up 3",
        "down 3",
        "unchanged",
        "new (was 14)",
        "dropped out (now 23)",
        "dropped out (liked now)",
        "new",
    ]
