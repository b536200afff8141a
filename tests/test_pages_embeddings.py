"""The embeddings page on the demo, driven as a visitor would: by link and by widget."""

import base64
import gc
import json
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explore.maps import Maps
from dskreg.explorer import Explorer
from dskreg.ui.common import cache
from dskreg.ui.embeddings import controls

ROOT = Path(__file__).resolve().parents[1]
DEMO = cache.artifacts_folder() / "demo"
MARKS = {
    "liked",
    "recommended",
    "nearest to the chosen",
    "chosen",
    "this viewer",
    "you are here",
    "before the changes",
    "moved by the graph",
}
pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(**parameters: object) -> AppTest:
    """The page as a fresh browser sees it under this address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in {"top": 5, **parameters}.items():
        app.query_params[key] = str(value)
    app.run()
    return fine(app.switch_page("pages/embeddings.py").run())


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def said(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.warning, app.info, app.caption, app.markdown)
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


def frame(app: AppTest, *columns: str) -> pd.DataFrame:
    """The first table with these columns."""
    return next(table.value for table in app.dataframe if set(columns) <= set(table.value.columns))


def spec(app: AppTest) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def traces(app: AppTest) -> list[dict]:
    return spec(app)["data"]


def groups(app: AppTest) -> list[dict]:
    return [trace for trace in traces(app) if trace["name"] not in MARKS]


def count(trace: dict) -> int:
    return len(trace["text"])


def numbers(values: object) -> list[float]:
    """plotly's typed arrays as numbers."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    return [float(value) for value in values]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.mark.parametrize(
    "choices",
    [
        {"colour": "genre"},
        {"colour": "type", "graph": "before"},
        {"colour": "popularity", "method": "PCA"},
        {"colour": "cluster"},
        {"colour": "degree"},
    ],
    ids=lambda choices: choices["colour"],
)
def test_every_title_is_on_the_map_once(choices: dict[str, str], explorer: Explorer) -> None:
    app = visit(**choices)
    assert sum(map(count, groups(app))) == len(explorer.items)
    assert all(trace["type"] == "scattergl" for trace in traces(app)) and len(groups(app)) <= 21
    assert {"liked", "recommended", "chosen"} <= {trace["name"] for trace in traces(app)}
    at = explorer.maps.titles(
        "raw" if "graph" in choices else "aggregated", "pca" if "method" in choices else "tsne"
    )
    drawn = sorted(x for trace in groups(app) for x in numbers(trace["x"]))
    assert drawn == pytest.approx(sorted(at["x"]), abs=2e-3)
    assert "was not followed" not in said(app)


@pytest.mark.parametrize("colour", ["favourite", "activity", "oddness", "cluster"])
def test_the_viewers_map_marks_this_viewer(colour: str, explorer: Explorer) -> None:
    app = visit(map="viewers", colour=colour)
    assert sum(map(count, groups(app))) == len(explorer.maps.users())
    assert [count(trace) for trace in traces(app) if trace["name"] == "this viewer"] == [1]
    assert "planted tastes" in said(app)


def test_an_edited_profile_stands_where_it_is_placed_and_where_it_was(explorer: Explorer) -> None:
    app = visit(map="viewers", user=17, liked=36)
    marks = {trace["name"]: trace for trace in traces(app) if trace["name"] in MARKS}
    at = explorer.maps.place(explorer.edited(explorer.profile(17), liked=[36]))
    assert at is not None and numbers(marks["you are here"]["x"]) == pytest.approx([at[0]], abs=1e-3)
    assert count(marks["before the changes"]) == 1


def test_a_hand_made_profile_is_on_the_viewers_map_and_has_neighbours(explorer: Explorer) -> None:
    app = visit(map="viewers", profile="mine", titles="36,361")
    assert "you are here" in {trace["name"] for trace in traces(app)}
    near = explorer.maps.near("users", explorer.profile_of([36, 361]), 10)
    assert frame(app, "closeness", "map_rank")["user_id"].tolist() == near["user_id"].astype(str).tolist()


