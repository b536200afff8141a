"""What a step may see, that a run repeats itself, and that it learns where there is something to learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor
from worlds import EVERYTHING, A, B, D, checkerboard, hand_drawn, hand_drawn_graph

from dskreg import start, training
from dskreg.baselines import Popularity
from dskreg.config import PRESETS, Config, ModelConfig, TrainConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.evaluation import evaluate
from dskreg.graph import CandidateGraph, build, train_matrix
from dskreg.losses import masked_softmax
from dskreg.model import DSKReG
from dskreg.training import BprSteps, Epoch, SoftmaxSteps, Trained, hide, train

CPU = torch.device("cpu")


def settings(name: str, **changes: Any) -> Config:
    """A preset at the size of the small worlds; `changes` go to its training settings."""
    config = PRESETS[name]
    model, training_ = replace(config.model, width=8, picks=3, user_picks=3), replace(config.train, device="cpu", batch=16, **changes)
    return replace(config, graph=EVERYTHING, model=model, train=training_)


def small(users: int = 24, items: int = 16) -> tuple[Dataset, CandidateGraph]:
    data = checkerboard(users, items)
    return data, build(data, EVERYTHING)


def weights(model: DSKReG) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# What is hidden


def test_hiding_divides_every_history_in_two() -> None:
    rng = np.random.default_rng(0)
    likes = train_matrix(checkerboard(60, 40))
    likes = likes.multiply(rng.random(likes.shape) < rng.random((60, 1))).tocsr()
    likes.eliminate_zeros()
    length = np.diff(likes.indptr)
    assert {1, 2} <= set(length.tolist()) and length.max() > 15
    for _ in range(20):
        shown, hidden = (part.toarray() for part in hide(likes, TrainConfig(), rng))
        assert not (shown * hidden).any()  # disjoint
        assert (shown + hidden == likes.toarray()).all()  # complete
        assert (hidden.sum(1)[length >= 2] >= 1).all() and (shown.sum(1)[length >= 1] >= 1).all()
        share = hidden.sum(1)[length >= 10] / length[length >= 10]
        assert share.min() >= 0.3 - 0.05 and share.max() <= 0.5 + 0.05


def test_every_title_is_hidden_equally_often() -> None:
    likes, rng = train_matrix(checkerboard(40, 40))[:1], np.random.default_rng(0)
    often = sum(hide(likes, TrainConfig(), rng)[1].toarray()[0] for _ in range(2000)) / 2000
    assert np.abs(often[likes.indices] - 0.4).max() < 0.05


class Watched(DSKReG):
    """Keeps what it is asked."""

    asked: list[dict[str, Any]]

    def user_hop(self, users: Tensor, history: Tensor, noise: Tensor | None = None, picks: int | None = None) -> Any:
        self.asked.append({"users": users, "history": history, "noise": noise})
        return super().user_hop(users, history, noise, picks)

    def item_hop(self, user: Tensor, items: Tensor, drawn: Any, paired: bool = False) -> Any:
        self.asked[-1] |= {"items": items, "drawn": drawn, "paired": paired}
        return super().item_hop(user, items, drawn, paired)


def watched(config: Config, graph: CandidateGraph, users: int) -> Watched:
    torch.manual_seed(0)
    model = Watched(config.model, graph, users)
    model.asked = []
    return model


def test_softmax_predicts_what_the_history_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    data, graph = small()
    config, likes = settings("default"), train_matrix(data).toarray() > 0
    model, steps = watched(config, graph, 24), SoftmaxSteps(data, config, CPU)
    given: list[tuple[Tensor, Tensor, Tensor]] = []
    masked_softmax = training.losses.masked_softmax

    def watched_loss(score: Tensor, target: Tensor, known: Tensor) -> Tensor:
        given.append((score, target, known))
        return masked_softmax(score, target, known)

    monkeypatch.setattr(training.losses, "masked_softmax", watched_loss)
    for epoch in (1, 2, 3):
        assert len(list(steps.losses(model, epoch))) == len(steps) == 2
    met: list[int] = []
    for asked, (score, target, known) in zip(model.asked, given, strict=True):
        users, history = asked["users"].numpy(), asked["history"].numpy()
        assert score.shape == target.shape and asked["items"].tolist() == list(range(16)) and not asked["paired"]
        shown = np.zeros((len(users), 16), dtype=bool)
        for row, titles in enumerate(history):
            shown[row, titles[titles >= 0]] = True
        assert (known.numpy() == shown).all() and not (shown & target.numpy()).any()
        assert ((shown | target.numpy()) == likes[users]).all()
        assert target.any(1).all() and shown.any(1).all()
        met.extend(users.tolist())
    assert sorted(met) == sorted([*range(24)] * 3)  # everybody once per epoch
    histories = [asked["history"] for asked in model.asked]
    assert not torch.equal(histories[0], histories[2])  # other epochs hide others
    assert not torch.equal(model.asked[0]["drawn"].noise, model.asked[1]["drawn"].noise)  # other steps draw others


def test_only_titles_with_training_likes_are_alternatives_and_only_those_with_two_likes_are_asked() -> None:
    data = hand_drawn()
    steps = SoftmaxSteps(data, settings("default"), CPU)
    assert steps.titles.tolist() == [A, B, D] and steps.users.tolist() == [0, 1]


def test_bpr_leaves_the_liked_title_out_of_the_history_and_never_takes_one_that_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    data, graph = small()
    seen_too = np.arange(len(data.fold)) % 5 == 0  # some of the training likes become seen, others stand outside the core
    fold = np.where(seen_too & (data.fold == TRAIN), np.where(data.item % 4 < 2, SEEN, OUTSIDE), data.fold).astype(np.int8)
    data = replace(data, fold=fold, liked=data.liked & (fold != SEEN))
    config, likes = settings("paper"), train_matrix(data).toarray() > 0
    met = np.zeros_like(likes)
    met[data.user[data.fold != VALIDATION], data.item[data.fold != VALIDATION]] = True
    model, steps = watched(config, graph, 24), BprSteps(data, config, CPU)
    pairs: list[tuple[int, int]] = []
    others: set[tuple[int, int]] = set()
    for epoch in (1, 2, 3, 4):
        list(steps.losses(model, epoch))
    for asked in model.asked:
        users, history = asked["users"].tolist(), asked["history"].tolist()
        liked, other = (part.tolist() for part in asked["items"].chunk(2))
        assert asked["paired"]
        for u, h, i, j in zip(users, history, liked, other, strict=True):
            assert likes[u, i] and not met[u, j]
            assert {t for t in h if t >= 0} == set(np.flatnonzero(likes[u])) - {i}
            pairs.append((u, i))
            others.add((u, j))
    assert sorted(pairs) == sorted([*map(tuple, np.argwhere(likes))] * 4)  # every pair once per epoch
    assert len(others) > 0.8 * (~met).sum()  # and whatever was never met has its turn


@pytest.mark.parametrize("name", PRESETS)
def test_the_liked_and_the_other_title_pass_through_the_same_tower(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the same title on both sides, without noise: the two scores are one, and the loss is log 2."""
    data, graph = small()
    config = replace(settings(name, objective="bpr", l2=0.0))
    monkeypatch.setattr(training, "gumbel", lambda shape, generator, device: torch.zeros(shape))
    model, steps = watched(config, graph, 24), BprSteps(data, config, CPU)
    rng = training._randomness(config.seed, 1, CPU)[0]
    batches = np.array_split(rng.permutation(steps.pairs), len(steps))
    liked = iter([batch[:, 1] for batch in batches])
    monkeypatch.setattr(steps, "_negatives", lambda users, rng: next(liked))
    for loss in steps.losses(model, 1):
        assert loss.tolist() == pytest.approx(math.log(2), abs=1e-6)
    assert torch.equal(*model.asked[0]["items"].chunk(2))


