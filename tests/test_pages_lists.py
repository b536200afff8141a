"""One list per user: all pages rank alike with seen titles and without, and say what they hide."""

import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from tests.visits import DEMO, fine, said, table_with, visit

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
USER, TOP, PLACE = 17, 8, 3


def compared(app: AppTest, what: str, **fields: object) -> AppTest:
    """A view of the compare page, with these fields filled in."""
    app.button_group(key="what").set_value(what)
    fine(app.run())
    for key, value in fields.items():
        app.text_input(key=key).set_value(str(value))
    return fine(app.run())


@pytest.mark.parametrize("hide_seen", [True, False])
def test_a_user_has_one_list_and_a_title_one_rank_on_all_pages(hide_seen: bool) -> None:
    explorer = Explorer.open(DEMO)
    profile = explorer.profile(USER)
    counts = explorer.left_out(profile)
    words = f"Hidden: {counts['history']} liked"
    if hide_seen:
        words += f", {counts['seen']} other seen ({counts['held_out']} held out)"
    known = set(profile.history) | (set(profile.seen) if hide_seen else set())

    app = visit(view="table", user=USER, top=TOP, hide_seen=str(hide_seen).lower())
    listed = table_with(app, "rank")
    titles, item = listed["title"].tolist(), listed["item_id"].iloc[PLACE - 1]
    assert len(titles) == TOP and listed["held_out"].any() == (not hide_seen)
    app.text_input(key="item").set_value(str(item))

    def open_page(name: str) -> AppTest:
        fine(app.switch_page(f"pages/{name}.py").run())
        assert app.selectbox(key="item_choice").options == [
            f"{rank}. {title}" for rank, title in enumerate(titles, 1)
        ]
        return app

    def hides() -> bool:
        return words in [text.value for text in app.caption]

    assert hides()
    assert f"Recommendation {PLACE} of {TOP}" in said(open_page("sampling")) and hides()
    ranked = len(explorer.items) - len(known)
    assert f"rank **{PLACE}** of {ranked}" in said(open_page("what_if")) and hides()
    assert table_with(open_page("compare"), "rank", "title")["title"].tolist() == titles and hides()
    assert table_with(compared(app, "users"), "rank", "title")["title"].tolist() == titles
    held_out = explorer.rivals.held_out(profile)["item_id"].iloc[0]
    ranks = [m.value for m in compared(app, "items", other_title=held_out).metric if m.label == "Rank"]
    model = explorer if hide_seen else explorer.with_seen
    assert ranks == [str(PLACE), str(model.ranks(profile)[held_out])]
    first = explorer.entities(item).iloc[0]
    table = table_with(
        compared(app, "entities", entity=f"{first['relation']}:{first['entity']}"), "rank", "title"
    )
    rank = table.set_index("item_id")["rank"]
    assert rank[item] == PLACE and rank.isna().sum() == rank.index.isin(known).sum() > 0
    open_page("embeddings")
