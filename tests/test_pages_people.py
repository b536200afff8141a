"""The frame, driven as in a browser: choosing users, editing profiles, adult titles, the link, the tour."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer, Profile
from dskreg.serving.directory import VEILED
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from dskreg.ui.common import cache
from dskreg.ui.frame import sidebar, tour
from tests.visits import DEMO, ROOT, button, fine, said, visit

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def profile_of(app: AppTest) -> Profile:
    return app.session_state["selection"].profile


def offered(app: AppTest) -> list[int]:
    """The ids of the titles that the sidebar offers: the recommendations."""
    selection = app.session_state["selection"]
    table = cache.recommendations(selection.explorer, selection.profile, selection.top)
    assert app.selectbox(key="item_choice").options == [
        f"{rank}. {title}" for rank, title in zip(table["rank"], table["title"], strict=True)
    ]
    return table["item_id"].tolist()


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return fine(app.run())


def fields(app: AppTest) -> dict[str, str]:
    return {key: app.text_input(key=key).value for key in ("user", "liked", "disliked", "item")}


# Choosing a user


def test_next_and_previous_undo_each_other(explorer: Explorer) -> None:
    app = press(visit(user="17"), "user_next")
    assert profile_of(app).user_id == explorer.tastes.step(17, 1)
    assert profile_of(press(app, "user_previous")).user_id == 17


def test_a_preset_is_chosen_by_one_click_and_stays_marked(explorer: Explorer) -> None:
    row = explorer.tastes.presets().iloc[0]
    app = visit()
    app.button_group(key="preset").set_value(row["name"])
    assert profile_of(fine(app.run())).user_id == row["user_id"]
    assert app.button_group(key="preset").value == row["name"]
    assert row["description"][1:] in said(app)
    assert app.text_input(key="user_id").value == str(row["user_id"])


def test_users_are_found_by_the_genres_that_they_love_and_avoid(explorer: Explorer) -> None:
    app = visit()
    app.selectbox(key="user_genre").set_value("Mecha")
    app.selectbox(key="user_avoids").set_value("Romance")
    app.number_input(key="user_least").set_value(10)
    app.number_input(key="user_most").set_value(40)
    found = explorer.tastes.find(loves="Mecha", avoids="Romance", least=10, most=40)
    assert [option.split(" · ")[0] for option in fine(app.run()).selectbox(key="match").options] == found[
        "user_id"
    ].astype(str).tolist()
    app.selectbox(key="match").set_value(found["user_id"].iloc[0].item())
    genres = explorer.taste(profile_of(fine(app.run())))["genre"].tolist()
    assert "Mecha" in genres and "Romance" not in genres


def test_a_search_without_matching_users_says_so() -> None:
    app = visit()
    app.text_input(key="user_prefix").set_value("no such user").run()
    assert "No user matches" in said(fine(app))


@pytest.mark.parametrize("how", ["user_next", "user_random", "typed", "preset", "mine", "field"])
def test_choosing_another_profile_clears_the_edits_of_the_former_one(how: str) -> None:
    app = fine(visit(user="17", liked="36", disliked="1"))
    assert profile_of(app).edited
    if how == "typed":
        app.text_input(key="user_id").set_value("18")
    elif how == "field":
        app.text_input(key="user").set_value("18")
    elif how == "preset":
        app.button_group(key="preset").set_value("New user")
    elif how == "mine":
        app.radio(key="profile_kind").set_value("mine")
    else:
        app.button(key=how).click()
    fine(app.run())
    assert not profile_of(app).edited
    assert profile_of(app).user_id != 17


# Editing a profile


def test_a_link_can_contain_likes_and_dislikes(explorer: Explorer) -> None:
    own = explorer.profile(17).history[0]
    app = fine(visit(user="17", liked="505", disliked=str(own), top="50"))
    assert profile_of(app) == explorer.edited(explorer.profile(17), ["505"], [own])
    assert not {505, own} & set(offered(app))
    assert "edited (+1, \u22121)" in said(app)


def click(app: AppTest, action: str, item_id: object) -> AppTest:
    """Find the title with the sidebar's search and add or drop it."""
    title = str(app.session_state["selection"].explorer.item(item_id)["title"])
    app.text_input(key="search").set_value(title).run()
    if action == "drop":
        app.toggle(key="search_dislikes").set_value(True).run()
    return press(app, f"{action} {item_id}")


