"""The items table: titles, years, posters, and the relations that its other columns make."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dskreg.data.dataset import counted
from dskreg.data.readers.franchise import franchises
from dskreg.data.readers.kaggle import distinct_titles
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.plan import Plan
from dskreg.data.readers.plain.relations import ENDING, SHARED, Relation, filled, relation_of, year_of, years
from dskreg.data.readers.tables import ids, images, whole_text

ADULT = "Adult"  # the genre of items that a column flags
_YES = frozenset({"1", "true", "yes", "y", "t", "x", "1.0"})


@dataclass(frozen=True)
class Catalogue:
    """The items in order, their relations, and why other columns are left out."""

    items: pd.DataFrame
    relations: tuple[Relation, ...]
    left_out: dict[str, str]
    notes: tuple[str, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """A note on each relation and on each column that is left out."""
        return (
            *(f"relation {one.name!r} from {listed([one.column])}: {one.rule}" for one in self.relations),
            *(f"{listed([column])} is left out: {why}" for column, why in self.left_out.items()),
        )


def tokens(found: pd.Series) -> pd.Series:
    """Ids as text without outer blanks; 5.0 is 5 where all are written so."""
    found = found.str.strip()
    return found.map(whole_text) if found.str.fullmatch(r"\d+\.0").all() and len(found) else found


def catalogue_of(plan: Plan, seen: list[str]) -> Catalogue:
    """The rows of the items table in order, then the items that only interactions have, sorted.

    `seen`: the ids of the interactions.
    """
    sheet, roles = plan.items, plan.item_roles
    if sheet is None:
        items = pd.DataFrame({"item_id": ids(pd.Series(seen, dtype=str)).sort_values().to_numpy()})
        items["title"] = "item " + items["item_id"].astype(str)
        return Catalogue(items, (), {}, ("no table of items: titles are ids",))
    raw = sheet.rows(list(sheet.columns))
    token = tokens(raw[roles["item"]])
    nameless, repeated = token == "", token.duplicated()
    raw = raw[~nameless & ~repeated].reset_index(drop=True)
    token = token[~nameless & ~repeated].reset_index(drop=True)
    extra = pd.Series(sorted(set(seen) - set(token)), dtype=str)
    extra = ids(extra).sort_values().astype(str) if len(extra) else extra
    notes = [
        *sheet.notes,
        *counted(
            (int(nameless.sum()), "row", f"of {sheet.name} without an id: dropped"),
            (
                int((repeated & ~nameless).sum()),
                "row",
                f"of {sheet.name} with an id that came before: dropped",
            ),
            (len(extra), "item", f"with interactions that {sheet.name} lacks: kept, called by id"),
            (len(set(token) - set(seen)), "item", f"of {sheet.name} in no interaction: kept"),
        ),
    ]
    count = len(token) + len(extra)
    cells = {name: filled(raw[name].reindex(range(count), fill_value="")) for name in sheet.columns}
    items = pd.DataFrame({"item_id": pd.concat([token, extra], ignore_index=True)})
    items["title"] = cells[roles["title"]] if "title" in roles else ""
    items["title"] = items["title"].where(items["title"] != "", "item " + items["item_id"])
    relations, left_out, year = _relations(plan, cells, items["title"])
    if year is not None:
        items["year"] = year
    by_name = {found.name: found for found in relations}
    if genre := by_name.get("genre"):
        items["genres"] = [", ".join(label.replace(",", "") for label in row) for row in genre.labels]
    if "type" in by_name:
        items["type"] = [", ".join(row) for row in by_name["type"].labels]
    if "adult" in roles:
        flagged = cells[roles["adult"]].str.casefold().isin(_YES)
        genres = items["genres"] if "genres" in items else pd.Series("", index=items.index)
        items["genres"] = [
            ", ".join(filter(None, (text, ADULT * bool(yes))))
            for text, yes in zip(genres, flagged, strict=True)
        ]
        notes += counted(
            (int(flagged.sum()), "item", f"flagged by {listed([roles['adult']])}: of the genre {ADULT}")
        )
    if "poster" in roles:
        items["image"], told = images(_first_address(cells[roles["poster"]]))
        notes += told
    items["item_id"] = ids(items["item_id"])
    items["title"], same = distinct_titles(items)
    related = _franchises(plan, relations, items["title"])
    notes += counted((same, "item", "with the title of another one: told apart by type or id"))
    return Catalogue(items, related, left_out, tuple(notes))


def _first_address(cells: pd.Series) -> pd.Series:
    """Of lists and objects of addresses the first one."""
    several = cells.str.contains(r'[|"]')
    return cells.where(~several, cells.str.extract(r"(https?://[^\s\"'|]+)")[0].fillna(cells))


def _franchises(plan: Plan, relations: tuple[Relation, ...], titles: pd.Series) -> tuple[Relation, ...]:
    """The relations, and of items with episodes the franchise too, as the Kaggle format has it."""
    column, asked = plan.item_roles.get("title", ""), plan.settings.relations
    names = {one.name for one in relations}
    if "length" not in names or "franchise" in names or not (asked is None or column in asked):
        return relations
    labels = [[name] if name else [] for name in franchises(list(titles))]
    if not any(labels):
        return relations
    rule = "what items of the same stem share"
    at = [one.name for one in relations].index("length")
    return *relations[:at], Relation(column, "franchise", rule, labels), *relations[at:]


def _relations(
    plan: Plan, cells: dict[str, pd.Series], titles: pd.Series
) -> tuple[tuple[Relation, ...], dict[str, str], pd.Series | None]:
    roles, settings = plan.item_roles, plan.settings
    asked = settings.relations
    found: list[Relation] = []
    left_out: dict[str, str] = {}
    year = None
    if "year" in roles:
        year = year_of(cells[roles["year"]])
        dated = years(roles["year"], year)
    elif "title" in roles and settings.year != "" and titles.str.extract(ENDING)[0].notna().mean() > SHARED:
        year = pd.to_numeric(titles.str.extract(ENDING)[0]).astype("Int64")
        dated = years(roles["title"], year)
    else:
        dated = None
    if dated and (asked is None or dated.column in asked):
        found.append(dated)
    for column, text in cells.items():
        forced = column in plan.extra or (asked is not None and column in asked)
        role = next((name for name, other in roles.items() if other == column), "")
        if role and not (role == "year" and dated is None):
            continue
        if column in plan.unused or (asked is not None and not forced):
            left_out[column] = "as asked"
            continue
        made, why = relation_of(column, text, settings.lists.get(column, ""), forced)
        if made is None:
            left_out[column] = why
        else:
            found.append(made)
    return _distinct(found), left_out, year


def _distinct(found: list[Relation]) -> tuple[Relation, ...]:
    """The relations, those that share a name called by their column too."""
    names = [relation.name for relation in found]
    return tuple(
        relation
        if names.count(relation.name) == 1
        else Relation(relation.column, f"{relation.name} ({relation.column})", relation.rule, relation.labels)
        for relation in found
    )
