"""That a run repeats itself, resumes, stops in time, and learns where there is something to learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dskreg.config import PRESETS, Config
from dskreg.data.dataset import OUTSIDE, SEEN, TRAIN, VALIDATION
from dskreg.data.interactions import train_matrix
from dskreg.errors import InputError
from dskreg.evaluation.baselines import Popularity
from dskreg.evaluation.evaluate import evaluate
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import model_of
from dskreg.training import closed_form, trainer
from dskreg.training.measure import Measure, sampling_entropy
from dskreg.training.trainer import Diverged, Epoch, Trained, refit, train
from tests.tiny_runs import same, settings, small, weights
from tests.worlds import EVERYTHING, B, D, checkerboard, hand_drawn, hand_drawn_graph

# A run


@pytest.mark.parametrize("name", ["default", "paper"])
def test_a_run_repeats_itself_and_another_seed_does_not(name: str) -> None:
    data, graph = small()
    config = settings(name, epochs=2)
    torch.manual_seed(123)
    first = train(data, graph, config)
    torch.rand(7)  # whatever happened before must not matter
    again, other = train(data, graph, config), train(data, graph, replace(config, seed=1))
    assert same(weights(first.model), weights(again.model)) and not same(
        weights(first.model), weights(other.model)
    )
    assert [e.loss for e in first.history[1:]] == [e.loss for e in again.history[1:]]


@pytest.mark.parametrize("name", ["default", "paper"])
def test_a_resumed_run_is_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    data, graph = small()
    config = settings(name, epochs=4, patience=9)
    whole = train(data, graph, config, tmp_path / "whole")
    train(data, graph, replace(config, train=replace(config.train, epochs=2)), tmp_path / "part")
    told: list[int] = []
    resumed = train(
        data, graph, config, tmp_path / "part", resume=True, report=lambda e, _: told.append(e.epoch)
    )
    assert told == [3, 4]
    assert same(weights(resumed.model), weights(whole.model)) and resumed.best_epoch == whole.best_epoch
    timeless = [
        [(e.epoch, e.loss, e.entropy, e.ndcg, e.recall, e.hidden) for e in run.history[1:]]
        for run in (resumed, whole)
    ]
    assert timeless[0] == timeless[1]
    assert (tmp_path / "part" / "state.safetensors").read_bytes() == (
        tmp_path / "whole" / "state.safetensors"
    ).read_bytes()


def test_resuming_without_a_checkpoint_starts(tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=1)
    assert same(
        weights(train(data, graph, config, tmp_path / "none", resume=True).model),
        weights(train(data, graph, config).model),
    )


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=2)
    done = train(data, graph, config, tmp_path / "run")
    again = train(
        data,
        graph,
        config,
        tmp_path / "run",
        resume=True,
        report=lambda *_: pytest.fail("nothing is left to do"),
    )
    assert same(weights(done.model), weights(again.model)) and again.history[1:] == done.history[1:]


OTHER: list[dict[str, Any]] = [
    {"seed": 1},
    {"model": {"temperature": 0.2}},
    {"train": {"learning_rate": 0.05}},
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
    with pytest.raises(
        InputError,
        match=r"run: the checkpoint was made with other settings; train without --resume or restore them",
    ):
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
        train(
            other,
            build(other, EVERYTHING),
            replace(config, train=replace(config.train, epochs=2)),
            tmp_path / "run",
            resume=True,
        )


@pytest.mark.parametrize("name", ["default", "paper"])
def test_resuming_takes_the_start_from_the_checkpoint(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was stopped before its first epoch ended, and in the refit; what the start chose is told
    all the same.
    """
    data, graph = small()
    config = settings(name, epochs=2)
    whole = train(data, graph, config)
    again = refit(data, config, whole)[1]
    none = replace(config, train=replace(config.train, epochs=0))
    train(data, graph, none, tmp_path / "run")
    refit(data, none, replace(whole, best_epoch=0), tmp_path / "refit")
    for part in ("choose", "embeddings"):
        monkeypatch.setattr(closed_form, part, lambda *_: pytest.fail("the start is in the checkpoint"))
    resumed = train(data, graph, config, tmp_path / "run", resume=True)
    assert same(weights(resumed.model), weights(whole.model)) and resumed.start == whole.start
    assert (resumed.start is None) == (name == "paper")
    refitted = refit(data, config, whole, tmp_path / "refit", resume=True)[1]
    assert same(weights(refitted.model), weights(again.model)) and refitted.start == again.start


