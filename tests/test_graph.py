"""The candidate table of the hand-drawn world, counted by hand, and its laws on random ones: by dense blocks
of items, and as of a large catalogue, by sparse and by dense products of classes.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from dskreg.config import GraphConfig
from dskreg.data.dataset import TRAIN, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.graph import candidates, classes, large
from dskreg.graph.candidates import CandidateGraph, _strongest, build, rows_from
from dskreg.graph.entities import carriers, choose_relations, shared_entities
from tests.small import random_world
from tests.worlds import EVERYTHING, GENRE, SEQUEL, A, B, C, D, E, hand_drawn, hand_drawn_graph, world

ENGINES = {"blocks of items": {}, "sparse products": {"SPARSE": 0.0}, "dense products": {"SPARSE": 1e9}}


@pytest.fixture(params=ENGINES, autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test of this module runs by each."""
    if ENGINES[request.param]:
        monkeypatch.setattr(candidates, "DENSE", 0)
    for name, value in ENGINES[request.param].items():
        monkeypatch.setattr(classes, name, value)
    return request.param


MECHA, SPACE = math.log(5 / 2) / math.log(5), math.log(5 / 3) / math.log(5)
"""idf over log I of the entities that two and three of the five items carry."""


def table(graph: CandidateGraph) -> dict[tuple[int, str, int], float]:
    """{(title, relation, neighbour): strength}; every pair of title, relation and neighbour may stand in the
    table once.
    """
    there = np.nonzero(graph.neighbour >= 0)
    columns = (there[0], graph.relation[there], graph.neighbour[there], graph.strength[there])
    rows = [(i, graph.relations[r], j, s) for i, r, j, s in zip(*(c.tolist() for c in columns), strict=True)]
    assert len({row[:3] for row in rows}) == len(rows)
    return {row[:3]: row[3] for row in rows}


def crowd(seed: int = 0, items: int = 60) -> Dataset:
    """Random triples and likes; few entities, so that every item has many candidates."""
    rng = np.random.default_rng(seed)
    pairs = {
        (int(u), int(i))
        for u, i in zip(rng.integers(30, size=300), rng.integers(items, size=300), strict=True)
    }
    triples = sorted(
        {
            (int(i), int(e) % 2, int(e))
            for i, e in zip(rng.integers(items, size=200), rng.integers(12, size=200), strict=True)
        }
    )
    return world(
        [(u, i, TRAIN) for u, i in sorted(pairs)],
        items,
        30,
        triples,
        ("even", "odd"),
        [str(e) for e in range(12)],
        [-1] * 12,
    )


def test_the_table_by_hand() -> None:
    """C and E, which no training like names, have neighbours and are nobody's."""
    expected = {
        (A, "genre", B): MECHA + SPACE,
        (B, "genre", A): MECHA + SPACE,
        (C, "genre", A): SPACE,
        (C, "genre", B): SPACE,
        (E, "sequel", D): 1.0,  # a triple between items, told by D alone and known to both
    }
    assert table(hand_drawn_graph()) == pytest.approx(expected)


def test_only_training_likes_make_a_candidate() -> None:
    """User 0's C is validation, 1's E test, 2's C outside the core, 2's E not liked: nobody draws them."""
    assert not set(hand_drawn_graph().neighbour.ravel().tolist()) & {C, E}
    assert train_matrix(hand_drawn()).toarray().tolist() == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 1, 0],
        [0, 0, 0, 1, 0],
    ]


def test_the_strengths_are_those_of_the_pair_under_every_relation() -> None:
    """Added up entity by entity, whichever relation the candidate stands under."""
    data = random_world(3)
    graph = build(data, EVERYTHING)
    carried = [[set[int]() for _ in range(3)] for _ in range(12)]
    for i, r, e in zip(data.head.tolist(), data.relation.tolist(), data.tail.tolist(), strict=True):
        carried[i][r].add(e)
    for i, place in np.argwhere(graph.neighbour >= 0).tolist():
        j = int(graph.neighbour[i, place])
        for q, name in enumerate(graph.relations):
            r = data.relations.index(name)
            number = Counter(e for of_item in carried for e in of_item[r])
            shared = carried[i][r] & carried[j][r]
            expected = sum(math.log(12 / number[e]) / math.log(12) for e in shared)
            # a title is an entity too, and a triple may come from either end
            expected += any(data.entity_item[e] == j for e in carried[i][r]) or any(
                data.entity_item[e] == i for e in carried[j][r]
            )
            assert graph.strengths[i, place, q] == pytest.approx(expected, abs=1e-6)
    assert not graph.strengths[graph.neighbour < 0].any()


