"""Sets with a knowledge graph of their own: those of RippleNet, KGAT and RecBole."""

from __future__ import annotations

from collections.abc import Callable

from tests.known_sets.shops import asin, reviewer
from tests.known_sets.world import (
    GENRES,
    ITEMS,
    PAIRS,
    STUDIOS,
    USERS,
    Files,
    Shape,
    joined,
    marks,
    rows,
    seconds,
    stars,
    zipped,
)


def _entity_triples(item: Callable[[int], str]) -> list[tuple[str, str, str]]:
    """Genres (14) and directors (10) of items, and the directors' country, which no item has."""
    found = [(item(i), "film.genre", name) for i in range(ITEMS) for name in GENRES[i]]
    found += [(item(i), "film.director", STUDIOS[i % 2]) for i in range(ITEMS)]
    return [*found, (STUDIOS[0], "person.country", "Here")]


def ripplenet_final() -> Shape:
    """After the project's `preprocess.py`: numbers alone, as many sampled negatives as likes (label 0), which
    are no interactions; original ids of items in the index file.
    """
    likes = [(u, i) for u, i in PAIRS if i < 6]
    negatives = [(u, i) for u in range(USERS) for i in range(6, ITEMS)]
    final = [(u, i, 1) for u, i in likes] + [(u, i, 0) for u, i in negatives]
    number = {"Drama": 10, "Comedy": 11, "Music": 12, "Gull": 13, "Heron": 14, "Here": 15}
    relation = {"film.genre": 0, "film.director": 1, "person.country": 2}
    kg = [(number.get(head, head), relation[name], number[tail]) for head, name, tail in _entity_triples(str)]
    return Shape(
        {
            "ratings_final.txt": joined(final, "\t"),
            "kg_final.txt": joined(kg, "\t"),
            "item_index2entity_id.txt": joined([(260 + i, f"m.{i}") for i in range(ITEMS)], "\t"),
        },
        {"relation 0": 14, "relation 1": 10},
        interactions=32,
        title="item 260",
        format="text",
    )


def ripplenet_movie() -> Shape:
    """As cloned: MovieLens ratings with original ids, the index from item to entity (without item 9, which
    has no triples then), triples of entities in two files.
    """
    kg = [row for row in _entity_triples(lambda i: f"m.{i}") if row[0] != "m.9"]
    return Shape(
        {
            "ratings.dat": joined([(u + 1, i + 1, stars(i), seconds(u, i)) for u, i in PAIRS], "::"),
            "item_index2entity_id_rehashed.txt": joined([(i + 1, f"m.{i}") for i in range(9)], "\t"),
            "kg_part1_rehashed.txt": joined(kg[:12], "\t"),
            "kg_part2_rehashed.txt": joined(kg[12:], "\t"),
        },
        {"film.director": 9, "film.genre": 12},
        title="item 1",
    )


def mkr_book() -> Shape:
    """Book-Crossing in quotes and Windows-1252; a rating 0 means implicit, no like. One more user, who likes
    a book without entity.
    """
    head = '"User-ID";"ISBN";"Book-Rating"'
    lines = "".join(f'"{u + 276725}";"034545104X{i}";"{marks(i) if i < 6 else 0}"\n' for u, i in PAIRS)
    return Shape(
        {
            "BX-Book-Ratings.csv": f'{head}\n{lines}"276799";"no such bookó";"7"\n'.encode("latin-1"),
            "item_index2entity_id.txt": joined([(f"034545104X{i}", f"m.{i}") for i in range(ITEMS)], "\t"),
            "kg.txt": joined(_entity_triples(lambda i: f"m.{i}"), "\t"),
        },
        {"film.director": 10, "film.genre": 14},
        users=9,
        items=11,
        interactions=49,
        likes=33,
        title="item 034545104X0",
    )


def kgcn_music() -> Shape:
    """Last.FM: numbers of plays as weights, all of them likes."""
    return Shape(
        {
            "user_artists.dat": rows(
                "userID\tartistID\tweight", [(u + 2, i + 51, 10 * i + 1) for u, i in PAIRS], "\t"
            ),
            "item_index2entity_id.txt": joined([(i + 51, 300 + i) for i in range(ITEMS)], "\t"),
            "kg.txt": joined(_entity_triples(lambda i: str(300 + i)), "\t"),
        },
        {"film.director": 10, "film.genre": 14},
        likes=48,
        title="item 51",
    )


