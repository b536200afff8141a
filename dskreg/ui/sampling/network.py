"""The drawing of one draw: a title in the middle, what was picked on its right (solid), the best that was not
on its left (dashed).

pyvis writes the page; everything it would fetch is removed and a content policy forbids the rest, so that the
drawing works offline. Positions are computed here (three columns, physics off): the same input gives the same
bytes. Titles come from files somebody else wrote: vis draws labels on a canvas and tooltips as plain text,
everything else is escaped. Streamlit embeds the page with access to the app, hence the care.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import pandas as pd
from pyvis.network import Network

from dskreg.ui.common.charts import shorten

MOST_PICKED, MOST_PASSED = 24, 12  # nodes shown on either side: 37 with the centre
ROWS = 12  # nodes in a column; more picks start another one
COLUMN, ROW = 215, 70  # distances in pixels at full size
FONT = "system-ui,sans-serif"
Row = Mapping[Hashable, Any]  # one of the candidates
LABEL, TOOLTIP = 34, 200  # characters of a title in a box, of a name where the mouse rests

# The app's own colours (.streamlit/config.toml): an iframe does not inherit them.
_LIGHT = {
    "page": "#fdfdfc",
    "box": "#f1f4f3",
    "text": "#1c2526",
    "muted": "#566364",
    "centre": "#0f6e6e",
    "on_centre": "#ffffff",
}
_DARK = {
    "page": "#12191b",
    "box": "#1c2629",
    "text": "#e8eeee",
    "muted": "#a3b1b3",
    "centre": "#4fc3bd",
    "on_centre": "#12191b",
}
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_OPTIONS = {
    "physics": {"enabled": False},
    "interaction": {
        "hover": True,
        "zoomView": False,
        "dragView": True,
        "navigationButtons": False,
        "tooltipDelay": 100,
    },
    "edges": {
        "arrows": {"to": {"enabled": True, "scaleFactor": 0.45}},
        "smooth": {"enabled": True, "type": "cubicBezier", "forceDirection": "horizontal", "roundness": 0.45},
    },
}


@dataclass(frozen=True)
class Drawing:
    """A page for an iframe and what it shows, in other words."""

    html: str
    edges: pd.DataFrame  # the rows of the candidates that are drawn, picks first
    alt: str  # one sentence
    height: int  # pixels that the page wants
    left_out: int  # picks that found no room


def draw(
    candidates: pd.DataFrame,
    centre: str,
    colours: Mapping[str, str],
    liked: Collection[Hashable] = (),
    dark: bool = False,
    passed: int = 8,
) -> Drawing:
    """Draw one side of an explanation.

    Args:
        candidates: one row per candidate, largest key first (`Explanation.item_neighbours` or
            `.user_neighbours`).
        centre: what stands in the middle.
        colours: a colour for every relation.
        liked: ids that get a heart.
        passed: how many that were not picked to show.
    """
    picked = candidates[candidates["picked"]]
    picked = picked.sort_values("contribution", key=abs, ascending=False, kind="stable")
    left_out = max(0, len(picked) - MOST_PICKED)
    picked, missed = (
        picked.head(MOST_PICKED),
        candidates[~candidates["picked"]].head(min(passed, MOST_PASSED)),
    )
    edges = pd.concat([picked, missed]) if len(missed) else picked
    theme, places = (
        _DARK if dark else _LIGHT,
        _places(list(dict.fromkeys(picked["item_id"])), list(dict.fromkeys(missed["item_id"]))),
    )
    rows = min(ROWS, max(len(set(picked["item_id"])), len(set(missed["item_id"])), 3))
    height = min(640, rows * ROW + 30)

    net = Network(
        height=f"min({height}px, {95 * height // 600}vw)",
        width="100%",
        directed=True,
        cdn_resources="in_line",
        bgcolor=theme["page"],
    )
    net.templateEnv = _templates()
    net.set_options(json.dumps(_OPTIONS))
    net.add_node(
        "centre", label=_short(centre), title=_plain(shorten(centre, TOOLTIP)), x=0, y=0, shape="box", color=theme["centre"], margin=12, borderWidth=0,
        font={"color": theme["on_centre"], "size": 16}, widthConstraint={"maximum": 120},
    )  # fmt: skip
    strongest = max(picked["contribution"].abs().max(), 1e-12) if len(picked) else 1.0
    ties: dict[Hashable, list[Row]] = {}
    for row in edges.to_dict("records"):
        ties.setdefault(row["item_id"], []).append(row)
    for item_id, rows_of_item in ties.items():
        colour = colours.get(rows_of_item[0]["relation"], theme["muted"])
        net.add_node(_node(item_id), **_box(rows_of_item, places[item_id], colour, theme, item_id in liked))
        for parallel, row in enumerate(rows_of_item):
            line = _line(row, colours.get(row["relation"], theme["muted"]), strongest)
            if parallel:  # a title under several relations: its further edges bend away from the first
                line["smooth"] = {"enabled": True, "type": "curvedCW", "roundness": round(0.15 * parallel, 2)}
            net.add_edge(_node(item_id), "centre", id=net.num_edges(), **line)
    alt = _sentence(shorten(centre, TOOLTIP), picked, missed)
    legend = _legend([name for name in colours if name in set(edges["relation"])], colours)
    return Drawing(
        _finish(net.generate_html(), theme, alt, legend),
        edges.reset_index(drop=True),
        alt,
        height + 44,
        left_out,
    )


@cache
def _templates() -> Any:
    """Pyvis' templates.

    They are compiled once and not for every drawing, which took longer than all the rest of one.
    """
    return Network().templateEnv


def _places(picked: list, missed: list) -> dict[Hashable, tuple[int, int]]:
    """Columns: missed at -1, picks at 1, 2, ...

    A title that is both picked under one relation and missed under another stands with the picks.
    """
    columns = [(-1, [item for item in missed if item not in set(picked)])]
    columns += [(1 + start // ROWS, picked[start : start + ROWS]) for start in range(0, len(picked), ROWS)]
    places = {}
    for column, items in columns:
        # Further columns look through the gaps of the nearer one
        top = -(len(items) - 1) / 2 + (0.5 if column > 1 else 0.0)
        places.update({item: (column * COLUMN, round((top + row) * ROW)) for row, item in enumerate(items)})
    return places


def _box(
    rows: Sequence[Row], place: tuple[int, int], colour: str, theme: Mapping[str, str], liked: bool
) -> dict[str, Any]:
    first, picked = rows[0], any(row["picked"] for row in rows)
    contribution, chance = (
        sum(row["contribution"] for row in rows),
        max(row["inclusion_probability"] for row in rows),
    )
    figure = f"{contribution:+.3f} · {chance:.0%} likely" if picked else f"{chance:.0%} likely"
    heart = "\u2665 " if liked else ""
    return {
        "label": f"{heart}{_short(str(first['title']))}\n{figure}",
        "title": "\n".join([_plain(shorten(first["title"], TOOLTIP)) + (" (liked)" if liked else ""), *map(_tooltip, rows)]),
        "x": place[0],
        "y": place[1],
        "shape": "box",
        "color": {"background": theme["box"], "border": colour, "highlight": {"background": theme["box"], "border": colour},
                  "hover": {"background": theme["box"], "border": colour}},
        "borderWidth": 2,
        "margin": 6,
        "font": {"color": theme["text"] if picked else theme["muted"], "size": 14},
        "shapeProperties": {"borderDashes": False if picked else [5, 4], "borderRadius": 6},
        "widthConstraint": {"maximum": 150},
    }  # fmt: skip


def _line(row: Row, colour: str, strongest: float) -> dict[str, Any]:
    if row["picked"]:
        width = 1.5 + 6.0 * abs(row["contribution"]) / strongest
        return {
            "color": colour,
            "width": round(width, 2),
            "title": _tooltip(row),
            "arrowStrikethrough": False,
        }
    return {
        "color": {"color": colour, "opacity": 0.7},
        "width": round(1 + 2 * row["inclusion_probability"], 2),
        "dashes": [6, 5],
        "title": _tooltip(row),
    }


def _tooltip(row: Row) -> str:
    via = f" via {shorten(', '.join(map(str, row['via'])), TOOLTIP)}" if len(row["via"]) else ""
    drawn = f"drawn, contributes {row['contribution']:+.4f}" if row["picked"] else "not drawn"
    return _plain(
        f"{shorten(row['relation'], TOOLTIP)}{via}: {drawn}; logit {row['logit']:.2f}, probability of being drawn {row['inclusion_probability']:.1%}"
    )


def _node(item_id: Hashable) -> str:
    return f"item {item_id}"


def _short(title: str) -> str:
    return shorten(title, LABEL) or "(no title)"


def _plain(text: str) -> str:
    """pyvis shows every tooltip as HTML as soon as one of them holds "href": a word joiner parts it."""
    return re.sub("(?i)(h)(ref)", "\\1\u2060\\2", text)


def _sentence(centre: str, picked: pd.DataFrame, missed: pd.DataFrame) -> str:
    if not len(picked):
        return f"{centre} stands alone: it has no candidates."
    names = ", ".join(
        f"{shorten(row.title, TOOLTIP)} ({shorten(row.relation, TOOLTIP)}, {row.contribution:+.3f})"
        for row in picked.head(3).itertuples()
    )
    return f"{centre} with the {len(picked)} candidates drawn, most important first: {names}; beside them the {len(missed)} best that were not drawn."


def _legend(relations: list[str], colours: Mapping[str, str]) -> str:
    swatch = '<span class="key"><i style="background:{}"></i>{}</span>'
    entries = [
        swatch.format(html.escape(colours[name]), html.escape(shorten(name, LABEL))) for name in relations
    ]
    entries += [
        '<span class="key"><b></b>drawn: the thicker, the more it contributes</span>',
        '<span class="key"><b class="no"></b>not drawn</span>',
    ]
    return f'<div class="legend">{"".join(entries)}</div>'


# There are few heights and two themes, and searching 0.7 MB four times takes longer than all the rest
@lru_cache(maxsize=16)
def _offline(head: str) -> str:
    """The page's head, with pyvis' scripts in it, without addresses and empty headings."""
    head = re.sub(r"<center>\s*<h1></h1>\s*</center>", "", head)
    head = re.sub(r"<link\b[^>]*\bhttps?://[^>]*/?>", "", head)
    head = re.sub(r"<script\b[^>]*\bsrc=[^>]*>\s*</script>", "", head)
    head = re.sub(r"<!--.*?-->|//# sourceMappingURL=\S+?(?=</script>)", "", head, flags=re.S)
    return head


def _finish(page: str, theme: Mapping[str, str], alt: str, legend: str) -> str:
    """Take the addresses and empty headings out of pyvis' page; give it a language, a title, a text
    alternative and our colours.
    """
    head_end = page.index("</style>", page.index("#mynetwork {"))
    head, body = _offline(page[:head_end]), page[head_end:]
    style = (
        f"html,body{{margin:0;background:{theme['page']};color:{theme['text']};font:13px {FONT}}}"
        "#mynetwork{border:0!important;float:none!important}.card{border:0}"
        f".legend{{display:flex;flex-wrap:wrap;gap:4px 16px;padding:6px 4px;color:{theme['muted']}}}.key{{display:flex;align-items:center;gap:6px}}"
        ".key i{width:12px;height:12px;border-radius:3px}.key b{width:22px;border-top:3px solid}.key b.no{border-top:2px dashed}"
        f"div.vis-tooltip{{background:{theme['box']}!important;color:{theme['text']}!important;border-color:{theme['muted']}!important;"
        f"font:13px {FONT}!important;white-space:pre-line!important;max-width:320px}}"
    )
    opening = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<title>{html.escape(alt)}</title>'
    head = re.sub(r"<html>\s*<head>", lambda _: opening, head, count=1)
    body = body.replace(
        '<div id="mynetwork"', f'<div id="mynetwork" role="img" aria-label="{html.escape(alt)}"', 1
    )
    fit = (  # a mouse wheel over the drawing scrolls the page; fingers may zoom
        "<script>const fitAll = () => network.fit({maxZoomLevel: 1.15}); addEventListener('resize', fitAll); fitAll();"
        "if (matchMedia('(pointer: coarse)').matches) network.setOptions({interaction: {zoomView: true}});</script>"
    )
    return head + style + body.replace("</body>", f"{legend}{fit}</body>", 1)
