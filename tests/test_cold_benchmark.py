"""benchmarks/cold.py: what its rows measure, and that nothing is measured twice."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import cold
from benchmarks.assess import chilled
from dskreg.config import PRESETS, ModelConfig
from dskreg.evaluation.ranking import model_scorer
from dskreg.evaluation.resets import STRENGTH, UNIFORM, drawn
from dskreg.model.scoring import Catalogue
from tests.test_cold import by_likes, flocks
from tests.tiny_runs import fixed_scorer, noisy, same, weights


def test_every_row_of_the_model_is_the_model_so_changed_and_is_undone() -> None:
    data = flocks()
    model, who = by_likes(data), np.arange(20)
    with torch.no_grad():
        model.pair_relevance.normal_()
    before, history = weights(model), data.folds.train[:20]
    rows = {name: scorer() for name, scorer in cold.of_model(model, 0)}
    assert same(weights(model), before)
    assert list(rows)[:3] == ["sampling: learnt", "sampling: by strength", "sampling: at random"]
    found = {name: scorer(who, history) for name, scorer in rows.items()}
    np.testing.assert_array_equal(found["sampling: learnt"], model_scorer(model)(who, history))
    assert not np.allclose(found["sampling: at random"], found["sampling: learnt"])
    with torch.no_grad():
        items = torch.arange(len(model.item_embedding))
        for name, part in (("by strength", STRENGTH), ("at random", UNIFORM)):
            catalogue = Catalogue.of(model, items, drawn(model, items, part, 0))
            expected = model_scorer(model, catalogue)(who, history)
            np.testing.assert_array_equal(found[f"sampling: {name}"], expected)
        model.evidence[2] = 3.0
        np.testing.assert_array_equal(found["boost 3"], model_scorer(model)(who, history))
    silent = model.likes.numpy() == 0
    assert silent.any() and not found["boost 0"][:, silent].any()
    np.testing.assert_array_equal(found["boost 0"][:, ~silent], found["sampling: learnt"][:, ~silent])


def test_a_row_has_every_view() -> None:
    data, gone = chilled(noisy(), 0)
    row = cold.measured(fixed_scorer(), data, gone)
    assert set(row) == {*cold.VIEWS, "recall by popularity"} and len(row["recall by popularity"]) == 5
    assert row["cold among cold"]["ndcg"] > row["cold"]["ndcg"] and row["all"]["within"] > 0


def test_seeds_are_recorded_once_and_the_page_has_their_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(PRESETS["default"], model=ModelConfig(width=8, picks=3))
    small = replace(small, train=replace(small.train, epochs=1, device="cpu"))
    monkeypatch.setitem(PRESETS, "default", small)
    monkeypatch.setattr(cold, "prepared", lambda folder, seed: noisy(40, 30 + seed))
    start = {"exponent": 0.25, "ridge": 10.0, "head": 0.0, "least": 0}
    monkeypatch.setattr(cold, "settings_of", lambda *_: {"start": start, "regularisation": 20.0})
    (tmp_path / "anime").mkdir()
    command = ["cold.py", "--data", str(tmp_path), "--out", str(tmp_path), "--datasets", "anime", "--seeds"]
    for seeds in ("1", "2"):
        monkeypatch.setattr(sys, "argv", [*command, seeds])
        cold.main()
        if seeds == "1":
            monkeypatch.setattr(cold, "BOOSTS", ())  # of the second seed alone
    document = json.loads((tmp_path / "cold.json").read_text())
    kept = document["anime"]["seeds"]
    assert list(kept) == ["0", "1"]
    assert len(kept["0"]["rows"]) == 3 + 10 + 2 + len(cold.BALANCES) == len(kept["1"]["rows"]) + 10
    first, second = (seed["rows"]["EASE"]["warm"]["ndcg"] for seed in kept.values())
    page = (tmp_path / "results" / "cold.md").read_text()
    spread = abs(first - second) / 2**0.5
    row = next(line for line in page.splitlines() if line.startswith("| EASE |"))
    assert "boost 3" not in page, "rows of every seed alone"
    assert row.split(" | ")[2] == f"{(first + second) / 2:.4f} ± {spread:.4f}"
