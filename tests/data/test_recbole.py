"""RecBole's atomic files on three users, four items and two entities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dskreg.config import DataConfig
from dskreg.data.readers.atomic.recbole import read
from dskreg.data.readers.load import load
from dskreg.errors import InputError

INTER = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n2\t10\t8\t5\n10\t11\t3\t1\n"
    "2\t10\t2\t9\n1\t13\t9\t1\n2\t10\t9\t6\n"
)
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
ITEM += "11\tToy Story\t1995\tAnimation Comedy\n10\tHeat\t1995\tAction\n12\tHeat\t1986\t\n"
LINK = "item_id:token\tentity_id:token\n10\tm.a\n11\tm.b\n99\tm.c\n"
KG = (
    "head_id:token\trelation_id:token\ttail_id:token\nm.a\tdirector\tm.x\nm.y\tdirector\tm.b\n"
    "m.a\tsequel\tm.b\nm.x\tsequel\tm.y\nm.a\tdirector\tm.x\n"
)


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
    rows = {
        (int(data.user_ids[u]), int(data.items["item_id"][i])): bool(like)
        for u, i, like in zip(data.user, data.item, data.liked, strict=True)
    }
    assert rows == {(10, 11): False, (2, 10): False, (1, 13): True}


def test_what_was_dropped_or_kept_is_counted(tmp_path):
    assert set(read(world(tmp_path), 7).notes) == {
        "2 rows of ml.inter with a user and item that come again: dropped, the latest is kept",
        "2 ratings of ml.inter below data.like_threshold = 7: seen, not liked",
        "1 item with interactions that ml.item lacks: kept, called by id",
        "1 item in no interaction: kept",
        "2 items with the title of another one: told apart by id",
        "1 row of ml.link with an item that is in no other file: not used",
        "1 triple without an item at either end: not used",
        "1 triple repeated: dropped",
    }


def test_triples_reach_the_items_through_the_links(tmp_path):
    data = read(world(tmp_path), 7)
    triples = {
        (int(h), data.relations[r], str(data.entities[t]))
        for h, r, t in zip(data.head, data.relation, data.tail, strict=True)
    }
    assert triples == {(1, "director", "m.x"), (0, "director (inverse)", "m.y"), (1, "sequel", "Toy Story")}
    assert data.entity_item[list(data.entities).index("Toy Story")] == 0


def test_a_whole_uri_is_shown_by_its_last_part(tmp_path):
    one, other = "http://a.org/films/Heat", "http://a.org/films/Ran/"
    files = {
        "inter": f"user_id:token\titem_id:token\nu\t{one}\nv\t{other}\n",
        "item": None,
        "link": f"item_id:token\tentity_id:token\n{one}\tm.a\n{other}\tm.b\n",
        "kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        "m.a\t<http://a.org/by>\thttp://a.org/people#Mann\nm.b\t<http://a.org/by>\tKurosawa://\n",
    }
    data = read(world(tmp_path, **files), 7)
    assert list(data.items["item_id"]) == [one, other]
    assert list(data.items["title"]) == ["item Heat", "item Ran"]
    assert data.relations == ("by",) and sorted(data.entities) == ["Kurosawa://", "Mann"]


def test_without_a_graph_the_genres_make_one(tmp_path):
    data = read(world(tmp_path, kg=None, link=None), 7)
    assert data.relations == ("genre",) and sorted(data.entities) == ["Action", "Animation", "Comedy"]
    assert data.items["genres"][0] == "Animation, Comedy" and list(data.head) == [0, 0, 1]


def test_interactions_alone_are_enough_and_all_liked_without_ratings(tmp_path):
    data = read(
        world(
            tmp_path, inter="item_id:token\tuser_id:token\nx\tann\n7\tbob\n", item=None, kg=None, link=None
        ),
        7,
    )
    assert list(data.user_ids) == ["ann", "bob"] and list(data.items["item_id"]) == ["7", "x"]
    assert data.liked.all() and not data.relations and len(data.head) == 0


def test_tokens_with_leading_zeros_stay_text(tmp_path):
    assert list(read(world(tmp_path, inter="user_id:token\titem_id:token\n07\t10\n7\t10\n"), 7).user_ids) == [
        "07",
        "7",
    ]


def test_a_threshold_above_five_stars_suggests_another(tmp_path):
    world(tmp_path, inter="user_id:token\titem_id:token\trating:float\n1\t10\t5\n")
    expected = (
        "expected ratings that reach data.like_threshold = 7, but the largest is 5; try --set "
        "data.like_threshold=4"
    )
    assert complaint(tmp_path) == f"ml.inter, column rating: {expected}"
    assert read(tmp_path, 4).liked.all()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"inter": "user_id:token\titem_id:token\trating:float\n1\t10\tgood\n"},
            "ml.inter, line 2, column rating:float: expected a number (got 'good')",
        ),
        (
            {"inter": "user_id:token\titem_id:token\trating:float\n1\t10\t\n"},
            "ml.inter, line 2, column rating:float: expected a number (got '')",
        ),
        (
            {"inter": "user_id:token\titem_id:token\n\t10\n"},
            "ml.inter, line 2, column user_id:token: expected an id (got '')",
        ),
        ({"inter": "user_id:token\titem_id:token\n1\n"}, "ml.inter, line 2: expected 2 fields (got '1')"),
        ({"inter": "user_id:token\n1\n"}, "ml.inter, line 1: expected the column item_id (got 'user_id')"),
        ({"inter": ""}, "ml.inter: expected data, found an empty file"),
        (
            {"inter": "user_id\titem_id\n1\t1\n"},
            "ml.inter, line 1: expected fields name:type (token, token_seq, float or float_seq), separated "
            "by tabs (got 'user_id')",
        ),
        (
            {"kg": "head_id:token\ttail_id:token\na\tb\n"},
            "ml.kg, line 1: expected the column relation_id (got 'head_id, tail_id')",
        ),
    ],
)
def test_malformed_files_are_named(tmp_path, files, said):
    assert complaint(world(tmp_path, **files)) == said


def test_a_graph_needs_links_and_a_folder_one_set(tmp_path):
    assert complaint(world(tmp_path, link=None)).startswith(
        f"{tmp_path}: expected a file *.link beside ml.kg (item_id, entity_id), found 'ml."
    )
    (tmp_path / "other.inter").write_text(INTER)
    said = (
        f"{tmp_path}: expected one file *.inter, found 2 ('ml.inter', 'other.inter'); put the rows "
        "of all into one file"
    )
    assert complaint(tmp_path) == said


def test_a_wrong_encoding_is_named(tmp_path):
    (world(tmp_path) / "ml.kg").write_bytes(KG.encode() + b"m.a\tdirector\tAm\xe9lie\n")
    assert complaint(tmp_path).startswith("ml.kg, line 7: expected UTF-8 text (got byte 0xe9")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\n", "line 1: expected UTF-8 text"),
        (b"", "expected data, found an empty file"),
        (b"item_id:float\ttitle:token\n10\tHeat\n", "line 1: expected item_id:token (got 'item_id:float')"),
        (b"title:token\nHeat\n", "line 1: expected the column item_id"),
        (b"id\n", "line 1: expected fields name:type"),
    ],
)
def test_titles_that_cannot_be_read_stop_nothing(tmp_path, content, said):
    (world(tmp_path) / "ml.item").write_bytes(content)
    data = read(tmp_path, 7)
    assert list(data.items["title"]) == ["item 10", "item 11", "item 13"]
    (note,) = [note for note in data.notes if "items are called by id" in note]
    assert said in note


def test_a_second_title_file_stops_nothing(tmp_path):
    (world(tmp_path) / "other.item").write_text(ITEM)
    assert any("expected one file *.item, found 2" in note for note in read(tmp_path, 7).notes)


def test_rows_of_the_title_file_that_cannot_be_read_are_left_out_and_counted(tmp_path):
    data = read(world(tmp_path, item=ITEM + "13\tLong\t1999\tDrama\textra\n\tNobody\t1999\tDrama\n"), 7)
    assert list(data.items["title"]) == ["Toy Story", "Heat (10)", "Heat (12)", "item 13"]
    assert (
        "1 row of ml.item without exactly 4 fields: not read, such as '13\\tLong\\t1999\\tDrama\\textra'"
        in data.notes
    )
    assert "1 row of ml.item without an item_id: not read" in data.notes


def test_ids_written_as_floats_are_whole_numbers(tmp_path):
    files = {"item": ITEM.replace("\n10\t", "\n10.0\t"), "link": LINK.replace("\n11\t", "\n11.0\t")}
    inter = "user_id:token\titem_id:token\trating:float\n3.0\t10\t8\n3\t11.0\t9\n"
    data = read(world(tmp_path, inter=inter, **files), 7)
    assert (
        data.user_ids.tolist() == [3]
        and data.items["item_id"].tolist() == [11, 10, 12]
        and data.item.tolist() == [1, 0]
    )
    assert set(data.head) == {0, 1}


@pytest.mark.parametrize(
    ("ratings", "threshold", "said"),
    [
        (
            (95, 20, 15, 85),
            7,
            "x.inter: ratings from 15 to 95, data.like_threshold = 7: every rating is a like; try --set "
            "data.like_threshold=70",
        ),
        (
            (95, 20, 5),
            7,
            "x.inter: ratings from 5 to 95, data.like_threshold = 7: 2 of 3 ratings are likes; try --set "
            "data.like_threshold=70",
        ),
        (
            (5, 4),
            1,
            "x.inter: ratings from 4 to 5, data.like_threshold = 1: every rating is a like; try --set "
            "data.like_threshold=4",
        ),
        ((1, 1), 1, "x.inter: ratings from 1 to 1, data.like_threshold = 1: every rating is a like"),
    ],
)
def test_a_threshold_too_low_for_the_scale_is_reported(tmp_path, ratings, threshold, said):
    rows = "".join(f"u{n}\ti{n}\t{rating}\n" for n, rating in enumerate(ratings))
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\trating:float\n" + rows)
    assert said in read(tmp_path, threshold).notes


def test_a_row_without_a_timestamp_is_the_earliest(tmp_path):
    """Of a pair that comes again the other row is kept, as in plain tables."""
    rows = "u\ti\t5\t9\nu\ti\t1\t\nu\tj\t4\t\n"
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + rows)
    data = read(tmp_path, 3)
    assert data.liked.all() and np.array_equal(data.time, [9, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("ratings", "threshold", "liked"),
    [
        ((1, 3.5, 5, 4), "4", [False, False, True, True]),
        ((95, 20, 15, 85), "70", [True, False, False, True]),
        ((10, 6), "7", [True, False]),
        ((0, 1), "1", [False, True]),
    ],
)
def test_the_scale_gives_the_threshold(tmp_path, ratings, threshold, liked):
    """The same rule as of plain tables; an asked 7 stays 7."""
    rows = "".join(f"u{n}\ti{n}\t{rating}\n" for n, rating in enumerate(ratings))
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\trating:float\n" + rows)
    data = read(tmp_path, None)
    assert data.liked.tolist() == liked
    assert any(f"at least {threshold} is a like (chosen from the scale)" in note for note in data.notes)
    if max(ratings) > 7:
        assert read(tmp_path, 7).liked.tolist() == [rating >= 7 for rating in ratings]


@pytest.mark.parametrize(
    ("largest", "hint"), [(0.5, "0.35"), (1, "1"), (3, "2.1"), (5, "4"), (6, "4.2"), (69, "48.3"), (80, "70")]
)
def test_a_threshold_above_all_ratings_is_refused_with_one_that_some_reach(tmp_path, largest, hint):
    (tmp_path / "x.inter").write_text(
        f"user_id:token\titem_id:token\trating:float\nu\ti\t{largest}\nu\tj\t0\n"
    )
    assert complaint(tmp_path, 99) == (
        "x.inter, column rating: expected ratings that reach data.like_threshold = 99, but the largest is "
        f"{largest:g}; try --set data.like_threshold={hint}"
    )
    assert read(tmp_path, float(hint)).liked.any()


def test_unread_columns_are_reported(tmp_path):
    head = "user_id:token\titem_id:token\trating:float\tlabel:float\tclick:token\n"
    data = read(world(tmp_path, inter=f"{head}1\t10\t8\t0\tno\n1\t11\t2\t1\tyes\n"), 7)
    assert data.liked.tolist() == [True, False]
    assert (
        "unread columns of ml.inter, none of which turns a row into a dislike: "
        "'label:float', 'click:token'" in data.notes
    )


@pytest.mark.parametrize("kind", ["float", "token"])
def test_labels_other_than_0_and_1_are_refused(tmp_path, kind):
    world(tmp_path, inter=f"user_id:token\titem_id:token\tlabel:{kind}\n1\t10\t1\n1\t11\t2\n")
    assert complaint(tmp_path) == f"ml.inter, line 3, column label:{kind}: expected 0 or 1 (got '2')"
