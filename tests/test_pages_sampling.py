"""The sampling page on the demo, driven by link and by widget."""

import json
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explanation, Explorer, sentences
from dskreg.ui.common import cache
from dskreg.ui.sampling import controls, repeats, training
from tests.visits import DEMO, button, decomposed, fine, said, table_with
from tests.visits import visit as visit_page

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


def visit(**parameters: object) -> AppTest:
    """The sampling page with five recommendations."""
    return visit_page("sampling", **{"top": 5, **parameters})


def metric(app: AppTest, label: str) -> str:
    return next(element.value for element in app.metric if element.label == label)


def rule(app: AppTest):
    """The switch between the served and a random sample."""
    return next(control for control in app.get("button_group") if control.key == "rule")


def graph(app: AppTest) -> dict:
    """The option of the page's first ECharts chart."""
    return json.loads(app.get("echarts_chart")[0].proto.spec)


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def explained(explorer: Explorer, **settings: int) -> Explanation:
    """The explanation of the suggested user's first recommendation."""
    users = explorer.tastes.find()
    readable = users[users["liked"].between(8, 25)]
    profile = explorer.profile(
        (readable if len(readable) else users.sort_values("liked", ascending=False))["user_id"].iloc[0]
    )
    return explorer.explain(profile, explorer.recommend(profile, top=1)["item_id"].iloc[0], **settings)


# Sampled neighbours


def test_without_noise_the_score_is_the_recommended_one(explorer: Explorer) -> None:
    app, expected = visit(), explained(explorer)
    assert f"Score **{expected.score:.3f}**" in said(app)
    assert not app.warning and "what-if" not in said(app)
    assert (
        f"samples **{expected.picks}** of **{len(expected.item_neighbours)}** candidates, "
        "those with the largest logits" in said(app)
    )


def test_every_candidate_is_listed_with_its_numbers(explorer: Explorer) -> None:
    app, expected = visit(noise="true", seed=3, show="Candidates"), explained(explorer, seed=3)
    shown = table_with(app, "logit")
    first = ["title", "picked", "logit", "noise", "key", "margin", "inclusion_probability", "lift", "via"]
    assert list(shown)[: len(first)] == first
    key = shown["logit"] + shown["noise"]
    assert shown["key"].tolist() == pytest.approx(key.tolist())
    kth = sorted(key, reverse=True)[expected.picks - 1]
    assert shown["margin"].tolist() == pytest.approx((key - kth).tolist(), abs=1e-5)
    assert (shown["margin"] >= 0).tolist() == shown["picked"].tolist()
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
    first, again, other = (visit(noise="true", seed=seed) for seed in (5, 5, 6))
    assert graph(first) == graph(again) != graph(other)


def test_the_switch_chooses_the_served_or_a_random_sample(explorer: Explorer) -> None:
    app = visit(show="Candidates")
    assert rule(app).value == controls.SERVED and not table_with(app, "noise")["noise"].any()
    fine(rule(app).set_value(controls.GUMBEL).run())
    assert app.toggle(key="noise").value and app.number_input(key="seed").label == "Seed n"
    expected = explained(explorer, seed=0).item_neighbours
    assert table_with(app, "noise")["noise"].tolist() == pytest.approx(expected["noise"].tolist())
    fine(app.number_input(key="seed").set_value(7).run())
    fine(rule(app).set_value(controls.SERVED).run())
    assert not table_with(app, "noise")["noise"].any()
    fine(rule(app).set_value(controls.GUMBEL).run())
    assert app.number_input(key="seed").value == 7, "the seed is kept while it decides nothing"


def test_an_old_link_to_a_random_sample_opens_it(explorer: Explorer) -> None:
    app = visit(noise="true", seed=3, tau=0.5, show="Candidates")
    assert rule(app).value == controls.GUMBEL and not app.warning
    expected = explained(explorer, seed=3).item_neighbours
    assert table_with(app, "noise")["noise"].tolist() == pytest.approx(expected["noise"].tolist())


def test_resample_takes_a_random_sample_and_then_moves_to_the_next_seed() -> None:
    app = visit()
    fine(button(app, "Resample").click().run())
    assert rule(app).value == controls.GUMBEL and app.number_input(key="seed").value == 0
    fine(button(app, "Resample").click().run())
    assert app.number_input(key="seed").value == 1


