"""The recommendations page, driven as in a browser: by link and by widget."""

import html
import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer
from dskreg.text import percent, signed_percent
from dskreg.ui.recommendations import cards, filters, newcomers, panels, rows
from dskreg.ui.recommendations import tiles as tiles_module
from tests.lists import popular, recommended, visit
from tests.visits import DEMO, button, fine, press, said, table_with, tiles

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def on_cards(app: AppTest) -> list[tuple[int, str]]:
    """(rank, title) of the cards."""
    bodies = tiles(app, "cards")
    found = [re.search(r"<h3>(\d+)\. (.*?)</h3>", body) for body in bodies]
    return [(int(match[1]), html.unescape(match[2])) for match in found if match]


def first_card(app: AppTest) -> str:
    """The id of the first card's title."""
    return str(json.loads(re.findall(r'data-item="(.*?)"', tiles(app, "cards")[0])[0]))


def figure(app: AppTest, label: str) -> str:
    return next(str(metric.value) for metric in app.metric if metric.label == label)


# The table


def test_a_first_visit_shows_recommendations() -> None:
    app = fine(visit())
    assert "simulated user" in said(app)
    assert len(recommended(app)) == 10
    assert app.title[0].value.startswith("Recommendations for user")
    assert not app.warning


def test_the_table_equals_the_explorers_recommendations(explorer: Explorer) -> None:
    user = explorer.random_user(3)
    table = recommended(fine(visit(user=str(user), top="7")))
    expected = explorer.recommend(explorer.profile(user), top=7)
    assert table["item_id"].tolist() == expected["item_id"].tolist()
    assert table["reason"].str.len().min() > 0


def test_filters_keep_only_the_chosen_genre_and_type(explorer: Explorer) -> None:
    app = visit()
    genre, kind = explorer.genres[0], explorer.types[0]
    app.multiselect(key="genres").set_value([genre])
    app.multiselect(key="types").set_value([kind])
    table = recommended(fine(app.run()))
    assert len(table)
    assert all(genre in genres.split(", ") for genres in table["genres"])
    assert set(table["type"]) == {kind}


def test_the_popularity_filter_limits_the_likes_of_the_titles_and_can_be_cleared(explorer: Explorer) -> None:
    likes = explorer.items.set_index("item_id")["likes"]
    app = visit(top="50")
    app.selectbox(key="liked_by").set_value("up to 5 likes")
    shown = recommended(fine(app.run()))["item_id"]
    assert len(shown) and likes[shown].max() <= 5 and "have no likes" not in said(app)
    app = visit(liked_by="cold start (0 likes)")
    assert likes[recommended(fine(app))["item_id"]].max() == 0 and "have no likes" in said(app)
    cold = ", ".join(explorer.items["genres"][explorer.items["likes"] == 0])
    app.multiselect(key="genres").set_value([next(genre for genre in explorer.genres if genre not in cold)])
    assert "popularity cold start (0 likes)" in said(fine(app.run()))
    button(app, "Clear filters").click()
    assert len(recommended(fine(app.run()))) == 10 and app.selectbox(key="liked_by").value == "all"


def test_seen_titles_are_listed_only_on_request(explorer: Explorer) -> None:
    app = visit(top="50")
    assert not recommended(app)["seen"].any()
    app.toggle(key="hide_seen").set_value(False)
    assert recommended(fine(app.run()))["seen"].any()


def test_filters_without_a_matching_title_can_be_cleared(explorer: Explorer) -> None:
    pairs = ((genre, kind) for genre in reversed(explorer.genres) for kind in reversed(explorer.types))
    has = {
        (genre, kind)
        for kind, genres in zip(explorer.items["type"], explorer.items["genres"], strict=True)
        for genre in genres.split(", ")
    }
    genre, kind = next(pair for pair in pairs if pair not in has)
    app = visit()
    app.multiselect(key="genres").set_value([genre])
    app.multiselect(key="types").set_value([kind])
    assert "No item matches" in said(fine(app.run()))
    button(app, "Clear filters").click()
    assert len(recommended(fine(app.run()))) == 10


def test_a_link_can_contain_filters(explorer: Explorer) -> None:
    table = recommended(fine(visit(genres=explorer.genres[1], top="5")))
    assert all(explorer.genres[1] in genres.split(", ") for genres in table["genres"])
    assert len(table) == 5


