"""Recommendations as cards: a generated cover, the score, the reason in words, and actions."""

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile, percent
from dskreg.ui.common import notes
from dskreg.ui.common.charts import shorten
from dskreg.ui.common.widgets import plain
from dskreg.ui.frame import people, sidebar
from dskreg.ui.recommendations import posters
from dskreg.ui.recommendations.covers import HEIGHT, WIDTH, cover

CARD, SMALL = 290, 118  # minimum width in pixels of a card, and width of a title in the strip
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
[class*="st-key-do_"] {{ gap: 0.15rem }}
[class*="st-key-why_"] p {{ word-spacing: -0.3em }}
[class*="st-key-why_"] p::after {{ content: "?" / "" }}
[class*="st-key-why_"] em, [class*="st-key-act_"] p {{ position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap }}
[class*="st-key-act_"] button {{ min-width: 2rem; justify-content: center }}
[class*="st-key-act_note_"] button > div > [aria-hidden="true"] {{ display: none }}
.title-card {{ display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 0.6rem 0.9rem;
  overflow-wrap: anywhere }}
.title-card img, .title-small img {{ width: 100%; height: auto; aspect-ratio: {WIDTH} / {HEIGHT};
  border-radius: 0.4rem; display: block }}
.poster {{ position: relative; display: block; align-self: start }}
.poster span {{ position: absolute; inset: 0; border-radius: 0.4rem; background: center / cover no-repeat }}
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
.title-card .key {{ display: inline-block; width: 0.8rem; height: 0.5rem; border-radius: 3px;
  margin-right: 0.3rem; background: {AROUND} }}
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
        more: the callback of “More like”.
    """
    by = "score" if profile.history else "likes"  # without a history every score is 0
    high = titles[by].max()
    with st.container(key="cards", gap="small"):
        for row in titles.itertuples():
            share = max(getattr(row, by) / high, 0.0) if high > 0 else 0.0
            with st.container(
                key=f"card_{row.item_id}",
                border=True,
                height="stretch",
                vertical_alignment="distribute",
                gap="xsmall",
            ):
                poster = posters.address(row.item_id)
                st.html(card(row, cover(row.title), share, marks(row), by, poster))
                _actions(explorer, profile, row, more)


def strip(
    name: str, titles: pd.DataFrame, figures: Mapping[str, str], more: Callable[[object], None] | None = None
) -> None:
    """Rows with item_id, title and seen as small covers in one row, which scrolls sideways.

    Args:
        name: begins the keys of the row's elements.
        figures: {column: label} of the numbers below each title.
        more: the callback of “More like”, which stands beside “Like”; without it there is “Why?”.
    """
    with st.container(key=name, horizontal=True, wrap=False, gap="small"):
        for row in titles.itertuples():
            with st.container(key=f"{name}_{row.item_id}", width=SMALL, gap="xxsmall"):
                st.html(small_card(row, cover(row.title), figures, posters.address(row.item_id)))
                with st.container(horizontal=True, key=f"do_{name}_{row.item_id}"):
                    if more is None:
                        why(row.item_id, row.title, f"{name}_why")
                    if not row.seen:
                        _icon("Like", f"{name}_like", "thumb_up", row.item_id, row.title, liked, row.title)
                    if more:
                        _icon("More like", f"{name}_more", "search", row.item_id, row.title, more)


def card(
    row: Any, svg: str, share: float, marks: Iterable[str] = (), by: str = "score", poster: str = ""
) -> str:
    """One card as HTML.

    `share`: the bar's length as a share of the list's largest value; `by`: its quantity, score or likes;
    `poster`: the address of an image.
    """
    figure = f"Score <b>{row.score:.2f}</b>" if by == "score" else f"Likes <b>{row.likes:,}</b>"
    around = neighbours(row) if by == "score" else None
    part = under = ""
    if around is not None:
        under = f'<p><span class="key"></span><b>{percent(around)}</b> from neighbours</p>'
        part = f'<span style="width:{100 * min(max(around, 0.0), 1.0):.0f}%"></span>'
    kind = " · ".join(filter(None, (row.type, row.genres)))
    badges = "".join(f'<span class="mark">{escape(mark)}</span>' for mark in marks)
    return (
        f'<article class="title-card">{image(svg, row.title, poster)}'
        f"<div><h3>{row.rank}. {escape(shorten(row.title, LONGEST_TITLE))}</h3>"
        f"<p>{escape(shorten(kind, LONGEST_KIND))}</p><p>{figure}</p>"
        f'<div class="bar" aria-hidden="true"><span style="width:{100 * share:.0f}%">{part}</span></div>'
        f"{under}{badges}</div>"
        f'<p class="reason">{escape(shorten(row.reason, LONGEST_REASON))}</p></article>'
    )


def neighbours(row: Any) -> float | None:
    """The sampled neighbours' share of a row's score; None where the score is 0 or below."""
    share = getattr(row, "neighbour_share", math.nan)
    return None if math.isnan(share) or row.score <= 0 else share


def connection(relation: str, names: Sequence[object]) -> str:
    """What connects two titles: "genre: Drama, Sports", or the relation alone for a direct link."""
    return f"{relation}{': ' * bool(len(names))}{', '.join(map(str, names[:2]))}"


def small_card(row: Any, svg: str, figures: Mapping[str, str], poster: str = "") -> str:
    """A title of a strip as HTML, with `shared` where the row has it.

    `figures`: {column: label} of the numbers below the title.
    """
    word = "liked" if getattr(row, "liked", False) else "seen" if row.seen else ""
    badge = f'<span class="mark">{word}</span>' if word else ""
    numbers = "".join(f"<p>{label} <b>{getattr(row, name):.2f}</b></p>" for name, label in figures.items())
    if shared := getattr(row, "shared", ""):
        numbers += f"<p>{escape(shorten(shared, LONGEST_TITLE))}</p>"
    return (
        f'<article class="title-small">{image(svg, row.title, poster)}'
        f"<h3>{escape(shorten(row.title, LONGEST_TITLE))}</h3>{numbers}{badge}</article>"
    )


def liked(item_id: object, title: str) -> None:
    """Callback: like a title and report it, since the title leaves the list."""
    people.like(item_id)
    st.session_state["changed"] = f"Liked “{title}”. Recommendations updated."


def disliked(item_id: object, title: str) -> None:
    """Callback: dislike a title and report it."""
    people.dislike(item_id)
    st.session_state["changed"] = f"Disliked “{title}”. Removed from recommendations."


def why(
    item_id: object, title: str, key: str = "why", kind: Literal["primary", "tertiary"] = "tertiary"
) -> None:
    """The button that opens the title's explanation.

    Shown as “Why?”; its accessible name contains the title, which the style sheet hides.
    """
    with st.container(key=f"why_{key}_{item_id}", width="content"):
        st.button(
            f"Why *{_name(title)}?*",
            key=f"{key} {item_id}",
            type=kind,
            on_click=sidebar.inspect,
            args=(item_id, "pages/sampling.py"),
        )


def _icon(
    label: str, key: str, icon: str, item_id: object, title: str, act: Callable[..., None], *arguments: object
) -> None:
    """A button shown as an icon, with the label as its tooltip and the title in its accessible name."""
    with st.container(key=f"act_{key}_{item_id}", width="content"):
        st.button(
            f"{label} {_name(title)}",
            key=f"{key} {item_id}",
            icon=f":material/{icon}:",
            type="tertiary",
            help=label,
            on_click=act,
            args=(item_id, *arguments),
        )


def _name(title: str) -> str:
    return plain(shorten(title, LONGEST_TITLE)).strip() or "untitled"


def _actions(explorer: Explorer, profile: Profile, row: Any, more: Callable[[object], None]) -> None:
    item_id, title = row.item_id, row.title
    with st.container(horizontal=True, key=f"do_{item_id}", vertical_alignment="center"):
        why(item_id, title, kind="primary")
        _icon("Like", "like", "thumb_up", item_id, title, liked, title)
        _icon("Dislike", "dislike", "thumb_down", item_id, title, disliked, title)
        _icon("More like", "more", "search", item_id, title, more)
        note(explorer, profile, row)


def note(explorer: Explorer, profile: Profile, row: Any) -> None:
    """The popover that keeps a note on a row of the list."""
    with st.container(key=f"act_note_{row.item_id}", width="content"):
        about = explorer.notebook.about(profile, row.item_id, rank=row.rank, score=row.score)
        label = f"Note on {_name(row.title)}"
        notes.control(about, label, f"note {row.item_id}", type="tertiary", help="Note")


def image(svg: str, title: str, poster: str = "") -> str:
    """A cover as an HTML image; a poster lies over it, and shows nothing where it does not load."""
    data = base64.b64encode(svg.encode()).decode()
    alt = f"{'Poster' if poster else 'Generated cover'} of {escape(shorten(title, LONGEST_TITLE))}"
    below = f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" width="{WIDTH}" height="{HEIGHT}">'
    if not poster:
        return below
    # An image that does not load would leave a mark over the cover; a background leaves nothing
    over = escape(f'background-image: url("{poster}")')
    return f'<span class="poster">{below}<span style="{over}"></span></span>'
