"""Plain tables of invented films, books, games and recipes: which table and column is what, and what becomes
of it.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers import files as sources
from dskreg.data.readers.load import load, recognised
from dskreg.data.readers.plain import reader, sheets
from dskreg.data.readers.plain.relations import relation_of
from dskreg.errors import InputError

MOVIES = (
    "movieId,title,genres\n1,Toy (1995),Adventure|Comedy\n2,Heat (1986),Action\n"
    "3,Heat (2003),Action|Comedy\n4,Lamp (1999),(no genres listed)\n"
)
RATINGS = (
    "userId,movieId,rating,timestamp\n1,1,4.0,9\n1,2,3.5,8\n10,1,5.0,7\n10,2,0.5,1\n10,2,4.5,0\n2,9,4,3\n"
)


def world(folder: Path, **tables: str | bytes) -> Path:
    """A folder with these files; `_` in the name stands for the dot."""
    folder.mkdir(exist_ok=True)
    for name, content in tables.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder: Path, columns: str | None = None, **config: float) -> Dataset:
    return load(folder, DataConfig(**config), columns)


def likes(data: Dataset) -> dict[tuple[object, object], bool]:
    ids = data.items["item_id"].tolist()
    return {
        (data.user_ids.tolist()[u], ids[i]): bool(like)
        for u, i, like in zip(data.user, data.item, data.liked, strict=True)
    }


def triples(data: Dataset) -> set[tuple[object, str, str]]:
    ids = data.items["item_id"].tolist()
    return {
        (ids[h], data.relations[r], str(data.entities[t]))
        for h, r, t in zip(data.head, data.relation, data.tail, strict=True)
    }


def complaint(folder: Path, columns: str | None = None, **config: float) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, columns, **config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_movielens(tmp_path):
    data = read(
        world(
            tmp_path / "ml.small",
            movies_csv=MOVIES,
            ratings_csv=RATINGS,
            links_csv="movieId,imdbId,tmdbId\n1,01,862\n",
            tags_csv="userId,movieId,tag,timestamp\n1,1,fun,1\n",
        )
    )
    assert data.format == "tables" and data.name == "ml"
    assert data.user_ids.tolist() == [1, 2, 10] and data.items["item_id"].tolist() == [1, 2, 3, 4, 9]
    assert data.items["title"].tolist() == [
        *("Toy (1995)", "Heat (1986)", "Heat (2003)", "Lamp (1999)", "item 9"),
    ]
    assert data.items["year"].tolist()[:4] == [1995, 1986, 2003, 1999] and data.items["year"].isna()[4]
    assert likes(data) == {(1, 1): True, (1, 2): False, (10, 1): True, (10, 2): False, (2, 9): True}
    assert triples(data) == {
        *((1, "genre", "Adventure"), (1, "genre", "Comedy"), (2, "genre", "Action")),
        *((3, "genre", "Action"), (3, "genre", "Comedy")),
        *((1, "year", "1995 to 1999"), (2, "year", "1985 to 1989"), (3, "year", "2000 to 2004")),
        (4, "year", "1995 to 1999"),
    }
    assert data.items["genres"].tolist() == ["Adventure, Comedy", "Action", "Action, Comedy", "", ""]
    assert set(data.notes) == {
        "plain tables: interactions in ratings.csv, items in movies.csv",
        "tables that are not read: links.csv, tags.csv",
        "1 row of ratings.csv with a user and item that come again: dropped, the latest is kept",
        "ratings.csv: rating from 0.5 to 5: a rating of at least 4 is a like (chosen from the scale)",
        "2 ratings of ratings.csv below 4: seen, not liked",
        "1 item with interactions that movies.csv lacks: kept, called by id",
        "2 items of movies.csv in no interaction: kept",
        "relation 'year' from title: classes of five years",
        "relation 'genre' from genres: 3 labels in lists separated by '|'",
    }


def test_movielens_1m_has_no_header_and_another_encoding(tmp_path):
    folder = world(
        tmp_path / "ml-1m",
        ratings_dat="1::1::5::9\n1::2::3::9\n2::2::4::8\n",
        movies_dat="1::Misérables, Les (1995)::Drama|Musical\n2::Babe: (1995)::Drama\n".encode("latin-1"),
        users_dat="1::F::1::10::48067\n2::M::56::16::70072\n",
    )
    data = read(folder)
    assert data.items["title"].tolist() == ["Misérables, Les (1995)", "Babe: (1995)"]
    assert likes(data) == {(1, 1): True, (1, 2): False, (2, 2): True}
    assert {"genre", "year"} == set(data.relations)
    assert "movies.dat is not UTF-8: read as Windows-1252" in data.notes
    assert "movies.dat has no header: its columns are movie_id, title, genres" in data.notes
    (folder / "ratings.dat").write_text("1::1::5::9\n1::2::good::9\n")
    assert complaint(folder) == "ratings.dat, line 2, column rating: expected a number (got 'good')"


@pytest.mark.parametrize("block", [64, sources.BLOCK])
def test_colons_across_blocks(tmp_path, monkeypatch, block):
    """A file above one block is opened again; `::` may lie on the border."""
    monkeypatch.setattr(sources, "BLOCK", block)
    monkeypatch.setattr("dskreg.data.readers.plain.formats.streams.BLOCK", 7)
    rows = "".join(f"{u}::{i}::{1 + (u + i) % 5}::9\n" for u in range(1, 9) for i in range(1, 9))
    data = read(world(tmp_path, ratings_dat=rows))
    assert data.shape == (8, 8) and likes(data)[(3, 5)] is ((3 + 5) % 5 + 1 >= 4) and len(data.user) == 64


def test_a_file_without_header_that_no_one_knows_is_named_by_numbers(tmp_path):
    folder = world(tmp_path, log_tsv="u1\t7\t3\nu2\t8\t5\n")
    assert complaint(folder) == (
        'log.tsv: no column of users among 1, 2, 3: name it with --columns "1=user,2=item"'
    )
    assert likes(read(folder, "1=user,2=item,3=rating")) == {("u1", 7): False, ("u2", 8): True}


def test_goodbooks(tmp_path):
    books = "book_id,goodreads_book_id,isbn,authors,original_publication_year,title,language_code,"
    books += "average_rating,ratings_count,image_url\n"
    years = (1813.0, 1950.0, 2008.0, -750.0)
    for n, year in enumerate(years, start=1):
        books += f'{n},{n * 77},0439{n},"A{n % 2}, B{n}",{year},Book {n},{("eng", "fre")[n % 2]},4.{n},{n}1,'
        books += f"https://x.org/{n}.jpg\n"
    folder = world(
        tmp_path,
        ratings_csv="user_id,book_id,rating\n1,1,5\n1,2,3\n2,4,4\n",
        books_csv=books,
        to_read_csv="user_id,book_id\n1,3\n",
    )
    data = read(folder)
    assert data.relations == ("year", "author", "language code")
    assert {label for _, relation, label in triples(data) if relation == "year"} == {
        "1810s",
        "1950s",
        "2000s",
    }
    assert (3, "author", "A1") in triples(data) and data.items["image"][0] == "https://x.org/1.jpg"
    assert {
        "goodreads_book_id is left out: ids",
        "isbn is left out: ids",
        "average_rating is left out: numbers of what users did",
        "ratings_count is left out: numbers of what users did",
    } <= set(data.notes)


def test_names_of_an_app(tmp_path):
    """An item's word before the name, and a verb before the time."""
    folder = world(
        tmp_path,
        listens_csv="listener,showId,stars,listenedAt\na,1,5,2024-01-02\nb,2,5,2024-01-03\n",
        shows_csv="showId,showName,artistName\n1,Dawn,Ann\n2,Dusk,Ann\n3,Noon,Bob\n",
    )
    data = read(folder)
    assert data.time is not None and np.diff(data.time).tolist() == [86400]
    assert data.items["title"].tolist() == ["Dawn", "Dusk", "Noon"] and triples(data) >= {
        (1, "artistname", "Ann")
    }


