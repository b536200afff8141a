"""A colour and a shape for every relation of the knowledge graph, and the colour of what lowers the score.

On the dark page the colours are those of Okabe and Ito (2008), with a light grey for their black. On the
light page three of them have a contrast below 3 : 1, so the colours there are darker variants. Under
deuteranopia and protanopia any two differ by at least 10 in CIELAB (tests/test_marks.py). Vermilion is kept
for negative contributions.
"""

from __future__ import annotations

from collections.abc import Iterable

from dskreg.ui.common.charts import OTHER

COLOURS = {  # by "is dark"
    False: ("#00498a", "#b58900", "#00664c", "#b85c94", "#3b97d3", "#454b00", "#30383a"),
    True: ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#e8eeee"),
}
NEGATIVE = {False: "#c93f00", True: "#d55e00"}
SHAPES = (  # ECharts' symbol, and the same as a character
    ("rect", "\u25a0"),
    ("triangle", "\u25b2"),
    ("diamond", "\u25c6"),
    ("path://M-5-4H5L0 5Z", "\u25bc"),
    ("path://M0-5 1.2-1.6 4.8-1.6 1.9 .5 2.9 4 0 1.9-2.9 4-1.9 .5-4.8-1.6-1.2-1.6Z", "\u2605"),
    ("path://M-2-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z", "\u271a"),
    ("path://M-2.5-4.3H2.5L5 0 2.5 4.3H-2.5L-5 0Z", "\u2b22"),
)


def colours(relations: Iterable[str], dark: bool = False) -> dict[str, str]:
    """A colour for each of the first seven relations, grey for the rest; the order decides."""
    names = list(dict.fromkeys(relations))
    return dict(zip(names, (*COLOURS[dark], *[OTHER] * len(names)), strict=False))


def shapes(relations: Iterable[str]) -> dict[str, tuple[str, str]]:
    """ECharts' symbol and the character of each relation; after seven the shapes repeat."""
    return {name: SHAPES[n % len(SHAPES)] for n, name in enumerate(dict.fromkeys(relations))}
