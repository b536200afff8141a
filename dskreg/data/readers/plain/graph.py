"""The table of triples beside plain tables, as edges between items and entities."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from dskreg.data.dataset import counted
from dskreg.data.readers.files import SHOWN, short
from dskreg.data.readers.plain.choice import parts_of_one
from dskreg.data.readers.plain.columns import listed, plain
from dskreg.data.readers.plain.plan import Plan
from dskreg.data.readers.plain.sheets import sheet as sheet_of
from dskreg.data.readers.tables import whole_text
from dskreg.data.readers.triples import Triples, fold_triples
from dskreg.text import many

_QUANTITY = re.compile(
    r"year|date|decade|count|number|length|runtime|duration|pages|episodes|age$|price|size"
)
"""In the plain name of a relation: its tails are numbers, also where they could be ids of items."""
_LINK = re.compile(r"item_?(index|id)?_?(2|to)_?entity\w*[.](txt|tsv|csv)", re.IGNORECASE)
"""The file of the folders of RippleNet, KGCN and MKR that gives each item's entity in the triples."""
_LITERAL = "\x1f"  # between a relation and its tail that only looks like an item's id


def graph_of(plan: Plan, items: pd.DataFrame) -> tuple[Triples | None, list[str]]:
    """(the triples with an item at one end, None without any; notes).

    A head or tail that is an item's id is that item. A tail that is a number is an item only where all tails
    of its relation are, and the relation is not called like a quantity; a table of nothing but numbers is
    taken at its word. Where a file links items to entities, as `item_index2entity_id.txt` of RippleNet, KGCN
    and MKR, the ids in the triples are those of entities.

    Args:
        plan: Its table of triples is read.
        items: `[I]` with `item_id` and `title`.
    """
    sheet, roles = plan.triples, plan.triple_roles
    if sheet is None:
        link = _link(plan)
        unused = f"{link} is not used: there is no table of triples beside it, such as kg.txt"
        return None, [unused] if link else []
    columns = [roles[role] for role in ("head", "relation", "tail")]
    files = parts_of_one(plan.files.places, sheet.name)
    parts = [sheet_of(plan.files, name, sheet.separator) for name in files] if len(files) > 1 else [sheet]
    raw = pd.concat([part.rows(columns) for part in parts], ignore_index=True)
    raw = raw.set_axis(["head", "relation", "tail"], axis=1)
    for name in raw:
        raw[name] = raw[name].str.strip().str.removeprefix("<").str.removesuffix(">")
    for name in ("head", "tail"):
        raw[name] = raw[name].where(~raw[name].str.endswith(".0"), raw[name].map(whole_text))
    filled = (raw != "").all(axis=1)
    triples = raw[filled].reset_index(drop=True)
    item_of = pd.Series(np.arange(len(items)), index=items["item_id"].astype(str))
    linked, told = _linked(plan, item_of)
    item_of = item_of if linked is None else linked
    numbers = linked is not None or bool(triples["relation"].str.fullmatch(r"\d+").all())
    if not numbers:
        triples["tail"] = _literals_marked(triples, item_of.index)
    ends = [end for column in ("head", "tail") for end in triples[column].unique()]
    labels = {end: end.rpartition(_LITERAL)[2] for end in ends}
    if numbers:
        labels = {id_: label for id_, label in labels.items() if not label.isdecimal()}
    names = {name: name for name in triples["relation"].unique() if not name.isdecimal()}
    graph = fold_triples(triples, item_of, list(items["title"]), names, labels, sheet.name)
    notes = [
        *sheet.notes,
        *told,
        *counted((int((~filled).sum()), "row", f"of {sheet.name} without head, relation or tail: dropped")),
        *(f"{sheet.name}: {note}" for note in graph.notes),
    ]
    if not len(graph.head):
        found = f"for example {short(triples['head'][0], SHOWN)}" if len(triples) else "none at all"
        known = short(str(item_of.index[0]), SHOWN) if len(item_of) else "none"
        notes.append(f"{sheet.name} has no head or tail that is an item's id ({found}, items as {known})")
        return None, notes
    carriers, relations = len(np.unique(graph.head)), listed(graph.relations)
    sums = (
        f"{sheet.name}: {many(len(graph.head), 'triple')} of {many(carriers, 'item')}, relations {relations}"
    )
    count = int((graph.entity_item[graph.tail] >= 0).sum())
    return graph, [*notes, sums, *counted((count, "triple", f"of {sheet.name} between items"))]


def _link(plan: Plan) -> str:
    """The name of the file of links, or ""."""
    return min((name for name in plan.files.places if _LINK.fullmatch(name)), key=len, default="")


def _linked(plan: Plan, item_of: pd.Series) -> tuple[pd.Series | None, list[str]]:
    """(the item's position by entity, notes) as a file of links says; (None, []) without one."""
    name = _link(plan)
    if not name:
        return None, []
    source = plan.files.open(name)
    pairs = [line.replace(",", " ").split() for line in source.data.decode().split("\n")]
    for number, pair in enumerate(pairs, 1):
        if pair and len(pair) != 2:
            source.fail(number, "", "an item and its entity", " ".join(pair))
    entity_of = pd.DataFrame(filter(None, pairs), columns=["item", "entity"]).drop_duplicates("entity")
    entity_of = entity_of[entity_of["item"].isin(item_of.index)]
    linked = pd.Series(item_of[entity_of["item"]].to_numpy(), index=entity_of["entity"].to_numpy())
    return linked, [f"{name}: {len(linked):,} of {len(item_of):,} items have an entity in the triples"]


def _literals_marked(triples: pd.DataFrame, items: pd.Index) -> pd.Series:
    """The tails, with the relation before those that look like items and are numbers."""
    tail, relation = triples["tail"], triples["relation"]
    is_item = tail.isin(items)
    throughout = is_item.groupby(relation).transform("all").astype(bool)
    quantity = relation.map({name: _QUANTITY.search(plain(name)) is not None for name in relation.unique()})
    literal = is_item & tail.str.fullmatch(r"\d+") & (~throughout | quantity.astype(bool))
    return tail.where(~literal, relation + _LITERAL + tail)


def joined(first: Triples, second: Triples) -> Triples:
    """Both graphs. Relations of one name are one, in which the entities of one label are one."""
    relations = list(first.relations)
    place = {name: n for n, name in enumerate(relations)}
    for name in second.relations:
        if name not in place:
            place[name] = len(relations)
            relations.append(name)
    relation = np.array([place[name] for name in second.relations], np.int16)[second.relation]
    known = {
        (int(r), str(first.entities[t])): int(t)
        for r, t in zip(first.relation, first.tail, strict=True)
        if r in set(relation[relation < len(first.relations)].tolist())
    }
    tail = second.tail.astype(np.int64) + len(first.entities)
    if known:
        for n in np.flatnonzero(relation < len(first.relations)):
            label = str(second.entities[second.tail[n]])
            tail[n] = known.get((int(relation[n]), label), tail[n])
    frame = pd.DataFrame(
        {
            "relation": np.concatenate([first.relation, relation]),
            "head": np.concatenate([first.head, second.head]),
            "tail": np.concatenate([first.tail.astype(np.int64), tail]),
        }
    ).drop_duplicates()
    used, position = np.unique(frame["tail"].to_numpy(), return_inverse=True)
    return Triples(
        tuple(relations),
        frame["head"].to_numpy().astype(np.int32),
        frame["relation"].to_numpy().astype(np.int16),
        position.astype(np.int32),
        np.concatenate([first.entities, second.entities])[used],
        np.concatenate([first.entity_item, second.entity_item])[used].astype(np.int32),
    )
