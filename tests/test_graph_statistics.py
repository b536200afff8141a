"""The statistics of the candidate graph against double loops over a small world."""

import numpy as np
import pytest

from dskreg.data.dataset import Dataset
from dskreg.explore.graph_statistics import MEASURES, concentration, gini, top_share
from dskreg.graph.candidates import build
from tests.small import SMALL, opened, random_world
from tests.worlds import EVERYTHING, A, C, D, E, hand_drawn


def naive_paths(dataset: Dataset, relations: tuple[str, ...], item: int) -> int:
    """Counted one by one."""
    found = 0
    for name in relations:
        r = dataset.relations.index(name)
        triples = {
            (h, t) for h, q, t in zip(dataset.head, dataset.relation, dataset.tail, strict=True) if q == r
        }
        found += sum(1 for h, e in triples if h == item for j, f in triples if f == e and j != item)
        linked = {(h, dataset.entity_item[t]) for h, t in triples if dataset.entity_item[t] >= 0}
        found += len(
            {j for i, j in linked if i == item and j != item}
            | {i for i, j in linked if j == item and i != item}
        )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_degree_is_what_a_loop_counts(seed: int) -> None:
    dataset = random_world(seed)
    graph = build(dataset, EVERYTHING)
    explorer = opened(dataset, graph, SMALL["default"], seed)
    frame, count = explorer.degrees, len(dataset.items)
    assert frame["item_id"].tolist() == dataset.items["item_id"].tolist()
    drawn = explorer.core.drawn
    mass, picked = np.zeros(count), [set() for _ in range(count)]
    for i in range(count):
        weight = np.exp(drawn.logit[i].numpy().astype(float))
        for m, j in enumerate(graph.neighbour[i]):
            if j >= 0:
                mass[j] += weight[m] / weight.sum()
        for slot, taken in zip(drawn.slot[i], drawn.picked[i], strict=True):
            if taken:
                picked[graph.neighbour[i, slot]].add(i)
    for i in range(count):
        assert frame["paths"][i] == naive_paths(dataset, graph.relations, i)
        assert frame["candidates"][i] == sum(graph.neighbour[i] >= 0)
        assert frame["appears"][i] == sum(i in graph.neighbour[other] for other in range(count))
        assert frame["drawn"][i] == len(picked[i])
    np.testing.assert_allclose(frame["mass"], mass, rtol=1e-5)
    assert frame["mass"].sum() == pytest.approx((graph.neighbour >= 0).any(1).sum(), rel=1e-6), (
        "each item samples one neighbour first"
    )


def test_the_paths_of_the_hand_drawn_world_are_counted_by_hand() -> None:
    """A: B by Mecha, B and C by Space. E: the sequel of D."""
    dataset = hand_drawn()
    frame = opened(dataset, build(dataset, EVERYTHING), SMALL["default"]).degrees
    assert [frame["paths"][i] for i in (A, C, D, E)] == [3, 2, 1, 1]


def test_an_item_without_candidates_samples_nothing() -> None:
    dataset = random_world(1)
    graph = build(dataset, EVERYTHING)
    graph.neighbour[2] = -1
    frame = opened(dataset, graph, SMALL["default"]).degrees
    assert frame["candidates"][2] == 0 and frame["mass"].sum() == pytest.approx(len(dataset.items) - 1)


def test_gini_is_half_the_relative_mean_difference() -> None:
    values = np.random.default_rng(0).exponential(size=40)
    expected = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(expected)
    assert (
        gini(np.ones(5)) == pytest.approx(0)
        and gini(np.array([0, 0, 0, 1])) == pytest.approx(3 / 4)
        and gini(np.zeros(3)) == 0
    )


def test_the_share_of_the_largest_values_is_their_sum_over_the_total() -> None:
    assert (
        top_share(np.array([1, 1, 6, 2]), 0.25) == 0.6
        and top_share(np.array([4.0, 4.0])) == 0.5
        and top_share(np.zeros(2)) == 0
    )
    dataset = random_world(0)
    table = concentration(opened(dataset, build(dataset, EVERYTHING), SMALL["default"]).degrees)
    assert (
        tuple(table["measure"]) == MEASURES
        and (table["largest"] >= table["mean"]).all()
        and table["top"].between(0, 1).all()
    )
