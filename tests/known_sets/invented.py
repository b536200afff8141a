"""Three shops that nobody has told the readers about: books, recipes, games; the world is the same."""

from __future__ import annotations

import gzip

from tests.known_sets.world import GENRES, ITEMS, PAIRS, Shape, joined, rows, seconds, stars

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct".split()


def books() -> Shape:
    """Between semicolons, with decimal commas, half stars, dates with dots, and readers and codes that hold
    blanks and commas; authors between ampersands, subjects between slashes.
    """

    def half(item: int) -> str:
        return f"{stars(item) - 0.5 * (item > 5):.1f}".replace(".", ",")

    loans = [(f"Doe, Jane {u}", f"QA {i}, b", half(i), f"{i + 1:02d}.03.2021") for u, i in PAIRS]
    stock = [
        (
            *(
                f"QA {i}, b",
                f"Film {i}",
                "Ann Lee" + " & Bo Ray" * (i % 5 == 0),
                f"{i + 1:02d}.06.{1990 + i}",
            ),
            *("/".join(GENRES[i]), f"{10 + i},9{i} €", 100 + 13 * i, f"Shelf {i}, left"),
        )
        for i in range(ITEMS)
    ]
    return Shape(
        {
            "Loans 2021.csv": rows("Reader No;Book Code;Stars;Borrowed On", loans, ";"),
            "stock.csv": rows(
                "Book Code;Book Title;Author(s);Published;Subjects;Price;Pages;Place", stock, ";"
            ),
        },
        # two of the ten books have a second author
        {"year": 10, "author": 12, "subject": 14, "price": 10, "pages": 10},
    )


def recipes() -> Shape:
    """Between tabs, gzipped; cooks, of whom the reader must be told; hearts up to 3; ingredients between plus
    signs, minutes, a yes or no.
    """
    cooked = [(f"c-{u:03d}", f"dish {i}", 3 if i < 6 else 1, f"2020-01-{i + 1:02d}") for u, i in PAIRS]
    dishes = [
        (f"dish {i}", f"Film {i}", " + ".join(GENRES[i]), 5 * i + 10, ("no", "yes")[i % 2])
        for i in range(ITEMS)
    ]
    return Shape(
        {
            "cooked.tsv.gz": gzip.compress(rows("cook\tdish\thearts\tday", cooked, "\t")),
            "dishes.tsv": rows("dish\theading\tcontains\tminutes\tvegan", dishes, "\t"),
        },
        {"contains": 14, "minutes": 10, "vegan": 10},
        columns="cook=user",
    )


def games() -> Shape:
    """Between bars, Windows-1252; thumbs as true and false; tags between semicolons, platforms as flags
    (one the same for all), prices with a sign, dates in words.
    """
    reviews = [(u * 1000 + i, f"gamer {u}", i + 440, 2.5 * i, i < 6, seconds(u, i)) for u, i in PAIRS]
    shop = [
        (
            *(i + 440, f"Film {i} ®", ";".join(GENRES[i]), f"{i + 1} {_MONTHS[i]}, {2000 + 4 * i}"),
            *(i % 2 == 0, True, f"${i}.99", f"{90 - i}%"),
        )
        for i in range(ITEMS)
    ]
    return Shape(
        {
            "reviews.dat": b"review_id|player_name|app_id|hours|is_recommended|date\n" + joined(reviews, "|"),
            "catalog.dat": b"app_id|title|tags|date_release|win|mac|price|liked by\n"
            + joined(shop, "|", "latin-1"),
        },
        {"year": 10, "tag": 14, "win": 10, "price": 10},
        title="Film 0 ®",
    )


SHOPS = {make.__name__: make for make in (books, recipes, games)}