def test_l2_counts_what_the_batch_touched() -> None:
    data, graph = small()
    with_l2, without = settings("paper", l2=0.5), settings("paper", l2=0.0)
    pairs = [list(BprSteps(data, config, CPU).losses(watched(config, graph, 24), 1)) for config in (with_l2, without)]
    model = watched(with_l2, graph, 24)
    list(BprSteps(data, with_l2, CPU).losses(model, 1))
    for asked, penalised, plain in zip(model.asked, *pairs, strict=True):
        assert model.user_embedding is not None
        touched = (model.item_embedding[asked["items"]], model.relation_embedding, model.user_embedding[asked["users"]])
        norm = sum(float(t.detach().square().sum()) for t in touched)
        assert float((penalised - plain).detach()) == pytest.approx(0.5 * norm / 2 / len(asked["items"]), rel=1e-3)


# A run


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_repeats_itself_and_another_seed_does_not(name: str) -> None:
    data, graph = small()
    config = settings(name, epochs=2)
    torch.manual_seed(123)
    first = train(data, graph, config)
    torch.rand(7)  # whatever happened before must not matter
    again, other = train(data, graph, config), train(data, graph, replace(config, seed=1))
    assert same(weights(first.model), weights(again.model)) and not same(weights(first.model), weights(other.model))
    assert [e.loss for e in first.history[1:]] == [e.loss for e in again.history[1:]]


