"""How colours look: to everybody and to the colour-blind, and on a page."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np

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


def least_difference(colours: Iterable[str], eye: str) -> float:
    """The smallest CIELAB distance of any two of the colours, as the eye (a key of SEEN_BY) sees them."""
    seen = [lab(np.array(SEEN_BY[eye]) @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))


def contrast(colour: str, page: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    one, other = sorted(float(linear(each) @ XYZ[1]) for each in (colour, page))
    return (other + 0.05) / (one + 0.05)
