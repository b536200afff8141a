"""The what-if page on the demo, driven as a visitor would: by link and by widget."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Change, Counterfactual, Explorer, Profile
from dskreg.ui.common import cache
from dskreg.ui.what_if import changes, moves

ROOT = Path(__file__).resolve().parents[1]
DEMO = cache.artifacts_folder() / "demo"
USER = 34

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(**parameters: object) -> AppTest:
    """The page as a fresh browser sees it under this address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in {"user": USER, **parameters}.items():
        app.query_params[key] = str(value)
    app.run()
    return fine(app.switch_page("pages/what_if.py").run())


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def said(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.warning, app.info, app.caption, app.markdown)
    return "\n".join(re.sub(r"[\\\u2060]", "", str(element.value)) for kind in kinds for element in kind)


def frame(app: AppTest, *columns: str) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if set(columns) <= set(table.value.columns))


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


def test_nothing_is_changed_at_first(explorer: Explorer, profile: Profile, first: int) -> None:
    app = visit()
    assert explorer.item(first)["title"] in said(app) and "Nothing is changed yet" in said(app)
    assert (
        metric(app, "Rank") == "1" and metric(app, "Score") == f"{explorer.explain(profile, first).score:.3f}"
    )
    assert not app.get("plotly_chart") and app.button[[b.label for b in app.button].index("Reset")].disabled


def test_every_kind_of_change_in_a_link(explorer: Explorer, profile: Profile, first: int) -> None:
    """The page shows what the explorer computes for that change, in the metrics, the table and the chart."""
    drawn = explorer.explain(profile, first).item_neighbours.iloc[0]
    other = explorer.recommend(profile, 2)["item_id"].iloc[1]
    change = Change(
        profile.history[:1],
        (other,),
        ((drawn["item_id"], drawn["relation"]),),
        (("genre", "Mecha"), ("length", "1 episode")),
        ("source",),
    )
    app = visit(
        without=profile.history[0],
        added=other,
        no_neighbours=f"{drawn['item_id']}:{drawn['relation']}",
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
    table = frame(app, "words", "rank_after")
    assert table["item_id"].tolist() == expected.moves["item_id"].tolist()
    assert table["words"].iloc[-1].startswith(
        ("gone", "stays", "up", "down", "new")
    ) and "gone (liked now)" in set(table["words"])
    lines = [
        trace for trace in json.loads(app.get("plotly_chart")[0].proto.spec)["data"] if trace["x"] == [0, 1]
    ]
    assert len(lines) == len(table)
    assert (
        frame(app, "change", "contribution_after")["change"].tolist()
        == expected.neighbours["change"].tolist()
    )
    chosen = {key: app.multiselect(key=f"choose_{key}").value for key in changes.FIELDS}
    assert all(chosen.values()) and chosen["no_entities"] == ["genre:Mecha", "length:1 episode"]


def test_choosing_and_resetting(explorer: Explorer, profile: Profile, first: int) -> None:
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
    assert "Nothing is changed yet" in said(fine(app.run())) and app.text_input(key="without").value == ""


def test_a_title_is_found_by_name_and_added(explorer: Explorer, profile: Profile) -> None:
    app = visit()
    fine(app.text_input(key="what_if_search").set_value("one punch").run())
    item = explorer.find_items("one punch", 1)["item_id"].iloc[0]
    fine(app.button(key=f"what_if_add {item}").click().run())
    assert app.text_input(key="added").value == str(item) and app.multiselect(key="choose_added").value == [
        str(item)
    ]
    fine(app.text_input(key="what_if_search").set_value("zzzzz").run())
    assert "No title contains that" in said(app)


def test_trying_the_smallest_reason_displaces_the_first(explorer: Explorer, reason: Counterfactual) -> None:
    app = visit(item=36, no_relations="source")
    assert all(
        name in said(app)
        for name in (
            reason.first_title,
            reason.replacement_title,
            *(explorer.item(i)["title"] for i in reason.removed),
        )
    )
    app.button(key="try_it").click()
    fine(app.run())
    assert (
        app.text_input(key="without").value == ",".join(map(str, reason.removed))
        and app.text_input(key="no_relations").value == ""
    )
    assert app.text_input(key="item").value == str(reason.first)
    table = frame(app, "words")
    assert table["item_id"].iloc[0] == reason.replacement and int(metric(app, "Rank")) > 1
    assert metric(app, "Score") == f"{reason.first_after:.3f}"


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
        ({"no_relations": "co-liked:x"}, "co-liked:x"),
    ],
)
def test_what_a_link_cannot_mean_is_left_out_in_words(parameters: dict[str, str], left_out: str) -> None:
    app = visit(**parameters)
    assert left_out in said(app) and "left out" in said(app) and "Nothing is changed yet" in said(app)
    fine(app.button(key="notice Remove it from the link").click().run())
    assert not app.warning and not app.text_input(key=next(iter(parameters))).value