def test_another_number_of_neighbours_is_called_a_what_if() -> None:
    app = visit(k=3)
    assert "what-if" in said(app) and "samples **3** of" in said(app)


def test_the_temperature_stands_only_where_it_changes_something() -> None:
    for show in ("Graph", "Candidates", "Compare samples"):
        assert not [field for field in visit(show=show, tau=0.5).number_input if "τ" in field.label], show
    fields = visit(show="Compare samples", versus="temperatures", tau=0.5).number_input
    assert [field.value for field in fields if "τ" in field.label] == [0.5, 1.0]


def test_the_terms_add_up_to_the_score(explorer: Explorer) -> None:
    terms = table_with(visit(show="Attribution"), "term")["contribution"]
    assert terms.iloc[:-1].sum() == pytest.approx(terms.iloc[-1], abs=1e-4)
    assert terms.iloc[-1] == pytest.approx(explained(explorer).pre_activation_score)


def test_the_table_beside_the_graph_has_its_edges() -> None:
    app = visit()
    series = graph(app)["series"][0]
    edges = table_with(app, "picked", "lift")
    assert list(edges)[:2] == ["title", "relation"], "one item may stand there under several relations"
    figures = [node["name"].split("\n")[-1] for node in series["data"] if "\u03c0" in node["name"]]
    sampled = edges.groupby("title")["picked"].any()
    assert (len(figures), sum("," in text for text in figures)) == (len(sampled), sampled.sum())
    assert app.get("echarts_chart")[0].proto.alt.startswith(app.header[0].value.replace("\\", ""))
    twice = graph(fine(app.toggle(key="second").set_value(True).run()))["series"][0]
    assert len(twice["links"]) > len(series["links"])
    assert {node["name"] for node in twice["data"]} - {node["name"] for node in series["data"]}


def test_an_old_link_falls_back_to_the_first_tab_with_a_notice() -> None:
    app = visit(show="Walk")
    assert "show=Walk" in said(app) and graph(app)


def test_nothing_is_sampled_among_the_likes(explorer: Explorer) -> None:
    app = visit(side="user", show="Candidates", ku="3")
    assert list(table_with(app, "logit")["title"]) == list(explained(explorer).item_neighbours["title"])
    assert not [field for field in app.number_input if "K_u" in field.label]
    assert "what-if" not in said(app) and "K_u" not in said(app)


def test_the_score_is_split_into_own_embedding_and_neighbours(explorer: Explorer) -> None:
    app, expected = visit(), explained(explorer)
    own, around = expected.self_contribution, expected.neighbour_contribution
    assert own > 0 < around
    words = (
        f"own embedding **{own / expected.score:.0%}** ({own:+.3f}), "
        f"sampled neighbours **{around / expected.score:.0%}** ({around:+.3f})"
    )
    assert words in said(app)
    assert around / expected.score == pytest.approx(expected.neighbour_share, abs=1e-5)


def test_the_score_is_split_by_liked_title(explorer: Explorer) -> None:
    app, expected = visit(show="Attribution"), explained(explorer)
    table = table_with(app, "title", "contribution", "share")
    assert len(table) == len(expected.user_neighbours)
    assert table["contribution"].is_monotonic_decreasing
    of_likes = expected.score - expected.common
    assert table["contribution"].sum() == pytest.approx(of_likes, abs=1e-4)
    assert table["share"].sum() == pytest.approx(100 * of_likes / expected.score, abs=0.1)
    assert abs(expected.common) < 5e-4 or f"From no liked title: **{expected.common:+.3f}**" in said(app)


def test_a_title_without_likes_is_all_neighbours(explorer: Explorer) -> None:
    cold = explorer.items.loc[explorer.items["likes"] == 0, "item_id"].iloc[0]
    app = visit(item=cold)
    assert "own embedding **0%**" in said(app) and "Nobody has liked this item" in said(app)
    labels, _, (own, whole, *parts) = zip(*decomposed(app), strict=True)
    assert labels[:2] == ("Own embedding", "Sampled neighbours")
    assert own == 0 and sum(parts) == pytest.approx(whole, abs=0.1)


