"""A profile's liked titles and its taste by genre."""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile

ROOM = 200  # pixels: the height of a table, which scrolls where it is longer


def show_likes(explorer: Explorer, profile: Profile, columns: list[str]) -> None:
    """The liked titles with these further columns and, where the data have genres, the taste by genre."""
    liked = explorer.liked(profile)
    left, right = st.columns([1, 1.25], gap="medium") if explorer.genres else (None, st.container())
    if left:
        with left:
            _genres(explorer.taste(profile))
    with right:
        st.markdown(f"**Liked titles ({len(liked)})**", help="The profile's history: the model's input.")
        st.dataframe(
            liked[["title", *columns]],
            hide_index=True,
            height=ROOM if len(liked) > 4 else "content",
            alt="The titles that this user likes",
            column_config={
                "title": st.column_config.TextColumn("Title", width="medium"),
                "type": st.column_config.TextColumn("Type", width="small"),
                "genres": st.column_config.TextColumn("Genres"),
            },
        )


def _genres(taste: pd.DataFrame) -> None:
    st.markdown("**Taste profile by genre**", help="How many of the liked titles have each genre.")
    if taste.empty:
        st.caption("The liked titles have no genres.")
        return
    st.dataframe(
        taste.assign(share=100 * taste["share"]),
        hide_index=True,
        height=ROOM if len(taste) > 4 else "content",
        alt="Genres of the liked titles with count, share and lift",
        column_config={
            "genre": st.column_config.TextColumn("Genre", width=110),
            "liked": st.column_config.NumberColumn("Likes", width=60),
            "share": st.column_config.ProgressColumn(
                "Share",
                format="%.0f%%",
                min_value=0,
                max_value=100,
                help="Share of the liked titles that have this genre, in percent.",
            ),
            "lift": st.column_config.NumberColumn(
                "Lift",
                format="%.1f",
                width=60,
                help="The share divided by the share among the likes of all users.",
            ),
        },
    )