def test_the_button_explains_the_selected_title_on_the_sampling_page() -> None:
    app = visit()
    first = recommended(app)["item_id"].iloc[0]
    press(app, "selected", "why", int(first))
    assert app.session_state["item"] == str(first)
    assert app.session_state["selection"].item_id == first


@pytest.mark.parametrize(("older", "label"), filters.OLDER_LINKS.items())
def test_an_older_link_to_a_popularity_is_still_valid(older: str, label: str) -> None:
    app = visit(liked_by=older)
    assert app.selectbox(key="liked_by").value == label and not app.warning


def test_the_taste_counts_the_genres_of_the_liked_titles(explorer: Explorer) -> None:
    expected = explorer.taste(explorer.profile(34))
    app = visit(user="34")
    app.session_state["likes"] = True
    shown = table_with(fine(app.run()), "lift")
    assert shown["genre"].tolist() == expected["genre"].tolist()
    assert shown["share"].tolist() == pytest.approx((100 * expected["share"]).tolist())


# Cards


def test_the_cards_equal_the_explorers_recommendations(explorer: Explorer) -> None:
    app = fine(visit(view="cards", user="34"))
    expected = explorer.recommend(explorer.profile(34), 10)
    assert on_cards(app) == list(zip(expected["rank"], expected["title"], strict=True))
    bodies = tiles(app, "cards")
    assert [html.unescape(re.findall(r'class="reason">(.*?)</p>', body)[0]) for body in bodies] == expected[
        "reason"
    ].tolist()
    assert all(body.count("<img ") == body.count(' alt="Generated cover of ') == 1 for body in bodies)
    assert not [table for table in app.dataframe if "rank" in table.value.columns]


def test_html_in_a_title_is_escaped_on_its_card() -> None:
    evil = "</h3><script>alert('x')</script><img src=x onerror=\"y\"> $a$ **b**"
    row = SimpleNamespace(
        rank=1,
        title=evil,
        type=evil,
        genres=evil,
        score=1.5,
        reason=evil,
        similarity=0.5,
        liked=False,
        seen=True,
    )
    for body in (cards.card(row, "<svg/>", 0.5, [evil]), cards.small_card(row, "<svg/>", {"score": "Score"})):
        assert set(re.findall(r"<(/?\w+)", body)) <= {
            f"{end}{tag}" for end in ("", "/") for tag in ("article", "img", "div", "h3", "p", "b", "span")
        }
        assert len(re.findall(r"<img[^>]*>", body)) == 1
        assert "<script" not in body and 'onerror="' not in body.replace("onerror=&quot;", "")


def test_the_bars_of_the_cards_begin_at_zero() -> None:
    app = visit(view="cards", top="5")
    bars = [
        int(width)
        for body in tiles(app, "cards")
        for width in re.findall(r'class="bar" aria-hidden="true"><span style="width:(\d+)%', body)
    ]
    scores = Explorer.open(DEMO).recommend(app.session_state["selection"].profile, 5)["score"]
    assert bars == [round(100 * score / scores.max()) for score in scores]


def test_every_card_says_how_much_of_the_score_its_neighbours_are(explorer: Explorer) -> None:
    app, profile = visit(view="cards", user="34", top="5"), explorer.profile(34)
    bodies = tiles(app, "cards")
    listed = explorer.recommend(profile, 5)["item_id"]
    shares = [explorer.explain(profile, item).neighbour_share for item in listed]
    assert [re.findall(r"<b>(\S+)</b> from neighbours", body) for body in bodies] == [
        [percent(share)] for share in shares
    ]
    assert "neighbour_share" in recommended(visit())


# Further titles


