"""A what-if equals the model that never had what the change removes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from dskreg.data.dataset import Dataset
from dskreg.evaluation.ranking import noise_free, picks_of
from dskreg.explain.edits import cut
from dskreg.explain.whatif import _edited
from dskreg.explorer import Change, Explorer, InputError
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.evidence import model_of
from dskreg.serving.trained import TrainedModel
from tests.small import DEMO, SMALL, of_few, opened
from tests.worlds import EVERYTHING, hand_drawn

USER, TITLE = 17, 505  # an item that the user has not seen


@pytest.fixture(scope="module")
def demo() -> Explorer:
    return Explorer.open(DEMO)


@pytest.fixture(params=[(name, seed) for name in SMALL for seed in (0, 1)], ids=str)
def small(request: pytest.FixtureRequest) -> Explorer:
    return of_few(*request.param)


def same_explanation(one: object, other: object) -> None:
    """Equal in every field; frames by their candidates."""
    for name in ("score", "self_contribution", "bias", "pre_activation_score"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5), name
    for name in ("item_neighbours", "user_neighbours", "relations"):
        rows = [getattr(each, name) for each in (one, other)]
        keys = [key for key in ("item_id", "relation") if key in rows[0]]
        rows = [
            frame.drop(columns="rank", errors="ignore").sort_values(keys, ignore_index=True) for frame in rows
        ]
        pd.testing.assert_frame_equal(*rows, check_exact=False, atol=1e-4, rtol=1e-4)


def listing(moves: pd.DataFrame, side: str) -> list[object]:
    there = moves[moves[f"rank_{side}"].notna()].sort_values(f"rank_{side}")
    return there["item_id"].tolist()


def edited(explorer: Explorer, graph: CandidateGraph, dataset: Dataset | None = None) -> Explorer:
    """The same weights with another candidate table."""
    artifact = explorer.core.artifact
    model = model_of(artifact.config.model, graph, len(artifact.dataset.user_ids)).eval()
    model.load_state_dict(explorer.core.model.state_dict())
    picks = picks_of(noise_free(model))
    return Explorer(
        TrainedModel(
            explorer.path, replace(artifact, graph=graph, dataset=dataset or artifact.dataset, picks=picks)
        )
    )


# Identities


def test_an_empty_change_leaves_scores_ranks_and_neighbours_as_they_are(demo: Explorer) -> None:
    profile = demo.profile(USER)
    found = demo.what_if(profile, TITLE, Change(), 10)
    same_explanation(found.before, demo.explain(profile, TITLE))
    same_explanation(found.after, found.before)
    ranks = demo.recommend(profile, len(demo.items)).set_index("item_id")["rank"]
    assert found.rank_before == found.rank_after == ranks[TITLE]
    assert found.touched == 0 and not Change()
    assert (found.moves["move"] == 0).all() and found.moves["item_id"].tolist() == demo.recommend(
        profile, 10
    )["item_id"].tolist()
    assert set(found.neighbours["change"]) == {"stayed"}


def test_removing_likes_equals_the_profile_without_them(demo: Explorer) -> None:
    profile = demo.profile(USER)
    gone = profile.history[:2]
    found = demo.what_if(profile, TITLE, Change(without_titles=gone), 10)
    less = replace(profile, history=profile.history[2:])  # still seen
    same_explanation(found.after, demo.explain(less, TITLE))
    expected = demo.recommend(less, len(demo.items))
    assert listing(found.moves, "after")[:10] == expected["item_id"].head(10).tolist() and not set(
        gone
    ) & set(found.moves["item_id"])
    rank = dict(zip(expected["item_id"], expected["rank"], strict=True))
    assert found.rank_after == rank[TITLE] and found.ranked_after == len(expected)
    assert [rank[i] for i in found.moves["item_id"]] == found.moves["rank_after"].tolist()


def test_an_added_like_joins_the_profile_and_leaves_the_recommendations(demo: Explorer) -> None:
    profile = demo.profile(USER)
    first = demo.recommend(profile, 1)["item_id"].iloc[0]
    found = demo.what_if(profile, first, Change(with_titles=(first,)), 10)
    same_explanation(found.after, demo.explain(demo.edited(profile, liked=[first]), first))
    assert (found.rank_before, found.rank_after, found.ranked_after) == (1, None, found.ranked_before - 1)
    gone = found.moves.iloc[10:].set_index("item_id").loc[first]  # below the new list
    assert gone["rank_before"] == 1 and pd.isna(gone["rank_after"]) and pd.isna(gone["move"])
    assert (
        listing(found.moves, "after")[:10]
        == demo.recommend(demo.edited(profile, liked=[first]), 10)["item_id"].tolist()
    )


def test_removing_a_neighbour_changes_the_selected_item_alone(small: Explorer) -> None:
    profile = small.profile(500)
    for item in small.items["item_id"].iloc[::3]:
        before = small.explain(profile, item)
        gone = before.item_neighbours[before.item_neighbours["picked"]].iloc[0]
        found = small.what_if(
            profile, item, Change(without_neighbours=((gone["item_id"], gone["relation"]),)), 12
        )
        position = small.core.directory.item(item)
        graph = small.core.graph
        rest = ~(
            (graph.neighbour[position] == small.core.directory.item(gone["item_id"]))
            & (graph.relation[position] == graph.relations.index(gone["relation"]))
        )
        tables = [table.copy() for table in (graph.neighbour, graph.relation, graph.strengths)]
        for table, empty in zip(tables, (-1, 0, 0), strict=True):
            table[position] = np.concatenate(
                [table[position][rest], np.full_like(table[position][~rest], empty)]
            )
        other = edited(small, CandidateGraph(graph.relations, *tables))
        same_explanation(found.after, other.explain(profile, item))
        others = found.moves[found.moves["item_id"] != item]
        assert len(others) > 0
        np.testing.assert_array_equal(others["score_before"], others["score_after"])
        assert found.after.score != found.before.score
        assert found.touched == 1 and (gone["item_id"], gone["relation"], "left") in set(
            zip(
                found.neighbours["item_id"],
                found.neighbours["relation"],
                found.neighbours["change"],
                strict=True,
            )
        )


def test_among_equal_candidates_only_the_removed_one_is_replaced(demo: Explorer) -> None:
    """Without what is learnt of pairs all candidates have equal logits."""
    artifact = demo.core.artifact
    flat = np.zeros_like(artifact.weights["pair_relevance"])
    weights = artifact.weights | {"pair_relevance": flat}
    model = model_of(artifact.config.model, artifact.graph, len(artifact.dataset.user_ids)).eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    equal = Explorer(
        TrainedModel(demo.path, replace(artifact, weights=weights, picks=picks_of(noise_free(model))))
    )
    profile = equal.profile(USER)
    for item in equal.items["item_id"].iloc[::60]:
        before = equal.explain(profile, item).item_neighbours
        for picked, moves in ((False, []), (True, ["came", "left"])):
            rows = before[before["picked"] == picked]
            gone = rows.iloc[len(rows) // 2]
            found = equal.what_if(
                profile, item, Change(without_neighbours=((gone["item_id"], gone["relation"]),)), 5
            )
            moved = found.neighbours[found.neighbours["change"] != "stayed"]
            assert sorted(moved["change"]) == moves and (found.after.item_neighbours["noise"] == 0).all()


def without_relation(graph: CandidateGraph, number: int) -> CandidateGraph:
    """The table without the relation's candidates, and without what other pairs share under it."""
    strengths = graph.strengths.copy()
    strengths[:, :, number] = 0
    return moved_up(replace(graph, strengths=strengths), graph.relation != number)


