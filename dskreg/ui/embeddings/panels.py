"""The panels beside a map: the search, the selected title or user, and the quality of the projection."""

from collections.abc import Callable, Collection

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile, percent
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import genres_label, plain
from dskreg.ui.embeddings import selected
from dskreg.ui.embeddings.controls import LABELS, TITLES, View
from dskreg.ui.embeddings.tables import known
from dskreg.ui.frame import sidebar

MOST_SUGGESTED = 12
ISOLATE_HELP = "Hides all other points and fits the map to these; switch it off to see all again."


def search(explorer: Explorer, kind: str) -> None:
    """A search for a point by its title or id, with suggestions."""
    label, hint = ("Find item", "part of the name") if kind == TITLES else ("Find user", "start of the id")
    text = st.text_input(label, key="map_search", type="search", live="300ms", placeholder=hint) or ""
    text = text.strip()
    if not text:
        return
    if kind == TITLES:
        found = explorer.find_items(text, limit=MOST_SUGGESTED)
        names = dict(zip(found["item_id"].tolist(), found["title"].astype(str), strict=True))
    else:
        found = cache.ask(explorer, "tastes.find", text, limit=MOST_SUGGESTED)
        names = {
            user: f"user {user}, {liked} likes"
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
        placeholder="select a result",
    )


def isolation(view: View, groups: pd.Series, ids: Collection[object], count: int) -> bool:
    """The number of selected points, or of highlighted ones, and the switch that hides all others.

    Args:
        ids: the selected points of the map.
        count: points of the map.
    """
    lit = int(groups.isin(list(view.lit)).sum())
    shown, what = (len(ids), "selected") if len(ids) else (lit, "highlighted")
    if not 0 < shown < count:
        return False
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{shown:,}** {LABELS[view.kind]} {what}", width="content")
        isolated = st.toggle("Isolate", key="isolate", bind="query-params", help=ISOLATE_HELP)
        if len(ids):
            st.button("Clear selection", icon=":material/close:", on_click=selected.forget)
    return bool(isolated)


def _take_found(kind: str) -> None:
    if st.session_state["map_found"] is not None:
        selected.choose(st.session_state["map_found"], kind)
        st.session_state["map_search"] = ""


def title_card(explorer: Explorer, item_id: object) -> None:
    """The selected title, and the effect of aggregation on its neighbourhood."""
    row = explorer.item(item_id)
    st.header(plain(row["title"]), anchor=False)
    facts = [row["type"], row["genres"], f"{row['likes']:,} likes", f"{row['candidates']:,} candidates"]
    st.caption(plain(" · ".join(str(fact) for fact in facts if fact)))
    st.button(
        "Show sampled neighbours",
        icon=":material/hub:",
        on_click=sidebar.inspect,
        args=(item_id, "pages/sampling.py"),
    )
    moved = cache.ask(explorer, "maps.moved")
    own = moved[moved["item_id"] == item_id]
    if len(own) and explorer.relations:
        k = int(cache.ask(explorer, "maps.quality")["k"])
        st.metric(
            "Neighbours kept by aggregation",
            f"{percent(float(own['kept'].iloc[0]))}",
            f"{percent(float(moved['kept'].median()))} for the median item",
            delta_color="off",
            delta_arrow="off",
            help=f"Share of the {k} nearest neighbours before aggregation that remain after it.",
        )


def user_card(
    explorer: Explorer, user: Profile, profile: Profile, choose_user: Callable[[object], None]
) -> None:
    """The selected user's likes, and the button that makes the user the sidebar's profile."""
    st.header(plain(user.label[:1].upper() + user.label[1:]), anchor=False)
    if user.user_id is not None:
        st.button(
            "Use this profile",
            icon=":material/person:",
            on_click=choose_user,
            args=(user.user_id,),
            disabled=user == profile,
        )
    likes = explorer.liked(user)
    st.dataframe(
        likes[known(explorer, ["title", "genres", "type"])],
        hide_index=True,
        key="map_likes",
        height=340,
        alt=f"The likes of {user.label}",
        column_config={
            "title": st.column_config.TextColumn(f"Liked items ({len(likes)})", pinned=True),
            "genres": genres_label(explorer),
            "type": "Type",
        },
    )


def projection_quality(explorer: Explorer, view: View) -> None:
    """How well the projection preserves neighbourhoods, and how to read it."""
    quality = cache.ask(explorer, "maps.quality", view.kind, **view.map)
    if quality["trustworthiness"] is None:
        text = "Projection quality: not measured, since there are too few points. "
    else:
        text = (
            f"Projection quality: trustworthiness {quality['trustworthiness']:.2f} (1 is best); "
            f"{percent(quality['neighbour_preservation'])} of the {quality['k']} nearest neighbours in the "
            "embedding space are also among the nearest on the map. "
        )
    if view.method == "pca":
        variance = sum(quality["parameters"]["variance"])
        text += f"The two axes explain {percent(variance)} of the variance; "
        text += "close points may be far apart in space."
    else:
        text += "Sizes of clusters and distances between them have little meaning."
    st.caption(text)