def test_columns_in_windows_1252(tmp_path):
    rows = "user;item;rating\na;1;5\n"
    items = "item;title;Künstler\n1;Größe;Ann\n2;Nähe;Ann\n3;Süden;Jörg\n"
    folder = world(tmp_path, x_csv=rows, items_csv=items.encode("cp1252"))
    data = read(folder)
    assert triples(data) == {(1, "künstler", "Ann"), (2, "künstler", "Ann"), (3, "künstler", "Jörg")}
    assert data.items["title"].tolist() == ["Größe", "Nähe", "Süden"]


def test_a_column_that_is_the_same_for_all_items_is_left_out(tmp_path):
    """It would connect everything; of a usual name, or asked for, it stays, for the cards."""
    items = "item,title,mac,genre,win\n1,A,True,Drama,True\n2,B,True,Drama,False\n3,C,True,Drama,True\n"
    folder = world(tmp_path, x_csv="user,item,rating\na,1,5\n", items_csv=items + "4,D,True,Drama,False\n")
    data = read(folder)
    assert data.relations == ("genre", "win") and "mac is left out: the same for all items" in data.notes
    assert read(folder, "mac=relation").relations == ("mac", "genre", "win")


def test_few_likes_by_the_scale_may_be_counts(tmp_path):
    def told(largest: int, **config: float) -> list[str]:
        rows = "".join(f"u{n},i{n},{largest if n == 0 else 1}\n" for n in range(11))
        data = read(world(tmp_path, x_csv=f"user,item,rating\n{rows}"), **config)
        return [note for note in data.notes if "counts something" in note]

    assert told(48) == [
        'only 1 of 11 ratings are likes: where rating counts something, --columns "rating=none" makes every '
        "row a like"
    ]
    assert not told(48, like_threshold=40) and not told(1)
    assert read(tmp_path, "rating=none").liked.all()


