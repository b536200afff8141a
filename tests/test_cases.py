"""Small inputs that once failed, each with its right value: written here, and read from ../shared/cases where
that folder is.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dskreg.cli import main
from dskreg.config import DataConfig
from dskreg.data.dataset import SEEN, TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.errors import InputError
from dskreg.explorer import Change, Explorer
from dskreg.serving.directory import Directory
from dskreg.storage import artifact as artifacts
from tests.small import DEMO

SHARED = Path(__file__).parents[2] / "shared" / "cases"


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


_PAIRS = {"train.txt": "0 0 1\n1 0 1\n", "test.txt": "0 2\n1 2\n"}
_TEXT = {**_PAIRS, "kg_final.txt": "0 0 3\n1 0 3\n2 0 3\n"}
_PLAIN_INTER = "user_id:token\titem_id:token\nu1\ti1\nu1\ti2\nu2\ti1\nu2\ti2\n"

FILES: dict[str, dict[str, str | bytes]] = {
    "recbole-label": {
        "x.inter": "user_id:token\titem_id:token\tlabel:float\nu1\ti1\t1\nu1\ti2\t0\nu2\ti1\t1\nu2\ti3\t0\n"
    },
    "recbole-inverse": {
        "x.inter": _PLAIN_INTER,
        "x.link": "item_id:token\tentity_id:token\ni1\tm1\ni2\tm2\n",
        "x.kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        "m1\tfilm.directed_by\tp1\np1\tdirector.film\tm1\nm2\tfilm.directed_by\tp1\np1\tdirector.film\tm2\n",
    },
    "scale-100": {
        "x.inter": (
            "user_id:token\titem_id:token\trating:float\nu1\ti1\t95\nu1\ti2\t20\nu2\ti1\t15\nu2\ti2\t85\n"
        )
    },
    "kaggle-episodes-float": {
        "anime.csv": "anime_id,name,genre,type,episodes,rating,members\n1,Show "
        "A,Action,TV,12.0,7.5,100\n2,Show B,Action,Movie,,7.0,90\n",
        "rating.csv": "user_id,anime_id,rating\n1,1,8\n1,2,9\n",
    },
    "kgat-org-ids-lost": {
        **_TEXT,
        "item_list.txt": "org_id remap_id freebase_id\nB000AAA001 0 m.01\nB000AAA002 1 m.02\nB000AAA003 2 "
        "m.03\n",
        "user_list.txt": "org_id remap_id\nA1USER 0\nA2USER 1\n",
    },
    "kgat-yelp-itemlist": {
        **_TEXT,
        "item_list.txt": "org_id remap_id freebase_id\nshopA 0shopA\nshopB 1shopB\nshopC 2shopC\n",
    },
    "kgat-itemlist-spaces": {
        **_TEXT,
        "item_list.txt": "org_id remap_id freebase_id\nThe First Band 0 m.01\nSecond Band 1 m.02\nThird 2 "
        "m.03\n",
    },
    "kgat-kg-zip": {**_PAIRS, "kg_final.txt.zip": zipped(**{"kg_final.txt": "0 0 3\n1 0 3\n2 0 3\n"})},
    "no-validation": {
        "train.txt": "".join(f"{u} {u % 20} {(7 * u + 3) % 20}\n" for u in range(30)),
        "test.txt": "".join(f"{u} {(11 * u + 5) % 20}\n" for u in range(30)),
        "kg_final.txt": "".join(f"{i} 0 {20 + i % 4}\n" for i in range(20)),
    },
    "recbole-benchmark-split": {f"x.{part}.inter": _PLAIN_INTER for part in ("train", "valid", "test")},
    "recbole-trailing-line": {
        "x.inter": (
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu1\ti1\t9\t1\nu1\ti2\t9\t2\t1"
        )
    },
    "kaggle-2020-2023": {
        "anime.csv": "MAL_ID,Name,Score,Genres,Type,Episodes,Members\n1,Show A,8.78,Action,TV,26,1251960\n",
        "rating_complete.csv": "user_id,anime_id,rating\n0,1,9\n",
    },
    "movielens-csv": {
        "movies.csv": "movieId,title,genres\n1,Toy (1995),Adventure|Comedy\n",
        "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    },
}


@pytest.fixture(params=["written here", "shared"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """The folder of a case, which the test may change."""

    def laid(name: str) -> Path:
        folder = tmp_path / "data"
        if request.param == "shared":
            if not (SHARED / name).is_dir():
                pytest.skip(f"the folder is not at {SHARED / name}")
            return shutil.copytree(SHARED / name, folder, copy_function=shutil.copyfile)
        folder.mkdir()
        for file, content in FILES[name].items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return laid


def read(folder: Path) -> Dataset:
    folder.chmod(0o755)
    return split(load(folder, DataConfig()), DataConfig(core=1))


def complaint(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_recbole_label(case):
    data = read(case("recbole-label"))
    liked = {
        (data.user_ids[u], data.items["item_id"][i]): bool(like)
        for u, i, like in zip(data.user, data.item, data.liked, strict=True)
    }
    assert liked == {("u1", "i1"): True, ("u1", "i2"): False, ("u2", "i1"): True, ("u2", "i3"): False}
    assert (
        "2 rows of x.inter with the label 0: seen, not liked" in data.notes
        and "2 of 4 interactions are likes" in data.notes
    )


def test_recbole_inverse(case):
    data = read(case("recbole-inverse"))
    assert (
        data.relations == ("film.directed_by",)
        and data.head.tolist() == [0, 1]
        and list(data.entities) == ["p1"]
    )
    assert (
        "'director.film' is the inverse of 'film.directed_by' (2 of 2 pairs in common): one relation"
        in data.notes
    )


def test_text_inverse(case):
    folder = case("kgat-org-ids-lost")
    (folder / "kg_final.txt").write_text("0 1 3\n3 0 0\n1 1 3\n3 0 1\n")
    (folder / "relation_list.txt").write_text("org_id remap_id\nwrote 0\nauthor 1\n")
    data = read(folder)
    assert data.relations == ("author",) and len(data.head) == 2
    assert "'wrote' is the inverse of 'author' (2 of 2 pairs in common): one relation" in data.notes


def test_scale_100(case):
    note = (
        "x.inter: ratings from 15 to 95, data.like_threshold = 7: every rating is a like; try --set "
        "data.like_threshold=70"
    )
    folder = case("scale-100")
    assert note in load(folder, DataConfig(like_threshold=7)).notes
    data = read(folder)
    assert data.liked.tolist() == [True, False, False, True]
    assert (
        "x.inter: rating from 15 to 95: a rating of at least 70 is a like (chosen from the scale)"
        in data.notes
    )


def test_kaggle_episodes_float(case):
    folder = case("kaggle-episodes-float")
    data = read(folder)
    assert data.items["episodes"][0] == 12 and data.items["episodes"].isna().tolist() == [False, True]
    anime, rating = folder / "anime.csv", folder / "rating.csv"
    floats = (
        anime.read_text().replace("\n1,", "\n1.0,").replace("\n2,", "\n2.0,").replace(",100\n", ",100.0\n")
    )
    anime.write_text(floats)
    rating.write_text("user_id,anime_id,rating\n1.0,1.0,8.0\n1.0,2.0,9.0\n")
    again = read(folder)
    assert (
        again.items.equals(data.items)
        and again.user_ids.tolist() == [1]
        and again.items["item_id"].tolist() == [1, 2]
    )
    assert again.liked.all() and again.item.tolist() == [0, 1]
    for column, bad in (
        ("anime_id", "1.5,A,,TV,1,1,1"),
        ("episodes", "3,A,,TV,1.5,1,1"),
        ("members", "3,A,,TV,1,1,1.5"),
    ):
        anime.write_text(f"{floats}{bad}\n")
        assert complaint(folder).startswith(
            f"anime.csv, line 4, column {column}: expected a whole number"
        ) and "'1.5'" in complaint(folder)
    anime.write_text(floats)
    rating.write_text("user_id,anime_id,rating\n1.0,1.0,8.0\n1.5,2.0,9.0\n")
    assert complaint(folder) == "rating.csv, line 3, column user_id: expected a whole number (got '1.5')"


def test_kgat_org_ids_lost(case):
    data = read(case("kgat-org-ids-lost"))
    assert (
        list(data.items["item_id"]) == list(data.items["title"]) == ["B000AAA001", "B000AAA002", "B000AAA003"]
    )
    people = Directory(data)
    assert people.profile("A2USER").history == ("B000AAA001", "B000AAA002")
    assert people.profile_of(["B000AAA001"]).history == ("B000AAA001",)


def test_kgat_yelp_itemlist(case):
    data = read(case("kgat-yelp-itemlist"))
    assert data.items["item_id"].tolist() == [0, 1, 2] and len(data.user) == 6 and len(data.head) == 3
    assert (
        "3 rows of item_list.txt not read: item_list.txt, line 2: expected 3 fields (got '2')" in data.notes
    )


def test_kgat_itemlist_spaces(case):
    folder = case("kgat-itemlist-spaces")
    data = read(folder)
    assert list(data.items["title"]) == ["The First Band", "Second Band", "Third"] and data.items[
        "item_id"
    ].tolist() == [0, 1, 2]
    assert (
        "item_list.txt holds names (with blanks or commas): used as titles, the ids are the numbers"
        in data.notes
    )
    with_tabs = (
        (folder / "item_list.txt")
        .read_text()
        .replace(" 0 ", "\t0\t")
        .replace(" 1 ", "\t1\t")
        .replace(" 2 ", "\t2\t")
    )
    (folder / "item_list.txt").write_text(with_tabs)
    assert read(folder).items.equals(data.items)


def test_kgat_kg_zip(case):
    folder = case("kgat-kg-zip")
    assert read(folder).head.tolist() == [0, 1, 2]
    (folder / "kg_final.txt.zip").rename(folder / "kg_final.old.zip")
    assert len(read(folder).head) == 3
    (folder / "kg_final.old.zip").unlink()
    (folder / "kg").mkdir()
    assert complaint(folder).endswith(
        "expected kg_final.txt (or kg_final.txt.gz, or a zip that holds kg_final.txt), found 'kg/', "
        "'train.txt', 'test.txt'"
    )


def test_a_misspelt_name_is_suggested(case):
    folder = case("kaggle-episodes-float")
    (folder / "rating.csv").rename(folder / "rating.csv.old")
    assert complaint(folder).endswith("found 'rating.csv.old', 'anime.csv'")


def folds(data: Dataset) -> dict[tuple[object, object], int]:
    """The fold of each pair, by ids."""
    item_ids = data.items["item_id"]
    return {
        (data.user_ids[u], item_ids[i]): int(fold)
        for u, i, fold in zip(data.user, data.item, data.fold, strict=True)
    }


def test_recbole_benchmark_split(case):
    folder = case("recbole-benchmark-split")
    data = read(folder)
    both = [(user, item) for user in ("u1", "u2") for item in ("i1", "i2")]
    assert data.name == "x" and folds(data) == dict.fromkeys(both, TRAIN), "the parts hold the same pairs"
    parts = "x.train.inter, x.valid.inter, x.test.inter"
    assert f"8 pairs in several of {parts}: kept in the first" in data.notes
    head = "user_id:token\titem_id:token\trating:float\n"
    (folder / "x.train.inter").write_text(f"{head}u1\ti1\t9\nu2\ti1\t2\nu2\ti2\t8\nu2\ti4\t9\nu2\ti5\t9\n")
    (folder / "x.valid.inter").write_text(f"{head}u1\ti2\t9\nu2\ti1\t9\n")
    (folder / "x.test.inter").write_text(f"{head}u1\ti3\t9\nu2\ti3\t1\n")
    kept = {("u1", "i1"): TRAIN, ("u2", "i1"): SEEN, ("u2", "i2"): TRAIN, ("u2", "i4"): TRAIN}
    kept |= {("u2", "i5"): TRAIN, ("u1", "i2"): VALIDATION, ("u1", "i3"): TEST, ("u2", "i3"): SEEN}
    data = read(folder)
    assert folds(data) == kept and f"1 pair in several of {parts}: kept in the first" in data.notes
    assert "2 ratings of x.*.inter below 7: seen, not liked" in data.notes
    (folder / "x.inter").write_text(f"{head}u9\ti9\t9\n")
    assert folds(read(folder)) == kept and f"x.inter is not used: {parts} are there" in read(folder).notes
    (folder / "x.valid.inter").unlink()  # then validation is dealt out of the training pairs
    found = folds(read(folder))
    assert found[("u1", "i3")] == TEST and list(found.values()).count(VALIDATION) == 1
    (folder / "x.test.inter").write_text("user_id:token\titem_id:token\nu1\ti3\n")
    assert complaint(folder) == (
        "x.test.inter, line 1: expected the columns of x.train.inter among rating, label, timestamp"
    )
    (folder / "x.test.inter").rename(folder / "y.test.inter")
    assert complaint(folder).endswith("put the rows of all into one file")


def test_text_valid(case):
    folder = case("kgat-org-ids-lost")
    (folder / "valid.txt").write_text("0 2\n1 0\n")
    (folder / "test.txt").write_text("0 2\n1 2\n")
    data = read(folder)
    names = ["B000AAA001", "B000AAA002", "B000AAA003"]
    assert folds(data) == {
        **{(user, item): TRAIN for user in ("A1USER", "A2USER") for item in names[:2]},
        ("A1USER", names[2]): VALIDATION,
        ("A2USER", names[2]): TEST,
    }
    assert "2 pairs in several of train.txt, valid.txt, test.txt: kept in the first" in data.notes


def test_recbole_trailing_line_is_refused(case):
    assert complaint(case("recbole-trailing-line")) == "x.inter, line 3: expected 4 fields (got '5')"


def test_movielens_csv(case):
    data = read(case("movielens-csv"))
    assert data.user_ids.tolist() == [1] and data.items["item_id"].tolist() == [1] and data.liked.all()
    assert data.items["title"].tolist() == ["Toy (1995)"] and data.items["year"].tolist() == [1995]
    assert data.relations == ("year", "genre") and {"Adventure", "Comedy"} < set(data.entities)
    assert (
        "ratings.csv: rating from 4 to 4: a rating of at least 4 is a like (chosen from the scale)"
        in data.notes
    )


def test_kaggle_2020(case):
    data = read(case("kaggle-2020-2023"))
    assert data.user_ids.tolist() == [0] and data.items["item_id"].tolist() == [1] and data.liked.all()
    assert data.items["title"].tolist() == ["Show A"] and {"genre", "type", "length"} <= set(data.relations)
    assert "15 to 30 episodes" in data.entities and "8.78" not in data.entities


def test_kaggle_2023(case):
    folder = case("kaggle-2020-2023")
    if not (folder / "users-score-2023.csv").is_file():
        pytest.skip("only in the folder")
    (folder / "anime.csv").unlink()
    (folder / "rating_complete.csv").unlink()
    data = read(folder)
    assert data.user_ids.tolist() == [1] and data.items["title"].tolist() == ["Show A"]
    assert data.liked.all() and set(data.relations) == {"genre", "type", "length"}
    assert {"Action", "Drama", "TV", "15 to 30 episodes"} == set(data.entities)


# Beyond the readers: file modes, What-if, training and lists


@contextmanager
def another_account() -> Iterator[None]:
    """Files are opened by an account that owns none of them."""
    if os.geteuid() != 0:
        yield  # the owner's own right is taken away below
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", [*artifacts.FILES, artifacts.MANIFEST])
def test_perm600(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file may be read by whoever may read new files; one that may not is named in one sentence."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    made = Path(shutil.copytree(DEMO, tmp_path / "made"))
    monkeypatch.setattr("sys.argv", ["dskreg", "info", str(made), "--json"])
    assert main() == 0  # everything is imported: the other account need not be able to read the libraries
    capsys.readouterr()
    (made / name).chmod(0)
    with another_account():
        code = main()
    told = capsys.readouterr()
    assert code == 2 and told.out == "" and told.err.count("\n") == 1
    assert f"{made / name}: cannot be read (Permission denied)" in told.err
    (made / name).chmod(0o644)
    with another_account():
        assert main() == 0


def dskreg(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dskreg", *arguments])
        return main()


QUICK = ("--set", "model.width=8", "--set", "projection.iterations=50", "--no-baselines")


def test_no_validation(case: Callable[[str], Path], tmp_path: Path) -> None:
    data, out = str(case("no-validation")), tmp_path / "made"
    assert (
        dskreg("train", data, "--out", str(out), "--epochs", "1", "--set", "train.refit=false", *QUICK) == 0
    )
    made = artifacts.load(out)
    assert [(row["ndcg"], row["recall"]) for row in made.history] == [(None, None)] * 2
    assert (
        any("validation item" in note for note in made.dataset.notes)
        and made.metrics["metrics"]["ndcg@20"] is not None
    )


def test_diverging_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    for file, content in FILES["no-validation"].items():
        (tmp_path / "data" / file).write_text(str(content))
    wild = ("--set", "train.learning_rate=1e3", "--set", "train.refit=false")
    assert dskreg("train", str(tmp_path / "data"), "--out", str(tmp_path / "made"), *wild, *QUICK) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and "diverged at epoch" in told[0] and "train.learning_rate" in told[0]
    assert not (tmp_path / "made").exists() and (tmp_path / ".made.training" / "state.json").is_file()
    for rate in ("1e8", "1e20"):
        assert (
            dskreg("train", "demo", "--out", str(tmp_path / "made"), "--set", f"train.learning_rate={rate}")
            == 2
        )
        assert "train.learning_rate" in capsys.readouterr().err


def test_what_if_without_an_entity_that_ties_nothing() -> None:
    explorer = Explorer.open(DEMO)
    profile = explorer.profile(34)
    item = explorer.recommend(profile, 1)["item_id"].iloc[0]
    change = Change(without_entities=(("studio", "Palm Studio"),))
    before, after = explorer.what_if(profile, item, Change()), explorer.what_if(profile, item, change)
    assert (
        after.after.score == before.after.score
        and after.rank_after == before.rank_after
        and after.touched == 0
    )


def test_no_likes_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "data", tmp_path / "made"
    data.mkdir()
    names = "".join(f'{i},Title {i},"Action, G{i % 3}",TV,12,7.5,100\n' for i in range(1, 13))
    (data / "anime.csv").write_text(f"anime_id,name,genre,type,episodes,rating,members\n{names}")
    likes = "".join(f"{u},{i},9\n" for u in range(1, 9) for i in range(1, 13) if (u + i) % 2 or i < 4)
    (data / "rating.csv").write_text(f"user_id,anime_id,rating\n{likes}500,1,-1\n500,2,-1\n500,3,-1\n")
    assert dskreg("train", str(data), "--out", str(out), "--epochs", "1", "--set", "data.core=1", *QUICK) == 0
    capsys.readouterr()
    assert dskreg("recommend", str(out), "--user", "500", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["basis"] == "popularity" and not {1, 2, 3} & {item["item_id"] for item in found["items"]}
    assert all(
        "nothing is known" in item["reason"].lower() and "your taste as a whole" not in item["reason"]
        for item in found["items"]
    )
