"""Once more on everything known before the test: as many epochs, the same start, the validation likes
included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from dskreg.data.dataset import KNOWN, OUTSIDE, SEEN, TEST, TRAIN, VALIDATION
from dskreg.data.interactions import train_matrix
from dskreg.graph.candidates import build
from dskreg.training.trainer import Trained, known, refit, train
from dskreg.ui.model.curves import training_in_words
from tests.tiny_runs import same, settings, small, weights
from tests.worlds import hand_drawn


def test_everything_known_is_training_and_nothing_of_the_test_is() -> None:
    data = hand_drawn()
    everything = known(data)
    assert (train_matrix(everything) != train_matrix(data, KNOWN)).nnz == 0
    for fold, becomes in {TRAIN: TRAIN, VALIDATION: TRAIN, OUTSIDE: TRAIN, TEST: TEST, SEEN: SEEN}.items():
        assert set(everything.fold[data.fold == fold]) <= {becomes}
    assert everything.fold.dtype == data.fold.dtype


def test_a_refit_is_a_training_on_everything_known_with_what_was_chosen() -> None:
    data, graph = small(32, 24)
    config = settings("default", epochs=4, patience=4)
    first = train(data, graph, config)
    table, again = refit(data, config, replace(first, best_epoch=3))
    everything = known(data)
    expected = build(everything, config.graph, config.seed)
    for name in ("neighbour", "relation", "strengths"):
        np.testing.assert_array_equal(getattr(table, name), getattr(expected, name))
    chosen: dict[str, Any] = {"start": first.start, "evidence": first.evidence}
    three = replace(config, train=replace(config.train, epochs=3, patience=3))
    assert same(weights(again.model), weights(train(everything, expected, three, **chosen).model))
    assert len(again.history) == 4 and again.best_epoch == 3 and again.start == first.start
    assert again.evidence == first.evidence
    assert not same(weights(again.model), weights(first.model))


def test_no_epoch_after_the_start_is_the_start_over_everything_known() -> None:
    data, graph = small(32, 24)
    config = settings("default", epochs=2)
    first = train(data, graph, config)
    _, again = refit(data, config, Trained(first.model, first.history, 0, first.start))
    assert len(again.history) == 1 and not torch.equal(again.model.item_embedding, first.model.item_embedding)


def test_titles_outside_the_core_are_folded_in() -> None:
    data, graph = small(32, 24)
    config = settings("default", epochs=0)
    first = train(data, graph, config)
    assert first.start is not None and refit(data, config, first)[1].start == first.start, (
        "everything is in the core"
    )
    fold = data.fold.copy()
    fold[np.flatnonzero(fold == TRAIN)[:3]] = OUTSIDE
    outside = replace(data, fold=fold)
    assert refit(outside, config, first)[1].start == replace(first.start, least=config.data.core)


def test_the_training_is_described_in_sentences_that_follow_from_the_document() -> None:
    start = {"exponent": 0.25, "ridge": 10.0, "head": 0.0, "least": 0}
    text = training_in_words({"start": start, "best_epoch": 7, "refit": True})
    assert "closed form" in text and "degree exponent 0.25, ridge 10" in text and "on validation" in text
    assert "Epoch 7 was best on validation among the hidden items" in text and "once more" in text
    flat = training_in_words({"start": start | {"ridge": None}, "best_epoch": 0, "refit": False})
    assert "no shrinkage" in flat and "No later epoch" in flat
    alone = training_in_words({"start": None, "best_epoch": 3, "refit": False})
    assert alone == "Epoch 3 was best on validation." and training_in_words({}) == ""