ODD = {
    "user": ("userId", "USER_ID", "uid", "reviewerID", "User-ID", "customer"),
    "item": ("movieId", "asin", "ISBN", "recipe_id", "anime_id", "MAL_ID", "itemid", "Product Id"),
    "rating": ("rating", "Score", "stars", "Book-Rating", "overall"),
}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in ODD.items() for name in names])
def test_names_that_people_use(tmp_path, role, name):
    named = {"user": "user", "item": "item", "rating": "rating"} | {role: name}
    rows = f"{named['rating']},{named['item']},{named['user']}\n5,b,ann\n2,c,bob\n"
    assert likes(read(world(tmp_path, x_csv=rows))) == {("ann", "b"): True, ("bob", "c"): False}


@pytest.mark.parametrize(
    ("values", "threshold", "liked"),
    [
        ((1, 3.5, 5, 4), 4, (False, False, True, True)),
        ((0.5, 4.5, 3, 1), 4, (False, True, False, False)),
        ((6, 7, 10, 2), 7, (False, True, True, False)),
        ((-1, 10, 1, 7), 7, (False, True, False, True)),
        ((0, 1, 1, 0), 1, (False, True, True, False)),
        ((3, 1, 2, 3), 2.1, (True, False, False, True)),  # nobody reaches 4
        ((95, 20, 15, 85), 70, (True, False, False, True)),
        ((200, 100, 139, 140), 140, (True, False, False, True)),
    ],
)
def test_the_scale_gives_the_threshold(tmp_path, values, threshold, liked):
    rows = "".join(f"u{n},i{n},{value}\n" for n, value in enumerate(values))
    data = read(world(tmp_path, x_csv=f"user,item,rating\n{rows}"))
    assert tuple(data.liked.tolist()) == liked
    assert sum(f"at least {threshold} is a like (chosen from the scale)" in note for note in data.notes) == 1


def test_what_is_asked_comes_before_the_scale(tmp_path):
    folder = world(tmp_path, x_csv="user,item,rating\na,x,2\nb,x,5\n")
    assert read(folder, like_threshold=2).liked.all() and read(folder).liked.tolist() == [False, True]
    assert complaint(folder, like_threshold=6) == (
        "x.csv: rating from 2 to 5, but a like needs 6 (as asked): lower the threshold"
    )


def test_minus_one_is_no_rating_unless_one_is_the_best(tmp_path):
    rows = "".join(f"u{n},i{n},-1\n" for n in range(30))
    folder = world(tmp_path, x_csv=f"user,item,rating\n{rows}a,x,9\nb,x,8\n")
    data = read(folder)
    assert data.liked.sum() == read(folder, like_threshold=-1).liked.sum() == 2
    assert data.notes[1:-1] == (
        "x.csv: rating from 8 to 9: a rating of at least 7 is a like (chosen from the scale)",
        "x.csv: rating from 8 to 9: every rating is a like",
        "30 ratings of x.csv equal to -1 (not rated): seen, not liked",
    )
    thumbs = read(world(tmp_path, x_csv="user,item,rating\na,x,-1\nb,x,1\n"))
    assert "1 rating of x.csv below 1: seen, not liked" in thumbs.notes