def test_rows_list_what_follows_because_of_one_liked_title_and_what_is_like_the_first(
    explorer: Explorer,
) -> None:
    app, profile = visit(view="cards", user="34"), explorer.profile(34)
    heading = next(head.value for head in app.subheader if head.value.startswith("Because user 34 liked"))
    more = explorer.recommend(profile, 10 + rows.BEYOND)
    names = explorer.items.set_index("item_id")["title"]
    bodies = [*tiles(app, "because"), *tiles(app, "more")]
    shown = [html.unescape(re.findall(r"<h3>(.*?)</h3>", body)[0]) for body in bodies]
    second = next(head.value for head in app.subheader if head.value.startswith("More like"))
    assert second.replace("\\", "") == f"More like {on_cards(app)[0][1]}"
    likes = explorer.items.set_index("item_id")["likes"]
    candidates = explorer.explain(profile, more["item_id"].iloc[0]).item_neighbours
    candidates = candidates.sort_values("logit", ascending=False, kind="stable").drop_duplicates("item_id")
    candidates = candidates[(likes.loc[candidates["item_id"]].to_numpy() > 0)]
    candidates = candidates[~candidates["item_id"].isin({*profile.seen, *more["item_id"].head(10)})]
    first, near = shown[: len(shown) - rows.MOST], shown[len(shown) - rows.MOST :]
    assert near == [title for title in candidates["title"] if title not in first][: rows.MOST]
    assert rows.LEAST <= len(first) <= rows.MOST
    assert len(set(shown)) == len(shown) and not set(shown) & {title for _, title in on_cards(app)}
    for title in first:
        item = more["item_id"][more["title"] == title].iloc[0]
        strongest = explorer.explain(profile, item).liked["item_id"].iloc[0]
        assert heading.replace("\\", "") == f"Because user 34 liked {names[strongest]}"


def test_the_row_belongs_to_the_title_with_the_most_recommendations() -> None:
    more = pd.DataFrame({"item_id": range(8), "because": [7, 5, 5, 6, 6, 5, 6, None]})
    listed = more.head(2)
    assert rows.following(listed, more)[0] == 6
    assert rows.following(listed, more)[1]["item_id"].tolist() == [3, 4, 6]
    assert rows.following(more.head(4), more)[0] is None


# New titles


def test_new_titles_stand_below_the_list_with_their_neighbours(explorer: Explorer) -> None:
    app, profile = visit(view="cards", user="34"), explorer.profile(34)
    expected = explorer.recommend(profile, newcomers.COUNT, most_likes=0)
    bodies = tiles(app, "newcomers")
    assert newcomers.HEADING in said(app)
    found = [html.unescape(re.findall(r"<h3>(.*?)</h3>", body)[0]) for body in bodies]
    assert found == expected["title"].tolist()
    for body, item in zip(bodies, expected["item_id"], strict=True):
        explanation = explorer.explain(profile, item)
        drawn = newcomers.neighbours(explorer.sampled(profile, [item]))
        rows = explanation.item_neighbours.query("picked")
        assert len(drawn) == rows["item_id"].nunique()
        assert sum(one.contribution for one in drawn) == pytest.approx(explanation.score, abs=1e-4)
        for one in drawn[: newcomers.NAMED]:
            part = f"{html.escape(one.title)} <b>{percent(one.contribution / explanation.score)}</b>"
            assert part in body


def test_a_new_title_leads_to_the_sampling_page(explorer: Explorer) -> None:
    app = visit(view="cards", user="34")
    wanted = explorer.recommend(explorer.profile(34), 1, most_likes=0)["item_id"].iloc[0]
    press(app, "newcomers", "why", int(wanted))
    assert app.session_state["item"] == str(wanted)


def test_new_titles_follow_the_filters_and_are_not_listed_twice(explorer: Explorer) -> None:
    genre = explorer.genres[0]
    app = visit(view="cards", user="34", genres=genre)
    expected = explorer.recommend(explorer.profile(34), newcomers.COUNT, genres=[genre], most_likes=0)
    bodies = tiles(app, "newcomers")
    assert len(bodies) == len(expected) and all(genre in body for body in bodies)
    assert newcomers.HEADING not in said(visit(user="34", liked_by="cold start (0 likes)"))


def test_a_new_title_in_the_list_is_not_repeated_below_it(explorer: Explorer) -> None:
    lists = ((user, explorer.recommend(explorer.profile(user), 10)) for user in explorer.user_ids[:60])
    user, listed = next((user, listed) for user, listed in lists if (listed["likes"] == 0).any())
    app = visit(view="cards", user=str(user))
    bodies = tiles(app, "newcomers")
    titles = [html.unescape(re.findall(r"<h3>(.*?)</h3>", body)[0]) for body in bodies]
    assert len(titles) == newcomers.COUNT and not set(titles) & set(listed["title"])


def test_a_larger_boost_lifts_new_titles(explorer: Explorer) -> None:
    boosts = [row["boost"] for row in explorer.metrics()["evidence"]["curve"]]
    tables = [recommended(visit(user="34", boost=f"{boost:g}", top="20")) for boost in (0, max(boosts))]
    cold = set(explorer.items.loc[explorer.items["likes"] == 0, "item_id"])
    assert not cold & set(tables[0]["item_id"]) and cold & set(tables[1]["item_id"])
    assert newcomers.HEADING in said(visit(user="34", boost="0"))


