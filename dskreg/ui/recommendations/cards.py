"""Recommendations as cards: a generated cover, the score, the reason in a sentence, and actions."""

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

CARD, SMALL = 290, 118  # minimum width in pixels of a card, and width of a title in the strip
SHORTEST_BAR = 4  # percent: the bar of the list's last title
RIM = 0.95  # share of the titles within distance 1 of the map's centre
LONGEST_TITLE, LONGEST_KIND, LONGEST_REASON = (
    90,
    160,
    400,
)  # characters on a card; the table has the full text

OWN, AROUND = "light-dark(#0f6e6e, #3fb0aa)", "light-dark(#c8641b, #e08a4c)"  # parts of a bar

# One piece of HTML per card: fifty cards of Streamlit elements would be slow. All text in it is escaped.
_STYLE = f"""<style>
.st-key-cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min({CARD}px, 100%), 1fr));
  align-items: stretch }}
.st-key-cards > div, .st-key-cards [class*="st-key-card_"] {{
  width: 100%; max-width: 100%; min-width: 0; height: 100% }}
[class*="st-key-do_"] {{ gap: 0 0.9rem }}
.title-card {{ display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 0.6rem 0.9rem;
  overflow-wrap: anywhere }}
.title-card img, .title-small img {{ width: 100%; height: auto; aspect-ratio: {WIDTH} / {HEIGHT};
  border-radius: 0.4rem; display: block }}
.title-card h3, .title-small h3 {{ font-size: 1rem; line-height: 1.3; margin: 0; padding: 0;
  font-weight: 650 }}
.title-card p, .title-small p {{ margin: 0.3rem 0 0; font-size: 0.87rem; line-height: 1.35;
  color: light-dark(#465254, #b3c0c1) }}
.title-card .reason {{ grid-column: 1 / -1; margin: 0; color: inherit }}
.title-card .bar {{ height: 5px; border-radius: 3px; margin-top: 0.25rem;
  background: light-dark(#dfe6e5, #2c393c) }}
.title-card .bar > span {{ display: block; height: 100%; border-radius: 3px; overflow: hidden;
  background: {OWN} }}
.title-card .bar > span > span {{ display: block; height: 100%; margin-left: auto; background: {AROUND} }}
.bar-key {{ margin: 0; font-size: 0.87rem; color: light-dark(#465254, #b3c0c1) }}
.bar-key span {{ display: inline-block; width: 0.8rem; height: 0.5rem; border-radius: 3px;
  margin: 0 0.3rem 0 0.7rem; background: {OWN} }}
.bar-key .around {{ background: {AROUND} }}
.title-card b, .title-small b {{ color: light-dark(#0f1718, #e8eeee) }}
.title-card .mark, .title-small .mark {{ display: inline-block; margin: 0.35rem 0.3rem 0 0;
  padding: 0 0.45rem; border-radius: 0.8rem; font-size: 0.8rem; color: inherit;
  border: 1px solid light-dark(#8d9a9b, #6f8083) }}
.title-small h3 {{ font-size: 0.87rem; margin-top: 0.4rem; overflow-wrap: anywhere }}
</style>"""


