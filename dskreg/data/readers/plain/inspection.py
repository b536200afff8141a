"""What is recognised in plain tables: a document for `dskreg inspect`, and a draft of `dataset.toml`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dskreg.config import DataConfig
from dskreg.data.dataset import TEST, TRAIN, UNASSIGNED, VALIDATION
from dskreg.data.readers.files import Folder
from dskreg.data.readers.plain.interactions import threshold_of
from dskreg.data.readers.plain.plan import Plan, plan
from dskreg.data.readers.plain.reader import assembled, parts_of
from dskreg.data.readers.plain.settings import Settings
from dskreg.data.readers.plain.sheets import Sheet

USES = {
    UNASSIGNED: "interactions",
    TRAIN: "interactions for training",
    VALIDATION: "interactions for validation",
    TEST: "interactions for the test",
}


def inspected(
    path: Folder, config: DataConfig, columns: str | None = None
) -> tuple[dict[str, Any], Settings]:
    """(the document, the draft).

    The document: {"format", "users", "items", "interactions", "likes", "threshold", "tables":
    [{"file", "use", "separator", "roles": {role: column}, "columns"}], "relations": [{"relation", "column",
    "rule", "items"}], "left_out": {column: why}, "notes"}. Raises InputError where the data cannot be read.
    """
    found = plan(path, columns)
    pairs, catalogue = parts_of(found)
    data = assembled(found, pairs, catalogue, config)
    threshold = None
    if pairs.rating is not None:
        threshold, _ = threshold_of(found, pairs.rating, config.like_threshold)
    tables = [_table(sheet, USES[fold], found.roles) for sheet, fold in found.parts]
    if found.items is not None:
        tables.append(_table(found.items, "items", found.item_roles))
    if found.triples is not None:
        tables.append(_table(found.triples, "triples", found.triple_roles))
    tables += [{"file": name, "use": f"none ({why})"} for name, why in (found.others | found.failed).items()]
    relations = [
        {
            "relation": one.name,
            "column": one.column,
            "rule": one.rule,
            "items": int(np.count_nonzero([bool(row) for row in one.labels])),
        }
        for one in catalogue.relations
    ]
    own = {one.name for one in catalogue.relations}
    relations += [
        {
            "relation": name,
            "column": found.triples.name if found.triples else "",
            "rule": "triples",
            "items": len(np.unique(data.head[data.relation == n])),
        }
        for n, name in enumerate(data.relations)
        if name not in own
    ]
    document = {
        "format": data.format,
        "users": len(data.user_ids),
        "items": len(data.items),
        "interactions": len(data.user),
        "likes": int(data.liked.sum()),
        "threshold": threshold,
        "tables": tables,
        "relations": relations,
        "left_out": catalogue.left_out,
        "notes": [note for note in data.notes if note not in catalogue.told],
    }
    return document, _draft(found, threshold, [one.column for one in catalogue.relations])


def _table(sheet: Sheet, use: str, roles: dict[str, str]) -> dict[str, Any]:
    return {
        "file": sheet.name,
        "use": use,
        "separator": sheet.separator,
        "roles": roles,
        "columns": list(sheet.columns),
    }


def _draft(found: Plan, threshold: float | None, relations: list[str]) -> Settings:
    """The plan as settings, so that reading by them gives the same."""
    roles, items = found.roles, found.item_roles
    names = {fold: sheet.name for sheet, fold in found.parts}
    draft = replace(
        found.settings,
        interactions=found.interactions.name,
        validation=names.get(VALIDATION),
        test=names.get(TEST),
        items="" if found.items is None else found.items.name,
        threshold=threshold,
        user=roles["user"],
        item=roles["item"],
        rating=roles.get("rating", ""),
        timestamp=roles.get("timestamp", ""),
    )
    if found.triples is not None:
        head, relation, tail = (found.triple_roles[role] for role in ("head", "relation", "tail"))
        draft = replace(draft, triples=found.triples.name, head=head, relation=relation, tail=tail)
    if found.items is None:
        return draft
    return replace(
        draft,
        item_id=items["item"],
        title=items.get("title", ""),
        year=items.get("year"),
        poster=items.get("poster", ""),
        adult=items.get("adult", ""),
        relations=tuple(relations),
    )
