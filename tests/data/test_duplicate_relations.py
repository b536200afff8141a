"""Relations that repeat others, on graphs whose pairs are counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dskreg.config import GraphConfig
from dskreg.data.dataset import UNASSIGNED, Dataset
from dskreg.data.readers.duplicate_relations import MOST_NOTES
from dskreg.data.readers.triples import Triples, fold_triples
from dskreg.graph.entities import choose_relations

ITEMS = 60


def folded(*triples: tuple[object, str, object]) -> Triples:
    """Items are the numbers below ITEMS, entities are words."""
    frame = pd.DataFrame(list(triples), columns=["head", "relation", "tail"], dtype=object)
    return fold_triples(
        frame,
        pd.Series(np.arange(ITEMS)),
        [f"item {n}" for n in range(ITEMS)],
        {name: name for name in frame["relation"]},
        {},
        "g",
    )


def carried(graph: Triples) -> dict[str, set[tuple[int, str]]]:
    found: dict[str, set[tuple[int, str]]] = {name: set() for name in graph.relations}
    for head, relation, tail in zip(graph.head, graph.relation, graph.tail, strict=True):
        found[graph.relations[relation]].add((int(head), str(graph.entities[tail])))
    return found


def test_an_inverse_becomes_part_of_its_relation_whatever_their_order():
    given = [(0, "directed", "p"), ("p", "a director of", 0), (1, "directed", "p"), ("p", "a director of", 1)]
    for triples in (given, given[::-1]):
        graph = folded(*triples)
        assert carried(graph) == {"directed": {(0, "entity p"), (1, "entity p")}}
        assert graph.notes == (
            "'a director of' is the inverse of 'directed' (2 of 2 pairs in common): one relation",
        )


@pytest.mark.parametrize(("missing", "merged"), [(0, True), (1, True), (2, False)])
def test_of_forty_pairs_two_may_be_in_one_direction_only_and_none_is_lost(missing, merged):
    there, back = (
        [(n, "r", f"e{n % 7}") for n in range(39)],
        [(f"e{n % 7}", "s", n) for n in range(missing, 40)],
    )
    graph = folded(*there, *back)
    if merged:
        assert carried(graph) == {"r": {(n, f"entity e{n % 7}") for n in range(40)}}
        assert graph.notes == (
            f"'s' is the inverse of 'r' ({39 - missing} of 40 pairs in common): one relation",
        )
    else:
        assert graph.relations == ("r", "s (inverse)") and not graph.notes


def test_relations_with_exactly_the_same_pairs_are_one_and_a_pair_more_keeps_them_apart():
    pairs = [(n, f"e{n % 7}") for n in range(40)]
    twins = [(h, r, t) for h, t in pairs for r in ("a", "b")]
    graph = folded(*twins)
    assert graph.relations == ("a",) and graph.notes == (
        "'b' is a copy of 'a' (40 of 40 pairs in common): one relation",
    )
    assert folded(*twins, (50, "b", "e1")).relations == ("a", "b")


def test_between_titles_both_ways_stay_under_one_name():
    graph = folded((0, "sequel", 1), (1, "prequel", 0), (2, "sequel", 3), (3, "prequel", 2))
    assert carried(graph) == {"prequel": {(1, "item 0"), (3, "item 2"), (0, "item 1"), (2, "item 3")}}


def test_a_graph_of_twelve_relations_and_five_inverses_fills_twelve_different_slots():
    triples: list[tuple[object, str, object]] = []
    for r in range(15):
        for n in range(ITEMS - r):  # the first ones connect the most
            triples.append((n, f"r{r:02}", f"e{r}.{n % 5}"))
            if r < 5:
                triples.append((f"e{r}.{n % 5}", f"inverse of r{r:02}", n))
    graph = folded(*triples)
    none = np.empty(0, np.int32)
    items = pd.DataFrame({"item_id": np.arange(ITEMS), "title": [f"item {n}" for n in range(ITEMS)]})
    data = Dataset(
        "g",
        "text",
        items,
        np.arange(1),
        none,
        none,
        none.astype(bool),
        np.full(0, UNASSIGNED, np.int8),
        **graph.fields(),
    )
    chosen = [data.relations[r] for r in choose_relations(data, GraphConfig(max_relations=12))]
    assert chosen == [f"r{r:02}" for r in range(12)] and len(graph.notes) == 5


def test_a_copy_of_an_inverse_is_an_inverse():
    graph = folded(
        *((h, r, t) for n in range(9) for h, r, t in ((n, "z", "e"), ("e", "a", n), ("e", "b", n)))
    )
    assert carried(graph) == {"z": {(n, "entity e") for n in range(9)}}
    assert graph.notes == tuple(
        f"'{r}' is the inverse of 'z' (9 of 9 pairs in common): one relation" for r in "ab"
    )


def test_many_copies_become_one_relation_with_few_notes():
    graph = folded(*((n, f"r{r:04}", "e") for r in range(3000) for n in range(2)))
    assert graph.relations == ("r0000",) and len(graph.head) == 2
    assert (
        len(graph.notes) == MOST_NOTES + 1
        and graph.notes[-1] == f"{2999 - MOST_NOTES:,} further relations: copies of others"
    )


def test_the_relations_that_stay_are_those_that_a_comparison_of_sets_leaves():
    rng, merged = np.random.default_rng(0), 0
    for _ in range(30):
        turned = rng.random(12) < 0.5
        pairs = {(int(h), int(r), f"e{t}") for h, r, t in rng.integers([3, 12, 2], size=(30, 3))}
        graph = folded(
            *sorted(((t, f"r{r}", h) if turned[r] else (h, f"r{r}", t) for h, r, t in pairs), key=str)
        )
        sets = {frozenset((h, t) for h, r, t in pairs if r == n) for n in range(12)} - {frozenset()}
        assert {frozenset(there) for there in carried(graph).values()} == {
            frozenset((h, f"entity {t}") for h, t in there) for there in sets
        }
        assert len(graph.relations) == len(sets)  # each once
        merged += len({r for _, r, _ in pairs}) - len(sets)
    assert merged > 30
