"""Recommendations as cards: a drawn cover, the score beside the list's best, the reason in a sentence, and
what one can do about it.
"""

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile
from dskreg.ui.common.charts import shorten
from dskreg.ui.frame import people, sidebar
from dskreg.ui.recommendations.covers import HEIGHT, WIDTH, cover

CARD, SMALL = 290, 118  # pixels: at least as wide is a card, and a title of the strip
SHORTEST_BAR = 4  # percent: the last of a list still has a bar
RIM = 0.95  # share of the titles that lie inside the map's rim
LONGEST_TITLE, LONGEST_KIND, LONGEST_REASON = 90, 160, 400  # characters on a card; the table has them whole

# One piece of HTML for each card, since a page of fifty would otherwise be made of hundreds of parts. Every
# text in it is escaped.
_STYLE = f"""<style>
.st-key-cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min({CARD}px, 100%), 1fr)); align-items: stretch }}
.st-key-cards > div, .st-key-cards [class*="st-key-card_"] {{ width: 100%; max-width: 100%; min-width: 0; height: 100% }}
[class*="st-key-do_"] {{ gap: 0 0.9rem }}
.title-card {{ display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 0.6rem 0.9rem; overflow-wrap: anywhere }}
.title-card img, .title-small img {{ width: 100%; height: auto; aspect-ratio: {WIDTH} / {HEIGHT}; border-radius: 0.4rem; display: block }}
.title-card h3, .title-small h3 {{ font-size: 1rem; line-height: 1.3; margin: 0; padding: 0; font-weight: 650 }}
.title-card p, .title-small p {{ margin: 0.3rem 0 0; font-size: 0.87rem; line-height: 1.35; color: light-dark(#465254, #b3c0c1) }}
.title-card .reason {{ grid-column: 1 / -1; margin: 0; color: inherit }}
.title-card .bar {{ height: 5px; border-radius: 3px; margin-top: 0.25rem; background: light-dark(#dfe6e5, #2c393c) }}
.title-card .bar span {{ display: block; height: 100%; border-radius: 3px; background: light-dark(#0f6e6e, #3fb0aa) }}
.title-card b, .title-small b {{ color: light-dark(#0f1718, #e8eeee) }}
.title-card .mark, .title-small .mark {{ display: inline-block; margin: 0.35rem 0.3rem 0 0; padding: 0 0.45rem; border-radius: 0.8rem;
  font-size: 0.8rem; color: inherit; border: 1px solid light-dark(#8d9a9b, #6f8083) }}
.title-small h3 {{ font-size: 0.87rem; margin-top: 0.4rem; overflow-wrap: anywhere }}
</style>"""


def style() -> None:
    """How cards look; once per page, before the first."""
    st.html(_STYLE)


def show(
    explorer: Explorer,
    profile: Profile,
    titles: pd.DataFrame,
    marks: Callable[[Any], Iterable[str]],
    more: Callable[[object], None],
) -> None:
    """The rows of `Explorer.recommend` as cards, in their order.

    Args:
        marks: the short remarks on a row.
        more: callback of "More like this".
    """
    drawn = covers(explorer, titles)
    by = "score" if profile.history else "likes"  # of whom nothing is known, everything has the score 0
    low, high = titles[by].min(), titles[by].max()
    with st.container(key="cards", gap="small"):
        for row in titles.itertuples():
            share = (getattr(row, by) - low) / (high - low) if high > low else 1.0
            with st.container(
                key=f"card_{row.item_id}",
                border=True,
                height="stretch",
                vertical_alignment="distribute",
                gap="xsmall",
            ):
                st.html(card(row, drawn[row.item_id], share, marks(row), by))
                _actions(profile, row.item_id, row.title, more)


def strip(explorer: Explorer, profile: Profile, titles: pd.DataFrame, more: Callable[[object], None]) -> None:
    """The rows of `lists.near` as small covers in one row, which scrolls where it is longer than the page is
    wide.
    """
    drawn = covers(explorer, titles)
    with st.container(key="strip", horizontal=True, wrap=False, gap="small"):
        for row in titles.itertuples():
            with st.container(key=f"near_{row.item_id}", width=SMALL, gap="xxsmall"):
                st.html(small_card(row, drawn[row.item_id]))
                if not row.seen:
                    st.button(
                        "Like",
                        key=f"near_like {row.item_id}",
                        icon=":material/thumb_up:",
                        type="tertiary",
                        on_click=liked,
                        args=(row.item_id, row.title),
                    )
                st.button(
                    "More like this",
                    key=f"near_more {row.item_id}",
                    type="tertiary",
                    on_click=more,
                    args=(row.item_id,),
                )