@pytest.mark.parametrize("name", PRESETS)
def test_a_resumed_run_is_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    data, graph = small()
    config = settings(name, epochs=4, patience=9)
    whole = train(data, graph, config, tmp_path / "whole")
    train(data, graph, replace(config, train=replace(config.train, epochs=2)), tmp_path / "part")
    told: list[int] = []
    resumed = train(data, graph, config, tmp_path / "part", resume=True, report=lambda e: told.append(e.epoch))
    assert told == [3, 4]
    assert same(weights(resumed.model), weights(whole.model)) and resumed.best_epoch == whole.best_epoch
    timeless = [[(e.epoch, e.loss, e.entropy, e.ndcg, e.recall) for e in run.history[1:]] for run in (resumed, whole)]
    assert timeless[0] == timeless[1]
    assert (tmp_path / "part" / "state.safetensors").read_bytes() == (tmp_path / "whole" / "state.safetensors").read_bytes()


def test_resuming_without_a_checkpoint_starts(tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=1)
    assert same(weights(train(data, graph, config, tmp_path / "none", resume=True).model), weights(train(data, graph, config).model))


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=2)
    done = train(data, graph, config, tmp_path / "run")
    again = train(data, graph, config, tmp_path / "run", resume=True, report=lambda e: pytest.fail("nothing is left to do"))
    assert same(weights(done.model), weights(again.model)) and again.history[1:] == done.history[1:]


OTHER: list[dict[str, Any]] = [
    {"seed": 1},
    {"model": {"temperature": 0.2}},
    {"train": {"learning_rate": 0.1}},
    {"graph": {"candidates": 7}},
    {"data": {"like_threshold": 8.0}},
]


@pytest.mark.parametrize("changed", OTHER, ids=str)
def test_resuming_refuses_other_settings(changed: dict[str, Any], tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=1)
    train(data, graph, config, tmp_path / "run")
    document = config.to_json()
    for key, value in changed.items():
        document[key] = document[key] | value if isinstance(value, dict) else value
    with pytest.raises(InputError, match=r"run: the checkpoint was made with other settings; train without --resume or restore them"):
        train(data, graph, Config.from_json(document), tmp_path / "run", resume=True)


@pytest.mark.parametrize("users, items", [(24, 16), (26, 16), (24, 18)])
def test_resuming_refuses_other_data(users: int, items: int, tmp_path: Path) -> None:
    """Also where every shape fits and only the likes differ."""
    data, graph = small()
    config = settings("default", epochs=1)
    train(data, graph, config, tmp_path / "run")
    other = checkerboard(users, items)
    other = replace(other, fold=np.random.default_rng(0).permutation(other.fold))
    with pytest.raises(InputError, match="run: the checkpoint was made with other data"):
        train(other, build(other, EVERYTHING), replace(config, train=replace(config.train, epochs=2)), tmp_path / "run", resume=True)


@pytest.mark.parametrize("file, content", [("state.json", "{"), ("state.json", "{}"), ("state.json", '{"history": []}'), ("state.safetensors", "short")])
def test_resuming_refuses_a_damaged_checkpoint(file: str, content: str, tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=1)
    train(data, graph, config, tmp_path / "run")
    (tmp_path / "run" / file).write_text(content)
    with pytest.raises(InputError, match=r"run: the checkpoint cannot be read \(\w+\); delete the folder or train without --resume"):
        train(data, graph, config, tmp_path / "run", resume=True)


def test_early_stopping_returns_the_first_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    figures, seen = iter([0.1, 0.2, 0.5, 0.4, 0.5, 0.3, 0.9]), []

    def measure(model: DSKReG, dataset: Dataset, config: TrainConfig, epoch: int, loss: float, seconds: float) -> Epoch:
        seen.append(weights(model))
        return Epoch(epoch, loss, 0.0, next(figures), 0.0, seconds, 0.0)

    monkeypatch.setattr(training, "_measure", measure)
    data, graph = small()
    trained = train(data, graph, settings("default", epochs=50, patience=3))
    assert [e.epoch for e in trained.history] == [0, 1, 2, 3, 4, 5]  # three epochs without a better one, equal is not better
    assert trained.best_epoch == 2 and same(weights(trained.model), seen[2]) and not same(seen[2], seen[5])


