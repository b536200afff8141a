"""The walkable network: one title in the middle, its picks on the right, the best that were not drawn on the
left. An option object for ECharts.

ECharts draws every text as text (SVG labels, plain-text tooltips), so titles need no escaping beyond taking
apart its `{b}` placeholders.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import pandas as pd

from dskreg.ui.common.charts import LIKED, OTHER, shorten

MOST_PICKED, MOST_PASSED = 12, 6  # nodes on either side
HEIGHT, LABEL, TOOLTIP = 440, 26, 200  # pixels, characters
# Of the bow, in the drawing's own units: about pixels on a wide screen; narrow, for the labels need the room
# beside it
ACROSS, UP = 105, 190
NARROW = 520  # pixels: below, labels are shorter

# Of the app's themes (.streamlit/config.toml): normal, muted
_TEXT = {False: ("#0f1718", "#566364"), True: ("#e8eeee", "#a3b1b3")}
_PAGE = {False: "#fdfdfc", True: "#12191b"}
_CENTRE = {False: "#0f6e6e", True: "#3fb0aa"}


@dataclass(frozen=True)
class Walk:
    """What to draw and what it shows."""

    option: dict[str, Any]
    nodes: list[Any]  # the id behind each node of the drawing; the centre first
    # The drawing's neighbours as rows, in the order of `nodes[1:]`: one per title, its strongest tie
    table: pd.DataFrame
    alt: str


def walk(
    candidates: pd.DataFrame,
    centre: tuple[Any, str],
    colours: Mapping[str, str],
    liked: Collection[Hashable] = (),
    dark: bool = False,
) -> Walk:
    """The neighbourhood of `centre` (id, title), from its candidates, largest key first."""
    once = (
        candidates.sort_values("contribution", key=abs, ascending=False, kind="stable")
        .drop_duplicates("item_id")
        .sort_index()
    )
    picked = (
        once[once["picked"]]
        .sort_values("contribution", key=abs, ascending=False, kind="stable")
        .head(MOST_PICKED)
    )
    missed = once[~once["picked"]].head(MOST_PASSED)
    table = (
        pd.concat([picked, missed]).reset_index(drop=True) if len(missed) else picked.reset_index(drop=True)
    )
    text, muted = _TEXT[dark]
    label = {"position": "bottom", "color": text, "fontWeight": "bold", "fontSize": 13}
    label |= {"textBorderColor": _PAGE[dark], "textBorderWidth": 3}  # it stands on the lines
    middle: dict[str, Any] = {
        "id": "0",
        "name": _label(centre[1]),
        "value": centre[1],
        "x": 0,
        "y": 0,
        "symbolSize": 34,
        "label": label,
    }
    middle |= {
        "itemStyle": {"color": _CENTRE[dark]},
        "tooltip": {"formatter": _unbraced(shorten(centre[1], TOOLTIP))},
    }
    nodes, links = [middle], []
    strongest = max(float(picked["contribution"].abs().max()), 1e-12) if len(picked) else 1.0
    for side, part in ((1, picked), (-1, missed)):
        for place, row in enumerate(part.to_dict("records")):
            number = str(len(nodes))
            colour = colours.get(row["relation"], OTHER)
            nodes.append(
                _node(
                    number,
                    row,
                    _place(side, place, len(part)),
                    colour,
                    (text, muted),
                    row["item_id"] in liked,
                )
            )
            strength = abs(row["contribution"]) / strongest
            line = (
                {"color": colour, "width": 1.5 + 5 * strength}
                if row["picked"]
                else {"color": colour, "width": 1.2, "type": "dashed", "opacity": 0.7}
            )
            links.append({"source": number, "target": "0", "lineStyle": line})
    alt = f"{centre[1]} with {len(picked)} neighbours drawn on the right and {len(missed)} not drawn on the left; choose one to go on to it"
    return Walk(_option(nodes, links), [centre[0], *table["item_id"].tolist()], table, alt)


def _place(side: int, place: int, count: int) -> tuple[float, float]:
    """On a bow beside the centre, evenly spaced in height, so that labels never meet."""
    y = 0.0 if count == 1 else 2 * place / (count - 1) - 1
    return side * ACROSS * (0.55 + 0.45 * sqrt(max(0.0, 1 - 0.9 * y * y))), UP * y


def _node(
    number: str,
    row: dict[Hashable, Any],
    place: tuple[float, float],
    colour: str,
    inks: tuple[str, str],
    liked: bool,
) -> dict[str, Any]:
    picked = bool(row["picked"])
    heart = "\u2665 " if liked else ""
    facts = [
        f"{row['relation']}{': ' + ', '.join(row['via'][:3]) if row['via'] else ''}",
        f"probability of being drawn {row['inclusion_probability']:.0%}",
    ]
    facts += [f"drawn, adds {row['contribution']:+.3f}"] if picked else ["not drawn"]
    return {
        "id": number,
        "name": heart + _label(row["title"]),
        "value": row["title"],
        "x": place[0],
        "y": place[1],
        "symbolSize": 12 + 12 * float(row["inclusion_probability"]),
        "itemStyle": {
            "color": colour if picked else "rgba(0,0,0,0)",
            "borderColor": LIKED if liked else colour,
            "borderWidth": 2,
        },
        "label": {
            "position": "right" if place[0] > 0 else "left",
            "color": inks[0] if picked else inks[1],
            "fontSize": 13,
        },
        "tooltip": {
            "formatter": "\n".join(_unbraced(shorten(line, TOOLTIP)) for line in (row["title"], *facts))
        },
    }


def _option(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    series = {
        "type": "graph",
        "layout": "none",
        "preserveAspect": "contain",
        "data": nodes,
        "links": links,
        "left": "32%",
        "right": "32%",
        "top": 24,
        "bottom": 24,
        "cursor": "pointer",
        "label": {"show": True, "width": 175, "overflow": "truncate"},
        "selectedMode": "single",
        "edgeSymbol": ["none", "none"],
        "select": {"itemStyle": {"borderWidth": 4}},
    }
    narrow = {"series": [{"left": "36%", "right": "36%", "label": {"width": 108}}]}
    return {
        "animationDurationUpdate": 200,
        "tooltip": {"renderMode": "richText", "confine": True},
        "series": [series],
        "media": [{"query": {"maxWidth": NARROW}, "option": narrow}],
    }


def _label(title: object) -> str:
    return _unbraced(shorten(title, LABEL)) or "(no title)"


def _unbraced(text: object) -> str:
    """Without ECharts' placeholders and rich-text marks: a word joiner after each brace and bar."""
    return " ".join(str(text).split()).replace("{", "{\u2060").replace("|", "|\u2060")
