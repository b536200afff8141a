"""What a column holds, by its name: the names that people use, in any case, with or without underscores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dskreg.data.readers.files import SHOWN, short
from dskreg.data.readers.tables import image_column
from dskreg.errors import InputError
from dskreg.text import between_commas, printable

ROLES = (
    *("user", "item", "rating", "timestamp", "title", "year", "poster", "adult", "relation", "none"),
    *("head", "tail"),
)
"""What a column can be told to be. `none`: it is not used; `relation`: of a table of triples the column of
relations, of the items table one that becomes a relation.
"""

_USERS = (
    *("user", "reviewer", "customer", "member", "reader", "player", "profile", "buyer", "visitor", "account"),
    *("person", "shopper", "gamer", "client", "subscriber", "patron", "borrower", "viewer", "listener"),
)
_ITEMS = (
    *("item", "movie", "anime", "book", "recipe", "game", "product", "app", "film", "show", "series", "song"),
    *("track", "artist", "album", "title", "business", "beer", "wine", "article", "news", "course", "manga"),
    *("joke", "dish", "podcast", "place", "poi", "venue"),
)
_CODES = ("no", "nr", "number", "num", "code", "key", "tag", "uuid")
"""What follows the word for a user or an item, beside `id`."""
_MAKERS = ("artist", "album", "series")
"""Words for an item that beside another one are its property."""
_VERBS = (
    *("rated", "watched", "reviewed", "listened", "played", "read", "viewed", "visited", "ordered"),
    *("purchased", "bought", "borrowed", "clicked"),
)

NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "userids", "authorid"),
        *(form for word in _USERS for form in (f"{word}id", word)),
        *(f"{word}{end}" for word in _USERS for end in (*_CODES, "name")),
    ),
    "item": (
        *("itemid", "item", "iid", "movieid", "movie", "animeid", "malid", "asin", "parentasin", "isbn"),
        *(form for word in _ITEMS for form in (f"{word}id", word) if form not in ("title", "news")),
        *("sku", "id"),
        *(f"{word}{end}" for word in _ITEMS for end in _CODES),
    ),
    "rating": (
        *("rating", "ratings", "score", "stars", "star", "overall", "userrating", "bookrating", "myrating"),
        *("starrating", "grade", "label", "liked", "like", "watched", "preference", "reviewrating"),
        *("reviewscore", "userscore", "isrecommended", "recommended", "thumbsup", "vote", "hearts"),
    ),
    "timestamp": (
        *("timestamp", "time", "unixreviewtime", "unixtime", "ts", "createdat", "date", "datetime"),
        *("reviewtime", "reviewdate", "eventtime", "dateadded", "orderdate", "purchasedate"),
        *(f"{verb}{end}" for verb in _VERBS for end in ("at", "on")),
    ),
    "title": (
        *("title", "name", "movietitle", "booktitle", "itemname", "itemtitle", "productname", "producttitle"),
        *("gamename", "gametitle", "recipename", "originaltitle", "englishname", "heading", "label"),
        *(f"{word}{end}" for word in _ITEMS if word not in _MAKERS for end in ("name", "title")),
    ),
    "year": (
        *("year", "releaseyear", "yearpublished", "yearofpublication", "originalpublicationyear"),
        *("publicationyear", "releasedate", "released", "datepublished", "publisheddate", "aired"),
        *("premiered", "published", "publicationdate", "daterelease", "datereleased", "firstpublished"),
    ),
    "adult": ("adult", "isadult", "nsfw", "explicit", "mature"),
}
"""By role, the plain forms of the names that columns are recognised by, the first the surest."""

TRIPLE = {
    "head": ("head", "headid", "subject", "subjectid", "subj", "h", "source", "sourceid", "entity1"),
    "relation": (
        *("relation", "relationid", "relationtype", "relationname", "rel", "predicate", "pred", "r"),
        *("property", "edge", "edgetype", "linktype"),
    ),
    "tail": (
        *("tail", "tailid", "object", "objectid", "obj", "t", "target", "targetid", "entity2"),
        *("entity", "entityid", "value"),
    ),
}
"""By role, the plain forms of the names in a table of triples."""

RELATIONS = {
    **{
        name: name
        for name in ("type", "cast", "brand", "language", "country", "source", "platform", "series")
    },
    **{name: name for name in ("cuisine", "color", "colour", "material", "license", "licence", "status")},
    "genres": "genre",
    "categories": "category",
    "tags": "tag",
    "authors": "author",
    "directors": "director",
    "actors": "actor",
    "studios": "studio",
    "producers": "producer",
    "licensors": "licensor",
    "publishers": "publisher",
    "developers": "developer",
    "designers": "designer",
    "mechanics": "mechanic",
    "themes": "theme",
    "keywords": "keyword",
    "subjects": "subject",
    "ingredients": "ingredient",
    "languages": "language",
    "countries": "country",
    "platforms": "platform",
    "artists": "artist",
    "demographics": "demographic",
}
"""Plain names of columns whose cells are entities, however often these occur, and the relation's name."""
KNOWN_RELATIONS = frozenset(RELATIONS) | frozenset(RELATIONS.values())

