"""The graph of one sample as an interactive HTML file that works offline.

pyvis writes the page; everything that it would fetch is removed and a content policy forbids the rest.
Names come from files of unknown origin: vis draws labels on a canvas and tooltips as plain text.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

from pyvis.network import Network

from dskreg.ui.common.charts import PAGE
from dskreg.ui.sampling.graph.drawing import TEXT
from dskreg.ui.sampling.graph.network import Graph

WIDER, TALLER = 13.0, 76.0  # pixels per percent of the width and per row; boxes need more room than labels
FONT = "13px system-ui,sans-serif"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
OPTIONS = {
    "physics": {"enabled": False},
    "interaction": {"hover": True, "tooltipDelay": 100},
    "edges": {"smooth": False},
}


def page(graph: Graph, dark: bool = False) -> str:
    """The file: the same nodes, edges, colours and texts as the chart in the app."""
    net = Network("90vh", "100%", cdn_resources="in_line", bgcolor=PAGE[dark])
    net.set_options(json.dumps(OPTIONS))
    for node, glyph in zip(graph.nodes, graph.glyphs, strict=True):
        style = node["itemStyle"]
        border = style.get("borderColor", style["color"])
        unsampled = style["color"] == PAGE[dark]
        net.add_node(
            node["id"],
            label=f"{glyph} {node['name']}".strip(),
            title=_no_markup(node["tooltip"]["formatter"]),
            x=round(WIDER * node["value"][0]),
            y=round(TALLER * node["value"][1]),
            shape="box",
            margin=6,
            color={"background": PAGE[dark], "border": border},
            borderWidth=style.get("borderWidth") or 3,
            shapeProperties={"borderDashes": [5, 4] if unsampled else False},
            font={"color": node["label"]["color"], "size": 14},
        )
    for number, link in enumerate(graph.links):
        net.add_edge(link["source"], link["target"], id=number, **_edge(link))
    return _offline(net.generate_html(), graph, dark)


def _edge(link: dict[str, Any]) -> dict[str, Any]:
    line = link["lineStyle"]
    return {
        "title": _no_markup(link["tooltip"]["formatter"]),
        "color": {"color": line["color"], "opacity": line.get("opacity", 1.0)},
        "width": line["width"],
        "dashes": {"dashed": [8, 5], "dotted": [2, 4]}.get(line.get("type", ""), False),
    }


def _no_markup(text: str) -> str:
    """pyvis shows every tooltip as HTML as soon as one of them holds "href": a word joiner parts it."""
    return re.sub("(?i)(h)(ref)", "\\1\u2060\\2", text)


def _offline(page: str, graph: Graph, dark: bool) -> str:
    """Take the addresses and empty headings out of pyvis' page; add a language, a title, a text alternative
    and a legend.
    """
    cut = page.index("</style>", page.index("#mynetwork {"))  # what follows holds the names
    head, body = page[:cut], page[cut:]
    head = re.sub(r"<center>\s*<h1></h1>\s*</center>|<link\b[^>]*\bhttps?://[^>]*/?>", "", head)
    head = re.sub(r"<script\b[^>]*\bsrc=[^>]*>\s*</script>", "", head)
    head = re.sub(r"<!--.*?-->|//# sourceMappingURL=\S+?(?=</script>)", "", head, flags=re.S)
    alt = html.escape(graph.alt)
    opening = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{alt}</title>'
    )
    head = re.sub(r"<html>\s*<head>", lambda _: opening, head, count=1)
    body = body.replace('<div id="mynetwork"', f'<div id="mynetwork" role="img" aria-label="{alt}"', 1)
    text, muted = TEXT[dark]
    style = (
        f"html,body{{margin:0;background:{PAGE[dark]};color:{text};font:{FONT}}}"
        "#mynetwork{border:0!important;float:none!important}.card{border:0}"
        f".legend{{display:flex;flex-wrap:wrap;gap:4px 16px;padding:6px 8px;color:{muted}}}"
        ".legend i{font-style:normal;margin-right:6px}"
        f"div.vis-tooltip{{background:{PAGE[dark]}!important;color:{text}!important;font:{FONT}!important;"
        "white-space:pre-line!important;max-width:320px}"
    )
    swatches = "".join(
        f'<span><i style="color:{html.escape(each["itemStyle"]["color"])}">{glyph}</i>'
        f"{html.escape(each['name'])}</span>"
        for each, glyph in zip(graph.option["series"][0]["categories"], graph.legend, strict=True)
    )
    legend = f'<div class="legend">{swatches}<span>{html.escape(graph.caption)}</span></div>'
    return head + style + body.replace("</body>", f"{legend}</body>", 1)
