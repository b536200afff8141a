"""The frame and the model page, driven as in a browser: by link and by widget."""

import pytest

from dskreg.explorer import Explorer
from dskreg.ui.frame import sidebar
from tests.lists import popular, recommended, visit
from tests.visits import DEMO, button, fine, said

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


# Users and profiles


def test_a_user_found_by_id_prefix_can_be_chosen(explorer: Explorer) -> None:
    app = visit()
    wanted = explorer.user_ids[-1].item()
    app.text_input(key="user_prefix").set_value(str(wanted)).run()
    assert len(app.selectbox(key="match").options) <= 50
    app.selectbox(key="match").set_value(wanted)
    fine(app.run())
    assert app.session_state["selection"].profile.user_id == wanted
    assert app.text_input(key="user").value == str(wanted)


def test_a_user_can_be_found_by_genre_or_at_random(explorer: Explorer) -> None:
    app = visit()
    app.selectbox(key="user_genre").set_value(explorer.genres[2]).run()
    fine(app)
    button(app, "Random").click()
    fine(app.run())
    assert app.text_input(key="user").value in {str(user) for user in explorer.user_ids}


def test_a_link_can_contain_a_custom_profile(explorer: Explorer) -> None:
    titles = popular(explorer, 3)
    app = fine(visit(profile="mine", titles=",".join(titles)))
    profile = app.session_state["selection"].profile
    assert [str(item) for item in profile.history] == titles
    assert not set(recommended(app)["item_id"].astype(str)) & set(titles)
    assert not app.warning


def test_titles_of_a_custom_profile_are_searched_added_and_removed(explorer: Explorer) -> None:
    app = fine(visit(profile="mine"))
    assert "no item yet" in said(app)
    wanted = explorer.item(popular(explorer, 1)[0])
    app.text_input(key="search").set_value(wanted["title"]).run()
    app.button(key=f"add {wanted['item_id']}").click().run()
    assert fine(app).session_state["titles"] == str(wanted["item_id"])
    assert len(recommended(app)) == 10
    app.multiselect(key="chosen").set_value([]).run()
    assert "no item yet" in said(fine(app))


def test_any_title_can_be_selected_by_name_or_id(explorer: Explorer) -> None:
    row = explorer.item(popular(explorer, 1)[0])
    assert sidebar.find_title(explorer, row["item_id"]) == str(row["item_id"])
    assert sidebar.find_title(explorer, row["title"].upper()) == str(
        explorer.find_items(row["title"], 1)["item_id"].iloc[0]
    )
    assert sidebar.find_title(explorer, "no such item") == "no such item"


def test_a_recommendation_can_be_selected() -> None:
    app = visit()
    third = recommended(app)["item_id"].iloc[2].item()
    app.selectbox(key="item_choice").set_value(third)
    fine(app.run())
    assert app.session_state["selection"].item_id == third
    assert app.text_input(key="item").value == str(third)


# Invalid links


def test_an_unknown_user_gives_a_warning_and_a_button_that_resolves_it() -> None:
    app = fine(visit(user="no-such-user"))
    assert "no-such-user" in app.warning[0].value.replace("\\", "")
    assert len(recommended(app)) == 10
    button(app, "Keep the suggested user").click()
    assert not fine(app.run()).warning


@pytest.mark.parametrize(
    "parameters",
    [
        {"item": "999999999"},
        {"top": "many"},
        {"top": "-3"},
        {"top": "9" * 5000},
        {"profile": "nobody"},
        {"artifact": "../../etc"},
        {"profile": "mine", "titles": "1,nonsense,999999999"},
        {"user": "$x$ **b** :smile: <script>"},
    ],
    ids=str,
)
def test_an_invalid_parameter_is_named_and_the_page_is_shown(parameters: dict[str, str]) -> None:
    app = fine(visit(**parameters))
    assert app.warning
    assert app.title


def test_all_unknown_ids_of_a_link_are_named_and_the_rest_is_shown() -> None:
    app = visit(user="nobody", item="99999999", top="-4")
    for words in ("nknown user nobody", "nknown item 99999999", "“-4” recommendations"):
        assert words in said(app)
    assert len(recommended(app)) == 10


def test_notices_stand_above_the_title_on_all_pages() -> None:
    """Those of the sidebar's parameters and those of the page's own."""
    app = visit(item="nothing", genres="nonsense", near="no such title")
    for page, name, value in (
        ("recommendations", "liked_by", "everybody"),
        ("sampling", "show", "nonsense"),
        ("what_if", "without", "nonsense"),
        ("compare", "what", "nonsense"),
        ("embeddings", "colour", "nonsense"),
        ("model", "item", "nothing"),
        ("runs", "run", "nonsense"),
    ):
        if page != "recommendations":
            app.switch_page(f"pages/{page}.py")
            app.query_params[name] = value
            fine(app.run())
        drawn = [element.type for element in app.main if element.type in ("title", "warning")]
        own = page not in ("model", "runs")
        assert drawn.count("warning") >= 1 + own and drawn.index("title") == drawn.count("warning"), page


def test_an_unknown_profile_is_replaced_by_a_dataset_user_until_the_link_is_corrected() -> None:
    app = visit(profile="nobody")
    assert app.radio(key="profile_kind").value == "viewer"
    button(app, "Show the dataset user").click()
    assert not fine(app.run()).warning and app.session_state["profile"] == ""


def test_the_kind_of_profile_is_chosen_by_its_label_and_kept_by_its_value_in_the_link() -> None:
    app = visit()
    assert app.radio(key="profile_kind").options == ["Dataset user", "Custom profile"]
    app.radio(key="profile_kind").set_value("mine")
    assert fine(app.run()).session_state["profile"] == "mine"
    app.radio(key="profile_kind").set_value("viewer")
    assert fine(app.run()).session_state["profile"] == ""


# The model page


def test_the_model_page_shows_every_section() -> None:
    app = fine(visit("model"))
    assert [header.value for header in app.header] == [
        "Test metrics",
        "Slices of the test",
        "What each part is worth",
        "Own embedding and neighbours",
        "Training",
        "Data and sampling by relation",
        "Notes",
        "Reproducibility",
    ]
    assert any("recommender" in table.value.columns for table in app.dataframe)
    assert len(app.get("plotly_chart")) == 7


def test_a_link_can_contain_the_cutoff() -> None:
    app = visit(cutoff="10")
    app.switch_page("pages/model.py")
    app.query_params["cutoff"] = "10"
    assert fine(app.run()).button_group(key="cutoff").value == 10
