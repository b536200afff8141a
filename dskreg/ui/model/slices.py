"""The test by groups of users and items, coverage and popularity bias (dskreg/evaluation/slices.py)."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import COLD, Explorer, number, percent
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.figure import Figure
from dskreg.ui.common.widgets import plain

ASKED = 2000  # test users at most: seconds on the largest catalogues
GENRES = 15
VIEWS = {"users": "activity", "likes": "likes", "genres": "genres"}
SHARES = {"held_out_share": "held-out likes", "list_share": "recommendations"}
USERS = {
    "slice": ("Likes in history", "Number of liked items that the model knows of the user."),
    "users": ("Users", "Test users in this group."),
    "ndcg": ("NDCG", "Mean NDCG of the group's users, ± half the 95% interval."),
    "recall": ("Recall", "Mean share of a user's held-out items among the first K."),
    "hit": ("Hit", "Share of users with at least one held-out item among the first K."),
}
ITEMS = {
    "slice": ("Items", "The group: by number of likes, or a genre or what stands for it."),
    "items": ("Count", "Items in this group."),
    "held_out": ("Held out", "Held-out likes of these items."),
    "recall": ("Recall", "Share of these held-out likes that are among the first K of their user."),
    "held_out_share": ("Held-out share", "These items' share of all held-out likes."),
    "list_share": ("List share", "These items' share of all recommendations."),
    "coverage": ("Coverage", "Share of these items that are recommended to at least one user."),
}


def show(explorer: Explorer, resets: list[dict[str, Any]] | None) -> None:
    """Tiles, a sentence, and a chart and a table of the chosen slices."""
    st.header("Slices of the test", anchor=False)
    with st.spinner("Measuring the lists of the test users …"):
        found = cache.ask(explorer, "rivals.slices", users=ASKED)
    if not found["users"]:
        st.info("No user has a held-out test item and a like, so there is nothing to measure.")
        return
    cache.draw_once(_show_tiles, found)
    views = [view for view, key in VIEWS.items() if found[key]]
    named = {"genres": widgets.genres_label(explorer).lower()}
    view = widgets.one_of(
        "Slices by",
        views,
        "slices",
        "likes",
        help="How the test is divided.",
        format_func=lambda name: named.get(name, name),
    )
    cache.draw_once(_show_slices, found, view, resets, explorer.name)


def _show_slices(found: dict[str, Any], view: str, resets: list[dict[str, Any]] | None, name: str) -> None:
    left, right = st.columns([2, 3], gap="medium")
    chart = users_chart(found) if view == "users" else items_chart(found[VIEWS[view]][:GENRES])
    charts.show_chart(
        left,
        chart,
        key="slices_chart",
        alt="NDCG by activity of the user"
        if view == "users"
        else "Shares of the held-out likes and of the recommendations by group of items",
    )
    columns = USERS if view == "users" else ITEMS
    right.dataframe(
        cells(found, view),
        hide_index=True,
        key="slices_table",
        alt=f"The test by {view}: accuracy at cutoff {found['k']}, shares and coverage",
        column_config={
            name: st.column_config.TextColumn(label, help=meaning, pinned=name == "slice")
            for name, (label, meaning) in columns.items()
        },
    )
    if view == "likes" and (words := cold_in_words(found, resets)):
        st.markdown(words)
    st.caption(
        f"Cutoff K = {found['k']}; {found['users']:,} of {found['of']:,} test users"
        + ("." if found["users"] == found["of"] else ", evenly spaced.")
        + (f" {found['without_items']}" if view == "likes" and found["without_items"] else "")
        + f" Likes are those that the model knows. With baselines: dskreg slices "
        f"{plain(name)} \\-\\-baselines"
    )


def _show_tiles(found: dict[str, Any]) -> None:
    bias, k = found["bias"], found["k"]
    tiles = {
        f"Coverage@{k}": (percent(bias["coverage"]), "Share of the items that are in at least one list."),
        "Gini": (f"{bias['gini']:.2f}", "0: all items are in equally many lists. 1: one item has all."),
        "Likes in lists": (
            f"{bias['mean_likes_recommended']:,.0f}",
            "Mean likes of a recommended item.",
        ),
        "Likes held out": (
            f"{bias['mean_likes_held_out']:,.0f}",
            "Mean likes of a held-out item.",
        ),
    }
    with st.container(horizontal=True, gap="small"):
        for label, (value, meaning) in tiles.items():
            st.metric(label, value, help=meaning, border=True, width=172)
    st.markdown(bias_in_words(found))


def bias_in_words(found: dict[str, Any]) -> str:
    """Whether the lists lean towards popular titles, beside the held-out likes; Markdown."""
    bias = found["bias"]
    recommended, held_out = bias["head_recommended"], bias["head_held_out"]
    if recommended is None or held_out is None:
        return ""
    beside = (
        "more than" if recommended > held_out else "less than" if recommended < held_out else "as much as"
    )
    return (
        f"The fifth of the items with the most likes gets **{percent(recommended)}** of the "
        f"recommendations, {beside} its **{percent(held_out)}** of the held-out likes."
    )


def cold_in_words(found: dict[str, Any], resets: list[dict[str, Any]] | None) -> str:
    """New titles in the lists, and how well they are ranked where likes are hidden; Markdown."""
    cold = found["likes"][0]
    if cold["slice"] != COLD:
        return ""
    words = f"{cold['items']:,} items without likes get {percent(cold['list_share'])} of the recommendations"
    words += "." if cold["held_out"] else "; no held-out like can test them."
    measured = (resets or [{}])[0].get("cold") or {}
    if measured.get("ndcg"):
        words += (
            f" Where the likes of other items are hidden and these are ranked among themselves, NDCG@20 is "
            f"**{number(measured['ndcg'])}**."
        )
    return words


def cells(found: dict[str, Any], view: str) -> pd.DataFrame:
    """The slices as text, the columns of USERS or ITEMS."""
    rows = found[VIEWS[view]]
    if view == "users":
        shown = [
            {
                "slice": row["slice"],
                "users": number(row["users"]),
                "ndcg": number(row["ndcg"]) + (f" ± {number(row['within'])}" if row["within"] else ""),
                "recall": number(row["recall"]),
                "hit": percent(row["hit"]),
            }
            for row in [*rows, found["all"]]
        ]
    else:
        shares = ("held_out_share", "list_share", "coverage")
        shown = [
            {
                "slice": row["slice"],
                "items": number(row["items"]),
                "held_out": number(row["held_out"]),
                "recall": number(row["recall"]),
            }
            | {name: percent(row[name]) for name in shares}
            for row in rows
        ]
    return pd.DataFrame(shown)


def users_chart(found: dict[str, Any]) -> Figure:
    """NDCG of each group of users with its 95% interval."""
    rows = pd.DataFrame(found["activity"])
    figure = Figure()
    figure.add(
        "bar",
        x=rows["slice"],
        y=rows["ndcg"],
        marker={"color": charts.COLOURS[0]},
        customdata=rows["users"],
        error_y={
            "type": "data",
            "array": rows["within"].astype(float).fillna(0),
            "color": charts.OTHER,
            "thickness": 1.5,
            "width": 4,
        },
        hovertemplate="%{x} likes: NDCG %{y:.3f}, %{customdata:,} users<extra></extra>",
    )
    figure.x_axis(title="likes in the history", type="category", showgrid=False)
    figure.y_axis(title=f"NDCG@{found['k']}", rangemode="tozero", automargin=True, nticks=6)
    return charts.finish(figure, height=330, right=16)


def items_chart(rows: list[dict[str, Any]]) -> Figure:
    """Each group's share of the held-out likes and of the recommendations."""
    figure = Figure()
    names = [charts.plain(charts.shorten(row["slice"], charts.LABEL)) for row in rows]
    for (key, label), colour in zip(SHARES.items(), (charts.OTHER, charts.COLOURS[0]), strict=True):
        figure.add(
            "bar",
            y=names,
            x=[row[key] or 0 for row in rows],
            name=f"of the {label}",
            orientation="h",
            marker={"color": colour},
            hovertemplate=f"%{{y}}: %{{x:.1%}} of the {label}<extra></extra>",
        )
    figure.y_axis(autorange="reversed", automargin=True, tickfont={"size": 13}, type="category")
    figure.x_axis(tickformat=".0%", rangemode="tozero", automargin=True)
    figure.update(barmode="group", bargap=0.25, legend=charts.LEGEND)
    return charts.finish(figure, height=30 * len(rows) + 90, right=24)