@pytest.mark.parametrize("name", ["default", "paper"])
def test_early_stopping_returns_the_first_best_epoch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the titles that are hidden, where some are; by all validation likes elsewhere."""
    figures, seen = iter([0.1, 0.2, 0.5, 0.4, 0.5, 0.3, 0.9]), []

    def measure(self: Measure, epoch: int, loss: float | None, seconds: float) -> Epoch:
        seen.append(weights(self.model))
        found, rising = next(figures), epoch / 100
        ndcg, hidden = (rising, found) if name == "default" else (found, None)
        return Epoch(epoch, loss, 0.0, ndcg, 0.0, hidden, seconds, 0.0)

    monkeypatch.setattr(Measure, "__call__", measure)
    data, graph = small()
    trained = train(data, graph, settings(name, epochs=50, patience=3))
    # Three epochs without a better one, equal is not better
    assert [e.epoch for e in trained.history] == [0, 1, 2, 3, 4, 5]
    assert trained.best_epoch == 2
    kept, chosen = weights(trained.model), {"evidence"}  # after training
    assert same(*({n: v for n, v in w.items() if n not in chosen} for w in (kept, seen[2])))
    assert not same(seen[2], seen[5])


def test_no_epoch_is_the_start() -> None:
    data, graph = small()
    trained = train(data, graph, settings("default", epochs=0))
    assert trained.best_epoch == 0 and len(trained.history) == 1 and trained.history[0].loss is None
    relevance = trained.model.get_parameter("pair_relevance").tolist()
    assert relevance == [1.0] * (len(relevance) - 1) + [0.0] and trained.evidence is not None
    assert trained.model.evidence.tolist() == pytest.approx(
        [trained.evidence[part] for part in ("kappa", "scale", "boost")]
    )


def test_progress_sees_every_step_of_every_epoch() -> None:
    told: list[tuple[int, str]] = []

    def progress(steps: Iterator, count: int, label: str) -> Iterator:
        done = list(steps)
        told.append((len(done), label))
        assert len(done) == count
        return iter(done)

    data, graph = small()
    train(data, graph, settings("default", epochs=2), progress=progress)
    # Of 16 liked titles 2 are kept for validation; the others are hidden two at a time
    starts = 2 * len(closed_form.EXPONENTS)
    assert told == [(starts, "start"), (7, "epoch 1"), (7, "epoch 2"), (56, "weight of neighbours")]


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


def test_without_a_user_of_two_training_likes_nothing_can_be_hidden() -> None:
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


@pytest.mark.parametrize("name", ["meta", "hpu", "xla", "gpu", "cpu:0", "", "cuda:x"])
def test_a_device_that_is_not_supported_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"device '{name}': expected auto, cpu, cuda, cuda:N or mps"):
        trainer.choose_device(name)


@pytest.mark.parametrize("name", ["cuda:99"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"device '{name}' is not usable here \(.+\); try --device cpu"):
        trainer.choose_device(name)


def test_a_training_that_diverges_ends_in_words_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    data, graph = small()
    config = settings("default", epochs=300, patience=300, learning_rate=1e3)
    told: list[Epoch] = []
    with pytest.raises(
        Diverged,
        match=r"training diverged at epoch \d+, .*: lower train.learning_rate \(1000\)",
    ) as error:
        train(data, graph, config, tmp_path / "run", report=lambda epoch, _: told.append(epoch))
    last = error.value.last
    assert [epoch.epoch for epoch in told] == list(range(last + 1)), "every epoch before it was sound"
    fewer = replace(config, train=replace(config.train, epochs=last))
    kept = train(
        data,
        graph,
        fewer,
        tmp_path / "run",
        resume=True,
        report=lambda *_: pytest.fail("nothing is left to do"),
    )
    assert kept.history == tuple(told) and all(
        bool(torch.isfinite(value).all()) for value in weights(kept.model).values()
    )


@pytest.mark.parametrize(
    "form, name, value",
    [
        ("default", "item_embedding", math.nan),
        ("default", "item_embedding", 1e38),
        ("default", "pair_relevance", math.nan),
        ("default", "pair_relevance", math.inf),
        ("default", "log_scale", math.nan),
        ("default", "log_scale", 1e3),
        ("paper", "relation_embedding", math.inf),
        ("paper", "relation_embedding", 2e5),
    ],
)
def test_what_is_no_number_is_never_measured(
    form: str, name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parameter that is none, or so large that the scores are none."""

    def spoilt(*arguments: Any) -> Iterator:
        yield torch.zeros(())
        with torch.no_grad():
            made[-1].get_parameter(name).fill_(value)

    made: list[DSKReG] = []
    true_task = trainer._task
    monkeypatch.setattr(trainer, "_run", spoilt)
    monkeypatch.setattr(
        trainer,
        "_task",
        lambda dataset, model, *others: made.append(model) or true_task(dataset, model, *others),
    )
    data, graph = small()
    with pytest.raises(
        Diverged, match=r"training diverged at epoch 1, (its scores are too large|.* is out of range)"
    ):
        train(data, graph, settings(form, epochs=1))