def test_the_quality_of_the_map_stands_beside_it_with_its_caution(explorer: Explorer) -> None:
    for choices, quality in (
        ({}, explorer.maps.quality()),
        ({"graph": "before"}, explorer.maps.quality(space="raw")),
    ):
        text = said(visit(**choices))
        assert (
            f"{quality['trustworthiness']:.2f} of 1" in text
            and "distances between clusters mean little" in text
        )
    assert "of the variation" in said(visit(method="PCA"))


def test_a_title_shows_its_true_neighbours_beside_those_of_the_map(explorer: Explorer) -> None:
    item = explorer.items["item_id"].iloc[7]
    app = visit(item=item, near_k=7, metric="euclidean", graph="before")
    true = explorer.maps.near("titles", item, 7, "euclidean", "raw")
    mapped = explorer.maps.near_on_map("titles", item, 7, "euclidean", "raw")
    assert list(frame(app, "closeness", "map_rank")["title"]) == list(true["title"]) and list(
        frame(app, "closeness", "rank")["title"]
    ) == list(mapped["title"])
    both = set(true["item_id"]) & set(mapped["item_id"])
    assert f"{len(both)} of 7" in said(app) and frame(app, "both", "map_rank")["both"].eq("✓").sum() == len(
        both
    )
    assert next(count(trace) for trace in traces(app) if trace["name"] == "nearest to the chosen") == 7


def test_highlighting_leaves_the_rest_in_grey(explorer: Explorer) -> None:
    app = visit()
    group = app.multiselect(key="lit_genre").options[0]
    fine(app.multiselect(key="lit_genre").select(group).run())
    names = {trace["name"]: count(trace) for trace in groups(app)}
    assert set(names) == {group, "not highlighted"} and sum(names.values()) == len(explorer.items)


def test_a_selection_in_the_link_is_listed_by_title_and_survives_another_colour(explorer: Explorer) -> None:
    app = visit(picked="36,361,999999")
    titles = [str(explorer.item(i)["title"]) for i in (36, 361)]
    for _ in range(2):
        assert sorted(frame(app, "title", "cluster")["title"]) == sorted(
            titles
        ) and "Selected: 2 titles" in said(app)
        coloured = [trace for trace in groups(app) if trace["name"] != "not selected"]
        assert sum(map(count, coloured)) == 2 and sum(map(count, groups(app))) == len(explorer.items)
        fine(app.segmented_control(key="colour").set_value("popularity").run())
    fine(next(button for button in app.button if button.label == "Clear the selection").click().run())
    assert "Selected" not in said(app) and "not selected" not in {trace["name"] for trace in groups(app)}


def test_a_large_selection_stays_out_of_the_address() -> None:
    app = visit()
    app.session_state["picked_many"] = tuple(str(n) for n in range(1, 400))
    fine(app.run())
    assert "Selected: 399 titles" in said(app) and not app.text_input(key="picked").value
    assert controls.CARRIED < 399


def test_search_offers_titles_and_choosing_one_marks_it(explorer: Explorer) -> None:
    app = visit()
    title = explorer.items.sort_values("likes", ascending=False).iloc[0]
    fine(app.text_input(key="map_search").set_value(str(title["title"])).run())
    fine(app.selectbox(key="map_found").select_index(0).run())
    assert app.header[0].value.replace("\\", "").replace("\u2060", "") == title["title"]


def test_search_offers_viewers_too() -> None:
    app = visit(map="viewers")
    fine(app.text_input(key="map_search").set_value("17").run())
    fine(app.selectbox(key="map_found").select_index(0).run())
    assert app.text_input(key="point").value == "17" and "User 17" in app.header[0].value


def test_an_unknown_viewer_of_the_link_is_noted() -> None:
    assert "unknown user" in said(visit(map="viewers", point="nobody")).lower()


def test_zooming_shows_a_part_of_the_map() -> None:
    layout = spec(visit(zoom="true"))["layout"]
    assert len(layout["xaxis"]["range"]) == 2 and "annotations" not in layout


