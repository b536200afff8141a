"""The dense reference and the fast path are the same mathematics: scores, loss and every gradient, with the
same noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.reference import Reference, Triples, fast_steps, score_users, scorer, train_steps
from benchmarks.reference import batches as reference_batches
from dskreg.config import PRESETS, ModelConfig
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.data.interactions import padded, train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import PRUNE, gumbel
from dskreg.model.scoring import Catalogue, pair_scores
from dskreg.training import batches
from dskreg.training.objectives import Bpr
from tests.small import random_world
from tests.worlds import EVERYTHING, checkerboard, hand_drawn

L2 = 1e-2
SINGLE = 1e-6  # the objective leaves float64 between scores and loss
HAND, RANDOM = hand_drawn(), random_world(2, items=16)
SIDES = [
    pytest.param(HAND, 50, 3, id="hand-drawn"),
    pytest.param(RANDOM, 8, 7, id="random, 8 candidates"),
    pytest.param(RANDOM, 8, 3, id="random, 3 picks"),
]


def make(
    config: ModelConfig, dataset: Dataset, candidates: int = 50, spread: float = 0.7
) -> tuple[DSKReG, CandidateGraph]:
    """A model in float64 in which every parameter matters, in training mode."""
    graph = build(dataset, replace(EVERYTHING, candidates=candidates))
    # Whose numbers are those of the hard draw in training too
    model = DSKReG(replace(config, relaxation="straight-through"), graph, len(dataset.user_ids)).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * spread)
    return model, graph


def shared(dataset: Dataset, candidates: int) -> tuple[batches.Triples, Triples, Tensor]:
    """(a batch of the fast path of every training like, the same for the reference, each item's noise at all
    its pairs `[2B, M]`), in float64.
    """
    config = replace(PRESETS["paper"], train=replace(PRESETS["paper"].train, batch=10_000))
    batch = next(batches.TripleBatches(dataset, config, torch.device("cpu")).epoch(1, candidates))
    batch = replace(batch, user_noise=batch.user_noise.double(), item_noise=batch.item_noise.double())
    assert len(batch.titles) < 2 * len(batch.users)  # some draws are shared
    dense = Triples(batch.users, batch.history, batch.titles[batch.liked], batch.titles[batch.other])
    return batch, dense, batch.item_noise[torch.cat([batch.liked, batch.other])]


def both(
    model: DSKReG, dataset: Dataset, candidates: int
) -> tuple[dict[str, Tensor], dict[str, Tensor], Triples]:
    """(gradients of the fast path's BPR loss, the reference's, its batch); the losses are equal."""
    batch, dense, item_noise = shared(dataset, candidates)
    reference = Reference.of(model)
    expected = Bpr(model, replace(PRESETS["paper"].train, l2=L2))(batch)
    loss = reference.loss(dense, batch.user_noise, item_noise, L2)
    assert loss.item() == pytest.approx(expected.item(), rel=SINGLE)
    return gradients(model, expected), gradients(reference, loss), dense


def gradients(model: torch.nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """By parameter; zeros for one that had no part in the loss."""
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return {
        name: torch.zeros_like(p) if g is None else g
        for (name, p), g in zip(model.named_parameters(), found, strict=True)
    }


def crowded(graph: CandidateGraph, items: Tensor, picks: int) -> Tensor:
    """How many candidates the items have that must choose."""
    count = torch.from_numpy((graph.neighbour >= 0).sum(1))[items]
    return count[count > picks]


@pytest.mark.parametrize(("dataset", "candidates", "picks"), SIDES)
@pytest.mark.parametrize("noisy", [False, True], ids=["no noise", "noise"])
@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_the_scores_are_those_of_the_fast_path(
    dataset: Dataset, candidates: int, picks: int, noisy: bool, training: bool
) -> None:
    """Of `forward`, of the relation sums that rank, and of the pairs that train; an item's noise is the same
    for all users.
    """
    model, graph = make(
        replace(PRESETS["paper"].model, width=4, picks=picks, user_picks=2), dataset, candidates
    )
    reference = Reference.of(model.train(training))
    everybody, titles = torch.arange(len(dataset.user_ids)), torch.arange(len(dataset.items))
    history = torch.from_numpy(padded(train_matrix(dataset)))
    generator = torch.Generator().manual_seed(0)
    noise = (
        [gumbel(shape, generator).double() for shape in (tuple(history.shape), graph.shape)]
        if noisy
        else [None, None]
    )
    users, items = (t.flatten() for t in torch.meshgrid(everybody, titles, indexing="ij"))
    dense = reference(
        users,
        history[users],
        items,
        *(None if n is None else n[rows] for n, rows in zip(noise, (users, items), strict=True)),
    )
    user, drawn = model.user_hop(everybody, history, noise[0]).output, model.draw_items(titles, noise[1])
    assert dense.std() > 0.1
    for fast in (
        model(everybody, history, titles, *noise).score.flatten(),
        Catalogue.of(model, titles, drawn).scores(user).T.flatten(),
        pair_scores(model, user[users], titles, drawn, items),
    ):
        assert torch.allclose(dense, fast, rtol=1e-10, atol=1e-12)


def test_loss_and_gradients_are_those_of_the_fast_path() -> None:
    """With at most K + max(1, K/4) candidates, as here, the fast path keeps every gradient: all that is left
    out elsewhere is for those beyond.
    """
    dataset, candidates, picks, user_picks = RANDOM, 8, 7, 6
    model, graph = make(
        replace(PRESETS["paper"].model, width=4, picks=picks, user_picks=user_picks, temperature=1.0),
        dataset,
        candidates,
    )
    fast, dense, batch = both(model, dataset, graph.shape[1])
    histories = (batch.history >= 0).sum(1)
    for count, k in (
        (crowded(graph, torch.cat([batch.liked, batch.other]), picks), picks),
        (histories[histories > user_picks], user_picks),
    ):
        assert len(count) and (count <= k + max(1, k // 4)).all()
    assert fast.keys() == dense.keys()
    for name in fast:
        assert torch.allclose(dense[name], fast[name], rtol=100 * SINGLE, atol=SINGLE), name
    assert all(dense[name].abs().max() > 100 * SINGLE for name in fast), dense


def test_pruning_turns_the_gradient_but_little() -> None:
    """40 candidates, of which 8 are picked and 10 keep a gradient: at the presets' temperature and a spread
    of logits as after some training.

    Measured: the cosine is at least .967 (of the logits' own vectors) for every parameter, and 1 for those
    that are not on the way to a logit.
    """
    dataset = random_world(4, items=60)
    model, graph = make(replace(PRESETS["paper"].model, width=4, user_picks=8), dataset, spread=0.4)
    fast, dense, batch = both(model, dataset, graph.shape[1])
    assert crowded(graph, batch.liked, 8).max() > PRUNE * 8
    cosine = {
        name: float(torch.cosine_similarity(fast[name].flatten(), dense[name].flatten(), dim=0))
        for name in fast.keys()
    }
    assert min(cosine.values()) > 0.96, cosine
    assert all(cosine[name] > 1 - SINGLE for name in ("user_tower.weight", "item_tower.weight")), cosine


def test_in_single_precision_too() -> None:
    model, _ = make(replace(PRESETS["paper"].model, width=16), RANDOM)
    model.float()
    dense = scorer(Reference.of(model.eval()))(np.arange(6), train_matrix(RANDOM))
    assert dense.dtype == np.float32
    assert np.allclose(dense, model_scorer(model)(np.arange(6), train_matrix(RANDOM)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_ranking_does_not_depend_on_the_chunk(chunk: int) -> None:
    model, _ = make(replace(PRESETS["paper"].model, width=4), RANDOM)
    whole = scorer(Reference.of(model))(np.array([3, 1]), train_matrix(RANDOM)[[3, 1]])
    parts = scorer(Reference.of(model), chunk)(np.array([3, 1]), train_matrix(RANDOM)[[3, 1]])
    assert np.allclose(whole, parts, atol=1e-6)


def test_a_batch_never_shows_its_target_and_never_calls_a_like_a_negative() -> None:
    likes = train_matrix(checkerboard(12, 12))
    seen: list[tuple[int, int]] = []
    for batch in reference_batches(likes, 7, np.random.default_rng(0)):
        for user, history, liked, other in zip(
            *(t.tolist() for t in (batch.users, batch.history, batch.liked, batch.other)), strict=True
        ):
            own = set(likes[user].indices.tolist())
            assert liked in own and other not in own
            assert {j for j in history if j >= 0} == own - {liked}
            seen.append((user, liked))
    assert sorted(seen) == list(zip(*(part.tolist() for part in likes.nonzero()), strict=True))


def test_the_reference_learns_the_checkerboard() -> None:
    dataset = checkerboard(16, 16)
    config = replace(PRESETS["paper"], train=replace(PRESETS["paper"].train, batch=32, learning_rate=1e-2))
    torch.manual_seed(0)
    model = Reference.of(DSKReG(config.model, build(dataset, EVERYTHING), 16))
    likes = len(train_matrix(dataset).data)
    before = evaluate(scorer(model), dataset, VALIDATION).results()["ndcg@10"]
    rate = train_steps(model, dataset, config, steps=60)
    assert rate.seconds > 0 and rate.per_second == rate.count / rate.seconds
    epochs, rest = divmod(60, -(-likes // 32))
    assert rate.count == pytest.approx(epochs * likes + rest * 32, abs=32)
    after = evaluate(scorer(model.eval()), dataset, VALIDATION).results()["ndcg@10"]
    assert after > max(0.9, before)
    assert score_users(scorer(model), dataset, np.arange(5)).count == 5


def test_both_paths_count_the_same_pairs() -> None:
    dataset = checkerboard(16, 16)
    config = replace(PRESETS["paper"], train=replace(PRESETS["paper"].train, batch=32))
    model = DSKReG(config.model, build(dataset, EVERYTHING), 16)
    before = model.item_embedding.detach().clone()
    dense, fast = (
        train_steps(Reference.of(model), dataset, config, steps=6),
        fast_steps(model, dataset, config, steps=6),
    )
    assert dense.count == fast.count > 0
    assert not torch.equal(model.item_embedding, before)


def test_every_step_begins_without_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = checkerboard(16, 16)
    model = Reference.of(DSKReG(PRESETS["paper"].model, build(dataset, EVERYTHING), 16))
    monkeypatch.setattr(Reference, "loss", lambda self, *_: self.item_embedding.sum())
    train_steps(model, dataset, PRESETS["paper"], steps=3)
    assert model.item_embedding.grad is not None and (model.item_embedding.grad == 1).all()