def test_without_ratings_every_row_is_a_like(tmp_path):
    data = read(world(tmp_path, log_csv="user,item\na,x\nb,y\n"))
    assert data.liked.all() and "log.csv has no column of ratings: every row is a like" in data.notes
    assert data.items["title"].tolist() == ["item x", "item y"] and data.relations == ()


GAMES = "game_id;name;mechanics;price;min players;blurb;homepage\n"
for n in range(1, 21):
    GAMES += f"g,{n};Game {n};\"['Dice', 'M{n % 3}']\";{n * 1.5};{1 + n % 2};All about {n}, at length;"
    GAMES += f"https://x.org/{n}\n"


def test_an_invented_shop_of_games(tmp_path):
    """Semicolons, ids with commas, lists as Python writes them, prices in bins."""
    rows = "player;game;stars\n" + "".join(f"p {u};g,{1 + u % 20};{u % 6}\n" for u in range(40))
    data = read(world(tmp_path, sales_csv=rows, games_csv=GAMES))
    assert data.relations == ("mechanic", "price", "min players")
    assert data.items["item_id"][0] == "g,1" and data.user_ids[0] == "p 0"
    assert {t for i, r, t in triples(data) if i == "g,1"} == {"Dice", "M1", "1.5 to 6", "2"}
    bins = pd.Series([t for _, r, t in triples(data) if r == "price"]).value_counts()
    assert bins.tolist() == [4] * 5 and "13.5 to 18" in bins.index
    assert "blurb is left out: mostly unique values" in data.notes
    assert "homepage is left out: addresses" in data.notes
    assert "relation 'price' from price: 5 bins of about equal size (quantiles)" in data.notes


def test_parquet_gzip_zip_and_one_file_give_the_same(tmp_path):
    plain = read(world(tmp_path / "a", movies_csv=MOVIES, ratings_csv=RATINGS))
    folder = world(tmp_path / "b")
    (folder / "movies.csv.gz").write_bytes(gzip.compress(MOVIES.encode()))
    frame = pd.read_csv(tmp_path / "a" / "ratings.csv")
    frame.to_parquet(folder / "ratings.parquet")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("ml/movies.csv", MOVIES)
        archive.writestr("ml/ratings.csv", RATINGS)
    for other in (folder, tmp_path / "c.zip"):
        again = read(other)
        assert again.items.equals(plain.items) and likes(again) == likes(plain)
        assert triples(again) == triples(plain) and recognised(other)
    alone = read(tmp_path / "a" / "ratings.csv")
    assert likes(alone) == likes(plain) and alone.name == "ratings"
    (folder / "ratings.parquet").write_bytes(b"PAR1 cut off")
    assert "ratings.parquet: expected a complete parquet file" in complaint(folder)


def test_lists_in_parquet(tmp_path):
    pd.DataFrame({"asin": ["x", "y"], "title": ["X", "Y"], "tags": [["a", "b"], ["b"]]}).to_parquet(
        world(tmp_path, r_csv="user,asin\nu,x\nu,y\n") / "items.parquet"
    )
    assert triples(read(tmp_path)) == {("x", "tag", "a"), ("x", "tag", "b"), ("y", "tag", "b")}


def test_a_flag_hides_adult_items(tmp_path):
    data = read(
        world(
            tmp_path,
            r_csv="user,item\nu,1\nu,2\n",
            i_csv="item,title,adult,genre\n1,A,True,Drama\n2,B,False,Drama\n",
        )
    )
    assert data.items["genres"].tolist() == ["Drama, Adult", "Drama"] and data.relations == ("genre",)


def test_cells_of_nothing_but_separators():
    for cells in (["|", "|;"], [",", ", ,"], ["/", "/ /"], ["[,]", "[ , ]"]):
        assert relation_of("about", pd.Series(cells)) == (None, "mostly unique values")


