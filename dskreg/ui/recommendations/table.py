"""Recommendations as a table, with the reason of the selected row above it."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common.widgets import genres_label, plain
from dskreg.ui.recommendations import cards, tiles
from dskreg.ui.recommendations.tiles import Tile

COLUMNS: dict[str, Any] = {
    "rank": st.column_config.NumberColumn("#", width=36),
    "title": st.column_config.TextColumn("Item", width=230),
    "score": st.column_config.NumberColumn(
        "Score", format="%.2f", width=64, help="The model's score; only order and differences have a meaning."
    ),
    "neighbour_share": st.column_config.NumberColumn(
        "Neighbours", format="%.1f%%", width=84, help="The sampled neighbours' share of the score."
    ),
    "likes": st.column_config.NumberColumn(
        "Likes", format="localized", width=64, help="Number of users who like the item in training."
    ),
    "score_rank": st.column_config.NumberColumn(
        "Rank before re-ranking", width=165, help="Rank in the list by score."
    ),
    "type": st.column_config.TextColumn("Type", width=64),
    "reason": st.column_config.TextColumn(
        "Strongest reason",
        width=470,
        help="The liked items and the sampled neighbours with the largest contributions to the score.",
    ),
    "seen": st.column_config.CheckboxColumn(
        "Seen", width=60, help="This user has seen the item; hidden unless you include seen items."
    ),
    "held_out": st.column_config.CheckboxColumn(
        "Held-out hit", width=60, help="A like of this user that was held out from training."
    ),
}


def show(explorer: Explorer, recommended: pd.DataFrame, profile: Profile, columns: list[str]) -> None:
    """The table with these columns; its selected row's reason and the button that explains it are above."""
    above = st.container(border=True)  # filled once the table reports the selected row
    event = st.dataframe(
        recommended.assign(neighbour_share=100 * recommended["neighbour_share"]),
        hide_index=True,
        height="content",
        key=f"table {explorer.content} {profile.label}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"Recommended items for {profile.label}, best first, with score and reason",
        column_order=columns,
        column_config=COLUMNS | {"genres": st.column_config.TextColumn(genres_label(explorer), width=180)},
    )
    rows = [row for row in event.selection.rows if row < len(recommended)]
    with above:
        _selected(explorer, profile, recommended.iloc[rows[0] if rows else 0], hint=not rows)


def _selected(explorer: Explorer, profile: Profile, row: "pd.Series[Any]", hint: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width=640, gap="xxsmall"):
            st.markdown(
                f"**{int(row['rank'])}. {plain(row['title'])}**" + " :gray[(select another row below)]" * hint
            )
            st.text(row["reason"])
        tile = Tile(row["item_id"], row["title"], "", ("why", *cards.noted()))
        tiles.show("selected", [tile], "row", cards.ACTS)
    cards.note_dialog(explorer, profile, row.to_frame().T)