def style() -> None:
    """The style sheet of the cards; call it once per page, before the first card."""
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
        marks: the badges of a row.
        more: the callback of “More like this”.
    """
    svg_of = covers(explorer, titles)
    by = "score" if profile.history else "likes"  # without a history every score is 0
    low, high = titles[by].min(), titles[by].max()
    if by == "score" and any(neighbours(row) is not None for row in titles.itertuples()):
        st.html(
            '<p class="bar-key">Score:<span></span>own embedding'
            '<span class="around"></span>sampled neighbours</p>'
        )
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
                st.html(card(row, svg_of[row.item_id], share, marks(row), by))
                _actions(profile, row.item_id, row.title, more)


def strip(explorer: Explorer, profile: Profile, titles: pd.DataFrame, more: Callable[[object], None]) -> None:
    """The rows of `panels.similar_titles` as small covers in one row, which scrolls sideways."""
    svg_of = covers(explorer, titles)
    with st.container(key="strip", horizontal=True, wrap=False, gap="small"):
        for row in titles.itertuples():
            with st.container(key=f"near_{row.item_id}", width=SMALL, gap="xxsmall"):
                st.html(small_card(row, svg_of[row.item_id]))
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


def card(row: Any, svg: str, share: float, marks: Iterable[str] = (), by: str = "score") -> str:
    """One card as HTML; `share` is the length of the bar, 0 .. 1, and `by` its quantity: score or likes."""
    figure = f"Score <b>{row.score:.2f}</b>" if by == "score" else f"Likes <b>{row.likes:,}</b>"
    around = neighbours(row) if by == "score" else None
    part = under = ""
    if around is not None:
        under = f"<p><b>{around:.0%}</b> from neighbours</p>"
        part = f'<span style="width:{100 * min(max(around, 0.0), 1.0):.0f}%"></span>'
    kind = " · ".join(filter(None, (row.type, row.genres)))
    badges = "".join(f'<span class="mark">{escape(mark)}</span>' for mark in marks)
    width = SHORTEST_BAR + (100 - SHORTEST_BAR) * share
    return (
        f'<article class="title-card">{image(svg, row.title)}'
        f"<div><h3>{row.rank}. {escape(shorten(row.title, LONGEST_TITLE))}</h3>"
        f"<p>{escape(shorten(kind, LONGEST_KIND))}</p><p>{figure}</p>"
        f'<div class="bar" aria-hidden="true"><span style="width:{width:.0f}%">{part}</span></div>'
        f"{under}{badges}</div>"
        f'<p class="reason">{escape(shorten(row.reason, LONGEST_REASON))}</p></article>'
    )


def neighbours(row: Any) -> float | None:
    """The sampled neighbours' share of a row's score; None where the score is 0 or below."""
    share = getattr(row, "neighbour_share", math.nan)
    return None if math.isnan(share) or row.score <= 0 else share


def small_card(row: Any, svg: str) -> str:
    """A title of the strip as HTML."""
    word = "liked" if row.liked else "seen" if row.seen else ""
    badge = f'<span class="mark">{word}</span>' if word else ""
    return (
        f'<article class="title-small">{image(svg, row.title)}'
        f"<h3>{escape(shorten(row.title, LONGEST_TITLE))}</h3>"
        f"<p>Similarity <b>{row.similarity:.2f}</b></p><p>Score <b>{row.score:.2f}</b></p>{badge}</article>"
    )


def covers(explorer: Explorer, titles: pd.DataFrame) -> dict[Any, str]:
    """{item id: cover as SVG} of rows with item_id, title and genres."""
    positions = explorer.maps.titles().set_index("item_id")[["x", "y"]]
    away = positions - positions.mean()
    rim = float((away**2).sum(axis=1).pow(0.5).quantile(RIM)) if len(positions) else 0.0
    order = {genre: place for place, genre in enumerate(explorer.genres)}
    svg_of = {}
    for item_id, title, genres in zip(titles["item_id"], titles["title"], titles["genres"], strict=True):
        x, y = (
            (away.loc[item_id] / rim).tolist()
            if item_id in away.index and rim > 0 and math.isfinite(rim)
            else (0.0, 0.0)
        )
        svg_of[item_id] = cover(title, rarest_first(genres, order), x, y)
    return svg_of


def rarest_first(genres: str, order: dict[str, int]) -> Sequence[str]:
    """The genres of a title, the rarest first; `order` numbers all genres from the most frequent."""
    return sorted(filter(None, genres.split(", ")), key=lambda genre: -order.get(genre, -1))


def liked(item_id: object, title: str) -> None:
    """Callback: like a title and report it, since the title leaves the list."""
    people.like(item_id)
    st.session_state["changed"] = f"Liked “{title}”. Recommendations updated."


def disliked(item_id: object, title: str) -> None:
    """Callback: dislike a title and report it."""
    people.dislike(item_id)
    st.session_state["changed"] = f"Disliked “{title}”. Removed from recommendations."


def undone(item_id: object, title: str) -> None:
    """Callback: undo a like and report it."""
    people.forget(item_id)
    st.session_state["changed"] = f"Like of “{title}” undone. Recommendations updated."


def _actions(profile: Profile, item_id: object, title: str, more: Callable[[object], None]) -> None:
    def action(label: str, key: str, icon: str, act: Callable[..., None], *arguments: object) -> None:
        st.button(
            label,
            key=f"{key} {item_id}",
            icon=f":material/{icon}:",
            type="tertiary",
            on_click=act,
            args=(item_id, *arguments),
        )

    with st.container(horizontal=True, key=f"do_{item_id}"):
        if item_id in profile.liked:
            action("Undo like", "unlike", "undo", undone, title)
        elif item_id not in profile.history:
            action("Like", "like", "thumb_up", liked, title)
        action("Dislike", "dislike", "thumb_down", disliked, title)
        action("Explain", "why", "hub", sidebar.inspect, "pages/sampling.py")
        action("More like this", "more", "search", more)


def image(svg: str, title: str) -> str:
    """A cover as an HTML image."""
    data = base64.b64encode(svg.encode()).decode()
    alt = f"Generated cover of {escape(shorten(title, LONGEST_TITLE))}"
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" width="{WIDTH}" height="{HEIGHT}">'
