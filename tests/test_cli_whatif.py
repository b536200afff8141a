"""`dskreg whatif` against other ways to the same numbers: lists of the shorter history, the formulas of
dskreg/model/evidence.py in numpy, and all sets of one item.
"""

import json
from collections.abc import Callable

import numpy as np
import pytest

from dskreg.commands.whatif import entity
from dskreg.explorer import Change, Explorer, InputError
from tests.command_line import DEMO, run
from tests.small import of_few

USER, ITEM = 17, 505  # not seen by the user
HISTORY = [20, 500, 543]
Asked = Callable[..., dict]


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture
def whatif(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Asked:
    """`whatif(*words)`: the JSON document about the demo."""

    def asked(*words: object) -> dict:
        code, out, err = run(capsys, monkeypatch, "whatif", str(DEMO), *map(str, words), "--json")
        assert code == 0, err
        return json.loads(out)

    return asked


def test_without_an_item_the_lists_are_those_of_both_histories(whatif: Asked, demo: Explorer) -> None:
    found = whatif("--history", "20,500,543", "--item", ITEM, "--without-item", "500", "--top", 5)
    for side, history in (("before", HISTORY), ("after", [20, 543])):
        profile = demo.profile_of(history)
        listed = demo.recommend(profile, 6)
        listed = listed[listed["item_id"] != 500].head(5)  # what was seen is not recommended
        assert [row["item_id"] for row in found[side]["items"]] == listed["item_id"].tolist()
        assert [row["score"] for row in found[side]["items"]] == pytest.approx(listed["score"].tolist())
        assert [row["rank"] for row in found[side]["items"]] == [1, 2, 3, 4, 5]
        score = demo.scores(profile)
        assert found[side]["score"] == pytest.approx(score[demo.directory.item(ITEM)], abs=1e-4)
        better = [i for i in demo.items["item_id"][score > found[side]["score"] + 1e-5] if i not in HISTORY]
        assert found[side]["rank"] == 1 + len(better)
        assert found[side]["ranked"] == len(demo.items) - 3
    assert found["change"]["without_items"] == [500] and found["user"] is None and found["item"] == ITEM


def test_without_any_relation_only_the_own_embedding_is_left(whatif: Asked, demo: Explorer) -> None:
    words = [word for name in demo.relations for word in ("--without-relation", name)]
    found = whatif("--user", USER, "--item", ITEM, *words)
    explained = demo.explain(demo.profile(USER), ITEM)
    assert found["before"]["score"] == pytest.approx(explained.score, abs=1e-5)
    assert found["after"]["score"] == pytest.approx(explained.self_contribution, abs=1e-5)
    assert {row["change"] for row in found["neighbours"]} == {"removed"}
    added = sum(row["contribution_before"] for row in found["neighbours"])
    assert added == pytest.approx(found["before"]["score"] - found["after"]["score"], abs=1e-4)


def test_without_a_neighbour_the_score_follows_from_the_formulas(whatif: Asked, demo: Explorer) -> None:
    core, model = demo.core, demo.core.model
    profile, i = demo.profile(USER), demo.directory.item(ITEM)
    gone = int(demo.explain(profile, ITEM).item_neighbours["item_id"].iloc[0])
    found = whatif("--user", USER, "--item", ITEM, "--without-neighbour", gone)
    e, likes = model.item_embedding.numpy().astype(float), model.likes.numpy().astype(float)
    kappa, scale, boost = model.evidence.numpy().astype(float)
    v, strengths = model.pair_relevance.numpy().astype(float), core.graph.strengths[i].astype(float)
    history = [demo.directory.item(liked) for liked in profile.history]
    weights = model.history_weight.numpy().astype(float)[history]
    user = (weights @ e[history] + model.prior.numpy()) / np.sqrt(len(history))
    rows = []  # (relevance, neighbour) of every candidate that is left
    for slot, (j, r) in enumerate(zip(core.graph.neighbour[i], core.graph.relation[i], strict=True)):
        if j >= 0 and likes[j] > 0 and demo.directory.item_ids[j] != gone:
            features = np.append(np.sqrt(strengths[slot]), np.log1p(likes[j]) / 5)
            rows.append((features @ v + v[r] * features[r], j))
    picked = sorted(rows, reverse=True)[: model.config.picks]
    attention = np.exp([a for a, _ in picked])
    attention /= attention.sum()
    weight = scale * (kappa / (likes[i] + kappa) if likes[i] else boost)
    score = user @ (e[i] + weight * sum(a * e[j] for a, (_, j) in zip(attention, picked, strict=True)))
    assert found["after"]["score"] == pytest.approx(score, abs=1e-4)
    assert abs(found["after"]["score"] - found["before"]["score"]) > 1e-4
    assert found["items_touched"] == 1
    assert gone in [row["item_id"] for row in found["neighbours"] if row["change"] == "removed"]
    left = [row["item_id"] for row in found["neighbours"] if row["change"] != "removed"]
    assert sorted(left) == sorted(demo.directory.item_ids[j] for _, j in picked)
    assert {pair["item_id"] for pair in found["change"]["without_neighbours"]} == {gone}


def test_without_an_entity_no_title_is_connected_by_it(whatif: Asked, demo: Explorer) -> None:
    profile = demo.profile(USER)
    rows = demo.explain(profile, ITEM).item_neighbours
    row = next(row for row in rows.to_dict("records") if row["picked"] and row["via"])
    relation, name = row["relation"], row["via"][0]
    found = whatif("--user", USER, "--item", ITEM, "--without-entity", f"{relation}:{name}")
    other = demo.what_if(profile, ITEM, Change(without_entities=((relation, name),)))
    assert found["after"]["score"] == pytest.approx(other.after.score)
    carried = demo.entities(ITEM).set_index(["relation", "entity"])["candidates"]
    alone = rows[rows["via"].map(lambda via: via == [name]) & (rows["relation"] == relation)]
    assert 0 < len(alone) <= carried[relation, name] and found["items_touched"] > 1
    assert not set(alone["item_id"]) & set(
        other.after.item_neighbours.query("relation == @relation")["item_id"]
    )


def test_the_smallest_removal_is_that_of_brute_force(whatif: Asked, demo: Explorer) -> None:
    for user in (USER, 1, 40):
        history = list(demo.profile(user).history)
        found = whatif("--user", user, "--smallest", "--top", 3)
        first = found["before"]["items"][0]["item_id"]
        seen = set(demo.profile(user).seen)

        def leader(gone: int, history: list = history, seen: set = seen) -> tuple[object, float]:
            score = demo.scores(demo.profile_of([i for i in history if i != gone]))
            left = {i: s for i, s in zip(demo.items["item_id"], score, strict=True) if i not in seen}
            return max(left, key=lambda i: left[i]), max(left.values())

        single = [gone for gone in history if leader(gone)[0] != first]
        removed = found["smallest"]["removed"]
        assert found["item"] == found["smallest"]["first"] == first
        assert found["change"]["without_items"] == removed
        if single:
            assert len(removed) == 1 and removed[0] in single and found["smallest"]["proven"]
            assert found["after"]["items"][0]["item_id"] == leader(removed[0])[0]
        else:
            assert len(removed) != 1
        assert not removed or found["after"]["items"][0]["item_id"] == found["smallest"]["replacement"]


def test_the_text_says_what_the_document_says(
    whatif: Asked, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--user", str(USER), "--smallest", "--top", "3")
    found, (code, out, _) = whatif(*words), run(capsys, monkeypatch, "whatif", str(DEMO), *words)
    assert code == 0
    before, after = found["before"], found["after"]
    assert f"{before['score']:.4f} -> {after['score']:.4f}" in out
    assert f"{before['rank']} of {before['ranked']} -> {after['rank']} of {after['ranked']}" in out
    listed = [line.rpartition("[")[2].rstrip("]") for line in out.splitlines() if line[:3].strip().isdigit()]
    assert listed == [str(row["item_id"]) for row in after["items"]]
    fallen = {str(r["item_id"]) for r in before["items"]} - set(listed)
    assert fallen == {line.rpartition("[")[2][:-1] for line in out.splitlines() if line.startswith("out")}


def test_the_longest_relation_before_the_colon_counts() -> None:
    explorer = of_few("default", 0)
    explorer.relations = ["genre", "genre:old"]
    assert entity(explorer, "genre:old:Space: 1999") == ("genre:old", "Space: 1999")
    assert entity(explorer, "genre:older") == ("genre", "older")
    with pytest.raises(InputError, match="expected RELATION:NAME"):
        entity(explorer, "studio:A")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--user", "17"], "expected --item"),
        (["--item", "505"], "expected exactly one of --user and --history"),
        (["--user", "17", "--item", "505", "--without-item", "505"], "not in the history"),
        (["--user", "17", "--item", "505", "--without-item", ","], "expected item ids"),
        (["--user", "17", "--item", "505", "--without-entity", "Mecha"], "expected RELATION:NAME"),
        (["--user", "17", "--item", "505", "--without-entity", "genre:No such"], "unknown entity No such"),
        (["--user", "17", "--item", "505", "--without-relation", "colour"], "unknown relation colour"),
        (["--user", "17", "--item", "505", "--without-neighbour", "505"], "not a candidate"),
        (["--user", "17", "--item", "505", "--without-neighbour", "99999999"], "unknown item"),
        (["--user", "17", "--smallest", "--without-item", "20"], "finds what to remove itself"),
        (["--user", "17", "--item", "505", "--top", "0"], "expected at least 1"),
        (["--user", "17", "--item", "505", "--cold-boost", "-1"], "expected 0 to 1,000"),
    ],
)
def test_bad_input_gives_one_line(
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, out, err = run(capsys, monkeypatch, "whatif", str(DEMO), *words)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and message in err
