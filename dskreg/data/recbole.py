"""RecBole's atomic files: `*.inter` (who did what), `*.link` and `*.kg` (the knowledge graph), `*.item` (titles; optional).

Tab-separated; the header gives `name:type` with the types token, token_seq, float and float_seq.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset
from dskreg.data.kaggle import counted, distinct_titles
from dskreg.data.reading import Kind, header, require, table
from dskreg.data.relations import Triples, fold_triples, triples_of_labels
from dskreg.data.sources import Source, open_source
from dskreg.errors import InputError

_TITLES = ("title", "name", "movie_title")
_FIVE_STARS = 5  # the largest rating of most RecBole sets, while the threshold's default suits ten


def recognises(path: Path) -> bool:
    """Whether the folder `path` looks like this format."""
    return any(path.glob("*.inter"))


def read(folder: Path | str, like_threshold: float) -> Dataset:
    """Read the folder.

    Args:
        folder: Where the files are; exactly one `*.inter`, and a `*.kg` only together with a `*.link`.
        like_threshold: A rating of at least this is a like; without a rating column every pair is one.

    Raises:
        InputError: What is missing or malformed, or a threshold above every rating; one line.
    """
    folder = Path(folder)
    interactions = _one(folder, "inter")
    if interactions is None:
        raise InputError(f"{folder}: expected one file *.inter, found none")
    pairs, notes = _pairs(interactions)
    liked = _liked(interactions, pairs, like_threshold)
    items, listed = _items(_one(folder, "item"), pairs["item_id"])
    position = pd.Series(np.arange(len(items)), index=items["item_id"])
    user_tokens = pd.Index(pairs["user_id"].unique())
    user_ids = np.sort(_ids(pd.Series(user_tokens)).to_numpy())
    user = pd.Index(pd.Series(user_ids).astype(str)).get_indexer(pairs["user_id"])
    graph = _graph(folder, items, position)
    items["item_id"] = _ids(items["item_id"])
    items["title"], same = distinct_titles(items)
    return Dataset(
        name=interactions.name.removesuffix(".inter"),
        format="recbole",
        items=items,
        user_ids=user_ids,
        user=user.astype(np.int32),
        item=pairs["item_id"].map(position).to_numpy().astype(np.int32),
        liked=liked,
        fold=np.full(len(pairs), UNASSIGNED, np.int8),
        **graph.fields(),
        notes=(*notes, *listed, *counted((same, "titles that share their name: told apart by id")), *graph.notes),
    )


def _one(folder: Path, suffix: str) -> Source | None:
    files = sorted(folder.glob(f"*.{suffix}"))
    if len(files) > 1:
        raise InputError(f"{folder}: expected one file *.{suffix}, found {len(files)} ({files[0].name}, {files[1].name}, ...)")
    return open_source(files[0]) if files else None


def _fields(source: Source) -> dict[str, str]:
    """Type by column name."""
    types = {}
    for field in header(source, "\t"):
        name, _, kind = field.rpartition(":")
        if not name or kind not in ("token", "token_seq", "float", "float_seq"):
            source.fail(1, "", "fields name:type (token, token_seq, float or float_seq), separated by tabs", field)
        types[name] = kind
    return types


def _columns(source: Source, wanted: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
    """The columns by their plain names; tokens and sequences as text, floats as numbers."""
    types = _fields(source)
    for name in wanted:
        if name not in types:
            source.fail(1, "", f"the column {name}", ", ".join(types))
        if types[name] != "token":
            source.fail(1, "", f"{name}:token", f"{name}:{types[name]}")
    taken = {name: types[name] for name in (*wanted, *optional) if name in types}
    kinds: dict[str, Kind] = {f"{name}:{kind}": "number" if kind == "float" else "text" for name, kind in taken.items()}
    return table(source, kinds, "\t").set_axis(list(taken), axis=1)


def _ids(tokens: pd.Series) -> pd.Series:
    """The tokens as int64 where every one is a whole number written the plain way, else as they are."""
    plain = tokens.astype(str).str.fullmatch(r"0|-?[1-9][0-9]{0,17}").all()
    return tokens.astype("int64") if plain else tokens.astype(object)


def _pairs(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """One row per user and item: the latest (by timestamp where there is one, else the last in the file)."""
    rows = _columns(source, ("user_id", "item_id"), ("rating", "timestamp"))
    types = _fields(source)
    for name in ("user_id", "item_id"):
        require(source, rows[name] != "", f"{name}:token", "an id", "\t")
    for name in ("rating", "timestamp"):
        if name in rows and types[name] != "float":
            source.fail(1, "", f"{name}:float", f"{name}:{types[name]}")
    if "rating" in rows:
        require(source, np.isfinite(rows["rating"]), "rating:float", "a number", "\t")
    ordered = rows.sort_values("timestamp", kind="stable") if "timestamp" in rows else rows
    pairs = ordered.drop_duplicates(["user_id", "item_id"], keep="last").sort_index()
    return pairs, counted((len(rows) - len(pairs), f"rows of {source.name} with a user and item that come again: dropped, the latest is kept"))


def _liked(source: Source, pairs: pd.DataFrame, threshold: float) -> np.ndarray:
    if "rating" not in pairs:
        return np.ones(len(pairs), bool)
    largest = pairs["rating"].max() if len(pairs) else threshold
    if largest <= _FIVE_STARS < threshold:
        source.fail(0, "rating", f"ratings that reach data.like_threshold = {threshold:g}, but the largest is {largest:g}; try --set data.like_threshold=4")
    return (pairs["rating"] >= threshold).to_numpy()


def _items(source: Source | None, rated: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """The items of the `.item` file in its order, then those that only interactions have, sorted; and notes."""
    known, notes = pd.DataFrame({"item_id": pd.Series([], dtype=str)}), []
    if source is not None:
        types = _fields(source)
        sequences = [name for name, kind in types.items() if kind == "token_seq"]
        title = next((name for name in (*_TITLES, *sequences[:1]) if types.get(name, "float") != "float"), None)
        genre = next((name for name, kind in types.items() if kind.startswith("token") and ("genre" in name or "class" in name)), None)
        raw = _columns(source, ("item_id",), tuple(name for name in (title, genre) if name))
        require(source, raw["item_id"] != "", "item_id:token", "an id", "\t")
        known = raw[["item_id"]].assign(title=raw[title].str.strip() if title else "", **({"genres": raw[genre].map(_listed)} if genre else {}))
        repeated = known["item_id"].duplicated()
        known = known[~repeated]
        notes = counted((int(repeated.sum()), f"rows of {source.name} with an item_id that came before: dropped"))
    extra = pd.Series(sorted(set(rated) - set(known["item_id"])), dtype=str)
    if source is not None:
        notes += counted(
            (len(extra), f"items with interactions that {source.name} lacks: kept, called by their id"),
            (len(set(known["item_id"]) - set(rated)), "items in no interaction: kept"),
        )
    items = pd.concat([known, pd.DataFrame({"item_id": _ids(extra).sort_values().astype(str)})], ignore_index=True)
    for name in {"title", *items.columns} - {"item_id"}:
        items[name] = items[name].fillna("") if name in items else ""
    items["title"] = items["title"].where(items["title"] != "", "item " + items["item_id"])
    return items, notes


def _listed(text: str) -> str:
    """A token_seq (separated by blanks, or by commas or bars in some sets) joined by ", "."""
    separator = next((mark for mark in ("|", ",") if mark in text), None)
    return ", ".join(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def _graph(folder: Path, items: pd.DataFrame, position: pd.Series) -> Triples:
    """The triples of `.kg` through `.link`; without them the genres."""
    kg, link = _one(folder, "kg"), _one(folder, "link")
    if kg is None:
        return triples_of_labels({"genre": [text.split(", ") for text in items["genres"]]} if "genres" in items else {})
    if link is None:
        raise InputError(f"{folder}: expected a file *.link beside {kg.name} (item_id, entity_id), found none")
    links = _columns(link, ("item_id", "entity_id"))
    unknown, shared = ~links["item_id"].isin(position.index), links["entity_id"].duplicated()
    kept = links[~unknown & ~shared]
    item_of = pd.Series(kept["item_id"].map(position).to_numpy(), index=kept["entity_id"])
    triples = _columns(kg, ("head_id", "relation_id", "tail_id")).set_axis(["head", "relation", "tail"], axis=1)
    names = {name: name for name in triples["relation"].unique() if not name.isdecimal()}
    labels = {name: name for end in ("head", "tail") for name in triples[end].unique() if not name.isdecimal()}
    graph = fold_triples(triples, item_of, list(items["title"]), names, labels, kg.name)
    notes = counted(
        (int(unknown.sum()), f"rows of {link.name} with an item that is in no other file: not used"),
        (int((shared & ~unknown).sum()), f"rows of {link.name} with an entity_id that came before: dropped"),
    )
    return Triples(graph.relations, graph.head, graph.relation, graph.tail, graph.entities, graph.entity_item, (*notes, *graph.notes))
