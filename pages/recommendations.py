"""Who this is, what the model would show next, as cards or as a table, and the strongest reason for each
title.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.frame.sidebar import current, inspect
from dskreg.ui.recommendations import cards
from dskreg.ui.recommendations import panels as lists

TASTE_ROWS = 6
VIEWS = ("cards", "table")
MOST_DIVERSITY = 100  # percent
FAME: dict[str, int | None] = {"anybody": None, "20 at most": 20, "5 at most": 5, "nobody yet": 0}
FAME_HELP = (
    "How many people in the data like the title, as far as the model knows. What nobody likes yet is ranked by the graph alone: "
    "it has neighbours before it has an audience."
)
LIKES_HELP = "How many people like it, as far as the model knows: what a list goes by where no like of the user is known."
REASON_HELP = "The liked titles and the neighbours in the knowledge graph that add most to the score."
# Vega-Lite as it is: importing altair for this one chart takes a quarter of a second of the first visit
GENRE_BARS: dict[str, Any] = {
    "mark": {"type": "bar", "height": {"band": 0.7}},
    "encoding": {
        "x": {
            "field": "liked",
            "type": "quantitative",
            "axis": {"tickMinStep": 1, "tickCount": 5, "format": "d", "title": None},
        },
        "y": {
            "field": "genre",
            "type": "nominal",
            "title": None,
            "sort": None,
            "axis": {"labelOverlap": False},
        },
        "tooltip": [
            {"field": "genre", "type": "nominal", "title": "Genre"},
            {"field": "liked", "type": "quantitative", "title": "Titles liked"},
            {"field": "share", "type": "quantitative", "title": "Share", "format": ".0%"},
        ],
    },
}


def show_taste(taste: pd.DataFrame) -> None:
    """What the liked titles have in common."""
    chart, table = st.tabs(["Titles liked, by genre", "As a table"])
    if taste.empty:
        chart.caption("The liked titles carry no genres.")
        return
    favourites = taste.head(TASTE_ROWS)
    chart.vega_lite_chart(
        favourites[["genre", "liked", "share"]],
        GENRE_BARS,
        height=190,
        alt="Titles liked by genre: "
        + ", ".join(
            f"{genre} {count}" for genre, count in zip(favourites["genre"], favourites["liked"], strict=True)
        ),
    )
    table.dataframe(
        taste.assign(share=100 * taste["share"]),
        hide_index=True,
        height=190,
        alt="Every genre of the liked titles with count, share and lift",
        column_config={
            "genre": st.column_config.TextColumn("Genre"),
            "liked": st.column_config.NumberColumn("Liked"),
            "share": st.column_config.NumberColumn(
                "Share", format="%.0f%%", help="Share of the liked titles that carry this genre."
            ),
            "lift": st.column_config.NumberColumn(
                "Lift", format="%.1f", help="How much more often than among everybody's liked titles."
            ),
        },
    )


def show_likes(liked: pd.DataFrame) -> None:
    """The liked titles, and what they have in common."""
    left, right = st.columns([1, 1.25], gap="medium") if explorer.genres else (None, st.container())
    if left:
        with left:
            show_taste(explorer.taste(profile))
    with right:
        st.markdown(
            f"**Likes {len(liked)} title{'s' * (len(liked) != 1)}**",
            help="The titles this person is known to like: all that the model knows about anybody.",
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


def not_there(name: str, known: list[str]) -> list[str]:
    """Values of a filter in the link that this data do not have.

    To be asked before its widget is drawn, which drops them silently.
    """
    return [f"{name}={value[:40]}" for value in asked.get(name, []) if value and value not in known]


def clear_filters() -> None:
    """Callback: all genres and types again, liked by anybody."""
    st.session_state.update(genres=[], types=[], liked_by="anybody")


def show_nothing(filters: list[str], hide_seen: bool) -> None:
    """Why the list is empty, and the way out."""
    if not filters:
        st.info(
            "Nothing is left to recommend: this person has seen every title of the catalogue. Switch “Hide seen titles” off."
        )
        return
    why = (
        "this person has seen every such title, or there is none"
        if hide_seen
        else "there is no such title in this data"
    )
    st.info(f"Nothing left of {plain(' and '.join(filters))}: {why}.", icon=":material/filter_alt_off:")
    st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=clear_filters)


def marks(row: Any) -> list[str]:
    """Short remarks on a card."""
    return [
        *(
            [f"number {row.score_rank} by {'score' if profile.history else 'popularity'}"]
            if row.score_rank != row.rank
            else []
        ),
        *(["seen"] if row.seen else []),
        *(["a hit"] if row.held_out and row.seen else []),
        *(["new since the changes"] if len(unedited) and row.item_id not in unedited else []),
    ]


def show_table(recommended: pd.DataFrame, profile: Profile, hide_seen: bool, diverse: bool) -> None:
    """The list as a table; the row chosen says its reason above it and leads to what was sampled."""
    card = st.container(border=True)  # above the table, filled once the table has said which row is chosen
    event = st.dataframe(
        recommended,
        hide_index=True,
        height="content",
        key=f"table {explorer.content} {profile.label}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"The recommended titles for {profile.label}, best first, with score and reason",
        column_order=[
            "rank",
            "title",
            "score" if profile.history else "likes",
            *(["score_rank"] if diverse else []),
            "reason",
            *known,
            *([] if hide_seen else ["seen", "held_out"]),
        ],
        column_config={
            "rank": st.column_config.NumberColumn("#", width=36),
            "title": st.column_config.TextColumn("Title", width=230),
            "score": st.column_config.NumberColumn(
                "Score",
                format="%.2f",
                width=64,
                help="The model's preference: only the order and the gaps mean something.",
            ),
            "likes": st.column_config.NumberColumn("Likes", format="localized", width=64, help=LIKES_HELP),
            "score_rank": st.column_config.NumberColumn(
                "By score", width=72, help="Its place in the list by score alone."
            ),
            "type": st.column_config.TextColumn("Type", width=64),
            "genres": st.column_config.TextColumn("Genres", width=180),
            "reason": st.column_config.TextColumn("Strongest reason", width=470, help=REASON_HELP),
            "seen": st.column_config.CheckboxColumn(
                "Seen",
                width=60,
                help="Already seen by this person, so not shown while seen titles are hidden.",
            ),
            "held_out": st.column_config.CheckboxColumn(
                "A hit",
                width=60,
                help="This person likes the title, and the model was not told so in training.",
            ),
        },
    )
    rows = [row for row in event.selection.rows if row < len(recommended)]
    chosen = recommended.iloc[rows[0] if rows else 0]
    with (
        card,
        st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="medium"
        ),
    ):
        with st.container(width=640, gap="xxsmall"):
            st.markdown(
                f"**{int(chosen['rank'])}. {plain(chosen['title'])}**"
                + ("" if rows else " :gray[(choose another row below)]")
            )
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


selection = current()
explorer, profile = selection.explorer, selection.profile
asked = {
    name: st.query_params.get_all(name)
    for name in ("genres", "types", "liked_by", "hide_seen", "diversity", "view")
}
asked = {name: values for name, values in asked.items() if values}
wrong = not_there("genres", explorer.genres) + not_there("types", explorer.types)
# Some data name neither types nor genres
known = [name for name, values in (("type", explorer.types), ("genres", explorer.genres)) if values]
cards.style()
if changed := st.session_state.pop("changed", ""):
    st.toast(plain(changed), icon=":material/check:")
widgets.person_header(explorer, profile, "Recommendations for")
if profile.history:
    st.caption(
        "What this person likes, and what the model would show next. Behind each title: a few neighbours sampled from the knowledge graph."
    )
    show_likes(explorer.liked(profile))

above = st.container()
with st.container(
    horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", gap="small"
):
    heading = (
        f"The {selection.top} titles the model would show next"
        if selection.top > 1
        else "The title the model would show next"
    )
    heading = heading if profile.history else f"Top {selection.top} by popularity"
    st.header(heading, anchor=False, width="content")
    wanted = lists.near_field()
with above:
    lists.show_near(explorer, profile, wanted)
genres, types = [], []
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    if explorer.genres:
        genres = st.multiselect(
            "Genres", explorer.genres, key="genres", bind="query-params", placeholder="all genres", width=190
        )
    if explorer.types:
        types = st.multiselect(
            "Types", explorer.types, key="types", bind="query-params", placeholder="all types", width=140
        )
    fame = st.selectbox(
        "Liked by", list(FAME), key="liked_by", bind="query-params", width=130, help=FAME_HELP
    )
    hide_seen = st.toggle(
        "Hide seen titles",
        value=True,
        key="hide_seen",
        bind="query-params",
        help="Off: seen titles may appear and are marked.",
    )
    percent = st.slider(
        "Diversity",
        0,
        MOST_DIVERSITY,
        0,
        5,
        format="%d%%",
        key="diversity",
        bind="query-params",
        width=140,
        help=lists.DIVERSITY_HELP,
    )
    view = widgets.one_of("Show as", VIEWS, "view")
wrong += widgets.not_followed(
    {name: values[-1] for name, values in asked.items()},
    {"liked_by": fame, "hide_seen": hide_seen, "diversity": percent, "view": view},
)
if wrong:
    widgets.show_notice(
        Notice(
            f"The link asks for {', '.join(wrong)}, which is not possible here. The fields above show what is used instead."
        )
    )

filters = {"hide_seen": hide_seen, "genres": tuple(genres), "types": tuple(types), "most_likes": FAME[fame]}
recommended = cache.recommendations(explorer, profile, selection.top, **filters, diversity=percent / 100)
if recommended.empty:
    few = "" if FAME[fame] is None else f"titles liked by {fame}"
    show_nothing(list(filter(None, (" or ".join(types), " or ".join(genres), few))), hide_seen)
    st.stop()
if len(recommended) < selection.top:
    st.caption(f"Only {len(recommended)} titles pass the filters.")
if filters["most_likes"] == 0:
    st.caption(
        "The model knows of nobody who likes these titles: what the knowledge graph tells of them ranks them."
    )
if percent:
    lists.show_cost(explorer, cache.recommendations(explorer, profile, selection.top, **filters), recommended)
unedited: set[object] = set()
if profile.edited and profile.user_id is not None:
    as_in_the_data = explorer.profile(profile.user_id)
    unedited = set(
        cache.recommendations(explorer, as_in_the_data, selection.top, **filters, diversity=percent / 100)[
            "item_id"
        ]
    )
if view == "table":
    show_table(recommended, profile, hide_seen, bool(percent))
else:
    cards.show(explorer, profile, recommended, marks, lists.more_like)
lists.show_weights(explorer)
columns = ["rank", "item_id", "title", "type", "genres", "likes", "score", "score_rank", "seen", "reason"]
st.download_button(
    "Download as CSV",
    widgets.safe_csv(pd.DataFrame(recommended[columns])),
    file_name="recommendations.csv",
    mime="text/csv",
    icon=":material/download:",
    on_click="ignore",
)
