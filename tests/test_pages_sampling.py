"""The sampling page on the demo, driven as a visitor would: by link and by widget."""

import gc
import json
import re
from pathlib import Path
from urllib.parse import SplitResult

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explanation, Explorer
from dskreg.ui.common import cache

ROOT = Path(__file__).resolve().parents[1]
DEMO = cache.artifacts_folder() / "demo"

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
    profile = explorer.profile(
        (readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0]
    )
    return explorer.explain(profile, explorer.recommend(profile, top=1)["item_id"].iloc[0], **settings)


# Sampled neighbours


def test_without_noise_the_score_is_the_recommended_one(explorer: Explorer) -> None:
    app, expected = visit("sampling"), explained(explorer)
    assert metric(app, "Score") == f"{expected.score:.3f}" and metric(app, "Could be drawn") == str(
        len(expected.item_neighbours)
    )
    assert not app.warning and "what-if" not in said(app)
    assert (
        f"Of **{len(expected.item_neighbours)}** candidate neighbours the model took the **{expected.picks}** with the largest logits"
        in said(app)
    )


def test_every_candidate_is_listed_with_its_numbers(explorer: Explorer) -> None:
    app, expected = visit("sampling", noise="true", seed=3, show="Candidates"), explained(explorer, seed=3)
    shown = frame(app, "logit")
    assert list(shown["title"]) == list(expected.item_neighbours["title"]) and shown["noise"].abs().sum() > 0
    numbers = {
        "relation",
        "via",
        "logit",
        "noise",
        "key",
        "inclusion_probability",
        "picked",
        "attention",
        "contribution",
    }
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
    assert (
        not re.findall(r"<(?:script|img|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?!data:)", page)
        and "default-src 'none'" in page
    )
    edges = frame(app, "picked")
    drawn = json.loads(re.search(r"edges = new vis\.DataSet\((\[.*?\])\);\n", page, re.S)[1])  # type: ignore[index]
    assert len(drawn) == len(edges) and [not edge.get("dashes") for edge in drawn] == list(edges["picked"])


def test_the_viewers_side_says_that_viewers_are_simulated(explorer: Explorer) -> None:
    app = visit("sampling", side="viewer", show="Candidates")
    assert list(frame(app, "logit")["title"]) == list(explained(explorer).user_neighbours["title"])
    app = visit("sampling", side="viewer")
    assert "viewers are simulated" in said(app) and "liked titles the model" in said(app)


def test_any_title_can_be_opened_by_link(explorer: Explorer) -> None:
    title = explorer.items.sort_values("likes").iloc[0]
    app = visit("sampling", item=title["item_id"])
    assert str(title["title"]) in said(app) and "Not among the recommendations shown" in said(app)


def test_next_opens_the_next_recommendation() -> None:
    app = visit("sampling")
    fine(app.button(key="sampling_1").click().run())
    assert "Recommendation 2 of 5" in said(app)


@pytest.mark.parametrize(
    "link",
    [
        {"seed": "abc"},
        {"k": -3},
        {"tau": 0},
        {"noise": "perhaps"},
        {"ku": 10**9},
        {"k": "2.5"},
        {"seed": -1},
        {"show": "Nothing"},
    ],
)
def test_an_impossible_setting_is_noted_and_a_usual_one_used(link: dict[str, object]) -> None:
    app = visit("sampling", **link)
    name, value = next(iter(link.items()))
    assert f"{name}={value}" in said(app) and app.metric


def test_an_unknown_title_is_noted_and_the_first_recommendation_shown(explorer: Explorer) -> None:
    app = visit("sampling", item="<b>nothing</b>")
    assert "unknown title" in said(app).lower() and explained(explorer).title in said(app)


