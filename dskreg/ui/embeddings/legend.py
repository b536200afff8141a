"""The legend of a map as text below it, which wraps on narrow screens and leaves the map its height."""

from dskreg.ui.common.charts import PAGE
from dskreg.ui.common.figure import Figure

SIGNS = {  # plotly's symbol: a character
    "circle": "\u25cf",
    "circle-open": "\u25cb",
    "square": "\u25a0",
    "triangle-up": "\u25b2",
    "triangle-down": "\u25bc",
    "diamond": "\u25c6",
    "diamond-open": "\u25c7",
    "hexagram": "\u2721",
    "star": "\u2605",
}
LINE = "\u2014"
RANK = 1000  # plotly's own
STYLE = """<style>
.map-legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13px }
.map-legend b { font-size: 15px; font-weight: 400; margin-right: 4px }
</style>"""


def html(figure: Figure, ink: str) -> str:
    """The figure's groups and marks, each name with its sign; marks first. `ink` is the colour of text."""
    signs: dict[str, tuple[str, str]] = {}
    for trace in sorted(figure.data, key=lambda trace: trace.get("legendrank", RANK)):
        symbol = trace.get("marker", {}).get("symbol")
        symbol = symbol if isinstance(symbol, str) else ""
        colour = trace["marker" if symbol else "line"].get("color", ink)
        signs.setdefault(trace["name"], (SIGNS.get(symbol, LINE), ink if colour in PAGE.values() else colour))
    # The names of traces are escaped
    entries = [
        f"<span><b aria-hidden='true' style='color:{colour}'>{sign}</b>{name}</span>"
        for name, (sign, colour) in signs.items()
    ]
    return f"{STYLE}<div class='map-legend'>{''.join(entries)}</div>"