@pytest.mark.parametrize(
    ("column", "cells", "mark"),
    [
        ("about", "salt/leek flour/salt leek/flour", "/"),
        ("about", "a&b b&c c&a", "&"),
        ("about", "a+b b+c c+a", "+"),
        ("about", "AC/DC Queen AC/DC Queen", ""),
        ("about", "24min/ep 12min/ep 9min/ep 7min/ep", ""),
        ("publisher", "Simon&Schuster Simon&SchusterUK Tor", ""),
        ("publisher", "Simon&Tor Tor Simon", "&"),
        ("authors", "Lee,Ann Lee", ","),
    ],
)
def test_separators_of_lists(column, cells, mark):
    made, _ = relation_of(column, pd.Series(cells.split(" ")), forced=True)
    assert made is not None
    expected = [cell.split(mark) if mark else [cell] for cell in cells.split(" ")]
    assert made.labels == expected


def test_dates_lists_of_numbers_and_names_after_the_item_s_word():
    dates = pd.Series(["2005-09-16", "2005-10-02 10:30", "2041-01-01", ""])
    made, _ = relation_of("submitted", dates)
    assert made is not None and made.name == "submitted" and made.rule == "decades"
    assert made.labels == [["2000s"], ["2000s"], ["2040s"], []]
    numbers = pd.Series(["[51.5, 0.0, 13.0]", "[94.4, 0.0, 18.0]"] * 3)
    assert relation_of("nutrition", numbers) == (None, "lists of numbers")
    made, _ = relation_of("Book-Author", pd.Series(["Ann Lee", "Bo Ray"]))
    assert made is not None and made.name == "author" and made.labels == [["Ann Lee"], ["Bo Ray"]]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("12,5", "3,25", "7"), (12.5, 3.25, 7)),
        (("$1,200.50", "$3", "€7"), (1200.5, 3, 7)),
        (("1.200,50 €", "3,5 €", "345.678,00 €"), (1200.5, 3.5, 345678)),
        (("1.20,50 €", "3", "7"), None),
        (("1,200", "12,200", "7,000"), (1200, 12200, 7000)),
    ],
)
def test_numbers_with_commas_and_signs_of_money(cells, values):
    """A decimal comma has one or two digits behind it; what fits no rule is text."""
    made, why = relation_of("size", pd.Series(cells))
    if values is None:
        assert made is None and why == "mostly unique values"
    else:
        assert made is not None and made.labels == [[f"{value:.6g}"] for value in values]


@pytest.mark.parametrize(
    ("cells", "liked"),
    [("4,5 2 3,5", (True, False, False)), ("True False true", (True, False, True)), ("no yes no", (0, 1, 0))],
)
def test_ratings_with_decimal_commas_or_as_words(tmp_path, cells, liked):
    rows = "".join(f"u{n};i{n};{cell}\n" for n, cell in enumerate(cells.split()))
    data = read(world(tmp_path, x_csv=f"user;item;rating\n{rows}u9;i9;\n"))
    assert data.liked.tolist() == [*map(bool, liked), False]
    (tmp_path / "x.csv").write_text(f"user;item;rating\n{rows}u9;i9;good\n")
    assert complaint(tmp_path) == "x.csv, line 5, column rating: expected a number (got 'good')"


def test_columns_as_told(tmp_path):
    folder = world(
        tmp_path, log_csv="who,what,how\na,x,1\nb,y,5\n", stock_csv="what,colour,brand\nx,red,B\ny,red,C\n"
    )
    told = "who=user,what=item,how=rating"
    assert complaint(folder) == (
        'log.csv: no column of users among who, what, how: name it with --columns "who=user,what=item"'
    )
    assert likes(read(folder, told)) == {("a", "x"): False, ("b", "y"): True}
    assert read(folder, told).relations == ("colour", "brand")
    assert read(folder, f"{told},brand=none").relations == ("colour",)
    (folder / "log.csv").write_text('"who, then",what,how\na,x,1\nb,y,5\n')
    assert likes(read(folder, f'"who, then=user",{told[9:]}')) == {("a", "x"): False, ("b", "y"): True}
    (folder / "log.csv").write_text("who,what,how\na,x,1\nb,y,5\n")
    assert "expected COLUMN=ROLE, a role among user, item" in complaint(folder, "who=usr")
    assert complaint(folder, f"{told},size=relation") == (
        "--columns: no column 'size': expected one of who, what, how, colour, brand"
    )