def test_a_like_and_a_dislike_can_be_undone() -> None:
    app = click(visit(user="17"), "add", 505)
    assert profile_of(app).liked == (505,)
    app = click(app, "drop", 505)  # a dislike replaces the like
    assert (profile_of(app).liked, profile_of(app).disliked) == ((), (505,))
    app = press(app, "forget 505")
    assert not profile_of(app).edited
    assert fields(app)["liked"] == fields(app)["disliked"] == ""


def test_a_like_that_the_user_already_has_adds_nothing_to_the_link(explorer: Explorer) -> None:
    own = explorer.profile(17).history[0]
    app = click(visit(user="17"), "drop", own)
    assert own not in profile_of(app).history
    app = click(app, "add", own)
    assert profile_of(app) == explorer.profile(17)
    assert fields(app)["liked"] == fields(app)["disliked"] == ""


def test_a_disliked_title_leaves_a_custom_profile() -> None:
    app = fine(visit(profile="mine", titles="36,1"))
    app = click(app, "drop", 36)
    assert (profile_of(app).history, profile_of(app).disliked) == ((1,), (36,))
    assert app.text_input(key="titles").value == "1"
    app = click(app, "add", 36)
    assert (profile_of(app).history, profile_of(app).disliked) == ((1, 36), ())


def test_one_button_undoes_all_edits() -> None:
    app = press(visit(user="17", liked="36,1", disliked="5"), "undo_all")
    assert not profile_of(app).edited
    assert not [button for button in app.button if button.key == "undo_all"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"liked": "36,nonsense"},
        {"disliked": "nonsense,36"},
        {"profile": "mine", "titles": "1", "disliked": "nonsense,36"},
    ],
    ids=str,
)
def test_unknown_titles_among_the_edits_are_named_and_can_be_removed(parameters: dict[str, str]) -> None:
    app = fine(visit(**parameters))
    assert "nonsense" in app.warning[0].value
    before = profile_of(app)
    button(app, "Remove them").click()
    assert not fine(app.run()).warning
    assert profile_of(app) == before
    assert 36 in (*before.liked, *before.disliked)


# Adult titles


@pytest.fixture
def with_adult(monkeypatch: pytest.MonkeyPatch) -> Explorer:
    """The demo with two adult titles: the first recommendation of user 17, and one of the user's likes."""
    artifact = artifacts.load(DEMO)
    plain = Explorer(TrainedModel(DEMO, artifact))
    profile = plain.profile(17)
    adult = [plain.recommend(profile, top=1)["item_id"].item(), profile.history[0]]
    items = artifact.dataset.items.copy()
    items.loc[items["item_id"].isin(adult), "genres"] += ", Hentai"
    opened = Explorer(TrainedModel(DEMO, replace(artifact, dataset=replace(artifact.dataset, items=items))))
    opened.content = opened.without_adult.content = "with adult items"
    monkeypatch.setattr(cache, "open_explorer", lambda path: opened)
    return opened


def test_adult_titles_are_hidden_until_they_are_switched_on(with_adult: Explorer) -> None:
    first = with_adult.recommend(with_adult.profile(17), top=1)["item_id"].item()
    app = fine(visit(user="17", top="50"))
    assert first not in offered(app)
    assert VEILED in app.session_state["selection"].explorer.liked(profile_of(app))["title"].tolist()
    assert "Hentai" not in app.selectbox(key="user_genre").options
    app.toggle(key="adult").set_value(True)
    assert offered(fine(app.run()))[0] == first
    assert "Hentai" in app.selectbox(key="user_genre").options


def test_a_link_can_switch_on_adult_titles(with_adult: Explorer) -> None:
    assert (
        offered(fine(visit(user="17", adult="true")))[0]
        == with_adult.recommend(with_adult.profile(17), top=1)["item_id"].item()
    )


def test_a_link_to_a_hidden_adult_title_offers_to_show_adult_titles(with_adult: Explorer) -> None:
    first = with_adult.recommend(with_adult.profile(17), top=1)["item_id"].item()
    app = fine(visit("sampling", user="17", item=str(first)))
    assert "adult item" in app.warning[0].value
    assert app.session_state["selection"].item_id is None
    assert with_adult.item(first)["title"] not in said(app)
    button(app, "Show adult items").click()
    fine(app.run())
    assert not app.warning
    assert app.session_state["selection"].item_id == first


