"""Which of several tables is which, by the columns that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dskreg.data.readers.files import SHOWN, short
from dskreg.data.readers.plain.columns import NAMES, TRIPLE, lacking, listed, plain, roles_of, triple_roles
from dskreg.data.readers.plain.settings import FILE, Settings
from dskreg.data.readers.plain.sheets import Sheet, graph_named
from dskreg.errors import InputError

INTERACTION, ITEM = ("user", "item", "rating", "timestamp"), ("item", "title", "year", "poster", "adult")
"""The roles of the columns of the two tables."""
_PART = re.compile(r"part_?\d+", re.IGNORECASE)


def roles_in(found: Sheet, given: Mapping[str, str], wanted: tuple[str, ...]) -> dict[str, str]:
    """The column of each of the wanted roles in a table."""
    roles = roles_of(found.columns, given)
    if wanted is INTERACTION and roles.get("item") and plain(roles["item"]) == "id":
        del roles["item"]  # of an interaction, the row's own
    return {role: roles[role] for role in wanted if role in roles}


def told_roles(
    found: Sheet,
    given: Mapping[str, str],
    settings: Settings,
    wanted: tuple[str, ...] = INTERACTION,
    sure: bool = False,
) -> dict[str, str]:
    """The column of each role, by name, else as `dataset.toml` says, else as `--columns` says.

    `sure`: the table is the one that is meant, so InputError for a column of `dataset.toml` that it lacks.
    """
    roles = roles_in(found, given, wanted)
    by_option = {role for name, role in given.items() if name in found.columns}
    for role in wanted:
        key = "item_id" if wanted is ITEM and role == "item" else role
        name = getattr(settings, key)
        if name is None or role in by_option:
            continue
        if name and name not in found.columns:
            if sure:
                raise missing(key, found, name)
            continue
        roles = {other: column for other, column in roles.items() if other != role and column != name}
        if name:
            roles[role] = name
    return roles


def missing(key: str, found: Sheet, name: str) -> InputError:
    """A column that `dataset.toml` names under a key is not in the table."""
    return InputError(
        f"{FILE}: {key}: no column {short(name, SHOWN)} in {found.name}: expected one of "
        f"{listed(found.columns)}"
    )


def interactions_in(
    sheets: list[Sheet], given: Mapping[str, str], settings: Settings, failed: Mapping[str, InputError]
) -> Sheet:
    """Of the tables with users and items the one with ratings, named so.

    Raises InputError where there is none, and where one that cannot be read (`failed`) seems to be meant.
    """

    def needed(found: Sheet) -> set[str]:
        return set(told_roles(found, given, settings))

    fit = [found for found in sheets if {"user", "item"} <= needed(found)]
    if fit:
        best = min(
            fit, key=lambda found: ("rating" not in needed(found), not _called(found.name), found.name)
        )
        for name, error in failed.items():
            if _called(name) and not _called(best.name):
                raise error
        return best
    for error in failed.values():  # may be the one
        raise error
    near = [found for found in sheets if needed(found) & {"user", "rating", "timestamp"}] or sheets
    best = min(near, key=lambda found: (-len(needed(found)), not _called(found.name), found.name))
    if len(best.columns) > 1 and "user" not in needed(best):
        graph = len(triple_roles(best.columns, given)) == len(TRIPLE)
        items = needed(best) == {"item"} or "title" in roles_in(best, given, ITEM)
        if graph or (items and "item" in needed(best)):
            what, example = "triples" if graph else "items", listed([best.columns[-1]])
            raise InputError(
                f"{best.name} seems to be a table of {what} ({listed(best.columns, 8)}): expected one with "
                f"users and items beside it, such as ratings.csv, or "
                f'--columns "{example}=user" if users are there'
            )
    raise lacking(best.name, [role for role in ("user", "item") if role not in needed(best)], best.columns)


def parts_of_one(names: Iterable[str], name: str) -> list[str]:
    """The names of the files that hold a table in parts, such as kg_part1.txt and kg_part2.txt."""
    form = _PART.sub("part", name)
    return sorted(other for other in {*names, name} if _PART.sub("part", other) == form)


def unneeded(roles: set[str]) -> str:
    """Why a table with columns of these roles is not read."""
    if {"user", "item"} <= roles:
        return "users and items too, but another table is read"
    return "a table of users" if "user" in roles else "not needed"


def _called(name: str) -> bool:
    """Whether a file is called like a table of interactions."""
    words = r"rating|score|interaction|review|event|watch|purchase|order"
    return re.search(words, name.casefold()) is not None


def items_in(sheets: list[Sheet], given: Mapping[str, str], item: str, settings: Settings) -> Sheet | None:
    """Of the tables of items without users the one with titles and most columns."""

    def order(found: Sheet) -> tuple[bool, bool, bool, int, str]:
        roles = roles_in(found, given, ITEM)
        own = any(plain(name) == item for name in found.columns)
        return "title" not in roles, not own, "poster" not in roles, -len(found.columns), found.name

    fit = []
    for found in sheets:
        roles = roles_in(found, given, ITEM)
        users = "user" in roles_in(found, given, INTERACTION)
        if not users and ("item" in roles or settings.item_id in found.columns):
            fit.append(found)
    return min(fit, key=order, default=None)


def shared_item(interactions: Sheet, items: Sheet, column: str) -> str:
    """The column of items in the interactions that the table of items has too: `column` where it has that,
    else another one, such as `parent_asin` beside `asin`.
    """
    of_items = {plain(name) for name in items.columns}
    if plain(column) in of_items:
        return column
    forms = {plain(name): name for name in reversed(interactions.columns)}
    both = [form for form in NAMES["item"] if form in forms and form in of_items and form != "id"]
    return forms[both[0]] if both else column


def triples_in(
    sheets: list[Sheet], given: Mapping[str, str], settings: Settings, item: str
) -> tuple[Sheet | None, dict[str, str]]:
    """(the table of triples, its columns of head, relation and tail), or (None, {}).

    Recognised by its columns, else by its name and by having three. `item`: the plain name of the column of
    items. Raises InputError where a table or column that was named does not fit.
    """
    if settings.triples == "":
        return None, {}
    found: list[tuple[Sheet, dict[str, str]]] = []
    for sheet in sheets:
        roles = _triple_roles(sheet, given, settings, item)
        asked = sheet.name == settings.triples
        if len(roles) < 3 and len(sheet.columns) == 3 and (asked or graph_named(sheet.name)):
            roles = dict(zip(TRIPLE, sheet.columns, strict=True))
        if asked and len(roles) < 3:
            raise InputError(
                f"{FILE}: triples: no columns of head, relation and tail in {sheet.name} among "
                f"{listed(sheet.columns)}"
            )
        if len(roles) == 3 and (asked or "user" not in roles_in(sheet, given, INTERACTION)):
            found.append((sheet, roles))
    named = [one for one in found if one[0].name == settings.triples]
    return next(iter(named or found), (None, {}))


def _triple_roles(sheet: Sheet, given: Mapping[str, str], settings: Settings, item: str) -> dict[str, str]:
    told = {getattr(settings, role): role for role in TRIPLE if getattr(settings, role) in sheet.columns}
    return triple_roles(sheet.columns, {**told, **given}, item)
