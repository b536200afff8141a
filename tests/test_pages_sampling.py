"""The sampling and embeddings pages on the demo, driven as a visitor would: by link and by widget."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explanation, Explorer
from dskreg.maps import Maps
from dskreg.ui import resources

ROOT = Path(__file__).resolve().parents[1]
DEMO = resources.artifacts_folder() / "demo"

MARKS = {"liked", "recommended", "nearest to the chosen", "chosen", "this viewer"}
pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(page: str, **parameters: object) -> AppTest:
    """The page as a fresh browser sees it under this address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in {"top": 5, **parameters}.items():
        app.query_params[key] = str(value)
    app.run()
    return fine(app.switch_page(f"pages/{page}.py").run())


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def said(app: AppTest) -> str:
    """Everything that the page says in running text."""
    kinds = (app.title, app.header, app.warning, app.info, app.caption, app.markdown)
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


def frame(app: AppTest, *columns: str) -> pd.DataFrame:
    """The first table with these columns."""
    return next(table.value for table in app.dataframe if set(columns) <= set(table.value.columns))


def metric(app: AppTest, label: str) -> str:
    return next(element.value for element in app.metric if element.label == label)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def explained(explorer: Explorer, **settings: int) -> Explanation:
    """What the page shows for the suggested viewer's first recommendation."""
    users = explorer.tastes.find()
    readable = users[users["liked"].between(8, 25)]
    profile = explorer.profile((readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0])
    return explorer.explain(profile, explorer.recommend(profile, top=1)["item_id"].iloc[0], **settings)


# Sampled neighbours


def test_without_noise_the_score_is_the_recommended_one(explorer: Explorer) -> None:
    app, expected = visit("sampling"), explained(explorer)
    assert metric(app, "Score") == f"{expected.score:.3f}" and metric(app, "Could be drawn") == str(len(expected.item_neighbours))
    assert not app.warning and "what-if" not in said(app)
    assert f"Of **{len(expected.item_neighbours)}** candidate neighbours the model took the **{expected.picks}** most relevant" in said(app)


def test_every_candidate_is_listed_with_its_numbers(explorer: Explorer) -> None:
    app, expected = visit("sampling", noise="true", seed=3), explained(explorer, seed=3)
    shown = frame(app, "logit")
    assert list(shown["title"]) == list(expected.item_neighbours["title"]) and shown["noise"].abs().sum() > 0
    numbers = {"relation", "via", "logit", "noise", "key", "inclusion_probability", "picked", "attention", "contribution"}
    assert numbers <= set(shown) and shown["picked"].sum() == expected.picks
    assert shown["contribution"].tolist() == pytest.approx(expected.item_neighbours["contribution"].tolist())


def test_the_same_link_gives_the_same_page_and_another_seed_another_draw() -> None:
    first, again, other = (visit("sampling", noise="true", seed=seed) for seed in (5, 5, 6))
    pages = [app.get("iframe")[0].proto.srcdoc for app in (first, again, other)]
    assert pages[0] == pages[1] != pages[2]


def test_draw_again_turns_the_noise_on_and_then_goes_from_seed_to_seed() -> None:
    app = visit("sampling")
    button = next(button for button in app.button if button.label == "Draw again")
    fine(button.click().run())
    assert app.toggle(key="noise").value and app.number_input(key="seed").value == 0
    fine(next(button for button in app.button if button.label == "Draw again").click().run())
    assert app.number_input(key="seed").value == 1


@pytest.mark.parametrize("setting", [{"k": 3}, {"ku": 2}, {"tau": 0.5}])
def test_other_settings_are_called_a_what_if(setting: dict[str, float], explorer: Explorer) -> None:
    app = visit("sampling", **setting)
    assert "what-if" in said(app)
    assert metric(app, "Drawn") == str(setting.get("k", explorer.defaults["picks"]))