def test_the_named_formats_come_first(tmp_path):
    """Kaggle's two files are read as before; with other tables beside one of them, plain tables are."""
    kaggle = world(
        tmp_path / "k",
        anime_csv="anime_id,name,genre,type,episodes,rating,members\n1,A,Action,TV,12,7,9\n",
        rating_csv="user_id,anime_id,rating\n1,1,8\n",
    )
    assert load(kaggle, DataConfig()).format == "kaggle"
    (kaggle / "rating.csv").rename(kaggle / "ratings.csv")
    assert load(kaggle, DataConfig()).format == "tables"
    (kaggle / "ratings.csv").unlink()
    assert "expected rating.csv" in complaint(kaggle)
    text = world(tmp_path / "t", kg_final_txt="0 0 1\n", train_txt="0 0\n", test_txt="0 0\n", x_csv=RATINGS)
    assert load(text, DataConfig()).format == "text"


ROWS = "user,item,rating\n"
BAD = {
    "no columns": (
        {"x_csv": "a,b,c\n1,2,3\n"},
        'no column of users among a, b, c: name it with --columns "a=user,b=item"',
    ),
    "no item": ({"x_csv": "user,thing\n1,2\n"}, "no column of items among user, thing"),
    "no rows": ({"x_csv": "user,item\n"}, "x.csv: expected at least one row, found none"),
    "no id": ({"x_csv": "user,item\na,\n"}, "x.csv, line 2, column item: expected an id (got '')"),
    "a word": (
        {"x_csv": "user,item,rating\na,b,good\n"},
        "line 2, column rating: expected a number (got 'good')",
    ),
    "infinite": (
        {"x_csv": "user,item,rating\na,b,inf\n"},
        "column rating: expected a finite number (got 'inf')",
    ),
    "no rating": ({"x_csv": ROWS + "a,b,\n"}, "x.csv: expected ratings in rating, found none"),
    "too many": ({"x_csv": "user,item\na,b,c\n"}, "x.csv, line 2: expected 2 fields (got '3')"),
    "twice": ({"x_csv": "user,user,item\na,b,c\n"}, "x.csv, line 1: expected each column once"),
    "empty": ({"x_csv": "\n"}, "x.csv: expected data, found an empty file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_one_line(tmp_path, name):
    tables, said = BAD[name]
    assert said in complaint(world(tmp_path, **tables))


def test_recognising_reads_the_start_of_a_file_only(tmp_path, monkeypatch):
    """A large folder of data is listed quickly."""
    world(tmp_path, x_csv="user,item\n" + "a,b\n" * 50_000)
    monkeypatch.setattr(sources, "LARGEST", sheets.START)
    assert recognised(tmp_path)
    assert "expected at most" in complaint(tmp_path)


def test_the_anime_set_of_kaggle_is_the_same_in_both_formats(tmp_path):
    names = ("Gintama", "Gintama&#039;", "Gintama Movie", "Naruto", "Tiger &amp; Bunny", "Naruto")
    rows = "".join(
        f'{n},{name},"Action, G{n % 3}",{("TV", "Movie", "")[n % 3]},{n * 7 or "Unknown"},7.{n},{n}00\n'
        for n, name in enumerate(names)
    )
    pairs = "".join(f"{u},{i},{(-1, 9, 6, 7)[(u + i) % 4]}\n" for u in range(5) for i in range(6))
    folder = world(
        tmp_path,
        anime_csv=f"anime_id,name,genre,type,episodes,rating,members\n{rows}",
        rating_csv=f"user_id,anime_id,rating\n{pairs}",
    )
    own, plain = read(folder), reader.read(folder, DataConfig())
    assert (own.format, plain.format) == ("kaggle", "tables")
    assert own.relations == plain.relations == ("genre", "type", "franchise", "length")
    assert triples(own) == triples(plain) and likes(own) == likes(plain)
    same = ["item_id", "title", "type", "genres"]
    assert own.items[same].astype(str).equals(plain.items[same].astype(str))


def test_a_damaged_table_beside_is_told(tmp_path):
    folder = world(tmp_path, ratings_csv=RATINGS, movies_csv=MOVIES)
    (folder / "tags.csv.gz").write_bytes(b"no gzip")
    told = "tags.csv is not read: tags.csv.gz: expected a complete gzip file (it is truncated or damaged)"
    assert told in read(folder).notes
