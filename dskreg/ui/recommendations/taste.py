"""A profile's liked titles and its taste by genre."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile, percent
from dskreg.ui.common.widgets import genres_label, plain

NAMED = 3  # genres in the strip's text
ROOM = 200  # pixels: the height of a table, which scrolls where it is longer


def show_likes(explorer: Explorer, profile: Profile, columns: list[str]) -> None:
    """A closed strip that says how many titles are liked and of which genres; opened, both tables.

    `columns`: further columns of the liked titles.
    """
    liked, taste = explorer.liked(profile), explorer.taste(profile) if explorer.genres else pd.DataFrame()
    # Another text makes another strip, which would be closed
    st.session_state["likes"] = st.session_state.get("likes", False)
    strip = st.expander(
        _summary(len(liked), taste), icon=":material/thumb_up:", key="likes", on_change="rerun"
    )
    if not strip.open:  # the code of tables is large, and a first visit does without
        return
    with strip:
        st.markdown(f"**Liked items ({len(liked)})**, the model's input")
        st.dataframe(
            liked[["title", *columns]],
            hide_index=True,
            height=ROOM if len(liked) > 4 else "content",
            alt="The items that this user likes",
            column_config={
                "title": st.column_config.TextColumn("Item", width="medium"),
                "type": st.column_config.TextColumn("Type", width="small"),
                "genres": st.column_config.TextColumn(genres_label(explorer)),
            },
        )
        if explorer.genres:
            _genres(taste, explorer.directory.described_by)


def _summary(count: int, taste: pd.DataFrame) -> str:
    """The strip's text: "36 liked titles: Action 89%, Sci-Fi 64%"."""
    named = (
        [
            f"{plain(genre)} {percent(share)}"
            for genre, share in taste.head(NAMED)[["genre", "share"]].itertuples(index=False)
        ]
        if len(taste)
        else []
    )
    return f"{count} liked item{'s' * (count != 1)}{': ' * bool(named)}{', '.join(named)}"


def _genres(taste: pd.DataFrame, kind: str) -> None:
    st.markdown(f"**Taste profile by {plain(kind)}**: liked items with each {plain(kind)}")
    if taste.empty:
        st.caption(f"The liked items have no {plain(kind)}.")
        return
    st.dataframe(
        taste.assign(share=100 * taste["share"]),
        hide_index=True,
        height=ROOM if len(taste) > 4 else "content",
        alt=f"The liked items by {kind}: count, share and lift",
        column_config={
            "genre": st.column_config.TextColumn(kind.capitalize(), width=110),
            "liked": st.column_config.NumberColumn("Likes", width=60),
            "share": st.column_config.ProgressColumn(
                "Share",
                format="%.0f%%",
                min_value=0,
                max_value=100,
                help=f"Share of the liked items that have this {kind}, in percent.",
            ),
            "lift": st.column_config.NumberColumn(
                "Lift",
                format="%.1f",
                width=60,
                help="The share divided by the share among the likes of all users.",
            ),
        },
    )
