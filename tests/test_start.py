"""Where training starts: the regularised truncated SVD of the likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import EVERYTHING, checkerboard

from dskreg import start
from dskreg.config import Config, ModelConfig
from dskreg.data.dataset import TRAIN, VALIDATION
from dskreg.evaluation import evaluate
from dskreg.graph import build, train_matrix
from dskreg.model import DSKReG
from tests.tiny_runs import settings, small


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