@pytest.mark.parametrize("without", [(), ("genre",), ("sequel",), ("genre", "sequel")])
@pytest.mark.parametrize("min_items", [0, 1])
def test_each_relation_can_be_switched_off_and_the_others_stay(
    without: tuple[str, ...], min_items: int
) -> None:
    graph = build(hand_drawn(), replace(EVERYTHING, without=without, min_items=min_items))
    assert set(graph.relations) == {"genre", "sequel"} - set(without)
    assert table(graph) == pytest.approx(
        {key: s for key, s in table(hand_drawn_graph()).items() if key[1] not in without}
    )


def test_an_entity_that_too_many_items_carry_connects_none() -> None:
    found = table(build(hand_drawn(), replace(EVERYTHING, max_share=0.5)))  # Space: three of five
    assert found == pytest.approx({(A, "genre", B): MECHA, (B, "genre", A): MECHA, (E, "sequel", D): 1.0})


def test_shared_entities_by_hand() -> None:
    assert shared_entities(carriers(hand_drawn(), GENRE), A, np.array([B, C, D])) == [[0, 1], [1], []]
    # Space: three of five
    assert shared_entities(carriers(hand_drawn(), GENRE, max_share=0.5), A, np.array([B, C, D])) == [
        [0],
        [],
        [],
    ]
    assert shared_entities(carriers(hand_drawn(), SEQUEL), D, np.array([E])) == [[]]


def test_relations_are_chosen_by_how_many_titles_they_connect() -> None:
    assert choose_relations(hand_drawn(), EVERYTHING) == [GENRE, SEQUEL]  # A, B, C against D and E
    assert choose_relations(hand_drawn(), replace(EVERYTHING, max_relations=1)) == [GENRE]
    assert choose_relations(hand_drawn(), replace(EVERYTHING, max_relations=0)) == []
    # Neither Mecha nor Space is left
    assert choose_relations(hand_drawn(), replace(EVERYTHING, max_share=0.3)) == [SEQUEL]


def test_a_link_between_titles_connects_both_ends() -> None:
    # At least half of five items, so two
    assert choose_relations(hand_drawn(), GraphConfig(max_share=1.0)) == [GENRE, SEQUEL]


def test_a_triple_listed_twice_counts_once() -> None:
    data = hand_drawn()
    twice = replace(
        data,
        head=np.r_[data.head, data.head[:1]],
        relation=np.r_[data.relation, data.relation[:1]],
        tail=np.r_[data.tail, data.tail[:1]],
    )
    assert carriers(twice, GENRE).max() == 1
    assert table(build(twice, EVERYTHING)) == pytest.approx(table(hand_drawn_graph()))


def test_a_relation_whose_entities_are_all_distinct_is_left_out() -> None:
    data = world(
        [(0, 0, TRAIN), (0, 1, TRAIN)], 4, 1, [(i, 0, i) for i in range(4)], ("id",), list("abcd"), [-1] * 4
    )
    assert build(data, EVERYTHING).relations == ()


@pytest.mark.parametrize("m", [1, 3, 10, 50])
def test_the_cut_keeps_at_most_m_the_strongest_of_each_relation_in_turn(m: int) -> None:
    data = crowd()
    whole, cut = (
        build(data, replace(EVERYTHING, candidates=1000)),
        build(data, replace(EVERYTHING, candidates=m)),
    )
    assert cut.shape == (60, m) and whole.relations == cut.relations
    everything, kept = table(whole), table(cut)
    for i in range(60):
        ranked = [
            sorted((s for (a, r, _), s in everything.items() if (a, r) == (i, name)), reverse=True)
            for name in whole.relations
        ]
        turns = sorted((rank, r) for r, strengths in enumerate(ranked) for rank in range(len(strengths)))[:m]
        for r, name in enumerate(whole.relations):
            mine = sorted((s for (a, q, _), s in kept.items() if (a, q) == (i, name)), reverse=True)
            assert mine == pytest.approx(ranked[r][: sum(turn == r for _, turn in turns)])


