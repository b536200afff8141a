"""The Embeddings page on the demo, used by link and by widget."""

import base64
import gc
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explore.maps import Maps
from dskreg.explorer import Explorer
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.figure import Figure
from dskreg.ui.embeddings import colouring, selected
from tests.visits import DEMO, button, fine, said, table_with, visit

MARKS = {
    "liked",
    "recommended",
    "nearest neighbours",
    "selected item",
    "selected user",
    "this user",
    "this profile",
    "before the edits",
    "displacement",
    "lines to neighbours",
    "density contours",
}
pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def show(**parameters: object) -> AppTest:
    """The page with these parameters in its link."""
    return visit("embeddings", **{"top": 5, **parameters})


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


def forget() -> None:
    """Maps are made anew."""
    for kept in (cache._ask, cache._made):
        kept.clear()


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.mark.parametrize(
    "choices",
    [
        {"colour": "rarest genre"},
        {"colour": "entity", "entities": "genre:Mecha"},
        {"colour": "type", "graph": "raw"},
        {"colour": "popularity", "method": "PCA"},
        {"colour": "cluster"},
        {"colour": "degree"},
    ],
    ids=lambda choices: choices["colour"],
)
def test_every_title_is_on_the_map_once(choices: dict[str, str], explorer: Explorer) -> None:
    app = show(**choices)
    assert sum(map(count, groups(app))) == len(explorer.items)
    assert all(trace["type"] == "scattergl" for trace in traces(app)) and len(groups(app)) <= 21
    assert {"liked", "recommended", "selected item"} <= {trace["name"] for trace in traces(app)}
    at = explorer.maps.titles(
        "raw" if "graph" in choices else "aggregated", "pca" if "method" in choices else "tsne"
    )
    drawn = sorted(x for trace in groups(app) for x in numbers(trace["x"]))
    assert drawn == pytest.approx(sorted(at["x"]), abs=2e-3)
    assert "which are ignored" not in said(app)


@pytest.mark.parametrize("colour", ["favourite", "activity", "rarity", "cluster"])
def test_the_map_of_users_marks_the_user_of_the_sidebar(colour: str, explorer: Explorer) -> None:
    app = show(map="users", colour=colour)
    assert sum(map(count, groups(app))) == len(explorer.maps.users())
    assert [count(trace) for trace in traces(app) if trace["name"] == "this user"] == [1]
    assert widgets.SIMULATED.replace("\\", "") in said(app)


def test_an_edited_profile_is_marked_at_its_position_before_and_after_the_edits(explorer: Explorer) -> None:
    app = show(map="users", user=17, liked=505)
    marks = {trace["name"]: trace for trace in traces(app) if trace["name"] in MARKS}
    at = explorer.maps.place(explorer.edited(explorer.profile(17), liked=[505]))
    assert at is not None and numbers(marks["this profile"]["x"]) == pytest.approx([at[0]], abs=1e-3)
    assert count(marks["before the edits"]) == 1


def test_a_custom_profile_has_a_position_and_neighbours_on_the_map_of_users(explorer: Explorer) -> None:
    app = show(map="users", profile="mine", titles="36,361")
    assert "this profile" in {trace["name"] for trace in traces(app)}
    near = explorer.maps.near("users", explorer.profile_of([36, 361]), 10)
    assert (
        table_with(app, "closeness", "map_rank")["user_id"].tolist() == near["user_id"].astype(str).tolist()
    )


def test_the_quality_of_the_projection_is_shown_with_a_caution(explorer: Explorer) -> None:
    for choices, quality in (
        ({}, explorer.maps.quality()),
        ({"graph": "raw"}, explorer.maps.quality(space="raw")),
    ):
        text = said(show(**choices))
        assert (
            f"trustworthiness {quality['trustworthiness']:.2f}" in text
            and "distances between them have little meaning" in text
        )
    assert "of the variance" in said(show(method="PCA"))


