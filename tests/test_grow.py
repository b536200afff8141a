"""Grown data: the Kaggle schema, distinct pairs, the source's shape, more items in families."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.grow import gini, grow, people, read
from dskreg.data.readers.kaggle import read as read_kaggle


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """300 users, even or odd in what they see, of 60 items, the first five unseen."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "source"
    folder.mkdir()
    titles = [
        f"{10 * i},Story{'abcdefghij'[i // 6]} {'' if i % 6 == 0 else f'Movie {i % 6}'},Drama,TV,{i},7,10"
        for i in range(60)
    ]
    (folder / "anime.csv").write_text(
        "\n".join(["anime_id,name,genre,type,episodes,rating,members", *titles]) + "\n", "utf-8"
    )
    rows = []
    for person in range(300):
        seen = rng.choice(
            np.arange(6 + person % 2, 60, 2), rng.integers(1, 20), replace=False, p=np.arange(27, 0, -1) / 378
        )
        rows += [f"{person},{10 * i},{8 if i % 4 else -1}" for i in seen]
    (folder / "rating.csv").write_text("\n".join(["user_id,anime_id,rating", *rows]) + "\n", "utf-8")
    return folder


def test_a_grown_set_is_read_without_a_dropped_row_and_has_the_size_asked_for(source, tmp_path):
    said = grow(source, tmp_path / "grown", 30_000, 3_000, 150, 1)
    data = read_kaggle(tmp_path / "grown", 7)
    assert data.shape == (3_000, 150) and not [note for note in data.notes if "dropped" in note]
    assert abs(len(data.user) / 30_000 - 1) < 0.03 and said.startswith(
        f"{len(data.user):,} ratings by 3,000 people"
    )
    franchise = data.entities[data.tail[data.relation == data.relations.index("franchise")]]
    assert {"Storyb", "AkaStoryb", "KuroStoryb"} <= set(franchise)  # a family in each world
    assert data.items["item_id"].is_unique


def test_popularity_and_what_goes_together_are_the_sources(source, tmp_path):
    grow(source, tmp_path / "grown", 60_000, 6_000, 0, 1)
    before, after = (
        pd.read_csv(folder / "rating.csv").groupby("anime_id").size()
        for folder in (source, tmp_path / "grown")
    )
    rated = before.index
    assert np.corrcoef(before, after.reindex(rated).fillna(0))[0, 1] > 0.98
    assert abs(gini(before.to_numpy()) - gini(after.reindex(rated).to_numpy())) < 0.05
    assert set(after.index) - set(rated)  # some that no user had seen
    rows = pd.read_csv(tmp_path / "grown" / "rating.csv")
    odd = rows["anime_id"] // 10 % 2
    share = odd.groupby(rows["user_id"]).mean()[rows["user_id"]].to_numpy()
    same = np.where(odd == 1, share, 1 - share).mean()
    assert same > 0.6  # by chance 0.5: users who see odd items see more of them


def test_the_seed_decides(source):
    seen = read(source)[1]
    first, again, other = (
        np.concatenate([part[1] for part in people(seen, 2_000, 200, 60, np.random.default_rng(seed))])
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