def test_the_known_part_of_a_link_is_followed(profile: Profile) -> None:
    app = visit(without=f"{profile.history[0]}, 99999")
    assert "99999" in said(app) and app.multiselect(key="choose_without").value == [str(profile.history[0])]
    fine(app.button(key="notice Remove it from the link").click().run())
    assert app.text_input(key="without").value == str(profile.history[0]) and not app.warning


def test_names_with_commas_and_colons_survive_the_link() -> None:
    for names in (("genre", "Sci-Fi"), ("studio", "Bones, Inc: 100%"), ("a:b", "%3A"), ("x",)):
        (code,) = changes.codes(changes.escaped(*names))
        assert changes.parts(code) == names


def test_a_profile_with_one_title(explorer: Explorer) -> None:
    app = visit(profile="mine", titles="36")
    assert "The smallest reason" in said(app)
    app = visit(profile="mine", titles="36", without="36")
    assert frame(app, "words").shape[0] >= 10
    assert "no title yet" in said(visit(profile="mine"))


def test_a_viewer_without_any_like(profile: Profile) -> None:
    app = visit(disliked=",".join(map(str, profile.history)), no_relations="genre")
    assert "no liked titles that could be taken out" in said(app) and len(frame(app, "words")) >= 10


def test_a_reason_that_is_not_found_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words: nothing does it at all; nothing was found; what was found may not be the smallest."""
    known = {"first": 36, "first_title": "Fullmetal *Alchemist*", "most": 5, "tried": 7}
    for number, (outcome, words) in enumerate(
        {
            Counterfactual(False, proven=True, **known): "Whichever of the",
            Counterfactual(
                False, complete=1, **known
            ): "alone, and of larger sets only the likeliest, so there may be one that does",
            Counterfactual(
                True, removed=(1, 21, 8), replacement=2, complete=0, **known
            ): "of all sets only the likeliest, so a smaller set may do it too",
            Counterfactual(
                True, removed=(1, 21, 8), replacement=2, complete=2, proven=True, **known
            ): "every smaller set was tried",
        }.items()
    ):
        monkeypatch.setattr(Explorer, "smallest_removal", lambda *_, outcome=outcome: outcome)
        app = visit(user=100 + number)  # nobody whose answer is remembered
        assert words in said(app) and "Fullmetal *Alchemist*" in said(app)


def test_a_seen_title_has_no_rank(explorer: Explorer, profile: Profile) -> None:
    app = visit(item=profile.history[0], no_relations="genre")
    assert metric(app, "Rank") == "–" and "no rank" in said(app)


def test_a_title_that_loses_all_neighbours(explorer: Explorer) -> None:
    app = visit(no_relations=",".join(explorer.relations))
    assert metric(app, "Neighbours drawn") == "0" and "Drawn instead: none" in said(app)


def test_moves_in_words() -> None:
    words = [
        moves.in_words(before, after, 10)
        for before, after in ((4, 1), (1, 4), (2, 2), (14, 9), (3, 23), (3, pd.NA), (pd.NA, 2))
    ]
    assert words == ["up 3", "down 3", "stays", "new (was 14)", "gone (now 23)", "gone (liked now)", "new"]


def test_lines_end_where_the_ranks_are() -> None:
    """Inside the list at the rank; below it in order, one row each, a title without a rank last."""
    table = pd.DataFrame(
        {
            "title": list("abcde"),
            "rank_before": pd.array([2, 9, 1, 3, 3], dtype="Int64"),
            "rank_after": pd.array([1, 2, 7, 5, pd.NA], dtype="Int64"),
        }
    )
    figure = moves.slopes(moves.with_words(table, 3), 3)
    ends = [tuple(trace.y) for trace in figure.data if trace.x == (0, 1)]
    assert ends == [(2, 1), (4, 2), (1, 5), (3, 4), (3, 6)]
