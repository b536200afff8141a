"""`recommend --histories`: users who are not in the data, from a table; each list is that of `--history`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dskreg import cli
from dskreg.explain.lists import of_histories
from dskreg.explain.reasons import UNKNOWN
from dskreg.explorer import Explorer, InputError
from dskreg.graph.candidates import build
from dskreg.serving.histories import read
from dskreg.text import between_commas
from tests.command_line import DEMO, run
from tests.small import SMALL, of_few, opened
from tests.worlds import EVERYTHING, hand_drawn

Command = Callable[..., tuple[int, str, str]]
IDS = ["a, b", "b 2", "=c", "B000AAA001", "2.0"]


@pytest.fixture
def dskreg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, by_hand: Explorer) -> Command:
    monkeypatch.setattr(cli, "opened", lambda artifact, adult: by_hand)
    return lambda *words: run(capsys, monkeypatch, *map(str, words))


@pytest.fixture
def by_hand() -> Explorer:
    """The hand-drawn world, its items called by strings with commas and blanks."""
    data = hand_drawn()
    data = replace(data, items=data.items.assign(item_id=pd.Series(IDS)))
    return opened(data, build(data, EVERYTHING), SMALL["default"])


@pytest.mark.parametrize("form", SMALL)
def test_each_list_is_that_of_the_history_alone(form: str, tmp_path: Path) -> None:
    explorer = of_few(form, 0)
    ids = explorer.items["item_id"].tolist()
    likes = {f"user {n}": [ids[n], ids[(2 * n + 3) % len(ids)]] for n in range(5)}
    rows = pd.DataFrame(
        [(user, item) for user, row in likes.items() for item in row], columns=["user", "item"]
    )
    rows.sample(frac=1, random_state=0).to_parquet(tmp_path / "h.parquet")
    rows[:1].assign(item=ids[-1]).to_csv(tmp_path / "s.csv", index=False)
    people = read(explorer.directory, tmp_path / "h.parquet", tmp_path / "s.csv")
    table = pd.concat(of_histories(explorer.core, people, 4))
    assert list(table) == ["user_id", "rank", "item_id", "score"]
    assert set(table["user_id"]) == set(likes) and people.notes == ()
    for user, row in likes.items():
        profile = explorer.profile_of(row)
        if user == "user 0":
            profile = replace(profile, seen=(*profile.seen, ids[-1]))
        expected, found = explorer.recommend(profile, 4), table[table["user_id"] == user]
        assert (
            found[["rank", "item_id"]].to_numpy().tolist()
            == expected[["rank", "item_id"]].to_numpy().tolist()
        )
        assert found["score"].tolist() == pytest.approx(expected["score"].tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.csv", 'user,item\n7,"a, b"\n9,b 2\n9,=c\n7,2.0\n7,2.0\n'),
        ("h.tsv", "item_id\tUser_ID\na, b\t7\nb 2\t9\n=c\t9\n2.0\t7.0\n"),
        ("h.csv.gz", 'user,item\n7," a, b "\n9,b 2\n9,=c\n7,2.0\n'),
        ("h.dat", "userId::movieId\n7::a, b\n9::b 2\n9::=c\n7::2.0\n"),
        ("h.csv", "asin;Reader No\na, b;7\nb 2;9\n=c;9\n2.0;7\n"),
        (
            "h.jsonl",
            '{"user_id": 7, "asin": "a, b"}\n{"user_id": 9, "asin": "b 2"}\n{"user_id": 9, "asin": "=c"}\n'
            '{"user_id": 7, "asin": "2.0"}\n',
        ),
    ],
)
def test_ids_are_those_of_the_data_commas_and_blanks_included(
    name: str, text: str, by_hand: Explorer, tmp_path: Path
) -> None:
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    people = read(by_hand.directory, tmp_path / name)
    assert people.user_ids.tolist() == [7, 9] and people.notes == ()
    assert people.likes.toarray().tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
    assert people.seen.toarray().tolist() == people.likes.toarray().tolist()


def test_whole_numbers_that_were_written_as_floats_are_known(tmp_path: Path) -> None:
    explorer = of_few("default", 0)
    first = explorer.items["item_id"].tolist()[0]
    pd.DataFrame({"user": [1.0, 2.0], "item": [float(first), float(first)]}).to_parquet(
        tmp_path / "h.parquet"
    )
    people = read(explorer.directory, tmp_path / "h.parquet")
    assert people.user_ids.tolist() == [1, 2] and people.likes[:, [0]].sum() == 2


def test_unknown_items_are_named_in_one_line_with_their_count(
    dskreg: Command, by_hand: Explorer, tmp_path: Path
) -> None:
    rows = [*[("x", f"new {n}") for n in range(7)], ("y", "new 1"), ("z", "=c"), ("z", "a, b")]
    pd.DataFrame(rows, columns=["user", "item"]).assign(rating=5).to_csv(tmp_path / "h.csv", index=False)
    (tmp_path / "s.csv").write_text("user,item\nz,B000AAA001\nw,=c\nz,gone\n")
    words = ("recommend", "x", "--histories", tmp_path / "h.csv", "--seen", tmp_path / "s.csv", "--top", "3")
    code, out, err = dskreg(*words, "--out", tmp_path / "lists.csv")
    assert (code, out) == (0, "") and err.splitlines() == [
        "note: unread columns of h.csv, none of which turns a row into a dislike: 'rating'",
        "note: 7 unknown items in 8 rows of h.csv, not used: "
        "'new 0', 'new 1', 'new 2', 'new 3', 'new 4', ...",
        "note: 1 unknown item in 1 row of s.csv, not used: 'gone'",
        "note: 1 user of s.csv that h.csv lacks: not used",
        f"2 users without a like: {UNKNOWN}; listed by popularity, all scores are 0",
    ]
    lists = pd.read_csv(tmp_path / "lists.csv")
    assert list(lists) == ["user_id", "rank", "item_id", "score"]
    assert (
        lists[lists["user_id"] == "z"]["item_id"].tolist()
        == by_hand.recommend(
            replace(by_hand.profile_of(["=c", "a, b"]), seen=("=c", "a, b", "B000AAA001")), 3
        )["item_id"].tolist()
    )
    popular = by_hand.items.sort_values("likes", ascending=False, kind="stable")["item_id"].tolist()[:3]
    for user in "xy":
        rows = lists[lists["user_id"] == user]
        assert rows["item_id"].str.removeprefix("'").tolist() == popular and not rows["score"].any()


def test_an_id_with_commas_stands_in_quotes_on_the_command_line(dskreg: Command, by_hand: Explorer) -> None:
    for words in ('"a, b",=c', ' "a, b" , =c', '=c,,"a, b"'):
        code, out, _ = dskreg("recommend", "x", "--history", words, "--json")
        listed = by_hand.recommend(by_hand.profile_of(["a, b", "=c"]), 10)["item_id"].tolist()
        assert code == 0 and [row["item_id"] for row in json.loads(out)["items"]] == listed and listed
    for text, parts in {
        '5" disc, b': ['5" disc', "b"],
        '"a, b': ["a, b"],
        " ,": [],
        '"a ""b"",c"': ['a "b",c'],
    }.items():
        assert between_commas(text) == parts


def test_lists_of_histories_take_the_same_options(dskreg: Command, by_hand: Explorer, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("user,item\nx,b 2\n")
    words = ("recommend", "x", "--histories", tmp_path / "h.csv", "--out", tmp_path / "lists.parquet")
    assert dskreg(*words, "--most-likes", "0", "--cold-boost", "3")[0] == 0
    lists = pd.read_parquet(tmp_path / "lists.parquet")
    expected = by_hand.recommend(by_hand.profile_of(["b 2"]), 10, most_likes=0, cold_boost=3)
    assert lists["item_id"].tolist() == expected["item_id"].tolist() and len(lists)
    assert lists["score"].tolist() == pytest.approx(expected["score"].tolist(), abs=1e-5)


REFUSED = {  # by the table's text, in h.csv
    "": "expected data, found an empty file",
    "user,item\n": "expected at least one row, found none",
    "user,title\nx,y\n": "expected columns of users and items, such as user and item, found user, title",
    "user,item\nx,=c\n,=c\n": "an id (got '')",
    "user,item\nx,=c,2\n": "expected 2 fields (got '3')",
    "user,item\nx,y\n": "expected items of the catalogue, found none; 1 unknown item in 1 row of h.csv, not "
    "used: 'y'",
}


def refusal(path: Path, text: str, explorer: Explorer) -> str:
    """The complaint about a table with this text."""
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read(explorer.directory, path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_table_that_cannot_be_used_is_refused_in_one_line(by_hand: Explorer, tmp_path: Path) -> None:
    for text, told in REFUSED.items():
        said = refusal(tmp_path / "h.csv", text, by_hand)
        assert said.startswith("h.csv") and said.endswith(told)
    assert "h.csv, line 3, column user: " in refusal(tmp_path / "h.csv", "user,item\nx,=c\n,=c\n", by_hand)
    wanted = f"{tmp_path}/h.txt: expected one table (.csv, .tsv, "
    assert refusal(tmp_path / "h.txt", "", by_hand).startswith(wanted)
    assert "expected a complete parquet file" in refusal(tmp_path / "h.parquet", "user", by_hand)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--histories", "h.csv"), "--histories: expected --out with a file ending in .parquet or .csv"),
        (("--histories", "h.csv", "--user", "1"), "recommend: expected exactly one of --user, --history, "),
        (("--user", "1", "--seen", "s.csv"), "--seen: goes with --histories"),
        (("--histories", "h.csv", "--out", "l.csv", "--index", "i"), "--index: serves one user (got --his"),
        (
            ("--histories", "h.csv", "--out", "l.csv", "--exclude", "train"),
            "--exclude: goes with --all-users",
        ),
        (("--histories", "no.csv", "--out", "l.csv"), "no.csv: expected a file, found none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: tuple[str, ...], told: str, dskreg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = dskreg("recommend", DEMO, *words)
    assert (code, out) == (2, "") and err.startswith(f"error: {told}") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
