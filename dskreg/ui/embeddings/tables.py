"""The tables of the Embeddings page: nearest neighbours, largest shifts, the selection, all points."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, percent
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.embeddings import colouring, controls, selected
from dskreg.ui.embeddings.controls import ID, TITLES, USERS, View
from dskreg.ui.embeddings.marks import Focus

MOST_SHIFTED = 50  # rows
TITLE_COLUMNS = ("title", "type", "genres", "likes", "x", "y")
USER_COLUMNS = ("favourite", "liked", "rarity", "x", "y")
TITLE = st.column_config.TextColumn("Item", pinned=True)
RARITY = st.column_config.NumberColumn("Rarity (bits)", format="%.1f", help=controls.COLOURS["rarity"])


def known(explorer: Explorer, columns: Sequence[str]) -> list[str]:
    """The columns for which the dataset has values."""
    missing = {"genres", "favourite"} if not explorer.genres else set()
    return [name for name in columns if name not in missing and (name != "type" or explorer.types)]


def neighbours(explorer: Explorer, view: View, point: Focus) -> None:
    """The nearest neighbours in the embedding space and on the map, marked where they agree."""
    options: dict[str, Any] = {"k": view.k, "metric": view.metric, **view.map}
    key = ID[view.kind]
    true, mapped = (
        cache.ask(explorer, "maps.near", view.kind, point.asked, **options, **where)
        for where in ({}, {"on_map": True})
    )
    both = set(true[key]) & set(mapped[key])
    st.markdown(
        f"**{len(both)} of {len(true)}** nearest neighbours of {plain(point.name)} in the embedding space "
        f"are also among the {view.k} nearest on this map."
    )
    sides = (
        ("In the embedding space", true, "map_rank", "Rank on map", "Rank by distance on the map."),
        ("On the map", mapped, "rank", "Rank in space", "Rank by distance in the embedding space."),
    )
    for column, (heading, table, rank, name, text) in zip(st.columns(2, gap="medium"), sides, strict=True):
        shown = table[known(explorer, table.columns)]
        with column:
            st.markdown(f"**{heading}**")
            _neighbour_table(
                explorer,
                view.kind,
                shown.assign(both=["✓" if key in both else "" for key in table[key]]),
                {rank: st.column_config.NumberColumn(name, width=110, help=text)},
                "Similarity" if view.metric == "cosine" else "Distance",
                f"{heading}: the nearest neighbours of {point.name}",
            )
    st.caption("Select a row to inspect it. ✓ marks neighbours in both tables.")


def _neighbour_table(
    explorer: Explorer, kind: str, table: pd.DataFrame, rank: dict[str, Any], closeness: str, alt: str
) -> None:
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Item", pinned=True, width=190),
        "user_id": st.column_config.TextColumn("User", pinned=True, width=80),
        "both": st.column_config.TextColumn("Both", width=50),
        "closeness": st.column_config.NumberColumn(closeness, format="%.2f", width=85),
        **rank,
        "liked": "Likes",
        "favourite": "Favourite",
        "genres": widgets.genres_label(explorer),
    }
    shown = table.assign(user_id=table["user_id"].astype(str)) if "user_id" in table else table
    key = f"map_near_{next(iter(rank))}"
    st.dataframe(
        shown[[name for name in config if name in shown]],
        hide_index=True,
        key=key,
        on_select=_row_taker(key, table, kind),
        selection_mode="single-row",
        column_config=config,
        alt=alt,
    )


def _row_taker(key: str, table: pd.DataFrame, kind: str) -> Callable[[], None]:
    """A callback for the table under `key`.

    Streamlit keeps it for the whole session, so it holds the ids of the rows and not the table.
    """
    return partial(_take_row, key, table[ID[kind]].to_numpy(), kind)


def _take_row(key: str, ids: np.ndarray, kind: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        selected.choose(ids[rows[0]], kind)


def shifts(explorer: Explorer) -> None:
    """The titles whose neighbourhoods change most by aggregation."""
    table = cache.ask(explorer, "maps.moved")
    k = int(cache.ask(explorer, "maps.quality")["k"])
    st.markdown(
        "Aggregation adds the contributions of neighbours in the knowledge graph to the own embedding (e_i). "
        f"On average, **{percent(table['kept'].mean())}** of an item's {k} nearest neighbours stay the same. "
        "These items change most:"
    )
    most = table.sort_values(["kept", "cosine"], kind="stable").head(MOST_SHIFTED).reset_index(drop=True)
    st.dataframe(
        most[["title", "likes", "kept", "cosine"]],
        hide_index=True,
        key="map_moved",
        on_select=_row_taker("map_moved", most, TITLES),
        selection_mode="single-row",
        alt=f"The {len(most)} items whose neighbourhoods change most by aggregation",
        column_config={
            "title": TITLE,
            "likes": "Likes",
            "kept": st.column_config.NumberColumn(
                "Neighbours kept",
                format="percent",
                help=f"Share of the {k} nearest neighbours before aggregation that remain after it.",
            ),
            "cosine": st.column_config.NumberColumn(
                "Self-similarity",
                format="%.2f",
                help="Cosine of the item's raw and aggregated embeddings.",
            ),
        },
    )
    st.caption("Select a row to inspect it. “Show displacement” draws its shift on the map.")


def selection(explorer: Explorer, view: View, frame: pd.DataFrame, ids: list[str]) -> None:
    """The selected points as a table and as a file."""
    key = ID[view.kind]
    chosen = frame[frame[key].astype(str).isin(ids)]
    columns = [key, *known(explorer, TITLE_COLUMNS if view.kind == TITLES else USER_COLUMNS)]
    order = "likes" if view.kind == TITLES else "liked"
    cluster = chosen["cluster"].map(colouring.names_of(explorer, view.kind))
    table = chosen.assign(cluster=cluster).sort_values(order, ascending=False, ignore_index=True)
    table = table[[*columns, "cluster"]]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"Selected: {len(table):,} {controls.LABELS[view.kind]}", anchor=False, width="content")
        st.download_button(
            "Export CSV",
            widgets.safe_csv(table),
            f"selected-{controls.LABELS[view.kind]}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    config: dict[str, Any] = {"cluster": "Cluster", "x": None, "y": None}
    if view.kind == USERS:
        table[key] = table[key].astype(str)
        config |= {key: st.column_config.TextColumn("User", pinned=True), "liked": "Likes"}
        config |= {"favourite": "Favourite", "rarity": RARITY}
    else:
        config |= {
            key: None,
            "title": TITLE,
            "type": "Type",
            "genres": widgets.genres_label(explorer),
            "likes": "Likes",
        }
    st.dataframe(
        table,
        hide_index=True,
        key="map_selected",
        height=min(340, 38 + 35 * max(1, len(table))),
        on_select=_row_taker("map_selected", table, view.kind),
        selection_mode="single-row",
        alt=f"The {len(table)} selected {controls.LABELS[view.kind]}",
        column_config=config,
    )


def all_points(explorer: Explorer, view: View, frame: pd.DataFrame, groups: pd.Series) -> None:
    """All points of the map as a table."""
    columns = known(explorer, TITLE_COLUMNS if view.kind == TITLES else ("user_id", *USER_COLUMNS))
    config: dict[str, Any] = {
        "title": TITLE,
        "type": "Type",
        "genres": widgets.genres_label(explorer),
        "likes": "Likes",
        "user_id": st.column_config.Column("User", pinned=True),
        "favourite": "Favourite",
        "liked": "Likes",
        "rarity": RARITY,
        "group": view.colour.capitalize(),
    }
    st.dataframe(
        frame[columns].assign(group=groups.astype(str)),
        hide_index=True,
        key="map_points",
        alt=f"All {len(frame):,} points of the map",
        column_config=config,
    )