def test_the_boost_is_that_of_validation_and_says_what_it_costs(explorer: Explorer) -> None:
    evidence = explorer.metrics()["evidence"]
    app = visit()
    slider = app.select_slider(key="boost")
    assert slider.value == evidence["boost"] == explorer.cold_boost
    by_boost = {row["boost"]: row for row in evidence["curve"]}
    change = by_boost[evidence["boost"]]["warm"] / by_boost[0.0]["warm"] - 1
    assert f"items with likes changes by {signed_percent(change)} and" in slider.help
    largest = max(by_boost)
    app = fine(slider.set_value(largest).run())
    assert app.session_state["selection"].explorer.cold_boost == largest
    change = by_boost[largest]["warm"] / by_boost[0.0]["warm"] - 1
    assert signed_percent(change) in app.select_slider(key="boost").help
    assert "boost=7" in said(visit(boost="7")) and not visit(boost="3").warning


def test_a_like_on_a_card_updates_the_list(explorer: Explorer) -> None:
    app = visit(view="cards", user="34")
    wanted = first_card(app)
    press(app, "cards", "like", int(wanted))
    profile = explorer.edited(explorer.profile(34), liked=[wanted])
    assert app.session_state["liked"] == wanted
    assert [title for _, title in on_cards(app)] == explorer.recommend(profile, 10)["title"].tolist()
    assert explorer.item(wanted)["title"] in app.toast[0].value.replace("\\", "")
    before = set(explorer.recommend(explorer.profile(34), 10)["item_id"])
    new = [body for body in tiles(app, "cards") if "New after edits" in body]
    assert len(new) == len(set(explorer.recommend(profile, 10)["item_id"]) - before) > 0
    assert not fine(app.run()).toast  # reported once


def test_a_disliked_title_is_replaced_by_another(explorer: Explorer) -> None:
    app = visit(view="cards", user="34")
    gone = first_card(app)
    press(app, "cards", "dislike", int(gone))
    titles = [title for _, title in on_cards(app)]
    assert len(titles) == 10 and explorer.item(gone)["title"] not in titles
    assert app.session_state["disliked"] == gone


def test_a_like_on_a_card_adds_the_title_to_a_custom_profile(explorer: Explorer) -> None:
    app = visit(view="cards", profile="mine", titles=",".join(popular(explorer, 2)))
    wanted = first_card(app)
    press(app, "cards", "like", int(wanted))
    assert app.session_state["titles"].split(",")[-1] == wanted


def test_why_on_a_card_opens_the_title_on_the_sampling_page() -> None:
    app = visit(view="cards")
    wanted = first_card(app)
    press(app, "cards", "why", int(wanted))
    assert app.session_state["item"] == wanted


def test_a_click_on_what_is_no_longer_shown_does_nothing() -> None:
    done: list[object] = []
    acts = {"like": lambda *item: done.append(item)}
    tiles_module._acted("cards", {"1": tiles_module.Tile(1, "One", "", ("like",))}, acts)  # on another page
    app = visit(view="cards", user="34")
    gone = int(first_card(app))
    press(press(app, "cards", "dislike", gone), "cards", "like", gone)
    assert not done and app.session_state["disliked"] == str(gone) and not app.session_state["liked"]


def test_the_second_row_gives_way_to_the_panel_and_to_filters(explorer: Explorer) -> None:
    for parameters in ({"near": "36"}, {"genres": explorer.genres[0]}):
        heads = [head.value for head in visit(view="cards", user="34", **parameters).subheader]
        first = explorer.recommend(
            explorer.profile(34), 1, genres=parameters.get("genres", ()) and [parameters["genres"]]
        )
        assert f"More like {first['title'].iloc[0]}" not in heads


# Similar titles


def test_similar_titles_are_shown_and_closed(explorer: Explorer) -> None:
    app = visit(view="cards", user="34")
    wanted = first_card(app)
    press(app, "cards", "more", int(wanted))
    near = next(table.value for table in app.dataframe if "similarity" in table.value.columns)
    expected = explorer.maps.similar(wanted, panels.NEAREST)
    profile = explorer.profile(34)
    scores = dict(zip(explorer.items["item_id"], explorer.scores(profile), strict=True))
    assert near["item_id"].tolist() == expected["item_id"].tolist()
    assert near["score"].tolist() == [scores[item] for item in expected["item_id"]]
    assert near["seen"].tolist() == [item in profile.seen for item in expected["item_id"]]
    app.button(key="close_near").click()
    assert not [table for table in fine(app.run()).dataframe if "similarity" in table.value.columns]


