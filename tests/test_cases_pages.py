"""Rare inputs with the right values: empty selections in a what-if, users without likes, tiny data sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TEST, TRAIN, VALIDATION
from dskreg.data.interactions import train_matrix
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import model_scorer
from dskreg.explain.edits import cut
from dskreg.explore.comparison import ALL
from dskreg.explorer import Change, Explorer, sentences
from dskreg.pipeline import measure
from dskreg.ui.common import cache
from tests.command_line import run
from tests.lists import recommended, visit
from tests.people_of_few_likes import ADULT, ITEMS, ONE_LIKE, UNKNOWN, train
from tests.small import DEMO, SMALL, opened, whole
from tests.visits import fine, said, tiles
from tests.worlds import EVERYTHING, hand_drawn, hand_drawn_graph, world

USER, TITLE = 34, 36
TASTE = "nothing is known of this user's taste"
TABS = (
    "Graph",
    "Candidates",
    "Relations",
    "Attribution",
    "Stability",
    "Compare samples",
    "Traverse",
    "Degrees",
)


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module", params=SMALL)
def artifact(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("few likes") / request.param, request.param)


# What if: an entity on which no candidate depends


def depending(explorer: Explorer, relation: str, label: str) -> np.ndarray:
    """`[I, M]` bool: the candidates, under any relation, that share an entity of this label with their item
    under this one, from the triples.
    """
    data, graph = explorer.core.artifact.dataset, explorer.core.graph
    shares = np.zeros(graph.neighbour.shape, dtype=bool)
    for entity in np.flatnonzero(data.entities == label):
        ends = np.zeros(len(data.items), dtype=bool)
        ends[data.head[(data.relation == data.relations.index(relation)) & (data.tail == entity)]] = True
        if ends.any() and data.entity_item[entity] >= 0:
            ends[data.entity_item[entity]] = True
        shares |= ends[:, None] & ends[np.maximum(graph.neighbour, 0)]
    return shares & (graph.neighbour >= 0)


def test_every_entity_of_the_demo_can_be_removed(demo: Explorer) -> None:
    entities, idle = demo.entities(), []
    for relation, label in zip(entities["relation"], entities["entity"], strict=True):
        ties = cut(demo.core.graph, demo.core.directory, entities=[(relation, label)])
        by_hand = depending(demo, relation, label)
        np.testing.assert_array_equal(ties.gone | ties.weaker, by_hand, err_msg=f"{relation}: {label}")
        idle += [] if by_hand.any() else [(relation, label)]
    assert ("studio", "Palm Studio") in idle and len(idle) > 40
    found = demo.what_if(demo.profile(USER), TITLE, Change(without_entities=tuple(idle)), 10)
    assert (
        found.touched == 0
        and found.after.score == found.before.score
        and found.rank_after == found.rank_before
    )
    assert (found.moves["move"] == 0).all() and set(found.neighbours["change"]) == {"stayed"}


def test_the_page_says_when_a_removed_entity_changes_nothing(demo: Explorer) -> None:
    app = fine(visit("what_if", user=str(USER), item=str(TITLE), no_entities="studio:Palm%20Studio"))
    score = demo.explain(demo.profile(USER), TITLE).score
    assert not fine(visit("what_if", user="34", item="1241", no_entities="studio:Palm%20Studio")).error, (
        "with an unknown item"
    )
    assert "No candidate depends on what is removed" in said(app)
    assert f"from **{score:.3f}** to **{score:.3f}** (no difference)" in said(app)
    assert "No candidate depends" not in said(
        fine(visit("what_if", user=str(USER), item=str(TITLE), no_entities="genre:Mecha"))
    )


def test_a_what_if_without_any_relation_neighbour_or_like_is_scored(demo: Explorer) -> None:
    profile = demo.profile(USER)
    bare = demo.what_if(profile, TITLE, Change(without_relations=tuple(demo.relations)), 10).after
    assert not len(bare.item_neighbours) and bare.score == pytest.approx(
        bare.self_contribution + bare.bias, abs=1e-5
    )
    near = demo.explain(profile, TITLE).item_neighbours
    alone = demo.what_if(
        profile,
        TITLE,
        Change(without_neighbours=tuple(zip(near["item_id"], near["relation"], strict=True))),
        10,
    ).after
    assert not len(alone.item_neighbours) and alone.score == pytest.approx(bare.score, abs=1e-5)
    unknown = demo.what_if(profile, TITLE, Change(without_titles=profile.history), 10)
    assert (
        unknown.after.score == 0 and unknown.after.basis == "popularity" and unknown.before.basis == "model"
    )
    unseen = demo.items[~demo.items["item_id"].isin(profile.seen)].sort_values(
        "likes", ascending=False, kind="stable"
    )
    listed = unknown.moves.dropna(subset=["rank_after"]).sort_values("rank_after").head(10)
    assert listed["item_id"].tolist() == unseen["item_id"].head(10).tolist()


# Users without likes


def popular(explorer: Explorer, user: int, adult: bool = False) -> list[int]:
    """The items that the user has not seen, those with most likes first, counted from the interactions."""
    data = explorer.core.artifact.dataset
    folds = (TRAIN, VALIDATION, OUTSIDE) if explorer.core.artifact.config.train.refit else (TRAIN,)
    liked = pd.Series(data.item[data.liked & np.isin(data.fold, folds)]).value_counts()
    seen = set(data.item[data.user == list(data.user_ids).index(user)])
    ids = data.items["item_id"].tolist()
    left = [n for n in range(len(ids)) if n not in seen and (adult or ids[n] not in ADULT)]
    return [ids[n] for n in sorted(left, key=lambda n: (-liked.get(n, 0), n))]


@pytest.mark.parametrize("user", UNKNOWN)
def test_a_user_without_likes_gets_a_list_by_popularity_that_says_so(
    user: int, artifact: Path, capsys, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    explorer = Explorer.open(artifact)
    code, text, _ = run(capsys, monkeypatch, "recommend", str(artifact), "--user", str(user))
    assert code == 0 and TASTE in text.splitlines()[0] and "your taste" not in text
    _, out, _ = run(
        capsys, monkeypatch, "recommend", str(artifact), "--user", str(user), "--top", "25", "--json"
    )
    listed = json.loads(out)
    assert (
        listed["basis"] == "popularity"
        and [row["item_id"] for row in listed["items"]] == popular(explorer, user)[:25]
    )
    likes = explorer.items.set_index("item_id")["likes"]
    for row in listed["items"]:
        count = likes[row["item_id"]]
        users = "no users" if not count else "1 user" if count == 1 else f"{count} users"
        assert row["score"] == 0 and row["reason"] == f"Liked by {users}; {TASTE}."
    _, out, _ = run(
        capsys,
        monkeypatch,
        "explain",
        str(artifact),
        "--user",
        str(user),
        "--item",
        str(listed["items"][3]["item_id"]),
        "--json",
    )
    explained = json.loads(out)
    assert (
        explained["basis"] == "popularity" and explained["score"] == 0 and explained["user_neighbours"] == []
    )
    assert (
        explained["self_contribution"]
        + explained["bias"]
        + sum(row["contribution"] for row in explained["item_neighbours"])
        == 0
    )
    assert sum(row["attention"] for row in explained["item_neighbours"]) == pytest.approx(1)
    _, text, _ = run(capsys, monkeypatch, "explain", str(artifact), "--user", str(user), "--item", "9")
    assert TASTE in text


def test_the_lists_of_all_users_equal_each_users_list(artifact: Path, capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    explorer = Explorer.open(artifact)
    code, _, err = run(
        capsys,
        monkeypatch,
        "recommend",
        str(artifact),
        "--all-users",
        "--out",
        str(tmp_path / "lists.csv"),
        "--adult",
    )
    assert code == 0 and f"{len(UNKNOWN)} users without a like: {TASTE}" in err
    lists = pd.read_csv(tmp_path / "lists.csv")
    for user in (*UNKNOWN, ONE_LIKE, 1, 2):
        mine, expected = lists[lists["user_id"] == user], explorer.recommend(explorer.profile(user), 10)
        assert mine["item_id"].tolist() == expected["item_id"].tolist()
        assert mine["score"].to_numpy() == pytest.approx(expected["score"].to_numpy(), abs=1e-5)
    assert (
        not lists.loc[lists["user_id"].isin(UNKNOWN), "score"].any()
        and lists.loc[lists["user_id"] == 1, "score"].any()
    )


def test_all_answers_about_a_user_without_likes_agree(artifact: Path) -> None:
    explorer = Explorer.open(artifact)
    profile, item = explorer.profile(UNKNOWN[0]), popular(explorer, UNKNOWN[0], adult=True)[4]
    assert (
        not explorer.scores(profile).any()
        and explorer.flow(profile, item).empty
        and explorer.relaxed_score(profile, item) == 0
    )
    assert (
        not explorer.repeat(profile, item, 20).score.any()
        and explorer.explain(profile, item, seed=3).score == 0
    )
    found = explorer.what_if(profile, item, Change(), 10)
    assert (
        found.rank_before == 5
        and found.moves["item_id"].tolist() == popular(explorer, UNKNOWN[0], adult=True)[:10]
    )
    for name in ALL:  # no recommender can know more
        assert (
            explorer.rivals.recommend(name, profile, 10)["item_id"].tolist()
            == popular(explorer, UNKNOWN[0], adult=True)[:10]
        )
    assert explorer.rivals.untestable(profile) and not explorer.smallest_removal(profile).found
    diverse = explorer.recommend(profile, 10, diversity=0.4)
    assert (
        diverse["item_id"].iloc[0] == popular(explorer, UNKNOWN[0], adult=True)[0]
        and not diverse["score"].any()
    )


PAGES = [
    ("", {"view": "cards"}),
    ("", {"view": "table"}),
    ("sampling", {}),
    ("sampling", {"show": "Attribution"}),
    ("sampling", {"side": "user"}),
]
PAGES += [
    ("what_if", {}),
    ("compare", {}),
    ("compare", {"what": "items"}),
    ("compare", {"what": "users", "other": "1"}),
]


@pytest.mark.parametrize(("page", "parameters"), PAGES, ids=str)
def test_every_page_says_that_the_taste_of_a_user_without_likes_is_unknown(
    page: str, parameters: dict[str, str], artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(artifact.parent))
    app = fine(visit(page, user=str(UNKNOWN[0]), artifact=artifact.name, **parameters))
    words = said(app) + "".join(str(table.value.to_csv()) for table in app.dataframe) + "".join(tiles(app))
    assert TASTE in words.lower() and "your taste" not in words.lower() and "contributes most" not in words
    if parameters.get("view") == "table":
        assert "Top 10 by popularity" in [header.value for header in app.header]
        explorer = Explorer.open(artifact)
        likes = explorer.items.set_index("item_id")["likes"]
        assert recommended(app)["likes"].tolist() == likes[popular(explorer, UNKNOWN[0])[:10]].tolist()
    if parameters.get("view") == "cards":
        assert "Likes <b>" in words and "Score <b>" not in words


def test_a_reason_names_a_like_only_where_a_like_contributes(artifact: Path) -> None:
    explorer, seen = Explorer.open(artifact), set()
    for user in (1, 2, 3, ONE_LIKE):
        profile = explorer.profile(user)
        for row in explorer.recommend(profile, ITEMS).itertuples():
            person = explorer.explain(profile, row.item_id).user_neighbours
            adds = bool((person["contribution"] > 0).any())
            assert row.reason.startswith("Similar to" if adds else ("None of the", "The item that user"))
            seen.add(adds)
    assert seen == {True, False}, "both kinds occur"


def test_users_without_likes_are_not_in_the_mean_metrics() -> None:
    """In the split of such data, a user has a test item and nothing else."""
    data = hand_drawn()
    more = replace(
        data,
        user_ids=np.append(data.user_ids, 503),
        user=np.append(data.user, 3).astype(np.int32),
        item=np.append(data.item, 0).astype(np.int32),
        liked=np.append(data.liked, True),
        fold=np.append(data.fold, TEST).astype(np.int8),
    )
    model = opened(more, hand_drawn_graph(), SMALL["default"]).model
    ranking = evaluate(model_scorer(model), more, TEST)
    assert len(ranking.counted) == 1 < int((np.diff(train_matrix(more, (TEST,)).indptr) > 0).sum())
    told: list[str] = []
    assert measure(model, more, True, told.append)["users"] == 1 and any(
        line.startswith("1 user with a test item but no like") for line in told
    )


# Adult items in the command line


def test_adult_items_are_listed_and_explained_only_on_request(
    artifact: Path, capsys, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    names = [f"Title {number}" for number in ADULT]
    for arguments in (("--user", "1"), ("--history", "58,1")):
        lists = {}
        for adult in ((), ("--adult",)):
            code, out, err = run(
                capsys,
                monkeypatch,
                "recommend",
                str(artifact),
                *arguments,
                "--top",
                str(ITEMS),
                "--json",
                *adult,
            )
            assert code == 0 and (("3 items of adult genres left out" in err) == (not adult))
            lists[adult] = json.loads(out)["items"]
        assert any(row["item_id"] in ADULT for row in lists["--adult",]) and not any(
            row["item_id"] in ADULT for row in lists[()]
        )
        assert not any(f"“{name}”" in row["reason"] for row in lists[()] for name in names)
    code, out, err = run(
        capsys, monkeypatch, "explain", str(artifact), "--user", "1", "--item", str(ADULT[0])
    )
    assert (code, out, err.count("\n")) == (2, "", 1) and "--adult" in err
    code, out, _ = run(
        capsys, monkeypatch, "explain", str(artifact), "--user", "1", "--item", str(ADULT[0]), "--adult"
    )
    assert code == 0 and names[0] in out
    code, out, _ = run(capsys, monkeypatch, "explain", str(artifact), "--user", "1", "--item", "1", "--json")
    assert code == 0 and not any(f'"{name}"' in out for name in names) and "(adult item)" in out
    made = tmp_path / "index"
    code, _, err = run(capsys, monkeypatch, "index", str(artifact), "--out", str(made), "--engine", "exact")
    assert code == 0, err
    for user in ("1", str(UNKNOWN[0])):
        both = [
            run(capsys, monkeypatch, "recommend", str(artifact), "--user", user, "--json", *index)[1]
            for index in ((), ("--index", str(made)))
        ]
        assert both[0] == both[1]


# Tiny data sets

NOTHING = replace(EVERYTHING, without=("genre", "sequel"))
ALONE = world([(0, 0, TRAIN)], 1, 1, [(0, 0, 0)], ("genre",), ["Mecha"], [-1])
TWO = world([(0, 0, TRAIN), (1, 1, TRAIN)], 2, 2, [(0, 0, 0), (1, 0, 0)], ("genre",), ["Mecha"], [-1])
UNLIKED = replace(
    hand_drawn(), fold=np.full_like(hand_drawn().fold, SEEN), liked=np.zeros_like(hand_drawn().liked)
)
WORLDS = {
    "one item": (ALONE, EVERYTHING),
    "two items": (TWO, EVERYTHING),
    "no relations": (hand_drawn(), NOTHING),
    "no likes": (UNLIKED, EVERYTHING),
    "no genres": (replace(hand_drawn(), relations=("kin", "sequel")), EVERYTHING),
}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("page", ["recommendations", "sampling", "what_if", "compare", "embeddings", "model"])
def test_every_page_opens_on_a_tiny_data_set(name: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = whole(*WORLDS[name])
    monkeypatch.setattr(cache, "open_explorer", lambda path: explorer)
    ids = explorer.items["item_id"]
    item, history = str(ids.iloc[-1]), ",".join(map(str, explorer.profile(explorer.user_ids[0]).history))
    ways: dict[str, list[dict[str, str]]] = {
        "recommendations": [{}, {"view": "table", "hide_seen": "false", "diversity": "50", "near": item}],
        "sampling": [
            {},
            *({"show": tab, "item": item, "noise": "true", "times": "100"} for tab in TABS),
            {"side": "user", "item": item},
        ],
        "what_if": [
            {},
            {"item": item, "without": history, "no_relations": ",".join(explorer.relations)},
            {"item": item, "added": item},
        ],
        "compare": [{"what": what} for what in ("recommenders", "users", "items", "models")]
        + [{"all_four": "true"}],
        "embeddings": [
            {"map": kind, "method": how, "item": item, "arrows": "true"}
            for kind in ("titles", "users")
            for how in ("t-SNE", "PCA")
        ],
    }
    for parameters in ways.get(page, [{}]):
        assert fine(visit(page, user=str(explorer.user_ids[0]), **parameters)).title, parameters


def test_without_relations_each_page_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = whole(*WORLDS["no relations"])
    monkeypatch.setattr(cache, "open_explorer", lambda path: explorer)
    user = str(explorer.user_ids[1])
    model, sampling, listed = (visit(page, user=user) for page in ("model", "sampling", "recommendations"))
    for app in (model, sampling):
        assert [info.value for info in app.info].count(sentences.NO_RELATIONS) == 1
    assert not {"What each part is worth", "Own embedding and neighbours"} & {h.value for h in model.header}
    assert "**Sampling by relation.**" not in said(model)
    assert [tab.label for tab in sampling.tabs if tab.label in TABS] == ["Attribution"]
    cards = "".join(tiles(listed, "cards"))
    assert "Score <b>" in cards and "from neighbours" not in cards


# Original ids and names of a text folder

NAMED = {
    "train.txt": "0 0 1\n1 1 2\n2 0 2\n",
    "test.txt": "0 2\n",
    "kg_final.txt": "0 0 4\n1 0 4\n2 0 4\n3 0 5\n",
    "item_list.txt": "org_id remap_id\nB000AAA001 0\nB000AAA002 1\n"
    "http://a.org/film/Ran 2\n0-306-40615-2 3\n",
    "user_list.txt": "org_id\tremap_id\nA1 USER\t0\nA2USER\t1\nA3USER\t2\n",
    "entity_list.txt": "org_id remap_id\nhttp://a.org/people/Akira_Kurosawa 4\n",
    "relation_list.txt": "org_id remap_id\nhttp://a.org/ns#director 0\n",
}


def test_a_text_folder_s_names_are_those_of_commands_and_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in NAMED.items():
        (tmp_path / name).write_text(text)
    explorer = whole(split(load(tmp_path, DataConfig()), DataConfig(core=1)))
    for module in ("dskreg.cli", "dskreg.commands.explain"):
        monkeypatch.setattr(f"{module}.opened", lambda artifact, adult: explorer)
    listed = {row["item_id"]: row["title"] for row in answer(capsys, monkeypatch, "A1 USER")["items"]}
    assert listed == {"0-306-40615-2": "0-306-40615-2"}
    listed = {row["item_id"]: row["title"] for row in answer(capsys, monkeypatch, "A2USER")["items"]}
    assert listed == {"B000AAA001": "B000AAA001", "0-306-40615-2": "0-306-40615-2"}
    words = ("explain", "x", "--history", "B000AAA001, B000AAA002", "--item", "http://a.org/film/Ran")
    code, out, _ = run(capsys, monkeypatch, *words, "--json")
    found = json.loads(out)
    assert code == 0 and found["title"] == "Ran" and found["item"] == "http://a.org/film/Ran"
    assert {row["item_id"] for row in found["item_neighbours"]} == {"B000AAA001", "B000AAA002"}
    assert {(row["relation"], *row["via"]) for row in found["item_neighbours"]} == {
        ("director", "Akira_Kurosawa")
    }
    monkeypatch.setattr(cache, "open_explorer", lambda path: explorer)
    page = visit(user="A2USER")
    assert recommended(page)["title"].tolist() == [
        row["title"] for row in explorer.recommend(explorer.profile("A2USER"), 10).to_dict("records")
    ]
    assert "A2USER" in said(page)


def answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, user: str) -> dict:
    code, out, _ = run(capsys, monkeypatch, "recommend", "x", "--user", user, "--json")
    assert code == 0
    return dict(json.loads(out))