def test_probabilities_are_compared_with_a_uniform_draw(explorer: Explorer) -> None:
    app, expected = visit(show="Candidates"), explained(explorer)
    rows, shown = expected.item_neighbours, table_with(app, "lift", "logit")
    uniform = expected.picks / len(rows)
    assert shown["lift"].tolist() == pytest.approx((rows["inclusion_probability"] / uniform).tolist())
    overlap = (rows["inclusion_probability"] ** 2).sum()
    assert (
        f"two samples **{overlap:.1f}** of {expected.picks} (uniform {expected.picks * uniform:.1f})"
        in said(app)
    )


def test_a_sampler_that_is_nearly_uniform_is_said_to_tell_nothing(explorer: Explorer) -> None:
    full = explained(explorer)
    count, verdicts = len(full.item_neighbours), []
    for share in (0.0, 0.1, 0.5):  # on the way from uniform to certain
        certain = np.arange(count) < full.picks
        probability = (1 - share**0.5) * full.picks / count + share**0.5 * certain
        flat = replace(full, item_neighbours=full.item_neighbours.assign(inclusion_probability=probability))
        assert flat.agreement == pytest.approx(share)
        verdicts.append(sentences.sharpness(flat).split("**")[5])
    assert verdicts == [
        f"{word} candidates from uniform" for word in ("cannot tell", "can hardly tell", "tells")
    ]


def test_any_title_can_be_opened_by_link(explorer: Explorer) -> None:
    title = explorer.items.sort_values("likes").iloc[0]
    app = visit(item=title["item_id"])
    assert str(title["title"]) in said(app) and "Not in the top 5" in said(app)


def test_next_opens_the_next_recommendation() -> None:
    app = visit()
    fine(app.button(key="sampling_1").click().run())
    assert "Recommendation 2 of 5" in said(app)


@pytest.mark.parametrize(
    "link",
    [
        {"seed": "abc"},
        {"noise": "true", "seed": "abc"},
        {"k": -3},
        {"tau": 0, "versus": "temperatures", "show": "Compare samples"},
        {"noise": "perhaps"},
        {"k": "2.5"},
        {"seed": -1},
        {"show": "Nothing"},
    ],
)
def test_an_impossible_setting_is_noted_and_the_default_used(link: dict[str, object]) -> None:
    app = visit(**link)
    name, value = next(item for item in link.items() if item != ("noise", "true"))
    assert f"{name}={value}" in said(app) and app.header


def test_an_unknown_title_is_noted_and_the_first_recommendation_shown(explorer: Explorer) -> None:
    app = visit(item="<b>nothing</b>")
    assert "unknown item" in said(app).lower() and explained(explorer).title in said(app)


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
    app = visit()
    assert "no neighbours in the knowledge graph" in said(app) and "κ" not in said(app)


def test_titles_are_never_read_as_markup(monkeypatch: pytest.MonkeyPatch, explorer: Explorer) -> None:
    full, bad = explained(explorer), "<script>alert(1)</script> $x$ **b** :rocket: [a](href)"
    neighbours = full.item_neighbours.assign(title=bad)
    hostile = Explanation(**{**vars(full), "title": bad, "item_neighbours": neighbours})
    monkeypatch.setattr(cache, "explanation", lambda *args, **settings: hostile)
    app = visit()
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
    assert [label for label, *_ in decomposed(app)].count(bad) == full.picks
    assert "<script>alert" not in "".join(part.proto.body for part in app.get("html"))


def test_the_projection_of_the_embeddings_page_is_no_setting_of_this_one() -> None:
    """A browser keeps the fields of the page before: two fields of one key raised an exception."""
    app = visit()
    app.session_state["method"] = "PCA"
    assert "Sampled neighbours for" in said(fine(app.run()))


def test_a_custom_profile_of_one_item_has_a_page(explorer: Explorer) -> None:
    first = explorer.items["item_id"].iloc[0]
    app = visit(profile="mine", titles=first, show="Attribution")
    assert len(table_with(app, "title", "contribution", "share")) == 1 and "simulated" not in said(app)


@pytest.mark.parametrize("show", ["Relations", "Attribution", "Compare samples", "Traverse", "Degrees"])
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
    assert "no neighbours in the knowledge graph" in said(visit(show=show))