def test_a_link_can_ask_for_similar_titles_and_an_unknown_title_is_named() -> None:
    app = fine(visit(near="36"))
    assert app.subheader[0].value == "More like Fullmetal Alchemist"
    assert fine(visit(near="fullmetal")).subheader[0].value.startswith("More like Fullmetal Alchemist")
    assert "nothing-such" in said(fine(visit(near="nothing-such")))


# Diversity


def test_diversity_reports_its_effect_on_the_list(explorer: Explorer) -> None:
    app = fine(visit(user="34", diversity="60"))
    profile = explorer.profile(34)
    by_score, diverse = explorer.recommend(profile, 10), explorer.recommend(profile, 10, diversity=0.6)
    assert recommended(app)["item_id"].tolist() == diverse["item_id"].tolist()
    new = set(diverse["item_id"]) - set(by_score["item_id"])
    assert figure(app, "Items replaced") == f"{len(new)} of 10"
    assert figure(app, "Mean score") == f"{diverse['score'].mean():.2f}"
    similarity = explorer.intra_list_similarity(diverse["item_id"])
    assert figure(app, "Intra-list similarity") == f"{similarity:.2f}"
    changes = table_with(app, "change")
    assert changes["change"].value_counts().to_dict() == {"added": len(new), "removed": len(new)}
    assert (changes.loc[changes["change"] == "added", "score_rank"] > 10).all()
    cost = by_score["score"].mean() - diverse["score"].mean()
    assert cost > 0
    assert next(metric.delta for metric in app.metric if metric.label == "Mean score") == f"{-cost:+.2f}"


def test_without_diversity_its_effect_is_not_reported() -> None:
    assert not [metric for metric in fine(visit()).metric if metric.label == "Intra-list similarity"]


def test_cards_show_the_rank_by_score_where_it_differs(explorer: Explorer) -> None:
    app = fine(visit(view="cards", user="34", diversity="60"))
    diverse = explorer.recommend(explorer.profile(34), 10, diversity=0.6)
    bodies = tiles(app, "cards")
    said_rank = [
        int(match[1]) if (match := re.search(r"#(\d+) by score", body)) else rank
        for rank, body in enumerate(bodies, 1)
    ]
    assert said_rank == diverse["score_rank"].tolist()


def test_the_replaced_items_are_those_of_one_list_only() -> None:
    rows = pd.DataFrame(
        {"item_id": [1, 2, 3], "title": list("abc"), "score": [3.0, 2.0, 1.0], "score_rank": [1, 2, 3]}
    )
    changes = panels.replaced(rows.head(2), rows.iloc[[0, 2]])
    assert changes[["change", "title", "score_rank"]].to_numpy().tolist() == [
        ["added", "c", 3],
        ["removed", "b", 2],
    ]


# Relation weights and invalid links


def test_the_relation_weights_are_those_of_the_model(explorer: Explorer) -> None:
    app = visit()
    assert len(app.dataframe) == 1  # the list: other tables only once their strip is opened
    app.session_state["weights"] = True
    table = table_with(fine(app.run()), "weight")
    expected = explorer.graph_statistics().sort_values("mass", ascending=False)
    assert table["relation"].tolist() == expected["relation"].tolist()
    assert table["weight"].tolist() == expected["weight"].tolist()
    assert f"{expected['relation'].iloc[0]} ({expected['mass'].iloc[0]:.0%})" in said(app).replace(
        "\u2060", ""
    )


def test_invalid_filters_are_named() -> None:
    invalid = {
        "genres": "No such genre",
        "types": "Opera",
        "liked_by": "many",
        "diversity": "900",
        "view": "carousel",
    }
    app = fine(visit(**invalid))
    warning = app.warning[0].value.replace("\\", "")
    assert all(f"{name}={value}" in warning for name, value in invalid.items())
    assert len(on_cards(app)) == 10


def test_a_valid_link_gives_no_warning(explorer: Explorer) -> None:
    app = fine(
        visit(
            genres=explorer.genres[0],
            types=explorer.types[0],
            liked_by="up to 20 likes",
            diversity="35",
            view="cards",
            hide_seen="false",
        )
    )
    assert not app.warning