def test_the_parts_add_up_to_the_score(explorer: Explorer) -> None:
    table = frame(visit("sampling"), "adds")
    assert table["adds"].iloc[:-1].sum() == pytest.approx(table["adds"].iloc[-1], abs=1e-4)
    assert table["adds"].iloc[-1] == pytest.approx(explained(explorer).pre_activation_score)


def test_the_drawing_works_offline_and_its_edges_stand_beside_it() -> None:
    app = visit("sampling")
    page = app.get("iframe")[0].proto.srcdoc
    assert not re.findall(r"<(?:script|img|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?!data:)", page) and "default-src 'none'" in page
    edges = frame(app, "picked")
    drawn = json.loads(re.search(r"edges = new vis\.DataSet\((\[.*?\])\);\n", page, re.S)[1])  # type: ignore[index]
    assert len(drawn) == len(edges) and [not edge.get("dashes") for edge in drawn] == list(edges["picked"])


def test_the_viewers_side_says_that_viewers_are_simulated(explorer: Explorer) -> None:
    app = visit("sampling", side="viewer")
    assert list(frame(app, "logit")["title"]) == list(explained(explorer).user_neighbours["title"])
    assert "viewers are simulated" in said(app) and "liked titles the model" in said(app)


def test_any_title_can_be_opened_by_link(explorer: Explorer) -> None:
    title = explorer.items.sort_values("likes").iloc[0]
    app = visit("sampling", item=title["item_id"])
    assert str(title["title"]) in said(app) and "Not among the recommendations shown" in said(app)


def test_next_opens_the_next_recommendation() -> None:
    app = visit("sampling")
    fine(app.button(key="sampling_1").click().run())
    assert "Recommendation 2 of 5" in said(app)


@pytest.mark.parametrize("link", [{"seed": "abc"}, {"k": -3}, {"tau": 0}, {"noise": "perhaps"}, {"ku": 10**9}, {"k": "2.5"}, {"seed": -1}])
def test_an_impossible_setting_is_noted_and_a_usual_one_used(link: dict[str, object]) -> None:
    app = visit("sampling", **link)
    name, value = next(iter(link.items()))
    assert f"{name}={value}" in said(app) and app.metric


def test_an_unknown_title_is_noted_and_the_first_recommendation_shown(explorer: Explorer) -> None:
    app = visit("sampling", item="<b>nothing</b>")
    assert "unknown title" in said(app).lower() and explained(explorer).title in said(app)