def test_no_epoch_is_the_start() -> None:
    data, graph = small()
    trained = train(data, graph, settings("default", epochs=0))
    assert trained.best_epoch == 0 and len(trained.history) == 1 and math.isnan(trained.history[0].loss)


def test_progress_sees_every_step_of_every_epoch() -> None:
    told: list[tuple[int, str]] = []

    def progress(steps: Iterator, count: int, label: str) -> Iterator:
        done = list(steps)
        told.append((len(done), label))
        assert len(done) == count
        return iter(done)

    data, graph = small()
    train(data, graph, settings("default", epochs=2), progress=progress)
    assert told == [(2, "epoch 1"), (2, "epoch 2")]


def test_training_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """stdout belongs to the command line's results."""
    data, graph = small()
    train(data, graph, settings("default", epochs=1))
    assert capsys.readouterr() == ("", "")


# What cannot be trained


def test_without_training_likes_there_is_a_message() -> None:
    data = hand_drawn()
    nobody = replace(data, fold=np.full_like(data.fold, SEEN), liked=np.zeros_like(data.liked))
    with pytest.raises(InputError, match="world: no likes to train on"):
        train(nobody, hand_drawn_graph(), settings("default", epochs=1))


def test_where_nobody_has_two_likes_the_softmax_has_nothing_to_hide_and_says_so() -> None:
    data = hand_drawn()
    fold = data.fold.copy()
    fold[(data.item == B) | ((data.item == D) & (data.user == 1))] = OUTSIDE
    alone = replace(data, fold=fold)
    with pytest.raises(InputError, match="two"):
        train(alone, build(alone, EVERYTHING), settings("default", epochs=1))


def test_without_validation_the_last_epoch_is_kept() -> None:
    """No figure says which epoch is best; the start is the worst guess."""
    data, graph = small()
    everything = replace(data, fold=np.full_like(data.fold, TRAIN))
    trained = train(everything, graph, settings("paper", epochs=3, patience=1))
    assert trained.best_epoch == 3


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"device '{name}' is not usable here \(.+\); try --device cpu"):
        training.choose_device(name)


# Learning


@pytest.mark.parametrize(
    "name, start, epochs, rate",
    [("default", "svd", 1, 3e-4), ("default", "random", 12, 2e-2), ("paper", "random", 12, 3e-2)],
    ids=["default", "default without the svd", "paper"],
)
def test_the_checkerboard_is_learnt(name: str, start: str, epochs: int, rate: float) -> None:
    """Everybody's held-out title is the one of her own parity that she has not got; popularity cannot know that."""
    data = checkerboard()
    config = settings(name, start=start, epochs=epochs, learning_rate=rate, sampler_learning_rate=rate)
    trained: Trained = train(data, build(data, EVERYTHING), config)
    popularity = Popularity().fit(train_matrix(data))
    popular = evaluate(lambda users, history: popularity.scores(history), data, VALIDATION).results()["ndcg@20"]
    assert trained.history[trained.best_epoch].ndcg > 0.95
    assert popular < 0.5


def test_mixed_precision_takes_the_same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """bfloat16 rounds; it must not keep the weights of the first step. (autocast caches its casts until the outermost one ends.)"""
    data = checkerboard()
    config = settings("default", start="random", epochs=1, learning_rate=0.05, sampler_learning_rate=0.05)
    graph, true_autocast, runs = build(data, EVERYTHING), torch.autocast, []
    for mixed in (False, True):

        def autocast(kind: str, mixed: bool = mixed, **options: Any) -> Any:
            return true_autocast(kind, **(options | {"enabled": mixed}))

        monkeypatch.setattr(torch, "autocast", autocast)
        steps: list[float] = []

        def progress(losses: Iterator, count: int, label: str, steps: list[float] = steps) -> Iterator:
            for loss in losses:
                steps.append(float(loss))
                yield loss

        train(data, graph, config, progress=progress)
        runs.append(np.array(steps))
    assert np.abs(runs[0] - runs[1]).max() < 0.1 * (runs[0][0] - runs[0][-1])


