"""Where nothing can be read: what lies there beside what was wanted, and the shortest way to mend it, in one
line.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from dskreg.config import DataConfig
from dskreg.data.readers.load import load
from dskreg.errors import InputError
from tests.data.test_plain import MOVIES, RATINGS, complaint, likes, read

ANIME = "anime_id,name,genre,type,episodes,rating,members\n1,A,Action,TV,12,7,9\n"
ITEMS = (
    'expected one with users and items beside it, such as ratings.csv, or --columns "genres=user" if users'
)
LIES = {
    "nothing": ({}, "found nothing"),
    "no data": ({"README.txt": "x", "LICENSE": "y"}, "found 'LICENSE', 'README.txt'"),
    "a sheet": ({"ratings.xlsx": "PK"}, "found 'ratings.xlsx'; save 'ratings.xlsx' as .csv"),
    "an archive": ({"ml.tar.gz": "x"}, "found 'ml.tar.gz'; unpack 'ml.tar.gz'"),
    "one of two": (
        {"anime.csv": ANIME},
        "expected rating.csv (or rating.csv.gz, or a zip that holds rating.csv)",
    ),
    "another name": (
        {"anime.csv": ANIME, "ratings.csv": "who,anime_id,rating\n1,1,8\n"},
        "expected rating.csv (or rating.csv.gz, or a zip that holds rating.csv), found 'ratings.csv', "
        "'anime.csv'",
    ),
    "a folder": ({"ml/ratings.csv": RATINGS}, "found the folder 'ml/' with some: name {path}/ml"),
    "a deep folder": ({"a/b/ratings.csv": RATINGS}, "found the folder 'a/b/' with some: name {path}/a/b"),
    "a folder beside tables": (
        {"ml/ratings.csv": RATINGS, "movies.csv": MOVIES},
        "found the folder 'ml/' with some: name {path}/ml",
    ),
    "items": (
        {"movies.csv": MOVIES},
        f"movies.csv seems to be a table of items (movieId, title, genres): {ITEMS}",
    ),
    "rated items": (
        {"books.csv": "book_id,title,rating\n1,A,4\n"},
        "books.csv seems to be a table of items (book_id, title, rating): expected one with users and items",
    ),
    "triples": (
        {"kg.csv": "1,by,2\n"},
        "kg.csv seems to be a table of triples (head, relation, tail): expected",
    ),
    "one column": (
        {"ratings.csv": "movieId\n1\n"},
        "ratings.csv: expected columns of users and of items, found one column, movieId (fields are",
    ),
    "odd separator": (
        {"ratings.csv": "userId^movieId^rating\n1^1^5\n"},
        "found one column, userId^movieId^rating (fields are separated by , ; | :: or the tab)",
    ),
    "a column without a name": (
        {"x.csv": ",i1,i2\nu1,1,0\n"},
        'x.csv: no column of users among , i1, i2: name it with --columns "i1=user,i2=item"',
    ),
    "no header": (
        {"log.csv": "1,2\n3,4\n"},
        'no column of users among 1, 2: name it with --columns "1=user,2=item"',
    ),
    "a damaged part": (
        {"train.csv.gz": "x", "test.csv": RATINGS},
        "train.csv.gz: expected a complete gzip file (it is truncated or damaged)",
    ),
    "damaged ratings": (
        {"ratings.csv.gz": "x", "to_read.csv": "user_id,book_id\n1,2\n"},
        "ratings.csv.gz: expected a complete gzip file (it is truncated or damaged)",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_what_lies_there_is_named(tmp_path: Path, name: str) -> None:
    files, said = LIES[name]
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    assert said.replace("{path}", str(tmp_path)) in complaint(tmp_path)


def test_a_zip_is_looked_into_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with zipfile.ZipFile(tmp_path / "raw" / "ml.zip", "w") as archive:
        archive.writestr("ml/ratings.csv", RATINGS)
    assert likes(read(tmp_path / "raw")) == likes(read(tmp_path / "raw" / "ml.zip"))
    assert f"found the folder 'raw/' with some: name {tmp_path / 'raw'}" in complaint(tmp_path)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "raw" / "ml.zip", "ml.zip")
    assert complaint(tmp_path / "outer.zip").endswith("found 'ml.zip'; unpack 'ml.zip'")


def test_a_path_that_is_not_there_names_the_one_that_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "rating.csv.gz").write_bytes(gzip.compress(RATINGS.encode()))
    (tmp_path / "movielens").mkdir()
    for wrong, right in {"ratings.csv.gz": "rating.csv.gz", "movie-lens": "movielens"}.items():
        with pytest.raises(InputError) as caught:
            load(tmp_path / wrong, DataConfig())
        assert str(caught.value).endswith(f"there is no such folder; did you mean '{tmp_path / right}'?")
    with pytest.raises(InputError, match=r"there is no such folder$"):
        load(tmp_path / "x", DataConfig())
