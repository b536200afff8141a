"""Who this is, what the model would show next, and the strongest reason for each title."""

import altair as alt
import pandas as pd
import streamlit as st

from dskreg.ui import panels, resources
from dskreg.ui.panels import plain
from dskreg.ui.sidebar import current, inspect

TASTE_ROWS = 6


def show_taste(taste: pd.DataFrame) -> None:
    """What the liked titles have in common."""
    chart, table = st.tabs(["Titles liked, by genre", "As a table"])
    if taste.empty:
        chart.caption("The liked titles carry no genres.")
        return
    favourites = taste.head(TASTE_ROWS)
    bars = alt.Chart(favourites).encode(
        x=alt.X("liked:Q", axis=alt.Axis(tickMinStep=1, tickCount=5, format="d", title=None)),
        y=alt.Y("genre:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=[alt.Tooltip("genre", title="Genre"), alt.Tooltip("liked", title="Titles liked"), alt.Tooltip("share", title="Share", format=".0%")],
    )
    chart.altair_chart(
        bars.mark_bar(height={"band": 0.7}),
        height=190,
        alt="Titles liked by genre: " + ", ".join(f"{genre} {count}" for genre, count in zip(favourites["genre"], favourites["liked"], strict=True)),
    )
    table.dataframe(
        taste.assign(share=100 * taste["share"]),
        hide_index=True,
        height=190,
        alt="Every genre of the liked titles with count, share and lift",
        column_config={
            "genre": st.column_config.TextColumn("Genre"),
            "liked": st.column_config.NumberColumn("Liked"),
            "share": st.column_config.NumberColumn("Share", format="%.0f%%", help="Share of the liked titles that carry this genre."),
            "lift": st.column_config.NumberColumn("Lift", format="%.1f", help="How much more often than among everybody's liked titles."),
        },
    )


selection = current()
explorer, profile = selection.explorer, selection.profile
known = [name for name, values in (("type", explorer.types), ("genres", explorer.genres)) if values]  # some data name neither types nor genres
panels.person_header(explorer, profile, "Recommendations for")
st.caption("What this person likes, and what the model would show next. Behind each title: a few neighbours sampled from the knowledge graph.")

liked = explorer.liked(profile)
left, right = st.columns([1, 1.25], gap="medium") if explorer.genres else (None, st.container())
if left:
    with left:
        show_taste(explorer.taste(profile))
with right:
    st.markdown(
        f"**Likes {len(liked)} title{'s' * (len(liked) != 1)}**", help="The titles this person is known to like: all that the model knows about anybody."
    )
    st.dataframe(
        liked[["title", *known]],
        hide_index=True,
        height=200 if len(liked) > 4 else "content",
        alt="The titles this person likes",
        column_config={
            "title": st.column_config.TextColumn("Title", width="medium"),
            "type": st.column_config.TextColumn("Type", width="small"),
            "genres": st.column_config.TextColumn("Genres"),
        },
    )

st.header(f"The {selection.top} titles the model would show next" if selection.top > 1 else "The title the model would show next", anchor=False)
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    genres, types = [], []
    if explorer.genres:
        genres = st.multiselect("Genres", explorer.genres, key="genres", bind="query-params", placeholder="all genres", width=260)
    if explorer.types:
        types = st.multiselect("Types", explorer.types, key="types", bind="query-params", placeholder="all types", width=220)
    hide_seen = st.toggle(
        "Hide titles already seen", value=True, key="hide_seen", bind="query-params", help="Off: seen titles may appear; the last column marks them."
    )

recommended = resources.recommendations(explorer, profile, selection.top, hide_seen=hide_seen, genres=tuple(genres), types=tuple(types))


def clear_filters() -> None:
    """Callback: all genres and types again."""
    st.session_state["genres"], st.session_state["types"] = [], []


if recommended.empty:
    if genres or types:
        asked = plain(" and ".join(filter(None, (" or ".join(types), " or ".join(genres)))))
        why = "this person has seen every such title, or there is none" if hide_seen else "there is no such title in this data"
        st.info(f"Nothing left of {asked}: {why}.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=clear_filters)
    else:
        st.info("Nothing is left to recommend: this person has seen every title of the catalogue. Switch “Hide titles already seen” off.")
    st.stop()
if len(recommended) < selection.top:
    st.caption(f"Only {len(recommended)} titles pass the filters.")

card = st.container(border=True)  # above the table, filled once the table has said which row is chosen
event = st.dataframe(
    recommended,
    hide_index=True,
    height="content",
    key=f"table {explorer.content} {profile.label}",
    on_select="rerun",
    selection_mode="single-row",
    alt=f"The recommended titles for {profile.label}, best first, with score and reason",
    column_order=["rank", "title", "score", "reason", *known, *([] if hide_seen else ["seen", "held_out"])],
    column_config={
        "rank": st.column_config.NumberColumn("#", width=36),
        "title": st.column_config.TextColumn("Title", width=230),
        "score": st.column_config.NumberColumn("Score", format="%.2f", width=64, help="The model's preference: only the order and the gaps mean something."),
        "type": st.column_config.TextColumn("Type", width=64),
        "genres": st.column_config.TextColumn("Genres", width=180),
        "reason": st.column_config.TextColumn("Strongest reason", width=470, help="The neighbour in the knowledge graph that adds most to the score."),
        "seen": st.column_config.CheckboxColumn("Seen", width=60, help="Already seen by this person, so not shown while seen titles are hidden."),
        "held_out": st.column_config.CheckboxColumn("A hit", width=60, help="This person likes the title, and the model was not told so in training."),
    },
)

rows = [row for row in event.selection.rows if row < len(recommended)]
chosen = recommended.iloc[rows[0] if rows else 0]
with card, st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="medium"):
    with st.container(width=640, gap="xxsmall"):
        st.markdown(f"**{int(chosen['rank'])}. {plain(chosen['title'])}**" + ("" if rows else " :gray[(choose another row below)]"))
        st.text(chosen["reason"])
    st.button(
        "See what was sampled",
        type="primary",
        icon=":material/hub:",
        key="see_sampled",
        on_click=inspect,
        args=(chosen["item_id"], "pages/sampling.py"),
        help="Opens the sampling page for this title: every neighbour that could have been drawn, and those that were.",
    )
columns = ["rank", "item_id", "title", "type", "genres", "score", "seen", "reason"]
st.download_button(
    "Download as CSV",
    panels.safe_csv(pd.DataFrame(recommended[columns])),
    file_name="recommendations.csv",
    mime="text/csv",
    icon=":material/download:",
    on_click="ignore",
)