def test_the_table_is_strongest_first_within_a_relation_and_filled_from_the_left() -> None:
    graph = build(crowd(), replace(EVERYTHING, candidates=40))
    there = graph.neighbour >= 0
    assert (there[:, :-1] >= there[:, 1:]).all()
    assert (graph.strength > 0).tolist() == there.tolist() and not graph.relation[~there].any()
    for i in range(len(there)):
        for r in range(len(graph.relations)):
            # Closer than that is a tie
            assert (np.diff(graph.strength[i][there[i] & (graph.relation[i] == r)]) < 2e-6).all()


def test_no_item_is_a_neighbour_of_itself() -> None:
    graph = build(crowd(), EVERYTHING)
    assert not (graph.neighbour == np.arange(60)[:, None]).any()


def test_the_seed_settles_ties_and_nothing_else() -> None:
    data = world(
        [(0, i, TRAIN) for i in range(30)],
        30,
        1,
        [(i, 0, i % 2) for i in range(30)],
        ("half",),
        ["even", "odd"],
        [-1, -1],
    )
    config = replace(EVERYTHING, candidates=5)
    first, again, other = (build(data, config, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.neighbour, again.neighbour) and np.array_equal(first.strength, again.strength)
    assert not np.array_equal(first.neighbour, other.neighbour) and np.array_equal(
        first.strength, other.strength
    )
    share = (
        np.bincount(
            np.concatenate([build(data, config, s).neighbour.ravel() for s in range(40)]), minlength=30
        )
        / 40
        / 30
    )
    assert (np.abs(share - 5 / 30) < 0.05).all()  # 1,120 chances each: every equal has the same


def test_in_one_table_every_equal_has_the_same_chance_and_no_two_go_together() -> None:
    """Among 300 equals each takes 150 of the 299 others; a standard deviation is 0.03."""
    triples = [(i, 0, i % 2) for i in range(600)]
    likes = [(0, i, TRAIN) for i in range(600)]
    data = world(likes, 600, 1, triples, ("half",), ["even", "odd"], [-1, -1])
    graph = build(data, replace(EVERYTHING, candidates=150))
    taken = np.zeros((300, 300))
    np.put_along_axis(taken, graph.neighbour[::2] // 2, 1, axis=1)
    assert (np.abs(taken.mean(0) - 150 / 299) < 0.17).all()
    together = taken.T @ taken / 300
    assert together[~np.eye(300, dtype=bool)].max() < 0.42


@pytest.mark.parametrize("rows", [1, 7, 59])
def test_blocks_of_titles_make_no_difference(rows: int, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(EVERYTHING, candidates=1000 if engine == "blocks of items" else 20)
    whole = table(build(crowd(), config))
    monkeypatch.setattr(candidates, "CELLS", rows * 60 * 2)
    monkeypatch.setattr(classes, "PRODUCTS", rows * 60)
    monkeypatch.setattr(large, "PLACES", rows * 20)
    assert table(build(crowd(), config)) == pytest.approx(whole)


def test_what_every_item_carries_makes_no_neighbour() -> None:
    triples = [(i, 0, 0) for i in range(6)]
    likes = [(0, i, TRAIN) for i in range(6)]
    data = world(likes, 6, 1, [*triples, (0, 1, 1), (1, 1, 1)], ("all", "two"), ["all", "two"], [-1, -1])
    graph = build(data, EVERYTHING)
    assert graph.relations == ("all", "two") and graph.neighbour.max(1).tolist() == [1, 0, -1, -1, -1, -1]
    with_first = np.nonzero(graph.neighbour >= 0)
    assert (graph.relation[with_first] == 1).all() and (graph.strengths[..., 0] == 0).all()


def shelves(items: int = 200) -> Dataset:
    """Two of eight genres, one of 30 studios or none, a person for two items, and sequels; a quarter has no
    like, a tenth no triple.
    """
    rng = np.random.default_rng(5)
    there = np.sort(rng.permutation(items)[: items * 9 // 10])
    genre = rng.choice(8, (2, len(there)), p=np.arange(1, 9) / 36)
    parts = [
        genre[0],
        genre[1],
        8 + rng.integers(30, size=len(there)),
        38 + rng.integers(200, size=len(there)),
    ]
    of = np.repeat([0, 0, 1, 2], len(there))
    linked, others = there[::9], rng.integers(items, size=len(there[::9]))
    head, tail = np.r_[np.tile(there, 4), linked], np.r_[np.concatenate(parts), 128 + others]
    triples = np.unique(np.stack([head, np.r_[of, np.full(len(linked), 3)], tail], 1), axis=0)
    triples = triples[(triples[:, 1] != 1) | (triples[:, 0] % 7 > 0)]
    likes = [(0, int(i), TRAIN) for i in np.flatnonzero(rng.random(items) < 0.75)]
    entity_item = [-1] * 128 + list(range(items))
    names = ("genre", "studio", "person", "sequel")
    return world(likes, items, 1, triples.tolist(), names, [str(e) for e in range(128 + items)], entity_item)


def naive(data: Dataset, graph: CandidateGraph) -> np.ndarray:
    """Strengths `[I, I, R]` in float64, 0 towards itself and towards what nobody likes."""
    items, found = len(data.items), []
    for name in graph.relations:
        chosen = data.relation == data.relations.index(name)
        carried = np.zeros((items, len(data.entities)))
        carried[data.head[chosen], data.tail[chosen]] = 1
        shared = carried * (np.log(items / np.maximum(carried.sum(0), 1)) / np.log(items)) @ carried.T
        link = np.zeros((items, items), bool)
        i, e = np.nonzero(carried * (data.entity_item >= 0))
        link[i, data.entity_item[e]] = True
        found.append(shared + (link | link.T))
    strength = np.stack(found, 2)
    strength[np.arange(items), np.arange(items)] = 0
    liked = np.bincount(data.item, minlength=items) > 0
    return strength * liked[:, None]


@pytest.mark.parametrize("m", [3, 12, 150])
def test_the_table_is_that_of_a_naive_computation(m: int) -> None:
    """Stronger than what ties at the end are the same neighbours, and as many of those that tie."""
    data = shelves()
    graph = build(data, replace(EVERYTHING, candidates=m))
    assert set(graph.relations) == {"genre", "studio", "person", "sequel"}
    strength = naive(data, graph)
    for i in range(len(data.items)):
        ranked = [np.sort(of[of > 0])[::-1] for of in strength[i].T]
        turns = sorted((rank, r) for r, of in enumerate(ranked) for rank in range(len(of)))[:m]
        there = graph.neighbour[i] >= 0
        assert [r for _, r in turns] == graph.relation[i][there].tolist()
        for place, (rank, r) in enumerate(turns):
            assert graph.strengths[i, place, r] == pytest.approx(ranked[r][rank], abs=3e-6)
        j = graph.neighbour[i][there]
        np.testing.assert_allclose(graph.strengths[i][there], strength[i, j], atol=3e-6)
        assert len(set(zip(j.tolist(), graph.relation[i][there].tolist(), strict=True))) == len(j)


def test_the_rows_of_the_last_items_are_those_of_the_whole_table(engine: str) -> None:
    data = shelves()
    config, liked = replace(EVERYTHING, candidates=30), np.bincount(data.item, minlength=200) > 0
    chosen = choose_relations(data, config)
    whole, last = build(data, config), rows_from(150, data, config, chosen, liked, 30)
    np.testing.assert_array_equal(whole.relation[150:], last.relation)
    np.testing.assert_allclose(whole.strength[150:], last.strength, atol=3e-6)
    if engine != "blocks of items":  # whose ties follow the rows before
        np.testing.assert_array_equal(whole.neighbour[150:], last.neighbour)


@pytest.mark.parametrize(
    ("width", "m"), [(5, 1), (40, 3), (40, 5), (41, 5), (100, 7), (100, 12), (100, 100), (30, 50)]
)
def test_the_strongest_are_those_of_a_whole_sort(width: int, m: int) -> None:
    rng = np.random.default_rng(width + m)
    strength = (rng.random((20, width)) * (rng.random((20, width)) < rng.random((20, 1)))).astype(np.float32)
    kept = strength.copy()
    kept[np.arange(20), np.minimum(np.arange(20), width - 1)] = 0.0
    if width < 20:
        strength, kept = strength[:width], kept[:width]
    top, value = _strongest(strength, 0, m, 0.0, rng)
    whole = -np.sort(-kept, axis=1)[:, : value.shape[1]]
    assert np.array_equal(value, whole) and value.shape[1] == min(m, (kept > 0).sum(1).max())
    assert np.array_equal(top >= 0, value > 0)
    assert np.array_equal(np.where(top >= 0, np.take_along_axis(kept, np.maximum(top, 0), 1), 0), value)
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in top)