def test_a_title_has_its_neighbours_in_the_space_and_on_the_map(explorer: Explorer) -> None:
    item = explorer.items["item_id"].iloc[7]
    app = show(item=item, near_k=7, metric="euclidean", graph="raw")
    true = explorer.maps.near("titles", item, 7, "euclidean", "raw")
    mapped = explorer.maps.near("titles", item, 7, "euclidean", "raw", on_map=True)
    assert list(table_with(app, "closeness", "map_rank")["title"]) == list(true["title"]) and list(
        table_with(app, "closeness", "rank")["title"]
    ) == list(mapped["title"])
    both = set(true["item_id"]) & set(mapped["item_id"])
    assert f"{len(both)} of 7" in said(app) and table_with(app, "both", "map_rank")["both"].eq(
        "✓"
    ).sum() == len(both)
    assert next(count(trace) for trace in traces(app) if trace["name"] == "nearest neighbours") == 7


def test_points_outside_the_highlighted_group_are_grey(explorer: Explorer) -> None:
    app = show()
    group = app.multiselect(key="lit_genre").options[0]
    fine(app.multiselect(key="lit_genre").select(group).run())
    names = {trace["name"]: count(trace) for trace in groups(app)}
    assert set(names) == {group, "not highlighted"} and sum(names.values()) == len(explorer.items)


def test_a_selection_in_the_link_is_listed_and_remains_under_another_colour(explorer: Explorer) -> None:
    app = show(picked="36,361,999999")
    titles = [str(explorer.item(i)["title"]) for i in (36, 361)]
    for _ in range(2):
        assert sorted(table_with(app, "title", "cluster")["title"]) == sorted(
            titles
        ) and "Selected: 2 items" in said(app)
        coloured = [trace for trace in groups(app) if trace["name"] != "not selected"]
        assert sum(map(count, coloured)) == 2 and sum(map(count, groups(app))) == len(explorer.items)
        fine(app.selectbox(key="colour").set_value("popularity").run())
    fine(button(app, "Clear selection").click().run())
    assert "Selected" not in said(app) and "not selected" not in {trace["name"] for trace in groups(app)}


def ids(trace: dict) -> set[int]:
    return {int(key) for key in numbers(trace["customdata"])}


def test_titles_that_carry_the_chosen_entities_are_in_colour_and_shape(explorer: Explorer) -> None:
    app = show(colour="entity", entities="genre:Mecha,genre:Sports,genre:Nothing%2C really")
    assert "which are ignored" in said(app) and "Nothing, really" in said(app)
    drawn = {trace["name"]: trace for trace in groups(app)}
    genres = dict(zip(explorer.items["item_id"], explorer.items["genres"].str.split(", "), strict=True))
    carriers = {name: {key for key, of in genres.items() if name in of} for name in ("Mecha", "Sports")}
    both = carriers["Mecha"] & carriers["Sports"]
    assert ids(drawn["Mecha (genre)"]) == carriers["Mecha"] - both
    assert ids(drawn["Sports (genre)"]) == carriers["Sports"] - both
    assert (ids(drawn[colouring.SEVERAL]) if both else set()) == both
    looks = [(trace["marker"]["color"], trace["marker"]["symbol"]) for trace in drawn.values()]
    assert len(set(looks)) == len(looks) and drawn["not highlighted"]["marker"]["opacity"] < 0.5
    # Chosen by a part of the name, as a person would type it
    chooser = app.multiselect(key="entities_choice")
    app.session_state["entities_choice"] = [*chooser.value, "pierro"]
    fine(chooser.set_value([*chooser.value, "pierro"]).run())
    assert app.text_input(key="entities").value.endswith(",studio:Studio Pierrot")


def test_the_map_coloured_by_entity_begins_with_the_rarest_shared_one_of_the_title(
    explorer: Explorer,
) -> None:
    app = show(item=36)
    fine(app.selectbox(key="colour").set_value("entity").run())
    relation, _, name = app.text_input(key="entities").value.partition(":")
    own = explorer.entities(36)
    shared = own[own["titles"] > 1]
    chosen = shared[(shared["relation"] == relation) & (shared["entity"] == name)]
    assert chosen["titles"].tolist() == [shared["titles"].min()]
    assert 36 in explorer.maps.carriers(relation, name)