TEXTS = frozenset(
    {"synopsis", "sypnopsis", "description", "overview", "summary", "plot", "review", "steps", "url", "link"}
    | {"isbn13", "imageurl", "smallimageurl", "homepage", "website", "comment", "text", "abstract"}
)
"""Plain names of columns that hold text of their own for each item."""

OUTCOMES = re.compile(
    r"(rating|score|rank|popularity|members|favou?rites|votes|reviews|watching|completed|onhold|dropped|"
    r"plantowatch|sales|clicks|views)"
)
"""In the plain name of a column of numbers: what users did, which is no property of the item."""


def plain(name: str) -> str:
    """The name in small letters, without blanks and punctuation."""
    return re.sub(r"[\W_]", "", name.casefold())


def relation_name(column: str) -> str:
    """The relation that a column makes: its name in small letters, the usual lists in the singular."""
    return known_relation(column) or re.sub(r"[\s_]+", " ", column).strip().casefold() or "unnamed"


def known_relation(column: str) -> str:
    """The relation of a column with a usual name, also after the word for an item, as in `Book-Author`; else
    "".
    """
    form = plain(column)
    bare = re.sub(f"^({'|'.join(_ITEMS)})", "", form)
    return next((RELATIONS.get(name, name) for name in (form, bare) if name in KNOWN_RELATIONS), "")


def triple_roles(names: Iterable[str], told: Mapping[str, str], item: str = "") -> dict[str, str]:
    """The columns of head, relation and tail in a table with the columns `names`, as far as they are found.

    `told` gives the role of some; `item` is the plain name of the column of items in the interactions, which
    a head may be called as well.
    """
    columns = list(names)
    found = {told[name]: name for name in reversed(columns) if told.get(name) in TRIPLE}
    free = {plain(name): name for name in reversed(columns) if name not in told}
    for role, forms in TRIPLE.items():
        if role not in found:
            more = (item,) if role == "head" and item else ()
            name = next((free[form] for form in (*forms, *more) if form in free), None)
            if name is not None and name not in found.values():
                found[role] = name
    return found


def roles_of(names: Iterable[str], told: Mapping[str, str]) -> dict[str, str]:
    """The column of each role in a table with the columns `names`; `told` gives the role of some columns."""
    columns = list(names)
    found = {told[name]: name for name in reversed(columns) if told.get(name) in NAMES | {"poster": ()}}
    free = {plain(name): name for name in reversed(columns) if name not in told}
    for role, forms in NAMES.items():
        if role not in found:
            name = next((free[form] for form in forms if form in free), None)
            if name is not None and name not in found.values():
                found[role] = name
    image = image_column([name for name in columns if name not in told])
    if "poster" not in found and image is not None:
        found["poster"] = image
    return found


def listed(names: Iterable[str], most: int = 12) -> str:
    """The first of the names for a message on one line."""
    columns = list(names)
    shown = [printable(name[:SHOWN]) + "..." * (len(name) > SHOWN) for name in columns[:most]]
    return ", ".join(shown) + ", ..." * (len(columns) > most)


def parse_columns(text: str) -> dict[str, str]:
    """`"userId=user,movieId=item"` as {column: role}; raises InputError, which names the roles."""
    found: dict[str, str] = {}
    for part in between_commas(text) or [text]:
        column, equals, role = (piece.strip() for piece in part.rpartition("="))
        if not equals or not column or role not in ROLES:
            raise InputError(
                f"--columns: expected COLUMN=ROLE, a role among {', '.join(ROLES)} (got {short(part, SHOWN)})"
            )
        found[column] = role
    return found


def lacking(file: str, roles: Iterable[str], names: Iterable[str]) -> InputError:
    """No column of the first of the roles: what there is, and the option that names all of them."""
    columns, missing = list(names), list(roles)
    if len(columns) == 1:
        return InputError(
            f"{file}: expected columns of users and of items, found one column, {listed(columns)} (fields "
            "are separated by , ; | :: or the tab)"
        )
    known = set(roles_of(columns, {}).values())
    free = [name for name in columns if name and name not in known] or columns
    told = []
    for role in missing:
        name = next((name for name in free if role in name.casefold()), free[0])
        free = [other for other in free if other != name] or columns
        told.append(f"{listed([name])}={role}")
    return InputError(
        f"{file}: no column of {missing[0]}s among {listed(columns, 8)}: name it with "
        f'--columns "{",".join(told)}"'
    )