def test_a_title_without_candidates_has_a_page(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    full = explained(explorer)
    bare = Explanation(
        **{
            **vars(full),
            "item_neighbours": full.item_neighbours.iloc[:0],
            "relations": full.relations.iloc[:0],
        }
    )
    monkeypatch.setattr(cache, "explanation", lambda *args, **settings: bare)
    app = visit("sampling")
    assert "no neighbours in the knowledge graph" in said(app) and metric(app, "Could be drawn") == "0"


def test_titles_are_never_read_as_markup(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    full, bad = explained(explorer), "<script>alert(1)</script> $x$ **b** :rocket: [a](href)"
    neighbours = full.item_neighbours.assign(title=bad)
    hostile = Explanation(**{**vars(full), "title": bad, "item_neighbours": neighbours})
    monkeypatch.setattr(cache, "explanation", lambda *args, **settings: hostile)
    app = visit("sampling")
    running = [
        element.value
        for kind in (app.header, app.markdown)
        for element in kind
        if "alert" in str(element.value)
    ]
    assert running and all(
        "\\<script\\>" in text and "\\$x\\$" in text and "\\*\\*b" in text and ":rocket" not in text
        for text in running
    )
    assert "<script>alert" not in app.get("iframe")[0].proto.srcdoc
    assert "<script>" not in app.get("plotly_chart")[0].proto.spec.replace("\\u003c", "<")


def test_an_own_profile_of_one_title_has_a_page(explorer: Explorer) -> None:
    first = explorer.items["item_id"].iloc[0]
    assert (
        len(frame(visit("sampling", profile="mine", titles=first, side="viewer", show="Candidates"), "logit"))
        == 1
    )
    assert "simulated" not in said(visit("sampling", profile="mine", titles=first, side="viewer"))


@pytest.mark.parametrize("show", ["Relations", "Flow", "Compare", "Walk", "Hubs"])
def test_a_title_without_candidates_has_every_panel(
    show: str, monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    full = explained(explorer)
    bare = Explanation(
        **{
            **vars(full),
            "item_neighbours": full.item_neighbours.iloc[:0],
            "relations": full.relations.iloc[:0],
        }
    )
    monkeypatch.setattr(cache, "explanation", lambda *args, **settings: bare)
    assert "no neighbours in the knowledge graph" in said(visit("sampling", show=show))


def test_candidates_are_filtered_by_what_the_link_says(explorer: Explorer) -> None:
    rows = explained(explorer).item_neighbours
    relation = rows[rows["picked"]]["relation"].iloc[0]
    app = visit("sampling", show="Candidates", relation=relation, drawn="true")
    expected = rows[rows["picked"] & (rows["relation"] == relation)]
    assert list(frame(app, "logit")["title"]) == list(
        expected["title"]
    ) and f"**{len(expected)}** of **{len(rows)}**" in said(app)
    word = rows["title"].iloc[3].split()[0]
    found = frame(visit("sampling", show="Candidates", find=word.upper()), "logit")
    assert len(found) and found["title"].str.contains(word, case=False, regex=False).all()
    assert frame(visit("sampling", show="Candidates", find="(["), "logit").empty


def test_nothing_is_drawn_many_times_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    asked, ask = [], cache.ask
    monkeypatch.setattr(
        cache,
        "ask",
        lambda explorer, what, *rest, **named: asked.append(what) or ask(explorer, what, *rest, **named),
    )
    app = visit("sampling", show="Repeats")
    assert "repeat" not in asked
    app = visit("sampling", show="Repeats", times="100")
    assert "repeat" in asked
    table, rows = frame(app, "frequency"), explained(explorer).item_neighbours
    assert len(table) == len(rows) and table["frequency"].sum() == pytest.approx(
        100 * explorer.defaults["picks"]
    )
    assert "After **100** draws" in said(app) and f"**{explained(explorer).score:.3f}**" in said(app)


def test_two_seeds_side_by_side_lead_from_score_to_score(explorer: Explorer) -> None:
    app = visit("sampling", show="Compare", noise="true", seed=3, seed_b=4)
    one, other = (explained(explorer, seed=seed) for seed in (3, 4))
    assert (
        metric(app, "Score A: seed 3") == f"{one.score:.3f}"
        and metric(app, "Score B: seed 4") == f"{other.score:.3f}"
    )
    picked = [
        set(each.item_neighbours.query("picked")[["item_id", "relation"]].itertuples(index=False, name=None))
        for each in (one, other)
    ]
    assert metric(app, "Stayed") == str(len(picked[0] & picked[1])) and metric(app, "Came") == str(
        len(picked[1] - picked[0])
    )
    steps = frame(app, "part")["adds"]
    assert steps.iloc[:-1].sum() == pytest.approx(steps.iloc[-1], abs=1e-4)
    assert "the same draw" in said(visit("sampling", show="Compare", noise="true", seed=3, seed_b=3))


def test_two_temperatures_share_the_draw_and_not_the_soft_weights(explorer: Explorer) -> None:
    app = visit("sampling", show="Compare", versus="temperatures", tau_b=2)
    expected = explained(explorer)
    assert metric(app, "Score as served") == f"{expected.score:.3f}"
    table = frame(app, "one", "other")
    assert table["one"].sum() == pytest.approx(expected.picks, abs=1e-3) and table[
        "other"
    ].sum() == pytest.approx(expected.picks, abs=1e-3)
    assert not table["one"].equals(table["other"])


def test_the_flow_ends_in_the_score(explorer: Explorer) -> None:
    whole, expected = (
        frame(visit("sampling", show="Flow", whole="true"), "source", "part"),
        explained(explorer),
    )
    assert whole["contribution"].sum() == pytest.approx(expected.pre_activation_score, abs=1e-3)
    carried = frame(visit("sampling", show="Flow"), "source", "part")
    assert carried["contribution"].sum() == pytest.approx(
        expected.item_neighbours["contribution"].sum(), abs=1e-3
    )


def test_a_walk_goes_on_by_a_row_and_back_by_a_crumb(explorer: Explorer) -> None:
    start = explained(explorer)
    neighbour = start.item_neighbours["item_id"].iloc[0]
    app = visit("sampling", show="Walk", item=start.item_id, trail=f"{start.item_id},{neighbour}")
    name = str(explorer.item(neighbour)["title"])
    assert f"Neighbours of **{name}**" in said(app) and app.header[0].value.replace("\\", "") == start.title
    fine(app.button(key="crumb 0").click().run())
    assert f"Neighbours of **{start.title}**" in said(app) and app.text_input(key="trail").value == str(
        start.item_id
    )
    app = visit("sampling", show="Walk", item=start.item_id, trail=f"{start.item_id},{neighbour}")
    fine(app.button(key="walk_inspect").click().run())
    assert app.header[0].value.replace("\\", "") == name


@pytest.mark.parametrize("trail", ["nothing,<b>x</b>", "999999999"])
def test_a_way_over_unknown_titles_is_noted(trail: str, explorer: Explorer) -> None:
    assert "unknown titles" in said(visit("sampling", show="Walk", trail=trail))


def test_a_way_that_began_elsewhere_begins_afresh(explorer: Explorer) -> None:
    ids = explorer.items["item_id"]
    app = visit("sampling", show="Walk", item=ids.iloc[5], trail=f"{ids.iloc[6]},{ids.iloc[7]}")
    assert f"Neighbours of **{explorer.item(ids.iloc[5])['title']}**" in said(app)


def test_hubs_are_counted_over_all_titles(explorer: Explorer) -> None:
    app = visit("sampling", show="Hubs")
    table = frame(app, "measure", "own")
    own = explorer.degrees.set_index("item_id").loc[explained(explorer).item_id]
    assert table["own"].tolist() == [
        own[name] for name in ("paths", "candidates", "appears", "mass", "drawn")
    ]
    assert frame(app, "drawn", "paths")["drawn"].iloc[0] == explorer.degrees["drawn"].max()


def test_no_drawing_stays_behind_in_memory() -> None:
    visit("sampling")
    gc.collect()
    kept = [
        o for o in gc.get_objects() if isinstance(o, SplitResult) and len(o.path) + len(o.fragment) > 100_000
    ]
    assert not kept, "urllib keeps the page that st.iframe asked it about"
