"""`dskreg export`: what other tools read is what the model has, with original ids and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from dskreg.commands import export as command
from dskreg.explorer import Explorer, InputError
from dskreg.exports import graph, vectors
from dskreg.exports.graph import write_graph
from dskreg.exports.neighbours import neighbours
from dskreg.exports.vectors import FILES, SETS, write_vectors
from dskreg.graph.candidates import build
from dskreg.serving.table_files import write_table, writing
from tests.command_line import DEMO, run
from tests.small import SMALL, of_few, opened
from tests.worlds import EVERYTHING, TRAIN, hand_drawn, world

Command = Callable[..., tuple[int, str, str]]
HOSTILE = ["Fish, chips & <peas>", '"Q"\t', "=1+1", "Late\nnight", "E"]


@pytest.fixture
def dskreg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return lambda *words: run(capsys, monkeypatch, *map(str, words))


@pytest.fixture
def by_hand() -> Explorer:
    """The hand-drawn world, its items called by strings with commas and blanks."""
    data = hand_drawn()
    items = data.items.assign(item_id=pd.Series(["a, b", "b 2", "=c", "d\te", "e"]), title=HOSTILE)
    data = replace(data, items=items)
    return opened(data, build(data, EVERYTHING), SMALL["default"])


@pytest.mark.parametrize("form", SMALL)
def test_the_vectors_are_the_model_s_and_multiply_to_the_scores(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "ROWS", 3)
    explorer = of_few(form, 0)
    users, items = len(explorer.user_ids), len(explorer.items)
    assert write_vectors(explorer.core, tmp_path / "v") == {
        "items-before": items,
        "items-after": items,
        "users-before": users,
        "users-after": users,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v"]
    found = {}
    for name in SETS:
        assert sorted(path.name for path in (tmp_path / "v" / name).iterdir()) == sorted(FILES)
        table = pd.read_parquet(tmp_path / "v" / name / "vectors.parquet")
        id_ = "item_id" if name.startswith("items") else "user_id"
        ids = explorer.items["item_id"] if id_ == "item_id" else explorer.user_ids
        assert table[id_].tolist() == list(ids)
        found[name] = np.stack(table["vector"])
        plain = np.loadtxt(tmp_path / "v" / name / "vectors.tsv", delimiter="\t", dtype=np.float32)
        assert found[name].dtype == np.float32 and np.array_equal(plain, found[name])
        shown = pd.read_csv(tmp_path / "v" / name / "metadata.tsv", sep="\t", quoting=3)
        assert list(shown) == [column for column in table if column != "vector"]
        assert shown[id_].tolist() == list(ids)
    before, after = explorer.core.representations
    assert np.array_equal(found["items-before"], before) and np.array_equal(found["items-after"], after)
    for n, user in enumerate(explorer.user_ids):
        profile = explorer.profile(user)
        hop = explorer.core.user_hop(*explorer.core.history(profile))
        assert found["users-after"][n] == pytest.approx(hop.output[0].numpy(), abs=1e-6)
        if form == "paper":
            assert np.array_equal(found["users-before"][n], explorer.model.user_embedding[n].numpy())
            continue
        scores = found["items-after"] @ found["users-after"][n]
        assert scores == pytest.approx(explorer.scores(profile), abs=1e-5)
        own = explorer.explain(profile, explorer.items["item_id"][0]).self_contribution
        assert found["items-before"][0] @ found["users-before"][n] == pytest.approx(own, abs=1e-5)


def test_each_text_of_the_metadata_is_one_cell_and_no_formula(by_hand: Explorer, tmp_path: Path) -> None:
    write_vectors(by_hand.core, tmp_path / "v")
    text = (tmp_path / "v" / "items-after" / "metadata.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    assert [row[:2] for row in rows] == [
        ["item_id", "title"],
        ["a, b", "Fish, chips & <peas>"],
        ["b 2", '"Q" '],
        ["'=c", "'=1+1"],
        ["d e", "Late night"],
        ["e", "E"],
    ]
    assert {len(row) for row in rows} == {4}
    kept = pd.read_parquet(tmp_path / "v" / "items-after" / "vectors.parquet")
    assert kept["item_id"].tolist() == ["a, b", "b 2", "=c", "d\te", "e"]


@pytest.mark.parametrize("form", SMALL)
def test_the_candidates_are_those_of_each_explanation(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dskreg.exports.neighbours.ITEMS", 3)
    explorer = of_few(form, 1)
    chunks = list(neighbours(explorer.core))
    assert len(chunks) == -(-len(explorer.items) // 3)
    table = pd.concat(chunks)
    profile = explorer.profile_of(explorer.items["item_id"][:1])
    for item in explorer.items["item_id"]:
        rows = table[table["item_id"] == item]
        expected = explorer.explain(profile, item).item_neighbours
        columns = ["item_id", "title", "relation"]
        assert rows[["candidate_id", "candidate", "relation"]].to_numpy().tolist() == (
            expected[columns].to_numpy().tolist()
        )
        for name in ("logit", "inclusion_probability"):
            assert rows[name].tolist() == pytest.approx(expected[name].tolist(), abs=1e-6)
        assert rows["served"].tolist() == expected["picked"].tolist()
        assert rows["via"].tolist() == [", ".join(words) for words in expected["via"]]
    assert table["served"].sum() > 0 and (table["inclusion_probability"] < 1).any()


def test_the_candidates_are_the_same_as_csv_and_as_parquet(by_hand: Explorer, tmp_path: Path) -> None:
    for name in ("n.csv", "n.parquet"):
        write_table(neighbours(by_hand.core), tmp_path / name, 5, "item_id", "items")
    csv, parquet = pd.read_csv(tmp_path / "n.csv"), pd.read_parquet(tmp_path / "n.parquet")
    assert list(csv) == list(parquet) and len(csv) == len(parquet)
    assert csv["inclusion_probability"].tolist() == parquet["inclusion_probability"].tolist()
    pairs = [("a, b", "b 2"), ("b 2", "a, b"), ("=c", "a, b"), ("=c", "b 2"), ("e", "d\te")]
    assert sorted(zip(parquet["item_id"], parquet["candidate_id"], strict=True)) == sorted(pairs)
    assert csv["item_id"].tolist() == parquet["item_id"].replace("=c", "'=c").tolist()


def test_the_graph_is_the_triples_in_both_forms(by_hand: Explorer, tmp_path: Path) -> None:
    assert write_graph(by_hand.core, tmp_path / "g.graphml") == (5 + 3, 7)
    assert write_graph(by_hand.core, tmp_path / "g.csv") == (5 + 3, 7)
    found = nx.read_graphml(tmp_path / "g.graphml")
    assert found.is_directed() and found.number_of_nodes() == 8 and found.number_of_edges() == 7
    likes = by_hand.directory.likes.tolist()
    assert found.nodes["item:a, b"] == {
        "label": HOSTILE[0],
        "kind": "item",
        "item_id": "a, b",
        "likes": likes[0],
    }
    assert found.nodes["item:d e"]["label"] == "Late night" and found.nodes["entity:0"] == {
        "label": "Mecha",
        "kind": "entity",
    }
    assert found.edges["item:d e", "item:e"]["relation"] == "sequel", "an entity that is an item is its node"
    rows = pd.read_csv(tmp_path / "g.csv")
    assert list(rows) == ["head", "head_label", "relation", "tail", "tail_label"]
    edges = {(h, t, data["relation"]) for h, t, data in found.edges(data=True)}
    assert set(zip(rows["head"], rows["tail"], rows["relation"], strict=True)) == edges
    assert rows["head_label"][0] == HOSTILE[0] and rows["tail_label"].tolist()[:2] == ["Mecha", "Space"]
    ids = (tmp_path / "g.graphml").read_text("utf-8").count('<edge id="e')
    assert ids == 7


def test_parallel_edges_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "TRIPLES", 2)
    data = hand_drawn()
    twice = replace(data, head=data.head.copy(), tail=data.tail.copy(), relation=data.relation.copy())
    twice.tail[6], twice.head[6] = 0, 0  # item A carries Mecha under both relations
    explorer = opened(twice, build(twice, EVERYTHING), SMALL["default"])
    write_graph(explorer.core, tmp_path / "g.graphml")
    found = nx.read_graphml(tmp_path / "g.graphml")
    assert found.is_multigraph() and found.number_of_edges() == 7
    both = found.get_edge_data("item:100", "entity:0").values()
    assert sorted(edge["relation"] for edge in both) == ["genre", "sequel"]


def test_the_command_writes_all_three_and_replaces_only_what_it_is_told_to(
    dskreg: Command, by_hand: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "opened", lambda artifact, adult: by_hand)
    words = ("export", "x", "--vectors", tmp_path / "v", "--neighbours", tmp_path / "n.csv")
    words = (*words, "--graph", tmp_path / "new" / "g.graphml")
    code, out, err = dskreg(*words)
    assert code == 0 and len(out.splitlines()) == 6
    assert f"{tmp_path / 'v' / 'items-after'}: 5 vectors of width 4\n" in out
    assert f"{tmp_path / 'new' / 'g.graphml'}: 8 nodes, 7 edges\n" in out
    assert err == "users-before is users-after: in this form of the model the graph changes items alone\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.csv", "new", "v"]
    for option, out_ in (("--vectors", "v"), ("--neighbours", "n.csv"), ("--graph", "new/g.graphml")):
        code, out, err = dskreg("export", "x", option, tmp_path / out_)
        assert (code, out) == (2, "")
        assert err == f"error: {tmp_path / out_}: exists; add --replace to write it again\n"
        assert dskreg("export", "x", option, tmp_path / out_, "--replace")[0] == 0
    (tmp_path / "v" / "mine.txt").write_text("mine")
    code, _, err = dskreg("export", "x", "--vectors", tmp_path / "v", "--replace")
    assert code == 2 and err.endswith("v: exists and holds other files; choose another --vectors\n")
    assert (tmp_path / "v" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "export: expected --vectors, --neighbours or --graph"),
        (("--neighbours", "n.xml"), "--neighbours: expected a file ending in .parquet or .csv (got n.xml)"),
        (("--graph", "g.parquet"), "--graph: expected a file ending in .graphml or .csv (got g.parquet)"),
        (
            ("--neighbours", "a.csv", "--graph", "a.csv"),
            "--graph: expected another file than --neighbours (got a.csv)",
        ),
        (("--vectors", "/dev/null"), "/dev/null: exists; add --replace to write it again"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(
    words: tuple[str, ...], told: str, dskreg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dskreg("export", DEMO, *words) == (2, "", f"error: {told}\n")
    assert not list(tmp_path.iterdir())


def test_without_relations_there_are_vectors_alone(
    dskreg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = world([(0, 0, TRAIN), (1, 1, TRAIN)], 2, 2, [], (), [], [])
    explorer = opened(data, build(data, EVERYTHING), SMALL["default"])
    monkeypatch.setattr(command, "opened", lambda artifact, adult: explorer)
    vectors = ("--vectors", tmp_path / "v")
    for option, file, lacks in (
        ("--neighbours", "n.csv", "relations that connect items, so no candidates"),
        ("--graph", "g.csv", "relations, so no knowledge graph"),
    ):
        told = f"error: {option}: this data has no {lacks}: --vectors DIR exports the embeddings\n"
        assert dskreg("export", "x", *vectors, option, tmp_path / file) == (2, "", told)
    assert not list(tmp_path.iterdir())
    code, out, _ = dskreg("export", "x", *vectors)
    assert code == 0 and "items-after: 2 vectors of width 4" in out


def test_a_failure_leaves_nothing_behind(by_hand: Explorer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_graph(by_hand.core, tmp_path / "file" / "g.csv")
    with pytest.raises(InputError, match="choose another --vectors"):
        write_vectors(by_hand.core, tmp_path / "file" / "v")
    with pytest.raises(KeyError), writing(tmp_path / "half") as part:
        part.write_text("half")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_adult_items_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    data = hand_drawn()
    data = replace(data, items=data.items.assign(genres=["Mecha", "Mecha", "Hentai", "Cooking", ""]))
    whole = opened(data, build(data, EVERYTHING), SMALL["default"])
    veiled = whole.without_adult
    for explorer, items, edges in ((whole, 5, 7), (veiled, 4, 6)):
        folder = tmp_path / str(items)
        assert write_vectors(explorer.core, folder / "v")["items-after"] == items
        assert write_graph(explorer.core, folder / "g.graphml")[1] == edges
        table = pd.concat(neighbours(explorer.core))
        assert ("C" in set(table["title"]) | set(table["candidate"])) == (items == 5)
        assert (102 in set(table["item_id"])) == (items == 5)
        assert ("C" in (folder / "g.graphml").read_text().replace("Cooking", "")) == (items == 5)
