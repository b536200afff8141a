"""RecBole's atomic files on three users, four items and two entities."""

from __future__ import annotations

from pathlib import Path

import pytest

from dskreg.config import DataConfig
from dskreg.data.load import load
from dskreg.data.recbole import read
from dskreg.errors import InputError

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n2\t10\t8\t5\n10\t11\t3\t1\n2\t10\t2\t9\n1\t13\t9\t1\n2\t10\t9\t6\n"
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
ITEM += "11\tToy Story\t1995\tAnimation Comedy\n10\tHeat\t1995\tAction\n12\tHeat\t1986\t\n"
LINK = "item_id:token\tentity_id:token\n10\tm.a\n11\tm.b\n99\tm.c\n"
KG = "head_id:token\trelation_id:token\ttail_id:token\nm.a\tdirector\tm.x\nm.y\tdirector\tm.b\nm.a\tsequel\tm.b\nm.x\tsequel\tm.y\nm.a\tdirector\tm.x\n"


def world(folder: Path, **files: str | None) -> Path:
    for suffix, text in {"inter": INTER, "item": ITEM, "link": LINK, "kg": KG, **files}.items():
        if text is not None:
            (folder / f"ml.{suffix}").write_text(text, "utf-8")
    return folder


def complaint(folder: Path, threshold: float = 7) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, threshold)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_ids_are_numbers_where_all_tokens_are_and_the_latest_rating_counts(tmp_path):
    data = load(world(tmp_path), DataConfig())
    assert data.format == "recbole" and data.name == "ml"
    assert list(data.user_ids) == [1, 2, 10] and data.user_ids.dtype == "int64"
    assert list(data.items["item_id"]) == [11, 10, 12, 13] and data.items["item_id"].dtype == "int64"
    assert list(data.items["title"]) == ["Toy Story", "Heat (10)", "Heat (12)", "item 13"]
    rows = {(int(data.user_ids[u]), int(data.items["item_id"][i])): bool(like) for u, i, like in zip(data.user, data.item, data.liked, strict=True)}
    assert rows == {(10, 11): False, (2, 10): False, (1, 13): True}


def test_what_was_dropped_or_kept_is_counted(tmp_path):
    assert set(read(world(tmp_path), 7).notes) == {
        "2 rows of ml.inter with a user and item that come again: dropped, the latest is kept",
        "1 items with interactions that ml.item lacks: kept, called by their id",
        "1 items in no interaction: kept",
        "2 titles that share their name: told apart by id",
        "1 rows of ml.link with an item that is in no other file: not used",
        "1 triples without a title at either end: not used",
        "1 triples repeated: dropped",
    }


def test_triples_reach_the_items_through_the_links(tmp_path):
    data = read(world(tmp_path), 7)
    triples = {(int(h), data.relations[r], str(data.entities[t])) for h, r, t in zip(data.head, data.relation, data.tail, strict=True)}
    assert triples == {(1, "director", "m.x"), (0, "director (inverse)", "m.y"), (1, "sequel", "Toy Story")}
    assert data.entity_item[list(data.entities).index("Toy Story")] == 0


def test_without_a_graph_the_genres_make_one(tmp_path):
    data = read(world(tmp_path, kg=None, link=None), 7)
    assert data.relations == ("genre",) and sorted(data.entities) == ["Action", "Animation", "Comedy"]
    assert data.items["genres"][0] == "Animation, Comedy" and list(data.head) == [0, 0, 1]


def test_interactions_alone_are_enough_and_all_liked_without_ratings(tmp_path):
    data = read(world(tmp_path, inter="item_id:token\tuser_id:token\nx\tann\n7\tbob\n", item=None, kg=None, link=None), 7)
    assert list(data.user_ids) == ["ann", "bob"] and list(data.items["item_id"]) == ["7", "x"]
    assert data.liked.all() and not data.relations and len(data.head) == 0


def test_tokens_with_leading_zeros_stay_text(tmp_path):
    assert list(read(world(tmp_path, inter="user_id:token\titem_id:token\n07\t10\n7\t10\n"), 7).user_ids) == ["07", "7"]


def test_a_threshold_above_five_stars_suggests_another(tmp_path):
    world(tmp_path, inter="user_id:token\titem_id:token\trating:float\n1\t10\t5\n")
    expected = "expected ratings that reach data.like_threshold = 7, but the largest is 5; try --set data.like_threshold=4"
    assert complaint(tmp_path) == f"ml.inter, column rating: {expected}"
    assert read(tmp_path, 4).liked.all()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"inter": "user_id:token\titem_id:token\trating:float\n1\t10\tgood\n"}, "ml.inter, line 2, column rating:float: expected a number (got 'good')"),
        ({"inter": "user_id:token\titem_id:token\trating:float\n1\t10\t\n"}, "ml.inter, line 2, column rating:float: expected a number (got '')"),
        ({"inter": "user_id:token\titem_id:token\n\t10\n"}, "ml.inter, line 2, column user_id:token: expected an id (got '')"),
        ({"inter": "user_id:token\titem_id:token\n1\n"}, "ml.inter, line 2: expected 2 fields (got '1')"),
        ({"inter": "user_id:token\n1\n"}, "ml.inter, line 1: expected the column item_id (got 'user_id')"),
        ({"inter": ""}, "ml.inter: expected data, found an empty file"),
        (
            {"inter": "user_id\titem_id\n1\t1\n"},
            "ml.inter, line 1: expected fields name:type (token, token_seq, float or float_seq), separated by tabs (got 'user_id')",
        ),
        ({"kg": "head_id:token\ttail_id:token\na\tb\n"}, "ml.kg, line 1: expected the column relation_id (got 'head_id, tail_id')"),
    ],
)
def test_malformed_files_are_named(tmp_path, files, said):
    assert complaint(world(tmp_path, **files)) == said


def test_a_graph_needs_links_and_a_folder_one_set(tmp_path):
    assert complaint(world(tmp_path, link=None)) == f"{tmp_path}: expected a file *.link beside ml.kg (item_id, entity_id), found none"
    (tmp_path / "other.inter").write_text(INTER)
    assert complaint(tmp_path) == f"{tmp_path}: expected one file *.inter, found 2 (ml.inter, other.inter, ...)"


def test_a_wrong_encoding_is_named(tmp_path):
    (world(tmp_path) / "ml.item").write_bytes(ITEM.encode() + b"13\tAm\xe9lie\t2001\tRomance\n")
    assert complaint(tmp_path).startswith("ml.item, line 5: expected UTF-8 text (got byte 0xe9")