def test_candidates_are_filtered_by_what_the_link_says(explorer: Explorer) -> None:
    rows = explained(explorer).item_neighbours
    relation = rows[rows["picked"]]["relation"].iloc[0]
    app = visit(show="Candidates", relation=relation, drawn="true")
    expected = rows[rows["picked"] & (rows["relation"] == relation)]
    assert list(table_with(app, "logit")["title"]) == list(
        expected["title"]
    ) and f"**{len(expected)}** of **{len(rows)}**" in said(app)
    word = rows["title"].iloc[3].split()[0]
    found = table_with(visit(show="Candidates", find=word.upper()), "logit")
    assert len(found) and found["title"].str.contains(word, case=False, regex=False).all()
    assert table_with(visit(show="Candidates", find="(["), "logit").empty


def test_nothing_is_simulated_before_a_number_is_chosen(
    monkeypatch: pytest.MonkeyPatch, explorer: Explorer
) -> None:
    asked, ask = [], cache.ask
    monkeypatch.setattr(
        cache,
        "ask",
        lambda explorer, what, *rest, **named: asked.append(what) or ask(explorer, what, *rest, **named),
    )
    app = visit(show="Stability")
    assert "repeat" not in asked
    app = visit(show="Stability", times="100")
    assert "repeat" in asked
    table, rows = table_with(app, "frequency"), explained(explorer).item_neighbours
    assert len(table) == len(rows) and table["frequency"].sum() == pytest.approx(
        100 * explorer.defaults["picks"]
    )
    assert "Over **100** samples" in said(app) and f"**{explained(explorer).score:.3f}**" in said(app)


def test_whether_a_second_sample_would_explain_it_otherwise(explorer: Explorer) -> None:
    app, expected = visit(show="Stability", lists="20"), explained(explorer)
    share = expected.expected_overlap / expected.picks
    answer = "Hardly" if share >= repeats.ALMOST else "In part" if share >= repeats.MOSTLY else "Yes"
    assert f"**{answer}.** A second sample would" in said(app)
    assert f"two samples share **{expected.expected_overlap:.1f}** of **{expected.picks}**" in said(app)
    assert "90% interval over **20** samples: rank **" in said(app)
    neighbours, titles = table_with(app, "frequency", "leading"), table_with(app, "share", "rank")
    assert titles["share"].sum() == pytest.approx(500), "five in every sample"
    assert neighbours["picked"].sum() == expected.picks
    assert (neighbours["frequency"] * 20 / 100 % 1).abs().max() < 1e-6


def test_the_slider_goes_through_the_epochs_of_training(explorer: Explorer) -> None:
    found = explorer.sampler_history(explained(explorer).item_id)
    assert found is not None
    app = visit(show="Training", epochs_as="Table", epoch=3)
    assert app.slider(key="epoch").value == 3 and app.slider(key="epoch").max == found.served
    table = table_with(app, "then", "served")
    assert table["then"].tolist() == pytest.approx((100 * found.probability[3]).tolist())
    fine(app.slider(key="epoch").set_value(found.served).run())
    table = table_with(app, "then", "served")
    assert table["then"].tolist() == table["served"].tolist()
    assert list(table["title"]) == found.candidates["title"].tolist()
    first, last = found.epochs["own"].iloc[[0, -1]]
    assert f"from **{first:.2f}** to **{last:.2f}**" in said(app)
    app = visit(show="Training", epoch=999)
    assert "epoch=999" in said(app), "a link to an epoch that is not kept"
    app = visit(show="Training")
    assert "epoch=" not in said(app)
    assert [chart.key for chart in app.get("plotly_chart")][-3:] == [
        "epoch_candidates",
        "epoch_weights",
        "epoch_entropy",
    ]


def test_a_model_without_snapshots_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = cache.ask
    monkeypatch.setattr(
        cache, "ask", lambda e, what, *r, **n: None if what == "sampler_history" else ask(e, what, *r, **n)
    )
    assert training.NO_SNAPSHOTS in said(visit(show="Training"))


