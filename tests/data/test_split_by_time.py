"""Splits by time and leave-one-out, on worlds small enough to see, and the timestamps that readers keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import OUTSIDE, SEEN, TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.data.times import FORMATS, format_of, seconds
from dskreg.errors import InputError
from tests.data.test_plain import MOVIES, RATINGS
from tests.data.test_plain import world as tables
from tests.data.test_split import crowd, world

DAY = 86_400.0
NEW_YEAR = 1_514_764_800.0  # 2018-01-01


def two_users(likes: int = 10) -> Dataset:
    """User 0 likes items in order, user 1 in the reverse order, one a day from 2017-12-25 on."""
    days = np.arange(likes)
    data = world([0] * likes + [1] * likes, [*days, *days])
    return replace(data, time=NEW_YEAR + DAY * np.concatenate([days - 7, likes - 1 - days - 7]))


def folds(data: Dataset, config: DataConfig) -> dict[int, list[int]]:
    """Fold by item of each user."""
    done = split(data, config)
    assert done.time is None  # nothing below needs it
    return {user: done.fold[done.user == user].tolist() for user in range(2)}


def test_the_latest_likes_of_every_user_are_the_test() -> None:
    rising = [TRAIN] * 7 + [VALIDATION] + [TEST] * 2
    found = folds(two_users(), DataConfig(core=1, split="time"))
    assert found == {0: rising, 1: rising[::-1]}
    notes = split(two_users(), DataConfig(core=1, split="time")).notes
    assert "data.split=time: by the timestamps of the likes" in notes


def test_likes_from_a_date_on_are_the_test() -> None:
    """Day 7 is New Year; of the 7 likes before it the last is validation."""
    rising = [TRAIN] * 6 + [VALIDATION] + [TEST] * 3
    config = DataConfig(core=1, split="time:2018-01-01")
    assert folds(two_users(), config) == {0: rising, 1: rising[::-1]}
    later = replace(two_users(), time=two_users().time + np.repeat([0, 10 * DAY], 10))
    assert folds(later, config)[1] == [TEST] * 10  # a user who comes later has no history
    with pytest.raises(InputError) as caught:
        split(two_users(), DataConfig(core=1, split="time:2019-01-01"))
    assert str(caught.value) == (
        "world: data.split=time:2019-01-01: expected likes from that date, found none (their timestamps run "
        "from 2017-12-25 to 2018-01-03)"
    )
    with pytest.raises(InputError, match=r"found none \(no like has a timestamp\)$"):
        split(replace(two_users(), time=np.full(20, np.nan)), DataConfig(core=1, split="time:2018-01-01"))
    with pytest.raises(InputError, match="expected likes before that date, found none"):
        split(two_users(), DataConfig(core=1, split="time:2017-01-01"))


def test_leave_one_out_takes_the_latest_like_or_any() -> None:
    rising = [TRAIN] * 8 + [VALIDATION, TEST]
    config = DataConfig(core=1, split="leave-one-out")
    assert folds(two_users(), config) == {0: rising, 1: rising[::-1]}
    timeless = folds(replace(two_users(), time=None), config)
    assert all(sorted(row) == sorted(rising) for row in timeless.values()) and timeless != {
        0: rising,
        1: rising,
    }
    assert folds(replace(two_users(2), time=None), config)[0].count(TEST) == 1
    assert folds(two_users(1), config) == {0: [TRAIN], 1: [TRAIN]}


def test_what_is_not_liked_or_outside_the_core_stays_so() -> None:
    """The core and the shares are those of the random split; only who is in the test differs."""
    data = crowd()
    data = replace(data, time=np.random.default_rng(1).permutation(len(data.user)).astype(float))
    random, timed = (split(data, DataConfig(split=kind)) for kind in ("random", "time"))
    for fold in (SEEN, OUTSIDE):
        assert ((random.fold == fold) == (timed.fold == fold)).all()
    for user in range(40):
        of = {
            fold: data.time[(timed.user == user) & (timed.fold == fold)] for fold in (TRAIN, VALIDATION, TEST)
        }
        counts = [int(((random.user == user) & (random.fold == fold)).sum()) for fold in of]
        assert counts == [len(times) for times in of.values()]
        if counts[0]:
            assert of[TRAIN].max() < of[VALIDATION].min() and of[VALIDATION].max() < of[TEST].min()


def test_the_order_of_the_rows_and_missing_times_do_not_matter(monkeypatch) -> None:
    data = replace(crowd(), time=np.where(np.arange(len(crowd().user)) % 3, 5.0, np.nan))  # ties and gaps
    whole = split(data, DataConfig(split="time"))
    assert any(note.endswith("likes without a timestamp: taken as the earliest") for note in whole.notes)
    rows = np.random.default_rng(0).permutation(len(data.user))
    columns = {name: getattr(data, name)[rows] for name in ("user", "item", "liked", "fold", "time")}
    assert (split(replace(data, **columns), DataConfig(split="time")).fold == whole.fold[rows]).all()
    monkeypatch.setattr("dskreg.data.split.ROWS", 50)
    assert (split(data, DataConfig(split="time")).fold == whole.fold).all()
    for user in range(40):  # a like with a time comes after one without
        mine = whole.user == user
        if np.isnan(data.time[mine & (whole.fold == TEST)]).any():
            assert np.isnan(data.time[mine & (whole.fold == TRAIN)]).all()


@pytest.mark.parametrize("kind", ["time", "time:2018-01-01", "leave-one-out"])
def test_a_split_that_does_not_go_with_the_data_is_refused(kind: str) -> None:
    own = replace(two_users(), fold=np.array([TRAIN] * 19 + [TEST], np.int8))
    with pytest.raises(InputError, match=f"data.split={kind} does not go with data that are split already"):
        split(own, DataConfig(split=kind))
    if kind != "leave-one-out":
        with pytest.raises(InputError) as caught:
            split(replace(two_users(), time=None), DataConfig(split=kind))
        assert str(caught.value) == (
            f"world: data.split={kind} needs timestamps, found none: plain tables (a column timestamp, or "
            '--columns "COLUMN=timestamp") and RecBole files (timestamp:float) may have them'
        )


def test_readers_keep_timestamps(tmp_path: Path) -> None:
    data = load(tables(tmp_path / "ml", movies_csv=MOVIES, ratings_csv=RATINGS), DataConfig())
    assert data.time is not None and data.time.tolist() == [9, 8, 7, 1, 3]  # the repeated pair's latest
    headless = tables(tmp_path / "ml-1m", ratings_dat="1::1::5::978300760\n1::2::3::978302109\n")
    found = load(headless, DataConfig()).time
    assert found is not None and found.tolist() == [978300760, 978302109]
    inter = "user_id:token\titem_id:token\ttimestamp:float\n1\t10\t880606923\n1\t11\t881250949\n"
    found = load(tables(tmp_path / "r", x_inter=inter), DataConfig()).time
    assert found is not None and found.tolist() == [880606923, 881250949]
    assert load(tables(tmp_path / "n", x_csv="user,item\n1,2\n"), DataConfig()).time is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("2018-01-01", "2018-01-02", ""), [0, 1, np.nan]),
        (("2018-01-01T00:00:00Z", "2018-01-02 12:00:00", "soon"), [0, 1.5, np.nan]),
        (("01 1, 2018", "01 02, 2018", "-"), [0, 1, np.nan]),
        (("01.01.2018", "02.01.2018", "31.31.2018"), [0, 1, np.nan]),
        (("01.01.2018 00:00", "02.01.2018 12:00", "x"), [0, 1.5, np.nan]),
        (("Mon Jan 01 01:00:00 +0100 2018", "Tue Jan 02 00:00:00 +0000 2018", "x"), [0, 1, np.nan]),
    ],
)
def test_dates_as_text(tmp_path: Path, texts: tuple[str, ...], expected: list[float]) -> None:
    rows = "".join(f'u,i{n},"{text}"\n' for n, text in enumerate(texts))
    data = load(tables(tmp_path, x_csv=f"user,item,date\n{rows}"), DataConfig())
    assert data.time is not None and np.array_equal((data.time - NEW_YEAR) / DAY, expected, equal_nan=True)
    assert "1 row of x.csv without a time in date" in data.notes


def test_numbers_in_any_unit() -> None:
    for factor in (1, 1e3, 1e6, 1e9):
        found = seconds(np.array([NEW_YEAR * factor, np.nan]))
        assert found is not None and found[0] == NEW_YEAR and np.isnan(found[1])
    days = seconds(np.array([20180101.0, 20180102.0]))
    assert days is not None and days.tolist() == [NEW_YEAR, NEW_YEAR + DAY]
    assert seconds(np.array([np.nan])) is None
    assert format_of("soon") is None and format_of("2018-01-31") == FORMATS[0]
