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

from benchmarks import changes, levers, significance, trials
from benchmarks.trials import Lever, Withheld, tried
from dskreg.config import Config, GraphConfig, ModelConfig, TrainConfig
from dskreg.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.sampling import gumbel
from dskreg.training import masked, trainer
from dskreg.training.closed_form import Start
from tests.tiny_runs import noisy

SMALL = Config(
    graph=GraphConfig(candidates=12),
    model=ModelConfig(width=8, picks=3, user_picks=3),
    train=TrainConfig(epochs=2, batch=8),
)
CHOSEN = Start(0.25, 10.0, 0.0)


def started(data: Dataset) -> DSKReG:
    return trainer.train(
        data, build(data, SMALL.graph), replace(SMALL, train=replace(SMALL.train, epochs=0)), start=CHOSEN
    ).model.eval()


def test_a_share_of_the_candidates_is_dropped_and_the_noise_is_whole_again_afterwards() -> None:
    generator = torch.Generator()
    plain = masked.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu"))
    with changes.dropping(0.3):
        noise = masked.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu"))
    gone = noise < -1e5
    assert float(gone.float().mean()) == pytest.approx(0.3, abs=0.02) and torch.equal(
        noise[~gone], plain[~gone]
    )
    assert torch.equal(masked.gumbel((200, 50), generator.manual_seed(0), torch.device("cpu")), plain)


def test_negated_noise_is_undone_after_the_lever() -> None:
    generator = torch.Generator()
    plain = masked.gumbel((3, 4), generator.manual_seed(0), torch.device("cpu"))
    with changes.wrong_sign():
        turned = masked.gumbel((3, 4), generator.manual_seed(0), torch.device("cpu"))
    assert torch.equal(turned, -plain)
    assert torch.equal(masked.gumbel((3, 4), generator.manual_seed(0), torch.device("cpu")), plain)


def test_the_mean_of_noisy_draws_is_the_mean_of_single_passes() -> None:
    data = noisy()
    model, history = started(data), train_matrix(data)
    who = np.arange(5)
    found = changes.averaged(model, 3)(who, history[who])
    generator, total = torch.Generator().manual_seed(0), 0.0
    for _ in range(3):
        noise = gumbel(tuple(model.neighbour.shape), generator)
        for row, user in enumerate(who):
            liked = torch.from_numpy(history[user].indices.astype(np.int64))[None]
            alone = model(torch.tensor([user]), liked, torch.arange(len(data.items)), item_noise=noise).score[
                0
            ]
            total = total + np.eye(5)[row][:, None] * alone.detach().numpy()[None]
    np.testing.assert_allclose(found, total / 3, rtol=1e-4, atol=1e-5)


def test_every_lever_has_settings_of_its_own_or_changes_code_or_scores() -> None:
    found = levers.levers(noisy())
    default = found.pop(levers.BEFORE)
    assert default == Lever() and len(found) > 15
    for name, lever in found.items():
        assert lever != default, name
        # The closed form depends on the width alone
        assert lever.begins == (lever.config.model.width != 1024)


def test_a_lever_is_measured_on_validation_likes_and_on_withheld_items() -> None:
    withheld = Withheld.of(noisy())
    data = withheld.dataset
    found, people = tried(Lever(SMALL), withheld, CHOSEN)
    trained = trainer.train(data, build(data, SMALL.graph), SMALL, start=CHOSEN)
    scorer = model_scorer(trained.model.eval())
    assert found["epoch"] == trained.best_epoch
    np.testing.assert_array_equal(people["cold"], withheld.ndcg(scorer))
    np.testing.assert_array_equal(people["all"], evaluate(scorer, data, VALIDATION, 2000).per_user["ndcg@20"])
    assert all(found[view] == pytest.approx(people[view].mean()) for view in ("all", "cold"))
    drawn, others = tried(Lever(SMALL, scorer=changes.averaged), withheld, CHOSEN)
    np.testing.assert_array_equal(others["cold"], withheld.ndcg(changes.averaged(trained.model)))
    assert drawn["cold"] != found["cold"]


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
    assert withheld.ndcg(lambda who, history: everything[who] + loud).mean() == pytest.approx(1), (
        "others do not compete"
    )
    assert withheld.ndcg(lambda who, history: -everything[who] + loud).mean() < 0.9
    others = np.setdiff1d(np.arange(30), withheld.titles)
    assert train_matrix(withheld.dataset)[:, others].nnz == train_matrix(data)[:, others].nnz


def test_the_record_grows_and_nothing_is_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def recorded(what: Lever, withheld: Withheld, start: Start) -> tuple[dict, dict[str, np.ndarray]]:
        done.append(what.config.preset)
        people = np.array([0.1, 0.3]) if what.config.preset == "default" else np.array([0.2, 0.4])
        figures = {"all": people.mean(), "cold": people.mean() / 2, "epoch": 2, "seconds": 1.0}
        return figures, {"all": people, "cold": people / 2}

    monkeypatch.setattr(levers, "tried", recorded)
    monkeypatch.setattr(levers, "prepared", lambda folder, seed: noisy())
    monkeypatch.setattr(levers, "settings_of", lambda name, *rest: {"start": CHOSEN.to_json()})
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
    row = "0.3000 +50.0% ± 0.0% | 0.1500 +50.0% ± 0.0% (2)"
    assert f"| other | {row} | {row} |" in text and f"| {levers.BEFORE} | 0.2000 | 0.1000 (2) |" in text


def test_the_page_of_levers_is_that_of_the_repository_s_record() -> None:
    folder = Path(levers.__file__).parent
    text = levers.written(json.loads((folder / "levers.json").read_text()))
    assert (folder / "results" / "levers.md").read_text() == text


def test_what_is_patched_is_mended_even_where_training_fails() -> None:
    before = (masked.gumbel, EvidenceDSKReG.relevance)
    for lever in levers.levers(noisy()).values():
        with pytest.raises(ZeroDivisionError), lever.around():
            raise ZeroDivisionError
    assert before == (masked.gumbel, EvidenceDSKReG.relevance)
