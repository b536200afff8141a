"""What stands beside and below a map: the chosen point, its neighbours, what the graph moved, the selected
points.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.embeddings import controls
from dskreg.ui.embeddings.controls import TITLES, VIEWERS, View
from dskreg.ui.frame import sidebar

MOST_SUGGESTED = 12
MOST_MOVED = 50  # rows
TITLE_COLUMNS, VIEWER_COLUMNS = (
    ("title", "type", "genres", "likes", "x", "y"),
    ("favourite", "liked", "oddness", "x", "y"),
)
TITLE = st.column_config.TextColumn("Title", pinned=True)


def search(explorer: Explorer, kind: str) -> None:
    """Find a point by a part of its name, with suggestions."""
    label, hint = (
        ("Find a title", "type a part of its name")
        if kind == TITLES
        else ("Find a viewer", "type the beginning of an id")
    )
    text = (
        st.text_input(label, key="map_search", type="search", live="300ms", placeholder=hint) or ""
    ).strip()
    if not text:
        return
    if kind == TITLES:
        found = explorer.find_items(text, limit=MOST_SUGGESTED)
        names = dict(zip(found["item_id"].tolist(), found["title"].astype(str), strict=True))
    else:
        found = cache.ask(explorer, "tastes.find", text, limit=MOST_SUGGESTED)
        names = {
            user: f"viewer {user}, likes {liked}"
            for user, liked in zip(found["user_id"].tolist(), found["liked"], strict=True)
        }
    st.selectbox(
        f"{len(names)} found",
        list(names),
        index=None,
        format_func=lambda key: names.get(key, str(key)),
        key="map_found",
        on_change=_take_found,
        args=(kind,),
        placeholder="choose one",
    )


def _take_found(kind: str) -> None:
    if st.session_state["map_found"] is not None:
        controls.choose(st.session_state["map_found"], kind)
        st.session_state["map_search"] = ""


def title_card(explorer: Explorer, item_id: object) -> None:
    """The chosen title in a few lines, and what the graph did to it."""
    row = explorer.item(item_id)
    st.header(plain(row["title"]), anchor=False)
    facts = [
        row["type"],
        row["genres"],
        f"{row['likes']:,} likes",
        f"{row['candidates']:,} neighbours in the knowledge graph",
    ]
    st.caption(plain(" · ".join(str(fact) for fact in facts if fact)))
    st.button(
        "See its sampled neighbours",
        icon=":material/hub:",
        on_click=sidebar.inspect,
        args=(item_id, "pages/sampling.py"),
    )
    moved = cache.ask(explorer, "maps.moved")
    mine = moved[moved["item_id"] == item_id]
    if len(mine):
        kept, usual = float(mine["kept"].iloc[0]), float(moved["kept"].median())
        text = f"The share of its {_nearest(explorer)} nearest titles before the graph that are still among its nearest after it."
        st.metric(
            "Neighbours kept by the graph",
            f"{kept:.0%}",
            f"{usual:.0%} for the median title",
            delta_color="off",
            delta_arrow="off",
            help=text,
        )


def known(explorer: Explorer, columns: Sequence[str]) -> list[str]:
    """The columns without those that these data say nothing about."""
    silent = {"genres", "favourite"} if not explorer.genres else set()
    return [name for name in columns if name not in silent and (name != "type" or explorer.types)]


def _nearest(explorer: Explorer) -> int:
    """How many neighbours the share that the graph kept was counted over."""
    return int(cache.ask(explorer, "maps.quality")["k"])


def viewer_card(explorer: Explorer, person: Profile, profile: Profile, go: Any) -> None:
    """The chosen viewer: what she likes, and the way to go on as her."""
    st.header(plain(person.label[:1].upper() + person.label[1:]), anchor=False)
    if person.user_id is not None:
        st.button(
            "Continue as this viewer",
            icon=":material/person:",
            on_click=go,
            args=(person.user_id,),
            disabled=person == profile,
        )
    likes = explorer.liked(person)
    st.dataframe(
        likes[known(explorer, ["title", "genres", "type"])],
        hide_index=True,
        key="map_likes",
        height=340,
        alt=f"What {person.label} likes",
        column_config={
            "title": st.column_config.TextColumn(f"Likes {len(likes)}", pinned=True),
            "genres": "Genres",
            "type": "Type",
        },
    )


def neighbours(explorer: Explorer, view: View, who: Any, name: str, k: int, metric: str) -> None:
    """The nearest in the original space beside the nearest on the map, marked where they agree."""
    named: dict[str, Any] = {"k": k, "metric": metric, **view.place}
    true, mapped = (
        cache.ask(explorer, f"maps.{how}", view.core, who, **named) for how in ("near", "near_on_map")
    )
    key = "item_id" if view.kind == TITLES else "user_id"
    both = set(true[key]) & set(mapped[key])
    st.markdown(
        f"**{len(both)} of {len(true)}** of the nearest to {plain(name)} in the original space are also among its {k} nearest on this map."
    )
    columns = st.columns(2, gap="medium")
    texts = (
        (
            "In the original space",
            true,
            "map_rank",
            "Map place",
            "What the model uses. The place says how near the map puts it.",
        ),
        ("On the map", mapped, "rank", "True place", "What one sees. The place says how near it really is."),
    )
    for column, (heading, table, rank, rank_name, words) in zip(columns, texts, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            st.caption(words)
            silent = [c for c in table if c not in known(explorer, table.columns)]
            _neighbour_table(
                view,
                table.drop(columns=silent).assign(both=["✓" if i in both else "" for i in table[key]]),
                rank,
                rank_name,
                metric,
                heading,
                name,
            )
    st.caption("Tick a row to walk on to it. ✓ marks those in both tables.")


def _neighbour_table(
    view: View, table: pd.DataFrame, rank: str, rank_name: str, metric: str, heading: str, name: str
) -> None:
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Title", pinned=True, width=190),
        "user_id": st.column_config.TextColumn("Viewer", pinned=True, width=80),
        "both": st.column_config.TextColumn("Both", width=50),
        "closeness": st.column_config.NumberColumn(
            "Similarity" if metric == "cosine" else "Distance", format="%.2f", width=85
        ),
        rank: st.column_config.NumberColumn(rank_name, width=110),
        "liked": "Likes",
        "favourite": "Favourite",
        "genres": "Genres",
    }
    shown = table.assign(user_id=table["user_id"].astype(str)) if "user_id" in table else table
    key = f"map_near_{rank}"
    st.dataframe(
        shown[[c for c in config if c in shown]],
        hide_index=True,
        key=key,
        on_select=_taker(key, table, view.kind),
        selection_mode="single-row",
        column_config=config,
        alt=f"{heading}: the nearest to {name}",
    )


def _taker(key: str, table: pd.DataFrame, kind: str) -> Callable[[], None]:
    """A callback for the table under `key`.

    Streamlit keeps it as long as the session lasts, so it holds the rows' ids and not the table.
    """
    return partial(_take_row, key, table[controls.ID[kind]].to_numpy(), kind)


def _take_row(key: str, ids: np.ndarray, kind: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        controls.choose(ids[rows[0]], kind)


def moved(explorer: Explorer) -> None:
    """Which titles the graph moved most."""
    table = cache.ask(explorer, "maps.moved")
    kept = table["kept"].mean()
    st.markdown(
        f"The model starts from a title's own vector (e_i) and adds what its neighbours in the knowledge graph say. On average **{kept:.0%}** of a title's "
        "nearest neighbours stay the same. These titles were moved most:"
    )
    most = table.sort_values(["kept", "cosine"], kind="stable").head(MOST_MOVED).reset_index(drop=True)
    st.dataframe(
        most[["title", "likes", "kept", "cosine"]],
        hide_index=True,
        key="map_moved",
        on_select=_taker("map_moved", most, TITLES),
        selection_mode="single-row",
        alt=f"The {len(most)} titles whose neighbours the graph changed most",
        column_config={
            "title": TITLE,
            "likes": "Likes",
            "kept": st.column_config.NumberColumn(
                "Neighbours kept",
                format="percent",
                help=f"Of its {_nearest(explorer)} nearest before the graph.",
            ),
            "cosine": st.column_config.NumberColumn(
                "Similarity to itself", format="%.2f", help="Cosine of its vector before and after the graph."
            ),
        },
    )
    st.caption(
        "Tick a row to choose that title. The switch “Arrows” draws the way from before to after; both maps begin alike, so that they can be compared."
    )


def selection(explorer: Explorer, view: View, frame: pd.DataFrame, ids: list[str]) -> None:
    """The selected points as a table and as a file."""
    key = controls.ID[view.kind]
    chosen = frame[frame[key].astype(str).isin(ids)]
    columns = [key, *known(explorer, TITLE_COLUMNS if view.kind == TITLES else VIEWER_COLUMNS)]
    order = "likes" if view.kind == TITLES else "liked"
    names = controls.names_of(explorer, view.kind)
    table = (
        chosen.sort_values(order, ascending=False)[columns]
        .assign(cluster=chosen["cluster"].map(names))
        .reset_index(drop=True)
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"Selected: {len(table):,} {view.kind}", anchor=False, width="content")
        st.download_button(
            "Save the selection as CSV",
            widgets.safe_csv(table),
            f"selected-{view.kind}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Clear the selection", icon=":material/close:", on_click=controls.forget_selection)
    config = {
        key: None,
        "title": TITLE,
        "type": "Type",
        "genres": "Genres",
        "likes": "Likes",
        "cluster": "Region",
        "x": None,
        "y": None,
    }
    if view.kind == VIEWERS:
        table[key] = table[key].astype(str)
        config = {
            key: st.column_config.TextColumn("Viewer", pinned=True),
            "favourite": "Favourite",
            "liked": "Likes",
            "oddness": "Oddness",
            "cluster": "Region",
        }
        config |= {"x": None, "y": None}
    st.dataframe(
        table,
        hide_index=True,
        key="map_selected",
        height=min(340, 38 + 35 * max(1, len(table))),
        on_select=_taker("map_selected", table, view.kind),
        selection_mode="single-row",
        alt=f"The {len(table)} selected {view.kind}",
        column_config=config,
    )


def all_points(explorer: Explorer, view: View, frame: pd.DataFrame, groups: pd.Series) -> None:
    """Every point of the map as a table."""
    columns = (
        known(explorer, TITLE_COLUMNS)
        if view.kind == TITLES
        else ["user_id", *known(explorer, VIEWER_COLUMNS)]
    )
    table = frame[columns].assign(group=groups.astype(str))
    st.dataframe(
        table,
        hide_index=True,
        key="map_points",
        alt=f"All {len(frame):,} points of the map",
        column_config={"group": view.colour.capitalize()},
    )


def trust(explorer: Explorer, view: View) -> None:
    """How far the map keeps true neighbourhoods, and the caution."""
    quality = cache.ask(explorer, "maps.quality", view.core, **view.place)
    text = "Too few points to say how far to trust it. "
    if quality["trustworthiness"] is not None:
        text = (
            f"How far to trust it: trustworthiness {quality['trustworthiness']:.2f} of 1 (are map neighbours true neighbours?), and "
            f"{quality['neighbour_preservation']:.0%} of the {quality['k']} nearest neighbours of the original space are also among the nearest here. "
        )
    if view.method == "pca":
        text += f"The two axes hold {sum(quality['parameters']['variance']):.0%} of the variation; much of what looks near here is far apart."
    else:
        text += "Sizes of clusters and distances between clusters mean little."
    st.caption(text)