def test_a_title_without_candidates_has_a_page(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    full = explained(explorer)
    bare = Explanation(**{**vars(full), "item_neighbours": full.item_neighbours.iloc[:0], "relations": full.relations.iloc[:0]})
    monkeypatch.setattr(resources, "explanation", lambda *args, **settings: bare)
    app = visit("sampling")
    assert "no neighbours in the knowledge graph" in said(app) and metric(app, "Could be drawn") == "0"


def test_titles_are_never_read_as_markup(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    full, bad = explained(explorer), "<script>alert(1)</script> $x$ **b** :rocket: [a](href)"
    neighbours = full.item_neighbours.assign(title=bad)
    hostile = Explanation(**{**vars(full), "title": bad, "item_neighbours": neighbours})
    monkeypatch.setattr(resources, "explanation", lambda *args, **settings: hostile)
    app = visit("sampling")
    running = [element.value for kind in (app.header, app.markdown) for element in kind if "alert" in str(element.value)]
    assert running and all("\\<script\\>" in text and "\\$x\\$" in text and "\\*\\*b" in text and ":rocket" not in text for text in running)
    assert "<script>alert" not in app.get("iframe")[0].proto.srcdoc
    assert "<script>" not in app.get("plotly_chart")[0].proto.spec.replace("\\u003c", "<")


def test_an_own_profile_of_one_title_has_a_page(explorer: Explorer) -> None:
    app = visit("sampling", profile="mine", titles=explorer.items["item_id"].iloc[0], side="viewer")
    assert len(frame(app, "logit")) == 1 and "simulated" not in said(app)


# Embeddings


def traces(app: AppTest) -> list[dict]:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["data"]


def count(trace: dict) -> int:
    return len(trace["text"])


@pytest.mark.parametrize("colour", ["genre", "type", "popularity"])
def test_every_title_is_on_the_map_once(colour: str, explorer: Explorer) -> None:
    data = traces(visit("embeddings", colour=colour))
    assert sum(count(trace) for trace in data if trace["name"] not in MARKS) == len(explorer.items)
    assert all(trace["type"] == "scattergl" for trace in data) and len([t for t in data if t["name"] not in MARKS]) <= 10
    assert {"liked", "recommended", "chosen"} <= {trace["name"] for trace in data}


@pytest.mark.parametrize("colour", ["favourite", "activity"])
def test_the_viewers_map_marks_this_viewer(colour: str, explorer: Explorer) -> None:
    app = visit("embeddings", map="viewers", colour=colour)
    assert sum(count(trace) for trace in traces(app) if trace["name"] not in MARKS) == len(explorer.maps.user_map())
    assert [count(trace) for trace in traces(app) if trace["name"] == "this viewer"] == [1]
    assert "planted tastes" in said(app)


def test_the_quality_of_the_map_stands_beside_it_with_its_caution(explorer: Explorer) -> None:
    text = said(visit("embeddings"))
    assert f"{explorer.maps.quality()['items']['trustworthiness']:.2f} of 1" in text and "distances between clusters mean little" in text


def test_a_title_shows_its_true_neighbours(explorer: Explorer) -> None:
    item = explorer.items["item_id"].iloc[7]
    app = visit("embeddings", item=item)
    assert list(frame(app, "similarity")["title"]) == list(explorer.maps.similar(item, 10)["title"])
    assert next(count(trace) for trace in traces(app) if trace["name"] == "nearest to the chosen") == 10


def test_highlighting_leaves_the_rest_in_grey(explorer: Explorer) -> None:
    app = visit("embeddings")
    group = app.multiselect(key="map_lit_genre").options[0]
    fine(app.multiselect(key="map_lit_genre").select(group).run())
    names = {trace["name"]: count(trace) for trace in traces(app) if trace["name"] not in MARKS}
    assert set(names) == {group, "not highlighted"} and sum(names.values()) == len(explorer.items)


def test_search_offers_titles_and_choosing_one_marks_it(explorer: Explorer) -> None:
    app = visit("embeddings")
    title = explorer.items.sort_values("likes", ascending=False).iloc[0]
    fine(app.text_input(key="map_search").set_value(str(title["title"])).run())
    fine(app.selectbox(key="map_found").select_index(0).run())
    assert app.header[0].value.replace("\\", "").replace("\u2060", "") == title["title"]


def test_zooming_shows_a_part_of_the_map() -> None:
    layout = json.loads(visit("embeddings", zoom="true").get("plotly_chart")[0].proto.spec)["layout"]
    assert len(layout["xaxis"]["range"]) == 2


def test_a_model_without_a_viewers_map_shows_the_titles(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    monkeypatch.setattr(Maps, "user_map", lambda self: pd.DataFrame(columns=["user_id", "x", "y", "liked", "favourite"]))
    app = visit("embeddings", map="viewers")
    assert "no map of viewers" in said(app) and sum(count(trace) for trace in traces(app) if trace["name"] not in MARKS) == len(explorer.items)


@pytest.mark.parametrize("points", [0, 1, 3])
def test_a_handful_of_points_is_a_map_too(points: int, monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    few = explorer.maps.item_map().head(points)
    monkeypatch.setattr(Maps, "item_map", lambda self: few)
    app = visit("embeddings", colour="popularity")
    assert app.get("plotly_chart") if points else "holds no map" in said(app)


def test_an_unknown_colour_is_noted() -> None:
    assert "not known" in said(visit("embeddings", colour="<i>smell"))
