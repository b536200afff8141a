"""Films, books and products: MovieLens, Goodbooks-10k and Amazon reviews."""

from __future__ import annotations

from tests.known_sets.world import (
    GENRES,
    ITEMS,
    PAIRS,
    STUDIOS,
    USERS,
    Shape,
    joined,
    jsonl,
    rows,
    seconds,
    stars,
)


def _movies() -> list[tuple[str, str]]:
    """Title with year, commas among them, and genres; the last has neither."""
    names = [(f"Film {i}, The (19{90 + i})", "|".join(GENRES[i])) for i in range(ITEMS - 1)]
    return [*names, ("Film 9", "(no genres listed)")]


def movielens_small() -> Shape:
    """Half stars, tags and links beside; a film without year and without genres (12 labels, 9 years)."""
    return Shape(
        {
            "movies.csv": rows("movieId,title,genres", [(i + 1, *row) for i, row in enumerate(_movies())]),
            "ratings.csv": rows(
                "userId,movieId,rating,timestamp",
                [(u + 1, i + 1, stars(i) - 0.5 * (i > 5), seconds(u, i)) for u, i in PAIRS],
            ),
            "tags.csv": rows("userId,movieId,tag,timestamp", [(1, 1, "funny, sad", seconds(0, 0))]),
            "links.csv": rows(
                "movieId,imdbId,tmdbId", [(i + 1, f"{i:07d}", "" if i else 862) for i in range(ITEMS)]
            ),
            "README.txt": b"Summary\n=======\n",
        },
        {"year": 9, "genre": 12},
        title="Film 0, The (1990)",
    )


def movielens_25m() -> Shape:
    """As the small one, with the genome of tags beside."""
    small = movielens_small()
    genome = [(i + 1, tag, 0.25 * tag) for i in range(ITEMS) for tag in (1, 2, 3)]
    return Shape(
        small.files
        | {
            "genome-scores.csv": rows("movieId,tagId,relevance", genome),
            "genome-tags.csv": rows("tagId,tag", [(1, "007"), (2, "18th century"), (3, "action")]),
        },
        small.triples,
        title=small.title,
    )


def movielens_1m() -> Shape:
    """`::` between fields, no header, Windows-1252; users beside."""
    movies = [(i + 1, name.replace("Film", "Cité"), genre) for i, (name, genre) in enumerate(_movies())]
    movies[-1] = (10, "Cité 9 (1999)", "Comedy|Music")
    return Shape(
        {
            "movies.dat": joined(movies, "::", "latin-1"),
            "ratings.dat": joined([(u + 1, i + 1, stars(i), seconds(u, i)) for u, i in PAIRS], "::"),
            "users.dat": joined([(u + 1, "F", 25, u, "02460") for u in range(USERS)], "::"),
        },
        {"year": 10, "genre": 14},
        title="Cité 0, The (1990)",
    )


def goodbooks() -> Shape:
    """Statistics among the properties of books, years as floats, further tables of tags and plans."""
    head = (
        "book_id,goodreads_book_id,best_book_id,work_id,books_count,isbn,isbn13,authors,"
        "original_publication_year,original_title,title,language_code,average_rating,ratings_count,"
        "work_ratings_count,work_text_reviews_count,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5,"
        "image_url,small_image_url"
    )

    def row(i: int) -> tuple[object, ...]:
        address = f"https://images.example.org/books/{i}"
        return (
            *(i + 1, 5000 + i, 6000 + i, 7000 + i, 270 + i, f"{43902348 + i:010d}", f"{9.78e12 + i}"),
            *(f"Author {i % 2}" + ", Second Hand" * (i == 4), f"{1900 + 10 * i}.0", f"Film {i}"),
            *(f"Film {i} (Films, #{i})", "" if i == 3 else "eng", 4.34, 100 + i, 200 + i, 300 + i),
            *(1, 2, 3, 4, 5, f"{address}m.jpg", f"{address}s.jpg"),
        )

    # author: one more of book 4; language: not of book 3; books_count: ten numbers in five bins
    return Shape(
        {
            "books.csv": rows(head, [row(i) for i in range(ITEMS)]),
            "ratings.csv": rows("user_id,book_id,rating", [(u + 1, i + 1, stars(i)) for u, i in PAIRS]),
            "to_read.csv": rows("user_id,book_id", [(1, 10)]),
            "tags.csv": rows("tag_id,tag_name", [(0, "-"), (1, "--1-"), (2, "to-read")]),
            "book_tags.csv": rows("goodreads_book_id,tag_id,count", [(5000, 2, 167697)]),
        },
        {"year": 10, "books count": 10, "author": 11, "language code": 9},
        title="Film 0 (Films, #0)",
    )


def reviewer(user: int) -> str:
    return f"A{user}Z0000000000"


def asin(item: int) -> str:
    return f"B00000000{item}"


def amazon_csv() -> Shape:
    """The tables of ratings alone: no header, reviewer, product, rating, time. No relations."""
    lines = [(reviewer(u), asin(i), f"{stars(i)}.0", seconds(u, i)) for u, i in PAIRS]
    return Shape(
        {"ratings_Musical_Instruments.csv": rows("", lines)},
        {},
        columns="1=user,2=item,3=rating,4=timestamp",
        title=f"item {asin(0)}",
    )


def amazon_2023_csv() -> Shape:
    """The same of 2023, with a header."""
    lines = [(reviewer(u), asin(i), f"{stars(i)}.0", 1000 * seconds(u, i)) for u, i in PAIRS]
    return Shape(
        {"All_Beauty.csv": rows("user_id,parentasin,rating,timestamp", lines)},
        {},
        title=f"item {asin(0)}",
    )


def amazon_jsonl() -> Shape:
    """Reviews and products as one JSON object per line: texts, lists and nested objects among the fields."""
    reviews = [
        {
            **{"rating": float(stars(i)), "title": "Fine", "text": "It is\n fine.", "images": []},
            **{"asin": asin(i), "parentasin": asin(i), "user_id": reviewer(u)},
            **{"timestamp": 1000 * seconds(u, i), "helpful_vote": u, "verified_purchase": True},
        }
        for u, i in PAIRS
    ]
    products = [
        {
            **{"main_category": "All Beauty", "title": f"Film {i}", "average_rating": 4.8},
            **{"rating_number": 10 + i, "features": [], "description": [f"Text {i}."], "price": None},
            **{"images": [{"thumb": "https://m.example.org/1.jpg", "variant": "MAIN"}], "videos": []},
            **{"store": STUDIOS[i % 2], "categories": GENRES[i], "details": {"Colour": "red"}},
            **{"parentasin": asin(i), "bought_together": None},
        }
        for i in range(ITEMS)
    ]
    return Shape(
        {"All_Beauty.jsonl": jsonl(reviews), "meta_All_Beauty.jsonl": jsonl(products)},
        {"store": 10, "category": 14},
    )
