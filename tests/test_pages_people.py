"""The frame's people, driven as a visitor would: choosing viewers, changing profiles, adult titles, the link,
the tour.
"""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest
from test_pages import DEMO, ROOT, fine, said

from dskreg.explorer import Explorer, Profile
from dskreg.serving.directory import VEILED
from dskreg.serving.trained import TrainedModel
from dskreg.storage import artifact as artifacts
from dskreg.ui.common import cache
from dskreg.ui.frame import tour

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def visit(page: str = "", **parameters: str) -> AppTest:
    """The app as a fresh browser sees it under exactly this address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in parameters.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(f"pages/{page}.py").run() if page else app


def person(app: AppTest) -> Profile:
    return app.session_state["selection"].profile


def offered(app: AppTest) -> list[int]:
    """The titles that the frame offers for inspection: the recommendations."""
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


# Choosing a viewer


def test_next_and_previous_undo_each_other(explorer: Explorer) -> None:
    app = press(visit(user="17"), "viewer_next")
    assert person(app).user_id == explorer.tastes.step(17, 1)
    assert person(press(app, "viewer_previous")).user_id == 17


def test_a_preset_is_one_click_and_stays_marked(explorer: Explorer) -> None:
    row = explorer.tastes.presets().iloc[0]
    app = visit()
    app.button_group(key="preset").set_value(row["name"])
    assert person(fine(app.run())).user_id == row["user_id"]
    assert app.button_group(key="preset").value == row["name"]
    assert row["description"][1:] in said(app)
    assert app.text_input(key="viewer_id").value == str(row["user_id"])


def test_people_are_found_by_what_they_love_and_avoid(explorer: Explorer) -> None:
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
    genres = explorer.taste(person(fine(app.run())))["genre"].tolist()
    assert "Mecha" in genres and "Romance" not in genres


def test_a_search_that_finds_nobody_says_so() -> None:
    app = visit()
    app.text_input(key="user_prefix").set_value("no such viewer").run()
    assert "Nobody matches" in said(fine(app))


@pytest.mark.parametrize("how", ["viewer_next", "viewer_random", "typed", "preset", "mine", "field"])
def test_another_person_comes_without_the_former_ones_changes(how: str) -> None:
    app = fine(visit(user="17", liked="36", disliked="1"))
    assert person(app).edited
    if how == "typed":
        app.text_input(key="viewer_id").set_value("18")
    elif how == "field":
        app.text_input(key="user").set_value("18")
    elif how == "preset":
        app.button_group(key="preset").set_value("A newcomer")
    elif how == "mine":
        app.button_group(key="profile").set_value("mine")
    else:
        app.button(key=how).click()
    fine(app.run())
    assert not person(app).edited
    assert person(app).user_id != 17


# Changing a profile


def test_likes_and_dislikes_come_from_the_link(explorer: Explorer) -> None:
    own = explorer.profile(17).history[0]
    app = fine(visit(user="17", liked="36", disliked=str(own), top="50"))
    assert person(app) == explorer.edited(explorer.profile(17), ["36"], [own])
    assert not {36, own} & set(offered(app))
    assert "edited (+1, \u22121)" in said(app)


def click(app: AppTest, action: str, item_id: object) -> AppTest:
    """What a page's button with this callback does."""
    title = str(app.session_state["selection"].explorer.item(item_id)["title"])
    app.text_input(key="search").set_value(title).run()
    if action == "drop":
        app.toggle(key="search_dislikes").set_value(True).run()
    return press(app, f"{action} {item_id}")


def test_a_viewer_likes_dislikes_and_takes_it_back() -> None:
    app = click(visit(user="17"), "add", 36)
    assert person(app).liked == (36,)
    app = click(app, "drop", 36)  # the other way round: it cannot be both
    assert (person(app).liked, person(app).disliked) == ((), (36,))
    app = press(app, "forget 36")
    assert not person(app).edited
    assert fields(app)["liked"] == fields(app)["disliked"] == ""


def test_liking_what_the_viewer_likes_anyway_leaves_no_trace_in_the_link(explorer: Explorer) -> None:
    own = explorer.profile(17).history[0]
    app = click(visit(user="17"), "drop", own)
    assert own not in person(app).history
    app = click(app, "add", own)
    assert person(app) == explorer.profile(17)
    assert fields(app)["liked"] == fields(app)["disliked"] == ""


def test_a_disliked_title_leaves_a_hand_made_profile() -> None:
    app = fine(visit(profile="mine", titles="36,1"))
    app = click(app, "drop", 36)
    assert (person(app).history, person(app).disliked) == ((1,), (36,))
    assert app.text_input(key="titles").value == "1"
    app = click(app, "add", 36)
    assert (person(app).history, person(app).disliked) == ((1, 36), ())