def moved_up(graph: CandidateGraph, kept: np.ndarray) -> CandidateGraph:
    """The table with the `kept` `[I, M]` candidates alone, which come first."""
    kept = kept & (graph.neighbour >= 0)
    order = np.argsort(~kept, axis=1, kind="stable")
    neighbour, relation = (
        np.take_along_axis(np.where(kept, table, empty), order, 1).astype(table.dtype)
        for table, empty in ((graph.neighbour, -1), (graph.relation, 0))
    )
    strengths = np.take_along_axis(np.where(kept[..., None], graph.strengths, 0), order[..., None], 1)
    return CandidateGraph(graph.relations, neighbour, relation, strengths)


def check_relation(explorer: Explorer, user: int, number: int) -> None:
    profile, graph = explorer.profile(user), explorer.core.graph
    other, name = edited(explorer, without_relation(graph, number)), graph.relations[number]
    item = explorer.items["item_id"].iloc[3]
    found = explorer.what_if(profile, item, Change(without_relations=(name,)), 10)
    same_explanation(found.after, other.explain(profile, item))
    listed = found.moves[found.moves["rank_after"] <= 10]
    assert listed["item_id"].tolist() == other.recommend(profile, 10)["item_id"].tolist()
    np.testing.assert_allclose(
        found.moves["score_after"],
        other.scores(profile)[explorer.core.positions(found.moves["item_id"])],
        atol=1e-5,
    )
    assert name not in set(found.after.item_neighbours["relation"])
    assert found.touched == (graph.strengths[:, :, number] > 0).any(1).sum()


