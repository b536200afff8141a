"""Plain tables: interactions and, optionally, items, in files and columns of any name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.config import DataConfig
from dskreg.data.dataset import Dataset
from dskreg.data.readers.files import Folder
from dskreg.data.readers.plain.catalogue import Catalogue, catalogue_of, tokens
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.graph import graph_of, joined
from dskreg.data.readers.plain.interactions import Pairs, likes_of, pairs_of
from dskreg.data.readers.plain.plan import Plan, plan
from dskreg.data.readers.tables import ids, unread
from dskreg.data.readers.triples import triples_of_labels


def read(path: Folder, config: DataConfig, columns: str | None = None) -> Dataset:
    """Read the folder, zip or file at `path`.

    Args:
        path: Where the tables are.
        config: Its `like_threshold`, where there is one, comes before `dataset.toml` and the scale.
        columns: `COLUMN=ROLE,...` as of `--columns`.

    Raises:
        InputError: A table or column is missing or damaged, or no rating is a like; one line.
    """
    return dataset_of(plan(path, columns), config)


def dataset_of(found: Plan, config: DataConfig) -> Dataset:
    """The data set by a plan; raises InputError as `read` does."""
    return assembled(found, *parts_of(found), config)


def parts_of(found: Plan) -> tuple[Pairs, Catalogue]:
    """The two tables."""
    pairs = pairs_of(found)
    pairs.items[:] = tokens(pd.Series(pairs.items, dtype=str))
    pairs.users[:] = tokens(pd.Series(pairs.users, dtype=str))
    return pairs, catalogue_of(found, pairs.items)


def assembled(found: Plan, pairs: Pairs, catalogue: Catalogue, config: DataConfig) -> Dataset:
    """The data set of the two tables."""
    items = catalogue.items
    liked, scale = likes_of(found, pairs, config.like_threshold)
    user_ids = np.sort(ids(pd.Series(pairs.users, dtype=str)).to_numpy())
    user = pd.Index(pd.Series(user_ids).astype(str)).get_indexer(pairs.users)
    item = pd.Index(items["item_id"].astype(str)).get_indexer(pairs.items)
    graph = triples_of_labels({relation.name: relation.labels for relation in catalogue.relations})
    more, told = graph_of(found, items)
    if more is not None:
        graph = joined(graph, more)
    sheet = found.interactions
    return Dataset(
        name=found.files.path.resolve().name.partition(".")[0] or "data",
        format="tables",
        items=items,
        user_ids=user_ids,
        user=user.astype(np.int32)[pairs.user],
        item=item.astype(np.int32)[pairs.item],
        liked=liked,
        fold=pairs.fold,
        **graph.fields(),
        time=pairs.time,
        notes=(
            f"plain tables: interactions in {listed(one.name for one, _ in found.parts)}, "
            + (f"items in {found.items.name}" if found.items else "no items")
            + (f", triples in {found.triples.name}" if found.triples else ""),
            *(("tables that are not read: " + listed(found.others),) if found.others else ()),
            *(f"{listed([name])} is not read: {why}" for name, why in found.failed.items()),
            *pairs.notes,
            *scale,
            *(["the split into these files is kept"] if len(found.parts) > 1 else []),
            *(unread(sheet.source, list(found.roles.values()), sheet.mark) if sheet.source else ()),
            *catalogue.notes,
            *told,
            *catalogue.told,
        ),
    )
