"""Colours of the charts: legible on both pages, distinct under colour blindness; groups of a map differ."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from dskreg.ui.common import charts
from dskreg.ui.embeddings import colouring, legend
from tests.colour_vision import SEEN_BY, contrast, least_difference

THEME = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]


@pytest.mark.parametrize("eye", SEEN_BY)
def test_any_two_colours_differ_for_every_eye(eye: str) -> None:
    assert least_difference((*charts.COLOURS, charts.LIKED, charts.OTHER), eye) >= 10
    assert least_difference(charts.WARM_TO_COLD, eye) >= 10


@pytest.mark.parametrize("dark", [False, True])
def test_colours_and_text_have_contrast_with_the_page(dark: bool) -> None:
    theme = THEME["dark" if dark else "light"]
    assert (theme["backgroundColor"], theme["textColor"]) == (charts.PAGE[dark], charts.INK[dark])
    assert contrast(charts.INK[dark], charts.PAGE[dark]) >= 4.5
    for colour in (*charts.COLOURS, *charts.WARM_TO_COLD, charts.OTHER, charts.LIKED):
        assert contrast(colour, charts.PAGE[dark]) >= 3, colour


def test_groups_of_a_map_differ_in_colour_or_shape_and_neighbours_in_both() -> None:
    names = [f"{n:02}" for n in range(35)]
    glyphs = colouring.glyphs_of(pd.Series(pd.Categorical(names, names)), "type")
    assert len(set(glyphs.values())) == 35 > colouring.MOST_GROUPS
    for one, other in pairwise(names):
        assert glyphs[one].colour != glyphs[other].colour and glyphs[one].symbol != glyphs[other].symbol
    assert {glyph.symbol for glyph in glyphs.values()} <= set(legend.SIGNS)
    assert len({legend.SIGNS[symbol] for symbol in legend.SIGNS}) == len(legend.SIGNS)
    ordered = colouring.glyphs_of(pd.Series(pd.Categorical(list("abcde"))), "popularity")
    assert len({glyph.colour for glyph in ordered.values()}) == 5


@pytest.mark.parametrize(
    ("values", "zoomed"),
    [([0.33, 0.36, 0.259], True), ([0.1, 0.9], False), ([-1.0, 2.0], False), ([], False)],
)
def test_an_axis_that_does_not_begin_at_0_says_so(values: list[float], zoomed: bool) -> None:
    assert charts.from_zero(values) == ({"title": charts.ZOOMED} if zoomed else {"rangemode": "tozero"})