def _numbered() -> tuple[bytes, bytes, bytes]:
    """train.txt, test.txt (the last liked item of each user) and kg_final.txt."""
    liked = {u: [i for v, i in PAIRS if v == u and i < 6] for u in range(USERS)}
    train = joined([(u, *items[:-1]) for u, items in liked.items()], " ")
    test = joined([(u, items[-1]) for u, items in liked.items()], " ")
    number = {"Drama": 10, "Comedy": 11, "Music": 12, "Gull": 13, "Heron": 14, "Here": 15}
    relation = {"film.genre": 0, "film.director": 1, "person.country": 2}
    kg = [(number.get(head, head), relation[name], number[tail]) for head, name, tail in _entity_triples(str)]
    return train, test, joined(kg, " ")


def kgat() -> Shape:
    """Training pairs and triples in zips, lists that give the original ids (ASIN) and names (whole URIs)."""
    train, test, kg = _numbered()
    entities = ["Drama", "Comedy", "Music", "Gull", "Heron", "Here"]
    return Shape(
        {
            "train.txt.zip": zipped(train__txt=train),
            "test.txt": test,
            "kg_final.txt.zip": zipped(kg_final__txt=kg),
            "item_list.txt": joined(
                [("org_id", "remap_id", "freebase_id")] + [(asin(i), i, f"m.{i}") for i in range(ITEMS)],
                " ",
            ),
            "user_list.txt": joined([("org_id", "remap_id")] + [(reviewer(u), u) for u in range(USERS)], " "),
            "entity_list.txt": joined(
                [("org_id", "remap_id")] + [(name, 10 + n) for n, name in enumerate(entities)], " "
            ),
            "relation_list.txt": joined(
                [
                    ("org_id", "remap_id"),
                    ("http://rdf.freebase.com/ns/film.film.genre", 0),
                    ("http://rdf.freebase.com/ns/film.film.director", 1),
                    ("http://rdf.freebase.com/ns/person.country", 2),
                ],
                " ",
            ),
        },
        {"film.film.genre": 14, "film.film.director": 10},
        interactions=32,
        title=asin(0),
        format="text",
    )


def kgin() -> Shape:
    """Without lists but that of items, whose names hold blanks (Last.FM)."""
    train, test, kg = _numbered()
    names = [("org_id", "remap_id")] + [(f"The Film, {i}", i) for i in range(ITEMS)]
    return Shape(
        {
            **{"train.txt": train, "test.txt": test, "kg_final.txt": kg},
            "item_list.txt": joined(names, " "),
        },
        {"relation 0": 14, "relation 1": 10},
        interactions=32,
        title="The Film, 0",
        format="text",
    )


def lightkg() -> Shape:
    """A whole set in one zip, with a validation split of its own. Items 8 and 9 are in no interaction, so
    that their numbers are those of entities.
    """
    kg = _numbered()[2]
    train, valid, test = (
        joined([(u, *(i + u % 2 for i in part)) for u in range(USERS)], " ")
        for part in ((0, 2, 6), (4,), (1,))
    )
    return Shape(
        {"lastfm.zip": zipped(train__txt=train, valid__txt=valid, test__txt=test, kg_final__txt=kg)},
        {"relation 0": 11, "relation 1": 8},
        items=8,
        interactions=40,
        likes=40,
        title="item 0",
        format="text",
    )


def _atomic() -> Files:
    items = [(i, f"Film {i}", 1990 + i, " ".join(GENRES[i])) for i in range(ITEMS)]
    return {
        "ml.item": rows(
            "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq", items, "\t"
        ),
        "ml.user": rows("user_id:token\tage:token\tgender:token", [(u, 24, "M") for u in range(USERS)], "\t"),
        "ml.link": rows("item_id:token\tentity_id:token", [(i, f"m.{i}") for i in range(ITEMS)], "\t"),
        "ml.kg": rows(
            "head_id:token\trelation_id:token\ttail_id:token",
            _entity_triples(lambda i: f"m.{i}"),
            "\t",
        ),
    }


def recbole() -> Shape:
    """Atomic files: interactions with ratings from 1 to 10, users, items, links and triples."""
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    inter = rows(head, [(u, i, float(marks(i)), seconds(u, i)) for u, i in PAIRS], "\t")
    return Shape(_atomic() | {"ml.inter": inter}, {"film.director": 10, "film.genre": 14}, format="recbole")


def recbole_split() -> Shape:
    """Benchmark files, in which every pair is a like."""
    part = {u: [i for v, i in PAIRS if v == u] for u in range(USERS)}
    chosen = {"train": slice(0, 4), "valid": slice(4, 5), "test": slice(5, 6)}
    inter = {
        f"ml.{name}.inter": rows(
            "user_id:token\titem_id:token", [(u, i) for u in part for i in part[u][where]], "\t"
        )
        for name, where in chosen.items()
    }
    return Shape(_atomic() | inter, {"film.director": 10, "film.genre": 14}, likes=48, format="recbole")
