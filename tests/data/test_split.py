"""Laws of the split, on random worlds and on ones small enough to count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TEST, TRAIN, UNASSIGNED, VALIDATION, Dataset
from dskreg.data.split import k_core, split
from dskreg.errors import InputError


def world(
    user: list[int] | np.ndarray,
    item: list[int] | np.ndarray,
    liked: list[bool] | np.ndarray | None = None,
    fold: list[int] | None = None,
) -> Dataset:
    user, item = np.asarray(user, np.int32), np.asarray(item, np.int32)
    none = np.array([], np.int32)
    return Dataset(
        name="world",
        format="text",
        items=pd.DataFrame(
            {
                "item_id": np.arange(item.max() + 1) + 100,
                "title": [f"item {n}" for n in range(item.max() + 1)],
            }
        ),
        user_ids=np.arange(user.max() + 1) + 500,
        user=user,
        item=item,
        liked=np.ones(len(user), bool) if liked is None else np.asarray(liked, bool),
        fold=np.full(len(user), UNASSIGNED, np.int8) if fold is None else np.asarray(fold, np.int8),
        relations=(),
        head=none,
        relation=none.astype(np.int16),
        tail=none,
        entities=np.array([], object),
        entity_item=none,
    )


def crowd(seed: int = 3) -> Dataset:
    """40 users, 30 items, about a third of the pairs seen, three quarters of those liked."""
    random = np.random.default_rng(seed)
    user, item = np.nonzero(random.random((40, 30)) < 0.35)
    return world(user, item, random.random(len(user)) < 0.75)


def by_pair(data: Dataset) -> dict[tuple[int, int], int]:
    ids = data.items["item_id"].to_numpy()
    return {
        (int(data.user_ids[u]), int(ids[i])): int(f)
        for u, i, f in zip(data.user, data.item, data.fold, strict=True)
    }


def test_every_pair_has_one_fold_and_only_likes_are_trained_on():
    data = split(crowd(), DataConfig())
    assert set(np.unique(data.fold)) <= {TRAIN, VALIDATION, TEST, OUTSIDE, SEEN}
    assert ((data.fold == SEEN) == ~data.liked).all()
    assert len(data.fold) == len(data.user) == len(by_pair(data))


def test_each_user_of_the_core_has_its_share_in_every_fold():
    data = split(crowd(), DataConfig(validation=0.1, test=0.2))
    for user in range(40):
        train, validation, test = (
            int(((data.user == user) & (data.fold == fold)).sum()) for fold in (TRAIN, VALIDATION, TEST)
        )
        if n := train + validation + test:
            assert n >= 5 and train >= 1
            assert test == max(1, round(0.2 * n)) and validation == max(1, round(0.1 * n))


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    config = DataConfig()
    assert by_pair(split(crowd(), config)) == by_pair(split(crowd(), config))
    assert by_pair(split(crowd(), config)) != by_pair(split(crowd(), replace(config, split_seed=1)))


def test_neither_the_order_of_the_rows_nor_that_of_the_positions_matters():
    data = crowd()
    random = np.random.default_rng(0)
    rows, users, items = random.permutation(len(data.user)), random.permutation(40), random.permutation(30)
    shuffled = replace(
        data,
        user=np.argsort(users)[data.user[rows]].astype(np.int32),
        item=np.argsort(items)[data.item[rows]].astype(np.int32),
        liked=data.liked[rows],
        user_ids=data.user_ids[users],
        items=data.items.iloc[items].reset_index(drop=True),
    )
    assert by_pair(split(shuffled, DataConfig())) == by_pair(split(data, DataConfig()))


def test_the_core_is_the_one_that_repeated_removal_leaves():
    data = crowd(5)
    inside = data.liked.copy()
    while True:  # the oracle: one user or item at a time
        few = next(
            (
                part == n
                for part, size in ((data.user, 40), (data.item, 30))
                for n in range(size)
                if 0 < (inside & (part == n)).sum() < 7
            ),
            None,
        )
        if few is None:
            break
        inside &= ~few
    assert 0 < inside.sum() < data.liked.sum()
    assert (k_core(data.user, data.item, data.liked, 7) == inside).all()


def test_removal_goes_on_until_nothing_changes():
    # Users 0 and 1 like items 0 and 1; user 2 likes item 1 and 2, and item 2 has no other user: it goes, then
    # user 2 goes.
    data = split(world([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 1, 2]), DataConfig(core=2))
    assert list(data.fold == OUTSIDE) == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("likes", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (5, (3, 1, 1)), (20, (14, 2, 4))]
)
def test_small_users_keep_a_training_pair(likes, expected):
    fold = split(world([0] * likes, list(range(likes))), DataConfig(core=1)).fold
    assert tuple(int((fold == kind).sum()) for kind in (TRAIN, VALIDATION, TEST)) == expected


@pytest.mark.parametrize(("pairs", "carved"), [(1, 0), (2, 0), (3, 1), (8, 1), (16, 2), (40, 5)])
def test_a_test_split_of_its_own_is_kept_and_validation_carved_out_of_training(pairs, carved):
    data = split(
        world([0] * pairs + [0, 1], [*range(pairs), pairs, 0], fold=[UNASSIGNED] * pairs + [TEST, TEST]),
        DataConfig(core=50),
    )
    assert list(data.fold[pairs:]) == [TEST, TEST]
    assert (data.fold[:pairs] == VALIDATION).sum() == carved and (
        data.fold[:pairs] == TRAIN
    ).sum() == pairs - carved


def test_nothing_left_to_train_on_is_an_error():
    with pytest.raises(InputError, match="expected at least one user and item with 5 likes"):
        split(world([0, 1], [0, 1]), DataConfig())
    with pytest.raises(InputError, match="expected at least one training pair"):
        split(world([0], [0], fold=[TEST]), DataConfig())


def test_splitting_a_few_users_at_a_time_gives_the_same_folds(monkeypatch):
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers([40, 30], size=(900, 2)), axis=0)
    data = world(pairs[:, 0], pairs[:, 1])
    whole = split(data, DataConfig(core=1)).fold
    for rows in (1, 50, 333):
        monkeypatch.setattr("dskreg.data.split.ROWS", rows)
        assert np.array_equal(split(data, DataConfig(core=1)).fold, whole)


def test_the_core_is_what_repeated_removal_leaves():
    rng = np.random.default_rng(1)
    user, item = rng.integers(50, size=400), rng.integers(60, size=400)
    among = rng.random(400) < 0.8
    left = [n for n in range(400) if among[n]]
    while weak := [
        n
        for n in left
        if sum(user[m] == user[n] for m in left) < 4 or sum(item[m] == item[n] for m in left) < 4
    ]:
        left = [n for n in left if n not in weak]
    assert 0 < len(left) < among.sum() and np.flatnonzero(k_core(user, item, among, 4)).tolist() == left


def test_likes_and_what_the_core_leaves_out_are_counted():
    # Users 0 and 1 like items 0 and 1; user 2 likes items 1 and 2 alone; user 3 likes nothing; item 3 is
    # seen, never liked.
    user, item = [0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 1, 2, 0, 3]
    data = world(user, item, [True] * 6 + [False] * 2)
    assert split(replace(data, notes=("first",)), DataConfig(core=2)).notes == (
        "first",
        "6 of 8 interactions are likes",
        "1 user of 4 without any like",
        "1 item of 4 without any like",
        "2 likes outside the core of users and items with at least 2 likes among themselves: in no "
        "validation, no test",
        "1 user with likes, but none in the core",
        "1 item with likes, but none in the core",
    )
    assert split(world([0, 0, 1, 1], [0, 1, 0, 1]), DataConfig(core=2)).notes == (
        "4 of 4 interactions are likes",
    )


def test_positions_that_are_the_datas_own_numbers_need_no_ids():
    data = crowd()
    numbered = replace(
        data,
        numbered=True,
        user_ids=data.user_ids[::-1],
        items=data.items.assign(item_id=[f"x{n}" for n in range(30)]),
    )
    assert np.array_equal(split(numbered, DataConfig()).fold, split(data, DataConfig()).fold)