def test_regions_are_named_on_the_map_unless_switched_off(explorer: Explorer) -> None:
    names = {label["text"] for label in spec(visit())["layout"]["annotations"]}
    assert names and names <= set(explorer.maps.regions()["label"])
    assert "annotations" not in spec(visit(names="false"))["layout"]


def test_the_graph_moved_titles_and_arrows_say_where_from(explorer: Explorer) -> None:
    app = visit(arrows="true", item=36, near_k=4)
    assert len([trace for trace in traces(app) if trace["name"] == "moved by the graph"]) == 5
    mine = explorer.maps.moved().set_index("item_id").loc[36]
    first = next(
        trace
        for trace in traces(app)
        if trace["name"] == "moved by the graph" and numbers(trace["x"])[1] == pytest.approx(mine["x"])
    )
    assert numbers(first["x"]) == pytest.approx([mine["raw_x"], mine["x"]])
    assert app.metric[0].value == f"{mine['kept']:.0%}"


def test_a_model_without_a_viewers_map_shows_the_titles(
    monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    none = explorer.maps.users().head(0)
    monkeypatch.setattr(Maps, "users", lambda self, method="tsne": none)
    cache._ask.clear()
    app = visit(map="viewers")
    cache._ask.clear()
    assert "no map of viewers" in said(app) and sum(map(count, groups(app))) == len(explorer.items)


@pytest.mark.parametrize("points", [0, 1, 3])
def test_a_handful_of_points_is_a_map_too(
    points: int, monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    few = explorer.maps.titles().head(points)
    monkeypatch.setattr(Maps, "titles", lambda self, space="aggregated", method="tsne": few)
    cache._ask.clear()
    app = visit(colour="popularity")
    cache._ask.clear()
    assert app.get("plotly_chart") if points else "holds no map" in said(app)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "<i>smell</i>"),
        ("method", "umap"),
        ("graph", "sideways"),
        ("metric", "dot"),
        ("near_k", "900"),
    ],
)
def test_what_the_link_asks_in_vain_is_noted(name: str, value: str) -> None:
    assert "was not followed" in said(visit(**{name: value}))


def test_the_most_moved_titles_are_listed(explorer: Explorer) -> None:
    app = visit()
    app.session_state["moved_open"] = True
    fine(app.run())
    table = frame(app, "kept", "cosine")
    assert (
        table["kept"].is_monotonic_increasing and table["kept"].iloc[0] == explorer.maps.moved()["kept"].min()
    )


def test_a_viewer_who_is_not_on_the_map_is_placed_when_chosen(
    monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    few = explorer.maps.users().head(100)
    monkeypatch.setattr(Maps, "users", lambda self, method="tsne": few)
    monkeypatch.setattr(
        Maps,
        "near",
        lambda *args, **named: (
            few[["user_id", "liked", "favourite"]].head(5).assign(closeness=0.5, rank=1, map_rank=1)
        ),
    )
    monkeypatch.setattr(Maps, "near_on_map", Maps.near)
    cache._ask.clear()
    app = visit(map="viewers", point=1999)
    cache._ask.clear()
    at = explorer.maps.place(explorer.profile(1999))
    chosen = next(trace for trace in traces(app) if trace["name"] == "chosen")
    assert (
        at is not None
        and numbers(chosen["x"]) == pytest.approx([at[0]], abs=1e-3)
        and "100 of 2,000 viewers" in said(app)
    )


def test_the_neighbours_asked_for_here_are_not_the_samplers() -> None:
    app = visit(near_k=3)
    app = fine(app.switch_page("pages/sampling.py").run())
    assert app.number_input(key="k").value != 3 and not any("what-if" in info.value for info in app.info)


def test_a_session_keeps_no_figure_of_an_earlier_view() -> None:
    before = alive(go.Figure)
    app = visit()
    for user in Explorer.open(DEMO).user_ids[:4]:
        app.query_params["user"] = str(user)
        fine(app.run())
    assert alive(go.Figure) - before <= 1, (
        "Streamlit keeps every callback of a session, and through a lambda of the page all of its variables"
    )


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(o, kind) for o in gc.get_objects())