# Learning


@pytest.mark.parametrize(("name", "epochs", "rate"), [("default", 2, 0.2), ("paper", 12, 3e-2)])
def test_the_checkerboard_is_learnt(name: str, epochs: int, rate: float) -> None:
    """All users' held-out item is the one of her own parity that she has not got; popularity cannot know
    that.
    """
    data = checkerboard()
    config = settings(name, epochs=epochs, learning_rate=rate, sampler_learning_rate=rate)
    trained: Trained = train(data, build(data, EVERYTHING), config)
    popularity = Popularity().fit(train_matrix(data))
    popular = evaluate(lambda users, history: popularity.scores(history), data, VALIDATION).results()[
        "ndcg@20"
    ]
    assert trained.history[trained.best_epoch].ndcg > 0.95
    assert popular < 0.5


def test_the_sampler_learns_which_relation_says_something() -> None:
    """Parity decides who likes a title. A shelf holds one title of either, and is the rarer entity: the draw
    starts with it, which ranks hidden titles upside down, and ends with parity.
    """
    data = checkerboard(60, 60)
    shelf = data.relation == 1
    tail = np.where(shelf, 2 + data.head // 2, data.tail).astype(data.tail.dtype)
    entities = np.array(["even", "odd", *map(str, range(30))], dtype=object)
    data = replace(data, tail=tail, entities=entities, entity_item=np.full(32, -1, np.int32))
    config = settings("default", epochs=20, patience=20, learning_rate=0.3)
    config = replace(config, model=replace(config.model, width=16, picks=1))
    graph = build(data, EVERYTHING)
    trained = train(data, graph, config)
    fresh = model_of(config.model, graph, 60)
    fresh.likes.copy_(trained.model.likes)
    picked = []
    for model in (fresh, trained.model):
        drawn = model.draw_items(torch.arange(60))
        picked.append({graph.relations[r] for r in graph.relation[np.arange(60), drawn.slot[:, 0]]})
    assert picked == [{"shelf"}, {"parity"}]
    assert trained.history[trained.best_epoch].hidden > 0.95 > 0.7 > trained.history[0].hidden


def test_the_learning_rate_falls_with_the_steps() -> None:
    graph = small()[1]
    config = settings("default", epochs=1, learning_rate=0.3)
    model = model_of(config.model, graph, 24)
    optimiser, rate = trainer._optimiser(model, config.train)
    rates = []
    for step in (0, 30, 270):
        rate(step)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.3, 0.15, 0.03])
    assert not any(p is model.item_embedding for group in optimiser.param_groups for p in group["params"])


def test_entropy_is_one_for_a_uniform_sampler_and_zero_for_a_certain_one() -> None:
    """C draws among A and B, under one relation; the others have one candidate or none."""
    paper, evidence = (
        model_of(replace(PRESETS[name].model, width=4), hand_drawn_graph(), 3)
        for name in ("paper", "default")
    )
    evidence.likes.copy_(torch.tensor([2.0, 2, 0, 2, 0]))
    for model in (paper, evidence):  # a = c = 0, and equal strengths
        assert sampling_entropy(model) == pytest.approx(1.0)
    with torch.no_grad():
        paper.item_embedding.copy_(torch.arange(5.0)[:, None].expand(5, 4))
        paper.relevance_item.fill_(100.0)
        evidence.pair_relevance[-1].fill_(1000.0)
        evidence.likes[0] = 20
    for model in (paper, evidence):
        assert sampling_entropy(model) == pytest.approx(0.0, abs=1e-6)
