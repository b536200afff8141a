"""Folders of the shape of known data sets, and three shops that nobody has described: each is read with the
counts that are worked out by hand, trained, listed from, explained, and opened in the app.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import PRESETS, Config
from dskreg.console import silent
from dskreg.data.readers.load import load
from dskreg.explorer import Explorer
from dskreg.pipeline import run
from tests.known_sets import SHAPES
from tests.known_sets.invented import SHOPS
from tests.known_sets.world import Shape, lay
from tests.lists import recommended, visit
from tests.visits import said

ALL: dict[str, Callable[[], Shape]] = SHAPES | {f"shop of {name}": make for name, make in SHOPS.items()}


def quick() -> Config:
    """Training within a part of a second."""
    config = PRESETS["default"]
    return replace(
        config,
        data=replace(config.data, core=1),
        graph=replace(config.graph, min_items=1),
        model=replace(config.model, width=4, picks=2, user_picks=2),
        train=replace(config.train, epochs=1, device="cpu", refit=False),
        projection=replace(config.projection, iterations=10),
    )


@pytest.mark.parametrize("name", ALL)
def test_a_folder_of_this_shape_goes_all_the_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, config, out = ALL[name](), quick(), tmp_path / "shelf" / "made"
    folder = lay(shape, tmp_path / "data")
    data = load(folder, config.data, shape.columns or None)
    triples = Counter(data.relations[relation] for relation in data.relation)
    assert data.format == shape.format
    assert data.shape == (shape.users, shape.items)
    assert (len(data.user), int(data.liked.sum())) == (shape.interactions, shape.likes)
    assert {relation: triples[relation] for relation in data.relations} == shape.triples
    assert data.items["title"][0] == shape.title

    out.parent.mkdir()
    run(str(folder), out, config, False, False, lambda _: None, silent, lambda _: None, shape.columns or None)
    explorer = Explorer.open(out)
    user, profile = next(
        (user, found)
        for user in explorer.user_ids
        if len((found := explorer.profile(user)).seen) < shape.items
    )
    listed = explorer.recommend(profile, 3)
    assert len(listed) and set(listed["item_id"]).isdisjoint(profile.seen)
    score = explorer.explain(profile, listed["item_id"].iloc[0]).score
    assert np.isclose(score, listed["score"].iloc[0], atol=1e-5)

    monkeypatch.setenv("DSKREG_ARTIFACTS", str(out.parent))
    app = visit(artifact="made", user=user)
    assert not app.error and str(user) in said(app)
    assert recommended(app)["title"].head(len(listed)).tolist() == listed["title"].tolist()
