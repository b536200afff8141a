"""How plain tables are going to be read: which file is which table, and which column is what.

Found from names and headers, corrected by `dataset.toml`, and that by `--columns`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from dskreg.data.dataset import UNASSIGNED
from dskreg.data.own_split import parts
from dskreg.data.readers.files import SHOWN, Files, Folder, short
from dskreg.data.readers.plain import settings as told
from dskreg.data.readers.plain.choice import (
    INTERACTION,
    ITEM,
    interactions_in,
    items_in,
    missing,
    parts_of_one,
    roles_in,
    shared_item,
    told_roles,
    triples_in,
    unneeded,
)
from dskreg.data.readers.plain.columns import TRIPLE, lacking, listed, parse_columns, plain
from dskreg.data.readers.plain.parts import split_set
from dskreg.data.readers.plain.settings import FILE, Settings
from dskreg.data.readers.plain.sheets import Sheet, files_of, graph_named, names_of, sheet
from dskreg.errors import InputError

TABLES = ("interactions", "validation", "test", "items", "triples")
"""The keys of `dataset.toml` that name files."""
WANTED = (
    "a table with a column of users and one of items (.csv, .tsv, .dat, .jsonl or .parquet, also .gz or in "
    "a zip)"
)


@dataclass(frozen=True)
class Plan:
    """The tables and the column of each role in them.

    parts:  the interactions with their folds, training first; one table of fold UNASSIGNED where they are not
            split
    extra:  columns of the items table that become relations whatever they hold
    unused: columns of the items table that are left out whatever they hold
    others: tables that are not needed, and why
    failed: tables that might be needed and are not read, and why
    """

    files: Files
    settings: Settings
    parts: tuple[tuple[Sheet, int], ...]
    roles: dict[str, str]
    items: Sheet | None
    item_roles: dict[str, str]
    triples: Sheet | None = None
    triple_roles: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def interactions(self) -> Sheet:
        """The table of interactions, of several the one of training."""
        return self.parts[0][0]


def recognises(path: Folder) -> bool:
    """Whether there is a `dataset.toml`, or a table with a column of users and one of items."""
    if told.file_in(path):
        return True
    files = files_of(path)
    return any({"user", "item"} <= set(roles_in(found, {}, INTERACTION)) for found in _sheets(files)[0])


def plan(path: Folder, columns: str | None = None) -> Plan:
    """The plan for a folder, a zip or a file.

    Args:
        path: Where the tables are.
        columns: `COLUMN=ROLE,...`, which decides where given.

    Raises:
        InputError: No table of interactions is found, or a file or column that was named is missing.
    """
    given = parse_columns(columns) if columns else {}
    settings, files = told.read(path), files_of(path)
    separator = settings.separator or ""
    tables = {key: getattr(settings, key) for key in TABLES}
    for key, name in tables.items():
        if name:
            _present(files, key, name)
    names = {*given, *(getattr(settings, role) or "" for role in (*INTERACTION, *ITEM[1:], *TRIPLE))}
    sheets, failed = _sheets(files, separator, names)
    by_name = {found.name: found for found in sheets}
    for name in tables.values():
        if name and name not in by_name:
            by_name[name] = sheet(files, name, separator, names)  # another ending, or what is wrong with it
    if not by_name:
        raise next(iter(failed.values()), files.lacks(WANTED))
    _all_there(given, list(by_name.values()))
    if settings.interactions is None:
        _require_parts([*by_name, *failed], failed)
    folds, reasons = split_set(
        {name: told_roles(found, given, settings) for name, found in by_name.items()},
        {name: found.columns for name, found in by_name.items()},
        settings,
    )
    if not folds:
        alone = settings.interactions or interactions_in([*by_name.values()], given, settings, failed).name
        folds = {alone: UNASSIGNED}
    read = tuple((by_name[name], fold) for name, fold in folds.items())
    interactions = read[0][0]
    roles = told_roles(interactions, given, settings, sure=True)
    if lacked := [role for role in ("user", "item") if role not in roles]:
        raise lacking(interactions.name, lacked, interactions.columns)
    if any(roles.get("timestamp") not in part.columns for part, _ in read):
        roles.pop("timestamp", None)
    item = plain(roles["item"])
    rest = [found for found in by_name.values() if found.name not in folds]
    triples, triple_columns = triples_in(
        [found for found in rest if found.name != settings.items], given, settings, item
    )
    items = None
    if settings.items:
        items = by_name[settings.items]
    elif settings.items is None:
        items = items_in([found for found in rest if found is not triples], given, item, settings)
    whole = parts_of_one(by_name, triples.name) if triples else []
    others = {
        found.name: unneeded(set(roles_in(found, given, INTERACTION)))
        for found in rest
        if found is not items and found.name not in {*reasons, *whole}
    }
    told_item = settings.item or settings.item_id or "item" in given.values()
    if items is not None and not told_item:
        roles["item"] = shared_item(interactions, items, roles["item"])
        item = plain(roles["item"])
    return Plan(
        files=files,
        settings=settings,
        parts=read,
        roles=roles,
        items=items,
        item_roles={} if items is None else _item_roles(items, settings, given, item),
        triples=triples,
        triple_roles=triple_columns,
        extra=tuple(name for name, role in given.items() if role == "relation"),
        unused=tuple(name for name, role in given.items() if role == "none"),
        others=others,
        failed={name: str(error) for name, error in failed.items()} | reasons,
    )


def _item_roles(items: Sheet, settings: Settings, given: Mapping[str, str], item: str) -> dict[str, str]:
    """The roles in the table of items, whose ids are in the column called like that of the interactions."""
    roles = told_roles(items, given, settings, ITEM, sure=True)
    same = next((name for name in items.columns if plain(name) == item), None)
    if same and settings.item_id is None and "item" not in {given.get(name) for name in items.columns}:
        roles = {role: name for role, name in roles.items() if name != same} | {"item": same}
    if "item" not in roles:
        raise lacking(items.name, ["item"], items.columns)
    for key, names in (("relations", settings.relations or ()), ("lists", settings.lists)):
        for name in names:
            if name not in items.columns:
                raise missing(key, items, name)
    return roles


def _sheets(
    files: Files, separator: str = "", told: Collection[str] = ()
) -> tuple[list[Sheet], dict[str, InputError]]:
    """The tables that can be opened, and what is wrong with the others."""
    found, failed = [], {}
    for name in names_of(files):
        try:
            found.append(sheet(files, name, "" if graph_named(name) else separator, told))
        except InputError as error:
            failed[name] = error
    return found, failed


def _require_parts(names: list[str], failed: Mapping[str, InputError]) -> None:
    """Raise the error of a file that is called like a part of a split set."""
    for name in parts(names).values():
        if name in failed:
            raise failed[name]


def _present(files: Files, key: str, name: str) -> None:
    if name not in files:
        raise files.lacks(f"the table {short(name, SHOWN)} that {FILE} names as {key}", name)


def _all_there(given: Mapping[str, str], sheets: list[Sheet]) -> None:
    for name in given:
        if not any(name in found.columns for found in sheets):
            names = dict.fromkeys(column for found in sheets for column in found.columns)
            raise InputError(f"--columns: no column {short(name, SHOWN)}: expected one of {listed(names)}")
