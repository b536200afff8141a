"""RecBole's atomic files: `*.inter` (who did what), `*.link` and `*.kg` (the knowledge graph), `*.item`
(items; optional).

Plain, gzipped or inside a zip; tab-separated; the header gives `name:type` with the types token, token_seq,
float and float_seq.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset, counted
from dskreg.data.readers.files import SHOWN, Files, Source, files_at, short
from dskreg.data.readers.kaggle import distinct_titles
from dskreg.data.readers.ratings import likes
from dskreg.data.readers.tables import (
    Kind,
    header,
    ids,
    image_column,
    images,
    require,
    table,
    unread,
    whole_text,
)
from dskreg.data.readers.triples import Triples, fold_triples, triples_of_labels
from dskreg.errors import InputError
from dskreg.text import last_part

_TITLES = ("title", "name", "movie_title")
_INTERACTION = ("rating", "label", "timestamp")


def recognises(path: Path) -> bool:
    """Whether the folder, or the zip, at `path` looks like this format."""
    return bool(files_at(path).named("*.inter"))


def read(folder: Path | str, like_threshold: float) -> Dataset:
    """Read the folder, or the zip, at `folder`.

    Args:
        folder: Where the files are; exactly one `*.inter`, and a `*.kg` only together with a `*.link`.
        like_threshold: A rating of at least this is a like. Without a rating column, the column `label`
            decides (1 is a like); without either every pair is one.

    Raises:
        InputError: What is missing or malformed, or a threshold above every rating; one line.
    """
    files = files_at(Path(folder))
    interactions = _one(files, "inter")
    if interactions is None:
        raise files.lacks("one file *.inter", ".inter")
    pairs, notes = _pairs(interactions)
    liked, told = _liked(interactions, pairs, like_threshold)
    items, listed = _items(files, pairs["item_id"])
    position = pd.Series(np.arange(len(items)), index=items["item_id"])
    user_tokens = pd.Index(pairs["user_id"].unique())
    user_ids = np.sort(ids(pd.Series(user_tokens)).to_numpy())
    user = pd.Index(pd.Series(user_ids).astype(str)).get_indexer(pairs["user_id"])
    graph = _graph(files, items, position)
    items["item_id"] = ids(items["item_id"])
    items["title"], same = distinct_titles(items)
    return Dataset(
        name=files.named("*.inter")[0].removesuffix(".inter"),
        format="recbole",
        items=items,
        user_ids=user_ids,
        user=user.astype(np.int32),
        item=pairs["item_id"].map(position).to_numpy().astype(np.int32),
        liked=liked,
        fold=np.full(len(pairs), UNASSIGNED, np.int8),
        **graph.fields(),
        notes=(
            *notes,
            *told,
            *listed,
            *counted((same, "titles that share their name: told apart by id")),
            *graph.notes,
        ),
    )


def _one(files: Files, suffix: str) -> Source | None:
    found = files.named(f"*.{suffix}")
    if len(found) > 1:
        names = ", ".join(short(name, SHOWN) for name in found[:3]) + (", ..." if len(found) > 3 else "")
        raise InputError(
            f"{files.path}: expected one file *.{suffix}, found {len(found)} ({names}); put the rows of "
            "all into one file"
        )
    return files.open(found[0]) if found else None


def _fields(source: Source) -> dict[str, str]:
    """Type by column name."""
    types = {}
    for field in header(source, "\t"):
        name, _, kind = field.rpartition(":")
        if not name or kind not in ("token", "token_seq", "float", "float_seq"):
            source.fail(
                1, "", "fields name:type (token, token_seq, float or float_seq), separated by tabs", field
            )
        types[name] = kind
    return types


def _columns(
    source: Source, wanted: tuple[str, ...], optional: tuple[str, ...] = (), skipped: list[str] | None = None
) -> pd.DataFrame:
    """The columns by their plain names; tokens and sequences as text, floats as numbers, an id 5.0 as 5.

    `skipped`: see `table`.
    """
    types = _fields(source)
    for name in wanted:
        if name not in types:
            source.fail(1, "", f"the column {name}", ", ".join(types))
        if types[name] != "token":
            source.fail(1, "", f"{name}:token", f"{name}:{types[name]}")
    taken = {name: types[name] for name in (*wanted, *optional) if name in types}
    kinds: dict[str, Kind] = {
        f"{name}:{kind}": "number" if kind == "float" or name == "label" else "text"
        for name, kind in taken.items()
    }
    rows = table(source, kinds, "\t", skipped).set_axis(list(taken), axis=1)
    for name in wanted:
        if rows[name].str.endswith(".0").any():
            rows[name] = rows[name].map(whole_text)
    return rows


def _pairs(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """One row per user and item: the latest (by timestamp where there is one, else the last in the file)."""
    rows = _columns(source, ("user_id", "item_id"), _INTERACTION)
    types = _fields(source)
    for name in ("user_id", "item_id"):
        require(source, rows[name] != "", f"{name}:token", "an id", "\t")
    for name in ("rating", "timestamp"):
        if name in rows and types[name] != "float":
            source.fail(1, "", f"{name}:float", f"{name}:{types[name]}")
    if "rating" in rows:
        require(source, np.isfinite(rows["rating"]), "rating:float", "a number", "\t")
    elif "label" in rows:
        require(source, rows["label"].isin((0, 1)), f"label:{types['label']}", "0 or 1", "\t")
    ordered = rows.sort_values("timestamp", kind="stable") if "timestamp" in rows else rows
    pairs = ordered.drop_duplicates(["user_id", "item_id"], keep="last").sort_index()
    known = [f"{name}:{types[name]}" for name in rows if not (name == "label" and "rating" in rows)]
    return pairs, [
        *counted(
            (
                len(rows) - len(pairs),
                f"rows of {source.name} with a user and item that come again: dropped, the latest is kept",
            )
        ),
        *unread(source, known, "\t"),
    ]


def _liked(source: Source, pairs: pd.DataFrame, threshold: float) -> tuple[np.ndarray, list[str]]:
    if "rating" in pairs:
        return likes(source, "rating", pairs["rating"].to_numpy(), threshold)
    if "label" in pairs:
        liked = pairs["label"].to_numpy() > 0
        return liked, counted(
            (int((~liked).sum()), f"rows of {source.name} with the label 0: seen, not liked")
        )
    return np.ones(len(pairs), bool), [
        f"{source.name} has neither a column rating nor label: every row is a like"
    ]


def _items(files: Files, rated: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """The items of the `.item` file in its order, then those that only interactions have, sorted; and
    notes.
    """
    known, name = pd.DataFrame({"item_id": pd.Series([], dtype=str)}), "the file *.item"
    notes: list[str] = []
    try:
        source = _one(files, "item")
        if source is not None:
            known, notes = _titles(source)
            name = source.name
    except InputError as error:  # the items are a help, no more
        source, notes = None, [f"{name} is not used, titles are called by their id: {error}"]
    extra = pd.Series(sorted(set(rated) - set(known["item_id"])), dtype=str)
    if source is not None:
        notes += counted(
            (len(extra), f"items with interactions that {name} lacks: kept, called by their id"),
            (len(set(known["item_id"]) - set(rated)), "items in no interaction: kept"),
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
    types, skipped = _fields(source), list[str]()
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
    raw = _columns(source, ("item_id",), tuple(name for name in (title, genre, image) if name), skipped)
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
            f"rows of {source.name} without exactly {len(types)} fields: not read"
            + (f", such as {short(skipped[0], SHOWN)}" if skipped else ""),
        ),
        (int(nameless.sum()), f"rows of {source.name} without an item_id: not read"),
        (
            int((repeated & ~nameless).sum()),
            f"rows of {source.name} with an item_id that came before: dropped",
        ),
    )


def _listed(text: str) -> str:
    """A token_seq (separated by blanks, or by commas or bars in some sets) joined by ", "."""
    separator = next((mark for mark in ("|", ",") if mark in text), None)
    return ", ".join(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def _graph(files: Files, items: pd.DataFrame, position: pd.Series) -> Triples:
    """The triples of `.kg` through `.link`; without them the genres."""
    kg, link = _one(files, "kg"), _one(files, "link")
    if kg is None:
        return triples_of_labels(
            {"genre": [text.split(", ") for text in items["genres"]]} if "genres" in items else {}
        )
    if link is None:
        raise files.lacks(f"a file *.link beside {kg.name} (item_id, entity_id)", ".link")
    links = _columns(link, ("item_id", "entity_id"))
    unknown, shared = ~links["item_id"].isin(position.index), links["entity_id"].duplicated()
    kept = links[~unknown & ~shared]
    item_of = pd.Series(kept["item_id"].map(position).to_numpy(), index=kept["entity_id"])
    triples = _columns(kg, ("head_id", "relation_id", "tail_id")).set_axis(
        ["head", "relation", "tail"], axis=1
    )
    names = {name: name for name in triples["relation"].unique() if not name.isdecimal()}
    labels = {
        name: name for end in ("head", "tail") for name in triples[end].unique() if not name.isdecimal()
    }
    graph = fold_triples(triples, item_of, list(items["title"]), names, labels, kg.name)
    notes = counted(
        (int(unknown.sum()), f"rows of {link.name} with an item that is in no other file: not used"),
        (int((shared & ~unknown).sum()), f"rows of {link.name} with an entity_id that came before: dropped"),
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
