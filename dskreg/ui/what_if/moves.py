"""The recommendations before and after a change: each item's move in words, as a table and as a chart."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import WhatIf
from dskreg.ui.common import bump_chart, charts, widgets

SUMMARY = {"up": "up", "down": "down", "unchanged": "unchanged", "new": "new", "dropped": "dropped out"}
DOWNLOADED = ["item_id", "title", "rank_before", "rank_after", "words", "score_before", "score_after"]


def in_words(before: object, after: object, top: int) -> str:
    """How an item moves between two lists of `top`; `before` and `after` are its ranks, missing for none."""
    was, now = (None if pd.isna(rank) else int(rank) for rank in (before, after))  # type: ignore[call-overload]
    if now is None:
        return "dropped out (liked now)"
    if was is None or was > top:
        return "new" if was is None else f"new (was {was})"
    if now > top:
        return f"dropped out (now {now})"
    return "unchanged" if was == now else f"up {was - now}" if was > now else f"down {now - was}"


def with_words(moves: pd.DataFrame, top: int) -> pd.DataFrame:
    """`WhatIf.moves` with a column `words`."""
    return moves.assign(
        words=[in_words(b, a, top) for b, a in zip(moves["rank_before"], moves["rank_after"], strict=True)]
    )


def summary(moves: pd.DataFrame) -> str:
    """How many items move in each way; `moves` as from `with_words`."""
    kind = moves["words"].str.split().str[0]
    return ", ".join(
        f"{(kind == name).sum()} {text}" for name, text in SUMMARY.items() if (kind == name).any()
    )


def show_moves(found: WhatIf, top: int) -> None:
    """The recommendations after the change, with the move of each item."""
    if found.moves.empty:
        st.caption("Nothing can be recommended to this user, neither before nor after the change.")
        return
    moves = with_words(found.moves, top)
    words = summary(moves)
    st.subheader(f"Top {top} after the change", anchor=False)
    reached = f" The change affects the neighbours of {found.touched:,} item{'s' * (found.touched != 1)}."
    st.caption(
        f"{words[:1].upper()}{words[1:]}. The chart shows the previous rank on the left and the new "
        f"rank on the right.{reached if found.touched else ''}"
    )
    table, chart = st.columns([1.6, 1], gap="medium")
    _table(table, moves, words)
    charts.show_chart(
        chart,
        bump_chart.of_moves(moves, top),
        key="slopes",
        alt=f"A line from each item's previous rank to its new rank: {words}. The table has the same ranks.",
    )


def _table(place: DeltaGenerator, moves: pd.DataFrame, words: str) -> None:
    number = st.column_config.NumberColumn
    place.dataframe(
        moves,
        hide_index=True,
        height="content",
        key="moves",
        placeholder="–",
        alt=f"The recommendations after the change and the move of each item: {words}",
        column_order=["rank_after", "title", "words", "rank_before", "score_before", "score_after"],
        column_config={
            "rank_after": number("#", width=36, help="Rank after the change."),
            "title": st.column_config.TextColumn("Item", width=122),
            "words": st.column_config.TextColumn("Move", width=156, help="Places up or down in the ranking."),
            "rank_before": number("Previous rank", width=94, help="Rank before the change."),
            "score_before": number("Score before", format="%.3f", width=88, help="The model's score."),
            "score_after": number("Score after", format="%.3f", width=80, help="The model's score."),
        },
    )
    place.download_button(
        "Download CSV",
        widgets.safe_csv(moves[DOWNLOADED]),
        "what-if.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
