"""Explanations of whole lists: the same numbers as one explanation at a time, in files that are whole or
absent.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dskreg import cli
from dskreg.commands import explain as command
from dskreg.explain import tables
from dskreg.explorer import Explorer, InputError
from dskreg.graph.candidates import build
from dskreg.serving.table_files import write_table
from tests.command_line import DEMO, run
from tests.small import SMALL, of_few, opened
from tests.worlds import EVERYTHING, hand_drawn

Command = Callable[..., tuple[int, str, str]]
ONE, USER = ["rank", "item_id"], 17


@pytest.fixture
def dskreg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return lambda *words: run(capsys, monkeypatch, *map(str, words))


@pytest.fixture(params=[(name, seed) for name in SMALL for seed in (0, 1)], ids=str)
def small(request: pytest.FixtureRequest) -> Explorer:
    return of_few(*request.param)


def test_the_terms_of_all_users_are_those_of_each_explanation(small: Explorer) -> None:
    table = pd.concat(tables.of_all_users(small.core, "neighbours", 3))
    for user in small.user_ids:
        profile = small.profile(user)
        rows = table[table["user_id"] == user]
        listed = small.recommend(profile, 3)
        assert rows[ONE].drop_duplicates().to_numpy().tolist() == listed[ONE].to_numpy().tolist()
        for item, terms in rows.groupby("item_id"):
            found = small.explain(profile, item)
            assert terms["contribution"].sum() == pytest.approx(found.pre_activation_score, abs=1e-5)
            assert (terms["score"] - found.score).abs().max() < 1e-5
            by_term = terms.set_index("term")["contribution"]
            assert by_term["own embedding"] == pytest.approx(found.self_contribution, abs=1e-5)
            assert by_term.get("bias", 0.0) == pytest.approx(found.bias, abs=1e-5)
            sampled = found.item_neighbours.query("picked").set_index(["item_id", "relation"])
            mine = terms[terms["term"] == "neighbour"].set_index(["term_id", "relation"])
            assert list(mine.index) == list(sampled.index)  # the largest logit first
            for column in ("logit", "inclusion_probability", "attention", "contribution"):
                assert mine[column].tolist() == pytest.approx(sampled[column].tolist(), abs=1e-5)
            assert mine["via"].tolist() == [", ".join(words) for words in sampled["via"]]
            assert mine["term_title"].tolist() == sampled["title"].tolist()


def test_by_liked_items_the_terms_are_those_of_each_explanation(small: Explorer) -> None:
    for user in small.user_ids:
        profile = small.profile(user)
        table = pd.concat(tables.of_user(small.core, profile, "liked"))
        assert table["item_id"].nunique() == len(small.items) - len(profile.seen)
        for item, terms in table.groupby("item_id"):
            found = small.explain(profile, item)
            liked = terms[terms["term"] == "liked item"].set_index("term_id")["contribution"]
            expected = found.liked.set_index("item_id")["contribution"]
            assert liked.to_dict() == pytest.approx(expected.to_dict(), abs=1e-5)
            rest = terms.loc[terms["term"] == "rest", "contribution"]
            assert rest.tolist() == pytest.approx([found.common], abs=1e-5)
            assert terms["contribution"].sum() == pytest.approx(found.score, abs=1e-5)


def test_chunks_hold_whole_items_and_are_all_there(small: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = small.profile_of(small.items["item_id"][:2])
    whole = list(tables.of_user(small.core, profile, "neighbours"))
    monkeypatch.setattr(tables, "ITEMS", 3)
    parts = list(tables.of_user(small.core, profile, "neighbours"))
    assert len(whole) == 1 and [part["item_id"].nunique() for part in parts] == [3, 3, 2]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole[0])
    best = pd.concat(tables.of_user(small.core, profile, "neighbours", 4), ignore_index=True)
    pd.testing.assert_frame_equal(best, whole[0][whole[0]["rank"] <= 4])


def test_a_user_without_a_like_gets_scores_of_0_and_a_user_who_has_seen_all_gets_none() -> None:
    explorer = opened(hand_drawn(), build(hand_drawn(), EVERYTHING), SMALL["default"])
    nobody = explorer.profile_of([])
    table = pd.concat(tables.of_user(explorer.core, nobody, "neighbours"))
    assert table["item_id"].nunique() == 5 and (table["contribution"] == 0).all()
    everything = explorer.profile_of(explorer.items["item_id"])
    (nothing,) = tables.of_user(explorer.core, everything, "liked")
    assert nothing.empty and nothing.dtypes["term_id"] == table.dtypes["term_id"] == "Int64"


def test_the_command_writes_the_same_as_csv_and_as_parquet(
    dskreg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = of_few("default", 0)
    for module in (cli, command):
        monkeypatch.setattr(module, "opened", lambda *_: explorer)
    for name in ("all.csv", "all.parquet"):
        code, out, _ = dskreg("explain", DEMO, "--all-users", "--top", 2, "--out", tmp_path / name)
        assert (code, out) == (0, "")
    csv, parquet = pd.read_csv(tmp_path / "all.csv"), pd.read_parquet(tmp_path / "all.parquet")
    for column in csv:
        numbers = csv[column].dtype != object and csv[column].dtype != "str"
        one, other = (frame[column].astype("Float64" if numbers else "string") for frame in (csv, parquet))
        pd.testing.assert_series_equal(one, other, check_exact=False, rtol=1e-12)
    lists = tmp_path / "lists.csv"
    dskreg("recommend", DEMO, "--all-users", "--top", 2, "--out", lists)
    keys = ["user_id", "rank", "item_id", "score"]
    expected = pd.read_csv(lists)
    assert len(expected) == 2 * len(explorer.user_ids)
    pd.testing.assert_frame_equal(
        csv[keys].drop_duplicates(["user_id", "rank"]).reset_index(drop=True), expected, atol=1e-4
    )
    added = csv.groupby(["user_id", "rank"])["contribution"].sum().to_numpy()
    assert added == pytest.approx(expected["score"].to_numpy(), abs=1e-3)
    assert {path.name for path in tmp_path.iterdir()} == {"all.csv", "all.parquet", "lists.csv"}


def test_the_command_explains_everything_for_one_user(dskreg: Command, tmp_path: Path) -> None:
    out = tmp_path / "one.parquet"
    assert dskreg("explain", DEMO, "--user", USER, "--by", "liked", "--out", out)[0] == 0
    table = pd.read_parquet(out)
    seen = pd.read_parquet(DEMO / "interactions.parquet").query(
        "user == @place",
        local_dict={"place": pd.read_parquet(DEMO / "users.parquet")["user_id"].tolist().index(USER)},
    )
    items = pd.read_parquet(DEMO / "items.parquet")
    assert set(table["item_id"]) == set(items["item_id"]) - set(items["item_id"].iloc[seen["item"]])
    assert table.groupby("rank")["score"].first().diff().max() < 1e-5  # equal ones up to rounding
    assert set(table["user_id"]) == {USER}


def test_a_file_that_cannot_be_finished_is_absent(tmp_path: Path) -> None:
    explorer = of_few("default", 0)

    def breaking() -> object:
        yield from tables.of_all_users(explorer.core, "neighbours", 2)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        write_table(breaking(), tmp_path / "x.csv", 6)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--user", "17"], "expected --item, or --out"),
        (["--all-users"], "expected --out"),
        (["--all-users", "--user", "17", "--out", "x.csv"], "exactly one of --user, --history"),
        (["--user", "17", "--out", "x.txt"], ".parquet or .csv"),
        (["--user", "17", "--out", "x.csv", "--item", "1"], "--item: for one item"),
        (["--user", "17", "--out", "x.csv", "--seed", "1"], "--seed: for one item"),
        (["--user", "17", "--out", "x.csv", "--json"], "--json: for one item"),
        (["--user", "17", "--out", "x.csv", "--top", "0"], "expected at least 1"),
        (["--user", "17", "--item", "1", "--top", "3"], "--top: goes with --out"),
        (["--user", "17", "--item", "1", "--by", "liked"], "--by: goes with --out"),
        (["--all-users", "--out", "/dev/null/x.csv"], "cannot be written"),
    ],
)
def test_bad_input_gives_one_line(
    words: list[str], message: str, dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = dskreg("explain", DEMO, *words)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and message in err
    assert list(tmp_path.iterdir()) == []