def test_one_button_undoes_all() -> None:
    app = press(visit(user="17", liked="36,1", disliked="5"), "undo_all")
    assert not person(app).edited
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
def test_unknown_titles_among_the_changes_are_named_and_can_be_removed(parameters: dict[str, str]) -> None:
    app = fine(visit(**parameters))
    assert "nonsense" in app.warning[0].value
    before = person(app)
    next(button for button in app.button if button.label == "Remove them").click()
    assert not fine(app.run()).warning
    assert person(app) == before
    assert 36 in (*before.liked, *before.disliked)


# Adult titles


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Explorer:
    """The demo with two titles of an adult genre: one that viewer 17 would be recommended first, one that she
    likes.
    """
    artifact = artifacts.load(DEMO)
    plain = Explorer(TrainedModel(DEMO, artifact))
    profile = plain.profile(17)
    adult = [plain.recommend(profile, top=1)["item_id"].item(), profile.history[0]]
    items = artifact.dataset.items.copy()
    items.loc[items["item_id"].isin(adult), "genres"] += ", Hentai"
    opened = Explorer(TrainedModel(DEMO, replace(artifact, dataset=replace(artifact.dataset, items=items))))
    opened.content = opened.without_adult.content = "with adult titles"
    monkeypatch.setattr(cache, "open_explorer", lambda path: opened)
    return opened


def test_adult_titles_are_hidden_until_they_are_switched_on(shelf: Explorer) -> None:
    first = shelf.recommend(shelf.profile(17), top=1)["item_id"].item()
    app = fine(visit(user="17", top="50"))
    assert first not in offered(app)
    assert VEILED in app.session_state["selection"].explorer.liked(person(app))["title"].tolist()
    assert "Hentai" not in app.selectbox(key="user_genre").options
    app.toggle(key="adult").set_value(True)
    assert offered(fine(app.run()))[0] == first
    assert "Hentai" in app.selectbox(key="user_genre").options


def test_a_link_may_switch_them_on(shelf: Explorer) -> None:
    assert (
        offered(fine(visit(user="17", adult="true")))[0]
        == shelf.recommend(shelf.profile(17), top=1)["item_id"].item()
    )


def test_a_link_to_a_hidden_title_says_so_and_offers_the_switch(shelf: Explorer) -> None:
    first = shelf.recommend(shelf.profile(17), top=1)["item_id"].item()
    app = fine(visit("sampling", user="17", item=str(first)))
    assert "adult title" in app.warning[0].value
    assert app.session_state["selection"].item_id is None
    assert shelf.item(first)["title"] not in said(app)
    next(button for button in app.button if button.label == "Show adult titles").click()
    fine(app.run())
    assert not app.warning
    assert app.session_state["selection"].item_id == first


def test_models_without_adult_titles_have_no_switch() -> None:
    assert not [toggle for toggle in visit().toggle if toggle.key == "adult"]


# The link


def test_the_link_holds_every_parameter() -> None:
    parameters = {"user": "17", "liked": "36", "top": "7", "genres": "Action"}
    shown = next(code.value for code in visit(**parameters).code)
    assert {name: value[0] for name, value in parse_qs(urlsplit(shown).query).items()} == parameters


# The tour


def test_a_first_visit_is_offered_the_tour_once() -> None:
    app = fine(visit())
    assert "New here?" in said(app)
    assert "New here?" not in said(press(app, "tour_refuse"))
    assert "New here?" not in said(fine(app.run()))


@pytest.mark.parametrize("parameters", [{"user": "17"}, {"profile": "mine"}], ids=str)
def test_a_link_to_something_is_not_a_first_visit(parameters: dict[str, str]) -> None:
    assert "New here?" not in said(fine(visit(**parameters)))


def test_the_tour_leads_through_its_pages_and_back_and_ends() -> None:
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
    assert f"1 of {count}" in said(press(app, "tour_again"))


def test_the_tour_follows_whoever_goes_elsewhere() -> None:
    app = press(visit(), "tour_start")
    app.switch_page("pages/model.py")
    place = [step.title for step in tour.STEPS].index("Model")
    assert f"{place + 1} of {len(tour.STEPS)}" in said(fine(app.run()))


def test_every_step_is_a_page_of_the_app() -> None:
    source = (ROOT / "app.py").read_text()
    for step in tour.STEPS:
        assert f'"{step.path}",\n            title="{step.title}"' in source
