"""The row of new titles below a list: the user's best titles that nobody has rated yet, each with the
neighbours that were sampled for it.
"""

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Profile, percent
from dskreg.ui.common import cache
from dskreg.ui.common.charts import shorten
from dskreg.ui.recommendations import cards, posters, tiles
from dskreg.ui.recommendations.covers import cover
from dskreg.ui.recommendations.filters import Filters
from dskreg.ui.recommendations.tiles import Tile

HEADING = "New, and nobody has rated it yet"
COUNT, NAMED = 4, 3  # titles, and sampled neighbours named of each
LONGEST = 60  # characters of a neighbour's title
STYLE = """<style>
.title-new { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: 0.6rem 0.8rem;
  overflow-wrap: anywhere }
.title-new img { width: 100%; height: auto; border-radius: 0.4rem; display: block }
.title-new h3 { font-size: 1rem; line-height: 1.3; margin: 0; padding: 0; font-weight: 650 }
.title-new p { margin: 0.3rem 0 0; font-size: 0.87rem; line-height: 1.35;
  color: light-dark(#465254, #b3c0c1) }
.title-new ul { grid-column: 1 / -1; margin: 0; padding: 0; list-style: none; font-size: 0.87rem;
  line-height: 1.4 }
.title-new li { margin: 0 0 0.3rem; padding: 0; font-size: inherit }
.title-new li span { color: light-dark(#465254, #b3c0c1) }
</style>"""


def show(explorer: Explorer, profile: Profile, chosen: Filters, listed: pd.DataFrame) -> None:
    """The row of titles outside the list `listed`, under its filters.

    Nothing without such titles, without a like, or in the paper's form, where a title without likes has an
    untrained embedding.
    """
    if explorer.samples_likes or not profile.history:
        return
    # At a boost of 0 every score is 0: they are ranked at 1
    model = explorer if explorer.cold_boost else cache.boosted(explorer, 1.0)
    wanted = {"genres": chosen.genres, "types": chosen.types, "most_likes": 0}
    listed = listed[listed["likes"] == 0]
    titles: pd.DataFrame = cache.recommendations(model, profile, COUNT + len(listed), **wanted)
    titles = titles[~titles["item_id"].isin(listed["item_id"])].head(COUNT)
    if titles.empty:
        return
    st.subheader(HEADING, anchor=False)
    off = " “New items” is 0 in the sidebar, so the list above leaves them out." * (model is not explorer)
    whose = "Your" if profile.user_id is None else "The user's"
    st.caption(
        f"{whose} best items without likes: neighbours sampled from the knowledge graph make their whole "
        f"score. Per cent: share of the score.{off}"
    )
    st.html(STYLE)
    drawn: pd.DataFrame = cache.ask(model, "sampled", profile, titles["item_id"].tolist())

    def tile(row: Any) -> Tile:
        found = neighbours(drawn[drawn["item_id"] == row.item_id])
        html = card(row, cover(row.title), found, posters.address(row.item_id))
        return Tile(row.item_id, row.title, html, ("why",))

    tiles.show("newcomers", map(tile, titles.itertuples()), "new", cards.ACTS)


@dataclass(frozen=True)
class Neighbour:
    """A sampled neighbour with all relations under which it was sampled."""

    title: str
    contribution: float
    relations: tuple[str, ...]  # "genre: Drama, Sports"


def neighbours(drawn: pd.DataFrame) -> list[Neighbour]:
    """The neighbours of one item's rows of `Explorer.sampled`, the largest contribution first; one that was
    sampled twice stands once.
    """
    rows: dict[Any, list[Any]] = {}
    for row in drawn.itertuples():
        rows.setdefault(row.neighbour_id, []).append(row)
    found = [
        Neighbour(
            str(same[0].title),
            sum(row.contribution for row in same),
            tuple(cards.connection(row.relation, row.via) for row in same),
        )
        for same in rows.values()
    ]
    return sorted(found, key=lambda neighbour: -neighbour.contribution)


def card(row: Any, svg: str, found: list[Neighbour], poster: str = "") -> str:
    """One title as HTML, with the neighbours `found` that add most to its score."""
    lines = [_neighbour(neighbour, row.score) for neighbour in found[:NAMED]]
    if rest := found[NAMED:]:
        together = _share(sum(neighbour.contribution for neighbour in rest), row.score)
        lines.append(f"<li><span>{len(rest)} more{together}</span></li>")
    kind = " · ".join(filter(None, (row.type, row.genres)))
    return (
        f'<article class="title-new">{cards.image(svg, row.title, poster)}'
        f"<div><h3>{escape(shorten(row.title, cards.LONGEST_TITLE))}</h3>"
        f"<p>{escape(shorten(kind, cards.LONGEST_KIND))}</p><p>Score <b>{row.score:.2f}</b></p></div>"
        f"<ul>{''.join(lines) or '<li>No neighbour was sampled.</li>'}</ul></article>"
    )


def _neighbour(found: Neighbour, score: float) -> str:
    relations = escape(shorten("; ".join(found.relations), 2 * LONGEST))
    return (
        f"<li>{escape(shorten(found.title, LONGEST))}{_share(found.contribution, score)}"
        f"<br><span>{relations}</span></li>"
    )


def _share(contribution: float, score: float) -> str:
    return f" <b>{percent(contribution / score)}</b>" if score > 0 else ""
