"""The bundled demo: a fixed world, small enough to commit, whose planted tastes the sampler finds."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dskreg.config import PRESETS, preset
from dskreg.console import silent
from dskreg.data.dataset import Dataset
from dskreg.data.readers import demo
from dskreg.data.split import split
from dskreg.explorer import Explorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.pipeline import run
from dskreg.storage.artifact import load
from tests import planted
from tests.small import DEMO


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return demo.read()


@pytest.fixture(scope="module")
def graph(data: Dataset) -> CandidateGraph:
    """The candidates of the demo as it is now, whatever artifact is there."""
    config = preset("demo")
    return build(split(data, config.data), config.graph)


def test_the_catalogue_is_large_enough_and_the_same_at_every_call(data: Dataset) -> None:
    again = demo.read()
    assert len(data.items) >= 600 and len(data.user_ids) == 2000
    assert 35 < data.liked.sum() / 2000 < 45
    assert data.items["title"].is_unique and data.items["item_id"].is_unique
    assert (
        np.array_equal(data.user, again.user)
        and np.array_equal(data.item, again.item)
        and np.array_equal(data.liked, again.liked)
    )


def test_every_relation_ties_titles_together(data: Dataset) -> None:
    carried = Counter(zip(data.relation.tolist(), data.tail.tolist(), strict=True))
    assert set(data.relations) == {*demo.RELEVANT, *demo.IRRELEVANT}
    for r, name in enumerate(data.relations):
        assert sum(count >= 2 for (q, _), count in carried.items() if q == r) >= 5, name


def test_nobody_has_seen_the_new_releases(data: Dataset) -> None:
    new = demo.new_releases()
    assert len(new) >= 40 and (data.items["year"][new] >= demo.RELEASED).all()
    assert not np.isin(data.item, new).any()
    seen = np.bincount(data.item, minlength=len(data.items)) > 0
    assert seen[np.setdiff1d(np.arange(len(data.items)), new)].all()


def test_most_new_releases_share_franchise_or_studio_with_an_older_title(data: Dataset) -> None:
    new = demo.new_releases()
    fresh, older = data.items.iloc[new], data.items.drop(index=new)
    of_franchise = fresh["franchise"].isin(set(older["franchise"]) - {""})
    with_partner = of_franchise | fresh["studio"].isin(older["studio"])
    assert of_franchise.mean() >= 0.4 and with_partner.mean() >= 2 / 3
    assert (~with_partner).sum() >= 10, "some stand alone"
    genres = {genre for text in fresh["genres"] for genre in text.split(", ")}
    assert fresh["franchise"].nunique() >= 20 and fresh["studio"].nunique() >= 20 and len(genres) >= 25


def test_the_truth_holds_the_likes_of_the_data_and_the_hidden_ones(data: Dataset) -> None:
    truth, new = planted.truth(), demo.new_releases()
    assert truth.seen.sum() == len(data.user) and truth.seen[data.user, data.item].all()
    assert np.array_equal(truth.liked[data.user, data.item], data.liked)
    hidden = truth.liked[:, new]
    assert truth.liked.sum() == data.liked.sum() + hidden.sum()
    assert 0.7 < hidden.any(1).mean() < 0.9 and hidden.any(0).all()
    blind = np.random.default_rng(0).random(hidden.shape)
    assert planted.hidden_ndcg(truth.utility[:, new]) > 0.75 > 0.25 > planted.hidden_ndcg(blind)
    liked, utility = truth.liked[data.user, data.item], truth.utility[data.user, data.item]
    assert utility[liked].mean() > utility[~liked].mean() + 1


def test_a_third_of_the_users_follows_each_relevant_relation(graph: CandidateGraph) -> None:
    """Among them, its candidates are more alike than among the others."""
    truth = planted.truth()
    assert all(abs((truth.follows == name).sum() - 2000 / 3) < 1 for name in demo.RELEVANT)
    alike = {
        name: [
            np.nanmean(planted.of_neighbours(graph.neighbour, kind)[graph.relation == r])
            for kind in demo.RELEVANT
        ]
        for r, name in enumerate(graph.relations)
    }
    for n, name in enumerate(demo.RELEVANT):
        assert np.argmax(alike[name]) == n and alike[name][n] > np.median(alike[name]) + 0.1
    assert max(max(alike[name]) for name in demo.IRRELEVANT) < 0.2


def test_the_true_correlation_is_pearsons_of_the_utility_over_users() -> None:
    truth = planted.truth()
    i, j = np.array([0, 3, 5]), np.array([[1, 11, 40], [8, -1, 7]])
    found = planted.correlation(i, j)
    assert np.isnan(found[1, 1]) and np.isnan(found).sum() == 1
    of_two = np.corrcoef(truth.utility[:, 5], truth.utility[:, 40])[0, 1]
    assert found[0, 2] == pytest.approx(of_two, abs=1e-5)
    followers = truth.utility[truth.follows == "studio"]
    expected = np.corrcoef(followers[:, 0], followers[:, 8])[0, 1]
    assert planted.correlation(i, j, "studio")[1, 0] == pytest.approx(expected, abs=1e-5)


def test_the_relevant_relations_have_the_truth(graph: CandidateGraph) -> None:
    of = planted.by_relation(graph.neighbour, graph.relation, graph.relations)
    assert of["franchise"] > of["genre"] > of["studio"] > max(of[name] for name in demo.IRRELEVANT) + 0.1


def test_the_measures_of_a_sampler_know_the_best_and_the_blind(graph: CandidateGraph) -> None:
    neighbour, relation, names = graph.neighbour, graph.relation, graph.relations
    true = planted.of_neighbours(neighbour)
    blind = np.random.default_rng(0).random(neighbour.shape)
    by_strength, at_random = (
        planted.of_picks(planted.strongest(neighbour, score, 8)) for score in (graph.strength, blind)
    )
    assert planted.of_picks(planted.best(neighbour, 8)) > by_strength + 0.1 > at_random + 0.3
    assert planted.rank_correlation(neighbour, true) == pytest.approx(1)
    assert planted.rank_correlation(neighbour, -true) == pytest.approx(-1)
    assert abs(planted.rank_correlation(neighbour, blind)) < 0.02
    there = (neighbour >= 0).astype(float)
    mass = planted.mass_by_relation(neighbour, relation, there, names)
    assert sum(mass.values()) == pytest.approx(1)
    assert mass["franchise"] == pytest.approx(there[relation == names.index("franchise")].sum() / there.sum())
    following = (planted.truth().follows[:, None] == np.array(demo.RELEVANT)).astype(float)
    found = planted.by_followed(following, demo.RELEVANT)
    assert all(found[kind][name] == (kind == name) for kind in demo.RELEVANT for name in demo.RELEVANT)


@pytest.mark.parametrize("relation", ["random", "initial"])
def test_random_edges_are_added_and_nothing_else_changes(data: Dataset, relation: str) -> None:
    noisy, again = (planted.with_random_edges(data, 0.3, 1, relation) for _ in range(2))
    old = len(data.head)
    added = slice(old, None)
    assert 0.2 * old < len(noisy.head) - old <= 0.3 * old
    for name in ("head", "relation", "tail"):
        assert np.array_equal(getattr(noisy, name)[:old], getattr(data, name))
        assert np.array_equal(getattr(noisy, name), getattr(again, name))
    assert set(noisy.relation[added]) == {noisy.relations.index(relation)}
    pairs = zip(noisy.head.tolist(), noisy.relation.tolist(), noisy.tail.tolist(), strict=True)
    assert max(Counter(pairs).values()) == max(
        Counter(zip(data.head.tolist(), data.relation.tolist(), data.tail.tolist(), strict=True)).values()
    )
    assert (len(noisy.entities) == len(data.entities)) == (relation in data.relations)
    graph = build(split(noisy, preset("demo").data), preset("demo").graph)
    of = planted.by_relation(graph.neighbour, graph.relation, graph.relations)
    assert of[relation] < of["studio"] - 0.1


def test_the_committed_artifact_is_small_and_made_from_this_catalogue(data: Dataset) -> None:
    files = list(DEMO.iterdir())
    assert sum(f.stat().st_size for f in files) <= 5_000_000
    made = load(DEMO).dataset
    assert made.items.equals(data.items)
    assert np.array_equal(made.user, data.user) and np.array_equal(made.item, data.item)


def test_the_sampler_finds_the_planted_tastes(explorer: Explorer) -> None:
    """Its picks are truly more alike than the strongest of their own relation, and most of its draws fall to
    relations that matter.
    """
    graph, model = load(DEMO).graph, explorer.model
    neighbour, relation, names = graph.neighbour, graph.relation, graph.relations
    with torch.no_grad():
        logit = model.item_logits(torch.arange(len(neighbour)))
    learnt = np.where(np.isfinite(logit.numpy()), logit.numpy(), -1e9).astype(float)
    true = [
        planted.of_neighbours(planted.strongest(neighbour, score, 8)) for score in (learnt, graph.strength)
    ]
    better = np.nanmean(true[0], 1) - np.nanmean(true[1], 1)  # per title
    better = better[np.isfinite(better)]
    assert better.mean() > 3 * better.std(ddof=1) / len(better) ** 0.5, "far beyond chance"
    order = [planted.rank_correlation(neighbour, score) for score in (learnt, graph.strength.astype(float))]
    assert order[0] > order[1] + 0.05
    mass = planted.mass_by_relation(neighbour, relation, torch.softmax(logit, 1).numpy(), names)
    assert sum(mass[name] for name in demo.RELEVANT) > 0.9 and mass["franchise"] > 0.12
    assert max(mass[name] for name in names if name not in demo.RELEVANT) < 0.035


def test_the_bundled_artifact_is_what_the_code_makes(tmp_path: Path) -> None:
    """Bit for bit on the machine that made it; elsewhere rounding differs, and figures move a little.

    The maps are not compared: their t-SNE is cut short.
    """
    config = PRESETS["demo"]
    short = replace(config, projection=replace(config.projection, iterations=5))
    run("demo", tmp_path / "demo", short, False, False, print, silent, print)
    made, kept = load(tmp_path / "demo"), load(DEMO)
    assert config == kept.config and made.graph.relations == kept.graph.relations
    assert np.array_equal(made.graph.neighbour, kept.graph.neighbour)
    assert made.metrics["start"] == pytest.approx(kept.metrics["start"])
    for name in ("ndcg@20", "recall@20"):
        assert made.metrics["metrics"][name] == pytest.approx(kept.metrics["metrics"][name], abs=0.01), name
    same = (made.picks["neighbour"] == kept.picks["neighbour"]).mean()
    assert same > 0.5, f"{same:.0%} of the picks are the same"
