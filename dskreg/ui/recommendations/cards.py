"""Recommendations as cards: a generated cover, the score, the reason in words, and actions."""

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile, percent
from dskreg.ui.common import notes
from dskreg.ui.common.charts import shorten
from dskreg.ui.frame import people, sidebar
from dskreg.ui.recommendations import posters, tiles
from dskreg.ui.recommendations.covers import HEIGHT, WIDTH, cover
from dskreg.ui.recommendations.tiles import Act, Tile

LONGEST_TITLE, LONGEST_KIND, LONGEST_REASON = (
    90,
    160,
    400,
)  # characters on a card; the table has the full text

OWN, AROUND = "light-dark(#0f6e6e, #3fb0aa)", "light-dark(#c8641b, #e08a4c)"  # parts of a bar

# All text from files in it is escaped.
_STYLE = f"""<style>
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
.st-key-near_panel {{ scroll-margin-top: 4rem }}
@media (max-width: 700px) {{ .st-key-strips > div:has(details[open]) {{ flex-basis: 100% }} }}
</style>"""


def style() -> None:
    """The style sheet of the cards; call it once per page, before the first card."""
    st.html(_STYLE)


def show(
    explorer: Explorer,
    profile: Profile,
    titles: pd.DataFrame,
    marks: Callable[[Any], Iterable[str]],
    more: Act,
) -> None:
    """The rows of `Explorer.recommend` as cards, in their order.

    Args:
        marks: the badges of a row.
        more: the callback of “More like”.
    """
    by = "score" if profile.history else "likes"  # without a history every score is 0
    high = titles[by].max()

    def tile(row: Any) -> Tile:
        share = max(getattr(row, by) / high, 0.0) if high > 0 else 0.0
        poster = posters.address(row.item_id)
        html = card(row, cover(row.title), share, marks(row), by, poster, bool(explorer.relations))
        return Tile(row.item_id, row.title, html, ("why", "like", "dislike", "more", *noted()))

    acts = ACTS | {"more": more}
    tiles.show("cards", map(tile, titles.itertuples()), "cards", acts)
    note_dialog(explorer, profile, titles)


def strip(name: str, titles: pd.DataFrame, figures: Mapping[str, str], more: Act | None = None) -> None:
    """Rows with item_id, title and seen as small covers in one row, which scrolls sideways.

    Args:
        name: the key of the element.
        figures: {column: label} of the numbers below each title.
        more: the callback of “More like”, which stands beside “Like”; without it there is “Why?”.
    """

    def tile(row: Any) -> Tile:
        html = small_card(row, cover(row.title), figures, posters.address(row.item_id))
        actions = ("why",) * (more is None) + ("like",) * (not row.seen) + ("more",) * (more is not None)
        return Tile(row.item_id, row.title, html, actions)

    tiles.show(name, map(tile, titles.itertuples()), "strip", ACTS | ({"more": more} if more else {}))


def card(
    row: Any,
    svg: str,
    share: float,
    marks: Iterable[str] = (),
    by: str = "score",
    poster: str = "",
    sampled: bool = True,
) -> str:
    """One card as HTML.

    `share`: the bar's length as a share of the list's largest value; `by`: its quantity, score or likes;
    `poster`: the address of an image; `sampled`: are neighbours sampled, so that their share is told?
    """
    figure = f"Score <b>{row.score:.2f}</b>" if by == "score" else f"Likes <b>{row.likes:,}</b>"
    around = neighbours(row) if by == "score" and sampled else None
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


def why(item_id: object, _title: str = "") -> None:
    """Callback: open the title's explanation."""
    sidebar.inspect(item_id, "pages/sampling.py")


ACTS: dict[str, Act] = {"why": why, "like": liked, "dislike": disliked, "note": notes.ask}


def noted() -> tuple[str, ...]:
    """The button for a note, where this server keeps notes."""
    return ("note",) if notes.allowed() else ()


def note_dialog(explorer: Explorer, profile: Profile, titles: pd.DataFrame) -> None:
    """The dialog that keeps a note on one of these rows of the list, where it is open."""
    for row in titles[titles["item_id"] == notes.asked()].itertuples():
        about = explorer.notebook.about(profile, row.item_id, rank=row.rank, score=row.score)
        notes.dialog(about, str(row.title))


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
