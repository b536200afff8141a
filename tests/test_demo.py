"""The bundled demo: a fixed world, small enough to commit, whose planted tastes the sampler finds."""

from collections import Counter

import numpy as np
import pytest
import torch

from dskreg.data.readers import demo
from dskreg.explorer import Explorer
from dskreg.storage.artifact import load
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


def test_the_catalogue_is_large_enough_and_the_same_at_every_call() -> None:
    first, second = demo.read(), demo.read()
    assert len(first.items) >= 600 and len(first.user_ids) == 2000
    assert 35 < first.liked.sum() / 2000 < 45
    assert first.items["title"].is_unique
    assert (
        np.array_equal(first.user, second.user)
        and np.array_equal(first.item, second.item)
        and np.array_equal(first.liked, second.liked)
    )


def test_every_relation_ties_titles_together() -> None:
    data = demo.read()
    carried = Counter(zip(data.relation.tolist(), data.tail.tolist(), strict=True))
    assert set(data.relations) == {*demo.RELEVANT, *demo.IRRELEVANT}
    for r, name in enumerate(data.relations):
        assert sum(count >= 2 for (q, _), count in carried.items() if q == r) >= 5, name


def test_the_committed_artifact_is_small_and_made_from_this_catalogue() -> None:
    files = list(DEMO.iterdir())
    assert sum(f.stat().st_size for f in files) <= 5_000_000
    made, now = load(DEMO).dataset, demo.read()
    assert made.items.equals(now.items)
    assert np.array_equal(made.user, now.user) and np.array_equal(made.item, now.item)


def test_planted_relevant_relations_get_the_sampling_mass(explorer: Explorer) -> None:
    """Against their share of the candidates, so that a relation does not win by number; co-liked is neither
    planted kind.
    """
    graph, model = load(DEMO).graph, explorer.model
    share = torch.softmax(model.item_logits(torch.arange(len(graph.neighbour))), 1).numpy()
    names = np.array(graph.relations)[graph.relation]
    there = graph.neighbour >= 0
    relevant, irrelevant = (np.isin(names, kind) & there for kind in (demo.RELEVANT, demo.IRRELEVANT))
    of_relevant, of_irrelevant = (
        (share * kind).sum(1) / np.maximum(kind.sum(1), 1) for kind in (relevant, irrelevant)
    )
    assert of_relevant.mean() > of_irrelevant.mean()
    assert (of_relevant > of_irrelevant).mean() > 0.9
    assert (share * relevant).sum(1).mean() > (share * irrelevant).sum(1).mean()