def test_removing_a_relation_equals_the_model_over_the_table_without_it(small: Explorer) -> None:
    for number in range(len(small.relations)):
        check_relation(small, 500, number)


def test_removing_genres_or_franchises_from_the_demo_equals_the_table_without_them(demo: Explorer) -> None:
    for name in ("genre", "franchise"):
        check_relation(demo, USER, demo.relations.index(name))


def test_the_changed_model_keeps_nothing_that_was_derived_from_the_former_draw(small: Explorer) -> None:
    core, graph = small.core, small.core.graph
    former = core.drawn, core.share, core.representations[1], core.catalogue.picks.neighbour  # all cached
    changed = _edited(core, cut(graph, core.directory, relations=("genre",)))
    other = edited(small, without_relation(graph, graph.relations.index("genre"))).core
    first = np.zeros((len(core.items), len(core.items)))
    expected = first.copy()
    for table, share, target in (
        (graph, changed.share, first),
        (other.graph, other.share, expected),
    ):
        item, slot = np.nonzero(table.neighbour >= 0)
        np.add.at(target, (item, table.neighbour[item, slot]), share[item, slot])
    np.testing.assert_allclose(first, expected, atol=1e-5)
    np.testing.assert_allclose(changed.representations[1], other.representations[1], atol=1e-5)
    np.testing.assert_allclose(
        changed.model.representation(changed.catalogue.picks)[1], other.representations[1], atol=1e-5
    )
    profile = small.profile(500)
    np.testing.assert_allclose(changed.scores(profile), other.scores(profile), atol=1e-5)
    for one, again in zip(
        former, (core.drawn, core.share, core.representations[1], core.catalogue.picks.neighbour), strict=True
    ):
        assert one is again
    assert not np.allclose(former[2], changed.representations[1])


def test_a_relation_that_goes_moves_pairs_under_other_relations_too(demo: Explorer) -> None:
    """In the evidence form the logit sees everything that the pair shares."""
    core, number = demo.core, demo.relations.index("genre")
    found = demo.what_if(demo.profile(USER), TITLE, Change(without_relations=("genre",)), 10)
    keys = ["item_id", "relation"]
    both = found.before.item_neighbours.merge(found.after.item_neighbours, on=keys, suffixes=("", "_after"))
    item = core.directory.item(TITLE)
    shared = {
        (core.directory.item_ids[j], demo.relations[r])
        for j, r, strengths in zip(
            core.graph.neighbour[item], core.graph.relation[item], core.graph.strengths[item], strict=True
        )
        if j >= 0 and r != number and strengths[number] > 0
    }
    moved = both[(both["logit"] - both["logit_after"]).abs() > 1e-6]
    assert len(shared) and set(zip(moved["item_id"], moved["relation"], strict=True)) == shared


