"""benchmarks/blends.py: a blend weighs its members alike, whatever the scale of their scores, and ranks by
nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from benchmarks import blends
from benchmarks.assess import assess
from benchmarks.recommenders import RIVALS, Recommender
from tests.tiny_runs import fixed_scorer, noisy


def test_scales_and_offsets_of_the_members_do_not_matter() -> None:
    score = np.random.default_rng(0).normal(size=(4, 9))
    assert blends.standard(score).mean(1) == pytest.approx(np.zeros(4)) and blends.standard(score).std(
        1
    ) == pytest.approx(np.ones(4))
    assert blends.standard(1000 * score - 7) == pytest.approx(blends.standard(score))
    assert not blends.standard(np.full((2, 3), 5.0)).any()


def test_a_blend_is_the_mean_of_its_members_for_each_user() -> None:
    scores = {
        "a": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "b": np.array([[3.0, 0.0], [1.0, 0.0]]),
        "c": np.full((2, 2), 99.0),
    }
    mixed = blends.blend(scores, ("a", "b"), np.array([-1, 1, -1, 0]))
    assert mixed(np.array([3, 1]), sparse.csr_matrix((2, 2))).tolist() == [[2.0, 1.0], [2.0, 2.0]]


def test_the_command_lists_every_blend_best_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {
        "DSKReG": Recommender(lambda data, settings, seed: fixed_scorer(5)),
        "popularity": RIVALS["popularity"],
    }
    monkeypatch.setattr(blends, "MODELS", models)
    monkeypatch.setattr(blends, "prepared", lambda folder, seed: noisy())
    monkeypatch.setattr(blends, "settings_of", lambda name, *rest: {})
    monkeypatch.setattr(sys, "argv", ["blends.py", "--data", str(tmp_path), "--members", *models])
    (tmp_path / "dskreg-lastfm").mkdir()
    blends.main()
    lines = capsys.readouterr().out.splitlines()[4:]
    figures = {line.split(" | ")[0].removeprefix("| "): float(line.split(" | ")[1]) for line in lines}
    assert set(figures) == {"DSKReG", "popularity", "DSKReG + popularity"} and list(
        figures.values()
    ) == sorted(figures.values(), reverse=True)
    assert figures["DSKReG"] == pytest.approx(assess(fixed_scorer(5), noisy())[0]["ndcg@20"], abs=1e-4)