def test_the_steps_between_two_seeds_lead_from_score_to_score(explorer: Explorer) -> None:
    app = visit(show="Compare samples", noise="true", seed=3, seed_b=4)
    one, other = (explained(explorer, seed=seed) for seed in (3, 4))
    words = f"Score **{one.score:.3f}** (A: seed 3) and **{other.score:.3f}** (B: seed 4)"
    assert f"{words}, a difference of **{other.score - one.score:+.3f}**" in said(app)
    picked = [
        set(each.item_neighbours.query("picked")[["item_id", "relation"]].itertuples(index=False, name=None))
        for each in (one, other)
    ]
    assert f"**{len(picked[0] & picked[1])}** of **{len(picked[0])}** unchanged" in said(app)
    status = table_with(app, "status")["status"].value_counts()
    assert status.get("added", 0) == len(picked[1] - picked[0])
    assert status.get("removed", 0) == len(picked[0] - picked[1])
    steps = table_with(app, "term")["contribution"]
    assert steps.iloc[:-1].sum() == pytest.approx(steps.iloc[-1], abs=1e-4)
    assert "the same seed" in said(visit(show="Compare samples", noise="true", seed=3, seed_b=3))


def test_two_temperatures_share_the_sample_and_not_the_relaxed_weights(explorer: Explorer) -> None:
    app = visit(show="Compare samples", versus="temperatures", tau_b=2)
    expected = explained(explorer)
    assert metric(app, "Serving score") == f"{expected.score:.3f}"
    table = table_with(app, "relaxed_a", "relaxed_b")
    for name in ("relaxed_a", "relaxed_b"):
        assert table[name].sum() == pytest.approx(expected.picks, abs=1e-3)
    assert not table["relaxed_a"].equals(table["relaxed_b"])


def test_the_attribution_adds_up_to_the_score(explorer: Explorer) -> None:
    whole, expected = (
        table_with(visit(show="Attribution", whole="true"), "source", "part"),
        explained(explorer),
    )
    assert whole["contribution"].sum() == pytest.approx(expected.pre_activation_score, abs=1e-3)
    carried = table_with(visit(show="Attribution"), "source", "part")
    assert carried["contribution"].sum() == pytest.approx(
        expected.item_neighbours["contribution"].sum(), abs=1e-3
    )


def test_a_traversal_follows_the_link_and_goes_back_by_a_crumb(explorer: Explorer) -> None:
    start = explained(explorer)
    neighbour = start.item_neighbours["item_id"].iloc[0]
    app = visit(show="Traverse", item=start.item_id, trail=f"{start.item_id},{neighbour}")
    name = str(explorer.item(neighbour)["title"])
    assert f"Neighbours of **{name}**" in said(app) and app.header[0].value.replace("\\", "") == start.title
    assert list(table_with(app, "picked", "relation"))[:3] == ["title", "relation", "contribution"]
    fine(app.button(key="crumb 0").click().run())
    assert f"Neighbours of **{start.title}**" in said(app) and app.text_input(key="trail").value == str(
        start.item_id
    )
    app = visit(show="Traverse", item=start.item_id, trail=f"{start.item_id},{neighbour}")
    fine(app.button(key="walk_inspect").click().run())
    assert app.header[0].value.replace("\\", "") == name


@pytest.mark.parametrize("trail", ["nothing,<b>x</b>", "999999999"])
def test_unknown_items_of_a_path_are_noted(trail: str, explorer: Explorer) -> None:
    assert "unknown items" in said(visit(show="Traverse", trail=trail))


def test_a_path_from_another_item_starts_over(explorer: Explorer) -> None:
    ids = explorer.items["item_id"]
    app = visit(show="Traverse", item=ids.iloc[5], trail=f"{ids.iloc[6]},{ids.iloc[7]}")
    assert f"Neighbours of **{explorer.item(ids.iloc[5])['title']}**" in said(app)


def test_degrees_are_counted_over_all_items(explorer: Explorer) -> None:
    app = visit(show="Degrees")
    table = table_with(app, "measure", "own")
    own = explorer.degrees.set_index("item_id").loc[explained(explorer).item_id]
    assert table["own"].tolist() == [
        own[name] for name in ("paths", "candidates", "appears", "mass", "drawn")
    ]
    assert table_with(app, "drawn", "paths")["drawn"].iloc[0] == explorer.degrees["drawn"].max()
