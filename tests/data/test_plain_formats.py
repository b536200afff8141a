"""Lines of JSON as Amazon's reviews have them, and parquet that is packed."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from dskreg.config import DataConfig
from dskreg.data.readers import files as sources
from dskreg.data.readers.load import load, recognised
from dskreg.data.readers.plain.formats import jsonl
from dskreg.data.readers.plain.formats import parquet as packed
from tests.data.test_plain import MOVIES, RATINGS, complaint, likes, read, triples, world

REVIEWS = [
    {"overall": 5.0, "reviewerID": "A1", "asin": "B1", "unixReviewTime": 1252800000, "reviewText": "fine"},
    {"overall": 2.0, "reviewerID": "A1", "asin": "B2", "unixReviewTime": 1252886400, "vote": "3"},
    {"overall": 4.0, "reviewerID": "A2", "asin": "B1", "unixReviewTime": 1252972800, "style": {"Size:": "L"}},
    {"overall": 4.0, "reviewerID": "A2", "asin": "B3", "unixReviewTime": 1252972800},
]
ITEMS = [
    {
        "asin": f"B{n}",
        "title": f"Thing {n}",
        "category": ["Music", ("Rock", "Pop")[n % 2]],
        "brand": ("Acme", "Bolt")[n % 2],
        "price": f"${n},00{n}.50 - $9,999.00" if n < 9 else ".a-box{}",
        "imageURL": [f"https://x.org/{n}.jpg", "https://x.org/other.jpg"],
        "imageURLHighRes": [f"https://x.org/{n}-large.jpg"],
        "also_buy": [f"B{1 + n // 5}"],
        "details": {"Label": "x", "Discs": n},
        "rank": f"{n},000 in Music",
        "description": [f"All about thing {n}."],
    }
    for n in range(1, 10)
]


def lines(rows: list[dict[str, object]], literal: bool = False) -> str:
    return "".join(f"{repr(row) if literal else json.dumps(row)}\n" for row in rows)


AMAZON = {
    "json": {"reviews_Music_json": lines(REVIEWS), "meta_Music_json": lines(ITEMS)},
    "jsonl.gz": {
        "Music.jsonl_gz": gzip.compress(lines(REVIEWS).encode()),
        "meta_Music.jsonl_gz": gzip.compress(lines(ITEMS).encode()),
    },
    "python": {"reviews_json": lines(REVIEWS), "meta_json": lines(ITEMS, literal=True)},
    "list": {"reviews_json": json.dumps(REVIEWS, indent=1), "meta_ndjson": "\n" + lines(ITEMS)},
}


@pytest.mark.parametrize("form", AMAZON)
def test_reviews_of_amazon(tmp_path: Path, form: str) -> None:
    folder = world(tmp_path, **AMAZON[form])
    data = read(folder)
    assert likes(data) == {("A1", "B1"): True, ("A1", "B2"): False, ("A2", "B1"): True, ("A2", "B3"): True}
    assert data.time is not None and data.time.tolist() == [row["unixReviewTime"] for row in REVIEWS]
    assert data.relations == ("category", "brand", "price", "also buy") and len(data.items) == 9
    of_first = {(r, t) for i, r, t in triples(data) if i == "B1"}
    assert of_first == {
        *(("category", "Music"), ("category", "Pop"), ("brand", "Bolt"), ("price", "1001.5 to 2002.5")),
        ("also buy", "B1"),
    }
    assert "B9" not in {i for i, r, _ in triples(data) if r == "price"}
    assert data.items["image"][0] == "https://x.org/1.jpg" and data.items["title"][0] == "Thing 1"
    assert {
        "details is left out: objects with fields of their own",
        "rank is left out: mostly unique values",
        "description is left out: text",
    } <= set(data.notes)
    assert recognised(folder)


def test_reviews_of_2023_name_the_item_as_the_table_of_items_does(tmp_path: Path) -> None:
    """asin is the variant; what meta has is parent_asin."""
    rows = [
        {"rating": 5.0, "title": "Great", "asin": "V1", "parent_asin": "P1", "user_id": "u", "timestamp": 1}
    ]
    items = [
        {
            "main_category": "Toys",
            "title": "Robot",
            "parent_asin": "P1",
            "images": [{"large": "https://x.org/1.jpg"}],
        }
    ]
    folder = world(tmp_path, Toys_jsonl=lines(rows), meta_Toys_jsonl=lines(items))
    data = read(folder)
    assert likes(data) == {("u", "P1"): True} and data.items["title"].tolist() == ["Robot"]
    assert data.items["image"].tolist() == ["https://x.org/1.jpg"]
    assert likes(read(folder, "asin=item")) == {("u", "V1"): True}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"user": 1, "item": 2}\n[1, 2]\n',
            "x.json, line 2: expected one JSON object per line (got '[1, 2]')",
        ),
        ('{"user": 1, "item": 2}\n{"user": \n', "x.json, line 2: expected one JSON object per line"),
        (
            '{"user": 1, "item": 2}\n{\'user\': open("x")}\n',
            "x.json, line 2: expected one JSON object per line",
        ),
        ('[{"user": 1}, 3]', "x.json, line 1: expected one JSON object per line, or one list of objects"),
        ('[{"user": 1}', "x.json, line 1: expected one JSON object per line, or one list of objects"),
        ("{\n", "x.json, line 1: expected one JSON object per line (got '{')"),
        ("[" * 100_000, "x.json, line 1: expected one JSON object per line, or one list of objects"),
        ("{}\n", "x.json, line 1: expected one JSON object per line"),
        (
            '{"user": 1, "item": 2, "rating": 4}\n{"user": 1, "item": 3, "rating": "good"}\n',
            "x.json, line 2, column rating: expected a number (got 'good')",
        ),
        ('{"user": 1, "item": 2}\n{"user": 1}\n', "x.json, line 2, column item: expected an id"),
    ],
)
def test_bad_lines_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(world(tmp_path, x_json=text))


def test_long_lines_are_refused_and_blocks_follow_each_other(tmp_path: Path, monkeypatch) -> None:
    rows = [{"user": f"u{n % 7}", "item": n, "rating": None if n == 4 else 1 + n % 5} for n in range(50)]
    folder = world(tmp_path, x_jsonl=lines(rows))
    whole = likes(read(folder))
    for name in ("BLOCK", "START"):
        monkeypatch.setattr(jsonl, name, 60)
    monkeypatch.setattr(sources, "BLOCK", 64)
    assert likes(read(folder)) == whole and len(whole) == 50 and not whole[("u4", 4)]
    monkeypatch.setattr(jsonl, "LONGEST", 20)
    assert "x.jsonl, line 1: expected lines of at most 20 characters" in complaint(folder)


@pytest.mark.parametrize("how", ["gz", "zip"])
def test_packed_parquet(tmp_path: Path, monkeypatch, how: str) -> None:
    plain = read(world(tmp_path / "a", movies_csv=MOVIES, ratings_csv=RATINGS))
    folder = world(tmp_path / "b", movies_csv=MOVIES)
    buffer = io.BytesIO()
    pd.read_csv(tmp_path / "a" / "ratings.csv").to_parquet(buffer)
    if how == "gz":
        (folder / "ratings.parquet.gz").write_bytes(gzip.compress(buffer.getvalue()))
    else:
        with zipfile.ZipFile(folder / "all.zip", "w") as archive:
            archive.writestr("deep/ratings.parquet", buffer.getvalue())
    assert likes(read(folder)) == likes(plain) and triples(read(folder)) == triples(plain)
    only = folder / ("ratings.parquet.gz" if how == "gz" else "all.zip")
    assert likes(load(only, DataConfig())) == likes(plain)
    monkeypatch.setattr(packed, "LARGEST_UNPACKED", 100)
    name = "ratings.parquet.gz" if how == "gz" else "all.zip/ratings.parquet"
    assert complaint(folder) == f"{name}: expected at most 100 bytes where it is packed: unpack it"
    if how == "gz":
        (folder / "ratings.parquet.gz").write_bytes(gzip.compress(b"PAR1 cut off"))
        assert "ratings.parquet.gz: expected a complete parquet file" in complaint(folder)
