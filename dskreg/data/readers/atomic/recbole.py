"""RecBole's atomic files: `*.inter` (who did what), `*.link` and `*.kg` (the knowledge graph), `*.item`
(items; optional). A set that is split into `*.train.inter`, `*.valid.inter` and `*.test.inter` keeps its
folds.

Plain, gzipped or inside a zip; tab-separated; the header gives `name:type` with the types token, token_seq,
float and float_seq.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.data.dataset import Dataset, counted
from dskreg.data.readers.atomic.fields import columns, fields, one
from dskreg.data.readers.atomic.interactions import interactions, liked_of
from dskreg.data.readers.files import SHOWN, Files, Folder, Source, files_at, short
from dskreg.data.readers.kaggle import distinct_titles
from dskreg.data.readers.tables import ids, image_column, images
from dskreg.data.readers.triples import Triples, fold_triples, triples_of_labels
from dskreg.data.times import seconds
from dskreg.errors import InputError
from dskreg.text import last_part

_TITLES = ("title", "name", "movie_title")


def recognises(path: Folder) -> bool:
    """Whether the folder, or the zip, at `path` looks like this format."""
    return bool(files_at(path).named("*.inter"))


def read(folder: Folder, like_threshold: float | None) -> Dataset:
    """Read the folder, or the zip, at `folder`.

    Args:
        folder: Where the files are; exactly one `*.inter`, or one set in its parts, and a `*.kg` only
            together with a `*.link`.
        like_threshold: A rating of at least this is a like; None: by the scale. Without a rating column,
            the column `label` decides (1 is a like); without either every pair is one.

    Raises:
        InputError: What is missing or malformed, or a threshold above every rating; one line.
    """
    files = files_at(folder)
    found = interactions(files)
    pairs = found.pairs
    liked, told = liked_of(found.source, pairs, like_threshold)
    items, listed = _items(files, pairs["item_id"])
    position = pd.Series(np.arange(len(items)), index=items["item_id"])
    user_tokens = pd.Index(pairs["user_id"].unique())
    user_ids = np.sort(ids(pd.Series(user_tokens)).to_numpy())
    user = pd.Index(pd.Series(user_ids).astype(str)).get_indexer(pairs["user_id"])
    graph = _graph(files, items, position)
    items["item_id"] = ids(items["item_id"])
    items["title"], same = distinct_titles(items)
    return Dataset(
        name=found.name,
        format="recbole",
        items=items,
        user_ids=user_ids,
        user=user.astype(np.int32),
        item=pairs["item_id"].map(position).to_numpy().astype(np.int32),
        liked=liked,
        fold=pairs["fold"].to_numpy().astype(np.int8),
        **graph.fields(),
        time=seconds(pairs["timestamp"].to_numpy(np.float64)) if "timestamp" in pairs else None,
        notes=(
            *found.notes,
            *told,
            *listed,
            *counted((same, "item", "with the title of another one: told apart by id")),
            *graph.notes,
        ),
    )


def _items(files: Files, rated: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """The items of the `.item` file in its order, then those that only interactions have, sorted; and
    notes.
    """
    known, name = pd.DataFrame({"item_id": pd.Series([], dtype=str)}), "the file *.item"
    notes: list[str] = []
    try:
        source = one(files, "item")
        if source is not None:
            known, notes = _titles(source)
            name = source.name
    except InputError as error:  # the items are a help, no more
        source, notes = None, [f"{name} is not used, items are called by id: {error}"]
    extra = pd.Series(sorted(set(rated) - set(known["item_id"])), dtype=str)
    if source is not None:
        notes += counted(
            (len(extra), "item", f"with interactions that {name} lacks: kept, called by id"),
            (len(set(known["item_id"]) - set(rated)), "item", "in no interaction: kept"),
        )
    items = pd.concat(
        [known, pd.DataFrame({"item_id": ids(extra).sort_values().astype(str)})], ignore_index=True
    )
    for name in {"title", *items.columns} - {"item_id"}:
        items[name] = items[name].fillna("") if name in items else ""
    items["title"] = items["title"].map(last_part)
    items["title"] = items["title"].where(items["title"] != "", "item " + items["item_id"].map(last_part))
    return items, notes


def _titles(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """Id, title, genres and image of the file's rows, as far as they can be read, and notes."""
    types, skipped = fields(source), list[str]()
    image = image_column([name for name, kind in types.items() if kind.startswith("token")])
    sequences = [name for name, kind in types.items() if kind == "token_seq" and name != image]
    title = next((name for name in (*_TITLES, *sequences[:1]) if types.get(name, "float") != "float"), None)
    genre = next(
        (
            name
            for name, kind in types.items()
            if kind.startswith("token") and ("genre" in name or "class" in name)
        ),
        None,
    )
    raw = columns(source, ("item_id",), tuple(name for name in (title, genre, image) if name), skipped)
    known = raw[["item_id"]].assign(
        title=raw[title].str.strip() if title else "",
        **({"genres": raw[genre].map(_listed)} if genre else {}),
    )
    told: list[str] = []
    if image:
        known["image"], told = images(raw[image])
    nameless, repeated = known["item_id"] == "", known["item_id"].duplicated()
    return known[~nameless & ~repeated], told + counted(
        (
            len(skipped),
            "row",
            f"of {source.name} without exactly {len(types)} fields: not read"
            + (f", such as {short(skipped[0], SHOWN)}" if skipped else ""),
        ),
        (int(nameless.sum()), "row", f"of {source.name} without an item_id: not read"),
        (
            int((repeated & ~nameless).sum()),
            "row",
            f"of {source.name} with an item_id that came before: dropped",
        ),
    )


def _listed(text: str) -> str:
    """A token_seq (separated by blanks, or by commas or bars in some sets) joined by ", "."""
    separator = next((mark for mark in ("|", ",") if mark in text), None)
    return ", ".join(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def _graph(files: Files, items: pd.DataFrame, position: pd.Series) -> Triples:
    """The triples of `.kg` through `.link`; without them the genres."""
    kg, link = one(files, "kg"), one(files, "link")
    if kg is None:
        return triples_of_labels(
            {"genre": [text.split(", ") for text in items["genres"]]} if "genres" in items else {}
        )
    if link is None:
        raise files.lacks(f"a file *.link beside {kg.name} (item_id, entity_id)", ".link")
    links = columns(link, ("item_id", "entity_id"))
    unknown, shared = ~links["item_id"].isin(position.index), links["entity_id"].duplicated()
    kept = links[~unknown & ~shared]
    item_of = pd.Series(kept["item_id"].map(position).to_numpy(), index=kept["entity_id"])
    triples = columns(kg, ("head_id", "relation_id", "tail_id")).set_axis(
        ["head", "relation", "tail"], axis=1
    )
    names = {name: name for name in triples["relation"].unique() if not name.isdecimal()}
    labels = {
        name: name for end in ("head", "tail") for name in triples[end].unique() if not name.isdecimal()
    }
    graph = fold_triples(triples, item_of, list(items["title"]), names, labels, kg.name)
    notes = counted(
        (int(unknown.sum()), "row", f"of {link.name} with an item that is in no other file: not used"),
        (
            int((shared & ~unknown).sum()),
            "row",
            f"of {link.name} with an entity_id that came before: dropped",
        ),
    )
    return Triples(
        graph.relations,
        graph.head,
        graph.relation,
        graph.tail,
        graph.entities,
        graph.entity_item,
        (*notes, *graph.notes),
    )
