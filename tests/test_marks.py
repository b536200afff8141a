"""Colours and shapes of the relations: legible on both pages, distinct under colour blindness."""

from itertools import combinations

import numpy as np
import pytest

from dskreg.ui.sampling.graph import marks
from dskreg.ui.sampling.graph.drawing import PAGE

SEEN_BY = {  # of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1
    "everybody": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB, white point D65."""
    x, y, z = (
        np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in np.array(XYZ) @ np.clip(colour, 0, 1) / WHITE
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eye", SEEN_BY)
def test_any_two_colours_differ_for_every_eye(eye: str, dark: bool) -> None:
    seen = [
        lab(np.array(SEEN_BY[eye]) @ linear(each)) for each in (*marks.COLOURS[dark], marks.NEGATIVE[dark])
    ]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) >= 10


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_has_contrast_with_its_page(dark: bool) -> None:
    for colour in (*marks.COLOURS[dark], marks.NEGATIVE[dark]):
        one, other = sorted(float(linear(c) @ XYZ[1]) for c in (colour, PAGE[dark]))
        assert (other + 0.05) / (one + 0.05) >= 3, colour


def test_relations_differ_in_colour_and_in_shape() -> None:
    names = [f"relation {n}" for n in range(7)]
    for given in (marks.colours(names).values(), marks.colours(names, dark=True).values()):
        assert len(set(given)) == 7
    assert len(set(marks.shapes(names).values())) == 7 == len({glyph for _, glyph in marks.SHAPES})