def test_only_the_isolated_points_stay_and_one_click_shows_all(explorer: Explorer) -> None:
    app = show(picked="36,361,505", isolate="true")
    assert set().union(*map(ids, groups(app))) == {36, 361, 505}
    at = explorer.maps.titles().set_index("item_id").loc[[36, 361, 505], ["x", "y"]]
    for name, axis in (("x", "xaxis"), ("y", "yaxis")):
        low, high = spec(app)["layout"][axis]["range"]
        assert low < at[name].min() and at[name].max() < high
    fine(app.toggle(key="isolate").set_value(False).run())
    assert sum(map(count, groups(app))) == len(explorer.items)
    app = show(colour="entity", entities="genre:Mecha", isolate="true")
    assert [trace["name"] for trace in groups(app)] == ["Mecha (genre)"]
    assert not [toggle for toggle in show().toggle if toggle.key == "isolate"], "nothing to isolate"


def test_lines_join_the_title_and_its_neighbours_in_the_embedding_space(explorer: Explorer) -> None:
    app = show(item=36, near_k=4)
    at = explorer.maps.titles().set_index("item_id")
    near = explorer.maps.near("titles", 36, 4)["item_id"]
    (line,) = [trace for trace in traces(app) if trace["name"] == "lines to neighbours"]
    starts, ends = line["x"][::3], line["x"][1::3]
    assert starts == pytest.approx([at["x"][36]] * 4) and sorted(ends) == pytest.approx(sorted(at["x"][near]))
    fine(app.toggle(key="lines").set_value(False).run())
    assert "lines to neighbours" not in {trace["name"] for trace in traces(app)}


def test_contours_of_the_density_are_drawn_on_request() -> None:
    contours = [trace for trace in traces(show(density="true")) if trace["type"] == "contour"]
    assert len(contours) == 1 and not [trace for trace in traces(show()) if trace["type"] == "contour"]


def test_a_large_selection_is_not_in_the_link() -> None:
    app = show()
    app.session_state["picked_many"] = tuple(str(n) for n in range(1, 400))
    fine(app.run())
    assert "Selected: 399 items" in said(app) and not app.text_input(key="picked").value
    assert selected.CARRIED < 399


def test_a_title_found_by_the_search_is_selected(explorer: Explorer) -> None:
    app = show()
    title = explorer.items.sort_values("likes", ascending=False).iloc[0]
    fine(app.text_input(key="map_search").set_value(str(title["title"])).run())
    fine(app.selectbox(key="map_found").select_index(0).run())
    assert app.header[0].value.replace("\\", "").replace("\u2060", "") == title["title"]


def test_a_user_found_by_the_search_is_selected() -> None:
    app = show(map="users")
    fine(app.text_input(key="map_search").set_value("17").run())
    fine(app.selectbox(key="map_found").select_index(0).run())
    assert app.text_input(key="point").value == "17" and app.header[0].value.endswith(" 17")


def test_an_unknown_user_in_the_link_is_reported() -> None:
    assert "unknown user" in said(show(map="users", point="nobody")).lower()


def test_the_zoom_limits_the_axes_and_hides_the_region_labels() -> None:
    layout = spec(show(zoom="true"))["layout"]
    assert len(layout["xaxis"]["range"]) == 2 and "annotations" not in layout


def test_regions_are_labelled_unless_switched_off(explorer: Explorer) -> None:
    names = {label["text"] for label in spec(show())["layout"]["annotations"]}
    assert names and names <= set(explorer.maps.regions()["label"])
    assert "annotations" not in spec(show(names="false"))["layout"]


