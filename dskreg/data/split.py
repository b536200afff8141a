"""Training, validation and test: every liked pair gets one fold, per user and at random or by time, the same
for the same data and seed whatever the order of the rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dskreg.config import LEAVE_ONE_OUT, RANDOM, DataConfig, date_of
from dskreg.data.dataset import OUTSIDE, SEEN, TEST, TRAIN, UNASSIGNED, VALIDATION, Dataset, counted
from dskreg.data.times import day
from dskreg.errors import InputError

ROWS = 1 << 20  # pairs dealt out at once, about
# Training pairs that a user of a data set with its own test split needs to give one up for validation
LEAST_TO_VALIDATE = 3


def split(dataset: Dataset, config: DataConfig) -> Dataset:
    """`dataset` with every fold assigned.

    A data set with its own test split keeps it: users with at least three training pairs give max(1, round(n
    * validation / (1 - test))) to validation, unless the data bring validation too: then nothing is dealt
    out. Otherwise the likes are cut to their k-core (users and items with at least `core` likes among
    themselves). Of a user's n likes in it max(1, round(n * test)) go to test and max(1, round(n *
    validation)) to validation, as long as one stays for training; likes outside the core become OUTSIDE. What
    was not liked is SEEN.

    `config.split` says which: likes at random; with `time` a user's latest, validation before the test; with
    `leave-one-out` one each, the latest where there are timestamps. With `time:DATE` the core's likes from
    the date on are the test, and of those before it a user's latest are validation, as many as for a test
    split of the data's own. Without a timestamp a like is the earliest; of equal times chance decides.

    Raises:
        InputError: No like is left to train on, or `config.split` does not go with the data.
    """
    own = bool((dataset.fold != UNASSIGNED).any())
    _require(dataset, config.split, own)
    open_, given = dataset.liked & (dataset.fold == UNASSIGNED), dataset.liked & (dataset.fold != UNASSIGNED)
    inside = open_ if own else open_ & k_core(dataset.user, dataset.item, open_, config.core)
    if not (inside | given & (dataset.fold == TRAIN)).any():
        advice = "lower data.core or data.like_threshold"
        core = f"user and item with {config.core} likes among themselves ({advice})"
        what = "training pair" if own else core
        raise InputError(f"{dataset.name}: expected at least one {what}, found none")
    fold = np.where(dataset.liked, np.int8(OUTSIDE), np.int8(SEEN))
    fold[given] = dataset.fold[given]
    late = _late(dataset, inside, config.split)
    fold[late] = TEST
    rows = np.flatnonzero(inside & ~late)
    fold[rows] = _by_user(dataset, rows, config, own or bool(late.any()))
    assert not (fold == UNASSIGNED).any()
    told = (*_how(dataset, inside, config), *_notes(dataset, fold, config.core))
    return replace(dataset, fold=fold, notes=(*dataset.notes, *told), time=None)


def _require(dataset: Dataset, kind: str, own: bool) -> None:
    """Raise InputError where a split that is asked for does not go with the data."""
    if kind == RANDOM:
        return
    if own:
        raise InputError(
            f"{dataset.name}: data.split={kind} does not go with data that are split already: put all "
            f"interactions into one file, or leave data.split at {RANDOM}"
        )
    if dataset.time is None and kind != LEAVE_ONE_OUT:
        raise InputError(
            f"{dataset.name}: data.split={kind} needs timestamps, found none: plain tables (a column "
            'timestamp, or --columns "COLUMN=timestamp") and RecBole files (timestamp:float) may have them'
        )


def _late(dataset: Dataset, inside: np.ndarray, kind: str) -> np.ndarray:
    """`[N]` bool: the pairs `inside` from the date of the split on; none in a split by no date."""
    date = date_of(kind)
    if date is None or dataset.time is None:
        return np.zeros(len(inside), bool)
    late = inside & (dataset.time >= date.timestamp())
    if not late.any() or not (inside & ~late).any():
        there = dataset.time[inside & ~np.isnan(dataset.time)]
        run = "no like has a timestamp"
        if len(there):
            run = f"their timestamps run from {day(float(there.min()))} to {day(float(there.max()))}"
        wanted = "from" if not late.any() else "before"
        raise InputError(
            f"{dataset.name}: data.split={kind}: expected likes {wanted} that date, found none ({run})"
        )
    return late


def _how(dataset: Dataset, inside: np.ndarray, config: DataConfig) -> list[str]:
    """What the settings made of the timestamps."""
    if config.split == RANDOM:
        return []
    if dataset.time is None:
        return [f"data.split={config.split}: without timestamps, the like of each user is chosen at random"]
    return [
        f"data.split={config.split}: by the timestamps of the likes",
        *counted(
            (int(np.isnan(dataset.time[inside]).sum()), "like", "without a timestamp: taken as the earliest")
        ),
    ]


def _notes(dataset: Dataset, fold: np.ndarray, core: int) -> list[str]:
    """How many likes there are, who has none, and what the core leaves out."""
    users, items, liked, outside = *dataset.shape, dataset.liked, fold == OUTSIDE
    likers, inside = (len(np.unique(dataset.user[rows])) for rows in (liked, liked & ~outside))
    met, trained = (len(np.unique(dataset.item[rows])) for rows in (liked, liked & ~outside))
    among = f"at least {core} likes among themselves"
    return [
        f"{int(liked.sum()):,} of {len(liked):,} interactions are likes",
        *counted(
            (users - likers, "user", f"of {users:,} without any like"),
            (items - met, "item", f"of {items:,} without any like"),
            (
                int(outside.sum()),
                "like",
                f"outside the core of users and items with {among}: in no validation, no test",
            ),
            (likers - inside, "user", "with likes, but none in the core"),
            (met - trained, "item", "with likes, but none in the core"),
        ),
    ]


def k_core(user: np.ndarray, item: np.ndarray, among: np.ndarray, core: int) -> np.ndarray:
    """`[N]` bool: the largest subset of the pairs `among` in which every user and every item has at least
    `core` pairs.
    """
    inside = among.copy()
    users, items = (np.zeros(int(column.max(initial=0)) + 1, np.int64) for column in (user, item))
    new = inside  # pairs by which the counts change
    sign = 1
    while new.any():
        users += sign * np.bincount(user[new], minlength=len(users))
        items += sign * np.bincount(item[new], minlength=len(items))
        new, sign = inside & ((users < core)[user] | (items < core)[item]), -1
        inside &= ~new
    return inside


def _by_user(dataset: Dataset, rows: np.ndarray, config: DataConfig, own: bool) -> np.ndarray:
    """The folds of `rows`: each user's rows in a random order, or from the latest to the earliest, the first
    for test, the next for validation, the rest for training.
    """
    # Ids, not positions, fix the order in which random numbers are dealt, where positions may depend on the
    # order of the rows.
    ids = (dataset.user_ids, dataset.items["item_id"].to_numpy())
    user_rank, item_rank = (
        np.arange(len(own)) if dataset.numbered else np.unique(own, return_inverse=True)[1] for own in ids
    )
    pair = user_rank[dataset.user[rows]] * len(item_rank) + item_rank[dataset.item[rows]]
    order = np.argsort(pair, kind="stable")  # by user, then item
    count = np.bincount(pair // len(item_rank), minlength=len(user_rank))
    del pair
    start = np.concatenate([[0], np.cumsum(count)])
    tests, validations = _quotas(count, config, own)
    time = None if dataset.time is None or config.split == RANDOM else dataset.time[rows][order]
    rng, dealt = np.random.default_rng(config.split_seed), np.empty(len(rows), np.int8)
    first = 0
    while first < len(count):  # some users at once, so that the sort by random numbers stays small
        last = max(first + 1, int(np.searchsorted(start, start[first] + ROWS, "right")) - 1)
        user = np.repeat(np.arange(first, last), count[first:last])
        keys = [rng.random(len(user))]
        if time is not None:
            keys.append(-np.nan_to_num(time[start[first] : start[last]], nan=-np.inf))
        shuffled = np.lexsort((*keys, user))
        rank = np.arange(start[first], start[last]) - start[user]  # place within the user, along `shuffled`
        picked = np.where(
            rank < tests[user], TEST, np.where(rank < (tests + validations)[user], VALIDATION, TRAIN)
        )
        dealt[start[first] + shuffled] = picked
        first = last
    fold = np.empty(len(rows), np.int8)
    fold[order] = dealt
    return fold


def _quotas(count: np.ndarray, config: DataConfig, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """(test pairs, validation pairs) for users with `count` pairs to share out; at least one stays for
    training.
    """
    if own:
        share = np.maximum(1, np.rint(count * config.validation / (1 - config.test))).astype(int)
        return np.zeros_like(count), np.where(count >= LEAST_TO_VALIDATE, np.minimum(share, count - 1), 0)
    spare = np.maximum(count - 1, 0)
    if config.split == LEAVE_ONE_OUT:
        tests = np.minimum(1, spare)
        return tests, np.minimum(1, spare - tests)
    tests = np.minimum(np.maximum(1, np.rint(count * config.test)).astype(int), spare)
    return tests, np.minimum(np.maximum(1, np.rint(count * config.validation)).astype(int), spare - tests)
