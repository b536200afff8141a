"""One entity, one relation: by loops over the triples, the candidate table and the sampled neighbours."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.explorer import Explorer, InputError
from dskreg.graph.candidates import build
from dskreg.ui.compare import entities as panel
from tests.command_line import DEMO
from tests.small import SMALL, of_few, opened
from tests.visits import fine, said, table_with, visit
from tests.worlds import EVERYTHING, hand_drawn

USER, WANTED = 17, ("studio", "Studio Pierrot")


@pytest.fixture(params=[(name, seed) for name in SMALL for seed in (0, 1)], ids=str)
def small(request: pytest.FixtureRequest) -> Explorer:
    return of_few(*request.param)


def test_it_is_what_loops_over_triples_and_explanations_find(small: Explorer) -> None:
    data, profile = small.core.artifact.dataset, small.profile(500)
    ids = small.items["item_id"].tolist()
    carried = set(zip(data.head.tolist(), data.relation.tolist(), data.tail.tolist(), strict=True))
    likes = data.folds.known.toarray()
    connected = 0
    for row in small.entities().itertuples():
        r, e = data.relations.index(row.relation), data.entities.tolist().index(row.entity)
        ends = {i for i in range(len(ids)) if (i, r, e) in carried} | {int(data.entity_item[e])} - {-1}
        edges, candidates = {}, {i: 0 for i in ends}
        for i in ends:
            rows = small.explain(profile, ids[i]).item_neighbours
            for one in rows[rows["relation"] == row.relation].itertuples():
                j = ids.index(one.item_id)
                if j in ends:
                    candidates[i] += 1
                    if one.picked:
                        both = {t for h, q, t in carried if q == r and h == i} & {
                            t for h, q, t in carried if q == r and h == j
                        }
                        edges[ids[i], ids[j]] = (len(both - {e}), pytest.approx(one.share, abs=1e-5))
        found = small.entity(row.relation, row.entity)
        titles = found.titles.set_index("item_id")
        assert set(titles.index) == {ids[i] for i in ends}
        assert titles["candidates"].to_dict() == {ids[i]: n for i, n in candidates.items()}
        assert found.candidates == sum(candidates.values())
        assert found.users == sum(any(likes[u, i] for i in ends) for u in range(len(likes)))
        listed = found.edges.itertuples()
        assert {(x.item_id, x.neighbour_id): (x.others, x.share) for x in listed} == edges
        for item_id in titles.index:
            assert titles.loc[item_id, "sampled"] == sum(i == item_id for i, _ in edges)
            assert titles.loc[item_id, "sampled_by"] == sum(j == item_id for _, j in edges)
        connected += len(edges)
    assert connected > 10


def test_a_relation_s_examples_are_those_of_the_explanations(small: Explorer) -> None:
    profile = small.profile(500)
    listed = small.recommend(profile, 12)["item_id"].tolist()
    rows = {i: small.explain(profile, i).item_neighbours.query("picked") for i in listed}
    carried = small.entities()
    lowered = 0
    for name in small.relations:
        expected = sorted(
            (one.contribution, i, one.item_id, tuple(one.via), one.share)
            for i, frame in rows.items()
            for one in frame[frame["relation"] == name].itertuples()
        )
        found = small.relation(profile, name, top=3)
        pairs = pd.concat([found.best, found.worst[::-1]])
        assert found.sampled == len(expected) and len(pairs) == min(len(expected), 16)
        assert found.below == sum(row[0] < 0 for row in expected)
        lowered += found.below
        ends = [*expected[::-1][:8], *expected[: max(0, min(8, len(expected) - 8))][::-1]]
        assert pairs["contribution"].tolist() == pytest.approx([row[0] for row in ends], abs=1e-5)
        known = {(i, j): (via, share) for _, i, j, via, share in expected}
        for pair in pairs.itertuples():
            via, share = known[pair.item_id, pair.neighbour_id]
            assert tuple(pair.via) == via and pair.share == pytest.approx(share, abs=1e-5)
        top = [frame for i, frame in rows.items() if i in listed[:3]]
        whole = sum(frame["contribution"].sum() for frame in top)
        mine = sum(frame.loc[frame["relation"] == name, "contribution"].sum() for frame in top)
        assert (found.share is None) == (whole <= 0)
        assert found.share is None or found.share == pytest.approx(mine / whole, abs=1e-4)
        assert found.entities["titles"].sum() == carried[carried["relation"] == name]["titles"].sum()
    assert lowered
    with pytest.raises(InputError, match="unknown relation nothing"):
        small.relation(profile, "nothing")


def test_the_page_of_a_relation() -> None:
    explorer = Explorer.open(DEMO)
    app = visit("compare", user=USER, what="relations", relation_name="studio")
    found = explorer.relation(explorer.profile(USER), "studio", 10)
    row = explorer.graph_statistics().set_index("relation").loc["studio"]
    assert f"Its weight is **{row['weight']:.2f}**" in said(app) and f"**{row['mass']:.0%}**" in said(app)
    assert f"it makes **{found.share:.0%}** of what the neighbours add to the top 10" in said(app)
    best, worst = (app.dataframe[n].value for n in (0, 1))
    assert best["contribution"].tolist() == found.best["contribution"].tolist()
    assert worst["contribution"].tolist() == found.worst["contribution"].tolist()
    fine(app.selectbox(key="relation_name").set_value("franchise").run())
    assert app.header[0].value == "franchise"
    assert "no relation nothing" in said(visit("compare", what="relations", relation_name="nothing"))


def test_the_hand_drawn_world() -> None:
    """Space is carried by A, B and C, which has no training like and so is nobody's candidate; "E the title"
    is E itself, carried by D.
    """
    explorer = opened(hand_drawn(), build(hand_drawn(), EVERYTHING), SMALL["default"])
    found = explorer.entity("genre", "Space")
    assert set(found.titles["title"]) == {"A", "B", "C"} and found.candidates == 4
    assert found.users == 3  # likes: 0: A B C, 1: A B D, 2: D C
    pairs = {(x.title, x.neighbour): x.others for x in found.edges.itertuples()}
    assert pairs == {("A", "B"): 1, ("B", "A"): 1, ("C", "A"): 0, ("C", "B"): 0}  # Mecha too
    assert set(explorer.entity("sequel", "E the title").titles["title"]) == {"D", "E"}
    for wrong in (("colour", "Space"), ("sequel", "Space"), ("genre", "No such")):
        with pytest.raises(InputError, match="unknown"):
            explorer.entity(*wrong)


# The view on the Compare page


def compare(**parameters: object) -> AppTest:
    asked = {"user": USER, "what": "entities", **parameters}
    app = visit(**asked)
    app.switch_page("pages/compare.py")
    for name, value in asked.items():  # AppTest forgets the page's own parameters when it switches
        app.query_params[name] = str(value)
    return fine(app.run())


def test_the_link_names_an_entity_and_the_view_shows_its_titles() -> None:
    explorer = Explorer.open(DEMO).without_adult
    items = pd.read_parquet(DEMO / "items.parquet")
    mine = items[items["studio"] == WANTED[1]]
    app = compare(entity=":".join(WANTED))
    shown = table_with(app, "title", "sampled_by").set_index("item_id")
    assert set(shown.index) == set(mine["item_id"]) and len(mine) > 5
    profile = explorer.profile(USER)
    listed = explorer.recommend(profile, len(items)).set_index("item_id")["rank"]
    assert shown["rank"].dropna().to_dict() == listed[listed.index.isin(shown.index)].to_dict()
    assert set(shown.index[shown["rank"].isna()]) == set(shown.index) & set(profile.seen)
    liked = len(set(mine["item_id"]) & set(profile.history))
    assert f"**{len(mine)}** items carry it, of which this user likes **{liked}**" in said(app)
    edges = table_with(app, "title", "neighbour")
    assert len(edges) == shown["sampled"].sum() == shown["sampled_by"].sum() > 0


def test_a_part_of_a_name_finds_the_entity_and_a_wrong_link_is_told() -> None:
    explorer = Explorer.open(DEMO).without_adult
    assert panel.found_by(explorer, "pierrot") == ":".join(WANTED)
    assert panel.found_by(explorer, ":".join(WANTED)) == ":".join(WANTED)
    assert panel.found_by(explorer, "no such thing") == "no such thing"
    app = compare(entity="studio:No such")
    assert "has no entity studio:No such" in said(app).replace("\u2060", "")
    app.selectbox("entity_choice").set_value(":".join(WANTED))
    fine(app.run())
    assert app.text_input("entity").value == ":".join(WANTED)
    assert app.header[0].value.replace("\\", "") == "Studio Pierrot (studio)"


def test_the_selected_item_suggests_the_rarest_entity_that_connects_a_sampled_neighbour() -> None:
    explorer = Explorer.open(DEMO).without_adult
    rows = explorer.explain(explorer.profile(USER), 505).item_neighbours.query("picked")
    carried = explorer.entities().set_index(["relation", "entity"])["titles"]
    connecting = [(r, name) for r, via in zip(rows["relation"], rows["via"], strict=True) for name in via]
    shown = table_with(compare(item=505), "title", "sampled_by").set_index("item_id")
    assert len(shown) == min(carried[one] for one in connecting) and shown.loc[505, "sampled"] > 0