# Entities


def without_triples(dataset: Dataset, relation: str, label: str) -> Dataset:
    gone = (dataset.relation == dataset.relations.index(relation)) & (dataset.entities[dataset.tail] == label)
    return replace(
        dataset, head=dataset.head[~gone], relation=dataset.relation[~gone], tail=dataset.tail[~gone]
    )


def table_of(dataset: Dataset, graph: CandidateGraph) -> np.ndarray:
    """Strengths `[I, M, R]` of these pairs in the graph built from `dataset`, 0 if absent."""
    built = build(dataset, EVERYTHING)
    found = {
        (int(i), int(built.neighbour[i, m])): dict(zip(built.relations, built.strengths[i, m], strict=True))
        for i, m in zip(*np.nonzero(built.neighbour >= 0), strict=True)
    }
    strengths = np.zeros_like(graph.strengths)
    for i, m in zip(*np.nonzero(graph.neighbour >= 0), strict=True):
        pair = found.get((int(i), int(graph.neighbour[i, m])), {})
        strengths[i, m] = [pair.get(name, 0.0) for name in graph.relations]
    return strengths


def test_removing_an_entity_equals_the_model_over_data_without_its_triples(small: Explorer) -> None:
    """For every entity, items that are entities included; strengths are built from the reduced data."""
    profile, core = small.profile(500), small.core
    dataset, graph = core.artifact.dataset, core.graph
    carried = {
        (dataset.relations[r], str(dataset.entities[e]))
        for r, e in zip(dataset.relation, dataset.tail, strict=True)
    }
    for relation, label in sorted(carried):
        less = without_triples(dataset, relation, label)
        rebuilt = replace(graph, strengths=table_of(less, graph))
        gone = (graph.neighbour >= 0) & (rebuilt.strength == 0)
        ties = cut(graph, core.directory, entities=[(relation, label)])
        np.testing.assert_array_equal(ties.gone, gone)
        np.testing.assert_allclose(ties.strengths, rebuilt.strengths, atol=1e-6)
        changed = (ties.strengths != graph.strengths).any((1, 2))
        assert ties.touched.tolist() == np.flatnonzero(changed).tolist()
        other = edited(small, moved_up(rebuilt, ~gone), less)
        item = small.items["item_id"].iloc[5]
        found = small.what_if(profile, item, Change(without_entities=((relation, label),)), 12)
        same_explanation(found.after, other.explain(profile, item))  # strengths, draws and words
        expected = other.scores(profile)[core.positions(found.moves["item_id"])]
        np.testing.assert_allclose(found.moves["score_after"], expected, atol=1e-5)


