"""benchmarks/levers.py: each lever changes what it says, and nothing stays changed; the record grows and is
not made twice.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dskreg.training.start import Kernel, Start

from benchmarks import changes, levers, significance, trials
from benchmarks.trials import Lever, Withheld, tried
from dskreg.config import PRESETS, Config, GraphConfig, ModelConfig, TrainConfig
from dskreg.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.baselines import EASE
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph import candidates
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.training import batches, objectives, trainer
from dskreg.training.objectives import MaskedSoftmax
from tests.tiny_runs import noisy

SMALL = Config(
    graph=GraphConfig(candidates=12),
    model=ModelConfig(width=8, picks=3, user_picks=3),
    train=TrainConfig(epochs=2, batch=8, learning_rate=1e-3),
)
CHOSEN = Start((Kernel(0.25, 10.0, 8),))


def model_of(data: Dataset) -> DSKReG:
    torch.manual_seed(0)
    return DSKReG(SMALL.model, build(data, SMALL.graph), len(data.user_ids))


def started(data: Dataset) -> DSKReG:
    return trainer.train(
        data, build(data, SMALL.graph), replace(SMALL, train=replace(SMALL.train, epochs=0)), start=CHOSEN
    ).model.eval()


def test_a_share_of_the_candidates_is_dropped_and_the_noise_is_whole_again_afterwards() -> None:
    generator = torch.Generator()
    plain = batches.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu"))
    with changes.dropping(0.3):
        noise = batches.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu"))
    gone = noise < -1e5
    assert float(gone.float().mean()) == pytest.approx(0.3, abs=0.02) and torch.equal(
        noise[~gone], plain[~gone]
    )
    assert torch.equal(batches.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu")), plain)


def test_popularity_is_added_to_what_the_softmax_sees() -> None:
    data = noisy()
    model = model_of(data).train()
    batch = next(batches.MaskedBatches(data, SMALL, torch.device("cpu")).epoch(1, model.neighbour.shape[1]))
    objective, seen = MaskedSoftmax(model, SMALL.train), []
    real = objectives.masked_softmax
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            objectives, "masked_softmax", lambda score, *rest: seen.append(score) or real(score, *rest)
        )
        objective(batch)
        with changes.corrected(data):
            objective(batch)
        objective(batch)
    likes = np.asarray(train_matrix(data).sum(0)).ravel()[batch.titles]
    torch.testing.assert_close(
        seen[1] - seen[0], torch.log(torch.from_numpy(likes)).float().expand_as(seen[0])
    )
    assert torch.equal(seen[0], seen[2]) and objectives.masked_softmax is real


def test_co_liked_candidates_are_as_strong_as_ease_says() -> None:
    data = noisy()
    with changes.of_ease(20.0):
        found = build(data, SMALL.graph)
    likes = train_matrix(data)
    liked = np.flatnonzero(np.asarray(likes.sum(0)).ravel())
    weights = np.zeros((len(data.items),) * 2)
    weights[np.ix_(liked, liked)] = EASE(20.0).fit(likes).weights
    chosen = (found.relation == found.relations.index("co-liked")) & (found.neighbour >= 0)
    title, slot = np.nonzero(chosen)
    expected = weights[title, found.neighbour[title, slot]]
    assert len(title) > 20 and (expected > 0).all()
    ratio = found.strength[title, slot] / expected
    assert ratio == pytest.approx(np.full(len(title), ratio[0]), rel=1e-4), "in one unit"
    assert not np.array_equal(build(data, SMALL.graph).neighbour, found.neighbour)


def test_two_hops_begin_from_what_the_graph_makes_of_the_titles() -> None:
    data = noisy()
    once = started(data)
    with changes.two_hops():
        twice = started(data)
    torch.testing.assert_close(twice.item_embedding, once.representation()[1])
    assert not torch.equal(twice.item_embedding, once.item_embedding) and torch.equal(
        started(data).item_embedding, once.item_embedding
    )


def test_a_falling_rate_falls_after_every_step() -> None:
    model = model_of(noisy())
    with changes.falling(0.5):
        optimiser = trainer.optimiser_of(model, SMALL.train)
    first = [group["lr"] for group in optimiser.param_groups]
    for _ in range(3):
        model.item_embedding.square().sum().backward()
        optimiser.step()
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([rate / 8 for rate in first])


def test_the_mean_of_noisy_draws_is_the_mean_of_single_passes() -> None:
    data = noisy()
    model, history = started(data), train_matrix(data)
    who = np.arange(5)
    found = changes.averaged(model, 3)(who, history[who])
    generator, total = torch.Generator().manual_seed(0), 0.0
    for _ in range(3):
        noise = batches.gumbel(tuple(model.neighbour.shape), generator, torch.device("cpu"))
        for row, user in enumerate(who):
            liked = torch.from_numpy(history[user].indices.astype(np.int64))[None]
            alone = model(torch.tensor([user]), liked, torch.arange(len(data.items)), item_noise=noise).score[
                0
            ]
            total = total + np.eye(5)[row][:, None] * alone.detach().numpy()[None]
    np.testing.assert_allclose(found, total / 3, rtol=1e-4, atol=1e-5)


def test_every_lever_has_settings_of_its_own_or_changes_code_start_or_scores() -> None:
    found = levers.levers(noisy(), 100.0)
    default = found.pop(levers.BEFORE)
    assert default == Lever() and len(found) > 20
    assert default.config.train.weight_decay == 0 and found[levers.DECAY] == Lever(PRESETS["default"])
    for name, lever in found.items():
        assert lever != default, name
    kernels = (Kernel(0.25, 15.0, 8, knowledge=True, share=0.7), Kernel(0.15, 10.0, 8, share=0.3))
    many = Start(kernels, popularity=0.1, discount=0.3, gates=(0.3, 0.03), user_gate=0.1)
    assert found["start: first kernel alone"].start(many).kernels == (replace(kernels[0], share=1.0),)
    assert found["start: plain truncated SVD"].start(many).kernels == (Kernel(0.25, float("inf"), 8),)
    assert (
        found["all gates .1, not chosen"].start(many).gates == (0.1, 0.1)
        and found["two hops"].start(many) == many
    )
    assert found["no prior"].start(many).gates == () and found["width 256"].start(many) is None


def test_a_lever_is_measured_before_and_after_training_and_on_cold_items() -> None:
    withheld = Withheld.of(noisy())
    data = withheld.dataset
    found, people = tried(Lever(SMALL), withheld, CHOSEN)
    trained = trainer.train(data, build(data, SMALL.graph), SMALL, start=CHOSEN)
    best = max(trained.history, key=lambda epoch: epoch.ndcg)
    assert (found["before"], found["best"], found["epoch"]) == (
        trained.history[0].ndcg,
        best.ndcg,
        best.epoch,
    )
    assert found["cold"] == withheld.ndcg(model_scorer(trained.model.eval()))
    assert found["carried"] == pytest.approx(people.mean()) and len(people) == np.count_nonzero(
        train_matrix(data, (VALIDATION,)).sum(1)
    )
    drawn, others = tried(Lever(SMALL, scorer=changes.averaged), withheld, CHOSEN)
    at_best = evaluate(model_scorer(trained.model), data, VALIDATION).per_user["ndcg@20"]
    asked = evaluate(changes.averaged(trained.model), data, VALIDATION).per_user["ndcg@20"]
    assert drawn["before"] == found["before"] and not np.array_equal(at_best, asked)
    np.testing.assert_allclose(others - people, asked - at_best, atol=1e-12)


def test_no_user_both_chooses_the_epoch_and_is_measured_at_it() -> None:
    """Epochs that differ by luck alone: the best one flatters itself, the figure that is carried over does
    not.
    """
    luck = np.random.default_rng(0).normal(0.2, 0.1, (60, 400))
    assert luck.mean(1).max() > 0.208 and trials.carried(luck).mean() == pytest.approx(0.2, abs=0.004)
    better = luck + np.where(np.arange(60) == 30, 0.1, 0)[:, None]
    np.testing.assert_allclose(trials.carried(better), better[30])
    # One user alone likes another epoch best: she is asked about the others' choice.
    own = np.array([[0.0, 0.5, 0.5, 0.5], [1.0, 0.4, 0.4, 0.4]])
    assert trials.carried(own)[0] == 0


def test_a_gain_is_relative_and_its_interval_is_over_the_same_users() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(500)
    assert significance.compared(base, base) == {"gain": 0.0, "within": 0.0}
    found = significance.compared(base + 0.01 + 0.02 * rng.standard_normal(500), base)
    assert found["gain"] == pytest.approx(0.01 / base.mean(), rel=0.2)
    assert found["within"] == pytest.approx(1.96 * 0.02 / np.sqrt(500) / base.mean(), rel=0.1)


def test_withheld_titles_have_no_likes_left_and_are_ranked_among_themselves() -> None:
    data = noisy()
    withheld = Withheld.of(data)
    assert (
        len(withheld.titles) == round(trials.WITHHELD * 30)
        and not train_matrix(withheld.dataset, (TRAIN, VALIDATION, TEST))[:, withheld.titles].nnz
    )
    everything = train_matrix(data, (TRAIN, VALIDATION)).toarray()
    assert np.array_equal(withheld.likes.toarray(), everything[:, withheld.titles])
    loud = np.where(np.isin(np.arange(30), withheld.titles), 0, 9.0)
    assert withheld.ndcg(lambda who, history: everything[who] + loud) == pytest.approx(1), (
        "others do not compete"
    )
    assert withheld.ndcg(lambda who, history: -everything[who] + loud) < 0.9
    others = np.setdiff1d(np.arange(30), withheld.titles)
    assert train_matrix(withheld.dataset)[:, others].nnz == train_matrix(data)[:, others].nnz


def test_the_record_grows_and_nothing_is_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def recorded(what: Lever, withheld: Withheld, start: Start) -> tuple[dict, np.ndarray]:
        done.append(what.config.preset)
        people = np.array([0.1, 0.3]) if what.config.preset == "default" else np.array([0.2, 0.4])
        return {
            "before": 0.1,
            "best": 0.5,
            "carried": people.mean(),
            "epoch": 2,
            "cold": 0.05,
            "seconds": 1.0,
        }, people

    monkeypatch.setattr(levers, "tried", recorded)
    monkeypatch.setattr(levers, "prepared", lambda folder, seed: noisy())
    monkeypatch.setattr(
        levers, "settings_of", lambda name, *rest: {"start": CHOSEN.to_json(), "regularisation": 1.0}
    )
    monkeypatch.setattr(
        levers,
        "levers",
        lambda *rest: {levers.BEFORE: Lever(), "other": Lever(replace(SMALL, preset="other"))},
    )
    for name in ("dskreg-book", "anime"):
        (tmp_path / name).mkdir()
    for names in (["dskreg-book"], ["dskreg-book"], ["anime"]):
        monkeypatch.setattr(
            sys,
            "argv",
            [
                "levers.py",
                "--out",
                str(tmp_path),
                "--work",
                str(tmp_path / "work"),
                "--data",
                str(tmp_path),
                "--datasets",
                *names,
            ],
        )
        levers.main()
    assert done == ["default", "other"] * 2
    shutil.rmtree(tmp_path / "work")
    levers.main()
    assert done[4:] == ["default"], (
        "people's own figures are in the work folder: where it is gone, those that all are compared with "
        "are made again"
    )
    assert set(json.loads((tmp_path / "levers.json").read_text())) == {"dskreg-book", "anime"}
    text = (tmp_path / "results" / "levers.md").read_text()
    row = "0.1000 | 0.3000 +50.0% ± 0.0% (2) | 0.0500"
    assert (
        f"| other | {row} | {row} |" in text and f"| {levers.BEFORE} | 0.1000 | 0.2000 (2) | 0.0500 |" in text
    )


def test_the_page_of_levers_is_that_of_the_repository_s_record() -> None:
    folder = Path(levers.__file__).parent
    text = levers.written(json.loads((folder / "levers.json").read_text()))
    assert (folder / "results" / "levers.md").read_text() == text


def test_an_old_record_tells_its_best_epoch_in_italics() -> None:
    old = {"before": 0.1, "best": 0.2, "epoch": 3, "cold": 0.05}
    assert levers.reached(old, True) == "*0.2000* (3)"
    assert (
        levers.reached(old | {"carried": 0.15, "gain": 0.5, "within": 0.1}, True)
        == "0.1500 +50.0% ± 10.0% (3)"
    )


def test_what_is_patched_is_mended_even_where_training_fails() -> None:
    before = (
        batches.gumbel,
        candidates.co_liked,
        trainer.start_from_svd,
        trainer.optimiser_of,
        objectives.MaskedSoftmax.forward,
    )
    for lever in levers.levers(noisy(), 100.0).values():
        with pytest.raises(ZeroDivisionError), lever.around():
            raise ZeroDivisionError
    assert before == (
        batches.gumbel,
        candidates.co_liked,
        trainer.start_from_svd,
        trainer.optimiser_of,
        objectives.MaskedSoftmax.forward,
    )