def test_a_model_without_adult_titles_has_no_switch_for_them() -> None:
    assert not [toggle for toggle in visit().toggle if toggle.key == "adult"]


# The link


def copied(app: AppTest) -> dict[str, list[str]]:
    """The parameters of the link that the button copies."""
    query = json.loads(app.get("bidi_component")[0].proto.json)["query"]
    return parse_qs(query.removeprefix("?"), strict_parsing=True)


def test_the_copied_link_contains_every_parameter() -> None:
    parameters = {"user": "17", "liked": "36", "top": "7", "genres": "Action"}
    assert {name: [value] for name, value in parameters.items()}.items() <= copied(
        visit(**parameters)
    ).items()


def test_the_copied_link_shows_the_same_view_when_the_defaults_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = visit()
    link, profile, titles = copied(app), profile_of(app), offered(app)
    assert link["artifact"] == ["demo"] and link["user"] == [str(profile.user_id)]
    assert link["item"] == [str(titles[0])] and link["top"] == ["10"] and link["hide_seen"] == ["true"]
    assert "boost" in link and link["view"] == ["cards"] and link["diversity"] == ["0"]
    monkeypatch.setattr(cache, "suggested_user", lambda explorer: 17)
    monkeypatch.setattr(sidebar, "TOP", 20)
    assert offered(visit()) != titles
    again = visit(**link)
    assert profile_of(again) == profile and offered(again) == titles and not again.warning
    assert again.session_state["selection"].item_id == titles[0] and copied(again) == link


@pytest.mark.parametrize(
    ("page", "view", "pinned"),
    [
        ("sampling", "", {"seed", "k", "noise", "show"}),
        ("compare", "users", {"what", "other"}),
        ("compare", "items", {"what", "other_title"}),
        ("compare", "entities", {"what", "entity"}),
        ("embeddings", "", {"map", "method", "colour", "near_k", "zoom"}),
    ],
)
def test_the_copied_link_pins_the_settings_of_the_page(page: str, view: str, pinned: set[str]) -> None:
    app = visit(page, user="17")
    if view:
        app.button_group(key="what").set_value(view)
    assert pinned <= copied(fine(app.run())).keys()


# The tour


def test_the_tour_is_pointed_out_until_the_first_choice() -> None:
    app = fine(visit())
    assert "New here?" in said(app)
    app.switch_page("pages/model.py").run()
    assert "New here?" not in said(fine(app))
    assert "New here?" not in said(fine(app.switch_page("pages/recommendations.py").run()))


@pytest.mark.parametrize("parameters", [{"user": "17"}, {"profile": "mine"}], ids=str)
def test_the_tour_is_not_offered_on_a_link_with_parameters(parameters: dict[str, str]) -> None:
    assert "New here?" not in said(fine(visit(**parameters)))


def test_the_tour_leads_through_all_pages_back_and_to_its_end() -> None:
    app = press(visit(), "tour_start")
    count = len(tour.STEPS)
    for place, step in enumerate(tour.STEPS):
        assert f"{step.title} :gray[· {place + 1} of {count}]" in said(app).replace("**", "")
        if place + 1 < count:
            app = press(app, "tour_next")
    assert not [button for button in app.button if button.key == "tour_next"]
    app = press(app, "tour_back")
    assert f"{count - 1} of {count}" in said(app)
    app = press(app, "tour_end")
    assert f"of {count}]" not in said(app)
    assert "New here?" not in said(app)
    assert f"1 of {count}" in said(press(app, "tour_start"))


def test_the_tour_follows_the_page_that_the_user_opens() -> None:
    app = press(visit(), "tour_start")
    app.switch_page("pages/model.py")
    place = [step.title for step in tour.STEPS].index("Model")
    assert f"{place + 1} of {len(tour.STEPS)}" in said(fine(app.run()))


def test_every_step_of_the_tour_is_a_page_of_the_app() -> None:
    source = (ROOT / "app.py").read_text()
    for step in tour.STEPS:
        assert re.search(rf'"{re.escape(step.path)}",\s+title="{step.title}"', source)
