"""Cold items, what neighbours weigh, and the resets, on worlds where the right answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from dskreg.evaluation import resets as parts
from dskreg.evaluation.cold import BOOSTS, LOSS, ColdItems, best_boost, some, without
from dskreg.evaluation.evidence import KAPPAS, SCALES, choose_evidence, rarest, settings_tried
from dskreg.evaluation.metrics import ndcg_of
from dskreg.evaluation.ranking import noise_free, strangers
from dskreg.graph.candidates import build
from dskreg.model.evidence import EvidenceDSKReG, model_of
from dskreg.training.trainer import train
from tests.drawn_models import make
from tests.tiny_runs import settings
from tests.worlds import EVERYTHING, world

GROUPS, EACH = 6, 20


def flocks(shuffled: bool = False, seed: int = 0) -> Dataset:
    """Six groups of twenty titles, and users who like one group. A quarter of the titles has plenty of likes,
    the others two or three in training. `shuffled`: the graph's groups say nothing.
    """
    rng = np.random.default_rng(seed)
    items, users = GROUPS * EACH, 180
    famous = np.arange(items) % EACH < 5
    rows = []
    for u in range(users):
        own = np.flatnonzero(np.arange(items) // EACH == u % GROUPS)
        chosen = own[rng.random(EACH) < np.where(famous[own], 0.9, 0.12)]
        folds = rng.choice([TRAIN, VALIDATION, TEST], len(chosen), p=[0.5, 0.25, 0.25])
        rows += [(u, int(i), int(f)) for i, f in zip(chosen, folds, strict=True)]
    carried = rng.permutation(items) if shuffled else np.arange(items)
    triples = [(i, 0, int(carried[i]) // EACH) for i in range(items)]
    return world(rows, items, users, triples, ("group",), [str(g) for g in range(GROUPS)], [-1] * GROUPS)


def by_likes(data: Dataset, width: int = 32) -> EvidenceDSKReG:
    """Closed form alone, neighbours by strength."""
    config = settings("default", epochs=0)
    config = replace(config, model=ModelConfig(width=width, picks=8))
    model = train(data, build(data, EVERYTHING), config).model
    assert isinstance(model, EvidenceDSKReG)
    return model


@pytest.fixture(scope="module")
def sound() -> tuple[Dataset, EvidenceDSKReG]:
    data = flocks()
    return data, by_likes(data)


# What neighbours weigh


def test_where_neighbours_know_and_likes_are_few_neighbours_weigh_much(
    sound: tuple[Dataset, EvidenceDSKReG],
) -> None:
    data, model = sound
    found = choose_evidence(model, data.folds, 1000, 0)
    assert found["kappa"] * found["scale"] >= 3.0 and found["boost"] >= 2.0, found
    false = flocks(shuffled=True)
    other = choose_evidence(by_likes(false), false.folds, 1000, 0)
    rare, known = 3.0, 60.0

    def weight(chosen: dict[str, float], likes: float) -> float:
        return chosen["scale"] * chosen["kappa"] / (likes + chosen["kappa"])

    assert weight(other, rare) < weight(found, rare) / 3, other
    assert other["scale"] * other["boost"] < found["scale"] * found["boost"], other
    assert weight(other, known) <= weight(found, known)


def test_kappa_and_scale_are_the_best_of_a_loop_over_all(sound: tuple[Dataset, EvidenceDSKReG]) -> None:
    """Every setting put into the model itself, and ranked user by user."""
    data, model = sound
    folds, steps = data.folds, []
    found = choose_evidence(model, folds, 1000, 0, lambda: steps.append(1))
    kept = model.evidence.clone()
    assert kept.tolist() == pytest.approx([found[name] for name in ("kappa", "scale", "boost")])
    history, target = folds.shown, folds.validation
    who = np.flatnonzero(np.diff(target.indptr) * np.diff(history.indptr))
    rare = rarest(model.likes.numpy(), 0.4)
    of_rare = sparse.csr_matrix(target[who].multiply(rare))
    of_rare.eliminate_zeros()
    has = np.diff(of_rare.indptr) > 0
    every, of_few = {}, {}
    user = strangers(model, history[who])
    for kappa in KAPPAS:
        for scale in SCALES:
            model.evidence.copy_(torch.tensor([kappa, scale, 0.0]))
            score = noise_free(model).scores(user).T.numpy()
            every[kappa, scale] = ndcg_of(score, history[who], target[who]).mean()
            of_few[kappa, scale] = ndcg_of(score[has], history[who][has], of_rare[has]).mean()
    model.evidence.copy_(kept)
    least = (1 - 0.003) * max(every.values())
    allowed = {key: value for key, value in of_few.items() if every[key] >= least - 1e-6}
    assert (found["kappa"], found["scale"]) in allowed
    assert allowed[found["kappa"], found["scale"]] == pytest.approx(max(allowed.values()), abs=1e-4)
    assert len(steps) == settings_tried() == len(every)


def curved(warm: Callable[[float], float]) -> Callable[[float], dict[str, float]]:
    return lambda boost: {"boost": boost, "warm": warm(boost)}


@pytest.mark.parametrize("bound", [0.07, 0.46, 0.5, 0.99, 1.0, 3.1, 17.3, 24.0, 29.9, 100.0])
def test_the_best_boost_is_the_largest_that_costs_warm_items_one_per_cent(bound: float) -> None:
    best, curve = best_boost(curved(lambda boost: 0.4 * (1 - LOSS * (boost / bound) ** 2)))
    assert best == max(boost for boost in BOOSTS if boost <= bound)
    boosts = [row["boost"] for row in curve]
    assert boosts == sorted(set(boosts)) and {0.0, best} < set(boosts) and len(boosts) <= 22


def test_a_harmless_boost_above_a_harmful_one_is_taken() -> None:
    best, _ = best_boost(curved(lambda boost: 0.45 if boost == 1 or boost > 2 else 0.5))
    assert 1.5 <= best <= 2


def test_the_best_boost_where_none_is_harmless_or_nothing_is_known() -> None:
    assert best_boost(curved(lambda boost: 0.5 - boost))[0] == 0.0
    assert best_boost(curved(lambda boost: 0.0))[0] == 1.0, "it says nothing"


def test_the_rarest_of_the_liked() -> None:
    count = np.array([0, 9, 1, 0, 2, 5, 3])
    assert np.flatnonzero(rarest(count, 0.4)).tolist() == [2, 4]
    assert rarest(count, 1.0).tolist() == (count > 0).tolist() and not rarest(count, 0.0).any()


# Cold items


def test_a_tenth_of_the_liked_is_cold_and_no_history_has_it() -> None:
    folds = flocks().folds
    items = some(folds.train, 0)
    liked = np.count_nonzero(folds.train.toarray().any(0))
    assert len(set(items.tolist())) == len(items) == round(liked / 10) and items.tolist() != sorted(
        items.tolist()
    )
    assert items.tolist() == some(folds.train, 0).tolist() != some(folds.train, 1).tolist()
    left = without(folds.train, items).toarray()
    expected = folds.train.toarray()
    expected[:, items] = 0
    assert (left == expected).all()
    asked = ColdItems.among_themselves(folds.train, items)
    whole = folds.train.toarray()
    both = np.flatnonzero(expected.any(1) & whole[:, items].any(1))
    assert (asked.history.toarray() == expected[both]).all()
    assert (asked.wanted.toarray() == (whole - expected)[both]).all()


def test_cold_items_are_ranked_by_neighbours_alone(sound: tuple[Dataset, EvidenceDSKReG]) -> None:
    """The group says everything: the mean NDCG is that of any order which puts the own group first."""
    data, model = sound
    asked = ColdItems.among_themselves(data.folds.train, some(data.folds.train, 0))
    before = model.item_embedding.clone()
    found = asked.ndcg(model)
    assert found.min() > 0.3 and found.mean() > 0.6
    assert torch.equal(model.item_embedding, before)
    with torch.no_grad():
        model.item_embedding[asked.items] = 1e3  # what is hidden cannot matter
        model.likes[asked.items] += 50
        assert np.array_equal(asked.ndcg(model), found)
        model.likes[asked.items] -= 50
        model.item_embedding.copy_(before)


def test_the_curve_is_the_model_at_each_boost(sound: tuple[Dataset, EvidenceDSKReG]) -> None:
    data, model = sound
    folds, kept = data.folds, model.evidence.clone()
    asked = ColdItems.among_all(folds.shown, folds.validation, some(folds.train, 0), 1000)
    model.evidence[2] = 0.8
    measured = asked.by_boost(model)
    rows = [measured(boost) for boost in (0.0, 4.0, 0.5)]
    assert model.evidence[2] == pytest.approx(0.8) and [row["boost"] for row in rows] == [0.0, 4.0, 0.5]
    for row in rows:
        model.evidence[2] = row["boost"]
        assert asked.by_boost(model)(row["boost"]) == pytest.approx(row, abs=1e-6)
    model.evidence.copy_(kept)
    assert rows[0]["cold"] == 0.0 < rows[2]["cold"] <= rows[1]["cold"]
    assert rows[0]["warm"] >= rows[1]["warm"]


# Resets

CHANGED = {
    parts.UNIFORM: set(),
    parts.STRENGTH: set(),
    parts.FLAT: {"pair_relevance"},
    parts.UNTRAINED: {"pair_relevance"},
    "likes of neighbours ignored": {"pair_relevance"},
    "neighbours weigh the same for all items": {"evidence"},
    "neighbours off": {"evidence"},
    parts.OWN: set(),
}


@pytest.mark.parametrize("name", parts.EVIDENCE)
def test_a_reset_changes_what_it_says_and_is_undone(name: str) -> None:
    model = make(ModelConfig(width=4, picks=2))
    before = {n: v.clone() for n, v in model.state_dict().items()}
    with torch.no_grad(), parts.restored(model):
        parts.EVIDENCE[name](model)
        after = {n: v.clone() for n, v in model.state_dict().items()}
    assert {n for n in after if not torch.equal(after[n], before[n])} == CHANGED[name]
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())
    if name == parts.UNTRAINED:
        assert after["pair_relevance"].tolist() == [1.0] * (len(after["pair_relevance"]) - 1) + [0.0]
    if name == parts.FLAT:
        assert not after["pair_relevance"].any()
    if name == "likes of neighbours ignored":
        assert torch.equal(after["pair_relevance"][:-1], before["pair_relevance"][:-1])
        assert after["pair_relevance"][-1] == 0
    if name == "neighbours off":
        assert after["evidence"][1] == 0
    if name == "neighbours weigh the same for all items":
        k = after["evidence"][1]
        weight = k * after["evidence"][0] / (before["likes"][before["likes"] > 0] + after["evidence"][0])
        assert torch.allclose(weight, k.expand_as(weight))


def test_resets_tell_what_carries_the_ranking(sound: tuple[Dataset, EvidenceDSKReG]) -> None:
    """Hidden titles live by their neighbours: without them nothing is left, and chance alone is worse."""
    data, model = sound
    kept = model.evidence.clone()
    rows = {row["part"]: row for row in parts.resets(model, data.folds, 0)}
    model.evidence.copy_(kept)
    assert list(rows) == ["nothing reset", *parts.EVIDENCE]
    first = rows["nothing reset"]
    assert all(first[view]["change"] == first[view]["within"] == 0 for view in ("all", "rare", "cold"))
    assert rows["neighbours off"]["cold"]["change"] < -0.3
    assert rows["neighbours off"]["rare"]["change"] < 0 > rows[parts.OWN]["all"]["change"]
    assert rows[parts.OWN]["cold"]["change"] == 0, "a hidden title has no embedding to lose"
    for row in rows.values():
        for view in ("all", "rare", "cold"):
            told, base = row[view], first[view]
            assert told["users"] == base["users"] > 0
            assert told["ndcg"] == pytest.approx(base["ndcg"] * (1 + told["change"]))


def test_the_interval_of_a_change_by_hand() -> None:
    before, after = {"all": np.array([0.5, 0.25, 0.75])}, {"all": np.array([0.5, 0.5, 0.5])}
    row = parts._row("x", before, after)["all"]
    assert row["ndcg"] == 0.5 and row["change"] == pytest.approx(0.0) and row["users"] == 3
    assert row["within"] == pytest.approx(1.96 * 0.5 / 3**0.5)
    nothing = parts._row("x", {"all": np.zeros(3)}, {"all": np.zeros(3)})["all"]
    assert (nothing["ndcg"], nothing["change"], nothing["within"]) == (None, None, None)


def test_resets_of_the_papers_form() -> None:
    data = flocks()
    config = Config(model=ModelConfig(form="paper", width=4, picks=2))
    torch.manual_seed(0)
    model = model_of(config.model, build(data, EVERYTHING), 180)
    rows = parts.resets(model, data.folds, 0)
    assert [row["part"] for row in rows] == ["nothing reset", *parts.PAPER]
    assert all(set(row) == {"part", "all", "rare"} for row in rows)
    # a = c = 0, and one relation: the draw alone can be taken away
    assert rows[1]["all"]["change"] != 0 and not any(row["all"]["change"] for row in rows[2:])


def test_draws_without_what_is_learnt_by_hand() -> None:
    """By strength: the K strongest under their own relation. Uniform: every candidate as often."""
    model = make(ModelConfig(width=4, picks=2))
    items = torch.arange(len(model.item_embedding))
    logit = model.item_logits(items).detach()
    found = parts.drawn(model, items, parts.STRENGTH, 0)
    for item in items.tolist():
        own = [
            (-float(model.strengths[item, slot, model.relation[item, slot]]), slot)
            for slot in range(logit.shape[1])
            if math.isfinite(logit[item, slot])
        ]
        expected = [slot for _, slot in sorted(own)[:2]]
        assert found.slot[item][found.picked[item]].tolist() == expected
    count = torch.zeros_like(logit)
    for seed in range(300):
        draw = parts.drawn(model, items, parts.UNIFORM, seed)
        count.scatter_add_(1, draw.slot, draw.picked.to(count.dtype))
    there = torch.isfinite(logit)
    assert not count[~there].any()
    expected_count = 300 * (2 / there.sum(1).clamp(min=2)).clamp(max=1)[:, None].expand_as(count)
    assert (count - expected_count)[there].abs().max() < 45, "five standard deviations of a binomial of 300"