def test_the_svd_start_is_the_svd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "SHIFTS", (1.0,))
    monkeypatch.setattr(start, "PARTS", (1,))
    user, item = np.nonzero(np.random.default_rng(0).random((30, 20)) < 0.4)
    fold, liked = np.full(len(user), TRAIN, dtype=np.int8), np.ones(len(user), dtype=bool)
    data = replace(checkerboard(30, 20), user=user.astype(np.int32), item=item.astype(np.int32), fold=fold, liked=liked)
    config, matrix = settings("default", epochs=0), train_matrix(data)
    model = DSKReG(config.model, build(data, EVERYTHING), 30)
    start.start_from_svd(model, data, config)
    dense = matrix.toarray().astype(float)
    people, titles = dense.sum(1, keepdims=True), dense.sum(0)
    normal = dense / np.sqrt(people + people.mean()) / np.sqrt(titles + titles.mean())
    _, value, right = np.linalg.svd(normal)
    assert value[7] - value[8] > 1e-6  # otherwise the first eight are not determined
    gram, expected = (model.item_embedding @ model.item_embedding.T).detach().numpy(), (right[:8].T * value[:8]) @ right[:8]  # V S V': whatever the signs
    scale = np.trace(gram) / np.trace(expected)
    assert scale >= 1 and np.allclose(gram, expected * scale, atol=1e-4 * scale)


def test_a_width_beyond_the_rank_is_filled_with_zeros() -> None:
    data, graph = small(8, 6)
    model = DSKReG(ModelConfig(width=32), graph, 8)
    start.start_from_svd(model, data, replace(Config(), model=ModelConfig(width=32)))
    assert not model.item_embedding[:, 6:].any() and model.item_embedding[:, :2].any()


def test_the_svd_start_is_the_best_of_those_tried() -> None:
    """No width and no shift that was tried ranks the validation titles better by the plain dot product."""
    data, graph = small(60, 40)
    config = replace(Config(), model=ModelConfig(width=16))
    model = DSKReG(config.model, graph, 60)
    start.start_from_svd(model, data, config)

    def ndcg(vectors: np.ndarray) -> float:
        return evaluate(start._dot_product(vectors), data, VALIDATION).results()["ndcg@20"]

    chosen = ndcg(model.item_embedding.detach().numpy())
    tried = [start._singular_vectors(train_matrix(data), 16, shift, 0)[:, : 16 // part] for shift in start.SHIFTS for part in start.PARTS]
    assert chosen == pytest.approx(max(map(ndcg, tried)), abs=1e-6)


def test_entropy_is_one_for_a_uniform_sampler_and_zero_for_a_certain_one() -> None:
    model = DSKReG(replace(PRESETS["paper"].model, width=4), hand_drawn_graph(), 3)  # a = c = 0
    assert training.sampling_entropy(model) == pytest.approx(1.0)
    with torch.no_grad():
        model.item_embedding.copy_(torch.arange(5.0)[:, None].expand(5, 4))
        model.relation_embedding.copy_(torch.arange(3.0)[:, None].expand(3, 4))
        model.relevance_item.fill_(100.0)
        model.relevance_relation.fill_(17.0)
    assert training.sampling_entropy(model) == pytest.approx(0.0, abs=1e-6)


def test_a_sampled_softmax_estimates_the_whole_one() -> None:
    """A uniform sample of the alternatives, each standing for several, gives about the loss over all; nobody's target is lost."""
    rng = np.random.default_rng(0)
    score, target = torch.randn(40, 3000), torch.zeros(40, 3000, dtype=torch.bool)
    target[torch.arange(40), torch.from_numpy(rng.integers(3000, size=40))] = True
    whole = masked_softmax(score, target, torch.zeros_like(target))
    steps = training.SoftmaxSteps.__new__(training.SoftmaxSteps)
    steps.titles, steps.config = np.arange(3000), replace(Config(), train=TrainConfig(alternatives=600))
    hidden = sparse.csr_matrix(target.float().numpy())
    items, sampled = steps._alternatives(hidden, rng)
    assert len(set(items)) == len(items) and sampled.sum() == 600 and set(hidden.indices) <= set(items)
    own = target[:, items]
    weighted = score[:, items] + np.log(3000 / 600) * ~own
    part = masked_softmax(weighted, own, torch.from_numpy(~sampled) & ~own)
    assert float(part) == pytest.approx(float(whole), rel=0.02)
    assert float(masked_softmax(score[:, items], own, torch.zeros_like(own))) != pytest.approx(float(whole), rel=0.02)