def test_arrows_go_from_the_raw_to_the_aggregated_position_of_the_title_and_its_neighbours(
    explorer: Explorer,
) -> None:
    app = show(arrows="true", item=36, near_k=4)
    assert len([trace for trace in traces(app) if trace["name"] == "displacement"]) == 5
    mine = explorer.maps.moved().set_index("item_id").loc[36]
    first = next(
        trace
        for trace in traces(app)
        if trace["name"] == "displacement" and numbers(trace["x"])[1] == pytest.approx(mine["x"])
    )
    assert numbers(first["x"]) == pytest.approx([mine["raw_x"], mine["x"]])
    kept = app.metric[0]
    assert (kept.label, kept.value) == ("Neighbours kept by aggregation", f"{mine['kept']:.0%}")


def test_a_model_without_a_map_of_users_shows_the_titles(
    monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    none = explorer.maps.users().head(0)
    monkeypatch.setattr(Maps, "users", lambda self, method="tsne": none)
    forget()
    app = show(map="users")
    forget()
    assert "no map of users" in said(app) and sum(map(count, groups(app))) == len(explorer.items)


@pytest.mark.parametrize("points", [0, 1, 3])
def test_a_map_of_few_or_no_points_is_drawn_or_reported(
    points: int, monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    few = explorer.maps.titles().head(points)
    monkeypatch.setattr(Maps, "titles", lambda self, space="aggregated", method="tsne": few)
    forget()
    app = show(colour="popularity")
    forget()
    assert app.get("plotly_chart") if points else "has no map" in said(app)


@pytest.mark.parametrize(
    ("old", "new"),
    [({"graph": "before"}, {"graph": "raw"}), ({"tool": "move"}, {}), ({"colour": "genre"}, {})],
)
def test_links_of_earlier_versions_show_the_same_map(old: dict[str, str], new: dict[str, str]) -> None:
    app = show(**old)
    assert spec(app) == spec(show(**new)) and "which are ignored" not in said(app)


def test_the_map_of_viewers_in_an_old_link_is_the_map_of_users(explorer: Explorer) -> None:
    app = show(map="viewers", colour="oddness", size="oddness")
    assert sum(map(count, groups(app))) == len(explorer.maps.users())
    assert groups(app)[0]["name"].endswith(" bits") and "which are ignored" not in said(app)


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
def test_an_unknown_value_in_the_link_is_reported(name: str, value: str) -> None:
    assert "which are ignored" in said(show(**{name: value}))


def test_the_largest_shifts_are_listed_first(explorer: Explorer) -> None:
    app = show()
    app.session_state["moved_open"] = True
    fine(app.run())
    table = table_with(app, "kept", "cosine")
    assert (
        table["kept"].is_monotonic_increasing and table["kept"].iloc[0] == explorer.maps.moved()["kept"].min()
    )


def test_a_user_outside_the_map_is_added_when_selected(
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
    forget()
    app = show(map="users", point=1999)
    forget()
    at = explorer.maps.place(explorer.profile(1999))
    chosen = next(trace for trace in traces(app) if trace["name"] == "selected user")
    assert (
        at is not None
        and numbers(chosen["x"]) == pytest.approx([at[0]], abs=1e-3)
        and "100 of 2,000 users" in said(app)
    )


def test_the_number_of_neighbours_here_does_not_change_that_of_the_sampling_page() -> None:
    app = show(near_k=3)
    app = fine(app.switch_page("pages/sampling.py").run())
    assert app.number_input(key="k").value != 3 and not any("what-if" in info.value for info in app.info)


def test_a_session_keeps_no_figure_of_an_earlier_run() -> None:
    before = instances(Figure)
    app = show()
    for user in Explorer.open(DEMO).user_ids[:4]:
        app.query_params["user"] = str(user)
        fine(app.run())
    assert instances(Figure) - before <= 1, (
        "Streamlit keeps the callbacks of a session, and a lambda would keep the variables of the page"
    )


def instances(kind: type) -> int:
    gc.collect()
    return sum(isinstance(o, kind) for o in gc.get_objects())
