"""The frame and the model page, driven as a visitor would: by link and by widget."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from dskreg.ui.common import cache
from dskreg.ui.frame import sidebar

ROOT = Path(__file__).resolve().parents[1]
DEMO = cache.artifacts_folder() / "demo"

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(page: str = "", **parameters: str) -> AppTest:
    """The app as a fresh browser sees it under this address; the recommendations as a table, which can be
    compared, where nothing else is said.
    """
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    for key, value in (({} if page else {"view": "table"}) | parameters).items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(f"pages/{page}.py").run() if page else app


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    return app


def recommended(app: AppTest) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if "rank" in table.value.columns)


def said(app: AppTest) -> str:
    """Everything that the page says in alerts and running text."""
    kinds = (app.title, app.warning, app.error, app.info, app.caption, app.markdown, app.text)
    return "\n".join(str(element.value).replace("\\", "") for kind in kinds for element in kind)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def some(explorer: Explorer, count: int) -> list[str]:
    return [str(item) for item in explorer.items.sort_values("likes", ascending=False)["item_id"].head(count)]


# People


def test_a_viewer_is_found_by_id_prefix_and_taken(explorer: Explorer) -> None:
    app = visit()
    wanted = explorer.user_ids[-1].item()
    app.text_input(key="user_prefix").set_value(str(wanted)).run()
    assert len(app.selectbox(key="match").options) <= 50
    app.selectbox(key="match").set_value(wanted)
    fine(app.run())
    assert app.session_state["selection"].profile.user_id == wanted
    assert app.text_input(key="user").value == str(wanted)


def test_a_viewer_can_be_found_by_genre_or_chance(explorer: Explorer) -> None:
    app = visit()
    app.selectbox(key="user_genre").set_value(explorer.genres[2]).run()
    fine(app)
    next(button for button in app.button if button.label == "Random").click()
    fine(app.run())
    assert app.text_input(key="user").value in {str(user) for user in explorer.user_ids}


def test_a_hand_made_profile_comes_from_the_link(explorer: Explorer) -> None:
    titles = some(explorer, 3)
    app = fine(visit(profile="mine", titles=",".join(titles)))
    profile = app.session_state["selection"].profile
    assert [str(item) for item in profile.history] == titles
    assert not set(recommended(app)["item_id"].astype(str)) & set(titles)
    assert not app.warning


def test_titles_are_searched_added_and_removed(explorer: Explorer) -> None:
    app = fine(visit(profile="mine"))
    assert "no title yet" in said(app)
    wanted = explorer.item(some(explorer, 1)[0])
    app.text_input(key="search").set_value(wanted["title"]).run()
    app.button(key=f"add {wanted['item_id']}").click().run()
    assert fine(app).session_state["titles"] == str(wanted["item_id"])
    assert len(recommended(app)) == 10
    app.multiselect(key="chosen").set_value([]).run()
    assert "no title yet" in said(fine(app))


def test_any_title_can_be_inspected_by_name_or_id(explorer: Explorer) -> None:
    row = explorer.item(some(explorer, 1)[0])
    assert sidebar.find_title(explorer, row["item_id"]) == str(row["item_id"])
    assert sidebar.find_title(explorer, row["title"].upper()) == str(
        explorer.find_items(row["title"], 1)["item_id"].iloc[0]
    )
    assert sidebar.find_title(explorer, "no such title") == "no such title"


def test_a_recommendation_can_be_chosen_for_inspection() -> None:
    app = visit()
    third = recommended(app)["item_id"].iloc[2].item()
    app.selectbox(key="item_choice").set_value(third)
    fine(app.run())
    assert app.session_state["selection"].item_id == third
    assert app.text_input(key="item").value == str(third)


# Links that cannot be followed


def test_an_unknown_viewer_gives_a_message_and_a_way_out() -> None:
    app = fine(visit(user="no-such-viewer"))
    assert "no-such-viewer" in app.warning[0].value.replace("\\", "")
    assert len(recommended(app)) == 10
    next(button for button in app.button if button.label == "Keep the suggested viewer").click()
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
def test_garbage_in_the_link_is_named_and_the_app_goes_on(parameters: dict[str, str]) -> None:
    app = fine(visit(**parameters))
    assert app.warning
    assert app.title


# The model page


def test_the_model_page_shows_every_section() -> None:
    app = fine(visit("model"))
    assert [header.value for header in app.header] == [
        "Test metrics",
        "Training",
        "Data and relation preferences",
        "Reproducibility",
    ]
    assert any("recommender" in table.value.columns for table in app.dataframe)
    assert len(app.get("plotly_chart")) == 4


def test_the_cutoff_comes_from_the_link() -> None:
    app = visit(cutoff="10")
    app.switch_page("pages/model.py")
    app.query_params["cutoff"] = "10"
    assert "Among the first 10" in said(fine(app.run()))
