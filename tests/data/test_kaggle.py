"""The Kaggle reader on a catalogue of seven items, and on the real files where they are."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import UNASSIGNED, Dataset
from dskreg.data.readers import files
from dskreg.data.readers.franchise import franchise_stem, franchises
from dskreg.data.readers.kaggle import read
from dskreg.data.readers.load import load
from dskreg.data.readers.triples import length_class
from dskreg.data.split import split
from dskreg.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "anime"

ANIME = """anime_id,name,genre,type,episodes,rating,members
20,Naruto,"Action, Comedy",TV,220,7.81,683297
442,Naruto Movie 1,"Action",Movie,1,7.1,1000
44,Tiger &amp; Bunny ,"Action, Comedy",TV,25,8.0,50
7,Twice,Drama,TV,Unknown,,22
8,Twice,Drama,OVA,2,6,23
9,Nameless,,,Unknown,,5
20,Naruto again,Drama,TV,1,1,1
"""
RATING = "user_id,anime_id,rating\n3,20,10\n3,44,-1\n1,20,6\n1,999,10\n1,7,7\n1,20,8\n"


def world(folder: Path, anime: str = ANIME, rating: str = RATING) -> Path:
    (folder / "anime.csv").write_text(anime, "utf-8")
    (folder / "rating.csv").write_text(rating, "utf-8")
    return folder


def complaint(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, 7)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def carried(dataset: Dataset, relation: str) -> dict[str, set[str]]:
    """Entities by item under one relation."""
    found: dict[str, set[str]] = {}
    for head, kind, tail in zip(dataset.head, dataset.relation, dataset.tail, strict=True):
        if dataset.relations[kind] == relation:
            found.setdefault(dataset.items["title"][head], set()).add(str(dataset.entities[tail]))
    return found


def test_titles_are_decoded_distinguished_and_kept(tmp_path):
    items = read(world(tmp_path), 7).items
    assert list(items["item_id"]) == [20, 442, 44, 7, 8, 9]
    assert list(items["title"]) == [
        "Naruto",
        "Naruto Movie 1",
        "Tiger & Bunny",
        "Twice (TV)",
        "Twice (OVA)",
        "Nameless",
    ]
    assert items["genres"][0] == "Action, Comedy" and items["genres"][5] == "" and items["type"][5] == ""
    assert items["episodes"].isna().tolist() == [False, False, False, True, False, True]
    assert (
        items["mean_rating"][0] == 7.81
        and np.isnan(items["mean_rating"][3])
        and items["members"][0] == 683297
    )


def test_titles_of_the_same_name_and_type_show_their_ids(tmp_path):
    items = read(world(tmp_path, ANIME.replace("8,Twice,Drama,OVA", "8,Twice,Drama,TV")), 7).items
    assert list(items["title"][3:5]) == ["Twice (7)", "Twice (8)"]


def test_the_last_rating_of_a_pair_counts_and_minus_one_is_never_a_like(tmp_path):
    data = read(world(tmp_path), 7)
    assert list(data.user_ids) == [1, 3] and (data.fold == UNASSIGNED).all()
    rows = {
        (int(data.user_ids[u]), int(data.items["item_id"][i])): bool(like)
        for u, i, like in zip(data.user, data.item, data.liked, strict=True)
    }
    assert rows == {(3, 20): True, (3, 44): False, (1, 7): True, (1, 20): True}
    assert not read(tmp_path, -5).liked[list(data.item).index(2)]


def test_what_is_dropped_or_missing_is_counted(tmp_path):
    assert set(read(world(tmp_path), 7).notes) == {
        "1 row of anime.csv with an anime_id that came before: dropped",
        "1 title with HTML entities or outer blanks: decoded",
        "2 items with the title of another one: told apart by type or id",
        "1 item without genre",
        "1 item without type",
        "2 items with an unknown number of episodes",
        "2 items without a mean rating",
        "1 row of rating.csv with an anime_id that anime.csv lacks: dropped",
        "1 row of rating.csv with a user and item that come again: dropped, the last is kept",
        "1 row of rating.csv with the rating -1 (watched, not rated): seen, not liked",
        "rating.csv: ratings from 7 to 10, data.like_threshold = 7: every rating is a like",
        "3 items without a rating: kept",
    }


def test_relations_come_from_genre_type_stem_and_length(tmp_path):
    data = read(world(tmp_path), 7)
    assert data.relations == ("genre", "type", "franchise", "length") and (data.entity_item == -1).all()
    assert carried(data, "genre")["Naruto"] == {"Action", "Comedy"} and "Nameless" not in carried(
        data, "genre"
    )
    assert carried(data, "type")["Twice (OVA)"] == {"OVA"}
    assert carried(data, "franchise") == {
        title: {title.split(" ")[0]} for title in ("Naruto", "Naruto Movie 1", "Twice (TV)", "Twice (OVA)")
    }
    assert carried(data, "length") == {
        "Naruto": {"more than 100 episodes"},
        "Naruto Movie 1": {"1 episode"},
        "Tiger & Bunny": {"15 to 30 episodes"},
        "Twice (OVA)": {"2 to 6 episodes"},
    }


def test_zip_gzip_and_plain_files_give_the_same(tmp_path):
    plain = read(world(tmp_path), 7)
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "anime.csv.gz").write_bytes(gzip.compress(ANIME.encode()))
    with zipfile.ZipFile(packed / "archive.zip", "w") as archive:
        archive.writestr("rating.csv", RATING)
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("anime/anime.csv", "\ufeff" + ANIME.replace("\n", "\r\n"))
        archive.writestr("anime/rating.csv", RATING.replace("\n", "\r\n"))
    for source in (packed, whole):
        other = load(source, DataConfig())
        assert (
            other.items.equals(plain.items)
            and (other.item == plain.item).all()
            and (other.liked == plain.liked).all()
        )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,7,abc", "rating.csv, line 8, column rating: expected a number (got 'abc')"),
        (
            "1,7,11",
            "rating.csv, line 8, column rating: expected -1 or a whole number from 1 to 10 (got '11')",
        ),
        (
            "1,7,7.5",
            "rating.csv, line 8, column rating: expected -1 or a whole number from 1 to 10 (got '7.5')",
        ),
        ("1,7,", "rating.csv, line 8, column rating: expected -1 or a whole number from 1 to 10 (got '')"),
        ("-1,7,8", "rating.csv, line 8, column user_id: expected an id >= 0 (got '-1')"),
        ("1,-7,8", "rating.csv, line 8, column anime_id: expected an id >= 0 (got '-7')"),
        ("1,7", "rating.csv, line 8: expected 3 fields (got '2')"),
    ],
)
def test_a_bad_rating_is_named(tmp_path, row, said):
    assert complaint(world(tmp_path, rating=f"{RATING}{row}\n")) == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,A,,TV,1,1,1", "anime.csv, line 9, column anime_id: expected a whole number (got 'x')"),
        ("-1,A,,TV,1,1,1", "anime.csv, line 9, column anime_id: expected an id >= 0 (got '-1')"),
        (
            "1,A,,TV,many,1,1",
            "anime.csv, line 9, column episodes: expected a whole number or Unknown (got 'many')",
        ),
        ("1,A,,TV,1,good,1", "anime.csv, line 9, column rating: expected a number (got 'good')"),
        ("1,A,,TV,1,1,1.5", "anime.csv, line 9, column members: expected a whole number >= 0 (got '1.5')"),
    ],
)
def test_a_bad_title_is_named(tmp_path, row, said):
    assert complaint(world(tmp_path, anime=f"{ANIME}{row}\n")) == said


def test_missing_and_empty_files_and_columns_are_named(tmp_path):
    world(tmp_path, anime="anime_id,name,type,episodes,rating,members\n")
    assert complaint(tmp_path) == (
        "anime.csv, line 1: expected the column 'genre' (got 'anime_id, name, type, episodes, "
        "rating, members')"
    )
    assert complaint(world(tmp_path, rating="")) == "rating.csv: expected data, found an empty file"
    (tmp_path / "rating.csv").unlink()
    assert complaint(tmp_path) == (
        f"{tmp_path}: expected rating.csv (or rating.csv.gz, or a zip that holds rating.csv), "
        "found 'anime.csv'"
    )
    assert complaint(world(tmp_path, anime=ANIME.split("\n")[0] + "\n")).endswith(
        "expected at least one item, found none"
    )


def test_a_wrong_encoding_and_a_truncated_zip_are_named(tmp_path):
    world(tmp_path)
    (tmp_path / "anime.csv").write_text(ANIME.replace("Nameless", "Pokémon"), "latin-1")
    assert complaint(tmp_path).startswith(
        "anime.csv, line 7: expected UTF-8 text (got byte 0xe9 at position "
    )
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 cut off")
    assert (
        complaint(tmp_path / "broken.zip")
        == "broken.zip: expected a complete zip file (it is truncated or damaged)"
    )


def test_load_says_what_it_looked_for(tmp_path):
    for source, said in (
        (tmp_path, "expected anime.csv and rating.csv (Kaggle"),
        (tmp_path / "no", "there is no such folder"),
        (Path(__file__), "got a file"),
    ):
        with pytest.raises(InputError, match=said.replace("(", r"\(")):
            load(source, DataConfig())


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Gintama°", "Gintama"),
        ("Gintama': Enchousen", "Gintama"),
        ("Gintama Movie: Kanketsu-hen - Yorozuya yo Eien Nare", "Gintama"),
        ("Gintama (2017)", "Gintama"),
        ("Fullmetal Alchemist: Brotherhood", "Fullmetal Alchemist"),
        ("Code Geass: Hangyaku no Lelouch R2", "Code Geass"),
        ("Haikyuu!! Second Season", "Haikyuu"),
        ("Ajin Part 2: Shoutotsu", "Ajin"),
        ("Kara no Kyoukai 5: Mujun Rasen", "Kara no Kyoukai"),
        ("Initial D Fourth Stage", "Initial D"),
        ("Major S3", "Major"),
        ("Boruto: Naruto the Movie", "Boruto"),
        ("Kizumonogatari II: Nekketsu-hen", "Monogatari"),
        ("Ore Monogatari!!", "Ore Monogatari"),
        ("Code:Breaker", "Code:Breaker"),
        ("Special A", "Special A"),
        ("X/1999", "X/1999"),
    ],
)
def test_stems(title, stem):
    assert franchise_stem(title) == stem


def test_a_franchise_needs_two_titles_and_at_most_sixty():
    assert franchises(["Naruto", "One Piece", "NARUTO: Shippuuden", "One Piece Film: Z", "Akira"]) == [
        "Naruto",
        "One Piece",
        "Naruto",
        "One Piece",
        "",
    ]
    assert franchises([f"Sazae-san {n}" for n in range(61)]) == [""] * 61


def test_a_lone_title_joins_the_stem_that_it_continues_but_not_a_short_one():
    assert franchises(["Death Note", "Death Note Rewrite", "Air", "Air Gear"]) == [
        "Death Note",
        "Death Note",
        "",
        "",
    ]


def test_length_classes():
    assert [length_class(n) for n in (0, 1, 6, 7, 30, 31, 100, 101)] == [
        "",
        "1 episode",
        "2 to 6 episodes",
        "7 to 14 episodes",
        "15 to 30 episodes",
        "31 to 100 episodes",
        "31 to 100 episodes",
        "more than 100 episodes",
    ]


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real anime files are not at {REAL}")
def test_the_real_files_have_the_documented_counts():
    data = split(load(REAL, DataConfig()), DataConfig())
    assert data.shape == (5_000, 12_294) and len(data.user) == 520_609 and len(np.unique(data.item)) == 7_390
    for note in (
        "62 items without genre",
        "25 items without type",
        "340 items with an unknown number of episodes",
        "230 items without a mean rating",
    ):
        assert note in data.notes
    assert not any("dropped" in note for note in data.notes) and data.items["title"].is_unique
    core = np.isin(data.fold, (0, 1, 2))
    assert (len(np.unique(data.user[core])), len(np.unique(data.item[core]))) == (4_104, 4_017)
    franchise = carried(data, "franchise")
    assert (
        franchise["Naruto"] == franchise["Naruto: Shippuuden"]
        and franchise["Bakemonogatari"] == franchise["Owarimonogatari"]
    )


def test_ratings_in_small_blocks_are_the_same(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        f"{u},{i},{r or -1}"
        for u, i, r in zip(
            rng.integers(9, size=300),
            rng.choice([20, 442, 44, 7, 8, 9, 999], 300),
            rng.integers(11, size=300),
            strict=True,
        )
    ]
    whole = read(world(tmp_path, rating="\n".join(["user_id,anime_id,rating", *rows])), 7)
    # The last of a pair counts
    expected = {row.rsplit(",", 1)[0]: row.rsplit(",", 1)[1] for row in rows if ",999," not in row}
    found = {
        f"{whole.user_ids[u]},{whole.items['item_id'][i]}": bool(like)
        for u, i, like in zip(whole.user, whole.item, whole.liked, strict=True)
    }
    assert found == {pair: float(value) >= 7 for pair, value in expected.items()} and len(whole.user) == len(
        expected
    )
    monkeypatch.setattr(files, "BLOCK", 80)
    parts = read(tmp_path, 7)
    assert parts.notes == whole.notes
    for name in ("user_ids", "user", "item", "liked"):
        assert (
            np.array_equal(getattr(parts, name), getattr(whole, name))
            and getattr(parts, name).dtype == getattr(whole, name).dtype
        )
    with pytest.raises(InputError, match=r"rating.csv, line 302, column rating: .*\(got '11'\)"):
        read(world(tmp_path, rating="\n".join(["user_id,anime_id,rating", *rows, "1,7,11"])), 7)


def test_without_a_threshold_the_scale_says_7(tmp_path):
    folder = world(tmp_path, rating="user_id,anime_id,rating\n3,20,10\n1,20,7\n1,44,6\n2,44,-1\n")
    scale, asked = read(folder, None), read(folder, 7)
    assert scale.liked.tolist() == asked.liked.tolist() == [True, True, False, False]
    told = "rating.csv: rating from 6 to 10: a rating of at least 7 is a like (chosen from the scale)"
    assert told in scale.notes and told not in asked.notes


def test_scattered_and_huge_user_ids_keep_their_order(tmp_path):
    data = read(
        world(tmp_path, rating=f"user_id,anime_id,rating\n{2**40},20,10\n5,20,10\n{2**31},20,9\n5,44,8\n"), 7
    )
    assert data.user_ids.tolist() == [5, 2**31, 2**40] and data.user_ids.dtype == np.int64
    assert data.user.tolist() == [2, 0, 1, 0] and data.user.dtype == np.int32


def test_unread_columns_and_a_threshold_above_all_ratings_are_reported(tmp_path):
    folder = world(tmp_path, rating="user_id,anime_id,rating,dropped\n3,20,10,1\n1,20,8,0\n1,44,-1,0\n")
    assert (
        "unread columns of rating.csv, none of which turns a row into a dislike: 'dropped'"
        in read(folder, 7).notes
    )
    with pytest.raises(InputError) as caught:
        read(folder, 70)
    told = (
        "expected ratings that reach data.like_threshold = 70, but the largest is 10; try --set "
        "data.like_threshold=7"
    )
    assert str(caught.value) == f"rating.csv, column rating: {told}"
    assert not read(world(tmp_path, rating="user_id,anime_id,rating\n3,20,-1\n"), 70).liked.any()