def card(row: Any, drawn: str, share: float, marks: Iterable[str] = (), by: str = "score") -> str:
    """One card as HTML; `share` is the bar's length, 0 .. 1, `by` what it shows: score or likes."""
    figure = f"Score <b>{row.score:.2f}</b>" if by == "score" else f"Likes <b>{row.likes:,}</b>"
    kind = " · ".join(filter(None, (row.type, row.genres)))
    notes = "".join(f'<span class="mark">{escape(mark)}</span>' for mark in marks)
    return (
        f'<article class="title-card">{_image(drawn, row.title)}<div><h3>{row.rank}. {escape(shorten(row.title, LONGEST_TITLE))}</h3>'
        f"<p>{escape(shorten(kind, LONGEST_KIND))}</p><p>{figure}</p>"
        f'<div class="bar" aria-hidden="true"><span style="width:{SHORTEST_BAR + (100 - SHORTEST_BAR) * share:.0f}%"></span></div>{notes}</div>'
        f'<p class="reason">{escape(shorten(row.reason, LONGEST_REASON))}</p></article>'
    )


def small_card(row: Any, drawn: str) -> str:
    """A title of the strip as HTML."""
    mark = (
        '<span class="mark">liked</span>'
        if row.liked
        else '<span class="mark">seen</span>'
        if row.seen
        else ""
    )
    return (
        f'<article class="title-small">{_image(drawn, row.title)}<h3>{escape(shorten(row.title, LONGEST_TITLE))}</h3>'
        f"<p>Alike <b>{row.similarity:.0%}</b></p><p>Score <b>{row.score:.2f}</b></p>{mark}</article>"
    )


def covers(explorer: Explorer, titles: pd.DataFrame) -> dict[Any, str]:
    """{title id: cover as SVG} of some rows with item_id, title and genres."""
    places = explorer.maps.titles().set_index("item_id")[["x", "y"]]
    middle = places.mean()
    away = places - middle
    rim = float((away**2).sum(axis=1).pow(0.5).quantile(RIM)) if len(places) else 0.0
    order = {genre: place for place, genre in enumerate(explorer.genres)}
    drawn = {}
    for item_id, title, genres in zip(titles["item_id"], titles["title"], titles["genres"], strict=True):
        x, y = (
            (away.loc[item_id] / rim).tolist()
            if item_id in away.index and rim > 0 and math.isfinite(rim)
            else (0.0, 0.0)
        )
        drawn[item_id] = cover(title, rarest_first(genres, order), x, y)
    return drawn


def rarest_first(genres: str, order: dict[str, int]) -> Sequence[str]:
    """The genres of a title, the one that tells most first: what few titles have.

    `order` numbers them from the most frequent.
    """
    return sorted(filter(None, genres.split(", ")), key=lambda genre: -order.get(genre, -1))


def liked(item_id: object, title: str) -> None:
    """Callback: like a title and say so, since it leaves the list."""
    people.like(item_id)
    st.session_state["changed"] = f"Liked “{title}”. The list is new."


def disliked(item_id: object, title: str) -> None:
    """Callback: dislike a title and say so."""
    people.dislike(item_id)
    st.session_state["changed"] = f"Disliked “{title}”. It is out of the lists."


def taken_back(item_id: object, title: str) -> None:
    """Callback: take a like back."""
    people.forget(item_id)
    st.session_state["changed"] = f"The like of “{title}” is taken back."


def _actions(profile: Profile, item_id: object, title: str, more: Callable[[object], None]) -> None:
    with st.container(horizontal=True, key=f"do_{item_id}"):
        if item_id in profile.liked:
            st.button(
                "Take the like back",
                key=f"unlike {item_id}",
                icon=":material/undo:",
                type="tertiary",
                on_click=taken_back,
                args=(item_id, title),
            )
        elif item_id not in profile.history:
            st.button(
                "Like",
                key=f"like {item_id}",
                icon=":material/thumb_up:",
                type="tertiary",
                on_click=liked,
                args=(item_id, title),
            )
        st.button(
            "Dislike",
            key=f"dislike {item_id}",
            icon=":material/thumb_down:",
            type="tertiary",
            on_click=disliked,
            args=(item_id, title),
        )
        st.button(
            "Why?",
            key=f"why {item_id}",
            icon=":material/hub:",
            type="tertiary",
            on_click=sidebar.inspect,
            args=(item_id, "pages/sampling.py"),
        )
        st.button(
            "More like this",
            key=f"more {item_id}",
            icon=":material/search:",
            type="tertiary",
            on_click=more,
            args=(item_id,),
        )


def _image(drawn: str, title: str) -> str:
    data = base64.b64encode(drawn.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="Cover drawn for {escape(shorten(title, LONGEST_TITLE))}" width="{WIDTH}" height="{HEIGHT}">'