def test_entities_and_the_edges_without_them_are_as_counted_by_hand() -> None:
    """A carries Mecha and Space, B both, C Space, D Cooking; E is D's sequel. A, B and D are liked."""
    dataset = hand_drawn()
    explorer = opened(dataset, build(dataset, EVERYTHING), SMALL["default"])
    rows = {(r.relation, r.entity): (r.titles, r.candidates) for r in explorer.entities(100).itertuples()}
    assert rows == {("genre", "Mecha"): (2, 1), ("genre", "Space"): (3, 1)}
    # The other end of a link
    assert explorer.entities(104)[["entity", "titles", "candidates"]].to_numpy().tolist() == [
        ["E the title", 1, 1]
    ]
    graph, directory = explorer.core.graph, explorer.core.directory

    def genre_pairs(*entities: tuple[str, str]) -> dict[tuple[int, int], float]:
        ties = cut(graph, directory, entities=entities)
        genre = graph.relations.index("genre")
        there = (graph.relation == genre) & (graph.neighbour >= 0) & ~ties.gone
        return {
            (i, int(graph.neighbour[i, m])): float(ties.strengths[i, m, genre])
            for i, m in zip(*np.nonzero(there), strict=True)
        }

    mecha, space = np.log(5 / 2) / np.log(5), np.log(5 / 3) / np.log(5)
    whole = {(0, 1): mecha + space, (1, 0): mecha + space, (2, 0): space, (2, 1): space}
    assert genre_pairs() == pytest.approx(whole)
    assert genre_pairs(("genre", "Mecha")) == pytest.approx(dict.fromkeys(whole, space))
    assert genre_pairs(("genre", "Space")) == pytest.approx({(0, 1): mecha, (1, 0): mecha})
    assert genre_pairs(("genre", "Space"), ("genre", "Mecha")) == {}


def test_a_removed_entity_is_no_longer_named_as_a_reason(demo: Explorer) -> None:
    profile = demo.profile(USER)
    item = demo.items.loc[demo.items["genres"].str.contains("Mecha"), "item_id"].iloc[0]
    found = demo.what_if(profile, item, Change(without_entities=(("genre", "Mecha"),)), 10)
    named = [word for words in found.after.item_neighbours["via"] for word in words]
    assert "Mecha" not in named and any("Mecha" in words for words in found.before.item_neighbours["via"])
    assert all(
        words
        for words, relation in zip(
            found.after.item_neighbours["via"], found.after.item_neighbours["relation"], strict=True
        )
        if relation == "genre"
    )


def test_a_combined_change_equals_its_parts_one_after_the_other(demo: Explorer) -> None:
    profile = demo.profile(USER)
    out, tie = (
        Change(without_titles=profile.history[:1]),
        Change(without_relations=("genre",), without_entities=(("type", "Movie"),)),
    )
    together = demo.what_if(
        profile, TITLE, Change(out.without_titles, (), (), tie.without_entities, tie.without_relations), 10
    )
    after = demo.what_if(replace(profile, history=profile.history[1:]), TITLE, tie, 10)
    same_explanation(together.after, after.after)
    assert listing(together.moves, "after")[:10] == listing(after.moves, "after")[:10]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(without_titles=(99999,)), "unknown item 99999"),
        (Change(without_titles=(TITLE,)), "not in the history"),
        (Change(without_neighbours=((TITLE, "genre"),)), "not a candidate"),
        (Change(without_neighbours=((1, "taste"),)), "not a candidate"),
        (Change(without_entities=(("genre", "Mechanics"),)), "unknown entity Mechanics"),
        (Change(without_entities=(("taste", "Mecha"),)), "unknown relation taste"),
        (Change(without_relations=("taste",)), "unknown relation taste"),
    ],
)
def test_an_impossible_change_is_refused(demo: Explorer, change: Change, words: str) -> None:
    with pytest.raises(InputError, match=words):
        demo.what_if(demo.profile(USER), TITLE, change, 10)
    profile = demo.profile(USER)
    with pytest.raises(InputError, match="in the history already"):
        demo.what_if(profile, TITLE, Change(with_titles=profile.history[:1]), 10)
    with pytest.raises(InputError, match="at least 1"):
        demo.what_if(profile, TITLE, Change(), 0)


def test_without_likes_and_relations_the_score_is_own_embedding_and_bias(demo: Explorer) -> None:
    profile = demo.profile(USER)
    found = demo.what_if(
        profile, TITLE, Change(without_titles=profile.history, without_relations=tuple(demo.relations)), 10
    )
    assert found.after.user_neighbours.empty and found.after.item_neighbours.empty
    assert np.isfinite(found.moves["score_after"]).all() and found.after.score == pytest.approx(
        found.after.self_contribution + found.after.bias
    )
