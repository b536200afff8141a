"""Colours and shapes of the relations: legible on both pages, distinct under colour blindness."""

import pytest

from dskreg.ui.common.charts import PAGE
from dskreg.ui.sampling.graph import marks
from tests.colour_vision import SEEN_BY, contrast, least_difference


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eye", SEEN_BY)
def test_any_two_colours_differ_for_every_eye(eye: str, dark: bool) -> None:
    assert least_difference((*marks.COLOURS[dark], marks.NEGATIVE[dark]), eye) >= 10


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_has_contrast_with_its_page(dark: bool) -> None:
    for colour in (*marks.COLOURS[dark], marks.NEGATIVE[dark]):
        assert contrast(colour, PAGE[dark]) >= 3, colour


def test_relations_differ_in_colour_and_in_shape() -> None:
    names = [f"relation {n}" for n in range(7)]
    for given in (marks.colours(names).values(), marks.colours(names, dark=True).values()):
        assert len(set(given)) == 7
    assert len(set(marks.shapes(names).values())) == 7 == len({glyph for _, glyph in marks.SHAPES})
